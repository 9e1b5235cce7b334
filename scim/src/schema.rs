//! Schemas as data: which attributes exist, and their characteristics (RFC 7643 §2, §7, §8.7.1).
//!
//! What is published here is exactly what is stored and returned. `password` is not: it is accepted in bodies and
//! dropped, so promising it would mislead a client.

mod common;
mod group;
mod user;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

pub use common::COMMON;
pub use group::GROUP;
pub use user::{ENTERPRISE_USER, USER};

/// The `schemas` value of a schema definition (RFC 7643 §7).
pub const SCHEMA_SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:Schema";

/// A resource type (RFC 7643 §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A person, `/Users`.
    User,
    /// A group, `/Groups`.
    Group,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 2] = [Kind::User, Kind::Group];

    /// The resource type's name, which is also `meta.resourceType`.
    pub fn name(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Group => "Group",
        }
    }

    /// Where its resources live, relative to the base URL.
    pub fn endpoint(self) -> &'static str {
        match self {
            Self::User => "/Users",
            Self::Group => "/Groups",
        }
    }

    /// The core schema.
    pub fn schema(self) -> &'static Schema {
        match self {
            Self::User => &USER,
            Self::Group => &GROUP,
        }
    }

    /// The schema extensions. None is required.
    pub fn extensions(self) -> &'static [&'static Schema] {
        static OF_USER: [&Schema; 1] = [&ENTERPRISE_USER];
        match self {
            Self::User => &OF_USER,
            Self::Group => &[],
        }
    }

    /// The core schema or the extension with this URN, in any case.
    pub fn schema_by_urn(self, urn: &str) -> Option<&'static Schema> {
        std::iter::once(self.schema()).chain(self.extensions().iter().copied()).find(|schema| schema.id.eq_ignore_ascii_case(urn))
    }
}

/// One schema (RFC 7643 §7). Serialises to the form that `/Schemas` answers, without `meta`.
#[derive(Debug, PartialEq)]
pub struct Schema {
    /// The URN.
    pub id: &'static str,
    /// A name for people.
    pub name: &'static str,
    /// What the schema is for.
    pub description: &'static str,
    /// The attributes.
    pub attributes: &'static [Attribute],
}

impl Schema {
    /// The attribute of this name, in any case (RFC 7643 §2.1).
    pub fn attribute(&self, name: &str) -> Option<&'static Attribute> {
        find(self.attributes, name)
    }
}

/// One attribute and its characteristics (RFC 7643 §2.2, §7).
#[derive(Clone, Debug, PartialEq)]
pub struct Attribute {
    /// The canonical spelling of the name.
    pub name: &'static str,
    /// The data type; `type` in JSON.
    pub kind: Type,
    /// Whether it holds a list.
    pub multi_valued: bool,
    /// What it means.
    pub description: &'static str,
    /// Whether a resource must have it.
    pub required: bool,
    /// Whether its strings compare with regard to case.
    pub case_exact: bool,
    /// Who may change it, and when.
    pub mutability: Mutability,
    /// When it is part of an answer.
    pub returned: Returned,
    /// How far its value is unique.
    pub uniqueness: Uniqueness,
    /// Suggested values. Others are accepted.
    pub canonical_values: &'static [&'static str],
    /// What a reference may point at.
    pub reference_types: &'static [&'static str],
    /// The parts of a complex attribute.
    pub sub_attributes: &'static [Attribute],
}

impl Attribute {
    /// The sub-attribute of this name, in any case.
    pub fn sub(&self, name: &str) -> Option<&'static Attribute> {
        find(self.sub_attributes, name)
    }

    /// Whether it is made of sub-attributes.
    pub fn is_complex(&self) -> bool {
        self.kind == Type::Complex
    }
}

fn find(attributes: &'static [Attribute], name: &str) -> Option<&'static Attribute> {
    attributes.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name))
}

/// The attribute data types of RFC 7643 §2.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Type {
    /// Unicode text.
    String,
    /// `true` or `false`.
    Boolean,
    /// A real number.
    Decimal,
    /// A whole number.
    Integer,
    /// A point in time, xsd:dateTime.
    DateTime,
    /// Base64 text.
    Binary,
    /// A URI.
    Reference,
    /// An object of sub-attributes.
    Complex,
}

/// Who may change an attribute, and when (RFC 7643 §7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Mutability {
    /// Only the service provider.
    ReadOnly,
    /// The client, at any time.
    ReadWrite,
    /// The client, once.
    Immutable,
    /// The client, but it is never read back.
    WriteOnly,
}

/// When an attribute is part of an answer (RFC 7643 §7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Returned {
    /// In every answer, whatever the client asks for.
    Always,
    /// Never.
    Never,
    /// Unless the client asks otherwise.
    Default,
    /// Only when the client asks for it.
    Request,
}

/// How far a value is unique (RFC 7643 §7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Uniqueness {
    /// Not at all.
    None,
    /// Among the resources of this service provider's tenant.
    Server,
    /// In the world.
    Global,
}

impl Serialize for Schema {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut schema = serializer.serialize_map(None)?;
        schema.serialize_entry("schemas", &[SCHEMA_SCHEMA])?;
        schema.serialize_entry("id", self.id)?;
        schema.serialize_entry("name", self.name)?;
        schema.serialize_entry("description", self.description)?;
        schema.serialize_entry("attributes", self.attributes)?;
        schema.end()
    }
}

impl Serialize for Attribute {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut attribute = serializer.serialize_map(None)?;
        attribute.serialize_entry("name", self.name)?;
        attribute.serialize_entry("type", &self.kind)?;
        attribute.serialize_entry("multiValued", &self.multi_valued)?;
        attribute.serialize_entry("description", self.description)?;
        attribute.serialize_entry("required", &self.required)?;
        attribute.serialize_entry("caseExact", &self.case_exact)?;
        attribute.serialize_entry("mutability", &self.mutability)?;
        attribute.serialize_entry("returned", &self.returned)?;
        attribute.serialize_entry("uniqueness", &self.uniqueness)?;
        if !self.canonical_values.is_empty() {
            attribute.serialize_entry("canonicalValues", self.canonical_values)?;
        }
        if !self.reference_types.is_empty() {
            attribute.serialize_entry("referenceTypes", self.reference_types)?;
        }
        if !self.sub_attributes.is_empty() {
            attribute.serialize_entry("subAttributes", self.sub_attributes)?;
        }
        attribute.end()
    }
}

/// How the schema files write attributes down: a constructor by type, then what differs from the defaults of RFC 7643
/// §2.2 (optional, readWrite, returned by default, not unique, case-insensitive).
impl Attribute {
    const fn new(name: &'static str, kind: Type, description: &'static str) -> Self {
        Self {
            name,
            kind,
            multi_valued: false,
            description,
            required: false,
            // References and base64 are case exact by their nature (RFC 7643 §2.3.6, §2.3.7).
            case_exact: matches!(kind, Type::Reference | Type::Binary),
            mutability: Mutability::ReadWrite,
            returned: Returned::Default,
            uniqueness: Uniqueness::None,
            canonical_values: &[],
            reference_types: &[],
            sub_attributes: &[],
        }
    }

    const fn string(name: &'static str, description: &'static str) -> Self {
        Self::new(name, Type::String, description)
    }

    const fn boolean(name: &'static str, description: &'static str) -> Self {
        Self::new(name, Type::Boolean, description)
    }

    const fn binary(name: &'static str, description: &'static str) -> Self {
        Self::new(name, Type::Binary, description)
    }

    const fn date_time(name: &'static str, description: &'static str) -> Self {
        Self::new(name, Type::DateTime, description)
    }

    const fn reference(name: &'static str, to: &'static [&'static str], description: &'static str) -> Self {
        Self { reference_types: to, ..Self::new(name, Type::Reference, description) }
    }

    const fn complex(name: &'static str, parts: &'static [Attribute], description: &'static str) -> Self {
        Self { sub_attributes: parts, ..Self::new(name, Type::Complex, description) }
    }

    const fn many(self) -> Self {
        Self { multi_valued: true, ..self }
    }

    const fn required(self) -> Self {
        Self { required: true, ..self }
    }

    const fn exact(self) -> Self {
        Self { case_exact: true, ..self }
    }

    const fn read_only(self) -> Self {
        Self { mutability: Mutability::ReadOnly, ..self }
    }

    const fn immutable(self) -> Self {
        Self { mutability: Mutability::Immutable, ..self }
    }

    const fn always(self) -> Self {
        Self { returned: Returned::Always, ..self }
    }

    const fn on_request(self) -> Self {
        Self { returned: Returned::Request, ..self }
    }

    const fn unique(self) -> Self {
        Self { uniqueness: Uniqueness::Server, ..self }
    }

    const fn one_of(self, canonical_values: &'static [&'static str]) -> Self {
        Self { canonical_values, ..self }
    }
}
