//! PingOne and PingFederate: PUT for everything, filters without quotes and without sub-attributes, two primary
//! addresses.

use serde_json::{Value, json};

use super::{USER, found, has_access, id_of, is_empty_list, is_refused, path_of};
use crate::support::{PASSWORD, both_databases, user};

fn two_primaries(first: &str, second: &str) -> Value {
    json!({
        "schemas": [USER], "userName": "mira", "externalId": "ping-1", "active": true, "name": { "givenName": "Mira", "familyName": "Olsen" },
        "emails": [{ "type": "work", "value": first, "primary": true }, { "type": "home", "value": second, "primary": true }]
    })
}

both_databases! {
    async fn ping_finds_by_a_bare_list_and_by_words_without_quotes(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        for filter in ["userName eq \"mira@acme.test\"", "userName eq mira@acme.test", "emails eq mira@acme.test", "emails eq \"mira@acme.test\""] {
            is_empty_list(&idp.find("/Users", filter).await);
        }
        let mira = app.provision(&acme, "mira@acme.test").await;
        app.provision(&acme, "ben@acme.test").await;
        for filter in ["userName eq mira@acme.test", "emails eq mira@acme.test", "emails eq \"MIRA@acme.test\"", "emails.value eq mira@acme.test", "emails sw mira@", "userName sw mira"] {
            assert_eq!(found(&idp.find("/Users", filter).await), [&mira.id], "{filter}");
        }
    }

    /// PingFederate lets the administrator choose both.
    async fn ping_finds_by_another_attribute_and_another_operator(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let mira = app.provision(&acme, "mira@acme.test").await;
        app.provision(&acme, "ben@acme.test").await;
        for filter in ["name.givenName eq mira", "name.givenName sw \"MIR\"", "displayName eq \"mira Olsen\"", "displayName co mira", "emails.type eq work and userName eq mira@acme.test"] {
            assert_eq!(found(&idp.find("/Users", filter).await), [&mira.id], "{filter}");
        }
        is_empty_list(&idp.find("/Users", "name.givenName eq olsen").await);
    }

    async fn ping_sends_two_primary_addresses_and_the_first_counts(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let emails = |first: &str, second: &str| json!([{ "type": "work", "value": first, "primary": true }, { "type": "home", "value": second, "primary": false }]);
        let created = idp.post("/Users", two_primaries("a@acme.test", "b@acme.test")).await;
        let path = path_of(&created);
        assert_eq!(created.json["emails"], emails("a@acme.test", "b@acme.test"));
        assert_eq!(found(&idp.find("/Users", "emails[primary eq true].value eq \"a@acme.test\"").await), [id_of(&created)]);
        is_empty_list(&idp.find("/Users", "emails[primary eq true].value eq \"b@acme.test\"").await);
        assert_eq!(app.member(&acme, "a@acme.test").await["access"]["ActivationPending"]["queued"], true);
        let put = idp.put(&path, two_primaries("c@acme.test", "a@acme.test")).await;
        assert_eq!((put.status, &put.json["emails"]), (200, &emails("c@acme.test", "a@acme.test")));
        assert_eq!(idp.get(&path).await.json["emails"], put.json["emails"]);
    }

    async fn ping_lets_go_by_a_put_or_by_a_delete(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let path = path_of(&idp.post("/Users", user("mira@acme.test")).await);
        let browser = app.activate("mira@acme.test").await;
        let put = async |active: bool| {
            let mut body = user("mira@acme.test");
            body["active"] = active.into();
            idp.put(&path, body).await
        };
        assert_eq!(put(false).await.json["active"], false);
        assert!(!has_access(&browser, &acme).await);
        assert_eq!(put(true).await.json["active"], true);
        let back = app.sign_in("mira@acme.test", PASSWORD).await;
        assert!(has_access(&back, &acme).await);
        assert_eq!(idp.delete(&path).await.status, 204);
        assert!(!has_access(&back, &acme).await);
        is_refused(&put(true).await, 404, None);
    }

    async fn ping_may_not_come_with_a_password(app) {
        let acme = app.org("Acme").await;
        // user:secret
        is_refused(&app.idp(&acme).with_authorization(Some("Basic dXNlcjpzZWNyZXQ=")).get("/Users").await, 401, None);
    }
}
