//! How values compare (RFC 7644 §3.4.2.2).
//!
//! Strings compare by a key made here. Whoever keeps such a key beside a stored value and compares keys gets the same
//! answers from a database as from [`holds`].

mod width;

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use unicode_normalization::UnicodeNormalization;

use crate::filter::{CompValue, Op};
use crate::schema::{Attribute, Type};

/// The text as a comparison key: width, case and normal form made the same, in the order that the profile
/// UsernameCaseMapped of RFC 8265 §3.3.2 prescribes for user names (RFC 7643 §4.1.1, RFC 7644 §5).
///
/// Fullwidth and halfwidth forms become ordinary ones, upper case becomes lower case by Unicode's rules and independent
/// of any locale, and the result is in normalization form C. `co`, `sw` and `ew` compare keys too, so a letter with an
/// accent does not contain the letter without. The final sigma folds like any other: where a word ends does not matter.
///
/// It only prepares and never refuses: user names hold spaces and symbols that RFC 8265 forbids. Whoever stores keys has
/// to make them anew if this function changes.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.chars().map(width::ordinary).flat_map(char::to_lowercase).map(|c| if c == 'ς' { 'σ' } else { c }).nfc().collect()
}

/// What `text` is compared by, in an attribute whose `caseExact` is `case_exact`.
pub fn key(text: &str, case_exact: bool) -> Cow<'_, str> {
    if case_exact { Cow::Borrowed(text) } else { Cow::Owned(fold(text)) }
}

/// The point in time that an xsd:dateTime means, in any zone and with any fraction; `None` if it is not one.
///
/// A missing zone is read as UTC, and a zone without a colon is understood: identity providers send both.
pub fn instant(text: &str) -> Option<OffsetDateTime> {
    let parse = |text: &str| OffsetDateTime::parse(text, &Rfc3339).ok();
    parse(text).or_else(|| parse(&format!("{text}Z"))).or_else(|| {
        let (local, minutes) = text.split_at_checked(text.len().checked_sub(2)?)?;
        parse(&format!("{local}:{minutes}"))
    })
}

/// Whether `actual op expected` holds for one present value of `attribute`.
///
/// Values of different types are not equal, and in no order.
pub fn holds(attribute: &Attribute, op: Op, actual: &Value, expected: &CompValue) -> bool {
    match (actual, expected) {
        (Value::String(actual), CompValue::String(expected)) if attribute.kind == Type::DateTime => {
            match (instant(actual), instant(expected)) {
                (Some(actual), Some(expected)) => in_order(op, actual.cmp(&expected)),
                _ => op == Op::Ne,
            }
        }
        (Value::String(actual), CompValue::String(expected)) => {
            let actual = key(actual, attribute.case_exact);
            let expected = key(expected, attribute.case_exact);
            match op {
                Op::Co => actual.contains(&*expected),
                Op::Sw => actual.starts_with(&*expected),
                Op::Ew => actual.ends_with(&*expected),
                _ => in_order(op, actual.cmp(&expected)),
            }
        }
        (Value::Bool(actual), CompValue::Bool(expected)) => match op {
            Op::Eq => actual == expected,
            Op::Ne => actual != expected,
            _ => false,
        },
        (Value::Number(actual), CompValue::Number(expected)) => actual
            .as_f64()
            .zip(expected.as_f64())
            .and_then(|(actual, expected)| actual.partial_cmp(&expected))
            .is_some_and(|ordering| in_order(op, ordering)),
        _ => op == Op::Ne,
    }
}

fn in_order(op: Op, ordering: Ordering) -> bool {
    match op {
        Op::Eq => ordering.is_eq(),
        Op::Ne => ordering.is_ne(),
        Op::Gt => ordering.is_gt(),
        Op::Ge => ordering.is_ge(),
        Op::Lt => ordering.is_lt(),
        Op::Le => ordering.is_le(),
        Op::Co | Op::Sw | Op::Ew => false,
    }
}
