//! When somebody had something through a group: while three things were so at once. She was in the group, a mapping of the
//! group was in force, and she had access. What she gains and loses is where such a time begins and ends.

use crate::{
    DirectoryGroupId, Timestamp,
    mapping::MappingTarget,
    view::{TimelineEntry, TimelineEvent},
};

/// A moment at which something changed, and who and which request changed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: Option<String>,
    /// By which request.
    pub request_id: Option<String>,
}

/// A stretch of time in which something was so; it lasts when it has no end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// The first moment of it.
    pub began: Moment,
    /// The first moment after it.
    pub ended: Option<Moment>,
}

impl Stretch {
    /// The time in which both are so; none where they do not meet, or only touch.
    ///
    /// It begins with whatever came last and ends with whatever went first. Of two that come in the same moment the first
    /// one named is told of.
    pub fn and(&self, other: &Self) -> Option<Self> {
        let began = if other.began.at > self.began.at { &other.began } else { &self.began };
        let ended = match (&self.ended, &other.ended) {
            (Some(mine), Some(theirs)) => Some(if theirs.at < mine.at { theirs } else { mine }),
            (mine, theirs) => mine.as_ref().or(theirs.as_ref()),
        };
        let is_one = ended.is_none_or(|ended| began.at < ended.at);
        is_one.then(|| Self { began: began.clone(), ended: ended.cloned() })
    }
}

/// A time in which somebody was in a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InGroup {
    /// The group.
    pub group: DirectoryGroupId,
    /// Its name.
    pub name: String,
    /// From when, until when.
    pub stretch: Stretch,
}

/// A time in which a mapping gave something to whoever was in its group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gives {
    /// The group.
    pub group: DirectoryGroupId,
    /// What it gave.
    pub target: MappingTarget,
    /// The same in words: `Admin`, `Lead of Platform`.
    pub what: String,
    /// From when, until when.
    pub stretch: Stretch,
}

/// What somebody gained and lost through her groups, newest first.
pub fn gains_and_losses(groups: &[InGroup], gives: &[Gives], access: &[Stretch]) -> Vec<TimelineEntry> {
    let mut entries = vec![];
    for inside in groups {
        for giving in gives.iter().filter(|giving| giving.group == inside.group) {
            let Some(both) = inside.stretch.and(&giving.stretch) else { continue };
            for had in access.iter().filter_map(|access| both.and(access)) {
                let (what, target, group) = (giving.what.clone(), giving.target, inside.name.clone());
                if let Some(ended) = had.ended {
                    entries.push(entry(ended, TimelineEvent::Lost { what: what.clone(), target, group: group.clone() }));
                }
                entries.push(entry(had.began, TimelineEvent::Gained { what, target, group }));
            }
        }
    }
    // What passes from one mapping to another in one moment is lost first and then had again.
    entries.sort_by_key(|entry| (std::cmp::Reverse(entry.at), matches!(entry.what, TimelineEvent::Lost { .. })));
    entries
}

/// That she came into these groups and went out of them, newest first.
pub fn comings_and_goings(groups: &[InGroup]) -> Vec<TimelineEntry> {
    let mut entries = vec![];
    for InGroup { name, stretch, .. } in groups {
        if let Some(ended) = &stretch.ended {
            entries.push(entry(ended.clone(), TimelineEvent::LeftGroup { group: name.clone() }));
        }
        entries.push(entry(stretch.began.clone(), TimelineEvent::Joined { group: name.clone() }));
    }
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.at));
    entries
}

fn entry(moment: Moment, what: TimelineEvent) -> TimelineEntry {
    TimelineEntry { at: moment.at, what, by: moment.by, request_id: moment.request_id }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::MappableRole;

    fn moment(at: i64, by: &str) -> Moment {
        Moment { at: Timestamp::from_micros(at), by: Some(by.to_owned()), request_id: Some(format!("{by}{at}")) }
    }

    fn stretch(by: &str, began: i64, ended: Option<i64>) -> Stretch {
        Stretch { began: moment(began, by), ended: ended.map(|at| moment(at, by)) }
    }

    fn group(number: u128) -> DirectoryGroupId {
        Uuid::from_u128(number).into()
    }

    type Span = (i64, Option<i64>);
    /// What is so, when she was in the group, when the mapping was in force, when she had access, and what is told of it.
    type Case = (&'static str, &'static [Span], &'static [Span], &'static [Span], &'static [&'static str]);

    /// What is told when she was in the group, the mapping in force and her access alive at these times.
    fn told(inside: &[Span], given: &[Span], access: &[Span]) -> Vec<String> {
        let inside: Vec<_> = inside
            .iter()
            .map(|(began, ended)| InGroup { group: group(1), name: "Managers".to_owned(), stretch: stretch("idp", *began, *ended) })
            .collect();
        let gives: Vec<_> = given
            .iter()
            .map(|(began, ended)| Gives {
                group: group(1),
                target: MappingTarget::Org(MappableRole::Admin),
                what: "Admin".to_owned(),
                stretch: stretch("ines", *began, *ended),
            })
            .collect();
        let access: Vec<_> = access.iter().map(|(began, ended)| stretch("okta", *began, *ended)).collect();
        let said = |entry: TimelineEntry| match entry.what {
            TimelineEvent::Gained { .. } => format!("{} + {}", entry.at.as_micros(), entry.by.unwrap()),
            TimelineEvent::Lost { .. } => format!("{} - {}", entry.at.as_micros(), entry.by.unwrap()),
            other => panic!("{other:?}"),
        };
        gains_and_losses(&inside, &gives, &access).into_iter().map(said).collect()
    }

    #[test]
    fn something_is_had_while_all_three_are_so() {
        const ALWAYS: &[Span] = &[(0, None)];
        let table: &[Case] = &[
            ("mapped before she came", &[(20, None)], &[(10, None)], ALWAYS, &["20 + idp"]),
            ("mapped after she came", &[(10, None)], &[(20, None)], ALWAYS, &["20 + ines"]),
            ("access began last", &[(10, None)], &[(20, None)], &[(30, None)], &["30 + okta"]),
            ("paused and resumed", &[(10, None)], &[(5, Some(20)), (30, None)], ALWAYS, &["30 + ines", "20 - ines", "10 + idp"]),
            ("left the group", &[(10, Some(40))], &[(5, None)], ALWAYS, &["40 - idp", "10 + idp"]),
            ("left and came again", &[(10, Some(20)), (30, None)], &[(5, None)], ALWAYS, &["30 + idp", "20 - idp", "10 + idp"]),
            (
                "left the organisation and came back",
                &[(10, None)],
                &[(5, None)],
                &[(0, Some(20)), (30, None)],
                &["30 + okta", "20 - okta", "10 + idp"],
            ),
            ("the mapping went before she did", &[(10, Some(40))], &[(5, Some(30))], &[(0, Some(50))], &["30 - ines", "10 + idp"]),
            ("she was gone before it was mapped", &[(10, Some(20))], &[(30, None)], ALWAYS, &[]),
            ("it ended in the moment she came", &[(20, None)], &[(10, Some(20))], ALWAYS, &[]),
            ("she went in the moment she came", &[(20, Some(20))], &[(10, None)], ALWAYS, &[]),
            ("never had access", &[(10, None)], &[(5, None)], &[], &[]),
            ("all in one moment", &[(10, Some(20))], &[(10, Some(20))], &[(10, Some(20))], &["20 - idp", "10 + idp"]),
            ("changed hands in one moment", &[(10, None)], &[(5, Some(20)), (20, None)], ALWAYS, &["20 + ines", "20 - ines", "10 + idp"]),
        ];
        for (case, inside, given, access, expected) in table {
            assert_eq!(told(inside, given, access), *expected, "{case}");
        }
    }

    #[test]
    fn what_another_group_gives_is_not_hers() {
        let inside = [InGroup { group: group(1), name: "A".to_owned(), stretch: stretch("idp", 1, None) }];
        let target = MappingTarget::Org(MappableRole::Admin);
        let gives = [Gives { group: group(2), target, what: "Admin".to_owned(), stretch: stretch("ines", 1, None) }];
        assert_eq!(gains_and_losses(&inside, &gives, &[stretch("okta", 0, None)]), []);
    }

    #[test]
    fn a_stay_begins_with_coming_and_may_end_with_going() {
        let stay = |began, ended| InGroup { group: group(1), name: "A".to_owned(), stretch: stretch("idp", began, ended) };
        let told: Vec<_> = comings_and_goings(&[stay(1, Some(3)), stay(5, None)])
            .into_iter()
            .map(|entry| (entry.at.as_micros(), matches!(entry.what, TimelineEvent::Joined { .. })))
            .collect();
        assert_eq!(told, [(5, true), (3, false), (1, true)]);
    }
}
