//! authentik as a client: creates first and looks after a conflict, without quotes; one operation for each member, as
//! many in a request as Bulk allows; reads lists without a count.

use serde_json::{Value, json};

use super::{GROUP, USER, found, group, holds, id_of, is_refused, path_of, people, state_of};
use crate::support::both_databases;

fn mira() -> Value {
    json!({
        "schemas": [USER], "userName": "mira", "externalId": "5d1f", "name": { "formatted": "Mira Olsen", "givenName": "Mira", "familyName": "Olsen" },
        "displayName": "Mira Olsen", "active": true, "emails": [{ "value": "mira@acme.test", "type": "other", "primary": true }]
    })
}

fn one_each(op: &str, ids: &[String]) -> Value {
    ids.iter().map(|id| json!({ "op": op, "path": "members", "value": [{ "value": id }] })).collect()
}

both_databases! {
    async fn authentik_takes_the_size_of_its_requests_from_bulk(app) {
        let acme = app.org("Acme").await;
        let config = app.idp(&acme).get("/ServiceProviderConfig").await;
        assert_eq!((config.status, &config.json["patch"]["supported"]), (200, &true.into()));
        assert!(config.json["bulk"]["maxOperations"].as_u64().unwrap() >= 100);
    }

    async fn authentik_looks_without_quotes_for_the_one_who_was_in_its_way(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let first = idp.post("/Users", mira()).await;
        let path = path_of(&first);
        is_refused(&idp.post("/Users", mira()).await, 409, Some("uniqueness"));
        assert_eq!(found(&idp.get("/Users?filter=userName%20eq%20mira").await), [id_of(&first)]);
        let mut changed = mira();
        changed["displayName"] = "Mira Hart".into();
        assert_eq!(idp.put(&path, changed.clone()).await.json["displayName"], "Mira Hart");
        // A link to somebody who is gone is dropped, and she is created again.
        assert_eq!(idp.delete(&path).await.status, 204);
        is_refused(&idp.put(&path, changed.clone()).await, 404, None);
        assert_ne!(path_of(&idp.post("/Users", changed).await), path);
    }

    async fn authentik_renames_a_group_with_all_of_it_in_one_value(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let body = json!({ "schemas": [GROUP], "externalId": "pk-1", "displayName": "Acme Engineers" });
        let created = idp.post("/Groups", body.clone()).await;
        let path = path_of(&created);
        is_refused(&idp.post("/Groups", body).await, 409, Some("uniqueness"));
        assert_eq!(found(&idp.find("/Groups", "displayName eq \"Acme Engineers\"").await), [id_of(&created)]);
        let whole = |name: &str| json!([{ "op": "replace", "value": { "schemas": [GROUP], "displayName": name, "externalId": "pk-1", "id": id_of(&created) } }]);
        assert_eq!(idp.patch(&path, whole("Acme Eng")).await.status, 204);
        let renamed = idp.get(&path).await.json;
        assert_eq!((&renamed["displayName"], &renamed["externalId"], &renamed["id"]), (&"Acme Eng".into(), &"pk-1".into(), &created.json["id"]));
        let before = state_of(&app, &idp, &path).await;
        assert_eq!(idp.patch(&path, whole("Acme Eng")).await.status, 204);
        assert_eq!(state_of(&app, &idp, &path).await, before);
        assert_eq!(idp.delete(&path).await.status, 204);
    }

    async fn authentik_adds_and_removes_each_member_by_an_operation_of_its_own(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let crowd = app.crowd(&acme, 1_000).await;
        let [mira] = people(&idp).await;
        let path = group(&idp, "Acme Engineers", &[&mira]).await;
        assert_eq!(idp.patch(&path, one_each("add", &crowd)).await.status, 204);
        let members = idp.get(&path).await.json["members"].as_array().unwrap().len();
        assert_eq!(members, 1_001, "it compares with the whole list");
        assert_eq!(idp.patch(&path, one_each("remove", &crowd[..998])).await.status, 204);
        assert!(holds(&idp, &path, &[&crowd[998], &crowd[999], &mira]).await);
    }

    async fn authentik_reads_on_from_an_index_without_a_count(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        app.crowd(&acme, 150).await;
        group(&idp, "Acme Engineers", &[]).await;
        let (mut start, mut seen) = (1, vec![]);
        loop {
            let page = idp.get(&format!("/Users?startIndex={start}")).await;
            let ids = found(&page);
            assert_eq!((&page.json["itemsPerPage"], &page.json["totalResults"]), (&ids.len().into(), &150.into()));
            if ids.is_empty() {
                break;
            }
            start += ids.len();
            seen.extend(ids.into_iter().map(str::to_owned));
        }
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 150);
        assert_eq!(found(&idp.get("/Groups?startIndex=1").await).len(), 1);
        assert_eq!(found(&idp.get("/Groups?startIndex=2").await).len(), 0);
    }
}
