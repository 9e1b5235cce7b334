//! Comparison keys that an older version of the program has made are made again.

use directory::provisioning::index;
use serde_json::json;

use crate::support::{Idp, TestApp, both_databases, id};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

async fn found(idp: &Idp, path: &str, filter: &str) -> Vec<String> {
    idp.find(path, filter).await.resources().iter().map(id).collect()
}

/// As if older rules had made all keys.
async fn forget_the_keys(app: &TestApp) {
    for sql in [
        "DELETE FROM scim_user_values",
        "UPDATE scim_users SET indexed_by = 0, user_name_key = 'old ' || user_name",
        "UPDATE scim_groups SET indexed_by = 0, display_name_key = 'old ' || display_name",
    ] {
        app.database.try_run(sql).await.unwrap();
    }
}

both_databases! {
    async fn renewed_keys_find_everybody_again(app) {
        let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
        let mut made = vec![];
        for org in [&acme, &globex] {
            let idp = app.idp(org);
            let body = json!({
                "userName": "Mira", "title": "Chief", "active": false, "name": { "familyName": "Olsen" },
                "emails": [{ "value": "a@acme.test", "type": "home" }, { "value": "Mira@acme.test", "type": "work", "primary": true }],
                ENTERPRISE: { "department": "R&D" },
            });
            let user = id(&idp.post("/Users", body).await.json);
            let group = id(&idp.post("/Groups", json!({ "displayName": "Engineers" })).await.json);
            made.push((idp, user, group));
        }
        // More than one batch.
        app.crowd(&acme, 450).await;
        assert_eq!(index::renew(&app.database.as_owner().await).await.unwrap(), 450);
        assert_eq!(index::renew(&app.database.as_owner().await).await.unwrap(), 0);
        let filters = [
            "userName eq \"MIRA\"", "title eq \"chief\"", "name.familyName sw \"ols\"", "emails[type eq \"work\" and value eq \"mira@acme.test\"]",
            &format!("{ENTERPRISE}:department eq \"r&d\""), "emails pr and title pr",
        ];
        let mut texts = vec![];
        for (idp, user, _) in &made {
            texts.push(idp.get(&format!("/Users/{user}")).await.text);
        }
        forget_the_keys(&app).await;
        for (idp, _, _) in &made {
            for filter in filters {
                assert!(found(idp, "/Users", filter).await.is_empty(), "{filter}");
            }
        }
        assert_eq!(index::renew(&app.database.as_owner().await).await.unwrap(), 450 + 4);
        for (number, (idp, user, group)) in made.iter().enumerate() {
            for filter in filters {
                assert_eq!(found(idp, "/Users", filter).await, [user.as_str()], "{filter}");
            }
            assert_eq!(found(idp, "/Groups", "displayName eq \"ENGINEERS\"").await, [group.as_str()]);
            assert_eq!(idp.get(&format!("/Users/{user}")).await.text, texts[number], "nothing that a client sees has changed");
            assert_eq!(idp.post("/Users", json!({ "userName": "mira" })).await.status, 409);
            let sorted = idp.get("/Users?sortBy=emails&count=1").await;
            assert_eq!(&id(&sorted.resources()[0]), user);
        }
        assert_eq!(index::renew(&app.database.as_owner().await).await.unwrap(), 0);
    }

    async fn two_whose_keys_become_the_same_are_both_kept(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let mut users = vec![];
        let mut groups = vec![];
        for name in ["mira", "another", "ben"] {
            users.push(id(&idp.post("/Users", json!({ "userName": name, "title": name, "active": false })).await.json));
            groups.push(id(&idp.post("/Groups", json!({ "displayName": name })).await.json));
        }
        // Older rules held these two names apart.
        for sql in [
            "UPDATE scim_users SET user_name = 'MIRA', attributes = replace(CAST(attributes AS text), '\"another\"', '\"MIRA\"') WHERE user_name = 'another'",
            "UPDATE scim_users SET indexed_by = 0, user_name_key = user_name",
            "UPDATE scim_groups SET display_name = 'MIRA' WHERE display_name = 'another'",
            "UPDATE scim_groups SET indexed_by = 0, display_name_key = display_name",
            "DELETE FROM scim_user_values",
        ] {
            app.database.try_run(sql).await.unwrap();
        }
        assert_eq!(index::renew(&app.database.as_owner().await).await.unwrap(), 6);
        assert_eq!(index::renew(&app.database.as_owner().await).await.unwrap(), 0, "it ends");
        for (endpoint, ids) in [("/Users", &users), ("/Groups", &groups)] {
            assert_eq!(idp.get(endpoint).await.resources().len(), 3);
            for id in ids {
                assert_eq!(idp.get(&format!("{endpoint}/{id}")).await.status, 200);
            }
        }
        // One of the two has the name; the other is found by whatever else she has.
        assert_eq!(found(&idp, "/Users", "userName eq \"mira\"").await.len(), 1);
        assert_eq!(found(&idp, "/Users", "title pr").await.len(), 3);
        assert_eq!(found(&idp, "/Users", "userName eq \"BEN\"").await, [users[2].as_str()]);
        assert_eq!(found(&idp, "/Groups", "displayName eq \"mira\"").await.len(), 1);
    }
}
