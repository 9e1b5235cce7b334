//! What the strict reader accepts, an ordinary one reads as the same value.

#![no_main]

use libfuzzer_sys::fuzz_target;
use scim::{ListQuery, json};
use serde_json::Value;

fuzz_target!(|bytes: &[u8]| {
    let Ok(strict) = json::parse(bytes) else { return };
    let ordinary: Value = serde_json::from_slice(bytes).expect("the strict reader accepts less");
    assert_eq!(strict, ordinary);
    let text = serde_json::to_string(&strict).expect("JSON");
    assert!(json::parse(text.as_bytes()).is_ok());
    let _ = ListQuery::from_search_request(&strict);
});
