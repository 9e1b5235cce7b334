//! Where the attributes of users and groups are kept, for statements that filter by them or sort. The resource's own row is `r`.

use scim::{Kind, Target};

use super::{
    scim_values::{WITHOUT_ACTIVE, path},
    values::Params,
};

/// What a statement about resources is written for.
#[derive(Clone, Copy)]
pub(crate) struct Dialect<'a> {
    /// PostgreSQL, rather than SQLite.
    pub(crate) postgres: bool,
    /// Below which URL the resources are: locations and references begin with it.
    pub(crate) base_url: &'a str,
}

/// Where an attribute is kept.
pub(crate) enum Place {
    /// An expression over the resource's row that holds its comparison key; whether it can be NULL.
    Text(String, bool),
    /// A column with the resource's id.
    Id,
    /// A boolean column.
    Flag(&'static str),
    /// A column of microseconds.
    Moment(&'static str),
    /// Rows in `scim_user_values`, under this path.
    Values(String),
    /// A part of each row that joins users and groups, for the users' `groups` or the groups' `members`.
    Joined(Part),
}

/// A part of a group in a user's `groups`, or of a member in a group's `members`.
#[derive(Clone, Copy)]
pub(crate) enum Part {
    /// The id of the other resource.
    Value,
    /// Its location.
    Reference,
    /// A text that is the same for all.
    Constant(&'static str),
    /// The name to show: a group's, or of a member her displayName, else her userName.
    Display,
}

/// Where `target`, of a resource of type `kind`, is kept; `None` for what cannot be asked for.
pub(crate) fn place(kind: Kind, target: &Target, dialect: Dialect<'_>, params: &mut Params) -> Option<Place> {
    let text = |column: &str, nullable| Some(Place::Text(column.to_owned(), nullable));
    match (kind, target.names()) {
        (_, (None, "id", None)) => Some(Place::Id),
        (_, (None, "externalId", None)) => text("r.external_id", true),
        (_, (None, "meta", Some("created"))) => Some(Place::Moment("r.created_at")),
        (_, (None, "meta", Some("lastModified"))) => Some(Place::Moment("r.updated_at")),
        (_, (None, "meta", Some("resourceType"))) => Some(Place::Text(constant(kind.name(), dialect, params), false)),
        (_, (None, "meta", Some("location"))) => {
            let before = params.push(format!("{}{}/", dialect.base_url, kind.endpoint()));
            Some(Place::Text(format!("({before} || {})", id_text("r.id", dialect)), false))
        }
        (Kind::User, (None, "userName", None)) => text("r.user_name_key", false),
        (Kind::User, (None, "active", None)) => Some(Place::Flag("r.active")),
        (Kind::User, (None, "groups", part)) => Some(Place::Joined(match part? {
            "value" => Part::Value,
            "$ref" => Part::Reference,
            "type" => Part::Constant("direct"),
            "display" => Part::Display,
            _ => return None,
        })),
        (Kind::Group, (None, "displayName", None)) => text("r.display_name_key", false),
        (Kind::Group, (None, "members", part)) => Some(Place::Joined(match part? {
            "value" => Part::Value,
            "$ref" => Part::Reference,
            "type" => Part::Constant("user"),
            "display" => Part::Display,
            _ => return None,
        })),
        // Of the common attributes only meta.version is left, which changes with what is asked for.
        (_, (None, "meta", _)) | (Kind::Group, _) => None,
        (Kind::User, _) => Some(Place::Values(path(target))),
    }
}

/// An id as the text that clients see.
pub(crate) fn id_text(column: &str, dialect: Dialect<'_>) -> String {
    if dialect.postgres {
        return format!("CAST({column} AS text) COLLATE \"C\"");
    }
    let part = |from, length| format!("substr(hex({column}), {from}, {length})");
    format!("lower({} || '-' || {} || '-' || {} || '-' || {} || '-' || {})", part(1, 8), part(9, 4), part(13, 4), part(17, 4), part(21, 12))
}

/// A text that compares as keys do.
pub(crate) fn constant(text: &str, dialect: Dialect<'_>, params: &mut Params) -> String {
    let text = params.push(text);
    if dialect.postgres { format!("CAST({text} AS text) COLLATE \"C\"") } else { text }
}

/// That a user's `active` is there: seldom it is not, and then there is a row that says so.
pub(crate) fn has_active() -> String {
    format!("r.id NOT IN (SELECT a.user_id FROM scim_user_values a WHERE a.org_id = $1 AND a.path = '{WITHOUT_ACTIVE}')")
}
