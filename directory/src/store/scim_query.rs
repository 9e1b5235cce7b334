//! Which resources a query finds, in which order, page by page. What they hold is read afterwards, by their ids.

use domain::{DirectoryGroupId, DirectoryUserId, Timestamp};
use scim::{Kind, Target, filter::Match, list::SortOrder};
use uuid::Uuid;

use super::{
    db::Tx,
    scim_filter::compile,
    scim_places::{Dialect, Place, has_active, id_text, place},
    scim_totals,
    scim_values::INDEXED,
    values::{Params, Row, params},
};
use crate::Error;

/// A query, as far as the database answers it.
pub(crate) struct Query<'a> {
    /// The types of resource, and which of each.
    pub(crate) kinds: Vec<(Kind, Match)>,
    /// What to sort by, for each of the types in turn; without, resources are in the order in which they were made.
    pub(crate) sort_by: Option<Vec<Option<Target>>>,
    pub(crate) sort_order: SortOrder,
    /// Below which URL the resources are.
    pub(crate) base_url: &'a str,
}

/// Where a page begins.
#[derive(Clone, Debug)]
pub(crate) enum Start {
    /// After so many resources.
    Offset(u64),
    /// After this one, be it still there or not.
    After(Position),
}

/// A place in the order of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) key: Key,
    pub(crate) created_at: Timestamp,
    pub(crate) id: Uuid,
}

/// What a resource is sorted by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// It has no value there, or the query does not sort.
    None,
    Text(String),
    Number(i64),
}

/// A resource that was found.
#[derive(Clone, Debug)]
pub(crate) enum Found {
    User(DirectoryUserId),
    Group(DirectoryGroupId),
}

/// A page of what was found, and how much there is in all.
pub(crate) struct Page {
    pub(crate) total: u64,
    pub(crate) found: Vec<(Found, Position)>,
    /// Whether there is more after this page.
    pub(crate) more: bool,
}

/// So many resources are sorted in no time.
const FEW: u64 = 2_000;

/// Answer `query` with at most `count` resources.
///
/// The order is total and stable: resources that sort alike are in the order in which they were made, then of their ids.
pub(crate) async fn page(tx: &Tx, query: &Query<'_>, from: &Start, count: u64) -> Result<Page, Error> {
    let total = total(tx, query).await?;
    let mut page = Page { total, found: vec![], more: false };
    if count == 0 {
        return Ok(page);
    }
    // One more than was asked for tells whether there is more. What is answered never depends on the total but here:
    // skipping costs what is skipped, and the end is nearer from behind.
    let (skip, take, backwards) = match from {
        Start::Offset(offset) if *offset > total / 2 && *offset < total => {
            let take = count.min(total - offset);
            (total - offset - take, take, true)
        }
        Start::Offset(offset) => (*offset, count + 1, false),
        Start::After(_) => (0, count + 1, false),
    };

    let mut params = Params(params![tx.org()]);
    let dialect = dialect(tx, query);
    let few = total <= FEW && query.kinds.iter().any(|(_, matches)| matches!(matches, Match::Only(_)));
    let order = Order::of(query, backwards, few);
    let selects = query.kinds.iter().enumerate().map(|(at, (kind, matches))| {
        let condition = condition(*kind, matches, dialect, &mut params)?;
        let key = match query.sort_by.as_ref().map(|targets| targets.get(at).copied().flatten()) {
            Some(Some(target)) => key(*kind, &target, dialect, &mut params)?,
            Some(None) | None => no_key(query),
        };
        let (table, number) = (table(*kind), at);
        Ok(format!("SELECT CAST({number} AS bigint) AS kind, r.id AS id, r.created_at AS created_at, {key} AS sort_key FROM {table} r WHERE {condition}"))
    });
    let selects = selects.collect::<Result<Vec<_>, Error>>()?;
    let after = match from {
        Start::After(position) => format!(" WHERE {}", order.after(position, &mut params)),
        Start::Offset(_) => String::new(),
    };
    let (take, skip) = (as_limit(take), as_limit(skip));
    let (limit, offset) = (params.push(take), params.push(skip));
    let sql = format!(
        "SELECT kind, id, created_at, sort_key FROM ({}) q{after} ORDER BY {} LIMIT {limit} OFFSET {offset}",
        selects.join(" UNION ALL "),
        order.by()
    );
    let sorts_by_text = order.key == Some(KeyType::Text);
    let mut found = tx.all(&sql, params.0, |row| read(row, query, sorts_by_text, order.key.is_some())).await?;
    if backwards {
        found.reverse();
    }
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    page.more = skip > 0 && backwards || found.len() > count;
    found.truncate(count);
    page.found = found;
    Ok(page)
}

/// How many resources a query finds.
async fn total(tx: &Tx, query: &Query<'_>) -> Result<u64, Error> {
    let mut total = 0;
    for (kind, matches) in &query.kinds {
        if *matches == Match::All {
            total += scim_totals::read(tx, *kind).await?;
            continue;
        }
        let mut params = Params(params![tx.org()]);
        let condition = condition(*kind, matches, dialect(tx, query), &mut params)?;
        let sql = format!("SELECT count(*) AS total FROM {} r WHERE {condition}", table(*kind));
        let counted = tx.one(&sql, params.0, |row| row.get::<i64>("total")).await?;
        total += u64::try_from(counted.unwrap_or(0)).unwrap_or(0);
    }
    Ok(total)
}

fn read(row: &Row, query: &Query<'_>, by_text: bool, sorts: bool) -> Result<(Found, Position), Error> {
    let id: Uuid = row.get("id")?;
    let kind = usize::try_from(row.get::<i64>("kind")?).ok().and_then(|at| query.kinds.get(at)).map_or(Kind::User, |(kind, _)| *kind);
    let key = match (sorts, by_text) {
        (false, _) => Key::None,
        (true, true) => row.opt("sort_key")?.map_or(Key::None, Key::Text),
        (true, false) => row.opt("sort_key")?.map_or(Key::None, Key::Number),
    };
    let found = match kind {
        Kind::User => Found::User(id.into()),
        Kind::Group => Found::Group(id.into()),
    };
    Ok((found, Position { key, created_at: row.get("created_at")?, id }))
}

fn as_limit(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn dialect<'a>(tx: &Tx, query: &Query<'a>) -> Dialect<'a> {
    Dialect { postgres: tx.is_postgres(), base_url: query.base_url }
}

fn table(kind: Kind) -> &'static str {
    match kind {
        Kind::User => "scim_users",
        Kind::Group => "scim_groups",
    }
}

fn condition(kind: Kind, matches: &Match, dialect: Dialect<'_>, params: &mut Params) -> Result<String, Error> {
    const ALL: &str = "r.org_id = $1 AND r.deleted_at IS NULL";
    Ok(match matches {
        Match::All => ALL.to_owned(),
        Match::None => format!("{ALL} AND false"),
        Match::Only(filter) => format!("{ALL} AND ({})", compile(kind, filter, dialect, params)?),
    })
}

/// The type of what a query is sorted by.
#[derive(Clone, Copy, PartialEq, Eq)]
enum KeyType {
    Text,
    Number,
}

/// Of which type the values of `target` are, as they are sorted.
fn key_type(target: &Target) -> KeyType {
    match (target.names(), target.leaf().kind) {
        ((None, "meta", _), scim::schema::Type::DateTime) | ((None, "active", None), _) => KeyType::Number,
        _ => KeyType::Text,
    }
}

fn query_key_type(query: &Query<'_>) -> Option<KeyType> {
    query.sort_by.as_ref()?.iter().flatten().map(key_type).next()
}

/// What stands for the key of a resource that has none.
fn no_key(query: &Query<'_>) -> String {
    let name = if query_key_type(query) == Some(KeyType::Text) { "text" } else { "bigint" };
    format!("CAST(NULL AS {name})")
}

/// An expression for what a resource is sorted by. Long texts are sorted by their beginning.
fn key(kind: Kind, target: &Target, dialect: Dialect<'_>, params: &mut Params) -> Result<String, Error> {
    let unsupported = || scim::Error::invalid_value(format!("{target} cannot be sorted by"));
    Ok(match place(kind, target, dialect, params).ok_or_else(unsupported)? {
        // An id sorts as it is written, so the bytes will do; as text, so that a cursor can hold it.
        Place::Id => id_text("r.id", dialect),
        Place::Text(expression, _) => expression,
        Place::Flag(column) => {
            let has = has_active();
            format!("CASE WHEN NOT {has} THEN NULL WHEN {column} THEN CAST(1 AS bigint) ELSE CAST(0 AS bigint) END")
        }
        Place::Moment(column) => column.to_owned(),
        Place::Values(path) => {
            let path = params.push(path);
            format!(
                "(SELECT substr(v.value_key, 1, {INDEXED}) FROM scim_user_values v WHERE v.org_id = r.org_id AND v.user_id = r.id AND v.path = {path} AND v.sorts LIMIT 1)"
            )
        }
        // A resource may be in thousands of groups, or have thousands of members, of which none comes first.
        Place::Joined(_) => return Err(unsupported().into()),
    })
}

/// The order of a query's answer.
struct Order {
    key: Option<KeyType>,
    /// Whether every resource has a key: then an index can be followed.
    always: bool,
    descending: bool,
    /// Whether few resources match. SQLite would rather read all resources in their order than find these and sort them.
    few: bool,
}

impl Order {
    /// `backwards`: from the end to the beginning.
    fn of(query: &Query<'_>, backwards: bool, few: bool) -> Self {
        let groups_only = query.kinds.iter().all(|(kind, _)| *kind == Kind::Group);
        let always = |target: &Option<Target>| {
            target.is_some_and(|target| match target.names() {
                (None, "userName" | "id" | "meta", _) => true,
                (None, "displayName", _) => groups_only,
                _ => false,
            })
        };
        Self {
            key: query_key_type(query),
            always: query.sort_by.as_ref().is_some_and(|targets| targets.iter().all(always)),
            few,
            descending: (query.sort_order == SortOrder::Descending && query.sort_by.is_some()) != backwards,
        }
    }

    fn by(&self) -> String {
        let way = if self.descending { " DESC" } else { "" };
        let key = match (self.key, self.always) {
            (None, _) => String::new(),
            (Some(_), true) => format!("sort_key{way}, "),
            (Some(_), false) => format!("sort_key IS NULL{way}, sort_key{way}, "),
        };
        // With a sign before it, the column is none that an index could be followed for.
        let made = if self.few && self.key.is_none() { "+created_at" } else { "created_at" };
        format!("{key}{made}{way}, id{way}")
    }

    /// The condition for what comes after `position`. What has no key comes last, or first where the order descends.
    fn after(&self, position: &Position, params: &mut Params) -> String {
        let sign = if self.descending { '<' } else { '>' };
        let (created_at, id) = (params.push(position.created_at), params.push(position.id));
        let later = format!("(created_at, id) {sign} ({created_at}, {id})");
        let key = match &position.key {
            Key::None if self.key.is_none() => return later,
            Key::None if self.descending => return format!("((sort_key IS NULL AND {later}) OR sort_key IS NOT NULL)"),
            Key::None => return format!("(sort_key IS NULL AND {later})"),
            Key::Text(text) => params.push(text.as_str()),
            Key::Number(number) => params.push(*number),
        };
        let last = if self.descending || self.always { "" } else { " OR sort_key IS NULL" };
        format!("((sort_key {sign}= {key} AND (sort_key {sign} {key} OR {later})){last})")
    }
}
