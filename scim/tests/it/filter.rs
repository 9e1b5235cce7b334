use scim::ScimType::InvalidFilter;
use scim::filter::{MAX_LENGTH, Op};
use scim::{CompValue, Error, Filter, Kind};
use serde_json::{Value, json};

use crate::{ENTERPRISE, refusal};

fn representation() -> Value {
    json!({
        "id": "u_01",
        "externalId": "Ext-1",
        "userName": "Mira.Olsen@Acme.test",
        "displayName": "Mira \"M\" Olsen",
        "active": true,
        "name": {"givenName": "Mira", "middleName": ""},
        "emails": [
            {"value": "mira@acme.test", "type": "work", "primary": true},
            {"value": "mira@home.test", "type": "home"},
        ],
        "meta": {"resourceType": "User", "created": "2026-01-02T03:04:05.678Z"},
        ENTERPRISE: {"department": "R&D", "manager": {"value": "u_09"}},
    })
}

fn matches(filter: &str) -> bool {
    let filter = Filter::parse(filter).and_then(|filter| filter.resolve(Kind::User)).expect(filter);
    filter.matches(&representation())
}

fn resolved(filter: &str) -> Result<String, Error> {
    Ok(Filter::parse(filter)?.resolve(Kind::User)?.to_string())
}

#[test]
fn and_binds_tighter_than_or_and_not_tighter_than_both() {
    let parse = |text: &str| Filter::parse(text).expect(text);
    assert_eq!(parse("a pr or b pr and c pr"), parse("a pr or (b pr and c pr)"));
    assert_ne!(parse("a pr or b pr and c pr"), parse("(a pr or b pr) and c pr"));
    assert_eq!(parse("not (a pr) and b pr"), parse("(not (a pr)) and b pr"));
    assert_eq!(parse("(((a pr)))"), parse("a pr"));
}

#[test]
fn names_operators_and_words_are_read_in_any_case() {
    assert!(matches("USERNAME Eq \"mira.olsen@acme.test\" AND NOT (Active EQ false) Or id PR"));
}

#[test]
fn the_case_of_values_counts_where_the_schema_says_so() {
    assert!(matches("userName eq \"MIRA.OLSEN@ACME.TEST\""));
    assert!(matches("emails.value sw \"MIRA\""));
    assert!(matches("externalId eq \"Ext-1\""));
    assert!(!matches("externalId eq \"ext-1\""));
    assert!(!matches("id eq \"U_01\""));
}

#[test]
fn each_operator_means_what_the_rfc_says() {
    for (filter, expected) in [
        ("userName co \"olsen\"", true),
        ("userName sw \"olsen\"", false),
        ("userName ew \"acme.TEST\"", true),
        ("userName ne \"x\"", true),
        ("userName ne \"mira.olsen@acme.test\"", false),
        ("userName gt \"mira\"", true),
        ("userName ge \"mira.olsen@acme.test\"", true),
        ("userName lt \"mira\"", false),
        ("userName le \"z\"", true),
        ("displayName eq \"Mira \\\"M\\\" Olsen\"", true),
        ("displayName eq \"\\u004dira \\\"M\\\" Olsen\"", true),
        ("active eq true", true),
        ("active ne true", false),
    ] {
        assert_eq!(matches(filter), expected, "{filter}");
    }
}

#[test]
fn what_is_absent_or_empty_is_not_present() {
    for (filter, expected) in [
        ("nickName pr", false),
        ("name.middleName pr", false),
        ("phoneNumbers pr", false),
        ("name pr", true),
        ("emails pr", true),
        ("meta.created pr", true),
        ("nickName eq null", true),
        ("userName eq null", false),
        ("userName ne null", true),
        ("name.middleName eq null", true),
        ("nickName ne \"x\"", true),
        ("nickName eq \"x\"", false),
        ("not (nickName pr)", true),
    ] {
        assert_eq!(matches(filter), expected, "{filter}");
    }
}

#[test]
fn any_value_may_match_but_a_value_path_is_about_one_element() {
    assert!(matches("emails.type eq \"home\" and emails.value co \"@acme\""));
    assert!(!matches("emails[type eq \"home\" and value co \"@acme\"]"));
    assert!(matches("emails[type eq \"work\" and value co \"@acme\"]"));
    assert!(matches("emails[not (type eq \"work\")]"));
    assert!(!matches("phoneNumbers[not (type eq \"work\")]"));
}

#[test]
fn times_compare_as_points_in_time() {
    assert!(matches("meta.created eq \"2026-01-02T04:04:05.678+01:00\""));
    assert!(matches("meta.created lt \"2026-01-02T03:04:05.6780001Z\""));
    assert!(matches("meta.created gt \"2026-01-02T03:04:05\""));
    assert!(matches("meta.created ge \"2026-01-02T02:04:05-0100\""));
    assert_eq!(refusal(resolved("meta.created gt \"yesterday\"")), (400, Some(InvalidFilter)));
}

#[test]
fn extension_attributes_are_found_by_urn_or_bare() {
    assert!(matches(&format!("{ENTERPRISE}:department eq \"r&d\"")));
    assert!(matches("department eq \"R&D\""));
    assert!(matches(&format!("{ENTERPRISE}:manager eq \"u_09\"")));
    assert!(matches("urn:ietf:params:scim:schemas:core:2.0:User:userName pr"));
}

#[test]
fn schemas_are_compared_though_they_are_not_stored() {
    let core = "urn:ietf:params:scim:schemas:core:2.0:User";
    let plain = json!({"id": "u_1", "userName": "mira"});
    for (filter, extended_matches, plain_matches) in [
        (format!("schemas eq \"{core}\""), true, true),
        (format!("schemas eq \"{}\"", core.to_uppercase()), true, true),
        (format!("schemas eq \"{ENTERPRISE}\""), true, false),
        (format!("schemas ne \"{core}\""), true, false),
        (format!("schemas ne \"{ENTERPRISE}\""), true, true),
        ("schemas co \":enterprise:\"".to_owned(), true, false),
        ("schemas eq \"urn:x\"".to_owned(), false, false),
        ("not (schemas eq \"urn:x\")".to_owned(), true, true),
        ("schemas pr".to_owned(), true, true),
        ("schemas eq null".to_owned(), false, false),
        ("schemas ne null".to_owned(), true, true),
    ] {
        assert_eq!(matches(&filter), extended_matches, "{filter}");
        let resolved = Filter::parse(&filter).and_then(|filter| filter.resolve(Kind::User)).expect("a filter");
        assert_eq!(resolved.matches(&plain), plain_matches, "{filter}");
    }
}

#[test]
fn identity_providers_own_dialects_are_understood() {
    // Entra's reference check, Ping's bare attribute, Entra's matching by address, authentik's missing quotes, Rippling.
    assert!(matches("id eq \"u_01\" and manager eq \"u_09\""));
    assert!(matches("emails eq mira@acme.test"));
    assert!(matches("emails[type eq \"work\"].value eq \"MIRA@acme.test\""));
    assert!(!matches("emails[type eq \"home\"].value eq \"mira@acme.test\""));
    assert!(matches("userName eq Mira.Olsen@Acme.test"));
    assert!(matches("emails[primary eq true].value eq \"mira@acme.test\""));
    assert!(matches("emails[primary eq \"True\"].value pr"));
    assert!(matches("active eq \"True\""));
}

#[test]
fn an_unquoted_identifier_stays_the_text_that_it_is() {
    let value = |text: &str| match Filter::parse(text).and_then(|filter| filter.resolve(Kind::User)) {
        Ok(Filter::Compare { value, .. }) => value,
        other => panic!("{other:?}"),
    };
    for word in ["12345", "007", "1e5", "123456789012345678901234567890", "true", "-1", "1.50"] {
        assert_eq!(value(&format!("externalId eq {word}")), CompValue::String(word.to_owned()));
    }
}

#[test]
fn a_number_is_read_exactly() {
    for word in ["1", "-7", "0.1", "1.5", "-9.252151181084785e-45", "5e-324", "18446744073709551615"] {
        let Ok(Filter::Compare { value: CompValue::Number(number), .. }) = Filter::parse(&format!("x eq {word}")) else {
            panic!("{word} is a number");
        };
        assert_eq!(number.to_string(), word);
    }
}

#[test]
fn a_resolved_filter_tells_names_type_and_case() {
    let resolve = |text: &str| Filter::parse(text).and_then(|filter| filter.resolve(Kind::User)).expect(text);
    let Filter::Compare { attribute, op, value } = resolve("EMAILS Eq \"x\"") else { panic!("a comparison") };
    assert_eq!(attribute.names(), (None, "emails", Some("value")));
    assert_eq!((op, value), (Op::Eq, CompValue::String("x".to_owned())));
    assert!(!attribute.leaf().case_exact);

    let Filter::Compare { attribute, .. } = resolve("department eq \"x\"") else { panic!("a comparison") };
    assert_eq!(attribute.names(), (Some(ENTERPRISE), "department", None));

    let Filter::ValuePath { attribute, filter } = resolve("emails[TYPE eq \"work\"]") else { panic!("a value path") };
    assert_eq!(attribute.names(), (None, "emails", None));
    let Filter::Compare { attribute, .. } = *filter else { panic!("a comparison") };
    assert_eq!(attribute.names(), (None, "emails", Some("type")));
}

#[test]
fn canonical_names_are_printed() {
    assert_eq!(
        resolved("EMAILS[TYPE EQ \"work\"].VALUE CO x OR DEPARTMENT PR").as_deref(),
        Ok(&*format!("emails[type eq \"work\" and value co \"x\"] or {ENTERPRISE}:department pr"))
    );
}

#[test]
fn a_filter_that_is_not_understood_is_refused() {
    for text in [
        "",
        "   ",
        "userName",
        "userName eq",
        "eq \"x\"",
        "userName regex \"x\"",
        "userName eq \"x\" and",
        "userName eq \"x\" or or id pr",
        "(userName eq \"x\"",
        "userName eq \"x\")",
        "not userName eq \"x\"",
        "userName eq \"x",
        "userName eq 'x'",
        "userName eq \"x\" id pr",
        "userName eq \"\\q\"",
        "userName eq \"a\"\"b\"",
        "displayName eq Acme Engineers",
        "emails[type eq \"work\"",
        "emails[]",
        "emails[type eq \"work\"].value",
        "emails[ims[type eq \"x\"]]",
        "user!name pr",
        "userName eq \"a\" or \"1\"==\"1\"",
        "userName eq \"a\u{0}\"",
    ] {
        assert_eq!(refusal(Filter::parse(text)), (400, Some(InvalidFilter)), "{text}");
    }
}

#[test]
fn a_comparison_that_the_schema_does_not_allow_is_refused() {
    for text in [
        "nonsense eq \"x\"",
        "password eq \"x\"",
        "schemas.value eq \"x\"",
        "schemas[value eq \"x\"]",
        "emails[schemas eq \"x\"]",
        "schemas gt null",
        "userName.value eq \"x\"",
        "emails.nonsense pr",
        "emails[nonsense pr]",
        "emails[emails.type eq \"x\"]",
        "userName[type eq \"x\"]",
        "name eq \"x\"",
        "addresses eq \"x\"",
        "active gt true",
        "active le \"true\"",
        "active co \"tru\"",
        "active co true",
        "meta.created sw \"2026-01-02T03:04:05Z\"",
        "active eq \"yes\"",
        "active eq 1",
        "x509Certificates.value gt \"x\"",
        "meta.created co \"2026\"",
        "userName gt null",
        "userName co null",
        "urn:ietf:params:scim:schemas:core:2.0:Group:displayName pr",
    ] {
        assert_eq!(refusal(resolved(text)), (400, Some(InvalidFilter)), "{text}");
    }
}

#[test]
fn quotes_inside_a_value_cannot_end_it() {
    assert!(!matches("userName eq \"a\\\" or \\\"1\\\" eq \\\"1\""));
}

#[test]
fn size_depth_and_number_of_terms_are_bounded() {
    let nested = |depth: usize| format!("{}id pr{}", "(".repeat(depth), ")".repeat(depth));
    let terms = |count: usize| vec!["id pr"; count].join(" or ");
    assert!(Filter::parse(&nested(32)).is_ok());
    assert!(Filter::parse(&terms(200)).is_ok());
    for text in [
        nested(33),
        nested(1_500),
        nested(10_000),
        "(".repeat(4_000),
        "not (".repeat(800),
        terms(201),
        terms(10_000),
        format!("id eq \"{}\"", "x".repeat(MAX_LENGTH)),
        "a".repeat(64 * 1024),
    ] {
        assert_eq!(refusal(Filter::parse(&text)), (400, Some(InvalidFilter)));
    }
}

#[test]
fn a_group_is_found_by_its_members() {
    let group = json!({"id": "g_01", "displayName": "Engineers", "members": [{"value": "u_01"}, {"value": "u_02"}]});
    let matches = |text: &str| Filter::parse(text).and_then(|filter| filter.resolve(Kind::Group)).expect(text).matches(&group);
    assert!(matches("id eq \"g_01\" and members eq \"u_01\""));
    assert!(matches("members[value eq \"u_02\"]"));
    assert!(matches("displayName eq \"ENGINEERS\""));
    assert!(!matches("members.value eq \"U_01\""));
}
