//! A SCIM filter as SQL. What cannot be said in SQL yet is a 400 `invalidFilter`, never "all rows" and never "none".

use scim::{
    Filter, Kind, ResolvedFilter, Target, compare,
    filter::{CompValue, Op},
};
use sea_orm::Value;

use super::{scim_users::values_path, values::params};
use crate::Error;

/// A condition, and the values of its parameters.
pub(crate) struct Fragment {
    pub(crate) sql: String,
    pub(crate) values: Vec<Value>,
}

/// Compile `filter` to a condition on the table of `kind`, whose parameters are numbered from `taken` + 1.
pub(crate) fn compile(kind: Kind, filter: &ResolvedFilter, taken: usize) -> Result<Fragment, Error> {
    let mut compiler = Compiler { kind, taken, values: vec![] };
    let sql = compiler.filter(filter)?;
    Ok(Fragment { sql, values: compiler.values })
}

struct Compiler {
    kind: Kind,
    taken: usize,
    values: Vec<Value>,
}

/// Where an attribute is kept.
enum Place {
    /// In a column that holds its comparison key.
    Text(&'static str),
    /// In the boolean column; absent counts as true.
    Active,
    /// In a column of microseconds.
    Moment(&'static str),
    /// The resource's id.
    Id,
    /// As rows under this path.
    Rows(&'static str),
    /// As the rows of a group's members.
    Members,
}

fn place(kind: Kind, target: &Target) -> Option<Place> {
    let place = match target.names() {
        (None, "id", None) => Place::Id,
        (None, "externalId", None) => Place::Text("external_id"),
        (None, "meta", Some("created")) => Place::Moment("created_at"),
        (None, "meta", Some("lastModified")) => Place::Moment("updated_at"),
        _ => {
            return match kind {
                Kind::User => user_place(target),
                Kind::Group => group_place(target),
            };
        }
    };
    Some(place)
}

fn group_place(target: &Target) -> Option<Place> {
    match target.names() {
        (None, "displayName", None) => Some(Place::Text("display_name_key")),
        (None, "members", None | Some("value")) => Some(Place::Members),
        _ => None,
    }
}

fn user_place(target: &Target) -> Option<Place> {
    match target.names() {
        (None, "userName", None) => Some(Place::Text("user_name_key")),
        (None, "active", None) => Some(Place::Active),
        (None, name, None | Some("value")) => values_path(name).map(Place::Rows),
        _ => None,
    }
}

impl Compiler {
    fn filter(&mut self, filter: &ResolvedFilter) -> Result<String, Error> {
        match filter {
            Filter::And(parts) => self.joined(parts, " AND "),
            Filter::Or(parts) => self.joined(parts, " OR "),
            Filter::Not(inner) => Ok(format!("NOT ({})", self.filter(inner)?)),
            Filter::Present(target) => match place(self.kind, target) {
                Some(Place::Id | Place::Active | Place::Moment(_)) => Ok("true".to_owned()),
                Some(Place::Text(column)) => Ok(format!("({column} IS NOT NULL AND {column} <> '')")),
                Some(Place::Rows(path)) => Ok(self.exists(path, "true")),
                Some(Place::Members) => Ok(member_exists("true")),
                None => Err(unsupported(target)),
            },
            Filter::Compare { attribute, op, value } => self.compare(attribute, *op, value),
            Filter::ValuePath { attribute, filter } => {
                let (None, name, None) = attribute.names() else { return Err(unsupported(attribute)) };
                if (self.kind, name) == (Kind::Group, "members") {
                    return self.members_inside(filter);
                }
                let path = values_path(name).ok_or_else(|| unsupported(attribute))?;
                let condition = self.inside(filter)?;
                Ok(self.exists(path, &condition))
            }
        }
    }

    fn joined(&mut self, parts: &[ResolvedFilter], word: &str) -> Result<String, Error> {
        let parts = parts.iter().map(|part| self.filter(part)).collect::<Result<Vec<_>, _>>()?;
        Ok(format!("({})", parts.join(word)))
    }

    fn compare(&mut self, target: &Target, op: Op, value: &CompValue) -> Result<String, Error> {
        if matches!(value, CompValue::Null) {
            let present = self.filter(&Filter::Present(*target))?;
            return Ok(if op == Op::Eq { format!("NOT ({present})") } else { present });
        }
        match (place(self.kind, target).ok_or_else(|| unsupported(target))?, value) {
            (Place::Active, CompValue::Bool(wanted)) => {
                let wanted = if op == Op::Ne { !wanted } else { *wanted };
                Ok(if wanted { "active" } else { "NOT active" }.to_owned())
            }
            (Place::Id, CompValue::String(text)) => self.id("id", op, text).ok_or_else(|| unsupported(target)),
            (Place::Members, CompValue::String(text)) => {
                let condition = self.id("m.user_id", op, text).ok_or_else(|| unsupported(target))?;
                let found = member_exists(&condition);
                Ok(if op == Op::Ne { format!("({found} OR NOT {})", member_exists("true")) } else { found })
            }
            (Place::Moment(column), CompValue::String(text)) => {
                let moment = compare::instant(text)
                    .ok_or_else(|| scim::Error::invalid_filter(format!("{text:?} is not a dateTime such as 2026-01-31T12:00:00Z")))?;
                let micros = i64::try_from(moment.unix_timestamp_nanos() / 1_000).unwrap_or(i64::MAX);
                Ok(format!("{column} {} {}", sign(op).ok_or_else(|| unsupported(target))?, self.param(micros)))
            }
            (Place::Text(column), CompValue::String(text)) => {
                let key = compare::key(text, target.leaf().case_exact).into_owned();
                let condition = self.text(column, op, key);
                Ok(if op == Op::Ne {
                    format!("({column} IS NULL OR {condition})")
                } else {
                    format!("({column} IS NOT NULL AND {condition})")
                })
            }
            (Place::Rows(path), CompValue::String(text)) => {
                let key = compare::key(text, target.leaf().case_exact).into_owned();
                let condition = self.text("v.value_key", op, key);
                let found = self.exists(path, &condition);
                Ok(if op == Op::Ne { format!("({found} OR NOT {})", self.exists(path, "true")) } else { found })
            }
            _ => Err(unsupported(target)),
        }
    }

    /// The filter inside the brackets of a valuePath: about one element, which is one row.
    fn inside(&mut self, filter: &ResolvedFilter) -> Result<String, Error> {
        match filter {
            Filter::And(parts) | Filter::Or(parts) => {
                let word = if matches!(filter, Filter::And(_)) { " AND " } else { " OR " };
                let parts = parts.iter().map(|part| self.inside(part)).collect::<Result<Vec<_>, _>>()?;
                Ok(format!("({})", parts.join(word)))
            }
            Filter::Not(inner) => Ok(format!("NOT ({})", self.inside(inner)?)),
            Filter::Compare { attribute, op, value } => match (attribute.names().2, value) {
                (Some("value"), CompValue::String(text)) => {
                    let key = compare::key(text, attribute.leaf().case_exact).into_owned();
                    Ok(self.text("v.value_key", *op, key))
                }
                (Some("type"), CompValue::String(text)) => {
                    let condition = self.text("v.type_key", *op, compare::fold(text));
                    Ok(if *op == Op::Ne {
                        format!("(v.type_key IS NULL OR {condition})")
                    } else {
                        format!("(v.type_key IS NOT NULL AND {condition})")
                    })
                }
                (Some("primary"), CompValue::Bool(wanted)) => {
                    Ok(if *wanted == (*op == Op::Eq) { "v.is_primary" } else { "NOT v.is_primary" }.to_owned())
                }
                _ => Err(unsupported(attribute)),
            },
            Filter::Present(attribute) => match attribute.names().2 {
                Some("value") => Ok("true".to_owned()),
                Some("type") => Ok("v.type_key IS NOT NULL".to_owned()),
                _ => Err(unsupported(attribute)),
            },
            Filter::ValuePath { attribute, .. } => Err(unsupported(attribute)),
        }
    }

    /// `members[value eq "…"]`
    fn members_inside(&mut self, filter: &ResolvedFilter) -> Result<String, Error> {
        match filter {
            Filter::Compare { attribute, op, value: CompValue::String(text) } if attribute.names().2 == Some("value") => {
                let condition = self.id("m.user_id", *op, text).ok_or_else(|| unsupported(attribute))?;
                Ok(member_exists(&condition))
            }
            Filter::Compare { attribute, .. } | Filter::Present(attribute) | Filter::ValuePath { attribute, .. } => {
                Err(unsupported(attribute))
            }
            Filter::And(_) | Filter::Or(_) | Filter::Not(_) => {
                Err(scim::Error::invalid_filter("only `members[value eq \"…\"]` is supported").into())
            }
        }
    }

    /// Compare a column of ids. Whatever is not an id is nobody's.
    fn id(&mut self, column: &str, op: Op, text: &str) -> Option<String> {
        match (text.parse::<domain::DirectoryUserId>(), op) {
            (Ok(id), Op::Eq) => Some(format!("{column} = {}", self.param(id))),
            (Ok(id), Op::Ne) => Some(format!("{column} <> {}", self.param(id))),
            (Err(_), Op::Eq) => Some("false".to_owned()),
            (Err(_), Op::Ne) => Some("true".to_owned()),
            _ => None,
        }
    }

    fn exists(&mut self, path: &str, condition: &str) -> String {
        let path = self.param(path);
        format!(
            "EXISTS (SELECT 1 FROM scim_user_values v WHERE v.org_id = scim_users.org_id AND v.user_id = scim_users.id AND v.path = {path} AND {condition})"
        )
    }

    /// Compare a key column with a key: by substring functions rather than LIKE, whose wildcards would have to be
    /// escaped and whose case rules differ between the engines.
    fn text(&mut self, column: &str, op: Op, key: String) -> String {
        let length = i64::try_from(key.chars().count()).unwrap_or(i64::MAX);
        if let Some(sign) = sign(op) {
            return format!("{column} {sign} {}", self.param(key));
        }
        if length == 0 {
            return "true".to_owned();
        }
        match op {
            Op::Sw => format!("substr({column}, 1, {length}) = {}", self.param(key)),
            Op::Ew => format!("(length({column}) >= {length} AND substr({column}, length({column}) - {length} + 1) = {})", self.param(key)),
            _ => format!("replace({column}, {}, '') <> {column}", self.param(key)),
        }
    }

    fn param(&mut self, value: impl super::values::Bind) -> String {
        self.values.extend(params![value]);
        format!("${}", self.taken + self.values.len())
    }
}

fn member_exists(condition: &str) -> String {
    format!(
        "EXISTS (SELECT 1 FROM scim_group_members m WHERE m.org_id = scim_groups.org_id AND m.group_id = scim_groups.id AND {condition})"
    )
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
    scim::Error::invalid_filter(format!("filtering by `{target}` in this way is not supported")).into()
}
