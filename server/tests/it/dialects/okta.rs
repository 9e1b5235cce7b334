//! Okta: matches by a filter, creates, puts back what it has read, patches `active` without a path, and says a group's
//! name again before each change of its members.

use serde_json::{Value, json};

use super::{
    GROUP, NOBODY, USER, found, group, has_access, holds, id_in, id_of, is_empty_list, is_refused, path_of, people, state_of, values,
};
use crate::support::{Idp, Org, PASSWORD, TestApp, both_databases, patch_active, user};

const FIND_MIRA: &str = "/Users?filter=userName%20eq%20%22mira.olsen%40acme.test%22&startIndex=1&count=100";
const FIND_ENGINEERS: &str = "/Groups?filter=displayName%20eq%20%22Acme%20Engineers%22&startIndex=1&count=100";

fn okta(app: &TestApp, org: &Org) -> Idp {
    let headers = [("user-agent", "Okta SCIM Client 1.0.0"), ("accept-charset", "utf-8")];
    app.idp(org).with_headers(&headers).sending("application/scim+json; charset=utf-8")
}

fn mira() -> Value {
    json!({
        "schemas": [USER], "userName": "mira.olsen@acme.test", "name": { "givenName": "Mira", "familyName": "Olsen" },
        "emails": [{ "primary": true, "value": "mira.olsen@acme.test", "type": "work" }],
        "displayName": "Mira Olsen", "locale": "en-US", "externalId": "00u7k2exampleMIRA", "groups": [], "password": "1mz050nq", "active": true
    })
}

/// What Okta sends before it changes a group's members.
fn rename(id: &str) -> Value {
    json!([{ "op": "replace", "value": { "id": id, "displayName": "Acme Engineers" } }])
}

both_databases! {
    /// §1.1: integers are numbers, and an empty list is no 404.
    async fn okta_tests_its_credentials_by_reading_two_lists(app) {
        let acme = app.org("Acme").await;
        let idp = okta(&app, &acme);
        is_empty_list(&idp.get("/Users?startIndex=1&count=2").await);
        is_empty_list(&idp.get("/Groups?startIndex=1&count=100").await);
        let wrong = idp.with_authorization(Some("Bearer wrong")).get("/Users?startIndex=1&count=2").await;
        is_refused(&wrong, 401, None);
        assert_eq!(wrong.headers["www-authenticate"], "Bearer realm=\"scim\"");
    }

    /// §1.2: page by page until the index is beyond the total.
    async fn okta_imports_each_user_once_and_groups_with_their_members(app) {
        let acme = app.org("Acme").await;
        let idp = okta(&app, &acme);
        app.crowd(&acme, 250).await;
        let (mut seen, mut start) = (vec![], 1);
        loop {
            let page = idp.get(&format!("/Users?startIndex={start}&count=100")).await;
            seen.extend(found(&page).into_iter().map(str::to_owned));
            start += 100;
            if start > page.json["totalResults"].as_u64().unwrap() {
                break;
            }
        }
        assert_eq!(seen.len(), 250);
        let everybody = seen.clone();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 250, "nobody twice");

        let pair = [everybody[0].as_str(), everybody[249].as_str()];
        group(&idp, "Acme Engineers", &pair).await;
        app.advance(std::time::Duration::from_secs(1));
        group(&idp, "Acme Managers", &[]).await;
        let groups = idp.get("/Groups?startIndex=1&count=100").await.json;
        let members: Vec<_> = groups["Resources"].as_array().unwrap().iter().map(|group| group["members"].as_array().unwrap().len()).collect();
        assert_eq!(members, [2, 0]);
    }

    /// §1.3
    async fn okta_assigns_a_person_who_then_has_access(app) {
        let acme = app.org("Acme").await;
        let idp = okta(&app, &acme);
        is_empty_list(&idp.get(FIND_MIRA).await);
        let created = idp.post("/Users", mira()).await;
        let path = path_of(&created);
        let mut expected = mira();
        for dropped in ["groups", "password"] {
            expected.as_object_mut().unwrap().remove(dropped);
        }
        for own in ["id", "meta"] {
            expected[own] = created.json[own].clone();
        }
        assert_eq!(created.json, expected, "whole, and without what is not kept");
        assert_eq!(idp.get(&path).await.json, created.json);
        assert_eq!(idp.get("/Users?startIndex=1&count=1").await.json["Resources"][0], created.json);
        assert_eq!(found(&idp.get(FIND_MIRA).await), [id_of(&created)]);
        let browser = app.activate("mira.olsen@acme.test").await;
        assert!(has_access(&browser, &acme).await);
        // What Okta sent as her password opens nothing.
        let guess = app.browser().call("sign_in", &[("email", "mira.olsen@acme.test"), ("password", "1mz050nq")]).await;
        assert_eq!(guess.status, 401);
    }

    /// §1.3: shown to the administrator as it is.
    async fn okta_is_told_that_somebody_active_has_the_name_already(app) {
        let acme = app.org("Acme").await;
        let idp = okta(&app, &acme);
        let path = path_of(&idp.post("/Users", mira()).await);
        let before = state_of(&app, &idp, &path).await;
        let mut shouted = mira();
        shouted["userName"] = "MIRA.OLSEN@acme.test".into();
        for again in [mira(), shouted] {
            is_refused(&idp.post("/Users", again).await, 409, Some("uniqueness"));
        }
        assert_eq!(state_of(&app, &idp, &path).await, before);
        assert_eq!(idp.get("/Users").await.json["totalResults"], 1);
    }

    /// §1.3: in a query a bare `+` is a space; Okta encodes the one that is none.
    async fn okta_finds_a_name_with_a_plus(app) {
        let acme = app.org("Acme").await;
        let idp = okta(&app, &acme);
        let created = idp.post("/Users", user("mira+test@acme.test")).await;
        path_of(&created);
        assert_eq!(found(&idp.get("/Users?filter=userName%20eq%20%22mira%2Btest%40acme.test%22").await), [id_of(&created)]);
        is_empty_list(&idp.get("/Users?filter=userName+eq+%22mira+test%40acme.test%22").await);
    }

    /// §1.4: whatever a GET gave comes back, with the profile laid over it.
    async fn okta_puts_back_what_it_has_read_with_a_new_profile(app) {
        let acme = app.org("Acme").await;
        let idp = okta(&app, &acme);
        let created = idp.post("/Users", mira()).await;
        let path = path_of(&created);
        let browser = app.activate("mira.olsen@acme.test").await;
        let engineers = group(&idp, "Acme Engineers", &[id_of(&created)]).await;

        let mut merged = idp.get(&path).await.json;
        merged["name"] = json!({ "givenName": "Mira", "middleName": "", "familyName": "Olsen-Hart" });
        merged["displayName"] = "Mira Olsen-Hart".into();
        merged["emails"][0]["display"] = "mira.olsen@acme.test".into();
        merged["groups"] = json!([]);
        merged["meta"] = json!({ "resourceType": "User" });
        merged["customAttribute"] = "not ours".into();
        app.advance(std::time::Duration::from_secs(1));
        let put = idp.put(&path, merged).await;
        assert_eq!(put.status, 200, "{}", put.text);
        let after = idp.get(&path).await.json;
        assert_eq!(put.json, after, "whole");
        assert_eq!((&after["displayName"], &after["name"]["familyName"]), (&"Mira Olsen-Hart".into(), &"Olsen-Hart".into()));
        assert_eq!((&after["id"], &after["externalId"], &after["active"]), (&created.json["id"], &"00u7k2exampleMIRA".into(), &true.into()));
        assert_eq!((&after["meta"]["created"], &after["meta"]["location"]), (&created.json["meta"]["created"], &created.json["meta"]["location"]));
        assert_ne!(after["meta"]["lastModified"], created.json["meta"]["lastModified"]);
        assert_eq!(after.get("customAttribute"), None, "what no schema lists is not kept");
        assert!(holds(&idp, &engineers, &[id_of(&created)]).await, "a user's groups are read-only");
        assert_eq!(after["groups"][0]["display"], "Acme Engineers");
        assert!(has_access(&browser, &acme).await);

        // The same once more is nothing.
        let before = state_of(&app, &idp, &path).await;
        assert_eq!(idp.put(&path, before.0.clone()).await.json, before.0);
        assert_eq!(state_of(&app, &idp, &path).await, before);
    }

    /// §1.4: a profile push lets nobody in or out, whatever it leaves out.
    async fn okta_puts_a_profile_without_active_and_nobody_comes_or_goes(app) {
        let acme = app.org("Acme").await;
        let idp = okta(&app, &acme);
        let path = path_of(&idp.post("/Users", mira()).await);
        let browser = app.activate("mira.olsen@acme.test").await;
        let profile = |title: &str| json!({ "schemas": [USER], "userName": "mira.olsen@acme.test", "title": title });
        let put = idp.put(&path, profile("Engineer")).await.json;
        assert_eq!((&put["active"], &put["externalId"]), (&true.into(), &"00u7k2exampleMIRA".into()));
        assert!(has_access(&browser, &acme).await);
        idp.patch(&path, patch_active(false)).await;
        assert_eq!(idp.put(&path, profile("Manager")).await.json["active"], false);
        assert!(!has_access(&browser, &acme).await);
    }

    /// §1.5
    async fn okta_unassigns_and_finds_her_again_to_assign_her(app) {
        let acme = app.org("Acme").await;
        let idp = okta(&app, &acme);
        let created = idp.post("/Users", mira()).await;
        let path = path_of(&created);
        let browser = app.activate("mira.olsen@acme.test").await;
        let engineers = group(&idp, "Acme Engineers", &[id_of(&created)]).await;

        assert_eq!(idp.patch(&path, patch_active(false)).await.json["active"], false);
        assert!(!has_access(&browser, &acme).await);
        let inactive = idp.get(FIND_MIRA).await;
        assert_eq!((found(&inactive), &inactive.json["Resources"][0]["active"]), (vec![id_of(&created)], &false.into()));
        assert_eq!(idp.patch(&path, patch_active(true)).await.json["active"], true);
        assert!(!has_access(&browser, &acme).await, "an old session stays dead");
        let again = app.sign_in("mira.olsen@acme.test", PASSWORD).await;
        assert!(has_access(&again, &acme).await);
        assert!(holds(&idp, &engineers, &[id_of(&created)]).await);

        // The wizard's custom application does the same by a PUT of what it has read.
        for active in [false, true] {
            let mut whole = idp.get(&path).await.json;
            whole["active"] = active.into();
            assert_eq!(idp.put(&path, whole).await.json["active"], active);
            assert!(!has_access(&again, &acme).await);
        }
        assert_eq!(app.mailed_link("mira.olsen@acme.test").await, None, "her address is proven already");
    }

    /// §1.5: where its filter did not find her, Okta posts her again.
    async fn okta_posts_somebody_again_and_the_one_who_left_is_restored(app) {
        let acme = app.org("Acme").await;
        let idp = okta(&app, &acme);
        let created = idp.post("/Users", mira()).await;
        let path = path_of(&created);
        app.activate("mira.olsen@acme.test").await;
        let engineers = group(&idp, "Acme Engineers", &[id_of(&created)]).await;
        idp.patch(&path, patch_active(false)).await;

        // Somebody else with her name, or somebody of whom Okta says no more than the name, is a conflict.
        for (case, external_id) in [("another", json!("00u9another")), ("none", Value::Null)] {
            let mut other = mira();
            other["externalId"] = external_id;
            is_refused(&idp.post("/Users", other).await, 409, Some("uniqueness"));
            assert_eq!(idp.get(&path).await.json["active"], false, "{case}");
        }
        let mut again = mira();
        again["userName"] = "Mira.Olsen@acme.test".into();
        again["displayName"] = "Mira Olsen-Hart".into();
        let posted = idp.post("/Users", again).await;
        assert_eq!(path_of(&posted), path, "she is who she was");
        let restored = idp.get(&path).await.json;
        assert_eq!((&restored["active"], &restored["displayName"], &restored["userName"]), (&true.into(), &"Mira Olsen-Hart".into(), &"Mira.Olsen@acme.test".into()));
        assert_eq!(idp.get("/Users").await.json["totalResults"], 1);
        assert!(holds(&idp, &engineers, &[id_of(&created)]).await);
        let browser = app.sign_in("mira.olsen@acme.test", PASSWORD).await;
        assert!(has_access(&browser, &acme).await);
    }

    /// §1.6: match, create, change, push everything, and an application of the wizard's that puts and deletes.
    async fn okta_pushes_a_group(app) {
        let acme = app.org("Acme").await;
        let idp = okta(&app, &acme);
        let [mira, ben, eve] = people(&idp).await;
        is_empty_list(&idp.get(FIND_ENGINEERS).await);
        let created = idp.post("/Groups", json!({ "schemas": [GROUP], "displayName": "Acme Engineers", "members": [] })).await;
        let (path, id) = (path_of(&created), id_of(&created));
        assert_eq!((&created.json["displayName"], &created.json["members"]), (&"Acme Engineers".into(), &json!([])));
        assert_eq!(found(&idp.get(FIND_ENGINEERS).await), [id]);

        let with_display = |ids: &[&String]| ids.iter().map(|id| json!({ "value": id, "display": "somebody@acme.test" })).collect::<Value>();
        for (operations, expected) in [
            (rename(id), vec![]),
            (json!([{ "op": "add", "path": "members", "value": with_display(&[&mira, &ben]) }]), vec![&mira, &ben]),
            (
                json!([
                    { "op": "remove", "path": format!("members[value eq \"{ben}\"]") },
                    { "op": "add", "path": "members", "value": with_display(&[&mira]) }
                ]),
                vec![&mira],
            ),
            (json!([{ "op": "replace", "path": "members", "value": with_display(&[&mira, &eve]) }]), vec![&mira, &eve]),
            (json!([{ "op": "replace", "path": "members", "value": [] }]), vec![]),
            (json!([{ "op": "replace", "value": { "members": with_display(&[&ben]) } }]), vec![&ben]),
            (rename(id), vec![&ben]),
            (json!([{ "op": "replace", "value": { "id": id, "displayName": "Acme Engineers", "members": [] } }]), vec![]),
        ] {
            assert_eq!(idp.patch(&path, operations.clone()).await.status, 204, "{operations}");
            let expected: Vec<_> = expected.into_iter().map(String::as_str).collect();
            assert!(holds(&idp, &path, &expected).await, "{operations}");
        }

        let put = idp.put(&path, json!({ "schemas": [GROUP], "id": id, "displayName": "Acme Engineering", "members": with_display(&[&ben]) })).await;
        assert_eq!((put.status, &put.json["displayName"]), (200, &"Acme Engineering".into()));
        assert!(holds(&idp, &path, &[&ben]).await);
        assert_eq!(idp.put(&path, json!({ "displayName": "Acme Engineering" })).await.status, 200);
        assert!(holds(&idp, &path, &[&ben]).await, "absent, `members` keeps who is there");
        assert_eq!(idp.put(&path, json!({ "displayName": "Acme Engineering", "members": [] })).await.status, 200);
        assert!(holds(&idp, &path, &[]).await);
        assert_eq!(idp.delete(&path).await.status, 204);
        is_refused(&idp.get(&path).await, 404, None);
        assert_eq!(idp.get(&format!("/Users/{ben}")).await.status, 200, "users outlive their groups");
    }

    /// §1.6: a 400 here would stop the pushes of members, and a change would be written before each of them.
    async fn okta_says_a_groups_name_again_and_nothing_is_written(app) {
        let acme = app.org("Acme").await;
        let idp = okta(&app, &acme);
        let [mira] = people(&idp).await;
        let path = group(&idp, "Acme Engineers", &[&mira]).await;
        let before = state_of(&app, &idp, &path).await;
        for _ in 0..3 {
            assert_eq!(idp.patch(&path, rename(id_in(&path))).await.status, 204);
        }
        assert_eq!(state_of(&app, &idp, &path).await, before);
    }

    /// §1.6: Okta gives up on a push for good when it is answered by a 400.
    async fn okta_names_people_whom_it_never_pushed_and_the_others_are_members(app) {
        let acme = app.org("Acme").await;
        let idp = okta(&app, &acme);
        let [mira, ben] = people(&idp).await;
        let path = path_of(&idp.post("/Groups", json!({ "displayName": "Acme Engineers", "members": values(&[NOBODY, &mira, "u_404"]) })).await);
        assert!(holds(&idp, &path, &[&mira]).await);
        assert_eq!(idp.patch(&path, json!([{ "op": "add", "path": "members", "value": values(&[NOBODY, &ben]) }])).await.status, 204);
        assert!(holds(&idp, &path, &[&mira, &ben]).await);
        assert_eq!(idp.patch(&path, json!([{ "op": "replace", "path": "members", "value": values(&["u_404", &ben]) }])).await.status, 204);
        assert!(holds(&idp, &path, &[&ben]).await);
        assert_eq!(idp.put(&path, json!({ "displayName": "Acme Engineers", "members": values(&[NOBODY, &mira]) })).await.status, 200);
        assert!(holds(&idp, &path, &[&mira]).await);
    }

    /// The wizard has people type `Bearer <token>`, and the sources disagree on whether Okta adds the word itself.
    async fn okta_may_send_the_word_bearer_once_twice_or_not_at_all(app) {
        let acme = app.org("Acme").await;
        let token = &acme.token;
        for (number, header) in [format!("Bearer {token}"), format!("Bearer Bearer {token}"), token.clone(), format!("BEARER  {token} ")].into_iter().enumerate() {
            let idp = okta(&app, &acme).with_authorization(Some(&header));
            let created = idp.post("/Users", json!({ "userName": format!("p{number}@acme.test"), "active": false })).await;
            assert_eq!(idp.get(&path_of(&created)).await.status, 200, "{header}");
        }
        let without_prefix = token.split_once('_').unwrap().1;
        for header in [format!("Token {token}"), format!("Basic {token}"), format!("Bearer Bearer Bearer {token}"), without_prefix.to_owned(), format!("Bearer {token} {token}")] {
            is_refused(&okta(&app, &acme).with_authorization(Some(&header)).get("/Users").await, 401, None);
        }
        assert_eq!(okta(&app, &acme).get("/Users").await.json["totalResults"], 4);
    }
}
