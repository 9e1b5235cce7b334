//! Keycloak with its SCIM extension: a group's whole member list in one value, whatever changed in it.

use serde_json::{Value, json};

use super::{GROUP, group, holds, is_refused, people, state_of, values};
use crate::support::both_databases;

both_databases! {
    async fn keycloak_sends_a_groups_whole_member_list_in_one_value(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let crowd = app.crowd(&acme, 6_000).await;
        let [mira] = people(&idp).await;
        let path = group(&idp, "Everybody", &[&mira]).await;
        // About 200 bytes for each, as its references make them.
        let member = |id: &String| json!({ "value": id, "$ref": format!("https://id.rollcall.test/scim/{}/v2/Users/{id}", acme.id), "type": "User", "display": format!("{id}@acme.test") });
        let whole = |ids: &[String]| json!([{ "op": "replace", "value": {
            "schemas": [GROUP], "displayName": "Everybody", "members": ids.iter().map(member).collect::<Value>()
        } }]);
        assert!(whole(&crowd).to_string().len() > 1_000_000);
        let count = async || idp.get(&path).await.json["members"].as_array().map_or(0, Vec::len);
        assert_eq!(idp.patch(&path, whole(&crowd)).await.status, 204);
        assert_eq!(count().await, 6_000, "those, and nobody else");
        let before = state_of(&app, &idp, &path).await;
        assert_eq!(idp.patch(&path, whole(&crowd)).await.status, 204);
        assert!(state_of(&app, &idp, &path).await == before, "the same list is nothing");
        // One came and two went.
        let mut changed = crowd[2..].to_vec();
        changed.push(mira.clone());
        assert_eq!(idp.patch(&path, whole(&changed)).await.status, 204);
        assert_eq!(count().await, 5_999);
        let newest = app.audit(&acme).await.into_iter().find(|row| row.action == "group.changed").unwrap();
        assert_eq!(newest.details, ["added: 1", "removed: 2", "attributes: members"], "rows, not lists, change");
        assert_eq!(idp.patch(&path, whole(&changed[5_997..])).await.status, 204);
        assert!(holds(&idp, &path, &[&changed[5_997], &mira]).await);
        // A member without an id is a mistake, not an empty list.
        is_refused(&idp.patch(&path, json!([{ "op": "replace", "value": { "members": [{ "display": "somebody" }] } }])).await, 400, Some("invalidValue"));
        assert_eq!(idp.patch(&path, json!([{ "op": "replace", "value": { "members": values(&[]) } }])).await.status, 204);
        assert!(holds(&idp, &path, &[]).await);
    }
}
