//! The Group schema (RFC 7643 §4.2).

use super::{Attribute, Schema};

// Members are added and removed, not edited (RFC 7643 §8.7.1). A group is not a member of a group here, so `User` is
// the only type that is promised.
const MEMBER: &[Attribute] = &[
    Attribute::string("value", "The id of the member.").exact().immutable(),
    Attribute::reference("$ref", &["User"], "The URI of the member.").immutable(),
    // RFC 7643 §8.4 shows it, §8.7.1 does not define it. Okta sends it always, which changes nothing. Answered to
    // whoever asks: what a client added comes back as it was added.
    Attribute::string("display", "The name of the member.").read_only().on_request(),
    Attribute::string("type", "What the member is.").one_of(&["User"]).immutable(),
];

/// The core Group schema.
pub static GROUP: Schema = Schema {
    id: "urn:ietf:params:scim:schemas:core:2.0:Group",
    name: "Group",
    description: "Group",
    attributes: &[
        // The sample schema of RFC 7643 §8.7.1 says optional; the text of §4.2 says REQUIRED, and is followed.
        Attribute::string("displayName", "A human-readable name of the group.").required(),
        Attribute::complex("members", MEMBER, "Who belongs to the group.").many(),
    ],
};
