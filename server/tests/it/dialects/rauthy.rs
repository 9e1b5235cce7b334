//! Rauthy as a client: knows people and groups by their externalId, which has to come back as it was sent, and lets
//! them go by taking it away.

use serde_json::{Value, json};

use super::{GROUP, USER, found, group, has_access, holds, id_of, is_empty_list, is_refused, path_of, people, values};
use crate::support::{both_databases, filtered};

fn mira(external_id: Value) -> Value {
    json!({
        "schemas": [USER], "userName": "mira@acme.test", "externalId": external_id, "active": true, "displayName": "Mira Olsen",
        "emails": [{ "value": "mira@acme.test", "primary": true }]
    })
}

both_databases! {
    async fn rauthy_finds_by_external_id_and_then_by_name(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let find = |filter: &str| format!("/Users?{}", filtered(filter));
        is_empty_list(&idp.get(&find("externalId eq \"Rauthy-7\"")).await);
        is_empty_list(&idp.get(&find("userName eq \"mira@acme.test\"")).await);
        let created = idp.post("/Users", mira("Rauthy-7".into())).await;
        path_of(&created);
        assert_eq!(created.json["externalId"], "Rauthy-7");
        assert_eq!(found(&idp.get(&find("externalId eq \"Rauthy-7\"")).await), [id_of(&created)]);
        is_empty_list(&idp.get(&find("externalId eq \"rauthy-7\"")).await);
    }

    /// Where it may not delete, it forgets: she stays, and so does her access.
    async fn rauthy_takes_its_id_away_and_somebody_stays(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let path = path_of(&idp.post("/Users", mira("rauthy-7".into())).await);
        let browser = app.activate("mira@acme.test").await;
        for way in ["patch", "put"] {
            let unlinked = match way {
                "patch" => idp.patch(&path, json!([{ "op": "replace", "value": { "externalId": null } }])).await,
                _ => idp.put(&path, mira(Value::Null)).await,
            };
            assert_eq!((unlinked.status, unlinked.json.get("externalId")), (200, None), "{way}");
            is_empty_list(&idp.find("/Users", "externalId eq \"rauthy-7\"").await);
            let user = idp.get(&path).await.json;
            assert_eq!((&user["active"], &user["displayName"]), (&true.into(), &"Mira Olsen".into()));
            assert!(has_access(&browser, &acme).await, "{way}");
            // Found by her name, she is linked again.
            assert_eq!(found(&idp.find("/Users", "userName eq \"mira@acme.test\"").await).len(), 1);
            assert_eq!(idp.put(&path, mira("rauthy-7".into())).await.json["externalId"], "rauthy-7");
        }
        assert_eq!(idp.delete(&path).await.status, 204);
        assert!(!has_access(&browser, &acme).await);
    }

    async fn rauthy_keeps_groups_by_external_id(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let [ben, eve] = people(&idp).await;
        is_empty_list(&idp.get("/Groups?startIndex=1&count=100").await);
        is_empty_list(&idp.find("/Groups", "externalId eq \"g-4\"").await);
        is_empty_list(&idp.find("/Groups", "displayName eq \"Engineers\"").await);
        let created = idp.post("/Groups", json!({ "schemas": [GROUP], "externalId": "g-4", "displayName": "Engineers" })).await;
        let path = path_of(&created);
        assert_eq!(created.json["externalId"], "g-4");
        assert_eq!(idp.patch(&path, json!([{ "op": "replace", "value": { "displayName": "Eng", "externalId": "g-4" } }])).await.status, 204);
        assert_eq!(found(&idp.find("/Groups", "externalId eq \"g-4\"").await), [id_of(&created)]);
        // Another group may not have it.
        let other = group(&idp, "Managers", &[]).await;
        is_refused(&idp.patch(&other, json!([{ "op": "replace", "value": { "externalId": "g-4" } }])).await, 409, Some("uniqueness"));

        let add = json!([{ "op": "add", "path": "members", "value": [{ "value": ben, "display": "ben@acme.test" }, { "value": eve, "display": "eve@acme.test" }] }]);
        assert_eq!(idp.patch(&path, add).await.status, 204);
        assert_eq!(idp.patch(&path, json!([{ "op": "remove", "path": "members", "value": values(&[&ben]) }])).await.status, 204);
        assert!(holds(&idp, &path, &[&eve]).await);
        assert_eq!(idp.patch(&path, json!([{ "op": "replace", "value": { "externalId": null } }])).await.status, 204);
        let unlinked = idp.get(&path).await.json;
        assert_eq!((unlinked.get("externalId"), &unlinked["displayName"]), (None, &"Eng".into()));
        assert!(holds(&idp, &path, &[&eve]).await);
    }
}
