//! Rollcall's server: HTTP in front of the use cases. Handlers only connect: who, which, do it, answer.

mod api;
pub mod assets;
pub mod cli;
pub mod config;
pub mod drill;
mod exports;
mod health;
pub mod keys;
mod logging;
mod login;
pub mod mailer;
mod oauth;
mod pages;
pub mod rate_limit;
mod receipts;
pub mod request;
pub mod router;
mod scim_api;
mod security;
pub mod serve;
mod session;
pub mod startup;
pub mod state;
pub mod surface;
pub mod system;
pub mod tls;
pub mod webhooks;
