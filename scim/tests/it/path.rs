use scim::Path;
use scim::ScimType::InvalidPath;

use crate::{ENTERPRISE, refusal};

#[test]
fn every_form_of_the_grammar_is_read() {
    for text in [
        "userName",
        "name.familyName",
        "members",
        "members[value eq \"u_1\"]",
        "members[value eq \"u_1\"].$ref",
        "emails[type eq \"work\" and value co \"@x.test\"].value",
        "addresses[type eq \"a ] b\"].locality",
        &format!("{ENTERPRISE}:manager.value"),
        "urn:ietf:params:scim:schemas:core:2.0:User:emails[type eq \"work\"].value",
    ] {
        assert_eq!(Path::parse(text).expect(text).to_string(), text);
    }
}

#[test]
fn a_malformed_path_is_refused_and_not_taken_for_none() {
    for text in [
        "",
        " ",
        "emails[broken!!!filter",
        "emails[]",
        "emails[type eq \"work\"",
        "emails[type eq \"work\"]]",
        "emails[type eq \"work\"].value.more",
        "emails[type eq \"work\"] value",
        "emails[phones[type eq \"x\"]]",
        "name.given[value eq \"x\"]",
        "name.",
        ".name",
        "a.b.c",
        "user name",
        "1name",
        "/userName",
        "emails[type regex \"work\"]",
    ] {
        assert_eq!(refusal(Path::parse(text)), (400, Some(InvalidPath)), "{text}");
    }
}

#[test]
fn an_overlong_path_is_refused_in_short() {
    let text = format!("emails[value eq \"{}\"]", "x".repeat(100_000));
    let error = Path::parse(&text).expect_err("a refusal");
    assert!(error.detail.len() < 500, "{}", error.detail);
}
