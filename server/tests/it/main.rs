//! The server from outside: real requests through the whole router, on a real SQLite file and a real PostgreSQL.
//!
//! `ROLLCALL_TEST_POSTGRES` names an administrator's URL of a PostgreSQL cluster (`scripts/test.sh` starts a private one);
//! `ROLLCALL_TEST_RACES` how often each race is run.

mod support;

mod activation;
mod activity;
mod agents;
mod api_access;
mod audit;
mod bootstrap;
mod bulk;
mod conformance;
mod console;
mod crash;
mod credentials;
mod cursors;
mod devices;
mod dialects;
mod errors;
mod etags;
mod filters;
mod grants;
mod group_races;
mod groups;
mod halfway;
mod idp_groups;
mod index;
mod large_groups;
mod laws;
mod leaving;
mod links;
mod login;
mod mail;
mod mappings;
mod members;
mod nodes;
mod owner_cli;
mod owners;
mod paging;
mod people;
mod person;
mod plans;
mod races;
mod receipts;
mod representation;
mod root;
mod scim_protocol;
mod scim_users;
mod sign_in;
mod teams;
mod tenancy;
mod tokens;
mod unavailable;
mod upgrade;
mod webhooks;
mod who_may;
