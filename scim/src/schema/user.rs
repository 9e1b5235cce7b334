//! The User schema (RFC 7643 §4.1) and its enterprise extension (§4.3).

use super::{Attribute, Schema};

const NAME: &[Attribute] = &[
    Attribute::string("formatted", "The full name, formatted for display."),
    Attribute::string("familyName", "The family name."),
    Attribute::string("givenName", "The given name."),
    Attribute::string("middleName", "The middle names."),
    Attribute::string("honorificPrefix", "Titles before the name."),
    Attribute::string("honorificSuffix", "Suffixes after the name."),
];

const DISPLAY: Attribute = Attribute::string("display", "A human-readable name of the value.");
const PRIMARY: Attribute = Attribute::boolean("primary", "Whether this is the preferred value; at most one is.");
const TYPE: Attribute = Attribute::string("type", "What the value is for.");
const PLACE: Attribute = TYPE.one_of(&["work", "home", "other"]);

const EMAIL: &[Attribute] = &[Attribute::string("value", "The e-mail address."), DISPLAY, PLACE, PRIMARY];

const PHONE_NUMBER: &[Attribute] =
    &[Attribute::string("value", "The phone number."), DISPLAY, TYPE.one_of(&["work", "home", "mobile", "fax", "pager", "other"]), PRIMARY];

const IM: &[Attribute] = &[
    Attribute::string("value", "The instant messaging address."),
    DISPLAY,
    TYPE.one_of(&["aim", "gtalk", "icq", "xmpp", "msn", "skype", "qq", "yahoo"]),
    PRIMARY,
];

const PHOTO: &[Attribute] =
    &[Attribute::reference("value", &["external"], "The URI of the picture."), DISPLAY, TYPE.one_of(&["photo", "thumbnail"]), PRIMARY];

const ADDRESS: &[Attribute] = &[
    Attribute::string("formatted", "The full address, formatted for a label."),
    Attribute::string("streetAddress", "Street, house number and the like."),
    Attribute::string("locality", "The city."),
    Attribute::string("region", "The state or region."),
    Attribute::string("postalCode", "The postal code."),
    // Entra and Okta send names of countries, so the ISO 3166-1 code is not enforced.
    Attribute::string("country", "The country."),
    PLACE,
    PRIMARY,
];

const GROUP_OF_USER: &[Attribute] = &[
    Attribute::string("value", "The id of the group.").exact().read_only(),
    Attribute::reference("$ref", &["Group"], "The URI of the group.").read_only(),
    Attribute::string("display", "The name of the group.").read_only(),
    Attribute::string("type", "How the user came to be in the group.").one_of(&["direct", "indirect"]).read_only(),
];

const ENTITLEMENT: &[Attribute] = &[Attribute::string("value", "The entitlement."), DISPLAY, TYPE, PRIMARY];

const ROLE: &[Attribute] = &[Attribute::string("value", "The role."), DISPLAY, TYPE, PRIMARY];

const CERTIFICATE: &[Attribute] = &[Attribute::binary("value", "The certificate, DER, base64."), DISPLAY, TYPE, PRIMARY];

const MANAGER: &[Attribute] = &[
    Attribute::string("value", "The id of the manager.").exact(),
    Attribute::reference("$ref", &["User"], "The URI of the manager."),
    Attribute::string("displayName", "The name of the manager.").read_only(),
];

/// The core User schema, without `password`.
pub static USER: Schema = Schema {
    id: "urn:ietf:params:scim:schemas:core:2.0:User",
    name: "User",
    description: "User Account",
    attributes: &[
        Attribute::string("userName", "The unique name of the user.").required().unique(),
        Attribute::complex("name", NAME, "The parts of the user's name."),
        Attribute::string("displayName", "The name to show for the user."),
        Attribute::string("nickName", "The casual name."),
        Attribute::reference("profileUrl", &["external"], "The URL of the user's profile page."),
        Attribute::string("title", "The job title."),
        Attribute::string("userType", "The user's relation to the organisation."),
        Attribute::string("preferredLanguage", "The preferred language, as in Accept-Language."),
        Attribute::string("locale", "The locale for dates, numbers and currencies."),
        Attribute::string("timezone", "The time zone, as in the IANA database."),
        Attribute::boolean("active", "Whether the user is active."),
        Attribute::complex("emails", EMAIL, "E-mail addresses.").many(),
        Attribute::complex("phoneNumbers", PHONE_NUMBER, "Phone numbers.").many(),
        Attribute::complex("ims", IM, "Instant messaging addresses.").many(),
        Attribute::complex("photos", PHOTO, "URIs of pictures of the user.").many(),
        Attribute::complex("addresses", ADDRESS, "Postal addresses.").many(),
        Attribute::complex("groups", GROUP_OF_USER, "The groups to which the user belongs.").many().read_only(),
        Attribute::complex("entitlements", ENTITLEMENT, "Entitlements.").many(),
        Attribute::complex("roles", ROLE, "Roles.").many(),
        Attribute::complex("x509Certificates", CERTIFICATE, "X.509 certificates.").many(),
    ],
};

/// The enterprise extension of the User schema.
pub static ENTERPRISE_USER: Schema = Schema {
    id: "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
    name: "EnterpriseUser",
    description: "Enterprise User",
    attributes: &[
        Attribute::string("employeeNumber", "The employee number."),
        Attribute::string("costCenter", "The cost center."),
        Attribute::string("organization", "The organisation."),
        Attribute::string("division", "The division."),
        Attribute::string("department", "The department."),
        Attribute::complex("manager", MANAGER, "The user's manager."),
    ],
};
