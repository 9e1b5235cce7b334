//! The only SQL of the product. A function here does one statement's work (or a few that belong together) and returns
//! domain values; a tenant's tables are reached through a transaction that holds an [`crate::OrgScope`], and what
//! leads to an organisation in the first place through [`doors`].
//!
//! Statements are plain SQL that both engines understand, with numbered parameters. `FOR UPDATE` is added on
//! PostgreSQL only ([`db::Tx::lock`]): on SQLite the immediate transaction stands in for it.

pub(crate) mod account_mails;
pub(crate) mod accounts;
pub(crate) mod address_blocks;
pub(crate) mod agents;
pub(crate) mod api_sessions;
pub(crate) mod audit;
pub(crate) mod audit_seals;
pub(crate) mod blocks;
pub(crate) mod connections;
pub(crate) mod db;
pub(crate) mod device_requests;
pub(crate) mod doors;
pub(crate) mod drills;
pub(crate) mod ended_tokens;
pub(crate) mod failure_notes;
pub(crate) mod failures;
pub(crate) mod grants;
pub(crate) mod held_links;
pub(crate) mod idp_groups;
pub(crate) mod links;
pub(crate) mod mails;
pub(crate) mod mappings;
pub(crate) mod members;
pub(crate) mod organizations;
pub(crate) mod outbox;
pub(crate) mod people;
pub(crate) mod person;
pub(crate) mod personal_tokens;
pub(crate) mod receipts;
pub(crate) mod retention;
pub(crate) mod roles;
pub(crate) mod scim_filter;
pub(crate) mod scim_groups;
pub(crate) mod scim_places;
pub(crate) mod scim_query;
pub(crate) mod scim_requests;
pub(crate) mod scim_totals;
pub(crate) mod scim_users;
pub(crate) mod scim_values;
pub(crate) mod second_factors;
pub(crate) mod service_credentials;
pub(crate) mod sessions;
pub(crate) mod teams;
pub(crate) mod timeline;
pub(crate) mod tokens;
mod values;
pub(crate) mod wall;
pub(crate) mod webhooks;
