//! Microsoft's SCIM Validator: what it sends before it says that an application is compatible.

use serde_json::{Value, json};

use super::{
    ENTERPRISE, GROUP, NOBODY, USER, found, group, holds, id_in, id_of, is_empty_list, is_refused, path_of, people, state_of, values,
};
use crate::support::{both_databases, filtered};

fn user(name: &str) -> Value {
    json!({
        "schemas": [USER, ENTERPRISE], "userName": name, "active": true, "displayName": "Lennie", "title": "Engineer", "externalId": format!("x-{name}"),
        "preferredLanguage": "en", "userType": "Employee", "nickName": "Len", "locale": "nb-NO", "timezone": "Europe/Oslo", "profileUrl": "https://acme.test/len",
        "name": { "formatted": "Lennie Olsen", "familyName": "Olsen", "givenName": "Lennie", "honorificPrefix": "Dr", "honorificSuffix": "III" },
        "emails": [{ "type": "work", "value": format!("{name}@acme.test"), "primary": true }],
        "phoneNumbers": [{ "type": "work", "value": "+47 1" }, { "type": "mobile", "value": "+47 2" }, { "type": "fax", "value": "+47 3" }],
        "addresses": [{ "type": "work", "formatted": "1 High St", "streetAddress": "1 High St", "locality": "Oslo", "region": "Oslo", "postalCode": "0150", "country": "Norway", "primary": true }],
        "roles": [{ "type": "work", "value": "Editor", "display": "Editor", "primary": true }],
        (ENTERPRISE): { "employeeNumber": "7", "department": "R&D", "costCenter": "9", "organization": "Acme", "division": "North" }
    })
}

both_databases! {
    async fn the_validator_creates_a_user_with_everything_that_the_schema_lists(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let created = idp.post("/Users", user("len")).await;
        let path = path_of(&created);
        let mut expected = user("len");
        for own in ["id", "meta"] {
            expected[own] = created.json[own].clone();
        }
        assert_eq!(created.json, expected);
        assert_eq!(idp.get(&path).await.json, expected);
        is_refused(&idp.post("/Users", user("len")).await, 409, Some("uniqueness"));
        assert_eq!(idp.get("/Users").await.json["totalResults"], 1);
    }

    async fn the_validator_filters_existing_missing_and_in_another_case(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let created = idp.post("/Users", user("len")).await;
        let team = group(&idp, "Team Len", &[id_of(&created)]).await;
        for name in ["len", "LEN"] {
            assert_eq!(found(&idp.find("/Users", &format!("userName eq \"{name}\"")).await), [id_of(&created)]);
        }
        is_empty_list(&idp.find("/Users", "userName eq \"nobody\"").await);
        for name in ["Team Len", "TEAM LEN"] {
            for excluded in ["", "&excludedAttributes=members"] {
                let answer = idp.get(&format!("/Groups?{}{excluded}", filtered(&format!("displayName eq \"{name}\"")))).await;
                assert_eq!(found(&answer), [id_in(&team)]);
                assert_eq!(answer.json["Resources"][0].get("members").is_none(), !excluded.is_empty());
            }
        }
        is_empty_list(&idp.find("/Groups", "displayName eq \"nothing\"").await);
        assert_eq!(idp.get(&format!("{team}?excludedAttributes=members")).await.json.get("members"), None);
    }

    /// A moment is the same in every zone, with or without a fraction.
    async fn the_validator_writes_moments_in_any_zone(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let created = idp.post("/Users", user("len")).await;
        assert_eq!(created.json["meta"]["created"], "2027-01-15T08:00:00Z");
        for same in ["2027-01-15T08:00:00Z", "2027-01-15T08:00:00.000000Z", "2027-01-15T09:30:00+01:30", "2027-01-14T22:00:00-10:00", "2027-01-15T10:00:00+0200"] {
            assert_eq!(found(&idp.find("/Users", &format!("meta.created eq \"{same}\"")).await), [id_of(&created)], "{same}");
            is_empty_list(&idp.find("/Users", &format!("meta.lastModified gt \"{same}\"")).await);
        }
        is_empty_list(&idp.find("/Users", "meta.created eq \"2027-01-15T08:00:00+01:00\"").await);
    }

    /// With paths, and "verbose": all in one value.
    async fn the_validator_replaces_and_adds_attributes_in_both_ways(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let replaced = [
            ("title", "title", "Lead"),
            ("name.familyName", "name/familyName", "Hart"),
            ("emails[type eq \"work\"].value", "emails/0/value", "len.hart@acme.test"),
            ("phoneNumbers[type eq \"mobile\"].value", "phoneNumbers/1/value", "+47 9"),
            ("addresses[type eq \"work\"].locality", "addresses/0/locality", "Bergen"),
            ("roles[primary eq \"True\"].value", "roles/0/value", "Viewer"),
        ];
        for (number, op) in ["replace", "add"].into_iter().enumerate() {
            for verbose in [false, true] {
                let name = format!("len{number}{verbose}");
                let before = idp.post("/Users", user(&name)).await;
                let path = path_of(&before);
                let operations = if verbose {
                    let value: Value = replaced.iter().map(|(path, _, value)| ((*path).to_owned(), json!(value))).collect();
                    json!([{ "op": op, "value": value }])
                } else {
                    replaced.iter().map(|(path, _, value)| json!({ "op": op, "path": path, "value": value })).collect()
                };
                let after = idp.patch(&path, operations).await;
                assert_eq!(after.status, 200, "{}", after.text);
                let mut expected = before.json.clone();
                for (_, pointer, value) in replaced {
                    *expected.pointer_mut(&format!("/{pointer}")).unwrap() = value.into();
                }
                expected["meta"] = after.json["meta"].clone();
                assert_eq!(after.json, expected, "{op} {verbose}: these and no others");
                assert_eq!(idp.get(&path).await.json, expected);
            }
        }
    }

    async fn the_validator_renames_disables_and_manages_a_user(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let [boss, other] = people(&idp).await;
        let path = path_of(&idp.post("/Users", user("len")).await);
        let one = async |op: &str, at: &str, value: Value| idp.patch(&path, json!([{ "op": op, "path": at, "value": value }])).await.json;
        assert_eq!(one("replace", "userName", "lennie".into()).await["userName"], "lennie");
        is_empty_list(&idp.find("/Users", "userName eq \"len\"").await);
        assert_eq!(found(&idp.find("/Users", "userName eq \"lennie\"").await).len(), 1);
        assert_eq!(one("replace", "active", false.into()).await["active"], false);
        let manager = format!("{ENTERPRISE}:manager");
        assert_eq!(one("add", &manager, json!(boss)).await[ENTERPRISE]["manager"]["value"], boss.as_str());
        assert_eq!(one("replace", &manager, json!(other)).await[ENTERPRISE]["manager"], json!({ "value": other }));
        assert_eq!(one("replace", &manager, "".into()).await[ENTERPRISE].get("manager"), None);
        assert_eq!(idp.get(&path).await.json[ENTERPRISE]["department"], "R&D");
    }

    /// Its preview asks for these.
    async fn the_validator_deletes_twice_and_what_never_was(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        for path in [path_of(&idp.post("/Users", user("len")).await), group(&idp, "Team", &[]).await] {
            assert_eq!(idp.delete(&path).await.status, 204);
            is_refused(&idp.get(&path).await, 404, None);
            is_refused(&idp.delete(&path).await, 404, None);
        }
        for path in [format!("/Users/{NOBODY}"), format!("/Groups/{NOBODY}"), "/Users/x".to_owned()] {
            is_refused(&idp.delete(&path).await, 404, None);
        }
    }

    /// Its preview again: later operations see what earlier ones did.
    async fn the_validator_sends_several_operations_in_one_patch(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let [mira, ben] = people(&idp).await;
        let path = path_of(&idp.post("/Users", user("len")).await);
        let patched = idp.patch(&path, json!([
            { "op": "replace", "path": "displayName", "value": "First" },
            { "op": "remove", "path": "title" },
            { "op": "add", "path": "title", "value": "Lead" },
            { "op": "replace", "path": "displayName", "value": "Last" },
            { "op": "remove", "path": "phoneNumbers[type eq \"fax\"]" },
            { "op": "add", "path": "emails", "value": [{ "type": "home", "value": "len@home.test", "primary": true }] }
        ])).await;
        let user = &patched.json;
        assert_eq!((patched.status, &user["displayName"], &user["title"]), (200, &"Last".into(), &"Lead".into()));
        assert_eq!(user["phoneNumbers"].as_array().unwrap().len(), 2);
        assert_eq!((&user["emails"][0]["primary"], &user["emails"][1]["primary"]), (&false.into(), &true.into()), "the new primary is the only one");
        assert_eq!(user["meta"]["version"], "W/\"2\"", "one change");

        let path = group(&idp, "Team", &[]).await;
        assert_eq!(idp.patch(&path, json!([
            { "op": "add", "path": "members", "value": values(&[&mira]) },
            { "op": "replace", "path": "displayName", "value": "Team Two" },
            { "op": "add", "path": "members", "value": values(&[&ben]) },
            { "op": "remove", "path": format!("members[value eq \"{mira}\"]") }
        ])).await.status, 204);
        assert_eq!(idp.get(&path).await.json["displayName"], "Team Two");
        assert!(holds(&idp, &path, &[&ben]).await);
    }

    async fn the_validator_changes_a_group(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let [mira] = people(&idp).await;
        let body = json!({ "schemas": [GROUP], "displayName": "Team", "externalId": "x-1", "members": [{ "value": mira }] });
        let created = idp.post("/Groups", body.clone()).await;
        let path = path_of(&created);
        assert_eq!(created.json["members"][0]["value"], mira.as_str());
        is_refused(&idp.post("/Groups", body).await, 409, Some("uniqueness"));
        for (at, value) in [("displayName", "Team Two"), ("externalId", "x-2")] {
            assert_eq!(idp.patch(&path, json!([{ "op": "replace", "path": at, "value": value }])).await.status, 204);
            assert_eq!(idp.get(&path).await.json[at], value);
        }
        assert_eq!(idp.patch(&path, json!([{ "op": "replace", "value": { "displayName": "Team Three", "externalId": "x-3" } }])).await.status, 204);
        let before = state_of(&app, &idp, &path).await;
        assert_eq!((&before.0["displayName"], &before.0["externalId"]), (&"Team Three".into(), &"x-3".into()));
        assert_eq!(idp.patch(&path, json!([{ "op": "add", "path": "members", "value": values(&[&mira]) }])).await.status, 204);
        assert_eq!(state_of(&app, &idp, &path).await, before, "she is there already");
        assert_eq!(idp.patch(&path, json!([{ "op": "remove", "path": format!("members[value eq \"{mira}\"]") }])).await.status, 204);
        assert!(holds(&idp, &path, &[]).await);
    }
}
