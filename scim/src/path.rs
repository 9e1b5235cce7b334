//! PATCH paths (RFC 7644 §3.5.2): an attribute, an optional filter that selects elements, an optional sub-attribute.

use std::fmt;

use crate::attribute::{AttributeRef, Target};
use crate::error::Error;
use crate::filter::{Filter, ResolvedFilter, value_path};
use crate::notes::quoted;
use crate::schema::{Attribute, Kind, Schema};

/// A well-formed PATCH path. Whether it leads anywhere is only known for a resource type.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    /// The attribute in front.
    pub attribute: AttributeRef,
    /// Which elements are meant.
    pub filter: Option<Filter>,
    /// The sub-attribute behind the filter. Without filter, it is `attribute.sub`.
    pub sub: Option<String>,
}

impl Path {
    /// Read a path; 400 `invalidPath` if it is malformed. The limits are those of filters.
    pub fn parse(text: &str) -> Result<Self, Error> {
        match value_path(text) {
            Ok((attribute, filter, sub)) if filter.is_none() || attribute.sub.is_none() => Ok(Self { attribute, filter, sub }),
            Ok(_) => Err(Error::invalid_path(format!("In {}, a sub-attribute is filtered.", quoted(text)))),
            Err(error) => Err(Error::invalid_path(format!("{} is not a path: {}", quoted(text), error.detail))),
        }
    }

    /// What the path leads to in a resource of type `kind`; 400 `invalidPath` if its filter cannot be applied there.
    pub(crate) fn resolve(&self, kind: Kind) -> Result<Destination, Error> {
        if self.filter.is_none()
            && let Some(schema) = self.attribute.whole_schema(kind)
        {
            return Ok(Destination::Schema(schema));
        }
        let Some(target) = self.attribute.resolve(kind) else {
            return Ok(Destination::Unknown);
        };
        let sub = match &self.sub {
            None => target.sub,
            Some(name) => match target.attribute.sub(name) {
                None => return Ok(Destination::Unknown),
                sub => sub,
            },
        };
        let filter = match &self.filter {
            None => None,
            Some(filter) => Some(
                filter
                    .clone()
                    .resolve_inside(target)
                    .map_err(|error| Error::invalid_path(format!("{}: {}", quoted(&self.to_string()), error.detail)))?,
            ),
        };
        Ok(Destination::Place(Place { extension: target.extension, attribute: target.attribute, filter, sub }))
    }
}

impl From<AttributeRef> for Path {
    fn from(attribute: AttributeRef) -> Self {
        Self { attribute, filter: None, sub: None }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.attribute)?;
        if let Some(filter) = &self.filter {
            write!(f, "[{filter}]")?;
        }
        match &self.sub {
            Some(sub) => write!(f, ".{sub}"),
            None => Ok(()),
        }
    }
}

/// What a path leads to.
#[derive(Debug)]
pub(crate) enum Destination {
    /// Nothing that the schemas know.
    Unknown,
    /// All attributes of a schema.
    Schema(&'static Schema),
    /// An attribute, or a part of it.
    Place(Place),
}

/// An attribute, or a part of it.
#[derive(Debug)]
pub(crate) struct Place {
    pub extension: Option<&'static str>,
    pub attribute: &'static Attribute,
    pub filter: Option<ResolvedFilter>,
    pub sub: Option<&'static Attribute>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { extension, attribute, sub, .. } = *self;
        write!(f, "{}", Target { extension, attribute, sub })
    }
}
