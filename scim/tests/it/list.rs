use scim::ScimType::{InvalidFilter, InvalidSyntax, InvalidValue};
use scim::list::SortOrder;
use scim::{Error, Filter, ListQuery, ListResponse};
use serde_json::json;

use crate::refusal;

fn query(pairs: &[(&str, &str)]) -> Result<ListQuery, Error> {
    ListQuery::from_pairs(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
}

#[test]
fn without_parameters_a_list_begins_at_one() {
    assert_eq!(query(&[]), Ok(ListQuery::default()));
    assert_eq!(ListQuery::default().start_index, 1);
}

#[test]
fn names_are_read_in_any_case_and_unknown_ones_ignored() {
    let query = query(&[("STARTINDEX", "3"), ("Count", "10"), ("aadOptscim062020", ""), ("", "")]).expect("a query");
    assert_eq!((query.start_index, query.count), (3, Some(10)));
}

#[test]
fn indices_and_counts_below_the_least_are_lifted_to_it() {
    for (sent, expected) in [("0", 1), ("-5", 1), ("7", 7), ("99999999999999999999999", u64::MAX)] {
        assert_eq!(query(&[("startIndex", sent)]).expect(sent).start_index, expected);
    }
    assert_eq!(query(&[("count", "-1")]).expect("a query").count, Some(0));
    assert_eq!(query(&[("count", "0")]).expect("a query").count, Some(0));
}

#[test]
fn what_is_no_number_is_refused() {
    for sent in ["", "x", "1.5", "1e3", "--1", "0x10", "-"] {
        assert_eq!(refusal(query(&[("count", sent)])), (400, Some(InvalidValue)), "{sent}");
        assert_eq!(refusal(query(&[("startIndex", sent)])), (400, Some(InvalidValue)), "{sent}");
    }
}

#[test]
fn a_filter_is_never_dropped() {
    assert_eq!(refusal(query(&[("filter", "")])), (400, Some(InvalidFilter)));
    assert_eq!(refusal(query(&[("filter", "id pr"), ("Filter", "id pr")])), (400, Some(InvalidFilter)));
    let parsed = query(&[("filter", "id pr")]).expect("a query").filter;
    assert_eq!(parsed, Filter::parse("id pr").ok());
}

#[test]
fn a_search_request_asks_the_same_as_a_query_string() {
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
        "attributes": ["userName", "name.givenName"], "filter": "id pr", "startIndex": 2, "COUNT": 5,
        "sortBy": "userName", "sortOrder": "descending", "cursor": "",
    });
    let same = query(&[
        ("attributes", "userName,name.givenName"),
        ("filter", "id pr"),
        ("startIndex", "2"),
        ("count", "5"),
        ("sortBy", "userName"),
        ("sortOrder", "descending"),
        ("cursor", ""),
    ]);
    assert_eq!(ListQuery::from_search_request(&body), same);
    assert_eq!(same.expect("a query").sort_order, SortOrder::Descending);
    assert_eq!(refusal(ListQuery::from_search_request(&json!([]))), (400, Some(InvalidSyntax)));
    assert_eq!(refusal(ListQuery::from_search_request(&json!({"count": true}))), (400, Some(InvalidValue)));
}

#[test]
fn an_empty_list_has_its_resources_and_numbers_as_numbers() {
    assert_eq!(
        json!(ListResponse::new(0, 1, Vec::new())),
        json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
            "totalResults": 0, "startIndex": 1, "itemsPerPage": 0, "Resources": [],
        })
    );
}

#[test]
fn a_page_tells_where_the_next_begins() {
    let page = ListResponse { next_cursor: Some("abc".to_owned()), ..ListResponse::new(9, 1, vec![json!({"id": "1"})]) };
    let page = json!(page);
    assert_eq!((&page["nextCursor"], &page["itemsPerPage"]), (&json!("abc"), &json!(1)));
}
