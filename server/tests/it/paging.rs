//! Pages of lists by index, sorted and not.

use std::{collections::BTreeSet, time::Duration};

use scim::{
    Kind,
    list::SortOrder,
    sort::{in_order, sort_key, target},
};
use serde_json::{Value, json};

use crate::support::{Idp, Org, TestApp, both_databases, id, random};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const SEARCH: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";

/// `path`, whose query goes on with `more`.
pub fn and(path: &str, more: &str) -> String {
    format!("{path}{}{more}", if path.contains('?') { '&' } else { '?' })
}

pub fn ids(resources: &[Value]) -> Vec<String> {
    resources.iter().map(id).collect()
}

/// A list by index, `count` at a time.
pub async fn by_index(idp: &Idp, path: &str, count: usize) -> Vec<String> {
    let mut seen = vec![];
    loop {
        let page = idp.get(&and(path, &format!("startIndex={}&count={count}", seen.len() + 1))).await;
        assert_eq!(page.json["startIndex"], seen.len() + 1);
        assert!(page.resources().len() <= count);
        if page.resources().is_empty() {
            assert_eq!(page.json["totalResults"], seen.len());
            return seen;
        }
        seen.extend(ids(page.resources()));
    }
}

/// A list by cursor, `count` at a time.
pub async fn by_cursor(idp: &Idp, path: &str, count: usize) -> Vec<String> {
    let (mut seen, mut cursor) = (vec![], Some(String::new()));
    while let Some(from) = cursor {
        let page = idp.get(&and(path, &format!("cursor={from}&count={count}"))).await;
        assert!(page.resources().len() <= count);
        seen.extend(ids(page.resources()));
        cursor = page.json["nextCursor"].as_str().map(str::to_owned);
        assert_eq!(cursor.is_none(), seen.len() as u64 == page.json["totalResults"], "every page but the last goes on");
    }
    seen
}

/// Numbers that differ from run to run; the seed is told where a test fails.
pub struct Dice(pub u64);

impl Dice {
    pub fn new() -> Self {
        Self(u64::from_be_bytes(random()) | 1)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).unwrap()
    }

    pub fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }
}

/// Letters whose order differs by case, by width, by composition and by encoding.
pub const WORDS: [&str; 14] =
    ["anna", "Anna", "ANNA", "zoe", "Zoë", "zoe\u{308}", "Émile", "emile", "Åse", "Ｂｏ", "bo", "\u{FFFD}", "🦀", "李"];

/// Users of all kinds, some of them made at the same moment, some changed later.
pub async fn crowd_of_all_kinds(app: &TestApp, org: &Org, count: usize, dice: &mut Dice) {
    let idp = app.idp(org);
    let mut made = vec![];
    for number in 0..count {
        let mut body = json!({ "userName": format!("{}{number}", dice.one(&WORDS)), "active": dice.below(3) == 0 });
        for (path, part) in
            [("displayName", None), ("title", None), ("name", Some("familyName")), ("externalId", None), (ENTERPRISE, Some("department"))]
        {
            if dice.below(3) == 0 {
                continue;
            }
            let word = if path == "externalId" { format!("{}{number}", dice.one(&WORDS)) } else { dice.one(&WORDS).to_owned() };
            body[path] = part.map_or(json!(word), |part| json!({ part: word }));
        }
        let mails = dice.below(4);
        let primary = dice.below(5);
        let mail = |dice: &mut Dice, at: usize| json!({ "value": format!("{}@{number}.test", dice.one(&WORDS)), "primary": at == primary });
        body["emails"] = (0..mails).map(|at| mail(dice, at)).collect();
        let answer = idp.post("/Users", body).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        made.push(id(&answer.json));
        if dice.below(3) > 0 {
            app.advance(Duration::from_micros(1 + dice.below(2_000) as u64));
        }
    }
    for number in 0..count / 3 {
        let changed = &made[dice.below(count)];
        let operation = json!([{ "op": "replace", "path": "nickName", "value": number.to_string() }]);
        assert_eq!(idp.patch(&format!("/Users/{changed}"), operation).await.status, 200);
        app.advance(Duration::from_millis(dice.below(3) as u64));
    }
}

pub async fn groups(idp: &Idp, names: &[&str]) -> Vec<String> {
    let mut made = vec![];
    for name in names {
        made.push(id(&idp.post("/Groups", json!({ "displayName": name })).await.json));
    }
    made
}

both_databases! {
    async fn numbers_of_every_kind_mean_a_page_or_a_refusal(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        app.crowd(&acme, 205).await;
        for (query, start, items) in [
            ("", 1, 100),
            ("startIndex=0", 1, 100),
            ("startIndex=-7", 1, 100),
            ("startIndex=-99999999999999999999999", 1, 100),
            ("count=0", 1, 0),
            ("count=-1", 1, 0),
            ("count=0&startIndex=5", 5, 0),
            ("count=200", 1, 200),
            ("count=201", 1, 200),
            ("count=99999999999999999999999", 1, 200),
            ("startIndex=205&count=3", 205, 1),
            ("startIndex=206&count=3", 206, 0),
            ("startIndex=9223372036854775807&count=3", 9_223_372_036_854_775_807, 0),
            ("startIndex=9223372036854775808&count=200", 9_223_372_036_854_775_808, 0),
            ("startIndex=18446744073709551615", u64::MAX, 0),
            ("startIndex=18446744073709551616", u64::MAX, 0),
            ("STARTINDEX=2&Count=1", 2, 1),
            ("startIndex=2&count=1&sortBy=", 2, 1),
            ("startIndex=2&count=1&sortBy=&sortOrder=descending", 2, 1),
        ] {
            let page = idp.get(&format!("/Users?{query}")).await;
            let numbers = ["totalResults", "startIndex", "itemsPerPage"].map(|name| page.json[name].as_u64());
            assert_eq!(numbers, [Some(205), Some(start), Some(items)], "{query}: {}", page.status);
            assert_eq!(page.resources().len() as u64, items, "{query}");
        }
        for query in ["startIndex=one", "count=ten", "count=1.5", "count=1e3", "count=", "startIndex=", "count=0x10", "startIndex=%2B%2B1", "count=--1", "count=%D9%A3"] {
            assert_eq!(idp.get(&format!("/Users?{query}")).await.refusal(), (400, "invalidValue"), "{query}");
        }
        let search = |count: Value| idp.post("/Users/.search", json!({ "schemas": [SEARCH], "count": count }));
        let (two, none, ten) = (search(json!(2)).await, search(json!(-2)).await, search(json!("ten")).await);
        assert_eq!((two.resources().len(), none.resources().len(), ten.refusal()), (2, 0, (400, "invalidValue")));
    }

    /// The totals are kept beside the rows. Should they be wrong all the same, nobody is left out, and whoever is to go goes.
    async fn a_wrong_total_hides_nobody_and_stops_no_deletion(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let mut users = std::collections::BTreeSet::new();
        for number in 0..5 {
            users.insert(id(&idp.post("/Users", json!({ "userName": format!("u{number}"), "active": false })).await.json));
        }
        app.database.try_run("UPDATE scim_totals SET users = 0, groups = 0").await.unwrap();
        assert_eq!(idp.get("/Users").await.resources().iter().map(id).collect::<std::collections::BTreeSet<_>>(), users);
        assert!(idp.get("/Users?cursor=&count=2").await.json["nextCursor"].is_string());
        assert_eq!(idp.delete(&format!("/Users/{}", users.first().unwrap())).await.status, 204);
        directory::provisioning::index::renew(&app.database.as_owner().await).await.unwrap();
        assert_eq!(idp.get("/Users").await.json["totalResults"], 4);
    }

    async fn pages_by_index_hold_each_resource_once(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let mut expected = app.crowd(&acme, 150).await;
        for name in ["first", "second"] {
            expected.push(app.provision(&acme, &format!("{name}@acme.test")).await.id);
            app.advance(Duration::from_micros(1));
        }
        let whole = ids(idp.get("/Users?count=200").await.resources());
        assert_eq!(BTreeSet::from_iter(&whole), BTreeSet::from_iter(&expected));
        assert_eq!(whole[150..], expected[150..], "the newest come last");
        for count in [1, 7, 60, 75, 76, 77, 151] {
            assert_eq!(by_index(&idp, "/Users", count).await, whole, "{count} at a time");
        }
        for count in [7, 151, 152] {
            assert_eq!(by_cursor(&idp, "/Users", count).await, whole, "{count} at a time");
        }
        // Any page of any size, be it read from the front or from the back.
        for start in [1, 2, 75, 76, 77, 78, 100, 151, 152] {
            let page = idp.get(&format!("/Users?startIndex={start}&count=3")).await;
            assert_eq!(ids(page.resources()), whole[start - 1..whole.len().min(start + 2)], "from {start}");
        }
    }

    async fn every_sorted_list_is_in_the_order_that_the_protocol_means(app) {
        let mut dice = Dice::new();
        let seed = dice.0;
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        crowd_of_all_kinds(&app, &acme, 45, &mut dice).await;
        for sort_by in [
            "userName", "USERNAME", "name.familyName", "displayName", "emails", "emails.value", "emails.primary", "active", "externalId",
            "meta.created", "meta.lastModified", "meta.resourceType", "meta.location", "id", "title",
            "urn:ietf:params:scim:schemas:core:2.0:User:title", &format!("{ENTERPRISE}:department"),
        ] {
            let target = target(Kind::User, sort_by).unwrap().unwrap();
            let mut whole = vec![];
            for (name, order) in [("ascending", SortOrder::Ascending), ("descending", SortOrder::Descending)] {
                let path = format!("/Users?sortBy={sort_by}&sortOrder={name}");
                let page = idp.get(&and(&path, "count=200")).await;
                let users = page.resources().to_vec();
                assert_eq!(users.len(), 45);
                for pair in users.windows(2) {
                    let [left, right] = [sort_key(&target, &pair[0]), sort_key(&target, &pair[1])];
                    assert!(in_order(&left, &right, order).is_le(), "seed {seed}: {path}: {left:?} before {right:?}");
                    if left == right {
                        let age = |user: &Value| (scim::compare::instant(user["meta"]["created"].as_str().unwrap()), id(user));
                        assert_eq!(age(&pair[0]) < age(&pair[1]), order == SortOrder::Ascending, "seed {seed}: {path}: ties");
                    }
                }
                let users = ids(&users);
                assert_eq!(by_index(&idp, &path, 7).await, users, "seed {seed}: {path}");
                assert_eq!(by_cursor(&idp, &path, 7).await, users, "seed {seed}: {path}");
                whole.push(users);
            }
            whole[1].reverse();
            assert_eq!(whole[0], whole[1], "seed {seed}: {sort_by}: one way is the other backwards");
        }
        assert_eq!(ids(idp.get("/Users?sortBy=title").await.resources()), ids(idp.get("/Users?sortBy=title&sortOrder=ascending").await.resources()), "ascending unless told otherwise");
    }

    async fn what_has_no_value_comes_last_and_the_other_way_round_first(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        for (name, title, emails) in [
            ("a", None, json!([])),
            ("b", Some("Zebra"), json!([{ "value": "x@acme.test" }, { "value": "b@acme.test", "primary": true }])),
            ("c", Some("apple"), json!([{ "value": "c@acme.test" }, { "value": "a@acme.test" }])),
            ("d", None, json!([])),
        ] {
            assert_eq!(idp.post("/Users", json!({ "userName": name, "title": title, "emails": emails, "active": false })).await.status, 201);
            app.advance(Duration::from_micros(1));
        }
        for (query, expected) in [
            ("sortBy=title", "cbad"),
            ("sortBy=title&sortOrder=descending", "dabc"),
            ("sortBy=title&sortOrder=Descending", "dabc"),
            ("sortBy=emails", "bcad"),
            ("sortBy=emails.value&sortOrder=descending", "dacb"),
        ] {
            let page = idp.get(&format!("/Users?{query}")).await;
            let names: String = page.resources().iter().map(|user| user["userName"].as_str().unwrap()).collect();
            assert_eq!(names, expected, "{query}");
        }
        // The primary value is another now, and so is the order.
        let found = idp.find("/Users", "userName eq \"b\"").await.resources()[0].clone();
        let operation = json!([{ "op": "replace", "path": "emails[value eq \"x@acme.test\"].primary", "value": true }]);
        assert_eq!(idp.patch(&format!("/Users/{}", id(&found)), operation).await.status, 200);
        let page = idp.get("/Users?sortBy=emails").await;
        assert_eq!(page.resources().iter().map(|user| user["userName"].as_str().unwrap()).collect::<String>(), "cbad");
    }

    async fn a_list_is_not_sorted_by_what_has_no_order(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        app.provision(&acme, "mira@acme.test").await;
        for path in ["/Users?sortBy=nonsense", "/Users?sortBy=name", "/Users?sortBy=schemas", "/Users?sortBy=members", "/Users?sortBy=emails%5Btype+eq+%22work%22%5D", "/Groups?sortBy=userName", "/?sortBy=nonsense", "/Users?sortBy=1"] {
            assert_eq!(idp.get(path).await.refusal(), (400, "invalidValue"), "{path}");
        }
        let search = idp.post("/Users/.search", json!({ "schemas": [SEARCH], "sortBy": "nonsense" })).await;
        assert_eq!(search.refusal(), (400, "invalidValue"));
        for path in ["/Users?sortBy=", "/Users?sortBy=+", "/Users?sortOrder=descending", "/Users?sortBy=userName&sortOrder=sideways"] {
            assert_eq!(idp.get(path).await.resources().len(), 1, "{path}");
        }
    }
}
