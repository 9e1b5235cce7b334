//! A path that is read, is read the same after printing, and leads somewhere or nowhere without harm.

#![no_main]

use libfuzzer_sys::fuzz_target;
use scim::patch::{Op, Operation, PatchRequest, apply, split_members};
use scim::{Notes, Path, Projection};
use scim_fuzz::{GROUP, USER, at_the_limits, check_canonical, represent};
use serde_json::json;

fuzz_target!(|text: &str| {
    for resource in [&*USER, &*GROUP] {
        let kept = Projection::new(text, "").apply(resource.kind(), represent(resource));
        assert!(kept.get("id").is_some() && kept.get("schemas").is_some());
        let kept = Projection::new("", text).apply(resource.kind(), represent(resource));
        assert!(kept.get("id").is_some() && kept.get("schemas").is_some());
    }
    let Ok(path) = Path::parse(text) else { return };
    let printed = path.to_string();
    if !at_the_limits(&printed) {
        assert_eq!(Path::parse(&printed).as_ref(), Ok(&path), "{printed}");
    }
    let values = [json!("x"), json!(true), json!({"value": "x", "primary": true}), json!([{"value": "x"}]), json!(null)];
    // One value for each text, by its length: all of them would take five times as long.
    let value = &values[text.len() % values.len()];
    for op in [Op::Add, Op::Replace, Op::Remove] {
        let request = PatchRequest { operations: vec![Operation { op, path: Some(path.clone()), value: Some(value.clone()) }] };
        for resource in [&*USER, &*GROUP] {
            match apply(resource, &request) {
                Ok(patched) if patched.changed => check_canonical(&patched.resource),
                _ => {}
            }
        }
        let _ = split_members(&request, &mut Notes::new());
    }
});
