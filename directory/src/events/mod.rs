//! Events: what an organisation's own systems are told of, as a transactional outbox.
//!
//! An event is written in the transaction of what it tells of, beside the audit log's entry, with one delivery for each endpoint
//! that wants it. So nothing is told that did not happen, and nothing that happened is forgotten. [`delivery`] is the sender's side.

pub mod delivery;
mod security_event_token;

use domain::{
    DirectoryGroupId, DirectoryUserId, EventId, MemberId, OrgId, OrgRole, OrgSlug, WebhookEndpointId, audit::AuditAction, event::EventType,
};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::{
    Actor, Call, Error,
    store::{
        self,
        audit::Target,
        db::Tx,
        outbox::{Listener, NewEvent, Told},
    },
};
pub use security_event_token::Claims;

/// The most people of one change whose roles are told one by one. A change of more is told as the group's or the mapping's.
const MOST_TOLD: usize = 1_000;

/// The id under which receivers know an event: the same at each attempt, and for each endpoint.
pub(crate) fn message_id(event: EventId) -> String {
    format!("evt_{}", Uuid::from(event).simple())
}

/// Tell the organisation's endpoints of what was just put into the audit log, in the same transaction.
pub(crate) async fn publish(
    tx: &Tx,
    action: AuditAction,
    actor: &Actor,
    target: Option<&Target>,
    details: &[(String, String)],
    call: &Call,
) -> Result<(), Error> {
    let events = EventType::of(action);
    if events.is_empty() {
        return Ok(());
    }
    let listeners = store::outbox::listeners(tx).await?;
    if !events.iter().any(|event| listeners.iter().any(|listener| listener.hears(*event))) {
        return Ok(());
    }
    let subject = match (events, target, actor) {
        // A client's session is told as its person's.
        ([EventType::SessionRevoked], Some(target), Actor::Member { id, name }) if target.kind == "api_session" => {
            Subject { session: Some(thing(target)), ..Subject::member(tx, *id, Some(name)).await? }
        }
        _ => Subject::of(tx, actor, target).await?,
    };
    for event in events {
        let endpoints = hearing(&listeners, *event);
        if !endpoints.is_empty() {
            emit(tx, *event, actor, &subject, details, &endpoints, call).await?;
        }
    }
    Ok(())
}

/// Whose roles a change of groups or mappings may have moved.
pub(crate) enum Moved<'a> {
    /// These users came into a group, or went.
    Users(&'a [DirectoryUserId]),
    /// Everybody in this group.
    Group(DirectoryGroupId),
    /// These members.
    Members(&'a [MemberId]),
}

/// Tell endpoints whose roles moved by a group or a mapping: one event a person. Of more than [`MOST_TOLD`] nobody is told one by
/// one; the event of the group or the mapping says how many they are.
pub(crate) async fn roles_moved(tx: &Tx, moved: Moved<'_>, because: &str, actor: &Actor, call: &Call) -> Result<(), Error> {
    let listeners = store::outbox::listeners(tx).await?;
    let endpoints = hearing(&listeners, EventType::RoleChanged);
    if endpoints.is_empty() {
        return Ok(());
    }
    let most = i64::try_from(MOST_TOLD + 1).unwrap_or(i64::MAX);
    let mut members = match moved {
        Moved::Users(users) if users.len() > MOST_TOLD => return Ok(()),
        Moved::Users(users) => store::outbox::members_of(tx, None, users, most).await?,
        Moved::Group(group) => store::outbox::members_of(tx, Some(group), &[], most).await?,
        Moved::Members(members) => members.to_vec(),
    };
    if members.is_empty() || members.len() > MOST_TOLD {
        return Ok(());
    }
    members.sort_unstable();
    let told = store::outbox::members(tx, &members).await?;
    let subjects: Vec<Uuid> = members.iter().map(|member| (*member).into()).collect();
    let numbers = store::outbox::next_numbers(tx, &subjects).await?;
    let details = [("because".to_owned(), because.to_owned())];
    let org = Org::of(tx).await?;
    let event = |member: &MemberId| {
        let subject = Subject::of_member(*member, told.get(member).cloned().unwrap_or_default(), None);
        let sequence = numbers.get(&Uuid::from(*member)).copied();
        let data = org.data(actor, &subject, sequence, &details, call);
        NewEvent { event: EventType::RoleChanged, subject: subject.numbered_by, sequence, data }
    };
    store::outbox::insert(tx, members.iter().map(event).collect(), &endpoints, call).await
}

/// Tell that a member is called differently from now on, where the audit log tells it as a change of the directory's record.
pub(crate) async fn member_changed(tx: &Tx, member: MemberId, actor: &Actor, call: &Call) -> Result<(), Error> {
    let listeners = store::outbox::listeners(tx).await?;
    let endpoints = hearing(&listeners, EventType::MemberChanged);
    if endpoints.is_empty() {
        return Ok(());
    }
    let subject = Subject::member(tx, member, None).await?;
    let details = [("because".to_owned(), "her profile changed in the directory".to_owned())];
    emit(tx, EventType::MemberChanged, actor, &subject, &details, &endpoints, call).await
}

/// A test for one endpoint.
pub(crate) async fn test(tx: &Tx, endpoint: WebhookEndpointId, actor: &Actor, call: &Call) -> Result<(), Error> {
    emit(tx, EventType::Test, actor, &Subject::default(), &[], &[endpoint], call).await
}

/// The endpoints that are told of such events.
fn hearing(listeners: &[Listener], event: EventType) -> Vec<WebhookEndpointId> {
    listeners.iter().filter(|listener| listener.hears(event)).map(|listener| listener.id).collect()
}

/// Whom or what an event is about.
#[derive(Default)]
struct Subject {
    /// By which its events are numbered: a person has one row of numbers, whether she is named as a member or as a directory user.
    numbered_by: Option<Uuid>,
    /// As events tell it.
    told: Option<Value>,
    /// What she has now, if it is a person.
    access: Option<Value>,
    /// Which of her sessions it is about, if not all of them.
    session: Option<Value>,
}

fn thing(target: &Target) -> Value {
    json!({ "kind": target.kind, "id": target.id, "name": target.name })
}

impl Subject {
    async fn of(tx: &Tx, actor: &Actor, target: Option<&Target>) -> Result<Self, Error> {
        match (target, actor) {
            (Some(target), _) if target.kind == "member" => Self::member(tx, target.id.into(), Some(&target.name)).await,
            (Some(target), _) if target.kind == "user" => {
                let told = store::outbox::user(tx, target.id.into()).await?.unwrap_or_default();
                let numbered_by = told.member.map_or(target.id, Uuid::from);
                let told = json!({
                    "kind": "user", "id": target.id, "name": target.name,
                    "member_id": told.member, "external_id": told.external_id, "user_name": told.user_name,
                });
                // What she may do is told by the events about the member, which come after this one.
                Ok(Self { numbered_by: Some(numbered_by), told: Some(told), ..Self::default() })
            }
            (Some(target), _) => Ok(Self {
                // A token or a session is issued and ends, and that is all there is to order.
                numbered_by: ["group", "mapping"].contains(&target.kind).then_some(target.id),
                told: Some(thing(target)),
                ..Self::default()
            }),
            // What somebody did to herself has no target.
            (None, Actor::Member { id, name }) => Self::member(tx, *id, Some(name)).await,
            (None, _) => Ok(Self::default()),
        }
    }

    async fn member(tx: &Tx, member: MemberId, name: Option<&str>) -> Result<Self, Error> {
        let told = store::outbox::members(tx, &[member]).await?.remove(&member).unwrap_or_default();
        Ok(Self::of_member(member, told, name))
    }

    fn of_member(member: MemberId, told: Told, name: Option<&str>) -> Self {
        let known = name.map(str::to_owned).or(told.name).or_else(|| told.user_name.clone());
        let access = json!({ "active": told.role.is_some(), "role": told.role.map(OrgRole::as_str) });
        let told = json!({
            "kind": "member", "id": member, "name": known,
            "directory_user_id": told.user, "external_id": told.external_id, "user_name": told.user_name,
        });
        Self { numbered_by: Some(member.into()), told: Some(told), access: Some(access), session: None }
    }
}

async fn emit(
    tx: &Tx,
    event: EventType,
    actor: &Actor,
    subject: &Subject,
    details: &[(String, String)],
    endpoints: &[WebhookEndpointId],
    call: &Call,
) -> Result<(), Error> {
    let sequence = match subject.numbered_by {
        Some(subject) => store::outbox::next_numbers(tx, &[subject]).await?.remove(&subject),
        None => None,
    };
    let data = Org::of(tx).await?.data(actor, subject, sequence, details, call);
    store::outbox::insert(tx, vec![NewEvent { event, subject: subject.numbered_by, sequence, data }], endpoints, call).await
}

/// The organisation, as its events name it.
struct Org {
    id: OrgId,
    slug: OrgSlug,
}

impl Org {
    async fn of(tx: &Tx) -> Result<Self, Error> {
        Ok(Self { id: tx.org(), slug: store::organizations::slug(tx).await? })
    }

    /// What is told beside the type and the time. Details have the audit log's words, as names of fields.
    fn data(&self, actor: &Actor, subject: &Subject, sequence: Option<i64>, details: &[(String, String)], call: &Call) -> String {
        let details: Map<String, Value> = details.iter().map(|(key, value)| (field(key), value.as_str().into())).collect();
        json!({
            "org": { "id": self.id, "slug": self.slug },
            "sequence": sequence,
            "subject": subject.told,
            "access": subject.access,
            "session": subject.session,
            "actor": { "kind": actor.kind(), "id": actor.id(), "name": actor.name() },
            "request_id": call.request_id,
            "details": details,
        })
        .to_string()
    }
}

/// Words as the name of a field: `API sessions ended` is `api_sessions_ended`.
fn field(words: &str) -> String {
    let words = words.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect::<Vec<_>>().join("_")
}

#[cfg(test)]
mod tests {
    use super::field;

    #[test]
    fn details_have_names_that_programs_can_use() {
        assert_eq!(field("API sessions ended"), "api_sessions_ended");
        assert_eq!(field("webhook secrets she has seen, to be rotated"), "webhook_secrets_she_has_seen_to_be_rotated");
        assert_eq!(field("break-glass"), "break_glass");
    }
}
