//! From the names in a filter to attributes of a resource type.

use serde_json::Value;

use super::{CompValue, Filter, Op, ResolvedFilter};
use crate::attribute::{AttributeRef, Target};
use crate::compare::{holds, instant};
use crate::error::Error;
use crate::notes::quoted;
use crate::schema::{Attribute, Kind, Type};

/// Which resources of one type a filter can match.
#[derive(Clone, Debug, PartialEq)]
pub enum Match {
    /// All of them, whatever their values.
    All,
    /// None of them, whatever their values.
    None,
    /// Those that this matches.
    Only(ResolvedFilter),
}

impl Filter {
    /// Resolve the names against `kind` in a query over all resource types: there, an attribute that only other types
    /// have is one without a value (RFC 7644 §3.4.2.1).
    ///
    /// Fails with 400 `invalidFilter` like [`Filter::resolve`], for what no resource type understands.
    pub fn resolve_among_all(&self, kind: Kind) -> Result<Match, Error> {
        Ok(match self {
            Filter::And(filters) => joined(filters, kind, Match::All, Match::None, Filter::And)?,
            Filter::Or(filters) => joined(filters, kind, Match::None, Match::All, Filter::Or)?,
            Filter::Not(filter) => match filter.resolve_among_all(kind)? {
                Match::All => Match::None,
                Match::None => Match::All,
                Match::Only(filter) => Match::Only(Filter::Not(Box::new(filter))),
            },
            Filter::Present(name) | Filter::Compare { attribute: name, .. } | Filter::ValuePath { attribute: name, .. } => {
                if Scope::Resource(kind).lookup(name).is_ok() {
                    return self.clone().resolve(kind).map(Match::Only);
                }
                let elsewhere =
                    Kind::ALL.into_iter().find(|other| Scope::Resource(*other).lookup(name).is_ok()).ok_or_else(|| unknown(name))?;
                self.clone().resolve(elsewhere)?;
                if self.holds_without_value() { Match::All } else { Match::None }
            }
        })
    }

    /// Whether a comparison holds for a resource that has no such attribute.
    fn holds_without_value(&self) -> bool {
        match self {
            Filter::Compare { op: Op::Ne, value, .. } => *value != CompValue::Null,
            Filter::Compare { op: Op::Eq, value, .. } => *value == CompValue::Null,
            _ => false,
        }
    }

    /// Resolve the names against `kind`.
    ///
    /// Fails with 400 `invalidFilter` when an attribute does not exist, or cannot be compared in this way or with this
    /// value. Two habits are understood: a complex attribute without sub-attribute means its `value` (Entra, Ping),
    /// and a boolean may be given as a string in any case (Entra: `roles[primary eq "True"]`). A comparison with `schemas`
    /// becomes one of the attributes that make a schema be listed.
    pub fn resolve(self, kind: Kind) -> Result<ResolvedFilter, Error> {
        resolve(self, Scope::Resource(kind))
    }

    /// Resolve the names as sub-attributes of `outer`.
    pub(crate) fn resolve_inside(self, outer: Target) -> Result<ResolvedFilter, Error> {
        if !outer.attribute.is_complex() || outer.sub.is_some() {
            return Err(Error::invalid_filter(format!("{} has no sub-attributes to filter by.", quoted(&outer.to_string()))));
        }
        resolve(self, Scope::ValuePath(outer))
    }
}

/// The parts of an `and` or `or`: those that are `neutral` change nothing, and one that is `decisive` decides.
fn joined(
    filters: &[Filter],
    kind: Kind,
    neutral: Match,
    decisive: Match,
    join: fn(Vec<ResolvedFilter>) -> ResolvedFilter,
) -> Result<Match, Error> {
    let mut parts = Vec::new();
    let mut decided = false;
    for filter in filters {
        match filter.resolve_among_all(kind)? {
            Match::Only(part) => parts.push(part),
            constant => decided |= constant == decisive,
        }
    }
    Ok(match parts.len() {
        _ if decided => decisive,
        0 => neutral,
        1 => parts.pop().map_or(neutral, Match::Only),
        _ => Match::Only(join(parts)),
    })
}

/// What names are looked up in.
#[derive(Clone, Copy)]
enum Scope {
    Resource(Kind),
    /// The complex attribute in front of the brackets.
    ValuePath(Target),
}

impl Scope {
    fn lookup(self, name: &AttributeRef) -> Result<Target, Error> {
        match self {
            Self::Resource(kind) => name.resolve(kind).ok_or_else(|| unknown(name)),
            Self::ValuePath(outer) => inside(outer, name),
        }
    }
}

fn inside(outer: Target, name: &AttributeRef) -> Result<Target, Error> {
    let sub = match (&name.schema, &name.sub) {
        (None, None) => outer.attribute.sub(&name.name),
        _ => None,
    };
    sub.map(|sub| Target { sub: Some(sub), ..outer }).ok_or_else(|| unknown(name))
}

fn unknown(name: &AttributeRef) -> Error {
    Error::invalid_filter(format!("{} is not an attribute that can be filtered by.", quoted(&name.to_string())))
}

fn resolve(filter: Filter, scope: Scope) -> Result<ResolvedFilter, Error> {
    Ok(match filter {
        Filter::And(filters) => Filter::And(resolve_all(filters, scope)?),
        Filter::Or(filters) => Filter::Or(resolve_all(filters, scope)?),
        Filter::Not(filter) => Filter::Not(Box::new(resolve(*filter, scope)?)),
        Filter::Present(name) => match (scope.lookup(&name)?, scope) {
            (target, Scope::Resource(kind)) if is_schemas(&target) => about_schemas(kind, |_| true)?,
            (target, _) => Filter::Present(target),
        },
        Filter::Compare { attribute, op, value } => {
            let target = comparable(scope.lookup(&attribute)?)?;
            let value = fitting(&target, op, value)?;
            match scope {
                Scope::Resource(kind) if is_schemas(&target) => {
                    let in_any_case = Attribute { case_exact: false, ..target.attribute.clone() };
                    about_schemas(kind, |urn| holds(&in_any_case, op, &Value::from(urn), &value))?
                }
                _ => Filter::Compare { attribute: target, op, value },
            }
        }
        Filter::ValuePath { attribute, filter } => {
            let attribute = scope.lookup(&attribute)?;
            let filter = Box::new(filter.resolve_inside(attribute)?);
            Filter::ValuePath { attribute, filter }
        }
    })
}

fn resolve_all(filters: Vec<Filter>, scope: Scope) -> Result<Vec<ResolvedFilter>, Error> {
    filters.into_iter().map(|filter| resolve(filter, scope)).collect()
}

fn is_schemas(target: &Target) -> bool {
    target.attribute.name == "schemas"
}

/// That a resource has a value of `schemas` which is `wanted`.
///
/// `schemas` is not stored: it names the core schema, and each extension of which there is an attribute. So this is
/// said of those attributes, and of the `id`, which is always there.
fn about_schemas(kind: Kind, wanted: impl Fn(&str) -> bool) -> Result<ResolvedFilter, Error> {
    let id = AttributeRef { schema: None, name: "id".to_owned(), sub: None };
    let always = Filter::Present(Scope::Resource(kind).lookup(&id)?);
    if wanted(kind.schema().id) {
        return Ok(always);
    }
    let extensions = kind.extensions().iter().filter(|schema| wanted(schema.id));
    let targets =
        extensions.flat_map(|schema| schema.attributes.iter().map(|attribute| Target { extension: Some(schema.id), attribute, sub: None }));
    let any: Vec<_> = targets.map(Filter::Present).collect();
    Ok(if any.is_empty() { Filter::Not(Box::new(always)) } else { Filter::Or(any) })
}

fn comparable(target: Target) -> Result<Target, Error> {
    if !target.leaf().is_complex() {
        return Ok(target);
    }
    let value = target
        .attribute
        .sub("value")
        .ok_or_else(|| Error::invalid_filter(format!("{} can only be compared by a sub-attribute.", quoted(&target.to_string()))))?;
    Ok(Target { sub: Some(value), ..target })
}

fn fitting(target: &Target, op: Op, value: CompValue) -> Result<CompValue, Error> {
    let wrong = |what: &str| Error::invalid_filter(format!("{} {what}.", quoted(&target.to_string())));
    let ordered = matches!(op, Op::Gt | Op::Ge | Op::Lt | Op::Le);
    let textual = matches!(op, Op::Co | Op::Sw | Op::Ew);
    let kind = target.leaf().kind;

    if ordered && matches!(kind, Type::Boolean | Type::Binary) {
        return Err(wrong("has no order"));
    }
    if textual && !matches!(kind, Type::String | Type::Reference | Type::Binary) {
        return Err(wrong("is not text"));
    }
    match (kind, value) {
        (_, CompValue::Null) if ordered || textual => Err(wrong("can be compared with null only by eq and ne")),
        (_, CompValue::Null) => Ok(CompValue::Null),
        (Type::Boolean, CompValue::Bool(value)) => Ok(CompValue::Bool(value)),
        (Type::Boolean, CompValue::String(text)) if text.eq_ignore_ascii_case("true") => Ok(CompValue::Bool(true)),
        (Type::Boolean, CompValue::String(text)) if text.eq_ignore_ascii_case("false") => Ok(CompValue::Bool(false)),
        (Type::DateTime, CompValue::String(text)) if instant(&text).is_some() => Ok(CompValue::String(text)),
        (Type::Integer | Type::Decimal, CompValue::Number(number)) => Ok(CompValue::Number(number)),
        (Type::String | Type::Reference | Type::Binary, value) => {
            Ok(CompValue::String(match value {
                CompValue::String(text) => text,
                // A word without quotes that looks like another literal.
                other => other.to_string(),
            }))
        }
        _ => Err(wrong("cannot be compared with a value of this type")),
    }
}
