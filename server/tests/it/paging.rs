//! Pages of lists: by index and by cursor, sorted and not, of one type and at the root of both.

use std::{collections::BTreeSet, time::Duration};

use http::Method;
use scim::{
    Kind,
    list::SortOrder,
    sort::{in_order, sort_key, target},
};
use serde_json::{Value, json};

use crate::support::{Idp, Org, TestApp, both_databases, filtered, id, random};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const SEARCH: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";

/// `path`, whose query goes on with `more`.
fn and(path: &str, more: &str) -> String {
    format!("{path}{}{more}", if path.contains('?') { '&' } else { '?' })
}

fn ids(resources: &[Value]) -> Vec<String> {
    resources.iter().map(id).collect()
}

/// The cursor with another character at `at`.
fn flipped(cursor: &str, at: usize) -> String {
    let another = if &cursor[at..=at] == "A" { "B" } else { "A" };
    format!("{}{another}{}", &cursor[..at], &cursor[at + 1..])
}

/// A list by index, `count` at a time.
async fn by_index(idp: &Idp, path: &str, count: usize) -> Vec<String> {
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
async fn by_cursor(idp: &Idp, path: &str, count: usize) -> Vec<String> {
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
struct Dice(u64);

impl Dice {
    fn new() -> Self {
        Self(u64::from_be_bytes(random()) | 1)
    }

    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).unwrap()
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }
}

/// Letters whose order differs by case, by width, by composition and by encoding.
const WORDS: [&str; 14] =
    ["anna", "Anna", "ANNA", "zoe", "Zoë", "zoe\u{308}", "Émile", "emile", "Åse", "Ｂｏ", "bo", "\u{FFFD}", "🦀", "李"];

/// Users of all kinds, some of them made at the same moment, some changed later.
async fn crowd_of_all_kinds(app: &TestApp, org: &Org, count: usize, dice: &mut Dice) {
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

async fn groups(idp: &Idp, names: &[&str]) -> Vec<String> {
    let mut made = vec![];
    for name in names {
        made.push(id(&idp.post("/Groups", json!({ "displayName": name })).await.json));
    }
    made
}

/// Two users and three groups, who have some attributes in common; ids by name.
async fn some_of_each(app: &TestApp, org: &Org) -> impl Fn(&str) -> String + use<> {
    let idp = app.idp(org);
    let mut made = vec![];
    for (name, display, title) in [("mira", "Beta", Some("Chief")), ("ben", "delta", None)] {
        let body = json!({ "userName": name, "displayName": display, "title": title, "active": false, "emails": [{ "value": format!("{name}@acme.test"), "type": "work" }] });
        made.push((name.to_owned(), id(&idp.post("/Users", body).await.json)));
        app.advance(Duration::from_millis(1));
    }
    for (name, members) in [("alpha", vec![json!({ "value": made[0].1 })]), ("Gamma", vec![]), ("Epsilon", vec![])] {
        let body = json!({ "displayName": name, "externalId": format!("x-{name}"), "members": members });
        made.push((name.to_owned(), id(&idp.post("/Groups", body).await.json)));
        app.advance(Duration::from_millis(1));
    }
    move |name| made.iter().find(|(made, _)| made == name).map(|(_, id)| id.clone()).unwrap()
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
        directory::provisioning::index::renew(&app.state.db).await.unwrap();
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

    async fn a_run_with_cursors_says_where_it_goes_on(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        app.crowd(&acme, 7).await;
        let config = idp.get("/ServiceProviderConfig").await.json["pagination"].clone();
        assert_eq!(config, json!({ "cursor": true, "index": true, "defaultPaginationMethod": "index", "defaultPageSize": 100, "maxPageSize": 200, "cursorTimeout": 3600 }));
        assert_eq!(idp.get("/Users?count=3").await.json.get("nextCursor"), None, "by index unless told otherwise");

        let first = idp.get("/Users?cursor=&count=3").await.json;
        assert_eq!((&first["totalResults"], &first["itemsPerPage"], first.get("startIndex")), (&7.into(), &3.into(), None));
        let next = first["nextCursor"].as_str().unwrap();
        assert!(next.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)), "{next}");
        assert_eq!(first.get("previousCursor"), None);
        // The same cursor again is the same page; and the length may change.
        let second = idp.get(&format!("/Users?cursor={next}&count=3")).await.json;
        let resources = |page: &Value| ids(page["Resources"].as_array().unwrap());
        assert_eq!(resources(&idp.get(&format!("/Users?count=3&cursor={next}")).await.json), resources(&second));
        let rest = idp.get(&format!("/Users?cursor={next}&count=200")).await.json;
        assert_eq!((resources(&rest).len(), rest.get("nextCursor")), (4, None));
        assert_eq!(resources(&rest)[..3], resources(&second)[..]);
        // Nothing but the number.
        for query in [format!("cursor={next}&count=0"), "cursor=&count=0".to_owned(), format!("cursor={next}&count=-3")] {
            let none = idp.get(&format!("/Users?{query}")).await.json;
            assert_eq!((&none["totalResults"], resources(&none).len(), none.get("nextCursor")), (&7.into(), 0, None), "{query}");
        }
        // An exact fit ends at once.
        let seven = idp.get("/Users?cursor=&count=7").await.json;
        assert_eq!((resources(&seven).len(), seven.get("nextCursor")), (7, None));
        let nobody = idp.get(&format!("/Users?cursor=&{}", filtered("userName eq \"nobody\""))).await.json;
        assert_eq!((&nobody["totalResults"], nobody.get("nextCursor")), (&0.into(), None));
    }

    async fn a_run_with_cursors_misses_and_repeats_nobody_while_others_come_and_go(app) {
        let mut dice = Dice::new();
        let seed = dice.0;
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        crowd_of_all_kinds(&app, &acme, 40, &mut dice).await;
        for sort in ["", "sortBy=title", "sortBy=title&sortOrder=descending", "sortBy=userName", "sortBy=active", "sortBy=meta.created&sortOrder=descending", "sortBy=emails"] {
            let path = and("/Users", sort);
            let before = ids(idp.get(&and(&path, "count=200")).await.resources());
            let (mut stayed, mut seen) = (BTreeSet::from_iter(before.clone()), vec![]);
            let mut cursor = Some(String::new());
            while let Some(from) = cursor {
                let page = idp.get(&and(&path, &format!("cursor={from}&count=6"))).await;
                seen.extend(ids(page.resources()));
                cursor = page.json["nextCursor"].as_str().map(str::to_owned);
                // Gone: the one that the cursor points at, one that was seen, and one that was not yet.
                let unseen = before.iter().filter(|id| !seen.contains(id)).nth(dice.below(5)).cloned();
                for gone in [seen.last().cloned(), seen.first().cloned(), unseen].into_iter().flatten().take(1 + dice.below(3)) {
                    if stayed.remove(&gone) {
                        assert_eq!(idp.delete(&format!("/Users/{gone}")).await.status, 204);
                    }
                }
                for _ in 0..2 {
                    let name = format!("{}{}", dice.one(&WORDS), dice.0);
                    let body = json!({ "userName": name, "title": dice.one(&WORDS), "active": false, "emails": [{ "value": format!("{}@x.test", dice.one(&WORDS)) }] });
                    assert_eq!(idp.post("/Users", body).await.status, 201);
                    app.advance(Duration::from_micros(dice.below(2) as u64));
                }
                assert!(seen.len() < 500, "seed {seed}: {path} never ends");
            }
            assert_eq!(BTreeSet::from_iter(seen.clone()).len(), seen.len(), "seed {seed}: {path}: nobody twice");
            assert!(stayed.is_subset(&BTreeSet::from_iter(seen)), "seed {seed}: {path}: nobody was missed");
        }
    }

    async fn every_wrong_cursor_is_refused_in_the_same_words(app) {
        let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
        let idp = app.idp(&acme);
        for org in [&acme, &globex] {
            for number in 0..5 {
                let body = json!({ "userName": format!("p{number}"), "title": "Engineer", "active": false });
                assert_eq!(app.idp(org).post("/Users", body).await.status, 201);
            }
            groups(&app.idp(org), &["One", "Two", "Three"]).await;
        }
        let other = app.issue_token(&acme, "Other").await;
        let other = idp.with_authorization(Some(&format!("Bearer {}", other["secret"].as_str().unwrap())));
        let query = format!("{}&sortBy=title&attributes=userName&count=2", filtered("title pr"));
        let give = async |idp: &Idp, path: &str| idp.get(path).await.json["nextCursor"].as_str().unwrap_or_else(|| panic!("{path}")).to_owned();
        let good = give(&idp, &format!("/Users?cursor=&{query}")).await;
        let with = async |cursor: &str| {
            let cursor: String = form_urlencoded::byte_serialize(cursor.as_bytes()).collect();
            idp.get(&format!("/Users?{query}&cursor={cursor}")).await
        };
        assert_eq!(with(&good).await.resources().len(), 2);

        let mut wrong = vec![" ".to_owned(), "x".to_owned(), ".".to_owned(), "0".to_owned(), "..".to_owned(), "🦀".to_owned(), "' OR 1=1 --".to_owned(), "x".repeat(5_000)];
        wrong.extend((1..good.len()).map(|length| good[..length].to_owned()));
        wrong.extend((0..good.len()).map(|at| flipped(&good, at)));
        wrong.extend([format!("{good}A"), format!("{good}="), format!("{good} "), format!(" {good}"), good.to_uppercase(), good.to_lowercase()]);
        // Another query's: each part of it counts.
        for path in [
            format!("/Users?cursor=&{}&attributes=userName&count=2&sortBy=title", filtered("title pr and userName pr")),
            "/Users?cursor=&attributes=userName&count=2&sortBy=title".to_owned(),
            format!("/Users?cursor=&{}&attributes=userName&count=2&sortBy=userName", filtered("title pr")),
            format!("/Users?cursor=&{}&attributes=userName&count=2", filtered("title pr")),
            format!("/Users?cursor=&{query}&sortOrder=descending"),
            format!("/Users?cursor=&{query}&excludedAttributes=title"),
            format!("/Users?cursor=&{}&sortBy=title&count=2", filtered("title pr")),
            format!("/?cursor=&{query}"),
            "/Groups?cursor=&count=2".to_owned(),
        ] {
            wrong.push(give(&idp, &path).await);
        }
        // Another token's of the same organisation, and another organisation's.
        wrong.push(give(&other, &format!("/Users?cursor=&{query}")).await);
        wrong.push(give(&app.idp(&globex), &format!("/Users?cursor=&{query}")).await);

        let mut answers = BTreeSet::new();
        for cursor in &wrong {
            let answer = with(cursor).await;
            assert_eq!(answer.refusal(), (400, "invalidCursor"), "{cursor}");
            answers.insert(answer.text);
        }
        let search = json!({ "schemas": [SEARCH], "filter": "title pr", "sortBy": "title", "attributes": ["userName"], "count": 2, "cursor": "x" });
        answers.insert(idp.post("/Users/.search", search).await.text);
        assert_eq!(answers.len(), 1, "{answers:?}");
        // And the other way round: the good one is nobody else's.
        for idp in [&other, &app.idp(&globex)] {
            let answer = idp.get(&format!("/Users?{query}&cursor={good}")).await;
            assert_eq!((answer.refusal(), answers.contains(&answer.text)), ((400, "invalidCursor"), true));
        }
        assert_eq!(with(&good).await.resources().len(), 2, "it is still good");
    }

    async fn a_cursor_is_good_for_an_hour_and_no_longer_than_its_token(app) {
        let acme = app.org("Acme").await;
        app.crowd(&acme, 5).await;
        let token = app.issue_token(&acme, "Other").await;
        let idp = app.idp(&acme).with_authorization(Some(&format!("Bearer {}", token["secret"].as_str().unwrap())));
        let cursor = idp.get("/Users?cursor=&count=2").await.json["nextCursor"].as_str().unwrap().to_owned();
        let go_on = async || idp.get(&format!("/Users?cursor={cursor}&count=2")).await;
        app.advance(Duration::from_secs(3_599));
        let next = go_on().await.json["nextCursor"].as_str().unwrap().to_owned();
        app.advance(Duration::from_secs(1));
        assert_eq!(go_on().await.refusal(), (400, "expiredCursor"));
        // The run goes on: each page gives a new hour.
        assert_eq!(idp.get(&format!("/Users?cursor={next}&count=2")).await.resources().len(), 1);
        // Whoever forges one does not learn when it would have expired.
        assert_eq!(idp.get(&format!("/Users?cursor={}&count=2", flipped(&cursor, 9))).await.refusal().1, "invalidCursor");
        app.owner(&acme).await.call("revoke_token", &[("org", "acme"), ("token", token["token"]["id"].as_str().unwrap())]).await;
        assert_eq!(idp.get(&format!("/Users?cursor={next}&count=2")).await.status, 401);
        assert_eq!(app.idp(&acme).get(&format!("/Users?cursor={next}&count=2")).await.refusal(), (400, "invalidCursor"));
    }

    async fn a_search_goes_on_by_cursor_too(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let _ = some_of_each(&app, &acme).await;
        for (path, total) in [("/Users/.search", 2), ("/Groups/.search", 3), ("/.search", 5)] {
            let whole = ids(idp.post(path, json!({ "schemas": [SEARCH], "sortBy": "displayName" })).await.resources());
            assert_eq!(whole.len(), total);
            let (mut seen, mut cursor) = (vec![], Some(String::new()));
            while let Some(from) = cursor {
                let page = idp.post(path, json!({ "schemas": [SEARCH], "sortBy": "displayName", "cursor": from, "count": 1 })).await;
                assert_eq!((&page.json["totalResults"], page.json.get("startIndex")), (&total.into(), None));
                seen.extend(ids(page.resources()));
                cursor = page.json["nextCursor"].as_str().map(str::to_owned);
            }
            assert_eq!(seen, whole, "{path}");
        }
    }

    async fn the_root_finds_users_and_groups_together(app) {
        let acme = app.org("Acme").await;
        let globex = app.org("Globex").await;
        let idp = app.idp(&acme);
        let _ = some_of_each(&app, &globex).await;
        let of = some_of_each(&app, &acme).await;
        let member = format!("members eq \"{}\"", of("mira"));
        let group = format!("groups.value eq \"{}\"", of("alpha"));
        let user_or_group = format!("id eq \"{}\" or id eq \"{}\"", of("ben"), of("Gamma"));
        for (filter, expected) in [
            ("userName eq \"mira\"", "mira"),
            ("userName ne \"mira\"", "ben alpha Gamma Epsilon"),
            ("not (userName eq \"mira\")", "ben alpha Gamma Epsilon"),
            ("userName eq null", "alpha Gamma Epsilon"),
            ("userName ne null", "mira ben"),
            ("userName pr", "mira ben"),
            ("not (userName pr)", "alpha Gamma Epsilon"),
            ("title eq null", "ben alpha Gamma Epsilon"),
            ("title pr", "mira"),
            ("not (title ne \"chief\")", "mira"),
            ("title gt \"a\"", "mira"),
            ("not (title gt \"a\")", "ben alpha Gamma Epsilon"),
            ("emails[type eq \"work\" and value sw \"ben\"]", "ben"),
            ("not (emails[type eq \"work\"])", "alpha Gamma Epsilon"),
            ("members pr", "alpha"),
            ("not (members pr)", "mira ben Gamma Epsilon"),
            (member.as_str(), "alpha"),
            (group.as_str(), "mira"),
            (user_or_group.as_str(), "ben Gamma"),
            ("meta.resourceType eq \"Group\"", "alpha Gamma Epsilon"),
            ("meta.resourceType eq \"User\"", "mira ben"),
            ("meta.resourceType eq \"User\" and title eq null", "ben"),
            ("displayName sw \"b\" or displayName sw \"g\"", "mira Gamma"),
            ("userName eq \"ben\" or displayName eq \"EPSILON\"", "ben Epsilon"),
            ("active eq false", "mira ben"),
            ("active ne true and displayName ew \"a\"", "mira ben alpha Gamma"),
            ("externalId sw \"x-\"", "alpha Gamma Epsilon"),
            ("userName pr and members pr", ""),
            ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq null", "mira ben alpha Gamma Epsilon"),
            ("schemas eq \"urn:ietf:params:scim:schemas:core:2.0:Group\"", "alpha Gamma Epsilon"),
        ] {
            let expected: BTreeSet<_> = expected.split_whitespace().map(&of).collect();
            let search = json!({ "schemas": [SEARCH], "filter": filter });
            for answer in [idp.find("", filter).await, idp.find("/", filter).await, idp.post("/.search", search).await] {
                assert_eq!(answer.status, 200, "{filter}: {}", answer.text);
                assert_eq!(answer.json["totalResults"], expected.len(), "{filter}");
                assert_eq!(BTreeSet::from_iter(ids(answer.resources())), expected, "{filter}");
            }
        }
        for filter in ["nonsense eq 1", "userName eq \"mira\" or nonsense pr", "not (nonsense pr)", "active gt true", "meta.created co \"2026\"", "userName eq"] {
            for answer in [idp.find("", filter).await, idp.post("/.search", json!({ "schemas": [SEARCH], "filter": filter })).await] {
                assert_eq!(answer.refusal(), (400, "invalidFilter"), "{filter}");
            }
        }
    }

    async fn the_root_sorts_and_pages_across_its_types(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let of = some_of_each(&app, &acme).await;
        let named = |names: &str| names.split_whitespace().map(&of).collect::<Vec<_>>();
        for (path, expected) in [
            ("/", "mira ben alpha Gamma Epsilon"),
            ("/?sortBy=displayName", "alpha mira ben Epsilon Gamma"),
            ("/?sortBy=displayName&sortOrder=descending", "Gamma Epsilon ben mira alpha"),
            ("/?sortBy=userName", "ben mira alpha Gamma Epsilon"),
            ("/?sortBy=userName&sortOrder=descending", "Epsilon Gamma alpha mira ben"),
            ("/?sortBy=active", "mira ben alpha Gamma Epsilon"),
            ("/?sortBy=meta.created&sortOrder=descending", "Epsilon Gamma alpha ben mira"),
            // An externalId counts by case.
            ("/?sortBy=externalId", "Epsilon Gamma alpha mira ben"),
            ("/?sortBy=meta.resourceType", "alpha Gamma Epsilon mira ben"),
            ("/?sortBy=emails", "ben mira alpha Gamma Epsilon"),
        ] {
            let expected = named(expected);
            assert_eq!(ids(idp.get(path).await.resources()), expected, "{path}");
            for count in [1, 2, 3, 4] {
                assert_eq!(by_index(&idp, path, count).await, expected, "{path} by {count}");
                assert_eq!(by_cursor(&idp, path, count).await, expected, "{path} by {count}");
            }
        }
        let some = idp.get("/?sortBy=displayName&attributes=displayName,userName").await;
        let keys = |resource: &Value| resource.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
        assert_eq!(keys(&some.resources()[0]), BTreeSet::from(["schemas", "id", "displayName"].map(str::to_owned)));
        assert_eq!(keys(&some.resources()[1]), BTreeSet::from(["schemas", "id", "displayName", "userName"].map(str::to_owned)));
        let less = idp.get("/?sortBy=displayName&excludedAttributes=members,emails,groups").await;
        assert!(less.resources().iter().all(|resource| ["members", "emails", "groups"].iter().all(|name| resource.get(name).is_none())));
        let all = idp.get("/?sortBy=displayName").await;
        assert_eq!((&all.resources()[0]["members"][0]["value"], &all.resources()[1]["groups"][0]["value"]), (&of("mira").into(), &of("alpha").into()));
        assert_eq!(all.resources()[0]["meta"]["location"], idp.get(&format!("/Groups/{}", of("alpha"))).await.json["meta"]["location"]);
        let alone = idp.send(Method::POST, "/", Some("{}".to_owned()), "application/scim+json").await;
        assert_eq!(alone.status, 405, "nothing is made at the root");
    }
}
