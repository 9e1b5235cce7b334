//! Filters (RFC 7644 §3.4.2.2).
//!
//! A filter is parsed, then resolved against a resource type, and only a resolved filter can be evaluated or compiled
//! to a query: what is not understood never gets far enough to match everything.

mod eval;
mod parse;
mod resolve;

use std::fmt;

use serde_json::Number;

use crate::attribute::{AttributeRef, Target};
use crate::error::Error;

pub(crate) use parse::value_path;
pub use resolve::Match;

/// The longest filter that is read, in bytes.
pub const MAX_LENGTH: usize = 4096;
/// How deeply groups, negations and value paths may nest.
pub const MAX_DEPTH: usize = 32;
/// How many comparisons a filter may hold.
pub const MAX_TERMS: usize = 200;

/// A filter: as written (`Filter`), or with its names resolved ([`ResolvedFilter`]).
#[derive(Clone, Debug, PartialEq)]
pub enum Filter<A = AttributeRef> {
    /// All of these; at least two.
    And(Vec<Filter<A>>),
    /// Any of these; at least two.
    Or(Vec<Filter<A>>),
    /// Not this.
    Not(Box<Filter<A>>),
    /// A comparison with a value.
    Compare {
        /// What is compared.
        attribute: A,
        /// How.
        op: Op,
        /// With what.
        value: CompValue,
    },
    /// `pr`: the attribute has a value that is not empty.
    Present(A),
    /// `attribute[filter]`: one element fulfils all of the inner filter.
    ValuePath {
        /// The complex attribute.
        attribute: A,
        /// About its sub-attributes.
        filter: Box<Filter<A>>,
    },
}

/// A filter whose attributes exist and can be compared as it asks.
///
/// - Bare complex attributes have become their `value`: `members eq "1"` is `members.value eq "1"`.
/// - The value has the type of the attribute's values, or is null, which goes only with `eq` and `ne`.
/// - Inside a [`Filter::ValuePath`], each [`Target`] names the outer attribute and a sub-attribute of it.
/// - [`Filter::Present`] may name a complex attribute; [`Filter::Compare`] never does.
pub type ResolvedFilter = Filter<Target>;

/// A comparison operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// Equal.
    Eq,
    /// Not equal; also true where there is no value.
    Ne,
    /// Contains.
    Co,
    /// Starts with.
    Sw,
    /// Ends with.
    Ew,
    /// Greater than.
    Gt,
    /// Greater than or equal to.
    Ge,
    /// Less than.
    Lt,
    /// Less than or equal to.
    Le,
}

impl Op {
    /// All of them.
    pub const ALL: [Op; 9] = [Self::Eq, Self::Ne, Self::Co, Self::Sw, Self::Ew, Self::Gt, Self::Ge, Self::Lt, Self::Le];

    /// The operator's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Eq => "eq",
            Self::Ne => "ne",
            Self::Co => "co",
            Self::Sw => "sw",
            Self::Ew => "ew",
            Self::Gt => "gt",
            Self::Ge => "ge",
            Self::Lt => "lt",
            Self::Le => "le",
        }
    }

    /// The operator of this name, in any case.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|op| op.name().eq_ignore_ascii_case(name))
    }
}

/// The value in a comparison.
#[derive(Clone, Debug, PartialEq)]
pub enum CompValue {
    /// `null`: unassigned.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A string, or an unquoted word: authentik and Ping leave the quotes out.
    String(String),
}

impl Filter {
    /// Read a filter. Fails with 400 `invalidFilter` when `text` is not one, or is longer, deeper or has more
    /// comparisons than [`MAX_LENGTH`], [`MAX_DEPTH`] and [`MAX_TERMS`] allow.
    pub fn parse(text: &str) -> Result<Self, Error> {
        parse::filter(text)
    }
}

impl<A> Filter<A> {
    /// How many comparisons it holds.
    pub(crate) fn terms(&self) -> usize {
        match self {
            Self::And(filters) | Self::Or(filters) => filters.iter().map(Self::terms).sum(),
            Self::Not(filter) | Self::ValuePath { filter, .. } => filter.terms(),
            Self::Compare { .. } | Self::Present(_) => 1,
        }
    }

    /// How long the texts that it compares with are together.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::And(filters) | Self::Or(filters) => filters.iter().map(Self::bytes).sum(),
            Self::Not(filter) | Self::ValuePath { filter, .. } => filter.bytes(),
            Self::Compare { value: CompValue::String(text), .. } => text.len(),
            Self::Compare { .. } | Self::Present(_) => 0,
        }
    }
}

impl<A: Named> fmt::Display for Filter<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print(self, false, f)
    }
}

/// How an attribute is written in a filter.
pub trait Named {
    /// Write the name; `inside` a value path only the sub-attribute is named.
    fn write(&self, inside: bool, f: &mut fmt::Formatter<'_>) -> fmt::Result;
}

impl Named for AttributeRef {
    fn write(&self, _inside: bool, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl Named for Target {
    fn write(&self, inside: bool, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.sub {
            Some(sub) if inside => f.write_str(sub.name),
            _ => write!(f, "{self}"),
        }
    }
}

fn print<A: Named>(filter: &Filter<A>, inside: bool, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match filter {
        Filter::And(filters) => print_joined(filters, " and ", inside, f),
        Filter::Or(filters) => print_joined(filters, " or ", inside, f),
        Filter::Not(filter) => {
            f.write_str("not (")?;
            print(filter, inside, f)?;
            f.write_str(")")
        }
        Filter::Compare { attribute, op, value } => {
            attribute.write(inside, f)?;
            write!(f, " {} {value}", op.name())
        }
        Filter::Present(attribute) => {
            attribute.write(inside, f)?;
            f.write_str(" pr")
        }
        Filter::ValuePath { attribute, filter } => {
            attribute.write(inside, f)?;
            f.write_str("[")?;
            print(filter, true, f)?;
            f.write_str("]")
        }
    }
}

/// Every nested `and` and `or` gets parentheses, needed or not, so that reading the text gives the same tree.
fn print_joined<A: Named>(filters: &[Filter<A>], word: &str, inside: bool, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (position, filter) in filters.iter().enumerate() {
        if position > 0 {
            f.write_str(word)?;
        }
        if matches!(filter, Filter::And(_) | Filter::Or(_)) {
            f.write_str("(")?;
            print(filter, inside, f)?;
            f.write_str(")")?;
        } else {
            print(filter, inside, f)?;
        }
    }
    Ok(())
}

impl fmt::Display for CompValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Number(value) => write!(f, "{value}"),
            Self::String(text) => write!(f, "{}", serde_json::Value::from(text.as_str())),
        }
    }
}
