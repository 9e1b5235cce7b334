//! The member that somebody acts on: read with every lock that changing her access needs, in their order.

use domain::{MemberId, OrgRole, Permission};

use crate::{
    Call, Error,
    membership::target,
    sessions::SignedIn,
    store::{
        self,
        accounts::Account,
        audit::Target,
        db::Tx,
        members::{Member, Membership},
        scim_users::Record,
    },
};

/// A member with her account, her directory record and her membership, all locked.
pub(crate) struct Subject {
    pub(crate) member: Member,
    pub(crate) account: Account,
    /// The record that acts on her, if the directory manages her.
    pub(crate) record: Option<Record>,
    /// Her access, if she has any.
    pub(crate) membership: Option<Membership>,
    /// Her role in force; without access, what her groups would give her.
    pub(crate) role: OrgRole,
    /// The name by which people know her.
    pub(crate) name: String,
}

impl Subject {
    /// Lock `member`, and beside her the membership of whoever acts on her, which is about to be asked for her role.
    ///
    /// The owner guard comes first where she holds owner, so that whoever holds a `Subject` may count the owners (law 6).
    pub(crate) async fn lock(tx: &Tx, actor: Option<MemberId>, member: MemberId) -> Result<Option<Self>, Error> {
        let Some(glimpse) = store::members::find(tx, member).await? else { return Ok(None) };
        let owner = store::members::holds_owner(tx, member).await?;
        if owner {
            store::organizations::lock_owner_guard(tx).await?;
        }
        let account = store::accounts::lock(tx, glimpse.account).await?;
        let record = store::scim_users::lock_of_member(tx, member).await?;
        let member = store::members::lock(tx, member).await?.ok_or(Error::Stale)?;
        let both: Vec<_> = actor.into_iter().chain([member.id]).collect();
        store::members::lock_memberships(tx, &both).await?;
        let membership = store::members::lock_membership(tx, member.id).await?;
        let role = store::grants::role_of(tx, member.id).await?;
        if role == OrgRole::Owner && !owner {
            // Made an owner since we looked: the guard comes first.
            return Err(Error::Stale);
        }
        let name = member.profile.name();
        let name = name.or_else(|| record.as_ref().and_then(|record| record.resource.text("userName").map(str::to_owned)));
        let name = name.or_else(|| account.email.clone()).unwrap_or_else(|| "Somebody without a name".to_owned());
        Ok(Some(Self { member, account, record, membership, role, name }))
    }

    /// The member, as the audit log names her.
    pub(crate) fn target(&self) -> Target {
        target(&self.member, &self.name)
    }

    /// Whether the directory manages her.
    pub(crate) fn is_managed(&self) -> bool {
        self.record.is_some()
    }

    /// The last active owner stays one (law 6).
    pub(crate) async fn may_cease_to_be_owner(&self, tx: &Tx) -> Result<(), Error> {
        if store::members::active_owners(tx).await? == [self.member.id] { Err(Error::LastOwner) } else { Ok(()) }
    }
}

/// How much somebody has to prove before she acts on another.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proof {
    /// Her role.
    Role,
    /// Her role, and where an owner is concerned, her password within the last minutes.
    FreshForOwners,
}

/// Leave for `who` to act on `member`, and the member: locked, and below her own role unless she is an owner.
pub(crate) async fn subject(tx: &Tx, who: &SignedIn, member: MemberId, proof: Proof, call: &Call) -> Result<Subject, Error> {
    let subject = Subject::lock(tx, Some(who.member), member).await?;
    let role = who.confirm(tx, Permission::ManageMembers).await?;
    let subject = subject.ok_or(Error::NotFound("member"))?;
    if !role.reaches(subject.role) {
        return Err(Error::Denied);
    }
    if proof == Proof::FreshForOwners && subject.role == OrgRole::Owner {
        who.confirm_fresh(tx, Permission::ManageOwners, call.now).await?;
    }
    Ok(subject)
}

/// The same, where everybody may do it to herself.
pub(crate) async fn subject_or_self(tx: &Tx, who: &SignedIn, member: MemberId, call: &Call) -> Result<Subject, Error> {
    if member != who.member {
        return subject(tx, who, member, Proof::Role, call).await;
    }
    let subject = Subject::lock(tx, Some(who.member), member).await?;
    who.confirm(tx, Permission::Enter).await?;
    subject.ok_or(Error::NotFound("member"))
}
