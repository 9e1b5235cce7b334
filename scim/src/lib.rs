//! The SCIM 2.0 protocol (RFC 7643, RFC 7644) as pure data and functions.
//!
//! Bytes and texts come in, values go out: schemas, resources, attribute paths, filters, PATCH, lists, projections and
//! errors. There is no I/O, no clock and no HTTP in here, and no input makes it panic: whatever a client sends is either
//! understood, tolerated with a [`Notes`] entry, or refused with the [`Error`] that the RFC asks for.
//!
//! ```
//! use scim::{Filter, Kind, Notes, PatchRequest, Resource, json, patch};
//!
//! let body = json::parse(br#"{"userName": "mira@acme.test", "active": "True"}"#)?;
//! let user = Resource::parse(Kind::User, &body, &mut Notes::new())?;
//! assert_eq!(user.flag("active"), Some(true));
//!
//! let body = json::parse(br#"{"Operations": [{"op": "Replace", "path": "active", "value": "False"}]}"#)?;
//! let patched = patch::apply(&user, &PatchRequest::parse(&body)?)?;
//! assert!(patched.changed);
//! assert_eq!(patched.resource.flag("active"), Some(false));
//!
//! let filter = Filter::parse(r#"userName eq "MIRA@acme.test" and active eq false"#)?.resolve(Kind::User)?;
//! assert!(filter.matches(&patched.resource.attributes().clone().into()));
//! # Ok::<(), scim::Error>(())
//! ```

#![deny(missing_docs)]

pub mod attribute;
pub mod bulk;
pub mod compare;
pub mod config;
pub mod error;
pub mod etag;
pub mod filter;
pub mod json;
pub mod list;
pub mod notes;
pub mod patch;
pub mod path;
pub mod projection;
pub mod resource;
pub mod schema;
pub mod sort;

pub use attribute::{AttributeRef, Target};
pub use error::{Error, ScimType};
pub use etag::{Preconditions, Tags};
pub use filter::{CompValue, Filter, ResolvedFilter};
pub use list::{ListQuery, ListResponse};
pub use notes::Notes;
pub use patch::{PatchRequest, Patched};
pub use path::Path;
pub use projection::Projection;
pub use resource::{Envelope, Resource};
pub use schema::{Attribute, Kind, Schema};
