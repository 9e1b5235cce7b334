//! The directory's groups: created, found, changed and deleted by the identity provider. Who is in one is kept as rows
//! and changed as rows, under the group's lock (law 10).

use std::collections::{BTreeMap, BTreeSet};

use domain::{DirectoryGroupId, DirectoryUserId, Timestamp, audit::AuditAction};
use scim::{
    Filter, Kind, Notes, PatchRequest, ResolvedFilter, Resource, Target,
    patch::{self, MemberChange},
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::request::Request;
pub use crate::store::scim_groups::GroupMember;
use crate::{
    Error, mappings,
    store::{self, audit, db::Tx, scim_groups::Record},
};

/// The most members of a group that is read with them; beyond that, leave them out.
pub const MOST_MEMBERS: u64 = 100_000;
/// The most members that one answer keeps in memory, over all its groups. Those of a larger group are read piece by piece.
pub const MOST_IN_MEMORY: u64 = 2_000;

/// A group, to be represented as a SCIM resource.
#[derive(Clone, Debug)]
pub struct Group {
    /// The resource's id.
    pub id: DirectoryGroupId,
    /// Its attributes, without its members.
    pub resource: Resource,
    /// Moves by one with each change.
    pub version: i64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Who is in it, when that was asked for and is not more than [`MOST_IN_MEMORY`].
    pub members: Option<Vec<GroupMember>>,
}

/// Read one group; its members only if they are asked for, and from a reader if they are many.
pub async fn get(request: Request<'_>, id: DirectoryGroupId) -> Result<(Group, Option<MemberReader>), Error> {
    let tx = request.db.read(request.caller.scope).await?;
    let record = store::scim_groups::find(&tx, id).await?.ok_or(Error::NotFound("Group"))?;
    let group = with(&tx, vec![record], request.related.members).await?.remove(0);
    if !request.related.members || group.members.is_some() {
        return Ok((group, None));
    }
    if store::scim_groups::sizes(&tx, &[id]).await?.get(&id).is_some_and(|size| *size > MOST_MEMBERS) {
        return Err(too_many().into());
    }
    Ok((group, Some(MemberReader(tx))))
}

/// Reads the members of groups piece by piece, as they were when the groups were read.
pub struct MemberReader(pub(super) Tx);

impl MemberReader {
    /// Members in one piece.
    const PIECE: i64 = 1_000;

    /// The members of `group` after `last`, in the order of their ids; none at the end.
    pub async fn next(&self, group: DirectoryGroupId, last: Option<DirectoryUserId>) -> Result<Vec<GroupMember>, Error> {
        store::scim_groups::members_after(&self.0, group, last, Self::PIECE).await
    }
}

/// Create a group from the body of a POST. Members that are no users of ours are left out, and noted.
pub async fn create(request: Request<'_>, body: &Value) -> Result<(Group, Notes), Error> {
    let mut parsed = Notes::default();
    let (resource, members) = parse(body, &mut parsed)?;
    request
        .db
        .retrying(|| async {
            let mut notes = parsed.clone();
            let tx = request.db.begin(request.caller.scope).await?;
            request.caller.confirm(&tx, request.call).await?;
            let now = request.call.now;
            let record = Record {
                id: request.call.new_id(),
                connection: request.caller.connection,
                resource: resource.clone(),
                version: 1,
                created_at: now,
                updated_at: now,
            };
            if !store::scim_groups::insert(&tx, &record).await? {
                let taken = store::scim_groups::clash(&tx, record.id, &resource).await?;
                return Err(taken.map_or(Error::Stale, Error::Taken));
            }
            let changes = [MemberChange::Add(members.clone().unwrap_or_default())];
            let Changed { added, .. } = change_members(&tx, request, record.id, &changes, &mut notes).await?;
            let details = vec![
                ("members".to_owned(), added.to_string()),
                (
                    "attributes".to_owned(),
                    changed_attributes(&Resource::from_stored(Kind::Group, serde_json::Map::new()), &resource, added > 0),
                ),
            ];
            crate::audit::append(&tx, AuditAction::GroupCreated, &request.caller.actor(), Some(target(&record)), details, request.call)
                .await?;
            let now_is = record.clone();
            let group = with(&tx, vec![record], request.related.members).await?.remove(0);
            store::scim_totals::moved(&tx, Kind::Group, 1).await?;
            mappings::bind_waiting(&tx, &now_is, &request.caller.actor(), request.call).await?;
            tx.commit().await?;
            Ok((group, notes))
        })
        .await
}

/// Replace a group with the body of a PUT. An absent `externalId` or `members` keeps what is there; `members: []` empties it.
pub async fn replace(request: Request<'_>, id: DirectoryGroupId, body: &Value) -> Result<(Group, Notes), Error> {
    let mut notes = Notes::default();
    let (parsed, members) = parse(body, &mut notes)?;
    let keeps_external_id = !Resource::names(Kind::Group, body, "externalId");
    let changes: Vec<_> = members.map(MemberChange::Replace).into_iter().collect();
    let transform = |before: &Resource| {
        let mut after = parsed.clone();
        if keeps_external_id {
            after.set("externalId", before.get("externalId").cloned());
        }
        Ok((after, Notes::default()))
    };
    change(request, id, transform, &changes, notes).await
}

/// Apply a PATCH to a group: its attributes, and its members as rows. Without effect, it changes nothing.
pub async fn patch(request: Request<'_>, id: DirectoryGroupId, operations: &PatchRequest) -> Result<(Group, Notes), Error> {
    let mut notes = Notes::default();
    let (changes, rest) = patch::split_members(operations, &mut notes)?;
    let transform = |before: &Resource| {
        let patched = patch::apply(before, &rest)?;
        Ok((patched.resource, patched.notes))
    };
    change(request, id, transform, &changes, notes).await
}

/// Delete a group. Its members stay users, and lose what came from it.
pub async fn delete(request: Request<'_>, id: DirectoryGroupId) -> Result<(), Error> {
    request
        .db
        .retrying(|| async {
            let tx = request.db.begin(request.caller.scope).await?;
            request.caller.confirm(&tx, request.call).await?;
            let record = store::scim_groups::lock(&tx, id).await?.ok_or(Error::NotFound("Group"))?;
            request.allow(record.version)?;
            mappings::close_all_of(&tx, id, &request.caller.actor(), request.call).await?;
            store::scim_groups::delete(&tx, id, &request.caller.actor().name(), request.call).await?;
            crate::audit::append(&tx, AuditAction::GroupDeleted, &request.caller.actor(), Some(target(&record)), vec![], request.call)
                .await?;
            store::scim_totals::moved(&tx, Kind::Group, -1).await?;
            tx.commit().await
        })
        .await
}

async fn change(
    request: Request<'_>,
    id: DirectoryGroupId,
    transform: impl Fn(&Resource) -> Result<(Resource, Notes), Error>,
    changes: &[MemberChange],
    parsed: Notes,
) -> Result<(Group, Notes), Error> {
    request
        .db
        .retrying(|| async {
            let mut notes = parsed.clone();
            let tx = request.db.begin(request.caller.scope).await?;
            request.caller.confirm(&tx, request.call).await?;
            let before = store::scim_groups::lock(&tx, id).await?.ok_or(Error::NotFound("Group"))?;
            request.allow(before.version)?;
            let (after, more) = transform(&before.resource)?;
            notes.extend(more);
            check_size(&after)?;
            if let Some(taken) = store::scim_groups::clash(&tx, id, &after).await? {
                return Err(Error::Taken(taken));
            }
            let Changed { added, removed, moved } = change_members(&tx, request, id, changes, &mut notes).await?;
            let renamed = after != before.resource;
            let mut now_is = before.clone();
            if renamed || added + removed > 0 {
                now_is = store::scim_groups::update(&tx, &before, &after, request.call.now).await?;
                let mut details = vec![("added".to_owned(), added.to_string()), ("removed".to_owned(), removed.to_string())];
                let renamed = before.resource.text("displayName") != after.text("displayName");
                if renamed {
                    let name = |resource: &Resource| resource.text("displayName").unwrap_or_default().to_owned();
                    details.push(crate::audit::changed("name", &name(&before.resource), &name(&after)));
                }
                details.push(("attributes".to_owned(), changed_attributes(&before.resource, &after, added + removed > 0)));
                crate::audit::append(&tx, AuditAction::GroupChanged, &request.caller.actor(), Some(target(&now_is)), details, request.call)
                    .await?;
                if added + removed > 0 {
                    mappings::roles_moved(&tx, id, &moved, &request.caller.actor(), request.call).await?;
                }
                if renamed {
                    store::scim_totals::moved(&tx, Kind::Group, 0).await?;
                    mappings::bind_waiting(&tx, &now_is, &request.caller.actor(), request.call).await?;
                }
            }
            let group = with(&tx, vec![now_is], request.related.members).await?.remove(0);
            tx.commit().await?;
            Ok((group, notes))
        })
        .await
}

/// The names of the attributes that differ, and of its members if those do.
fn changed_attributes(before: &Resource, after: &Resource, members: bool) -> String {
    let changed = super::users::changed_attributes(before, after);
    let members = members.then(|| "members".to_owned());
    [Some(changed).filter(|changed| !changed.is_empty()), members].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// What became of a group's members.
#[derive(Default)]
struct Changed {
    /// How many came.
    added: u64,
    /// How many went.
    removed: u64,
    /// Who came or went.
    moved: BTreeSet<DirectoryUserId>,
}

/// Apply the changes in their order.
async fn change_members(
    tx: &Tx,
    request: Request<'_>,
    group: DirectoryGroupId,
    changes: &[MemberChange],
    notes: &mut Notes,
) -> Result<Changed, Error> {
    let mut changed = Changed::default();
    let by = request.caller.actor().name();
    for change in changes {
        let (come, go) = match change {
            MemberChange::Add(ids) => (known(tx, ids, notes).await?, BTreeSet::new()),
            MemberChange::Remove(ids) => (BTreeSet::new(), ids_of(ids, notes)),
            MemberChange::RemoveWhere(filter) => {
                let members = store::scim_groups::members(tx, &[group]).await?.remove(&group).unwrap_or_default();
                (BTreeSet::new(), members.iter().filter(|member| matches(filter, member)).map(|member| member.user).collect())
            }
            MemberChange::Replace(ids) => {
                let wanted = known(tx, ids, notes).await?;
                let before = store::scim_groups::member_ids(tx, group).await?;
                (wanted.difference(&before).copied().collect(), before.difference(&wanted).copied().collect())
            }
        };
        let went = store::scim_groups::remove(tx, group, &go, &by, request.call).await?;
        let came = store::scim_groups::add(tx, group, &come, &by, request.call).await?;
        changed.removed += u64::try_from(went.len()).unwrap_or(u64::MAX);
        changed.added += u64::try_from(came.len()).unwrap_or(u64::MAX);
        changed.moved.extend(came.into_iter().chain(went));
    }
    Ok(changed)
}

/// The users among `ids`. Okta gives up on a group for good when one member is refused: the unknown ones are noted.
async fn known(tx: &Tx, ids: &[String], notes: &mut Notes) -> Result<BTreeSet<DirectoryUserId>, Error> {
    let wanted = ids_of(ids, notes);
    let known = store::scim_groups::known(tx, &wanted).await?;
    for unknown in wanted.difference(&known) {
        notes.add(format!("unknown member {unknown}"));
    }
    Ok(known)
}

fn ids_of(ids: &[String], notes: &mut Notes) -> BTreeSet<DirectoryUserId> {
    let read = |id: &String| {
        let parsed = id.parse().ok();
        if parsed.is_none() {
            notes.add("unknown member whose id is none of ours");
        }
        parsed
    };
    ids.iter().filter_map(read).collect()
}

/// Whether a member fulfils a filter about the inside of `members`.
fn matches(filter: &ResolvedFilter, member: &GroupMember) -> bool {
    let Some(inner) = some_target(filter) else { return false };
    let attribute = Target { sub: None, ..inner };
    let whole = Filter::ValuePath { attribute, filter: Box::new(filter.clone()) };
    whole.matches(&json!({ "members": [{ "value": member.user, "display": member.display, "type": "User" }] }))
}

fn some_target(filter: &ResolvedFilter) -> Option<Target> {
    match filter {
        Filter::And(parts) | Filter::Or(parts) => parts.first().and_then(some_target),
        Filter::Not(inner) => some_target(inner),
        Filter::Compare { attribute, .. } | Filter::Present(attribute) | Filter::ValuePath { attribute, .. } => Some(*attribute),
    }
}

/// A body's attributes, and its members if it names them.
fn parse(body: &Value, notes: &mut Notes) -> Result<(Resource, Option<Vec<String>>), Error> {
    let mut resource = Resource::parse(Kind::Group, body, notes)?;
    let id = |member: &serde_json::Map<String, Value>| member.get("value").and_then(Value::as_str).map(str::to_owned);
    let members = resource.values("members").filter_map(id).collect();
    let named = Resource::names(Kind::Group, body, "members");
    resource.set("members", None);
    check_size(&resource)?;
    Ok((resource, named.then_some(members)))
}

fn check_size(resource: &Resource) -> Result<(), scim::Error> {
    super::users::check_keys(["displayName", "externalId"].into_iter().filter_map(|name| resource.text(name).map(|text| (name, text))))
}

pub(super) fn too_many() -> scim::Error {
    scim::Error::too_many(format!("The group has more than {MOST_MEMBERS} members. Ask with excludedAttributes=members."))
}

/// The groups with their members, if those are asked for and fit into memory.
pub(super) async fn with(tx: &Tx, records: Vec<Record>, with_members: bool) -> Result<Vec<Group>, Error> {
    let ids: Vec<_> = records.iter().map(|record| record.id).collect();
    let fits = with_members && store::scim_groups::sizes(tx, &ids).await?.values().sum::<u64>() <= MOST_IN_MEMORY;
    let mut members = if fits { store::scim_groups::members(tx, &ids).await? } else { BTreeMap::new() };
    let group = |record: Record| Group {
        members: fits.then(|| members.remove(&record.id).unwrap_or_default()),
        id: record.id,
        resource: record.resource,
        version: record.version,
        created_at: record.created_at,
        updated_at: record.updated_at,
    };
    Ok(records.into_iter().map(group).collect())
}

fn target(record: &Record) -> audit::Target {
    let name = record.resource.text("displayName").unwrap_or_default().to_owned();
    audit::Target { kind: "group", id: Uuid::from(record.id), name }
}
