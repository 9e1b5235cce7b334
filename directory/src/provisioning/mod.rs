//! What an identity provider does through SCIM, and what an owner does to let it.

pub mod connection;
pub mod groups;
mod person;
pub mod tokens;
pub mod users;
