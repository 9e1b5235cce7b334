//! What a timeline is made of: the events that are about a person, and the stretches of time in which she was in groups, groups
//! gave something, and she had access. The newest of each, so that nobody's history is too long to be read.

use domain::{
    DirectoryGroupId, MemberId, Timestamp,
    audit::AuditAction,
    timeline::{Gives, InGroup, Moment, Stretch},
    view::{TimelineEntry, TimelineEvent},
};

use super::{
    audit,
    db::Tx,
    mappings::target,
    values::{CHUNK, Row, in_list, params},
};
use crate::Error;

/// The most rows of each kind.
const MOST: i64 = 2_000;

/// The audit log's events about a member and about the directory records that ever acted on her, newest first.
pub(crate) async fn events(tx: &Tx, member: MemberId) -> Result<Vec<TimelineEntry>, Error> {
    let sql = "SELECT id, at, action, actor, target, CASE WHEN target_kind = 'member' THEN target_id END AS member_id,
                      actor_kind = 'provisioning_token' AS by_directory, ip, request_id, details
               FROM audit_events
               WHERE org_id = $1 AND target_kind IN ('member', 'user')
                 AND target_id IN (SELECT $2 UNION ALL SELECT r.id FROM scim_users r WHERE r.org_id = $1 AND r.member_id = $2)
               ORDER BY at DESC, id DESC LIMIT $3";
    let events = tx.all(sql, params![tx.org(), member, MOST], audit::read).await?;
    let entry = |event: domain::view::AuditEventView| TimelineEntry {
        at: event.at,
        what: TimelineEvent::Audited { action: event.action, details: event.details },
        by: Some(event.actor),
        request_id: event.request_id,
    };
    Ok(events.into_iter().map(entry).collect())
}

fn moment(row: &Row, at: &str, by: &str, request_id: &str) -> Result<Moment, Error> {
    Ok(Moment { at: row.get(at)?, by: row.opt(by)?, request_id: row.opt(request_id)? })
}

fn end(row: &Row, at: &str, by: &str, request_id: &str) -> Result<Option<Moment>, Error> {
    match row.opt::<Timestamp>(at)? {
        Some(_) => moment(row, at, by, request_id).map(Some),
        None => Ok(None),
    }
}

/// When a member was in which groups, as any of the records that ever acted on her.
pub(crate) async fn in_groups(tx: &Tx, member: MemberId) -> Result<Vec<InGroup>, Error> {
    let read = |row: &Row| {
        Ok(InGroup {
            group: row.get("group_id")?,
            name: row.get("display_name")?,
            stretch: Stretch {
                began: moment(row, "added_at", "added_by", "request_id")?,
                ended: end(row, "removed_at", "removed_by", "removed_request_id")?,
            },
        })
    };
    let now = "SELECT x.group_id, o.display_name, x.added_at, x.added_by, x.request_id,
                      CAST(NULL AS bigint) AS removed_at, CAST(NULL AS text) AS removed_by, CAST(NULL AS text) AS removed_request_id
               FROM scim_users r
                 JOIN scim_group_members x ON x.org_id = r.org_id AND x.user_id = r.id
                 JOIN scim_groups o ON o.id = x.group_id
               WHERE r.org_id = $1 AND r.member_id = $2
               ORDER BY x.added_at DESC, x.group_id LIMIT $3";
    let before = "SELECT x.group_id, o.display_name, x.added_at, x.added_by, x.request_id, x.removed_at, x.removed_by, x.removed_request_id
                  FROM scim_users r
                    JOIN scim_group_past_members x ON x.org_id = r.org_id AND x.user_id = r.id
                    JOIN scim_groups o ON o.id = x.group_id
                  WHERE r.org_id = $1 AND r.member_id = $2
                  ORDER BY x.removed_at DESC, x.group_id LIMIT $3";
    let mut stretches = tx.all(now, params![tx.org(), member, MOST], read).await?;
    stretches.extend(tx.all(before, params![tx.org(), member, MOST], read).await?);
    Ok(stretches)
}

/// When which mappings of these groups were in force.
pub(crate) async fn given(tx: &Tx, groups: &[DirectoryGroupId]) -> Result<Vec<Gives>, Error> {
    let mut given = vec![];
    for chunk in groups.chunks(CHUNK) {
        let (list, params) = in_list(params![tx.org(), MOST], chunk);
        let sql = format!(
            "SELECT group_id, org_role, team_id, team_name, team_role,
                    began_at, began_by, began_request_id, ended_at, ended_by, ended_request_id
             FROM group_mapping_spans WHERE org_id = $1 AND group_id IN ({list})
             ORDER BY began_at DESC, id LIMIT $2"
        );
        let read = |row: &Row| {
            let target = target(row)?;
            Ok(Gives {
                group: row.get("group_id")?,
                target,
                what: target.in_words(row.opt::<String>("team_name")?.as_deref()),
                stretch: Stretch {
                    began: moment(row, "began_at", "began_by", "began_request_id")?,
                    ended: end(row, "ended_at", "ended_by", "ended_request_id")?,
                },
            })
        };
        given.extend(tx.all(&sql, params, read).await?);
    }
    Ok(given)
}

/// When a member had access.
pub(crate) async fn access(tx: &Tx, member: MemberId) -> Result<Vec<Stretch>, Error> {
    let (began, ended) = (AuditAction::AccessBegan.code(), AuditAction::AccessEnded.code());
    let sql = "SELECT at, action, actor, request_id FROM audit_events
               WHERE org_id = $1 AND target_kind = 'member' AND target_id = $2 AND action IN ($3, $4)
               ORDER BY at DESC, id DESC LIMIT $5";
    let mut events = tx
        .all(sql, params![tx.org(), member, began, ended, MOST], |row| {
            Ok((row.get::<String>("action")? == began, moment(row, "at", "actor", "request_id")?))
        })
        .await?;
    events.reverse();
    // Founders have access from the first moment on, and no event says so; older events may be out of reach.
    let alive = "SELECT began_at, CAST(NULL AS text) AS by_whom, CAST(NULL AS text) AS request_id FROM memberships
                 WHERE org_id = $1 AND member_id = $2";
    let alive = tx.one(alive, params![tx.org(), member], |row| moment(row, "began_at", "by_whom", "request_id")).await?;
    Ok(stretches(events, alive))
}

/// The stretches that these beginnings and ends make, in their order; `alive` is the beginning of the present one.
fn stretches(events: Vec<(bool, Moment)>, alive: Option<Moment>) -> Vec<Stretch> {
    let mut stretches = vec![];
    let mut open: Option<Moment> = None;
    for (began, moment) in events {
        if began {
            open.get_or_insert(moment);
        } else {
            let began = open.take().unwrap_or(Moment { at: Timestamp::from_micros(0), by: None, request_id: None });
            stretches.push(Stretch { began, ended: Some(moment) });
        }
    }
    stretches.extend(open.or(alive).map(|began| Stretch { began, ended: None }));
    stretches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn access_lasts_from_each_beginning_to_the_next_end() {
        let moment = |at| Moment { at: Timestamp::from_micros(at), by: None, request_id: None };
        let told = |events: &[(bool, i64)], alive: Option<i64>| {
            let events = events.iter().map(|(began, at)| (*began, moment(*at))).collect();
            let spans = stretches(events, alive.map(moment));
            spans.iter().map(|span| (span.began.at.as_micros(), span.ended.as_ref().map(|end| end.at.as_micros()))).collect::<Vec<_>>()
        };
        assert_eq!(told(&[(true, 1), (false, 2), (true, 3)], Some(3)), [(1, Some(2)), (3, None)]);
        assert_eq!(told(&[(false, 2)], None), [(0, Some(2))], "nobody said when it began");
        assert_eq!(told(&[], Some(5)), [(5, None)], "a founder");
        assert_eq!(told(&[], None), []);
    }
}
