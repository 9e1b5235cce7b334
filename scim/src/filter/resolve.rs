//! From the names in a filter to attributes of a resource type.

use super::{CompValue, Filter, Op, ResolvedFilter};
use crate::attribute::{AttributeRef, Target};
use crate::compare::instant;
use crate::error::Error;
use crate::notes::quoted;
use crate::schema::{Kind, Type};

impl Filter {
    /// Resolve the names against `kind`.
    ///
    /// Fails with 400 `invalidFilter` when an attribute does not exist, or cannot be compared in this way or with this
    /// value. Two habits are understood: a complex attribute without sub-attribute means its `value` (Entra, Ping),
    /// and a boolean may be given as a string in any case (Entra: `roles[primary eq "True"]`).
    pub fn resolve(self, kind: Kind) -> Result<ResolvedFilter, Error> {
        resolve(self, &|name| at_root(kind, name))
    }

    /// Resolve the names as sub-attributes of `outer`.
    pub(crate) fn resolve_inside(self, outer: Target) -> Result<ResolvedFilter, Error> {
        if !outer.attribute.is_complex() || outer.sub.is_some() {
            return Err(Error::invalid_filter(format!("{} has no sub-attributes to filter by.", quoted(&outer.to_string()))));
        }
        resolve(self, &|name| inside(outer, name))
    }
}

fn at_root(kind: Kind, name: &AttributeRef) -> Result<Target, Error> {
    match name.resolve(kind) {
        // No schema describes `schemas`, and all resources of one type have the same ones but for an extension.
        Some(target) if target.attribute.name != "schemas" => Ok(target),
        _ => Err(unknown(name)),
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

type Lookup<'l> = &'l dyn Fn(&AttributeRef) -> Result<Target, Error>;

fn resolve(filter: Filter, lookup: Lookup) -> Result<ResolvedFilter, Error> {
    Ok(match filter {
        Filter::And(filters) => Filter::And(resolve_all(filters, lookup)?),
        Filter::Or(filters) => Filter::Or(resolve_all(filters, lookup)?),
        Filter::Not(filter) => Filter::Not(Box::new(resolve(*filter, lookup)?)),
        Filter::Present(name) => Filter::Present(lookup(&name)?),
        Filter::Compare { attribute, op, value } => {
            let attribute = comparable(lookup(&attribute)?)?;
            let value = fitting(&attribute, op, value)?;
            Filter::Compare { attribute, op, value }
        }
        Filter::ValuePath { attribute, filter } => {
            let attribute = lookup(&attribute)?;
            let filter = Box::new(filter.resolve_inside(attribute)?);
            Filter::ValuePath { attribute, filter }
        }
    })
}

fn resolve_all(filters: Vec<Filter>, lookup: Lookup) -> Result<Vec<ResolvedFilter>, Error> {
    filters.into_iter().map(|filter| resolve(filter, lookup)).collect()
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
