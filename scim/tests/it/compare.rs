use scim::compare::{fold, instant, key};

#[test]
fn case_is_folded_without_a_locale_and_without_looking_at_neighbours() {
    assert_eq!(fold("MÜLLER"), fold("müller"));
    assert_eq!(fold("ΟΔΟΣ"), fold("οδος"));
    assert_eq!(fold("I"), "i");
    // A dotless i is another letter, and so another name.
    assert_ne!(fold("mıra"), fold("mira"));
}

#[test]
fn only_what_is_not_case_exact_is_folded() {
    assert_eq!(key("Mira", true), "Mira");
    assert_eq!(key("Mira", false), "mira");
}

#[test]
fn a_time_is_read_in_every_zone_and_precision() {
    let expected = instant("2026-01-02T03:04:05Z");
    assert!(expected.is_some());
    for text in [
        "2026-01-02T03:04:05",
        "2026-01-02T03:04:05.000Z",
        "2026-01-02T03:04:05.0000000Z",
        "2026-01-02T04:04:05+01:00",
        "2026-01-02T04:04:05+0100",
        "2026-01-01T22:04:05-05:00",
    ] {
        assert_eq!(instant(text), expected, "{text}");
    }
    for text in ["", "é", "2026-01-02", "yesterday", "2026-13-02T03:04:05Z", "1767323045"] {
        assert_eq!(instant(text), None, "{text}");
    }
}
