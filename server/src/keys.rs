//! The key file: read at the start, and made where there is none.

use std::{
    fs::OpenOptions,
    io::{ErrorKind, Write},
    path::Path,
};

use directory::{Randomness, keys::Keys, private_folder};

/// Read the keys in `path`; where there is no such file, make one with a new key that only its owner can read.
///
/// # Errors
/// A sentence that says what to do.
pub fn load(path: &Path, randomness: &Randomness) -> Result<Keys, String> {
    let wrong =
        |why: &dyn std::fmt::Display| format!("The key file {} cannot be used: {why}. Set ROLLCALL_KEY_FILE to another.", path.display());
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        private_folder(folder).map_err(|error| wrong(&error))?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(mut file) => {
            let text = format!(
                "# Keys that sign what Rollcall tells other systems. The first line signs; keep the others.\n{}\n",
                Keys::new_line(randomness)
            );
            file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(|error| wrong(&error))?;
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(wrong(&error)),
    }
    let text = std::fs::read_to_string(path).map_err(|error| wrong(&error))?;
    Keys::read(&text).map_err(|why| wrong(&why))
}
