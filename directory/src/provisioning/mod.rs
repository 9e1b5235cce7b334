//! What an identity provider does through SCIM, and what an owner does to let it.

pub mod activity;
pub mod connection;
pub mod cursor;
pub mod groups;
pub mod guesses;
pub mod index;
mod masked;
pub(crate) mod person;
pub mod query;
pub mod request;
pub mod tokens;
pub mod users;
