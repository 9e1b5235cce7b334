//! The attributes that every resource has (RFC 7643 §3, §3.1). They belong to no schema, so `/Schemas` does not list
//! them, but filters, paths and projections may name them.

use super::Attribute;

const META: &[Attribute] = &[
    Attribute::string("resourceType", "The name of the resource type.").exact().read_only(),
    Attribute::date_time("created", "When the resource was added.").exact().read_only(),
    Attribute::date_time("lastModified", "When the resource last changed.").exact().read_only(),
    Attribute::reference("location", &["uri"], "The resource's own URI.").read_only(),
    Attribute::string("version", "The version, equal to the ETag header.").exact().read_only(),
];

/// `schemas`, `id`, `externalId` and `meta`.
pub static COMMON: &[Attribute] = &[
    Attribute::reference("schemas", &["uri"], "The schemas that the resource uses.").many().always(),
    Attribute::string("id", "The identifier given by the service provider.").exact().read_only().always().unique(),
    Attribute::string("externalId", "The identifier given by the client.").exact(),
    Attribute::complex("meta", META, "Facts about the resource itself.").read_only(),
];
