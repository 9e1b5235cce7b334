//! What a new password must be, as far as its length tells (OWASP ASVS 5.0, 6.2).
//!
//! Whether it is a common one is decided on the server, where the lists are.

use crate::Invalid;

/// The fewest characters.
pub const SHORTEST: usize = 12;
/// The most bytes: far beyond any passphrase, and a bound on what a stranger can have us hash.
pub const LONGEST_BYTES: usize = 1024;

/// Check the length of a new password; `field` is the form's field.
pub fn check_length(password: &str) -> Result<(), Invalid> {
    if password.chars().count() < SHORTEST {
        return Err(Invalid::new("password", "Use at least 12 characters. A few unrelated words make a good passphrase."));
    }
    if password.len() > LONGEST_BYTES {
        return Err(Invalid::new("password", "Use at most 1,024 bytes."));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_is_counted_in_characters() {
        assert!(check_length("éééééééééééé").is_ok());
        assert!(check_length("elevenchars").is_err());
        assert!(check_length(&"a long passphrase ".repeat(50)).is_ok());
        assert!(check_length(&"x".repeat(1025)).is_err());
    }
}
