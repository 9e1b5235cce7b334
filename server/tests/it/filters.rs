//! Filters run in the database, and find there what the protocol's pure evaluator finds: the whole grammar, on generated
//! filters and records. `ROLLCALL_TEST_FILTERS` says how many filters.

use std::collections::BTreeSet;

use scim::{
    Filter, Kind,
    filter::{Match, Op},
    schema::{Attribute, Type},
};
use serde_json::{Map, Value, json};

use crate::support::{Idp, TestApp, both_databases, filtered};

/// How many filters each test asks.
fn filters() -> usize {
    std::env::var("ROLLCALL_TEST_FILTERS").ok().and_then(|text| text.parse().ok()).unwrap_or(700)
}

/// Numbers that are the same in each run (SplitMix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((z ^ (z >> 31)) % sides as u64).unwrap()
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.roll(n) == 0
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.roll(from.len())]
    }
}

/// Texts that differ in case, in width and in how they are composed, that hold wildcards and quotes, or nothing.
fn text(dice: &mut Dice) -> String {
    const TEXTS: [&str; 24] = [
        "a", "A", "ab", "AB", "Abc", "b", "work", "WORK", "home", "é", "e\u{301}", "É", "ß", "ς", "Σ", "İ", "ＡＢ", "%", "_", "a\"b",
        "a\\b", "😀", "a b", "'",
    ];
    match dice.roll(12) {
        0 => String::new(),
        // Longer than what an index holds, and different only behind that.
        1 => format!("{}{}", "long ".repeat(50), dice.pick(&TEXTS)),
        2 => format!("{}{}", dice.pick(&TEXTS), dice.pick(&TEXTS)),
        _ => (*dice.pick(&TEXTS)).to_owned(),
    }
}

fn value(attribute: &Attribute, dice: &mut Dice) -> Value {
    match attribute.kind {
        Type::Boolean => dice.one_in(2).into(),
        Type::Complex => {
            let mut parts = Map::new();
            for sub in attribute.sub_attributes {
                if !dice.one_in(3) {
                    parts.insert(sub.name.to_owned(), value(sub, dice));
                }
            }
            parts.into()
        }
        _ => text(dice).into(),
    }
}

/// A body with some of the attributes of `attributes`.
fn some(attributes: &[Attribute], dice: &mut Dice) -> Map<String, Value> {
    let mut body = Map::new();
    for attribute in attributes.iter().filter(|attribute| attribute.name != "members") {
        if dice.one_in(3) {
            let count = if attribute.multi_valued { dice.roll(4) } else { 1 };
            let values: Vec<_> = (0..count).map(|_| value(attribute, dice)).collect();
            body.insert(attribute.name.to_owned(), if attribute.multi_valued { values.into() } else { values[0].clone() });
        }
    }
    body
}

/// Users and groups of all sorts.
async fn populate(app: &TestApp, idp: &Idp, dice: &mut Dice) {
    let mut users = vec![];
    for number in 0..60 {
        let mut body = some(Kind::User.schema().attributes, dice);
        body.insert("userName".to_owned(), format!("{}{number}", text(dice)).into());
        if dice.one_in(2) {
            body.insert("externalId".to_owned(), format!("x{}{number}", text(dice)).into());
        }
        let extension = Kind::User.extensions()[0];
        if dice.one_in(2) {
            let mut parts = some(extension.attributes, dice);
            if let (true, Some(manager)) = (dice.one_in(2), users.last()) {
                parts.insert("manager".to_owned(), json!({ "value": manager }));
            }
            body.insert(extension.id.to_owned(), parts.into());
        }
        let answer = idp.post("/Users", body.clone().into()).await;
        assert_eq!(answer.status, 201, "{body:?}: {}", answer.text);
        users.push(answer.json["id"].as_str().unwrap().to_owned());
        app.advance(std::time::Duration::from_micros(1 + dice.roll(2) as u64 * 1_000_000));
    }
    for number in 0..20 {
        let members: BTreeSet<_> = (0..dice.roll(6)).map(|_| dice.pick(&users).clone()).collect();
        let members: Vec<_> = members.into_iter().map(|user| json!({ "value": user })).collect();
        let mut body = json!({ "displayName": format!("{}{number}", text(dice)), "members": members });
        if dice.one_in(2) {
            body["externalId"] = format!("g{number}").into();
        }
        let answer = idp.post("/Groups", body).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
    }
    // What was changed is found by what it is now.
    for user in users.iter().step_by(7) {
        let operations = json!([
            { "op": "replace", "path": "title", "value": text(dice) },
            { "op": "add", "path": "emails", "value": [{ "value": text(dice) + "@x", "type": "other" }] },
            { "op": "remove", "path": "phoneNumbers" },
            { "op": "remove", "path": *dice.pick(&["active", "nickName", "name.givenName"]) },
        ]);
        assert_eq!(idp.patch(&format!("/Users/{user}"), operations).await.status, 200);
        app.advance(std::time::Duration::from_micros(500_001));
    }
}

/// A filter about resources of `kind`, some of whose values are taken from `records`.
fn filter(kind: Kind, records: &[Value], dice: &mut Dice, depth: usize) -> String {
    match dice.roll(if depth == 0 { 3 } else { 8 }) {
        3 | 4 => {
            let word = if dice.one_in(2) { "and" } else { "or" };
            format!("({} {word} {})", filter(kind, records, dice, depth - 1), filter(kind, records, dice, depth - 1))
        }
        5 => format!("not ({})", filter(kind, records, dice, depth - 1)),
        6 | 7 => {
            let (urn, attribute) = attribute(kind, dice, |attribute| attribute.kind == Type::Complex);
            let inner = inside(attribute, records, dice, 2);
            format!("{urn}{}[{inner}]", attribute.name)
        }
        _ => {
            let (urn, attribute) = attribute(kind, dice, |_| true);
            let subs = attribute.sub_attributes;
            let (name, leaf) = match subs {
                [] => (format!("{urn}{}", attribute.name), attribute),
                _ if dice.one_in(6) => (format!("{urn}{}", attribute.name), attribute.sub("value").unwrap_or(attribute)),
                subs => {
                    let sub = dice.pick(subs);
                    (format!("{urn}{}.{}", attribute.name, sub.name), sub)
                }
            };
            comparison(&name, leaf, &values(records, attribute.name, leaf.name), dice)
        }
    }
}

/// Any attribute that fulfils `fits`, with what stands before its name.
fn attribute(kind: Kind, dice: &mut Dice, fits: impl Fn(&Attribute) -> bool) -> (String, &'static Attribute) {
    let core = kind.schema().attributes.iter().chain(scim::schema::COMMON).map(|attribute| (String::new(), attribute));
    let extensions = kind.extensions().iter();
    let extended = extensions.flat_map(|schema| schema.attributes.iter().map(|attribute| (format!("{}:", schema.id), attribute)));
    let all: Vec<_> = core.chain(extended).filter(|(_, attribute)| fits(attribute)).collect();
    dice.pick(&all).clone()
}

/// The inside of a value path.
fn inside(attribute: &Attribute, records: &[Value], dice: &mut Dice, depth: usize) -> String {
    match dice.roll(if depth == 0 { 3 } else { 6 }) {
        3 | 4 => {
            let word = if dice.one_in(3) { "or" } else { "and" };
            format!("({} {word} {})", inside(attribute, records, dice, depth - 1), inside(attribute, records, dice, depth - 1))
        }
        5 => format!("not ({})", inside(attribute, records, dice, depth - 1)),
        _ => {
            let sub = dice.pick(attribute.sub_attributes);
            comparison(sub.name, sub, &values(records, attribute.name, sub.name), dice)
        }
    }
}

/// The values that the records have in the attribute `name`, or in its part `sub`.
fn values(records: &[Value], name: &str, sub: &str) -> Vec<Value> {
    fn leaves(value: &Value, sub: &str, found: &mut Vec<Value>) {
        match value {
            Value::Array(elements) => elements.iter().for_each(|element| leaves(element, sub, found)),
            Value::Object(parts) => found.extend(parts.get(sub).cloned()),
            alone => found.push(alone.clone()),
        }
    }
    let mut found = vec![];
    for record in records {
        let extension = Kind::User.extensions().iter().filter_map(|schema| record.get(schema.id)?.get(name));
        record.get(name).into_iter().chain(extension).for_each(|value| leaves(value, sub, &mut found));
    }
    found
}

fn comparison(name: &str, leaf: &Attribute, known: &[Value], dice: &mut Dice) -> String {
    if dice.one_in(7) {
        return format!("{name} pr");
    }
    let op = dice.pick(&Op::ALL).name();
    let value = match leaf.kind {
        _ if dice.one_in(15) => Value::Null,
        Type::Boolean => dice.one_in(2).into(),
        _ if !known.is_empty() && !dice.one_in(4) => match dice.pick(known) {
            Value::String(text) if leaf.kind == Type::DateTime => moment(text, dice).into(),
            Value::String(text) => part(text, dice).into(),
            other => other.clone(),
        },
        _ => text(dice).into(),
    };
    format!("{name} {op} {value}")
}

/// The text, or a part of it, in one case or the other.
fn part(text: &str, dice: &mut Dice) -> String {
    let chars: Vec<_> = text.chars().collect();
    let (from, to) = if dice.one_in(2) || chars.is_empty() { (0, chars.len()) } else { (dice.roll(chars.len()), chars.len()) };
    let to = if dice.one_in(3) { from + dice.roll(to - from + 1) } else { to };
    let part: String = chars[from..to].iter().collect();
    match dice.roll(4) {
        0 => part.to_uppercase(),
        1 => part.to_lowercase(),
        _ => part,
    }
}

/// The same moment in another zone, or one that is a little later.
fn moment(text: &str, dice: &mut Dice) -> String {
    let local = text.trim_end_matches('Z');
    match dice.roll(4) {
        0 => format!("{local}+00:00"),
        1 if local.contains('.') => format!("{local}001Z"),
        2 => format!("{local}+02:00"),
        _ => text.to_owned(),
    }
}

/// All resources of `kind`, with all that can be asked about.
async fn records(idp: &Idp, kind: Kind) -> Vec<Value> {
    // The names of members are answered to whoever asks for them.
    let attributes = match kind {
        Kind::User => "",
        Kind::Group => "&attributes=externalId,meta,displayName,members.value,members.$ref,members.type,members.display",
    };
    let answer = idp.get(&format!("{}?count=200{attributes}", kind.endpoint())).await;
    assert_eq!(answer.json["totalResults"], answer.json["itemsPerPage"]);
    answer.json["Resources"].as_array().unwrap().clone()
}

fn ids<'a>(resources: impl IntoIterator<Item = &'a Value>) -> Vec<&'a str> {
    resources.into_iter().map(|resource| resource["id"].as_str().unwrap()).collect()
}

/// Ask many filters and compare; how many were understood, and how many found some but not all.
async fn compare(app: &TestApp, kind: Kind, seed: u64) -> (usize, usize) {
    let acme = app.org("Acme").await;
    // What another organisation has is not there.
    let globex = app.org("Globex").await;
    populate(app, &app.idp(&globex), &mut Dice(seed)).await;
    let idp = app.idp(&acme);
    let mut dice = Dice(seed);
    populate(app, &idp, &mut dice).await;
    let records = records(&idp, kind).await;
    let (mut understood, mut telling) = (0, 0);
    for _ in 0..filters() {
        let filter = filter(kind, &records, &mut dice, 3);
        let answer = idp.get(&format!("{}?count=200&{}", kind.endpoint(), filtered(&filter))).await;
        match Filter::parse(&filter).and_then(|parsed| parsed.resolve(kind)) {
            Err(error) => assert_eq!((answer.status, answer.json["scimType"].as_str()), (400, Some("invalidFilter")), "{filter}: {error}"),
            // The version that a client sees depends on what it asks for: it is no stored value.
            Ok(_) if filter.contains("version") => {}
            Ok(resolved) => {
                assert_eq!(answer.status, 200, "{filter}: {}", answer.text);
                let expected = ids(records.iter().filter(|record| resolved.matches(record)));
                let found = ids(answer.json["Resources"].as_array().unwrap());
                assert_eq!(found, expected, "{filter}");
                assert_eq!(answer.json["totalResults"], expected.len(), "{filter}");
                understood += 1;
                telling += usize::from(!expected.is_empty() && expected.len() < records.len());
            }
        }
    }
    (understood, telling)
}

both_databases! {
    async fn a_filter_finds_the_users_that_the_pure_evaluator_finds(app) {
        let (understood, telling) = compare(&app, Kind::User, 1).await;
        assert!(understood > filters() / 3 && telling > filters() / 8, "{understood} filters were understood, {telling} told users apart");
    }

    async fn a_filter_finds_the_groups_that_the_pure_evaluator_finds(app) {
        let (understood, telling) = compare(&app, Kind::Group, 2).await;
        assert!(understood > filters() / 3 && telling > filters() / 8, "{understood} filters were understood, {telling} told groups apart");
    }

    async fn a_filter_at_the_root_finds_both_that_the_pure_evaluator_finds(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let mut dice = Dice(3);
        populate(&app, &idp, &mut dice).await;
        let (users, groups) = (records(&idp, Kind::User).await, records(&idp, Kind::Group).await);
        for _ in 0..filters() / 2 {
            let kind = *dice.pick(&Kind::ALL);
            let records = if kind == Kind::User { &users } else { &groups };
            let filter = filter(kind, records, &mut dice, 3);
            let answer = idp.get(&format!("?count=200&{}", filtered(&filter))).await;
            let parsed = Filter::parse(&filter);
            let matches = |kind: Kind| parsed.clone().and_then(|parsed| parsed.resolve_among_all(kind));
            let (of_users, of_groups) = match (matches(Kind::User), matches(Kind::Group)) {
                (Ok(_), Ok(_)) if filter.contains("version") => continue,
                (Ok(users), Ok(groups)) => (users, groups),
                _ => {
                    assert_eq!((answer.status, answer.json["scimType"].as_str()), (400, Some("invalidFilter")), "{filter}");
                    continue;
                }
            };
            assert_eq!(answer.status, 200, "{filter}: {}", answer.text);
            let holds = |matches: &Match, record: &Value| match matches {
                Match::All => true,
                Match::None => false,
                Match::Only(filter) => filter.matches(record),
            };
            let expected: BTreeSet<_> = ids(users.iter().filter(|user| holds(&of_users, user)).chain(groups.iter().filter(|group| holds(&of_groups, group)))).into_iter().collect();
            let found: BTreeSet<_> = ids(answer.json["Resources"].as_array().unwrap()).into_iter().collect();
            assert_eq!(found, expected, "{filter}");
        }
    }
}
