//! Lists by cursor (RFC 9865): who is on which page, and which cursors are good.

use std::{collections::BTreeSet, time::Duration};

use serde_json::{Value, json};

use crate::{
    paging::{Dice, WORDS, and, crowd_of_all_kinds, groups, ids},
    root::some_of_each,
    support::{Idp, both_databases, filtered},
};

const SEARCH: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";

/// The cursor with another character at `at`.
fn flipped(cursor: &str, at: usize) -> String {
    let another = if &cursor[at..=at] == "A" { "B" } else { "A" };
    format!("{}{another}{}", &cursor[..at], &cursor[at + 1..])
}

both_databases! {
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
}
