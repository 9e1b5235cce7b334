//! The directory's users: created, found, changed and deleted by the identity provider, and what that means for the
//! people they stand for.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{DirectoryGroupId, DirectoryUserId, Timestamp, audit::AuditAction};
use scim::{Kind, Notes, PatchRequest, Preconditions, Resource, patch};
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{
    person::{Link, account_of, begin_access, link, lock, lock_after, name, profile},
    request::Request,
};
use crate::{
    Error, alerts,
    deprovisioning::{Cause, end_access},
    events,
    store::{self, audit::Target, db::Tx, scim_users::Record},
};

/// A user, to be represented as a SCIM resource.
#[derive(Clone, Debug)]
pub struct User {
    /// The resource's id.
    pub id: DirectoryUserId,
    /// Its attributes.
    pub resource: Resource,
    /// Moves by one with each change.
    pub version: i64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// The groups that she is in, by name, when they were asked for.
    pub groups: Vec<(DirectoryGroupId, String)>,
}

impl User {
    /// What `meta.version` and the ETag hold between their quotes: the version, and behind a dash what tells one set of
    /// groups from another. A change of somebody's groups is none of her record, but her representation is another.
    pub fn tag(&self) -> String {
        if self.groups.is_empty() {
            return self.version.to_string();
        }
        let mut digest = Sha256::new();
        for (id, name) in &self.groups {
            digest.update(Uuid::from(*id));
            digest.update(name);
            digest.update([0]);
        }
        format!("{}-{}", self.version, URL_SAFE_NO_PAD.encode(&digest.finalize()[..9]))
    }
}

/// The users, with their groups if those are asked for.
pub(super) async fn with(tx: &Tx, records: Vec<Record>, with_groups: bool) -> Result<Vec<User>, Error> {
    let ids: Vec<_> = records.iter().map(|record| record.id).collect();
    let mut groups = if with_groups { store::scim_groups::groups_of(tx, &ids).await? } else { BTreeMap::new() };
    let user = |record: Record| User {
        groups: groups.remove(&record.id).unwrap_or_default(),
        id: record.id,
        resource: record.resource,
        version: record.version,
        created_at: record.created_at,
        updated_at: record.updated_at,
    };
    Ok(records.into_iter().map(user).collect())
}

/// Read one user.
pub async fn get(request: Request<'_>, id: DirectoryUserId) -> Result<User, Error> {
    let tx = request.db.read(request.caller.scope).await?;
    let record = store::scim_users::find(&tx, id).await?.ok_or(Error::NotFound("User"))?;
    Ok(with(&tx, vec![record], request.related.groups).await?.remove(0))
}

/// Create a user from the body of a POST; the notes say what was tolerated in it.
///
/// An inactive record with the same userName *and* externalId is taken up again: Okta sends such a POST for somebody who
/// was unassigned and is assigned again.
pub async fn create(request: Request<'_>, body: &Value) -> Result<(User, Notes), Error> {
    create_as(request, request.call.new_id(), body).await
}

/// The id that the user of this body will have when she is created: of a record that is taken up again, or a new one.
pub async fn id_of(request: Request<'_>, body: &Value) -> DirectoryUserId {
    restorable(request, body).await.ok().flatten().unwrap_or_else(|| request.call.new_id())
}

async fn restorable(request: Request<'_>, body: &Value) -> Result<Option<DirectoryUserId>, Error> {
    let resource = Resource::parse(Kind::User, body, &mut Notes::default())?;
    let tx = request.db.read(request.caller.scope).await?;
    let existing = store::scim_users::find_by_user_name(&tx, resource.text("userName").unwrap_or_default()).await?;
    Ok(existing.filter(|existing| restores(existing, &resource)).map(|existing| existing.id))
}

/// Whether a POST of `resource` takes an existing record up again, whose userName is the same.
fn restores(existing: &Record, resource: &Resource) -> bool {
    let external_id = resource.text("externalId");
    external_id.is_some() && external_id == existing.resource.text("externalId") && !existing.active
}

/// The same, with an id that was chosen before: the operations of a Bulk may refer to each other in a circle.
pub async fn create_as(request: Request<'_>, id: DirectoryUserId, body: &Value) -> Result<(User, Notes), Error> {
    let mut notes = Notes::default();
    let mut resource = Resource::parse(Kind::User, body, &mut notes)?;
    resource.set("active", Some(resource.flag("active").unwrap_or(true).into()));
    check_size(&resource)?;

    let made = request.db.retrying(|| async {
        let tx = request.db.begin(request.caller.scope).await?;
        request.caller.confirm(&tx, request.call).await?;
        if let Some(existing) = store::scim_users::find_by_user_name(&tx, resource.text("userName").unwrap_or_default()).await? {
            return if restores(&existing, &resource) { Ok(Made::Restorable(existing.id)) } else { Err(Error::Taken("userName")) };
        }
        let (record, notes) = create_in(&tx, request, id, &resource).await?;
        let user = with(&tx, vec![record], false).await?.remove(0);
        store::scim_totals::moved(&tx, Kind::User, 1).await?;
        tx.commit().await?;
        Ok(Made::Created(Box::new(user), notes))
    });
    let (user, more) = match made.await? {
        Made::Created(user, notes) => (*user, notes),
        Made::Restorable(id) => {
            let restored = |before: &Record| {
                // Asked again under the record's lock: whoever was first has restored it, or made it somebody else's.
                let same_name = scim::compare::fold(before.resource.text("userName").unwrap_or_default())
                    == scim::compare::fold(resource.text("userName").unwrap_or_default());
                if same_name && restores(before, &resource) {
                    Ok((resource.clone(), Notes::default()))
                } else {
                    Err(Error::Taken("userName"))
                }
            };
            // A POST is about no version.
            let none = Preconditions::default();
            match change(Request { preconditions: &none, ..request }, id, restored).await {
                // Deleted since we looked: whoever sends it again creates a new one.
                Err(Error::NotFound(_)) => return Err(Error::Unavailable("the user was deleted at the same moment".to_owned())),
                other => other?,
            }
        }
    };
    notes.extend(more);
    Ok((user, notes))
}

enum Made {
    Created(Box<User>, Notes),
    Restorable(DirectoryUserId),
}

async fn create_in(tx: &Tx, request: Request<'_>, id: DirectoryUserId, resource: &Resource) -> Result<(Record, Notes), Error> {
    let Request { caller, call, .. } = request;
    let actor = caller.actor();
    let mut notes = Notes::default();
    let begins = resource.flag("active").unwrap_or(true);
    // Locks in their order: account, directory records, members.
    let account = if begins { Some(account_of(tx, caller, resource, call).await?) } else { None };
    if let Some(external_id) = resource.text("externalId")
        && let Some(holder) = store::scim_users::give_up_external_id(tx, external_id, call.now).await?
    {
        notes.add(format!("the externalId was taken over from user {}", holder.id));
        let details = vec![("attributes".to_owned(), "externalId".to_owned()), ("because".to_owned(), "another user claims it".to_owned())];
        crate::audit::append(tx, AuditAction::UserChanged, &actor, Some(target(&holder)), details, call).await?;
    }
    let link = match account {
        Some(account) => link(tx, account, resource, call).await?,
        None => Link::None,
    };
    let record = Record {
        id,
        connection: caller.connection,
        member: link.member(),
        active: begins,
        resource: resource.clone(),
        version: 1,
        created_at: call.now,
        updated_at: call.now,
    };
    if !store::scim_users::insert(tx, &record).await? {
        return Err(match store::scim_users::clash(tx, record.id, resource).await? {
            Some("userName") => Error::Taken("userName"),
            // Somebody took the externalId since we made room for ours: make room again.
            _ => Error::Stale,
        });
    }
    if let Some(member) = record.member {
        store::people::renew_keys(tx, member).await?;
    }
    let attributes = changed_attributes(&Resource::from_stored(Kind::User, serde_json::Map::new()), resource);
    let details = vec![("attributes".to_owned(), attributes)];
    crate::audit::append(tx, AuditAction::UserCreated, &actor, Some(target(&record)), details, call).await?;
    begin_access(tx, request, &record, link, &mut notes).await?;
    Ok((record, notes))
}

/// Replace a user with the body of a PUT. An absent `active` or `externalId` keeps what is there: a profile push must
/// not let anyone in or out.
pub async fn replace(request: Request<'_>, id: DirectoryUserId, body: &Value) -> Result<(User, Notes), Error> {
    let mut notes = Notes::default();
    let parsed = Resource::parse(Kind::User, body, &mut notes)?;
    let (user, more) = change(request, id, |before| {
        let mut after = parsed.clone();
        if !Resource::names(Kind::User, body, "externalId") {
            after.set("externalId", before.resource.get("externalId").cloned());
        }
        after.set("active", Some(after.flag("active").unwrap_or(before.active).into()));
        Ok((after, Notes::default()))
    })
    .await?;
    notes.extend(more);
    Ok((user, notes))
}

/// Apply a PATCH to a user. Without effect, it changes nothing: no version, no audit event.
pub async fn patch(request: Request<'_>, id: DirectoryUserId, operations: &PatchRequest) -> Result<(User, Notes), Error> {
    change(request, id, |before| {
        let patched = patch::apply(&before.resource, operations)?;
        Ok((patched.resource, patched.notes))
    })
    .await
}

/// Delete a user: its access ends, and for the identity provider it is gone.
pub async fn delete(request: Request<'_>, id: DirectoryUserId) -> Result<(), Error> {
    let Request { db, caller, call, .. } = request;
    let actor = caller.actor();
    let deleted = db.retrying(|| async {
        let tx = db.begin(caller.scope).await?;
        caller.confirm(&tx, call).await?;
        // Groups are locked before records; whoever adds her to another one now waits for her record.
        let groups = store::scim_groups::ids_of_user(&tx, id).await?;
        let (record, _) = lock_after(&tx, id, || store::scim_groups::lock_all(&tx, &groups)).await?;
        if groups != store::scim_groups::ids_of_user(&tx, id).await? {
            return Err(Error::Stale);
        }
        request.allow(record.version)?;
        if let Some(member) = record.member {
            end_access(&tx, member, &name(&record.resource), Cause::DirectoryDeleted, &actor, call).await?;
            store::members::release_from_directory(&tx, member).await?;
        }
        store::scim_groups::remove_everywhere(&tx, id, &actor.name(), call).await?;
        store::scim_users::delete(&tx, id, call.now).await?;
        if let Some(member) = record.member {
            store::people::renew_keys(&tx, member).await?;
        }
        crate::audit::append(&tx, AuditAction::UserDeleted, &actor, Some(target(&record)), vec![], call).await?;
        store::scim_totals::moved(&tx, Kind::User, -1).await?;
        tx.commit().await
    });
    let deleted = deleted.await;
    note_refusal(request, id, &deleted).await?;
    deleted
}

/// Change a user by `transform`, and let the change act on the person it stands for.
async fn change(
    request: Request<'_>,
    id: DirectoryUserId,
    transform: impl Fn(&Record) -> Result<(Resource, Notes), Error>,
) -> Result<(User, Notes), Error> {
    let changed = request.db.retrying(|| async {
        let tx = request.db.begin(request.caller.scope).await?;
        request.caller.confirm(&tx, request.call).await?;
        let answer = change_in(&tx, request, id, &transform).await?;
        tx.commit().await?;
        Ok(answer)
    });
    let changed = changed.await;
    note_refusal(request, id, &changed).await?;
    changed
}

async fn change_in(
    tx: &Tx,
    request: Request<'_>,
    id: DirectoryUserId,
    transform: &impl Fn(&Record) -> Result<(Resource, Notes), Error>,
) -> Result<(User, Notes), Error> {
    let Request { caller, call, .. } = request;
    let actor = caller.actor();
    // Absent, null or removed: an identity provider that says nothing about `active` keeps what is there.
    let wish = |record: &Record, after: &Resource| after.flag("active").unwrap_or(record.active);

    // A first look tells which locks are needed; the account's comes before the record's.
    let glimpse = store::scim_users::find(tx, id).await?.ok_or(Error::NotFound("User"))?;
    request.allow(glimpse.version)?;
    let (glimpsed, _) = transform(&glimpse)?;
    let joins = |record: &Record, after: &Resource| record.member.is_none() && !record.active && wish(record, after);
    let account = if joins(&glimpse, &glimpsed) { Some(account_of(tx, caller, &glimpsed, call).await?) } else { None };
    let (record, member) = lock(tx, id).await?;
    request.allow(record.version)?;
    if account.is_some() && record.version != glimpse.version {
        return Err(Error::Stale);
    }

    let (after, mut notes) = transform(&record)?;
    let active = wish(&record, &after);
    if joins(&record, &after) && account.is_none() {
        return Err(Error::Stale);
    }
    let mut now_is = record.clone();
    if after != record.resource {
        check_size(&after)?;
        if let Some(taken) = store::scim_users::clash(tx, id, &after).await? {
            return Err(Error::Taken(taken));
        }
        let linked = match account {
            Some(account) => {
                let linked = link(tx, account, &after, call).await?;
                if let Some(member) = linked.member() {
                    store::outbox::adopt_numbers(tx, id, member).await?;
                }
                linked
            }
            None => member.map_or(Link::None, |member| Link::Member(Box::new(member))),
        };
        now_is = store::scim_users::update(tx, &record, &after, active, linked.member(), call.now).await?;
        let mut details = vec![("attributes".to_owned(), changed_attributes(&record.resource, &after))];
        details.extend(changed_values(&record, &after, active));
        crate::audit::append(tx, AuditAction::UserChanged, &actor, Some(target(&now_is)), details, call).await?;
        if let Link::Member(member) = &linked {
            let profile = profile(&after);
            store::members::set_profile(tx, member.id, &profile).await?;
            if profile != member.profile {
                events::member_changed(tx, member.id, &actor, call).await?;
            }
        }
        if active && !record.active {
            begin_access(tx, request, &now_is, linked, &mut notes).await?;
        }
    }
    // Also where the record was inactive already: what is alive ends.
    if let (false, Some(member)) = (active, record.member) {
        end_access(tx, member, &name(&after), Cause::DirectoryDeactivated, &actor, call).await?;
    }
    Ok((with(tx, vec![now_is], request.related.groups).await?.remove(0), notes))
}

/// A refusal by law 6 rolled everything back; it is recorded in a transaction of its own.
async fn note_refusal<T>(request: Request<'_>, id: DirectoryUserId, answer: &Result<T, Error>) -> Result<(), Error> {
    if !matches!(answer, Err(Error::LastOwner)) {
        return Ok(());
    }
    let tx = request.db.read(request.caller.scope).await?;
    let Some(record) = store::scim_users::find(&tx, id).await? else { return Ok(()) };
    drop(tx);
    alerts::last_owner_kept(request.db, request.caller.scope, &target(&record), &request.caller.actor(), request.call).await
}

/// The longest value of an identifier, in bytes of its comparison key: an entry of a unique index has to hold it.
const LONGEST_KEY: usize = 1_024;
/// The largest user, in bytes of JSON: a page of users has to fit into memory many times over.
const LARGEST: usize = 128 * 1024;

/// Refuse what is too long to be kept and found.
fn check_size(resource: &Resource) -> Result<(), scim::Error> {
    let searched = ["userName", "externalId"].into_iter().filter_map(|name| resource.text(name).map(|text| (name, text)));
    check_keys(searched)?;
    // Without `active`, whose two values differ in length: no size stands in the way of a deactivation.
    let mut measured = resource.clone();
    measured.set("active", None);
    if serde_json::to_string(measured.attributes()).is_ok_and(|json| json.len() > LARGEST) {
        return Err(scim::Error::invalid_value(format!("the user has more than {LARGEST} bytes")));
    }
    Ok(())
}

/// Refuse values that are searched by and too long for that, each with its attribute's name.
pub(super) fn check_keys<'a>(mut values: impl Iterator<Item = (&'a str, &'a str)>) -> Result<(), scim::Error> {
    match values.find(|(_, text)| scim::compare::fold(text).len() > LONGEST_KEY) {
        Some((name, _)) => Err(scim::Error::invalid_value(format!("`{name}` holds a value of more than {LONGEST_KEY} bytes"))),
        None => Ok(()),
    }
}

fn target(record: &Record) -> Target {
    Target { kind: "user", id: Uuid::from(record.id), name: name(&record.resource) }
}

/// What of the profile that acts on a person was another before, each with both values. The rest of a record acts on nothing, and is
/// named only.
fn changed_values(before: &Record, after: &Resource, active: bool) -> Vec<(String, String)> {
    let name = |resource: &Resource, part: &str| {
        resource.get("name").and_then(|name| name.get(part)).and_then(serde_json::Value::as_str).map(str::to_owned)
    };
    let text = |resource: &Resource, what: &str| resource.text(what).map(str::to_owned);
    let email = |resource: &Resource| resource.primary("emails").map(str::to_owned);
    let pairs = [
        ("active", Some(before.active.to_string()), Some(active.to_string())),
        ("userName", text(&before.resource, "userName"), text(after, "userName")),
        ("displayName", text(&before.resource, "displayName"), text(after, "displayName")),
        ("given name", name(&before.resource, "givenName"), name(after, "givenName")),
        ("family name", name(&before.resource, "familyName"), name(after, "familyName")),
        ("e-mail", email(&before.resource), email(after)),
        ("externalId", text(&before.resource, "externalId"), text(after, "externalId")),
    ];
    let shown = |value: Option<String>| value.unwrap_or_else(|| "none".to_owned());
    let changed = pairs.into_iter().filter(|(_, before, after)| before != after);
    changed.map(|(what, before, after)| crate::audit::changed(what, &shown(before), &shown(after))).collect()
}

/// The names of the attributes that differ.
pub(super) fn changed_attributes(before: &Resource, after: &Resource) -> String {
    let (before, after) = (before.attributes(), after.attributes());
    let mut names: Vec<&str> =
        before.keys().chain(after.keys()).filter(|name| before.get(*name) != after.get(*name)).map(String::as_str).collect();
    names.sort_unstable();
    names.dedup();
    names.join(", ")
}
