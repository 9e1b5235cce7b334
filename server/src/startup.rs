//! The database at the start: connected, and with the schema that this program knows.

use directory::{Db, DbSettings, Error, doctor, provisioning::index};
use migrations::{Migrator, MigratorTrait, enforce, grant_to_application};

/// Connect to the database. An embedded one is migrated; PostgreSQL has to be already.
///
/// # Errors
/// A sentence that says what to do.
pub async fn open(settings: &DbSettings) -> Result<Db, String> {
    let db = Db::connect(settings).await.map_err(|error| format!("The database cannot be opened: {error}"))?;
    ready(db, settings).await
}

async fn ready(db: Db, settings: &DbSettings) -> Result<Db, String> {
    if settings.is_sqlite() {
        migrate(&db).await?;
        return Ok(db);
    }
    let unreadable = |error: Error| format!("The database cannot be read: {error}");
    match pending_migrations(&db).await.map_err(unreadable)? {
        // A migration that was killed on its way: filters would find nobody, and say so with a 200.
        0 => match index::is_outdated(&db).await {
            Ok(false) => Ok(db),
            Ok(true) => Err("Users and groups are to be found by newer rules first. Run `rollcall migrate`, then start again.".to_owned()),
            // Its functions are missing, or this login may not use them.
            Err(error @ Error::Store(_)) => {
                Err(format!("The database is not ready for this login ({error}). Run `rollcall migrate` as its owner, then start again."))
            }
            Err(error) => Err(unreadable(error)),
        },
        pending => Err(format!("{pending} migrations are pending. Apply them with `rollcall migrate`, then start again.")),
    }
}

/// Connect to the database in order to serve: on PostgreSQL, by logins that row-level security holds.
///
/// # Errors
/// A sentence that says what to do, with the statement that makes a proper role.
pub async fn open_to_serve(settings: &DbSettings) -> Result<Db, String> {
    let db = Db::connect(settings).await.map_err(|error| format!("The database cannot be opened: {error}"))?;
    // Whoever owns the tables would be told to migrate, and then to sign in as another: the latter comes first.
    if !settings.is_sqlite() && pending_migrations(&db).await.is_ok_and(|pending| pending == 0) {
        let unfit = doctor::unfit_logins(&db).await.map_err(|error| format!("The database cannot be read: {error}"))?;
        if let Some(sentence) = unfit {
            return Err(sentence);
        }
    }
    ready(db, settings).await
}

/// How many migrations the database lacks. Only reads.
pub async fn pending_migrations(db: &Db) -> Result<usize, Error> {
    db.ping().await?;
    match Migrator::get_pending_migrations_read_only(db.migrator()).await {
        Ok(pending) => Ok(pending.len()),
        Err(error) => Err(error.into()),
    }
}

/// Apply what is pending. On PostgreSQL, put each organisation's rows behind row-level security, make the doors in it, and let the
/// application and its background jobs use the tables. Says how many steps were applied.
///
/// # Errors
/// A sentence that says what went wrong.
pub async fn migrate(db: &Db) -> Result<usize, String> {
    let failed = |error: &dyn std::fmt::Display| format!("The database could not be migrated: {error}");
    let before = Migrator::get_pending_migrations(db.migrator()).await.map_err(|error| failed(&error))?.len();
    Migrator::up(db.migrator(), None).await.map_err(|error| failed(&error))?;
    enforce(db.migrator()).await.map_err(|error| failed(&error))?;
    doctor::make_doors(db).await.map_err(|error| failed(&error))?;
    grant_to_application(db.migrator()).await.map_err(|error| failed(&error))?;
    let renewed = index::renew(db).await.map_err(|error| failed(&error))?;
    if renewed > 0 {
        tracing::info!(renewed, "users and groups are found by newer rules");
    }
    Ok(before)
}
