//! Every operation of a bulk request has its turn once, and no reference is left where all are known.

#![no_main]

use std::collections::HashMap;

use libfuzzer_sys::fuzz_target;
use scim::bulk::{BulkRequest, Method};
use scim::json;

fuzz_target!(|bytes: &[u8]| {
    let Ok(body) = json::parse(bytes) else { return };
    let Ok(request) = BulkRequest::parse(&body, 1_000) else { return };
    let order = request.order();
    let mut turns = order.clone();
    turns.sort_unstable();
    assert!(turns.into_iter().eq(0..request.operations.len()));

    let mut ids = HashMap::new();
    for position in order {
        let operation = &request.operations[position];
        match operation.resolved(&ids) {
            Ok(resolved) => assert_eq!(resolved.method, operation.method),
            Err(error) => assert_eq!(error.status, 409),
        }
        if let (Method::Post, Some(name)) = (operation.method, &operation.bulk_id) {
            ids.insert(name.clone(), format!("id_{position}"));
        }
    }
    for operation in &request.operations {
        if let Ok(resolved) = operation.resolved(&ids) {
            assert!(!resolved.id.is_some_and(|id| id.starts_with("bulkId:")));
        }
    }
});
