//! The keys by which resources are found, made again where they were made by older rules, and those by which members are.
//!
//! A member's keys have no number of their rules: a migration that brings other rules empties `members.name_key`.

use crate::{
    Db, Error, OrgScope,
    store::{self, scim_groups, scim_users},
};

/// Resources in one transaction.
const BATCH: i64 = 200;

/// Whether there are users, groups or members whose comparison keys an older version of the program has made, or none has:
/// filters would not find them.
pub async fn is_outdated(db: &Db) -> Result<bool, Error> {
    let tx = db.read_outside().await?;
    store::scim_values::any_outdated(&tx).await
}

/// Make the comparison keys of all users, groups and members again that an older version of the program has made; how many. And
/// count them again. On PostgreSQL it is the owner who does.
pub async fn renew(db: &Db) -> Result<u64, Error> {
    let orgs = store::doors::all_orgs(&db.look_around().await?).await?;
    let mut renewed = 0;
    for org in orgs {
        loop {
            let batch = db
                .retrying(|| async {
                    let tx = db.begin(OrgScope::new(org)).await?;
                    let (groups, users) = (scim_groups::outdated(&tx, BATCH).await?, scim_users::outdated(&tx, BATCH).await?);
                    for user in &users {
                        if !scim_users::index_again(&tx, user).await? {
                            tracing::warn!(user = %user.id, "another user has this userName by the newer rules; both are kept");
                        }
                    }
                    for group in &groups {
                        if !scim_groups::index_again(&tx, group).await? {
                            tracing::warn!(group = %group.id, "another group has this displayName by the newer rules; both are kept");
                        }
                    }
                    let members = store::people::without_keys(&tx, BATCH).await?;
                    for member in &members {
                        store::people::renew_keys(&tx, *member).await?;
                    }
                    tx.commit().await?;
                    Ok(users.len() + groups.len() + members.len())
                })
                .await?;
            if batch == 0 {
                break;
            }
            renewed += batch as u64;
        }
        db.retrying(|| async {
            let tx = db.begin(OrgScope::new(org)).await?;
            store::scim_totals::renew(&tx).await?;
            tx.commit().await
        })
        .await?;
    }
    Ok(renewed)
}
