use scim::ScimType::{InvalidSyntax, InvalidValue};
use scim::{Error, json::parse};
use serde_json::json;

use crate::refusal;

#[test]
fn ordinary_json_is_read_as_it_is() {
    let body = br#"{"a": [1, -2, 0.5, true, null, "x\u00e9"], "b": {}}"#;
    assert_eq!(parse(body), Ok(json!({"a": [1, -2, 0.5, true, null, "x\u{e9}"], "b": {}})));
}

#[test]
fn a_name_given_twice_is_refused_in_any_case() {
    assert_eq!(refusal(parse(br#"{"active":true,"active":false}"#)), (400, Some(InvalidSyntax)));
    assert_eq!(refusal(parse(br#"{"active":true,"Active":false}"#)), (400, Some(InvalidSyntax)));
    assert_eq!(refusal(parse(br#"{"x":[{"a":1,"a":1}]}"#)), (400, Some(InvalidSyntax)));
}

#[test]
fn nesting_is_bounded() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(parse(nested(64).as_bytes()).is_ok());
    assert_eq!(refusal(parse(nested(65).as_bytes())), (400, Some(InvalidSyntax)));
    assert_eq!(refusal(parse("[".repeat(1_000_000).as_bytes())), (400, Some(InvalidSyntax)));
    assert_eq!(refusal(parse("{\"a\":".repeat(200_000).as_bytes())), (400, Some(InvalidSyntax)));
}

#[test]
fn the_nul_character_is_refused_in_names_and_values() {
    assert_eq!(refusal(parse(br#"{"a":["x\u0000"]}"#)), (400, Some(InvalidValue)));
    assert_eq!(refusal(parse(br#"{"a\u0000":1}"#)), (400, Some(InvalidValue)));
}

#[test]
fn what_is_not_json_is_refused() {
    for body in [&b""[..], b"{", b"{} {}", b"{\"a\":1,}", b"\xff\xfe", b"NaN", b"1e999", b"<html>"] {
        assert_eq!(refusal(parse(body)), (400, Some(InvalidSyntax)), "{body:?}");
    }
}

#[test]
fn an_error_is_the_message_of_the_rfc() {
    assert_eq!(
        json!(Error::uniqueness("userName")),
        json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
            "status": "409",
            "scimType": "uniqueness",
            "detail": "userName is already in use.",
        })
    );
    assert_eq!(json!(Error::not_found("User u_1")).get("scimType"), None);
    assert_eq!(json!(Error::invalid_filter("x"))["scimType"], "invalidFilter");
    assert_eq!(json!(Error::expired_cursor("x"))["scimType"], "expiredCursor");
    assert_eq!(json!(Error::sensitive("x"))["status"], "403");
}
