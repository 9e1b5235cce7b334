//! Rollcall's database schema, step by step, for SQLite and PostgreSQL. A released file is never edited.
//!
//! Each step is SQL with a few words that the engines spell differently (see [`sql`]). What a row means is said where
//! its table is made, and what must hold is put into the database as well: foreign keys, CHECKs and unique indexes hold
//! even where the code forgets.

#![expect(clippy::disallowed_methods, reason = "the schema is made here")]

use sea_orm_migration::prelude::*;
pub use sea_orm_migration::{prelude::MigratorTrait, sea_orm};

mod grants;
mod m20261124_000001_organisations_and_people;
mod m20261124_000002_sessions_and_links;
mod m20261124_000003_provisioning;
mod m20261124_000004_audit_and_mail;
mod m20261124_000005_groups;
mod m20261125_000006_whole_filters;
mod m20261125_000007_roles_and_mappings;
mod m20261125_000008_api_access;
mod m20261128_000009_events;
mod m20261128_000010_receipts;
mod m20261128_000011_drills;
mod m20261128_000012_token_rotation;
mod m20261128_000013_address_blocks;
mod m20261128_000014_value_starts;
mod m20261128_000015_activity;
mod m20261128_000016_second_factor;
mod m20261128_000017_audit_seals;
mod m20261128_000018_what_stays;
mod m20261128_000019_sealed_places;
mod m20261128_000020_failed_attempts;
mod m20261128_000021_failed_within;
mod sql;
mod tenancy;

pub use grants::{APPLICATION_ROLE, JOBS_ROLE, ONLY_ADDED_TO, TOKEN_COLUMNS, grant_to_application};
pub use tenancy::{GLOBAL_TABLES, Policy, enforce, policies, same_rows};

/// All steps, in order.
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261124_000001_organisations_and_people::Migration),
            Box::new(m20261124_000002_sessions_and_links::Migration),
            Box::new(m20261124_000003_provisioning::Migration),
            Box::new(m20261124_000004_audit_and_mail::Migration),
            Box::new(m20261124_000005_groups::Migration),
            Box::new(m20261125_000006_whole_filters::Migration),
            Box::new(m20261125_000007_roles_and_mappings::Migration),
            Box::new(m20261125_000008_api_access::Migration),
            Box::new(m20261128_000009_events::Migration),
            Box::new(m20261128_000010_receipts::Migration),
            Box::new(m20261128_000011_drills::Migration),
            Box::new(m20261128_000012_token_rotation::Migration),
            Box::new(m20261128_000013_address_blocks::Migration),
            Box::new(m20261128_000014_value_starts::Migration),
            Box::new(m20261128_000015_activity::Migration),
            Box::new(m20261128_000016_second_factor::Migration),
            Box::new(m20261128_000017_audit_seals::Migration),
            Box::new(m20261128_000018_what_stays::Migration),
            Box::new(m20261128_000019_sealed_places::Migration),
            Box::new(m20261128_000020_failed_attempts::Migration),
            Box::new(m20261128_000021_failed_within::Migration),
        ]
    }
}
