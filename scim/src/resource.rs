//! Resources: what clients send, in one canonical form, and what they are answered.

pub(crate) mod edit;
mod elements;
mod identity;
mod value;

use serde_json::{Map, Value, json};

use crate::attribute::{AttributeRef, Target};
use crate::error::Error;
use crate::notes::Notes;
use crate::path::Path;
use crate::schema::GROUP;
use crate::schema::Kind;
use edit::{Change, Editor};
pub(crate) use value::Purpose;

/// A resource's attributes in canonical form.
///
/// Names have the schema's spelling, extension attributes stand in an object under their URN, nothing is null or an
/// empty list, and at most one value of an attribute is primary. What belongs to the service provider is not in here:
/// `id`, `meta`, `schemas`, the `groups` of a user, and no password either.
#[derive(Clone, Debug, PartialEq)]
pub struct Resource {
    kind: Kind,
    attributes: Map<String, Value>,
}

/// What the service provider adds to a resource's attributes.
#[derive(Clone, Debug, PartialEq)]
pub struct Envelope {
    /// The id.
    pub id: String,
    /// `meta.created`, RFC 3339.
    pub created: String,
    /// `meta.lastModified`, RFC 3339.
    pub last_modified: String,
    /// `meta.location`; the same as the Location header (RFC 7643 §3.1).
    pub location: String,
    /// `meta.version`; the same as the ETag header, such as `W/"3"`.
    pub version: String,
    /// Attributes that are not stored with the resource, such as the `groups` of a user.
    pub computed: Map<String, Value>,
}

impl Resource {
    /// Read the body of a POST or PUT.
    ///
    /// readOnly attributes are ignored (RFC 7644 §3.3), and so are unknown attributes and schemas, with a note. All the
    /// spellings of the identity providers are understood: names in any case, dotted, or with their URN; booleans as
    /// strings; one value where a list belongs; the manager as a bare id.
    ///
    /// Fails with 400 `invalidSyntax` if `body` is not an object, and with 400 `invalidValue` if a value does not fit
    /// its attribute, a required attribute is missing or blank, a userName is deceptive, or a member of a group
    /// is a group itself.
    pub fn parse(kind: Kind, body: &Value, notes: &mut Notes) -> Result<Resource, Error> {
        let body = body.as_object().ok_or_else(|| Error::invalid_syntax("The body must be a JSON object."))?;
        let mut editor = Editor::new(kind, Map::new(), notes);
        // Adding rather than replacing: `emails` and `emails[type eq "work"].value` in one body complete each other.
        editor.each(body, Change::Add(&Value::Null))?;
        let mut resource = Self { kind, attributes: editor.finish() };
        resource.settle(None)?;
        Ok(resource)
    }

    /// A resource from its stored attributes, which are trusted to be in canonical form.
    pub fn from_stored(kind: Kind, attributes: Map<String, Value>) -> Resource {
        Self { kind, attributes }
    }

    /// Whether a body names the attribute at all, be it with null or `[]`. A PUT that leaves an attribute out is not
    /// the same as one that clears it, and the canonical form no longer tells.
    pub fn names(kind: Kind, body: &Value, attribute: &str) -> bool {
        let Some(wanted) = target(kind, attribute) else {
            return false;
        };
        body.as_object().into_iter().flat_map(Map::iter).any(|(name, value)| {
            let named = |name: &str| Path::parse(name).ok().and_then(|path| path.attribute.resolve(kind));
            let in_extension = || {
                let urn = kind.schema_by_urn(name)?.id;
                let names = value.as_object()?.keys();
                names.map(|name| named(&format!("{urn}:{name}"))).find(|target| is_same(target, &wanted))
            };
            is_same(&named(name), &wanted) || in_extension().is_some()
        })
    }

    /// The resource type.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The canonical attributes.
    pub fn attributes(&self) -> &Map<String, Value> {
        &self.attributes
    }

    /// The canonical attributes, owned.
    pub fn into_attributes(self) -> Map<String, Value> {
        self.attributes
    }

    /// The value at an attribute path such as `userName`, `name.givenName` or `urn:…:User:department`.
    pub fn get(&self, path: &str) -> Option<&Value> {
        let target = target(self.kind, path)?;
        let value = target.lookup(&self.attributes)?;
        match target.sub {
            Some(sub) => value.get(sub.name),
            None => Some(value),
        }
    }

    /// The text at an attribute path.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.get(path)?.as_str()
    }

    /// The boolean at an attribute path; `None` when it is absent.
    pub fn flag(&self, path: &str) -> Option<bool> {
        self.get(path)?.as_bool()
    }

    /// Put a canonical value at an attribute, or take the attribute away. A path that the schemas do not know, or that
    /// leads to a sub-attribute, changes nothing.
    pub fn set(&mut self, path: &str, value: Option<Value>) {
        let Some(target) = target(self.kind, path).filter(|target| target.sub.is_none()) else {
            return;
        };
        let name = target.attribute.name;
        let Some(urn) = target.extension else {
            replace(&mut self.attributes, name, value);
            return;
        };
        let mut extension = match self.attributes.remove(urn) {
            Some(Value::Object(extension)) => extension,
            _ => Map::new(),
        };
        replace(&mut extension, name, value);
        if !extension.is_empty() {
            self.attributes.insert(urn.to_owned(), Value::Object(extension));
        }
    }

    /// The elements of a complex multi-valued attribute.
    pub fn values(&self, attribute: &str) -> impl Iterator<Item = &Map<String, Value>> {
        self.get(attribute).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object)
    }

    /// The `value` of the primary element of an attribute, else that of the first that has one.
    pub fn primary(&self, attribute: &str) -> Option<&str> {
        let value = |element: &'_ Map<String, Value>| element.get("value").is_some_and(Value::is_string);
        let primary = self.values(attribute).find(|element| value(element) && element.get("primary") == Some(&Value::Bool(true)));
        primary.or_else(|| self.values(attribute).find(|element| value(element)))?.get("value")?.as_str()
    }

    /// What clients are sent: the attributes with `schemas`, `id`, `meta` and what is computed. The URN of an extension
    /// is listed only if the resource has attributes of it.
    pub fn represent(&self, envelope: &Envelope) -> Value {
        let mut representation = self.attributes.clone();
        representation.extend(envelope.computed.clone());
        let extensions = self.kind.extensions().iter().map(|schema| schema.id);
        let schemas: Vec<&str> =
            std::iter::once(self.kind.schema().id).chain(extensions.filter(|urn| representation.contains_key(*urn))).collect();
        representation.insert("schemas".to_owned(), json!(schemas));
        representation.insert("id".to_owned(), json!(envelope.id));
        representation.insert(
            "meta".to_owned(),
            json!({
                "resourceType": self.kind.name(),
                "created": envelope.created,
                "lastModified": envelope.last_modified,
                "location": envelope.location,
                "version": envelope.version,
            }),
        );
        Value::Object(representation)
    }

    /// Check what holds for the resource as a whole, after a client changed it. Only what differs from `before` is
    /// checked: a name that was accepted under an older rule must not stand in the way of deactivating its user.
    pub(crate) fn settle(&mut self, before: Option<&Resource>) -> Result<(), Error> {
        // An empty string is no identifier, and several resources may come with one.
        if self.text("externalId").is_some_and(|id| id.trim().is_empty()) {
            self.set("externalId", None);
        }
        for attribute in self.kind.schema().attributes.iter().filter(|attribute| attribute.required) {
            let text = self.text(attribute.name);
            if before.is_some_and(|before| before.text(attribute.name) == text) {
                continue;
            }
            if text.is_none_or(is_blank) {
                return Err(Error::invalid_value(format!("`{}` is required and must not be blank.", attribute.name)));
            }
            if attribute.name == "userName" {
                honest(text.unwrap_or_default())?;
            }
        }
        Ok(())
    }
}

/// The ids in a value of a group's `members`.
pub(crate) fn member_ids(value: &Value, purpose: Purpose, notes: &mut Notes) -> Result<Vec<String>, Error> {
    let Some(members) = GROUP.attribute("members") else {
        return Ok(Vec::new());
    };
    let elements = value::elements(members, value, purpose, notes)?;
    Ok(elements.iter().filter_map(|member| member.get("value")?.as_str()).map(str::to_owned).collect())
}

/// Whether nothing of the text can be seen. Spaces are not the only characters that leave no mark.
fn is_blank(text: &str) -> bool {
    let is_invisible = |c| {
        matches!(c, '\u{AD}' | '\u{115F}' | '\u{1160}' | '\u{180E}' | '\u{200B}'..='\u{200D}' | '\u{2060}'..='\u{2064}')
            || matches!(c, '\u{2800}' | '\u{3164}' | '\u{FEFF}' | '\u{FFA0}')
    };
    text.chars().all(|c| c.is_whitespace() || is_invisible(c))
}

/// A userName may not show as something that it is not, nor be a macro that OneLogin left unexpanded.
fn honest(user_name: &str) -> Result<(), Error> {
    if user_name.chars().any(|c| c.is_control() || is_direction_mark(c)) {
        return Err(Error::invalid_value("`userName` holds control characters or direction marks."));
    }
    if user_name.starts_with("{$") {
        return Err(Error::invalid_value("`userName` is a macro that was not expanded."));
    }
    Ok(())
}

fn is_direction_mark(c: char) -> bool {
    matches!(c, '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

fn target(kind: Kind, path: &str) -> Option<Target> {
    AttributeRef::parse(path)?.resolve(kind)
}

fn is_same(target: &Option<Target>, wanted: &Target) -> bool {
    target.is_some_and(|target| (target.extension, target.attribute.name) == (wanted.extension, wanted.attribute.name))
}

fn replace(attributes: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    match value {
        Some(value) => attributes.insert(name.to_owned(), value),
        None => attributes.remove(name),
    };
}
