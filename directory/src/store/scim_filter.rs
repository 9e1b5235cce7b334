//! A SCIM filter as SQL. What cannot be said in SQL yet is a 400 `invalidFilter`, never "all rows" and never "none".

use scim::{
    Filter, ResolvedFilter, Target, compare,
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

/// Compile `filter` to a condition on `scim_users`, whose parameters are numbered from `taken` + 1.
pub(crate) fn compile(filter: &ResolvedFilter, taken: usize) -> Result<Fragment, Error> {
    let mut compiler = Compiler { taken, values: vec![] };
    let sql = compiler.filter(filter)?;
    Ok(Fragment { sql, values: compiler.values })
}

struct Compiler {
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
}

fn place(target: &Target) -> Option<Place> {
    match target.names() {
        (None, "id", None) => Some(Place::Id),
        (None, "externalId", None) => Some(Place::Text("external_id")),
        (None, "userName", None) => Some(Place::Text("user_name_key")),
        (None, "active", None) => Some(Place::Active),
        (None, "meta", Some("created")) => Some(Place::Moment("created_at")),
        (None, "meta", Some("lastModified")) => Some(Place::Moment("updated_at")),
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
            Filter::Present(target) => match place(target) {
                Some(Place::Id | Place::Active | Place::Moment(_)) => Ok("true".to_owned()),
                Some(Place::Text(column)) => Ok(format!("({column} IS NOT NULL AND {column} <> '')")),
                Some(Place::Rows(path)) => Ok(self.exists(path, "true")),
                None => Err(unsupported(target)),
            },
            Filter::Compare { attribute, op, value } => self.compare(attribute, *op, value),
            Filter::ValuePath { attribute, filter } => {
                let (None, name, None) = attribute.names() else { return Err(unsupported(attribute)) };
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
        match (place(target).ok_or_else(|| unsupported(target))?, value) {
            (Place::Active, CompValue::Bool(wanted)) => {
                let wanted = if op == Op::Ne { !wanted } else { *wanted };
                Ok(if wanted { "active" } else { "NOT active" }.to_owned())
            }
            (Place::Id, CompValue::String(text)) => match (text.parse::<domain::DirectoryUserId>(), op) {
                (Ok(id), Op::Eq) => Ok(format!("id = {}", self.param(id))),
                (Ok(id), Op::Ne) => Ok(format!("id <> {}", self.param(id))),
                // Whatever is not an id is nobody's.
                (Err(_), Op::Eq) => Ok("false".to_owned()),
                (Err(_), Op::Ne) => Ok("true".to_owned()),
                _ => Err(unsupported(target)),
            },
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
