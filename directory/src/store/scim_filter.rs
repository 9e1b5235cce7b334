//! A SCIM filter as SQL: all of it, on both engines, with the same answers as [`ResolvedFilter::matches`].
//!
//! The resource's own row is `r`. What a resource has several of (and what is rarely asked for) lies in rows of other
//! tables, and is asked for by `r.id IN (…)`: a subquery that starts at an index rather than at each resource. No
//! condition is ever NULL, so that NOT means not.

use domain::{DirectoryGroupId, DirectoryUserId};
use scim::{
    Filter, Kind, ResolvedFilter, Target, compare,
    filter::{CompValue, Op},
};
use uuid::Uuid;

use super::{
    scim_places::{Dialect, Part, Place, constant, has_active, id_text, place},
    scim_values::{INDEXED, indexed, path},
    values::Params,
};
use crate::Error;

/// Compile `filter` to a condition on `r`, a row of `kind`.
pub(crate) fn compile(kind: Kind, filter: &ResolvedFilter, dialect: Dialect<'_>, params: &mut Params) -> Result<String, Error> {
    Compiler { kind, dialect, params }.filter(filter)
}

struct Compiler<'a> {
    kind: Kind,
    dialect: Dialect<'a>,
    params: &'a mut Params,
}

impl Compiler<'_> {
    fn filter(&mut self, filter: &ResolvedFilter) -> Result<String, Error> {
        match filter {
            Filter::And(parts) => joined(parts, " AND ", |part| self.filter(part)),
            Filter::Or(parts) => joined(parts, " OR ", |part| self.filter(part)),
            Filter::Not(inner) => Ok(format!("NOT ({})", self.filter(inner)?)),
            Filter::Present(target) => self.present(target),
            Filter::Compare { attribute, value: CompValue::Null, op } => {
                let present = self.present(attribute)?;
                Ok(if *op == Op::Eq { format!("NOT ({present})") } else { present })
            }
            Filter::Compare { attribute, op, value } => self.compare(attribute, *op, value),
            Filter::ValuePath { attribute, filter } => self.value_path(attribute, filter),
        }
    }

    fn place(&mut self, target: &Target) -> Result<Place, Error> {
        place(self.kind, target, self.dialect, self.params).ok_or_else(|| unsupported(target))
    }

    fn present(&mut self, target: &Target) -> Result<String, Error> {
        match target.names() {
            (None, "meta", None | Some("version")) => return Ok("true".to_owned()),
            (None, "groups" | "members", None) => return Ok(self.joined_exists("true")),
            _ => {}
        }
        Ok(match self.place(target)? {
            Place::Id | Place::Moment(_) => "true".to_owned(),
            Place::Flag(_) => has_active(),
            Place::Text(expression, true) => format!("({expression} IS NOT NULL AND {expression} <> '')"),
            Place::Text(expression, false) => format!("{expression} <> ''"),
            Place::Values(path) => self.values_exist(&path, "v.value_key <> ''"),
            Place::Joined(part) => {
                let expression = self.part(part);
                self.joined_exists(&format!("{expression} <> ''"))
            }
        })
    }

    fn compare(&mut self, target: &Target, op: Op, value: &CompValue) -> Result<String, Error> {
        let place = self.place(target)?;
        Ok(match (place, value) {
            (Place::Flag(column), CompValue::Bool(wanted)) => {
                let is = if *wanted { column.to_owned() } else { format!("NOT {column}") };
                let is = format!("({is} AND {})", has_active());
                if op == Op::Ne { format!("NOT {is}") } else { is }
            }
            (Place::Moment(column), CompValue::String(text)) => self.moment(column, op, text),
            (Place::Id, CompValue::String(text)) => self.id("r.id", op, text),
            (Place::Text(expression, nullable), value) => {
                let condition = self.text(&expression, op, &key(target, value), false);
                match (nullable, op) {
                    (false, _) => condition,
                    (true, Op::Ne) => format!("({expression} IS NULL OR {condition})"),
                    (true, _) => format!("({expression} IS NOT NULL AND {condition})"),
                }
            }
            (Place::Values(path), value) => {
                let condition = self.text("v.value_key", op, &key(target, value), true);
                let found = self.values_exist(&path, &condition);
                if op == Op::Ne { format!("({found} OR {})", self.no_values(&path)) } else { found }
            }
            (Place::Joined(part), value) => {
                let condition = self.part_compared(part, op, &key(target, value));
                let found = self.joined_exists(&condition);
                if op == Op::Ne { format!("({found} OR NOT {})", self.joined_exists("true")) } else { found }
            }
            _ => return Err(unsupported(target)),
        })
    }

    /// `attribute[filter]`: all of the inner filter holds for one element.
    fn value_path(&mut self, attribute: &Target, filter: &ResolvedFilter) -> Result<String, Error> {
        match attribute.names() {
            // Every resource has one meta, whose parts are columns.
            (None, "meta", None) => self.filter(filter),
            (None, "groups" | "members", None) => {
                let condition = self.inside_joined(filter)?;
                Ok(self.joined_exists(&condition))
            }
            _ if self.kind == Kind::User => {
                let parts = match filter {
                    Filter::And(parts) => parts.as_slice(),
                    alone => std::slice::from_ref(alone),
                };
                let start = start(parts);
                let (from, compared) = match start {
                    Some((_, part, value)) => (path(part), self.text("e.value_key", Op::Eq, &key(part, value), true)),
                    None => (path(attribute), "true".to_owned()),
                };
                let from = self.params.push(from);
                let mut conditions = vec![compared];
                for (at, part) in parts.iter().enumerate() {
                    if start.is_none_or(|(start, ..)| start != at) {
                        conditions.push(self.inside_values(part)?);
                    }
                }
                Ok(format!(
                    "r.id IN (SELECT e.user_id FROM scim_user_values e WHERE e.org_id = $1 AND e.path = {from} AND {})",
                    conditions.join(" AND ")
                ))
            }
            _ => Err(unsupported(attribute)),
        }
    }

    /// The inside of a value path over `scim_user_values`, where `e` is a row of the element.
    fn inside_values(&mut self, filter: &ResolvedFilter) -> Result<String, Error> {
        match filter {
            Filter::And(parts) => joined(parts, " AND ", |part| self.inside_values(part)),
            Filter::Or(parts) => joined(parts, " OR ", |part| self.inside_values(part)),
            Filter::Not(inner) => Ok(format!("NOT ({})", self.inside_values(inner)?)),
            Filter::Present(target) => Ok(self.sibling(target, "s.value_key <> ''")),
            Filter::Compare { attribute, op, value: CompValue::Null } => {
                let present = self.sibling(attribute, "s.value_key <> ''");
                Ok(if *op == Op::Eq { format!("NOT {present}") } else { present })
            }
            Filter::Compare { attribute, op, value } => {
                let condition = self.text("s.value_key", *op, &key(attribute, value), false);
                let found = self.sibling(attribute, &condition);
                Ok(if *op == Op::Ne { format!("({found} OR NOT {})", self.sibling(attribute, "true")) } else { found })
            }
            Filter::ValuePath { attribute, .. } => Err(unsupported(attribute)),
        }
    }

    /// Whether the element of `e` has a part of which `condition` holds.
    fn sibling(&mut self, part: &Target, condition: &str) -> String {
        let path = self.params.push(path(part));
        format!(
            "EXISTS (SELECT 1 FROM scim_user_values s WHERE s.org_id = e.org_id AND s.user_id = e.user_id AND s.path = {path} AND s.position = e.position AND {condition})"
        )
    }

    /// The inside of a value path over the rows that join users and groups, of which `j` is one.
    fn inside_joined(&mut self, filter: &ResolvedFilter) -> Result<String, Error> {
        match filter {
            Filter::And(parts) => joined(parts, " AND ", |part| self.inside_joined(part)),
            Filter::Or(parts) => joined(parts, " OR ", |part| self.inside_joined(part)),
            Filter::Not(inner) => Ok(format!("NOT ({})", self.inside_joined(inner)?)),
            Filter::Present(target) => self.joined_part_present(target),
            Filter::Compare { attribute, op, value: CompValue::Null } => {
                let present = self.joined_part_present(attribute)?;
                Ok(if *op == Op::Eq { format!("NOT ({present})") } else { present })
            }
            Filter::Compare { attribute, op, value } => match self.place(attribute)? {
                Place::Joined(part) => Ok(self.part_compared(part, *op, &key(attribute, value))),
                _ => Err(unsupported(attribute)),
            },
            Filter::ValuePath { attribute, .. } => Err(unsupported(attribute)),
        }
    }

    fn joined_part_present(&mut self, target: &Target) -> Result<String, Error> {
        match self.place(target)? {
            Place::Joined(part) => Ok(format!("{} <> ''", self.part(part))),
            _ => Err(unsupported(target)),
        }
    }

    /// The column of the joining row that names the other resource.
    fn other(&self) -> &'static str {
        if self.kind == Kind::User { "j.group_id" } else { "j.user_id" }
    }

    /// An expression for a part of an element, as its comparison key.
    fn part(&mut self, part: Part) -> String {
        match part {
            Part::Value => id_text(self.other(), self.dialect),
            Part::Reference => {
                let other = if self.kind == Kind::User { Kind::Group } else { Kind::User };
                let before = self.params.push(format!("{}{}/", self.dialect.base_url, other.endpoint()));
                format!("({before} || {})", id_text(self.other(), self.dialect))
            }
            Part::Constant(text) => constant(text, self.dialect, self.params),
            Part::Display if self.kind == Kind::User => "g.display_name_key".to_owned(),
            Part::Display => "coalesce((SELECT v.value_key FROM scim_user_values v WHERE v.org_id = j.org_id AND v.user_id = j.user_id AND v.path = 'displayName'), (SELECT u.user_name_key FROM scim_users u WHERE u.id = j.user_id))".to_owned(),
        }
    }

    fn part_compared(&mut self, part: Part, op: Op, key: &str) -> String {
        match part {
            Part::Value => self.id(self.other(), op, key),
            part => {
                let expression = self.part(part);
                self.text(&expression, op, key, false)
            }
        }
    }

    /// Whether a user's `groups` or a group's `members` have an element `j` of which `condition` holds.
    fn joined_exists(&self, condition: &str) -> String {
        match self.kind {
            Kind::User => format!(
                "r.id IN (SELECT j.user_id FROM scim_group_members j JOIN scim_groups g ON g.id = j.group_id WHERE j.org_id = $1 AND {condition})"
            ),
            Kind::Group => format!("r.id IN (SELECT j.group_id FROM scim_group_members j WHERE j.org_id = $1 AND {condition})"),
        }
    }

    /// Whether the user has no row under `path`.
    fn no_values(&mut self, path: &str) -> String {
        let path = self.params.push(path);
        format!("NOT EXISTS (SELECT 1 FROM scim_user_values v WHERE v.org_id = r.org_id AND v.user_id = r.id AND v.path = {path})")
    }

    /// Whether the user has a row `v` under `path` of which `condition` holds.
    fn values_exist(&mut self, path: &str, condition: &str) -> String {
        let path = self.params.push(path);
        format!("r.id IN (SELECT v.user_id FROM scim_user_values v WHERE v.org_id = $1 AND v.path = {path} AND {condition})")
    }

    /// Compare a column of ids. Equality goes by the index; whatever is not an id is nobody's.
    fn id(&mut self, column: &str, op: Op, text: &str) -> String {
        // Users' and groups' ids are of one form.
        let id = text.parse::<DirectoryUserId>().map(Uuid::from).or_else(|_| text.parse::<DirectoryGroupId>().map(Uuid::from));
        match (id, op) {
            (Ok(id), Op::Eq) => format!("{column} = {}", self.params.push(id)),
            (Ok(id), Op::Ne) => format!("{column} <> {}", self.params.push(id)),
            (Err(_), Op::Eq) => "false".to_owned(),
            (Err(_), Op::Ne) => "true".to_owned(),
            _ => self.text(&id_text(column, self.dialect), op, text, false),
        }
    }

    /// Compare a column of microseconds with a moment that may lie between two of them.
    fn moment(&mut self, column: &str, op: Op, text: &str) -> String {
        let nanos = compare::instant(text).map_or(0, |moment| moment.unix_timestamp_nanos());
        let micros = i64::try_from(nanos.div_euclid(1_000)).unwrap_or(i64::MAX);
        let sign = match (op, nanos.rem_euclid(1_000) == 0) {
            (Op::Eq, false) => return "false".to_owned(),
            (Op::Ne, false) => return "true".to_owned(),
            (Op::Gt | Op::Ge, false) => ">",
            (Op::Lt | Op::Le, false) => "<=",
            (Op::Co | Op::Sw | Op::Ew, _) => return "false".to_owned(),
            (op, true) => sign(op).unwrap_or("="),
        };
        format!("{column} {sign} {}", self.params.push(micros))
    }

    /// Compare a key, by substring functions rather than LIKE, whose wildcards would have to be escaped and whose case
    /// rules differ between the engines. `by_index`: the column is `value_key`, whose beginning has a column and an index.
    fn text(&mut self, column: &str, op: Op, key: &str, by_index: bool) -> String {
        let beginning = indexed(key);
        let start = column.replace("value_key", "value_start");
        match op {
            Op::Co | Op::Sw | Op::Ew if key.is_empty() => any(column),
            // Not `column = key` for the whole: SQLite would put the key into `start` as well, and find no index for it.
            Op::Eq if by_index => {
                let rest: String = key.chars().skip(INDEXED).collect();
                let (beginning, rest) = (self.params.push(beginning), self.params.push(rest));
                format!("({start} = {beginning} AND substr({column}, {}) = {rest})", INDEXED + 1)
            }
            Op::Sw if by_index => format!("({} AND {})", self.begins(&start, &beginning), self.begins(column, key)),
            Op::Sw => self.begins(column, key),
            Op::Ew => {
                let length = key.chars().count();
                let key = self.params.push(key);
                format!("(length({column}) >= {length} AND substr({column}, length({column}) - {length} + 1) = {key})")
            }
            Op::Co => format!("replace({column}, {}, '') <> {column}", self.params.push(key)),
            _ => format!("{column} {} {}", sign(op).unwrap_or("="), self.params.push(key)),
        }
    }

    /// `column` begins with `key`, as a range: keys are ordered by code points, and so are their beginnings.
    fn begins(&mut self, column: &str, key: &str) -> String {
        let from = format!("{column} >= {}", self.params.push(key));
        match after(key) {
            Some(end) => format!("({from} AND {column} < {})", self.params.push(end)),
            None => from,
        }
    }
}

/// Where to start among conditions about one element: at the one whose equality an index answers with the fewest rows.
/// Many elements are of type "work", and one of each user's is primary; few have the same value.
fn start(parts: &[ResolvedFilter]) -> Option<(usize, &Target, &CompValue)> {
    let equalities = parts.iter().enumerate().filter_map(|(at, part)| match part {
        Filter::Compare { attribute, op: Op::Eq, value } if *value != CompValue::Null => Some((at, attribute, value)),
        _ => None,
    });
    equalities.min_by_key(|(_, part, value)| match (part.leaf().name, value) {
        ("value", _) => 0,
        ("type", _) | (_, CompValue::Bool(_)) => 2,
        _ => 1,
    })
}

/// Whatever a column holds, as long as it is something. It names the column, since PostgreSQL wants to know the type of every
/// parameter, also of one in a constant column.
fn any(column: &str) -> String {
    format!("{column} = {column}")
}

/// The least text that is greater than all that begin with `key`; `None` if there is none.
fn after(key: &str) -> Option<String> {
    let mut text = key.to_owned();
    while let Some(last) = text.pop() {
        // The code points of surrogates are no characters.
        let next = match last {
            '\u{D7FF}' => Some('\u{E000}'),
            last => char::from_u32(u32::from(last) + 1),
        };
        if let Some(next) = next {
            text.push(next);
            return Some(text);
        }
    }
    None
}

/// What a value is compared by, in this attribute.
fn key(target: &Target, value: &CompValue) -> String {
    match value {
        CompValue::String(text) => compare::key(text, target.leaf().case_exact).into_owned(),
        CompValue::Bool(flag) => flag.to_string(),
        CompValue::Number(number) => number.to_string(),
        CompValue::Null => String::new(),
    }
}

fn joined(parts: &[ResolvedFilter], word: &str, compile: impl FnMut(&ResolvedFilter) -> Result<String, Error>) -> Result<String, Error> {
    let parts = parts.iter().map(compile).collect::<Result<Vec<_>, _>>()?;
    Ok(format!("({})", parts.join(word)))
}

fn sign(op: Op) -> Option<&'static str> {
    match op {
        Op::Eq => Some("="),
        Op::Ne => Some("<>"),
        Op::Gt => Some(">"),
        Op::Ge => Some(">="),
        Op::Lt => Some("<"),
        Op::Le => Some("<="),
        Op::Co | Op::Sw | Op::Ew => None,
    }
}

fn unsupported(target: &Target) -> Error {
    scim::Error::invalid_filter(format!("{target} cannot be filtered by in this way")).into()
}

#[cfg(test)]
mod tests {
    use super::after;

    #[test]
    fn what_begins_with_a_text_ends_before_the_next_one() {
        assert_eq!(after("ab").as_deref(), Some("ac"));
        assert_eq!(after("a\u{10FFFF}").as_deref(), Some("b"));
        assert_eq!(after("\u{D7FF}").as_deref(), Some("\u{E000}"));
        assert_eq!(after("\u{10FFFF}"), None);
    }
}
