//! Attribute notation (RFC 7644 §3.10), and what a name means for a resource type.

use std::fmt;

use serde_json::{Map, Value};

use crate::schema::{Attribute, COMMON, Kind, Schema};

/// An attribute as a client wrote it: `[schema URN ":"] name ["." sub-attribute]`. Nothing is known yet about whether
/// it exists; [`AttributeRef::resolve`] finds out.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AttributeRef {
    /// The schema URN in front of the name.
    pub schema: Option<String>,
    /// The attribute's name.
    pub name: String,
    /// The sub-attribute's name.
    pub sub: Option<String>,
}

impl AttributeRef {
    /// Read attribute notation; `None` if `text` is not. The caller knows which error that is.
    pub fn parse(text: &str) -> Option<Self> {
        // The URN holds dots itself ("…:2.0:User:userName"), so the last colon has to be found first.
        let (schema, rest) = match text.rsplit_once(':') {
            Some((schema, rest)) => (Some(schema), rest),
            None => (None, text),
        };
        let (name, sub) = match rest.split_once('.') {
            Some((name, sub)) => (name, Some(sub)),
            None => (rest, None),
        };
        let well_formed = schema.is_none_or(is_urn) && is_name(name) && sub.is_none_or(is_name);
        well_formed.then(|| Self { schema: schema.map(str::to_owned), name: name.to_owned(), sub: sub.map(str::to_owned) })
    }

    /// What the name means for `kind`; `None` if there is no such attribute.
    ///
    /// Without a URN the core schema goes first, then the extensions: Entra filters by a bare `manager`.
    pub fn resolve(&self, kind: Kind) -> Option<Target> {
        let (extension, attribute) = match &self.schema {
            Some(urn) => {
                let schema = kind.schema_by_urn(urn)?;
                let attribute = schema.attribute(&self.name).or_else(|| self.common(kind, schema))?;
                (Self::extension(kind, schema), attribute)
            }
            None => self
                .common(kind, kind.schema())
                .or_else(|| kind.schema().attribute(&self.name))
                .map(|attribute| (None, attribute))
                .or_else(|| kind.extensions().iter().find_map(|schema| Some((Some(schema.id), schema.attribute(&self.name)?))))?,
        };
        let sub = match &self.sub {
            Some(name) => Some(attribute.sub(name)?),
            None => None,
        };
        Some(Target { extension, attribute, sub })
    }

    /// The schema itself, if that is what the text names: "urn:…:enterprise:2.0:User" reads as an attribute `User`.
    pub(crate) fn whole_schema(&self, kind: Kind) -> Option<&'static Schema> {
        match &self.sub {
            None => kind.schema_by_urn(&self.to_string()),
            Some(_) => None,
        }
    }

    fn common(&self, kind: Kind, schema: &Schema) -> Option<&'static Attribute> {
        let core = schema.id == kind.schema().id;
        COMMON.iter().find(|attribute| core && attribute.name.eq_ignore_ascii_case(&self.name))
    }

    fn extension(kind: Kind, schema: &'static Schema) -> Option<&'static str> {
        (schema.id != kind.schema().id).then_some(schema.id)
    }
}

impl fmt::Display for AttributeRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(schema) = &self.schema {
            write!(f, "{schema}:")?;
        }
        f.write_str(&self.name)?;
        match &self.sub {
            Some(sub) => write!(f, ".{sub}"),
            None => Ok(()),
        }
    }
}

/// `ATTRNAME` of RFC 7643 §2.1, and `$ref`, which that grammar forgets.
fn is_name(text: &str) -> bool {
    let text = text.strip_prefix('$').unwrap_or(text);
    text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
}

fn is_urn(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.contains(':')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || ":/.-_~%+#?&=@!$*,;".contains(c))
}

/// An attribute that exists, in canonical spelling.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Target {
    /// The URN of the extension it belongs to; `None` for core and common attributes.
    pub extension: Option<&'static str>,
    /// The attribute.
    pub attribute: &'static Attribute,
    /// The sub-attribute, if one is named.
    pub sub: Option<&'static Attribute>,
}

impl Target {
    /// The extension's URN, the attribute's name and the sub-attribute's name.
    pub fn names(&self) -> (Option<&'static str>, &'static str, Option<&'static str>) {
        (self.extension, self.attribute.name, self.sub.map(|sub| sub.name))
    }

    /// The attribute whose values are meant: the sub-attribute, if one is named.
    pub fn leaf(&self) -> &'static Attribute {
        self.sub.unwrap_or(self.attribute)
    }

    /// The attribute's value in a resource, before any sub-attribute.
    pub(crate) fn lookup<'v>(&self, resource: &'v Map<String, Value>) -> Option<&'v Value> {
        match self.extension {
            Some(urn) => resource.get(urn)?.as_object()?.get(self.attribute.name),
            None => resource.get(self.attribute.name),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(urn) = self.extension {
            write!(f, "{urn}:")?;
        }
        f.write_str(self.attribute.name)?;
        match self.sub {
            Some(sub) => write!(f, ".{}", sub.name),
            None => Ok(()),
        }
    }
}
