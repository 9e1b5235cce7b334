//! What is kept of a request that failed: enough to see what was wrong with it, and nobody's data.
//!
//! Names of attributes, operators, ids and structure stay. Of an address its first character and its domain stay, of any other
//! text its length. Nothing stays of what is called a password, a secret or a token.

use std::{borrow::Cow, collections::BTreeMap};

use scim::{attribute::AttributeRef, compare, schema::Kind};
use serde_json::{Map, Value};
use uuid::Uuid;

/// The largest body that is looked at.
const LARGEST: usize = 64 * 1024;
/// The most that is kept of a body, in bytes.
pub(super) const MOST_KEPT: usize = 8 * 1024;
/// The most that is kept of a query, in characters.
const LONGEST_QUERY: usize = 1_000;
/// The most characters of the name of an attribute.
const LONGEST_NAME: usize = 120;
/// What stands for a secret.
const SECRET: &str = "•••";
/// What stands for a value of a filter.
const VALUE: &str = "…";

/// A request's body, as it may be kept: indented, and cut off where it is long.
pub(super) fn body(bytes: &[u8]) -> String {
    if bytes.len() > LARGEST {
        return format!("(more than {LARGEST} bytes: they are not kept)");
    }
    let Ok(parsed) = serde_json::from_slice::<Value>(bytes) else {
        return format!("({} bytes that are not JSON: they are not kept)", bytes.len());
    };
    let text = serde_json::to_string_pretty(&value("", &parsed)).unwrap_or_default();
    match text.len() {
        ..=MOST_KEPT => text,
        _ => {
            let end = (0..=MOST_KEPT).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
            format!("{}\n… (cut off: {} bytes were sent)", &text[..end], bytes.len())
        }
    }
}

/// A request's query, as it may be kept: what SCIM knows, and how many parameters it does not know.
pub(super) fn query<'a>(pairs: impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)>) -> Option<String> {
    let (mut kept, mut others) = (vec![], 0);
    for (name, value) in pairs {
        let value = match name.as_ref() {
            "filter" => filter(&value),
            "sortBy" | "attributes" | "excludedAttributes" => names(&value),
            "startIndex" | "count" if value.len() <= 12 && value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') => {
                value.into_owned()
            }
            "sortOrder" if is_word(&value) => value.into_owned(),
            "startIndex" | "count" | "sortOrder" | "cursor" => VALUE.to_owned(),
            _ => {
                others += 1;
                continue;
            }
        };
        kept.push(format!("{name}={value}"));
    }
    if others > 0 {
        let parameters = if others == 1 { "parameter" } else { "parameters" };
        kept.push(format!("({others} {parameters} that SCIM does not know)"));
    }
    let text: String = kept.join("&").chars().take(LONGEST_QUERY).collect();
    (!text.is_empty()).then_some(text)
}

/// The detail of an error: what it repeats of a request is in backticks, and of that stays what SCIM itself has a name for.
pub(super) fn detail(text: &str) -> String {
    quotations(text, |quoted| match quoted {
        _ if is_ours(quoted) || is_id(quoted) => quoted.to_owned(),
        _ if quoted.contains([' ', '[', '"']) => filter(quoted),
        _ => VALUE.to_owned(),
    })
}

/// What was tolerated. It names attributes, also those that nobody knows: that is what one wants to read.
pub(super) fn note(text: &str) -> String {
    quotations(text, path)
}

/// A sentence of ours, and in it what is in backticks changed.
fn quotations(text: &str, change: impl Fn(&str) -> String) -> String {
    let pieces: Vec<_> = text.split('`').collect();
    let mut changed = String::new();
    for (place, piece) in pieces.iter().enumerate() {
        if place > 0 {
            changed.push('`');
        }
        if place % 2 == 1 { changed.push_str(&change(piece)) } else { changed.push_str(piece) }
    }
    changed
}

/// Whether SCIM itself has this name: an attribute, a schema, a parameter, or a word of its messages.
fn is_ours(word: &str) -> bool {
    const WORDS: [&str; 36] = [
        "op",
        "path",
        "value",
        "method",
        "data",
        "bulkId",
        "schemas",
        "Operations",
        "version",
        "add",
        "remove",
        "replace",
        "filter",
        "count",
        "startIndex",
        "sortBy",
        "sortOrder",
        "attributes",
        "excludedAttributes",
        "cursor",
        // Of the filter language.
        "and",
        "or",
        "not",
        "true",
        "false",
        "null",
        "(",
        ")",
        "[",
        "]",
        ".",
        // Of Bulk.
        "GET",
        "POST",
        "PUT",
        "PATCH",
        "DELETE",
    ];
    WORDS.contains(&word)
        || is_operator(word)
        || (word.starts_with("urn:ietf:params:scim:") && is_name(word))
        || AttributeRef::parse(word).is_some_and(|name| Kind::ALL.into_iter().any(|kind| name.resolve(kind).is_some()))
}

/// A filter or a path with its values masked (RFC 7644 §3.4.2.2). What comes before an operator is an attribute's name; what else
/// is no word of the filter language may be anything.
pub(super) fn filter(text: &str) -> String {
    let pieces = pieces(text);
    let mut masked = String::new();
    for (place, piece) in pieces.iter().enumerate() {
        match piece {
            Piece::Space => masked.push(' '),
            Piece::Mark(mark) => masked.push(*mark),
            Piece::Quoted(inside) => {
                masked.push('"');
                masked.push_str(if is_id(inside) { inside } else { VALUE });
                masked.push('"');
            }
            Piece::Word(word) => {
                let next = pieces[place + 1..].iter().find(|piece| !matches!(piece, Piece::Space));
                let before_operator =
                    matches!(next, Some(Piece::Word(next)) if is_operator(next)) || matches!(next, Some(Piece::Mark('[')));
                let after_mark = place > 0 && matches!(pieces[place - 1], Piece::Mark(']'));
                let keep = is_operator(word)
                    || is_keyword(word)
                    || is_known(word)
                    || ((before_operator || (after_mark && word.starts_with('.'))) && is_name(word))
                    || is_id(word);
                masked.push_str(if keep { word } else { VALUE });
            }
        }
    }
    masked
}

enum Piece<'a> {
    Space,
    Mark(char),
    Quoted(&'a str),
    Word(&'a str),
}

fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = vec![];
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (piece, length) = match first {
            '"' => {
                let mut escaped = false;
                let end = rest[1..].find(|c| {
                    let ends = c == '"' && !escaped;
                    escaped = c == '\\' && !escaped;
                    ends
                });
                // A quote that nobody closes reaches to the end.
                match end {
                    Some(end) => (Piece::Quoted(&rest[1..=end]), end + 2),
                    None => (Piece::Quoted(&rest[1..]), rest.len()),
                }
            }
            '(' | ')' | '[' | ']' | ',' => (Piece::Mark(first), 1),
            c if c.is_whitespace() => (Piece::Space, rest.find(|c: char| !c.is_whitespace()).unwrap_or(rest.len())),
            _ => {
                let end = rest.find(|c: char| c.is_whitespace() || "()[],\"".contains(c)).unwrap_or(rest.len());
                (Piece::Word(&rest[..end]), end)
            }
        };
        pieces.push(piece);
        rest = &rest[length..];
    }
    pieces
}

/// A list of names of attributes.
fn names(text: &str) -> String {
    text.split(',').map(|name| if is_name(name.trim()) { name.trim() } else { VALUE }).collect::<Vec<_>>().join(",")
}

fn is_operator(word: &str) -> bool {
    ["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le", "pr"].iter().any(|operator| word.eq_ignore_ascii_case(operator))
}

fn is_keyword(word: &str) -> bool {
    ["and", "or", "not", "true", "false", "null"].iter().any(|keyword| word.eq_ignore_ascii_case(keyword))
}

/// Names that stay wherever they stand, since they are what is asked most.
fn is_known(word: &str) -> bool {
    let known = ["userName", "externalId", "displayName", "emails", "emails.value", "members", "members.value", "groups", "active", "meta"];
    known.iter().any(|name| word.eq_ignore_ascii_case(name))
}

/// Whether this can be the name of an attribute (RFC 7643 §2.1), with its schema before it and its sub-attribute behind it.
fn is_name(word: &str) -> bool {
    (1..=LONGEST_NAME).contains(&word.len())
        && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"$-_.:".contains(&byte))
        && (!word.bytes().all(|byte| byte.is_ascii_digit()))
}

fn is_word(text: &str) -> bool {
    (1..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphabetic())
}

/// Whether this is one of our ids.
fn is_id(text: &str) -> bool {
    text.len() == 36 && Uuid::try_parse(text).is_ok()
}

/// Whether what is called this is nobody's to read.
fn is_secret(name: &str) -> bool {
    let name = compare::fold(name);
    ["passw", "pwd", "secret", "token", "credential", "apikey", "api_key", "api-key", "privatekey", "authorization"]
        .iter()
        .any(|word| name.contains(word))
}

fn value(name: &str, it: &Value) -> Value {
    if is_secret(name) {
        return Value::from(SECRET);
    }
    match it {
        Value::Null | Value::Bool(_) => it.clone(),
        Value::Number(number) => {
            let short = number.to_string();
            let digits = if short.len() == 1 { "digit" } else { "digits" };
            // What some send for a boolean.
            if short == "0" || short == "1" { it.clone() } else { format!("{VALUE} ({} {digits})", short.len()).into() }
        }
        Value::String(string) => text(name, string).into(),
        Value::Array(values) => values.iter().map(|one| value(name, one)).collect(),
        Value::Object(object) => self::object(object),
    }
}

fn object(object: &Map<String, Value>) -> Value {
    // What an operation of a PATCH does to a secret is in its value, and whose it is in its path.
    let about_secret = object.iter().any(|(name, value)| name.eq_ignore_ascii_case("path") && value.as_str().is_some_and(is_secret));
    let (mut fields, mut seen) = (Map::new(), BTreeMap::new());
    for (name, one) in object {
        let hidden = about_secret && name.eq_ignore_ascii_case("value");
        let kept = if hidden { Value::from(SECRET) } else { value(name, one) };
        // Entra writes a path, with a filter in it, for a name. Two of them may look alike without their values.
        let shown: String = path(name).chars().take(LONGEST_NAME).collect();
        let number = seen.entry(shown.clone()).or_insert(0);
        *number += 1;
        fields.insert(if *number == 1 { shown } else { format!("{shown} ({number})") }, kept);
    }
    Value::Object(fields)
}

fn text(name: &str, string: &str) -> String {
    let name = compare::fold(name);
    let stays = string.is_empty()
        || is_id(string)
        // Some send booleans as text, and that is what has gone wrong.
        || string.eq_ignore_ascii_case("true")
        || string.eq_ignore_ascii_case("false")
        || match name.as_str() {
            "op" | "method" | "type" | "sortorder" | "resourcetype" => is_word(string),
            "schemas" => string.starts_with("urn:") && is_name(string),
            "externalid" | "bulkid" => is_opaque(string),
            _ => false,
        };
    match name.as_str() {
        _ if stays => string.to_owned(),
        // A Bulk's path is one of ours, a PATCH's may hold a filter.
        "path" if string.starts_with('/') => string.split('/').map(segment).collect::<Vec<_>>().join("/"),
        "externalid" | "bulkid" if !string.contains('@') => begun(string),
        "path" => path(string),
        "filter" => filter(string),
        "attributes" | "excludedattributes" | "sortby" => names(string),
        _ => shortened(string),
    }
}

fn segment(segment: &str) -> String {
    let stays = segment.is_empty() || is_id(segment) || ["Users", "Groups", "Me", "Bulk"].contains(&segment);
    match segment.strip_prefix("bulkId:") {
        _ if stays => segment.to_owned(),
        Some(id) if is_opaque(id) => segment.to_owned(),
        Some(id) => format!("bulkId:{}", begun(id)),
        None => VALUE.to_owned(),
    }
}

/// How an id begins that may be anything, and how long it is.
fn begun(string: &str) -> String {
    let first: String = string.chars().take(1).collect();
    format!("{first}{}", shortened(string))
}

/// A PATCH's path: the name of an attribute, which may be chosen among its values by a filter.
fn path(text: &str) -> String {
    if is_name(text) { text.to_owned() } else { filter(text) }
}

/// Whether a program made this up, rather than a person: a UUID, or letters and digits in a mixture that is nobody's name, number of
/// a telephone or of an insurance (Okta's `00u…` has 20).
fn is_opaque(string: &str) -> bool {
    let digits = string.bytes().filter(u8::is_ascii_digit).count();
    let turns = string.as_bytes().windows(2).filter(|pair| pair[0].is_ascii_digit() != pair[1].is_ascii_digit()).count();
    Uuid::try_parse(string).is_ok()
        || ((16..=64).contains(&string.len())
            && string.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && digits < string.len()
            && turns >= 4)
}

/// Of an address its first character and its domain; of anything else how long it is.
fn shortened(string: &str) -> String {
    match string.rsplit_once('@') {
        Some((local, domain)) if is_domain(domain) && !local.is_empty() => {
            let first: String = local.chars().take(1).collect();
            format!("{first}{VALUE}@{domain}")
        }
        _ => format!("{VALUE} ({} characters)", string.chars().count()),
    }
}

fn is_domain(domain: &str) -> bool {
    (3..=100).contains(&domain.len())
        && domain.contains('.')
        && domain.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn masked(body: &Value) -> Value {
        serde_json::from_str(&super::body(body.to_string().as_bytes())).unwrap()
    }

    #[test]
    fn of_a_body_its_structure_stays_and_its_values_go() {
        let body = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": "mira.olsen@acme.test",
            "externalId": "00u1ab2c3d4e5f6g7h8i",
            "active": "True",
            "name": { "givenName": "Mira", "familyName": "Olsen" },
            "emails": [{ "type": "work", "primary": true, "value": "mira@acme.test" }],
            "phoneNumbers": [{ "value": 491_701_234_567_u64 }],
            "password": "hunter2",
            "x": { "clientSecret": { "a": "hunter2" }, "api_key": ["hunter2"] },
            "manager": "0199c7e2-41d0-7d3a-9c1e-5a2f8e7b6d10",
        });
        let expected = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": "m…@acme.test",
            "externalId": "00u1ab2c3d4e5f6g7h8i",
            "active": "True",
            "name": { "givenName": "… (4 characters)", "familyName": "… (5 characters)" },
            "emails": [{ "type": "work", "primary": true, "value": "m…@acme.test" }],
            "phoneNumbers": [{ "value": "… (12 digits)" }],
            "password": "•••",
            "x": { "clientSecret": "•••", "api_key": "•••" },
            "manager": "0199c7e2-41d0-7d3a-9c1e-5a2f8e7b6d10",
        });
        assert_eq!(masked(&body), expected);
    }

    #[test]
    fn of_an_id_that_a_person_may_have_chosen_its_beginning_stays() {
        for (id, expected) in [
            ("0199c7e2-41d0-7d3a-9c1e-5a2f8e7b6d10", "0199c7e2-41d0-7d3a-9c1e-5a2f8e7b6d10"),
            ("00u1ab2c3d4e5f6g7h8i", "00u1ab2c3d4e5f6g7h8i"),
            ("123-45-6789", "1… (11 characters)"),
            ("john.smith1990", "j… (14 characters)"),
            ("johnsmithofberlin1990", "j… (21 characters)"),
            ("491701234567890123", "4… (18 characters)"),
            ("+491701234567", "+… (13 characters)"),
            ("mira@acme.test", "m…@acme.test"),
        ] {
            assert_eq!(masked(&json!({ "externalId": id, "bulkId": id })), json!({ "externalId": expected, "bulkId": expected }));
        }
        assert_eq!(masked(&json!({ "path": "/Users/bulkId:john1" })), json!({ "path": "/Users/bulkId:j… (5 characters)" }));
        assert_eq!(masked(&json!([0, 1, 7, 1990])), json!([0, 1, "… (1 digit)", "… (4 digits)"]));
    }

    #[test]
    fn of_a_name_that_holds_a_filter_its_values_go() {
        let body = json!({ "value": {
            "emails[type eq \"work\"].value": "mira@acme.test",
            "emails[value eq \"mira@acme.test\"].value": "x",
            "emails[value eq \"ben@acme.test\"].value": "x",
            "mira@acme.test": true,
        } });
        let expected = json!({ "value": {
            "emails[type eq \"…\"].value": "m…@acme.test",
            "emails[value eq \"…\"].value": "… (1 characters)",
            "emails[value eq \"…\"].value (2)": "… (1 characters)",
            "…": true,
        } });
        assert_eq!(masked(&body), expected);
    }

    #[test]
    fn of_a_sentence_what_it_repeats_goes() {
        for (sentence, expected) in [
            ("`userName` is required.", "`userName` is required."),
            ("`mira@acme.test` is no attribute.", "`…` is no attribute."),
            (
                "There is no `Zorblax`, nor `urn:ietf:params:scim:schemas:core:2.0:User`.",
                "There is no `…`, nor `urn:ietf:params:scim:schemas:core:2.0:User`.",
            ),
            ("Expected `]` after `emails[value eq \"mira@acme.test\"`.", "Expected `]` after `emails[value eq \"…\"`."),
            ("`and`, `or` or the end was expected.", "`and`, `or` or the end was expected."),
            ("never `closed mira", "never `… …"),
        ] {
            assert_eq!(super::detail(sentence), expected);
        }
        assert_eq!(super::note("ignored attribute `shoeSize`"), "ignored attribute `shoeSize`");
        assert_eq!(super::note("ignored `emails[value eq \"mira\"].x`"), "ignored `emails[value eq \"…\"].x`");
    }

    #[test]
    fn of_a_patch_its_paths_stay() {
        let body = json!({ "Operations": [
            { "op": "Replace", "path": "emails[type eq \"work\"].value", "value": "mira@acme.test" },
            { "op": "replace", "path": "password", "value": "true" },
            { "op": "remove", "path": "members[value eq \"0199c7e2-41d0-7d3a-9c1e-5a2f8e7b6d10\"]" },
            { "op": "add", "path": "urn:x:User:password", "value": { "a": "0199c7e2-41d0-7d3a-9c1e-5a2f8e7b6d10" } },
        ] });
        let expected = json!({ "Operations": [
            { "op": "Replace", "path": "emails[type eq \"…\"].value", "value": "m…@acme.test" },
            { "op": "replace", "path": "password", "value": "•••" },
            { "op": "remove", "path": "members[value eq \"0199c7e2-41d0-7d3a-9c1e-5a2f8e7b6d10\"]" },
            { "op": "add", "path": "urn:x:User:password", "value": "•••" },
        ] });
        assert_eq!(masked(&body), expected);
    }

    #[test]
    fn of_a_filter_names_and_operators_stay() {
        for (filter, expected) in [
            ("userName eq \"mira\"", "userName eq \"…\""),
            ("usrName eq \"mira\"", "usrName eq \"…\""),
            (
                "emails[type eq \"work\" and value co \"@acme\"] or not (active eq true)",
                "emails[type eq \"…\" and value co \"…\"] or not (active eq true)",
            ),
            ("userName eq mira", "userName eq …"),
            ("title eq \"a \\\" b\" and name.familyName pr", "title eq \"…\" and name.familyName pr"),
            ("title eq \"never closed and userName pr", "title eq \"…\""),
            ("Mira Olsen", "… …"),
            ("userName", "userName"),
            ("members.value eq \"0199c7e2-41d0-7d3a-9c1e-5a2f8e7b6d10\"", "members.value eq \"0199c7e2-41d0-7d3a-9c1e-5a2f8e7b6d10\""),
            ("mira@acme.test eq \"x\"", "… eq \"…\""),
            ("\"\\", "\"…\""),
        ] {
            assert_eq!(super::filter(filter), expected);
        }
    }

    #[test]
    fn of_a_query_what_scim_knows_stays() {
        let pairs = [
            ("filter", "userName eq \"mira\""),
            ("count", "ten"),
            ("startIndex", "1"),
            ("attributes", "userName,emails, O'Hara"),
            ("cursor", "abc"),
            ("access_token", "rcs_secret"),
        ];
        let kept = super::query(pairs.into_iter().map(|(name, value)| (name.into(), value.into())));
        let expected =
            "filter=userName eq \"…\"&count=…&startIndex=1&attributes=userName,emails,…&cursor=…&(1 parameter that SCIM does not know)";
        assert_eq!(kept.as_deref(), Some(expected));
        assert_eq!(super::query(std::iter::empty()), None);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let long = json!({ "a": "x", "list": (0..5_000).map(|number| format!("value {number}")).collect::<Vec<_>>() });
        assert!(super::body(long.to_string().as_bytes()).len() < MOST_KEPT + 100);
        let name = json!({ "ä".repeat(9_000): 1 });
        assert!(super::body(name.to_string().as_bytes()).len() < 1_000);
        assert!(super::body(&vec![b' '; LARGEST + 1]).contains("more than 65536 bytes"));
        assert_eq!(super::body(b"userName=mira"), "(13 bytes that are not JSON: they are not kept)");
    }
}
