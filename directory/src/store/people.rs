//! Read models about people: who may enter where, the members list, and the keys by which that is searched and sorted.

use std::collections::BTreeMap;

use domain::{
    AccountId, MemberId, MembershipId, OrgId, OrgName, OrgRole, OrgSlug, Timestamp,
    view::{AccessState, ManagedBy, MemberFilter, MemberStatus, PersonView},
};
use scim::compare::fold;

use super::{
    db::{NoOrg, Tx},
    doors,
    members::Profile,
    roles::{IN_FORCE, role, roles_of_m},
    scim_users,
    sessions::MAY_ACT,
    values::{Params, Row, in_list, params},
};
use crate::{Error, sign_in};

/// An organisation that an account may enter.
#[derive(Clone, Debug)]
pub(crate) struct Door {
    pub(crate) org: OrgId,
    pub(crate) org_name: OrgName,
    pub(crate) org_slug: OrgSlug,
    pub(crate) member: MemberId,
    pub(crate) membership: MembershipId,
    pub(crate) profile: Profile,
    pub(crate) role: OrgRole,
    /// Whether whoever signs in with a password needs a second factor there.
    pub(crate) second_factor_required: bool,
}

impl Door {
    /// Whether it opens to somebody who was authenticated so.
    pub(crate) fn opens_to(&self, auth_authority: &str, auth_method: &str) -> bool {
        !(self.second_factor_required && auth_authority == sign_in::LOCAL && auth_method == sign_in::PASSWORD)
    }
}

/// What [`doors_sql`] gives.
pub(super) const ENTERED: &[(&str, &str)] = &[
    ("org_id", "uuid"),
    ("name", "text"),
    ("slug", "text"),
    ("member_id", "uuid"),
    ("membership_id", "uuid"),
    ("given_name", "text"),
    ("family_name", "text"),
    ("display_name", "text"),
    ("second_factor_required", "boolean"),
    ("granted_role", "text"),
    ("mapped_role", "text"),
];

/// The organisations that an account may enter, by name, and with which role.
pub(super) fn doors_sql() -> String {
    let roles = roles_of_m();
    format!(
        "SELECT o.id AS org_id, o.name, o.slug, m.member_id, m.id AS membership_id, p.given_name, p.family_name, p.display_name,
                o.second_factor_required, {roles}
         FROM memberships m
           JOIN members p ON p.org_id = m.org_id AND p.id = m.member_id
           JOIN organizations o ON o.id = m.org_id
           JOIN users u ON u.id = m.account_id
         WHERE m.account_id = $1 AND {MAY_ACT}
         ORDER BY o.name, o.id"
    )
}

/// The organisations that this account may enter, by name.
pub(crate) async fn doors<S: Send + Sync>(tx: &Tx<S>, account: AccountId) -> Result<Vec<Door>, Error> {
    tx.through(&doors::ENTERABLE, params![account], |row| {
        Ok(Door {
            org: row.get("org_id")?,
            org_name: OrgName::try_from(row.get::<String>("name")?)?,
            org_slug: OrgSlug::try_from(row.get::<String>("slug")?)?,
            member: row.get("member_id")?,
            membership: row.get("membership_id")?,
            profile: Profile {
                given_name: row.opt("given_name")?,
                family_name: row.opt("family_name")?,
                display_name: row.opt("display_name")?,
            },
            role: role(row)?,
            second_factor_required: row.get("second_factor_required")?,
        })
    })
    .await
}

/// A membership of an account, in whichever organisation.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) org: OrgId,
    pub(crate) member: MemberId,
    pub(crate) membership: MembershipId,
    pub(crate) profile: Profile,
    /// Whether the person has accepted it.
    pub(crate) proven: bool,
}

/// What [`PLACES_SQL`] gives.
pub(super) const PLACES: &[(&str, &str)] = &[
    ("org_id", "uuid"),
    ("id", "uuid"),
    ("proven_at", "bigint"),
    ("member_id", "uuid"),
    ("given_name", "text"),
    ("family_name", "text"),
    ("display_name", "text"),
];

/// The memberships of an account.
pub(super) const PLACES_SQL: &str = "SELECT m.org_id, m.id, m.proven_at, m.member_id, p.given_name, p.family_name, p.display_name
     FROM memberships m JOIN members p ON p.org_id = m.org_id AND p.id = m.member_id WHERE m.account_id = $1 ORDER BY m.org_id";

/// The memberships of an account, in every organisation.
pub(crate) async fn places<S: Send + Sync>(tx: &Tx<S>, account: AccountId) -> Result<Vec<Place>, Error> {
    tx.through(&doors::MEMBERSHIPS, params![account], |row| {
        Ok(Place {
            org: row.get("org_id")?,
            member: row.get("member_id")?,
            membership: row.get("id")?,
            profile: Profile {
                given_name: row.opt("given_name")?,
                family_name: row.opt("family_name")?,
                display_name: row.opt("display_name")?,
            },
            proven: row.opt::<Timestamp>("proven_at")?.is_some(),
        })
    })
    .await
}

/// The organisations in which a sign-in to this account is worth a note: those whose membership the person has accepted.
/// Whoever merely provisioned her address learns nothing of what she does elsewhere.
pub(crate) async fn organizations_of(tx: &Tx<NoOrg>, account: AccountId) -> Result<Vec<OrgId>, Error> {
    let read = |row: &Row| Ok((row.get("org_id")?, row.opt::<Timestamp>("proven_at")?));
    let memberships = tx.through(&doors::MEMBERSHIPS, params![account], read).await?;
    Ok(memberships.into_iter().filter_map(|(org, proven)| proven.map(|_| org)).collect())
}

/// The memberships of this account, in every organisation.
pub(crate) async fn memberships_of<S: Send + Sync>(tx: &Tx<S>, account: AccountId) -> Result<Vec<(OrgId, MembershipId)>, Error> {
    tx.through(&doors::MEMBERSHIPS, params![account], |row| Ok((row.get("org_id")?, row.get("id")?))).await
}

/// How many people there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Whom the organisation knows.
    pub(crate) everybody: u64,
    /// Whom of them a directory manages.
    pub(crate) directory: u64,
    /// Who has access.
    pub(crate) with_access: u64,
}

pub(crate) async fn counts(tx: &Tx) -> Result<Counts, Error> {
    // Each is counted in an index alone.
    let sql = "SELECT (SELECT count(*) FROM members WHERE org_id = $1) AS everybody,
                      (SELECT count(*) FROM scim_users WHERE org_id = $1 AND deleted_at IS NULL AND member_id IS NOT NULL) AS directory,
                      (SELECT count(*) FROM memberships WHERE org_id = $1) AS with_access";
    let counted = tx.one(sql, params![tx.org()], |row| {
        Ok(Counts { everybody: number(row, "everybody")?, directory: number(row, "directory")?, with_access: number(row, "with_access")? })
    });
    Ok(counted.await?.unwrap_or_default())
}

fn number(row: &Row, column: &str) -> Result<u64, Error> {
    Ok(u64::try_from(row.get::<i64>(column)?).unwrap_or(0))
}

/// The members `p` who are in a set, or who are not. Each engine has its own way to make the set once, rather than to ask it
/// anew for each member.
fn among(tx: &Tx, within: bool, set: &str) -> String {
    let not = if within { "" } else { "NOT " };
    match tx.is_postgres() {
        true => format!("{not}EXISTS (SELECT 1 FROM ({set}) held WHERE held.member_id = p.id)"),
        false => format!("p.id {not}IN ({set})"),
    }
}

/// The members who hold one of these roles by a grant, or by a mapping of a group that a directory has them in.
fn holders(granted: &[OrgRole], mapped: &[OrgRole]) -> String {
    let list = |roles: &[OrgRole]| roles.iter().map(|role| format!("'{}'", role.as_str())).collect::<Vec<_>>().join(", ");
    let mut parts = vec![format!(
        "SELECT h.member_id FROM role_grants g JOIN memberships h ON h.id = g.membership_id WHERE g.org_id = $1 AND g.role IN ({})",
        list(granted)
    )];
    if !mapped.is_empty() {
        // Whoever has no access holds nothing, whatever her groups would give. CROSS JOIN, so that SQLite begins with the mappings.
        parts.push(format!(
            "SELECT h.member_id FROM group_mappings gm
               CROSS JOIN scim_group_members x CROSS JOIN scim_users r CROSS JOIN memberships h
             WHERE gm.org_id = $1 AND gm.org_role IN ({}) AND {IN_FORCE} AND x.org_id = gm.org_id AND x.group_id = gm.group_id
               AND r.id = x.user_id AND r.active AND r.deleted_at IS NULL AND h.member_id = r.member_id",
            list(mapped)
        ));
    }
    parts.join(" UNION ALL ")
}

/// `FROM … WHERE …` for the members `p` that the filter lets through, with its parameters.
fn matching(tx: &Tx, filter: &MemberFilter) -> (String, Params) {
    use OrgRole::{Admin, Auditor, Member, Owner};
    let mut params = Params(params![tx.org()]);
    // CROSS JOIN, so that SQLite goes through the members in the order of the list. Joined by a key of its own, since the
    // foreign key holds the organisation: see `scim_groups::members`.
    let mut from = "members p CROSS JOIN memberships m";
    let mut conditions = vec!["p.org_id = $1".to_owned()];
    let blocked = "SELECT b.member_id FROM member_blocks b WHERE b.org_id = $1";
    match filter.status {
        Some(MemberStatus::Any | MemberStatus::Left) => from = "members p LEFT JOIN memberships m ON m.member_id = p.id",
        _ => conditions.push("m.member_id = p.id".to_owned()),
    }
    match filter.status {
        None | Some(MemberStatus::Any) => {}
        Some(MemberStatus::Left) => conditions.push("m.id IS NULL".to_owned()),
        Some(MemberStatus::Blocked) => conditions.push(among(tx, true, blocked)),
        Some(MemberStatus::Active) => conditions.push(format!("m.proven_at IS NOT NULL AND {}", among(tx, false, blocked))),
        Some(MemberStatus::Pending) => conditions.push(format!("m.proven_at IS NULL AND {}", among(tx, false, blocked))),
    }
    match filter.role {
        None => {}
        Some(Member) => conditions.push(among(tx, false, &holders(&[Owner, Admin, Auditor], &[Admin, Auditor]))),
        Some(Auditor) => {
            conditions.push(among(tx, true, &holders(&[Auditor], &[Auditor])));
            conditions.push(among(tx, false, &holders(&[Owner, Admin], &[Admin])));
        }
        Some(Admin) => {
            conditions.push(among(tx, true, &holders(&[Admin], &[Admin])));
            conditions.push(among(tx, false, &holders(&[Owner], &[])));
        }
        Some(Owner) => conditions.push(among(tx, true, &holders(&[Owner], &[]))),
    }
    if let Some(source) = filter.source {
        let managed = "SELECT r.member_id FROM scim_users r WHERE r.org_id = $1 AND r.deleted_at IS NULL AND r.member_id IS NOT NULL";
        conditions.push(among(tx, source == ManagedBy::Directory, managed));
    }
    if let Some(search) =
        filter.search.as_deref().map(|search| search.replace('\0', "").trim().to_owned()).filter(|search| !search.is_empty())
    {
        let part = params.push(cut(&fold(&search), LONGEST_PART).to_owned());
        conditions.push(match tx.is_postgres() {
            true => format!("strpos(p.search_key, {part}) > 0"),
            false => format!("instr(p.search_key, {part}) > 0"),
        });
    }
    (format!("FROM {from} WHERE {}", conditions.join(" AND ")), params)
}

/// A page of the members that the filter lets through, by name, for one that asks for no set of them: [`find`] is for those.
pub(crate) async fn page(tx: &Tx, filter: &MemberFilter, size: u64, offset: u64) -> Result<Vec<PersonView>, Error> {
    let (matching, mut params) = matching(tx, filter);
    let range = range(&mut params, size, offset);
    // First who, from an index; then all that the list shows, of those few.
    let sql = format!("SELECT p.id {matching} ORDER BY p.name_key, p.id {range}");
    let ids = tx.all(&sql, params.0, |row| row.get::<MemberId>("id")).await?;
    people(tx, &ids).await
}

/// A page of the members that the filter lets through, by name, and how many they are in all.
pub(crate) async fn find(tx: &Tx, filter: &MemberFilter, size: u64, offset: u64) -> Result<(Vec<PersonView>, u64), Error> {
    let (matching, mut params) = matching(tx, filter);
    let of_all = params.0.clone();
    let range = range(&mut params, size, offset);
    // All of them are looked at once, since they have to be counted.
    let page = format!(
        "SELECT id, total FROM (SELECT p.id, p.name_key, count(*) OVER () AS total {matching}) found ORDER BY name_key, id {range}"
    );
    nested_loops(tx, false).await?;
    let found = tx.all(&page, params.0, |row| Ok((row.get::<MemberId>("id")?, number(row, "total")?))).await?;
    let total = match found.first() {
        Some((_, total)) => *total,
        None if offset == 0 => 0,
        // Beyond the last page nobody is there to say it.
        None => tx.one(&format!("SELECT count(*) AS total {matching}"), of_all, |row| number(row, "total")).await?.unwrap_or_default(),
    };
    nested_loops(tx, true).await?;
    let ids: Vec<_> = found.into_iter().map(|(id, _)| id).collect();
    Ok((people(tx, &ids).await?, total))
}

fn range(params: &mut Params, size: u64, offset: u64) -> String {
    let limit = params.push(i64::try_from(size).unwrap_or(i64::MAX));
    let offset = params.push(i64::try_from(offset).unwrap_or(i64::MAX));
    format!("LIMIT {limit} OFFSET {offset}")
}

/// Whether PostgreSQL may join by asking one side anew for each row of the other. For as long as it has no statistics, it takes
/// every set for small, and would ask a hundred thousand times.
async fn nested_loops(tx: &Tx, may: bool) -> Result<(), Error> {
    if tx.is_postgres() {
        let sql = "SELECT set_config('enable_nestloop', $1, true)";
        tx.run(sql, params![if may { "on" } else { "off" }]).await?;
    }
    Ok(())
}

/// These members as the list shows them, by name. A page of them at most.
pub(crate) async fn people(tx: &Tx, members: &[MemberId]) -> Result<Vec<PersonView>, Error> {
    if members.is_empty() {
        return Ok(vec![]);
    }
    let roles = roles_of_m();
    let (list, params) = in_list(params![tx.org()], members);
    let sql = format!(
        "
        SELECT p.id, p.given_name, p.family_name, p.display_name, p.break_glass, p.access_ended_at, u.email,
               r.user_name, r.id AS record_id, m.id AS membership_id, m.proven_at,
               r.attributes, b.blocked_by, b.blocked_at,
               (SELECT max(s.last_seen_at) FROM sessions s WHERE s.org_id = p.org_id AND s.membership_id = m.id) AS last_seen_at,
               q.status AS mail_status, q.sent_at AS mail_sent_at, q.error AS mail_error,
               {roles}
        FROM members p
          JOIN users u ON u.id = p.account_id
          LEFT JOIN memberships m ON m.member_id = p.id
          LEFT JOIN scim_users r ON r.org_id = p.org_id AND r.member_id = p.id AND r.deleted_at IS NULL
          LEFT JOIN member_blocks b ON b.org_id = p.org_id AND b.member_id = p.id AND b.cause = (
              SELECT max(b2.cause) FROM member_blocks b2 WHERE b2.org_id = p.org_id AND b2.member_id = p.id)
          LEFT JOIN mail_queue q ON q.id = (
              SELECT q2.id FROM mail_queue q2 WHERE q2.org_id = p.org_id AND q2.membership_id = m.id AND q2.kind = 'activation'
              ORDER BY q2.created_at DESC, q2.id DESC LIMIT 1)
        WHERE p.org_id = $1 AND p.id IN ({list})
        ORDER BY p.name_key, p.id"
    );
    let mut people = tx.all(&sql, params, read_person).await?;
    let mut because = reasons(tx, &people).await?;
    for person in &mut people {
        person.because = because.remove(&person.member);
    }
    Ok(people)
}

/// Where the roles of these people come from that are more than everybody's, in a few words.
async fn reasons(tx: &Tx, people: &[PersonView]) -> Result<BTreeMap<MemberId, String>, Error> {
    let elevated: BTreeMap<MemberId, OrgRole> =
        people.iter().filter(|person| person.role > OrgRole::Member).map(|person| (person.member, person.role)).collect();
    if elevated.is_empty() {
        return Ok(BTreeMap::new());
    }
    let members: Vec<_> = elevated.keys().copied().collect();
    let source = |row: &Row| Ok((row.get::<MemberId>("member_id")?, row.get::<String>("role")?, row.get::<String>("source")?));
    let of_role = |(member, role, source): (MemberId, String, String)| {
        (elevated.get(&member).is_some_and(|held| held.as_str() == role)).then_some((member, source))
    };
    let (list, params) = in_list(params![tx.org()], &members);
    let granted = format!(
        "SELECT m.member_id, g.role, g.granted_by AS source FROM memberships m
           JOIN role_grants g ON g.org_id = m.org_id AND g.membership_id = m.id
         WHERE m.org_id = $1 AND m.member_id IN ({list})"
    );
    let mut because: BTreeMap<_, _> = tx.all(&granted, params, source).await?.into_iter().filter_map(of_role).collect();
    for by in because.values_mut() {
        *by = format!("granted by {by}");
    }
    let (list, params) = in_list(params![tx.org()], &members);
    let mapped = format!(
        "SELECT r.member_id, gm.org_role AS role, o.display_name AS source FROM scim_users r
           JOIN scim_group_members x ON x.org_id = r.org_id AND x.user_id = r.id
           JOIN group_mappings gm ON gm.org_id = x.org_id AND gm.group_id = x.group_id
           JOIN scim_groups o ON o.id = x.group_id
         WHERE r.org_id = $1 AND r.member_id IN ({list}) AND r.deleted_at IS NULL AND r.active
           AND gm.org_role IS NOT NULL AND {IN_FORCE}
         ORDER BY r.member_id, o.display_name_key, o.id"
    );
    let mut groups: BTreeMap<MemberId, Vec<String>> = BTreeMap::new();
    for (member, group) in tx.all(&mapped, params, source).await?.into_iter().filter_map(of_role) {
        groups.entry(member).or_default().push(group);
    }
    for (member, groups) in groups {
        let groups = match groups.as_slice() {
            [one] => format!("group {one}"),
            [one, other] => format!("groups {one} and {other}"),
            more => format!("{} groups", more.len()),
        };
        because.entry(member).and_modify(|grant| *grant = format!("{grant}, {groups}")).or_insert(groups);
    }
    Ok(because)
}

/// A person's name and addresses, from the profile, her account and the directory record that acts on her.
pub(super) struct Shown {
    /// The name to show.
    pub(super) name: String,
    /// The address to show: the directory's for those it manages, else the account's.
    pub(super) email: Option<String>,
    account_email: Option<String>,
    user_name: Option<String>,
}

impl Shown {
    /// From `p`'s names, `u.email`, and the record's `user_name` and `attributes`.
    pub(super) fn read(row: &Row) -> Result<Self, Error> {
        let profile =
            Profile { given_name: row.opt("given_name")?, family_name: row.opt("family_name")?, display_name: row.opt("display_name")? };
        let account_email: Option<String> = row.opt("email")?;
        let record = row.opt::<String>("attributes")?.map(|attributes| scim_users::resource(&attributes)).transpose()?;
        let directory_email = record.as_ref().and_then(|record| record.primary("emails")).map(str::to_owned);
        let user_name: Option<String> = row.opt("user_name")?;
        let email = directory_email.or_else(|| account_email.clone());
        let names = [profile.name(), user_name.clone(), email.clone()];
        let name = names.into_iter().flatten().find(|name| !name.trim().is_empty());
        Ok(Self { name: name.unwrap_or_else(|| "Somebody without a name".to_owned()), email, account_email, user_name })
    }

    /// By what she is sorted and found: the name's key, and the key of everything that she may be looked for by.
    fn keys(&self) -> (String, String) {
        let parts = [Some(&self.name), self.email.as_ref(), self.account_email.as_ref(), self.user_name.as_ref()];
        let parts = parts.map(|part| part.map(|part| cut(&fold(part), LONGEST_PART).to_owned()).unwrap_or_default());
        (cut(&fold(self.name.trim()), LONGEST_NAME).to_owned(), parts.join("\n"))
    }
}

/// The most bytes of a name that it is sorted by: an entry of an index has to hold them.
const LONGEST_NAME: usize = 200;
/// The most bytes of a name or an address that it is found by.
const LONGEST_PART: usize = 500;

fn cut(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

/// Make the keys again by which `member` is sorted and found. To be called after whatever they are made of has changed: her
/// profile, or the record that acts on her.
pub(crate) async fn renew_keys(tx: &Tx, member: MemberId) -> Result<(), Error> {
    let sql = "SELECT p.given_name, p.family_name, p.display_name, u.email, r.user_name, r.attributes
               FROM members p
                 JOIN users u ON u.id = p.account_id
                 LEFT JOIN scim_users r ON r.org_id = p.org_id AND r.member_id = p.id AND r.deleted_at IS NULL
               WHERE p.org_id = $1 AND p.id = $2";
    let Some(shown) = tx.one(sql, params![tx.org(), member], Shown::read).await? else { return Ok(()) };
    let (name, search) = shown.keys();
    let sql = "UPDATE members SET name_key = $3, search_key = $4 WHERE org_id = $1 AND id = $2 AND (name_key <> $3 OR search_key <> $4)";
    tx.run(sql, params![tx.org(), member, name, search]).await?;
    Ok(())
}

/// Some members whose keys have not been made, with their locks.
pub(crate) async fn without_keys(tx: &Tx, most: i64) -> Result<Vec<MemberId>, Error> {
    let sql = format!("SELECT id FROM members WHERE org_id = $1 AND name_key = '' ORDER BY id LIMIT $2{}", tx.lock());
    tx.all(&sql, params![tx.org(), most], |row| row.get("id")).await
}

fn read_person(row: &Row) -> Result<PersonView, Error> {
    let Shown { name, email, account_email, .. } = Shown::read(row)?;
    let from_directory = row.opt::<domain::DirectoryUserId>("record_id")?.is_some();
    let blocked = match (row.opt::<String>("blocked_by")?, row.opt::<Timestamp>("blocked_at")?) {
        (Some(by), Some(at)) => Some(AccessState::Blocked { by, at }),
        _ => None,
    };
    let access = if row.opt::<MembershipId>("membership_id")?.is_none() {
        AccessState::Inactive { since: row.opt("access_ended_at")? }
    } else if let Some(blocked) = blocked {
        blocked
    } else if row.opt::<Timestamp>("proven_at")?.is_some() {
        AccessState::Active
    } else {
        match row.opt::<String>("mail_status")?.as_deref() {
            Some("sent") => AccessState::ActivationSent { at: row.get("mail_sent_at")? },
            Some("failed") => AccessState::ActivationFailed { reason: row.opt("mail_error")?.unwrap_or_default() },
            other => AccessState::ActivationPending { has_address: account_email.is_some(), queued: other.is_some() },
        }
    };
    Ok(PersonView {
        member: row.get("id")?,
        name,
        email,
        role: role(row)?,
        because: None,
        break_glass: row.get("break_glass")?,
        managed_by: if from_directory { ManagedBy::Directory } else { ManagedBy::Manual },
        access,
        last_seen_at: row.opt("last_seen_at")?,
    })
}
