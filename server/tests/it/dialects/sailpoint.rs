//! SailPoint: reads the schemas before it does anything, aggregates everything page by page, and may write a user's
//! groups on the user, where they are read-only.

use serde_json::{Value, json};

use super::{ENTERPRISE, GROUP, USER, found, group, has_access, holds, id_in, id_of, path_of, people, state_of, values};
use crate::support::{both_databases, user};

both_databases! {
    /// The single forms too, each by its name.
    async fn sailpoint_reads_what_resources_are_made_of(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        assert_eq!(idp.get("/ServiceProviderConfig").await.status, 200);
        let types = idp.get("/ResourceTypes").await.json;
        assert_eq!((&types["totalResults"], &types["Resources"][0]["id"], &types["Resources"][1]["id"]), (&2.into(), &"User".into(), &"Group".into()));
        for (name, schema) in [("User", USER), ("Group", GROUP)] {
            let one = idp.get(&format!("/ResourceTypes/{name}")).await.json;
            assert_eq!((&one["schema"], &one["endpoint"]), (&schema.into(), &format!("/{name}s").into()));
            assert_eq!(idp.get(&format!("/Schemas/{schema}")).await.json["id"], schema);
        }
        assert_eq!(idp.get("/ResourceTypes/User").await.json["schemaExtensions"], json!([{ "schema": ENTERPRISE, "required": false }]));
        let schemas = idp.get("/Schemas").await.json;
        assert_eq!(schemas["totalResults"], 3);
        let groups = schemas["Resources"][0]["attributes"].as_array().unwrap().iter().find(|attribute| attribute["name"] == "groups").unwrap();
        assert_eq!(groups["mutability"], "readOnly");
        assert!(!schemas.to_string().contains("\"password\""), "what is never kept is not advertised");
    }

    async fn sailpoint_aggregates_users_and_groups_page_by_page(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        app.crowd(&acme, 120).await;
        let [first, second] = [1, 101].map(|start| format!("/Users?startIndex={start}&count=100"));
        let (first, second) = (idp.get(&first).await, idp.get(&second).await);
        assert_eq!((found(&first).len(), found(&second).len(), &second.json["startIndex"]), (100, 20, &101.into()));
        assert!(found(&first).iter().all(|id| !found(&second).contains(id)));
        for name in ["Engineers", "Managers"] {
            group(&idp, name, &[]).await;
        }
        assert_eq!(found(&idp.get("/Groups?startIndex=1&count=100").await).len(), 2);
    }

    /// Its switch `updateGroupsViaUsers`: ignored rather than failed, and never obeyed.
    async fn sailpoint_writes_the_groups_of_a_user_in_vain(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let engineers = group(&idp, "Engineers", &[]).await;
        let groups = json!([{ "value": id_in(&engineers), "display": "Engineers" }]);
        let mut body = user("mira@acme.test");
        body["groups"] = groups.clone();
        let created = idp.post("/Users", body.clone()).await;
        let path = path_of(&created);
        assert_eq!(created.json.get("groups"), None);
        let before = state_of(&app, &idp, &path).await;
        for answer in [
            idp.put(&path, body).await,
            idp.patch(&path, json!([{ "op": "replace", "value": { "groups": groups } }])).await,
            idp.patch(&path, json!([{ "op": "add", "value": { "groups": groups } }])).await,
        ] {
            assert_eq!((answer.status, &answer.json), (200, &before.0), "{}", answer.text);
        }
        assert_eq!(state_of(&app, &idp, &path).await, before);
        assert!(holds(&idp, &engineers, &[]).await);
        // Nor does it take her out.
        idp.patch(&engineers, json!([{ "op": "add", "path": "members", "value": values(&[id_of(&created)]) }])).await;
        assert_eq!(idp.patch(&path, json!([{ "op": "replace", "value": { "groups": [] } }])).await.json["groups"][0]["display"], "Engineers");
        assert!(holds(&idp, &engineers, &[id_of(&created)]).await);
    }

    async fn sailpoint_disables_by_patch_and_changes_members_one_by_one(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let [ben] = people(&idp).await;
        let created = idp.post("/Users", user("mira@acme.test")).await;
        let path = path_of(&created);
        assert_eq!(idp.get(&path).await.json, created.json);
        let browser = app.activate("mira@acme.test").await;
        let engineers = group(&idp, "Engineers", &[&ben]).await;
        let change = async |operations: Value| idp.patch(&engineers, operations).await.status;
        assert_eq!(change(json!([{ "op": "add", "path": "members", "value": values(&[id_of(&created)]) }])).await, 204);
        assert!(holds(&idp, &engineers, &[&ben, id_of(&created)]).await);
        assert_eq!(change(json!([{ "op": "remove", "path": format!("members[value eq \"{ben}\"]") }])).await, 204);
        assert!(holds(&idp, &engineers, &[id_of(&created)]).await);
        assert_eq!(idp.patch(&path, json!([{ "op": "replace", "path": "active", "value": false }])).await.json["active"], false);
        assert!(!has_access(&browser, &acme).await);
        assert_eq!(idp.delete(&path).await.status, 204);
        assert!(holds(&idp, &engineers, &[]).await);
    }
}
