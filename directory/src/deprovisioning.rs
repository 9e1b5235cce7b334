//! The end of access: the one place where a membership ends, and with it everything that hangs off it.

use domain::{MemberId, OrgRole, audit::AuditAction};

use crate::{
    Actor, Call, Error, alerts,
    membership::target,
    store::{self, db::Tx, members::Attached},
};

/// Why access ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The directory set `active` to false.
    DirectoryDeactivated,
    /// The directory deleted the user.
    DirectoryDeleted,
    /// Somebody removed the member by hand.
    RemovedByHand,
}

impl Cause {
    fn sentence(self) -> &'static str {
        match self {
            Self::DirectoryDeactivated => "deactivated in the directory",
            Self::DirectoryDeleted => "deleted in the directory",
            Self::RemovedByHand => "removed by hand",
        }
    }
}

/// What ended, for the audit event and the receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Browser sessions.
    pub sessions: i64,
    /// Clients that she had let in.
    pub api_sessions: i64,
    /// Their access tokens that were alive.
    pub access_tokens: i64,
    /// Their refresh tokens that were alive.
    pub refresh_tokens: i64,
    /// Personal tokens.
    pub personal_tokens: i64,
    /// Devices that she had approved and that had not fetched their tokens.
    pub device_codes: i64,
    /// Activation links that had not been followed.
    pub activation_links: i64,
    /// Roles granted by hand.
    pub role_grants: i64,
    /// Seats in teams, given by hand.
    pub team_seats: i64,
}

/// End the access of `member` in the transaction's organisation: her membership and, by the database's cascade, every
/// session, link, grant and seat that hangs off it. Nothing bound to another organisation is touched.
///
/// The caller holds the locks before the member's in their order: the owner guard if she holds owner, her account, her
/// directory record. Writes nothing and answers `None` when nothing was alive, so a repeated request is harmless and is
/// audited once.
///
/// # Errors
/// [`Error::LastOwner`] when the organisation would be left without an active owner (law 6).
pub(crate) async fn end_access(
    tx: &Tx,
    member: MemberId,
    name: &str,
    cause: Cause,
    actor: &Actor,
    call: &Call,
) -> Result<Option<Ended>, Error> {
    let person = store::members::lock(tx, member).await?.ok_or(Error::NotFound("member"))?;
    let Some(membership) = store::members::lock_membership(tx, member).await? else { return Ok(None) };

    let owners = store::members::active_owners(tx).await?;
    if owners == [member] {
        return Err(Error::LastOwner);
    }
    let attached = store::members::attached(tx, membership.id, call.now).await?;
    let Attached { sessions, api_sessions, access_tokens, refresh_tokens, personal_tokens, device_codes, .. } = attached;
    let Attached { activation_links, role_grants, team_seats, .. } = attached;
    if store::grants::exists(tx, membership.id, OrgRole::Owner).await? {
        let line =
            format!("{} ended the access of {}, who was an owner ({}).", alerts::name(&actor.name()), alerts::name(name), cause.sentence());
        alerts::to_owners(tx, "an owner has left", &line, call).await?;
    }
    store::members::delete_membership(tx, member, membership.id, call.now).await?;
    store::accounts::membership_ended(tx, membership.account).await?;
    let details = vec![
        ("cause".to_owned(), cause.sentence().to_owned()),
        ("sessions ended".to_owned(), sessions.to_string()),
        ("API sessions ended".to_owned(), api_sessions.to_string()),
        ("access tokens ended".to_owned(), access_tokens.to_string()),
        ("refresh tokens ended".to_owned(), refresh_tokens.to_string()),
        ("personal tokens ended".to_owned(), personal_tokens.to_string()),
        ("device codes ended".to_owned(), device_codes.to_string()),
        ("activation links ended".to_owned(), activation_links.to_string()),
        ("manual roles ended".to_owned(), role_grants.to_string()),
        ("team seats ended".to_owned(), team_seats.to_string()),
    ];
    // The organisation's own credentials do not end with a person; what she has seen of them is to be changed.
    let issued = store::tokens::issued_by(tx, member, call.now).await?;
    let services = store::service_credentials::issued_by(tx, member).await?;
    let seen = [("provisioning tokens she issued, to be replaced", issued), ("service credentials she issued, to be replaced", services)];
    let seen = seen.into_iter().filter(|(_, names)| !names.is_empty()).map(|(what, names)| (what.to_owned(), names.join(", ")));
    let details = details.into_iter().chain(seen).collect();
    store::audit::append(tx, AuditAction::AccessEnded, actor, Some(target(&person, name)), details, call).await?;
    Ok(Some(Ended {
        sessions,
        api_sessions,
        access_tokens,
        refresh_tokens,
        personal_tokens,
        device_codes,
        activation_links,
        role_grants,
        team_seats,
    }))
}
