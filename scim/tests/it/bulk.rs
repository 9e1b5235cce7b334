use std::collections::HashMap;

use scim::ScimType::{InvalidSyntax, InvalidValue};
use scim::bulk::{BulkRequest, BulkResponse, BulkResult, Method};
use scim::{Error, Kind};
use serde_json::{Value, json};

use crate::{ENTERPRISE, refusal};

fn parse(operations: Value) -> Result<BulkRequest, Error> {
    BulkRequest::parse(&json!({"failOnErrors": 1, "Operations": operations}), 1_000)
}

fn post(path: &str, name: &str, data: Value) -> Value {
    json!({"method": "POST", "path": path, "bulkId": name, "data": data})
}

#[test]
fn each_method_has_its_form_of_path() {
    let request = parse(json!([
        post("/Users", "a", json!({"userName": "mira"})),
        {"method": "put", "path": "/Groups/g_1", "data": {}},
        {"method": "PATCH", "path": "/Users/bulkId:a", "version": "W/\"1\"", "data": {}},
        {"method": "DELETE", "path": "/Users/u_1"},
    ]))
    .expect("an acceptable request");
    let places: Vec<_> = request.operations.iter().map(|operation| (operation.kind, operation.id.as_deref())).collect();
    assert_eq!(places, [(Kind::User, None), (Kind::Group, Some("g_1")), (Kind::User, Some("bulkId:a")), (Kind::User, Some("u_1")),]);
    assert_eq!(request.fail_on_errors, Some(1));
    assert_eq!(request.operations[2].version.as_deref(), Some("W/\"1\""));
}

#[test]
fn one_malformed_operation_fails_the_request_before_anything_is_done() {
    for operation in [
        json!("POST"),
        json!({"path": "/Users"}),
        json!({"method": "GET", "path": "/Users/u_1"}),
        json!({"method": "POST", "path": "/Users", "data": {}}),
        json!({"method": "POST", "path": "/Users/u_1", "bulkId": "x"}),
        json!({"method": "DELETE", "path": "/Users"}),
        json!({"method": "DELETE", "path": "/Users/"}),
        json!({"method": "DELETE", "path": "/Users/u_1/x"}),
        json!({"method": "DELETE", "path": "/Usersu_1"}),
        json!({"method": "DELETE", "path": "/Bulk/x"}),
        json!({"method": "DELETE"}),
    ] {
        assert_eq!(refusal(parse(json!([operation]))), (400, Some(InvalidSyntax)), "{operation}");
    }
    assert_eq!(refusal(parse(json!([]))), (400, Some(InvalidSyntax)));
    let twice = json!([post("/Users", "a", json!({})), post("/Groups", "a", json!({}))]);
    assert_eq!(refusal(parse(twice)), (400, Some(InvalidValue)));
}

#[test]
fn the_limit_is_named_when_it_is_passed() {
    let operations = vec![json!({"method": "DELETE", "path": "/Users/u_1"}); 11];
    let error = BulkRequest::parse(&json!({ "Operations": operations }), 10).expect_err("a refusal");
    assert_eq!(error.status, 413);
    assert!(error.detail.contains("10") && error.detail.contains("maxOperations"), "{}", error.detail);
}

#[test]
fn references_wait_for_what_they_refer_to() {
    let order = |operations| parse(operations).expect("an acceptable request").order();
    let members = |name: &str| json!({"members": [{"value": format!("bulkId:{name}")}]});
    assert_eq!(order(json!([post("/Groups", "g", members("u")), post("/Users", "u", json!({}))])), [1, 0]);
    assert_eq!(order(json!([post("/Users", "a", json!({})), post("/Users", "b", json!({}))])), [0, 1]);
    // The group is deleted last although only the change before it has to wait.
    assert_eq!(
        order(json!([
            {"method": "PATCH", "path": "/Groups/g_1", "data": members("u")},
            {"method": "DELETE", "path": "/Groups/g_1"},
            post("/Users", "u", json!({})),
        ])),
        [2, 0, 1]
    );
    assert_eq!(
        order(json!([post("/Groups", "a", members("b")), post("/Groups", "b", members("a")), post("/Users", "u", json!({}))])),
        [2, 0, 1]
    );
}

#[test]
fn references_become_ids_everywhere_or_the_operation_fails() {
    let operation = json!({"method": "PUT", "path": "/Users/bulkId:a", "data": {ENTERPRISE: {"manager": {"value": "bulkId:b"}}}});
    let operation = parse(json!([operation])).expect("an acceptable request").operations.remove(0);
    let ids = HashMap::from([("a".to_owned(), "u_1".to_owned()), ("b".to_owned(), "u_2".to_owned())]);
    let resolved = operation.resolved(&ids).expect("known references");
    assert_eq!(resolved.id.as_deref(), Some("u_1"));
    assert_eq!(resolved.data, json!({ENTERPRISE: {"manager": {"value": "u_2"}}}));
    assert_eq!(refusal(operation.resolved(&HashMap::new())), (409, None));
}

#[test]
fn a_result_has_its_status_as_a_string() {
    let result = BulkResult {
        method: Method::Post,
        bulk_id: Some("a".to_owned()),
        version: None,
        location: None,
        status: 409,
        response: Some(json!(Error::uniqueness("userName"))),
    };
    let response = json!(BulkResponse { operations: vec![result] });
    assert_eq!(response["Operations"][0]["status"], "409");
    assert_eq!(response["Operations"][0]["method"], "POST");
    assert_eq!(response["Operations"][0]["response"]["scimType"], "uniqueness");
    assert_eq!(response["Operations"][0].get("location"), None);
}

fn making(bulk_id: &str, refers_to: &[&str]) -> Value {
    let members: Vec<_> = refers_to.iter().map(|name| json!({"value": format!("bulkId:{name}")})).collect();
    json!({"method": "POST", "path": "/Groups", "bulkId": bulk_id, "data": {"displayName": bulk_id, "members": members}})
}

fn ordered(operations: &[Value]) -> Vec<usize> {
    BulkRequest::parse(&json!({"Operations": operations}), 1_000).expect("a request").order()
}

#[test]
fn a_circle_is_broken_at_one_of_its_operations_and_what_refers_to_it_comes_after() {
    assert_eq!(ordered(&[making("a", &["b"]), making("b", &["a"])]), [0, 1]);
    assert_eq!(ordered(&[making("outside", &["a"]), making("a", &["b"]), making("b", &["a"]), making("free", &[])]), [3, 1, 0, 2]);
    assert_eq!(ordered(&[making("herself", &["herself"])]), [0]);
}

#[test]
fn hundreds_of_operations_that_refer_to_all_later_ones_are_put_in_order() {
    let names: Vec<_> = (0..400).map(|number| number.to_string()).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let operations: Vec<_> = names.iter().enumerate().map(|(at, name)| making(name, &names[at + 1..])).collect();
    assert_eq!(ordered(&operations), (0..400).rev().collect::<Vec<_>>());
}
