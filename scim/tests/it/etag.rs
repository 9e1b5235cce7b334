use scim::{Preconditions, Tags};

fn these(tags: &[&str]) -> Tags {
    Tags::These(tags.iter().map(|tag| (*tag).to_owned()).collect())
}

#[test]
fn a_header_lists_tags_in_any_form() {
    for (header, expected) in [
        ("*", Tags::Any),
        ("  * ", Tags::Any),
        ("W/\"1\"", these(&["1"])),
        ("\"1\"", these(&["1"])),
        ("1", these(&["1"])),
        ("W/1", these(&["1"])),
        ("\"1\", W/\"2\",\"3-x_Y\"", these(&["1", "2", "3-x_Y"])),
        ("1, 2", these(&["1", "2"])),
        (" ,, \"1\" ,\t\"2\" , ", these(&["1", "2"])),
        ("\"a, b\", \"c\"", these(&["a, b", "c"])),
        ("\"*\"", these(&["*"])),
        ("\"1", these(&["1"])),
        ("", these(&[])),
        (" , ", these(&[])),
        ("\"\"", these(&[])),
        ("W/", these(&[])),
        ("W/\"", these(&[])),
    ] {
        assert_eq!(Tags::parse(header), expected, "{header:?}");
    }
}

#[test]
fn whatever_a_header_says_it_is_read_to_its_end() {
    let pieces = ["\"", "W/", ",", " ", "1", "*", "\"1\"", "é"];
    for first in pieces {
        for second in pieces {
            for third in pieces {
                for fourth in pieces {
                    let header = format!("{first}{second}{third}{fourth}");
                    if let Tags::These(tags) = Tags::parse(&header) {
                        assert!(tags.len() <= 4 && tags.iter().all(|tag| !tag.is_empty()), "{header:?}: {tags:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn any_version_is_any_and_one_of_these_is_one_of_these() {
    assert!(Tags::Any.any(|_| false));
    let tags = these(&["1", "2"]);
    assert!(tags.any(|tag| tag == "2") && !tags.any(|tag| tag == "3"));
    assert!(!these(&[]).any(|_| true));
}

#[test]
fn a_change_is_allowed_by_both_conditions_or_not_at_all() {
    let allowed = |if_match: Option<&str>, if_none_match: Option<&str>| {
        let conditions = Preconditions { if_match: if_match.map(Tags::parse), if_none_match: if_none_match.map(Tags::parse) };
        conditions.allow(|tag| tag == "2")
    };
    for (if_match, if_none_match, expected) in [
        (None, None, true),
        (Some("\"2\""), None, true),
        (Some("\"1\""), None, false),
        (Some("*"), None, true),
        // A condition that nothing can fulfil is none that was not made.
        (Some(""), None, false),
        (None, Some("\"2\""), false),
        (None, Some("\"1\""), true),
        (None, Some("*"), false),
        (None, Some(""), true),
        (Some("\"2\""), Some("\"1\""), true),
        (Some("\"2\""), Some("\"2\""), false),
        (Some("\"1\""), Some("\"1\""), false),
    ] {
        assert_eq!(allowed(if_match, if_none_match), expected, "{if_match:?} {if_none_match:?}");
    }
}
