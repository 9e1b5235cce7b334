//! Lists: of users, of groups, or of both, filtered, sorted, and page by page.

use std::collections::BTreeMap;

use domain::{DirectoryGroupId, DirectoryUserId};
use scim::{Kind, ListQuery, filter::Match, sort};

use super::{
    groups::{self, Group, MemberReader},
    request::Request,
    users::{self, User},
};
use crate::{
    Error,
    store::{
        self,
        scim_query::{Found, Query, Start},
    },
};

/// The most resources on one page.
pub const MOST_ON_A_PAGE: u64 = 200;
/// Resources on a page when the client names no number.
pub const PAGE: u64 = 100;

/// A resource on a page.
#[derive(Debug)]
pub enum Resource {
    /// A user.
    User(Box<User>),
    /// A group.
    Group(Group),
}

/// A page of resources.
pub struct Page {
    /// How many resources match in all.
    pub total: u64,
    /// Those on this page.
    pub resources: Vec<Resource>,
    /// Reads the members of its groups, if they were wanted and are too many to be kept in memory together.
    pub reader: Option<MemberReader>,
    /// In a run with cursors: where the next page begins, if there is one.
    pub next_cursor: Option<String>,
}

/// The resources of these types that match `query`, in a total and stable order.
///
/// A page may be shorter than was asked for: an answer holds so many members and no more ([`groups::MOST_MEMBERS`]).
///
/// # Errors
/// 400 `tooMany` for a group that has more members by itself, `invalidFilter` for a filter that is not understood, `invalidValue` for an attribute that cannot be sorted by,
/// `invalidCursor` and `expiredCursor` for a cursor.
pub async fn list(request: Request<'_>, kinds: &[Kind], query: &ListQuery) -> Result<Page, Error> {
    let count = query.count.unwrap_or(PAGE).min(MOST_ON_A_PAGE);
    let key = &request.caller.cursor_key;
    let start = match query.cursor.as_deref() {
        None => Start::Offset(query.start_index.saturating_sub(1)),
        Some("") => Start::Offset(0),
        Some(cursor) => Start::After(key.open(kinds, query, cursor, request.call.now)?),
    };
    let resolved = resolve(kinds, query, request.base_url)?;

    let tx = request.db.read(request.caller.scope).await?;
    let mut page = store::scim_query::page(&tx, &resolved, &start, count).await?;
    if request.related.members {
        // A page that is shorter than asked for is paging; only a group that is too large by itself is refused.
        let sizes = store::scim_groups::sizes(&tx, &group_ids(&page)).await?;
        let mut members = 0;
        let fits = page.found.iter().take_while(|(found, _)| match found {
            Found::User(_) => true,
            Found::Group(id) => {
                members += sizes.get(id).copied().unwrap_or(0);
                members <= groups::MOST_MEMBERS
            }
        });
        let fits = fits.count();
        if fits == 0 && !page.found.is_empty() {
            return Err(groups::too_many().into());
        }
        page.more |= fits < page.found.len();
        page.found.truncate(fits);
    }
    let next = page.found.last().filter(|_| page.more && query.cursor.is_some()).map(|(_, position)| position);
    let next_cursor = next.map(|position| key.seal(kinds, query, position, request.call.now)).transpose()?;

    let users = store::scim_users::by_ids(&tx, &user_ids(&page)).await?.into_values().collect();
    let users = users::with(&tx, users, request.related.groups).await?;
    let groups = store::scim_groups::by_ids(&tx, &group_ids(&page)).await?.into_values().collect();
    let groups = groups::with(&tx, groups, request.related.members).await?;
    let mut users: BTreeMap<_, _> = users.into_iter().map(|user| (user.id, user)).collect();
    let mut groups: BTreeMap<_, _> = groups.into_iter().map(|group| (group.id, group)).collect();
    let resources = page.found.iter().filter_map(|(found, _)| match found {
        Found::User(id) => users.remove(id).map(|user| Resource::User(Box::new(user))),
        Found::Group(id) => groups.remove(id).map(Resource::Group),
    });
    let resources: Vec<_> = resources.collect();
    let unread = |resource: &Resource| matches!(resource, Resource::Group(group) if group.members.is_none());
    let reader = (request.related.members && resources.iter().any(unread)).then(|| MemberReader(tx));
    Ok(Page { total: page.total, resources, reader, next_cursor })
}

fn user_ids(page: &store::scim_query::Page) -> Vec<DirectoryUserId> {
    page.found.iter().filter_map(|(found, _)| if let Found::User(id) = found { Some(*id) } else { None }).collect()
}

fn group_ids(page: &store::scim_query::Page) -> Vec<DirectoryGroupId> {
    page.found.iter().filter_map(|(found, _)| if let Found::Group(id) = found { Some(*id) } else { None }).collect()
}

/// What a query means for resources of these types.
fn resolve<'a>(kinds: &[Kind], query: &ListQuery, base_url: &'a str) -> Result<Query<'a>, Error> {
    let matches = |kind: Kind| match (&query.filter, kinds) {
        (None, _) => Ok(Match::All),
        (Some(filter), [_]) => filter.clone().resolve(kind).map(Match::Only),
        (Some(filter), _) => filter.resolve_among_all(kind),
    };
    let sort_by = match &query.sort_by {
        None => None,
        Some(sort_by) => {
            let targets = kinds.iter().map(|kind| sort::target(*kind, sort_by)).collect::<Result<Vec<_>, _>>()?;
            if targets.iter().all(Option::is_none) {
                return Err(scim::Error::invalid_value(format!("there is no attribute `{sort_by}` to sort by")).into());
            }
            Some(targets)
        }
    };
    let kinds = kinds.iter().map(|kind| Ok((*kind, matches(*kind)?))).collect::<Result<_, scim::Error>>()?;
    Ok(Query { kinds, sort_by, sort_order: query.sort_order, base_url })
}
