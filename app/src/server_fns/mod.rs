//! Every call from the browser to the server. Each is a thin handler: who, which, do it, answer.
//!
//! Endpoints are named, since a generated name holds a hash of the build's folder, and two builds of one version have
//! to agree while they replace each other.

// The macro makes a struct of each function's arguments, whose fields cannot be documented.
#![allow(missing_docs)]

mod access;
mod account;
mod activity;
mod agents;
mod api_access;
mod drills;
mod groups;
mod mappings;
mod members;
mod people;
mod security;
mod teams;
mod webhooks;

pub use access::*;
pub use account::*;
pub use activity::*;
pub use agents::*;
pub use api_access::*;
pub use drills::*;
pub use groups::*;
pub use mappings::*;
pub use members::*;
pub use people::*;
pub use security::*;
pub use teams::*;
pub use webhooks::*;
