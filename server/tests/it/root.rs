//! Queries at the root (RFC 7644 §3.4.2.1): users and groups together.

use std::{collections::BTreeSet, time::Duration};

use http::Method;
use serde_json::{Value, json};

use crate::{
    paging::{by_cursor, by_index, ids},
    support::{Org, TestApp, both_databases, id},
};

const SEARCH: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";

/// Two users and three groups, who have some attributes in common; ids by name.
pub async fn some_of_each(app: &TestApp, org: &Org) -> impl Fn(&str) -> String + use<> {
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
