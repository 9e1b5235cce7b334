//! Two letters in the place of a picture.

use leptos::prelude::*;

/// The initials of a name: of its first and last word.
pub fn initials(name: &str) -> String {
    let mut words = name.split_whitespace().filter_map(|word| word.chars().find(|c| c.is_alphanumeric()));
    let first = words.next();
    first.into_iter().chain(words.next_back()).flat_map(char::to_uppercase).collect()
}

/// A person's initials in a circle. The name stands beside it, so it is hidden from those who listen.
#[component]
pub fn Face(
    /// The person's name.
    name: String,
) -> impl IntoView {
    view! { <span class="face" aria-hidden="true">{initials(&name)}</span> }
}

#[cfg(test)]
mod tests {
    use super::initials;

    #[test]
    fn initials_are_of_the_first_and_the_last_word() {
        assert_eq!(initials("Ines Vidal"), "IV");
        assert_eq!(initials("Ada (King) Lovelace"), "AL");
        assert_eq!(initials("mira@acme.example"), "M");
        assert_eq!(initials("–"), "");
    }
}
