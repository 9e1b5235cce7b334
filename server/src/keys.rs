//! The key file: read at the start, and made where there is none.

use std::{
    fs::OpenOptions,
    io::{ErrorKind, Write},
    path::Path,
};

use directory::{Randomness, keys::Keys, private_folder};

/// Read the keys in `path`; where there is no such file, make one with a new key that only its owner can read. Nodes that start at the
/// same time on one folder end up with the same file, and it is there whole or not at all.
///
/// # Errors
/// A sentence that says what to do.
pub fn load(path: &Path, randomness: &Randomness) -> Result<Keys, String> {
    let wrong =
        |why: &dyn std::fmt::Display| format!("The key file {} cannot be used: {why}. Set ROLLCALL_KEY_FILE to another.", path.display());
    if !path.exists() {
        make(path, randomness).map_err(|error| wrong(&error))?;
    }
    let text = std::fs::read_to_string(path).map_err(|error| wrong(&error))?;
    Keys::read(&text).map_err(|why| wrong(&why))
}

fn make(path: &Path, randomness: &Randomness) -> std::io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        private_folder(folder)?;
    }
    let line = Keys::new_line(randomness);
    let mut name = [0; 8];
    randomness(&mut name);
    let draft = path.with_extension(format!("{:016x}", u64::from_be_bytes(name)));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&draft)?;
    let text = format!(
        "# Keys that Rollcall's signatures and people's second factors are made from. The first line is for what is new; keep the others.\n{line}\n"
    );
    let made = file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).and_then(|()| std::fs::hard_link(&draft, path));
    std::fs::remove_file(&draft)?;
    match made {
        // Another node was first: its file is ours as well.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        made => made,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system;

    #[test]
    fn nodes_that_start_together_have_one_key() {
        let mut bytes = [0; 8];
        (system::randomness())(&mut bytes);
        let folder = std::env::temp_dir().join(format!("rollcall-test-k{:016x}", u64::from_be_bytes(bytes)));
        let path = folder.join("keys");
        let ids: Vec<String> = std::thread::scope(|scope| {
            let nodes: Vec<_> = (0..8).map(|_| scope.spawn(|| load(&path, &system::randomness()).unwrap())).collect();
            nodes.into_iter().map(|node| node.join().unwrap().ids().next().unwrap().to_owned()).collect()
        });
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1, "no drafts are left");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
