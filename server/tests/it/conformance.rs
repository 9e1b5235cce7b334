//! `docs/conformance.md` says what is proven, and by what: here it is held to that.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

/// The last numbered line.
const LINES: usize = 162;
/// The last line of hostile and broken requests.
const HOSTILE: usize = 20;
/// Where tests may live.
pub const TESTS: [&str; 6] = ["scim/tests", "server/tests", "scim/src", "domain/src", "directory/src", "server/src"];

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The names of all functions in the Rust files below `folder`.
pub fn functions(folder: &Path, names: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            functions(&path, names);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let after = text.split("fn ").skip(1).filter_map(|rest| rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next());
            names.extend(after.map(str::to_owned));
        }
    }
}

#[test]
fn the_page_on_conformance_is_complete_and_names_tests_that_exist() {
    let page = std::fs::read_to_string(root().join("docs/conformance.md")).unwrap();
    let mut tests = BTreeSet::new();
    for folder in TESTS {
        functions(&root().join(folder), &mut tests);
    }

    let mut numbers = vec![];
    let mut wrong = vec![];
    for row in page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| |") && !line.starts_with("| ---")) {
        let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [number, _, verdict, proof] = cells[..] else {
            wrong.push(format!("four cells are expected: {row}"));
            continue;
        };
        numbers.push(number.to_owned());
        // What stands between backticks and has the form of a test's name, or of a script's path.
        let named: Vec<_> = proof.split('`').skip(1).step_by(2).filter(|name| name.contains('_') || name.starts_with("scripts/")).collect();
        let missing = named.iter().filter(|name| !tests.contains(**name) && !root().join(name).is_file());
        wrong.extend(missing.map(|name| format!("{number} names {name}, which does not exist")));
        match verdict {
            "done" if named.is_empty() => wrong.push(format!("{number} is done and names no test")),
            "decided" | "later" | "not ours" if proof.is_empty() => wrong.push(format!("{number} gives no reason")),
            "done" | "decided" | "later" | "not ours" => {}
            other => wrong.push(format!("{number} is {other}")),
        }
    }
    let expected = (1..=LINES).map(|number| number.to_string()).chain((1..=HOSTILE).map(|number| format!("N{number}")));
    assert_eq!(numbers, expected.collect::<Vec<_>>(), "each line once, in order");
    assert!(wrong.is_empty(), "{wrong:#?}");
}
