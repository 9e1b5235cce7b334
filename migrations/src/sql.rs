//! One text of SQL for two engines.

use sea_orm_migration::{
    prelude::*,
    sea_orm::{ConnectionTrait, DbBackend},
};

/// Run `text`, whose capitalised type words are spelled for the engine:
/// `UUID` (16 bytes; a BLOB on SQLite), `BYTES`, `MICROS` (a moment, in microseconds since the Unix epoch),
/// `KEY_TEXT` (text compared byte by byte, whatever the database's locale).
pub(crate) async fn run(manager: &SchemaManager<'_>, text: &str) -> Result<(), DbErr> {
    let postgres = manager.get_database_backend() == DbBackend::Postgres;
    let words: [(&str, &str); 4] = if postgres {
        [("UUID", "uuid"), ("BYTES", "bytea"), ("MICROS", "bigint"), ("KEY_TEXT", "text COLLATE \"C\"")]
    } else {
        [("UUID", "blob"), ("BYTES", "blob"), ("MICROS", "bigint"), ("KEY_TEXT", "text")]
    };
    let mut text = text.to_owned();
    for (word, spelling) in words {
        text = text.replace(word, spelling);
    }
    manager.get_connection().execute_unprepared(&text).await.map(drop)
}

/// A migration whose way up is the SQL `$up`. There is no way down: a backup is.
macro_rules! migration {
    ($up:expr) => {
        /// This step.
        #[derive(sea_orm_migration::prelude::DeriveMigrationName)]
        pub struct Migration;

        #[async_trait::async_trait]
        impl sea_orm_migration::prelude::MigrationTrait for Migration {
            async fn up(&self, manager: &sea_orm_migration::prelude::SchemaManager) -> Result<(), sea_orm_migration::prelude::DbErr> {
                crate::sql::run(manager, $up).await
            }
        }
    };
}
pub(crate) use migration;
