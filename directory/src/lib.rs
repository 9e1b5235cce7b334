//! Rollcall's use cases: who may join, who has left, and what that means. One public function is one transaction.
//!
//! The caller passes in the moment and the source of randomness (a [`Call`]) and leave to act (an [`OrgScope`], which
//! only an authorisation check makes). SQL is in `store` and nowhere else.

pub mod access;
pub mod account;
pub mod activation;
pub mod address_blocks;
pub mod afterwards;
pub mod agents;
mod alerts;
pub mod api_access;
pub mod audit;
mod call;
pub mod deprovisioning;
pub mod doctor;
pub mod drill;
mod error;
pub mod events;
pub mod failed_attempts;
pub mod founding;
pub mod grants;
pub mod groups;
pub mod invitations;
pub mod keys;
pub mod links;
pub mod mail;
pub mod mappings;
pub mod members;
mod membership;
pub mod oauth;
mod org_secrets;
pub mod passwords;
pub mod people;
mod person;
pub mod provisioning;
pub mod receipts;
mod scope;
pub mod seals;
pub mod second_factor;
mod secret;
pub mod service_credentials;
pub mod sessions;
pub mod sign_in;
mod store;
mod subject;
pub mod teams;
mod throttle;
pub mod webhooks;

pub use afterwards::Afterwards;
pub use call::{Actor, Call, Clock, Randomness};
pub use error::Error;
pub use scope::OrgScope;
pub use store::db::{Db, DbSettings, private_folder};
