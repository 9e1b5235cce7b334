//! What the tests are written with.

mod app;
mod browser;
mod client;
mod database;
mod idp;
pub mod process;
mod receiver;
mod recorder;

pub use app::{AuditRow, Org, PASSWORD, Person, TestApp, hyphenated, races, user};
pub use browser::{Browser, Page};
pub use client::{Answer as ClientAnswer, Client, DEVICE_GRANT, Tokens};
pub use database::{Engine, Rows, make_database, operator_database, random};
pub use idp::{Answer, Idp, filtered, id, patch_active};
pub use receiver::{Received, Receiver, Reply};
pub use recorder::{Recorded, recorded};

/// Run each test on both databases: `both_databases! { async fn a_leaver_is_signed_out(app) { … } }`.
macro_rules! both_databases {
    ($($(#[$doc:meta])* async fn $name:ident($app:ident) $body:block)*) => {$(
        $(#[$doc])*
        async fn $name($app: crate::support::TestApp) $body

        mod $name {
            use crate::support::{Engine, TestApp};

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_sqlite() { super::$name(TestApp::start(Engine::Sqlite).await).await }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_postgres() { super::$name(TestApp::start(Engine::Postgres).await).await }
        }
    )*};
}
pub(crate) use both_databases;
