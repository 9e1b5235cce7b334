//! What belongs to another organisation is, byte for byte, like what does not exist: whether a name, an id or a value is
//! taken over there cannot be told from here.

use serde_json::{Value, json};

use crate::support::{Answer, Engine, Idp, Org, TestApp, both_databases, filtered};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// What the other organisation has, or nobody.
#[derive(Clone)]
struct Theirs {
    user: String,
    group: String,
}

impl Theirs {
    const USER_NAME: &'static str = "xenia@both.test";
    const EXTERNAL_ID: &'static str = "00u-xenia";
    const GROUP_NAME: &'static str = "Their engineers";

    /// Put it into `org`.
    async fn in_org(app: &TestApp, org: &Org) -> Self {
        let idp = app.idp(org);
        let body = json!({
            "userName": Self::USER_NAME, "externalId": Self::EXTERNAL_ID, "displayName": "Xenia",
            "emails": [{ "value": Self::USER_NAME, "primary": true }], "title": "Their title"
        });
        let user = idp.post("/Users", body).await.json["id"].as_str().unwrap().to_owned();
        let body = json!({ "displayName": Self::GROUP_NAME, "externalId": "g-theirs", "members": [{ "value": user }] });
        let group = idp.post("/Groups", body).await.json["id"].as_str().unwrap().to_owned();
        Self { user, group }
    }
}

/// Ask everything that could tell, as Acme's identity provider; what was answered, without what is random.
async fn ask(app: &TestApp, acme: &Org, theirs: &Theirs) -> Vec<String> {
    let idp = app.idp(acme);
    let ours = idp.post("/Users", json!({ "userName": "ada@acme.test" })).await.json["id"].as_str().unwrap().to_owned();
    let group = idp.post("/Groups", json!({ "displayName": "Ours", "members": [{ "value": ours }] })).await;
    let group = group.json["id"].as_str().unwrap().to_owned();
    let (user, our_user, our_group) = (format!("/Users/{}", theirs.user), format!("/Users/{ours}"), format!("/Groups/{group}"));
    let mut answers = vec![];

    for path in [user.clone(), format!("/Groups/{}", theirs.group)] {
        answers.push(idp.get(&path).await);
        answers.push(idp.put(&path, json!({ "userName": "x", "displayName": "x" })).await);
        answers.push(idp.patch(&path, json!([{ "op": "replace", "path": "displayName", "value": "x" }])).await);
        answers.push(idp.delete(&path).await);
    }
    for (path, filter) in [
        ("/Users", format!("id eq \"{}\"", theirs.user)),
        ("/Users", format!("userName eq \"{}\"", Theirs::USER_NAME)),
        ("/Users", format!("externalId eq \"{}\"", Theirs::EXTERNAL_ID)),
        ("/Users", format!("emails.value eq \"{}\"", Theirs::USER_NAME)),
        ("/Users", "title eq \"Their title\"".to_owned()),
        ("/Users", format!("groups.value eq \"{}\"", theirs.group)),
        ("/Users", format!("manager eq \"{}\"", theirs.user)),
        ("/Groups", format!("displayName eq \"{}\"", Theirs::GROUP_NAME)),
        ("/Groups", format!("members eq \"{}\"", theirs.user)),
        ("/Groups", format!("id eq \"{group}\" and members[value eq \"{}\"]", theirs.user)),
        ("", format!("displayName co \"{}\"", Theirs::GROUP_NAME)),
    ] {
        answers.push(idp.get(&format!("{path}?{}", filtered(&filter))).await);
    }
    // As a member and as a manager: in a POST, a PUT, a PATCH and a Bulk.
    let member = json!([{ "value": theirs.user }, { "value": ours }]);
    answers.push(idp.post("/Groups", json!({ "displayName": "Mixed", "members": member })).await);
    answers.push(idp.patch(&our_group, json!([{ "op": "add", "path": "members", "value": member }])).await);
    answers.push(idp.patch(&our_group, json!([{ "op": "remove", "path": "members", "value": [{ "value": theirs.user }] }])).await);
    answers.push(idp.patch(&our_group, json!([{ "op": "remove", "path": format!("members[value eq \"{}\"]", theirs.user) }])).await);
    answers.push(idp.put(&our_group, json!({ "displayName": "Ours", "members": member })).await);
    answers.push(idp.patch(&our_user, json!([{ "op": "add", "path": format!("{ENTERPRISE}:manager"), "value": theirs.user }])).await);
    answers.push(idp.get(&format!("/Users?{}", filtered(&format!("manager eq \"{}\"", theirs.user)))).await);
    answers.push(idp.put(&our_user, json!({ "userName": "ada@acme.test", ENTERPRISE: { "manager": { "value": theirs.user } } })).await);
    let bulk = json!({ "Operations": [
        { "method": "PATCH", "path": user, "data": { "Operations": [{ "op": "replace", "path": "active", "value": false }] } },
        { "method": "DELETE", "path": user },
        { "method": "PATCH", "path": our_group, "data": { "Operations": [{ "op": "add", "path": "members", "value": member }] } },
        { "method": "POST", "path": "/Groups", "bulkId": "theirs", "data": { "displayName": "Bulk", "members": member } },
        { "method": "POST", "path": "/Groups", "bulkId": "lost", "data": { "displayName": "Lost", "members": [{ "value": format!("bulkId:{}", theirs.user) }] } },
    ] });
    answers.push(idp.post("/Bulk", bulk).await);
    // The same names are free here.
    let body = json!({
        "userName": Theirs::USER_NAME, "externalId": Theirs::EXTERNAL_ID, "emails": [{ "value": Theirs::USER_NAME, "primary": true }]
    });
    answers.push(idp.post("/Users", body).await);
    answers.push(idp.post("/Groups", json!({ "displayName": Theirs::GROUP_NAME, "externalId": "g-theirs" })).await);
    answers.push(idp.get("/Users?sortBy=userName").await);
    answers.push(idp.get("/Groups?sortBy=displayName").await);

    app.state.settle().await;
    let mut notes = app.database.texts("SELECT r.path || ' ' || r.status || ' ' || r.notes FROM scim_requests r JOIN organizations o ON o.id = r.org_id WHERE o.slug = 'acme'").await;
    notes.iter_mut().for_each(|note| *note = without_random_parts(note, theirs));
    notes.sort();
    answers.iter().map(|answer| without_random_parts(&told(answer), theirs)).chain(notes).collect()
}

/// All that an answer tells: status, headers, body.
fn told(answer: &Answer) -> String {
    let mut headers: Vec<_> =
        answer.headers.iter().filter(|(name, _)| *name != "x-request-id").map(|(name, value)| format!("{name}: {value:?}")).collect();
    headers.sort();
    format!("{} {} {}", answer.status, headers.join(", "), answer.text)
}

/// Ids that the server made up become `…`, but for those of the other organisation; and so does what is made of ids.
fn without_random_parts(text: &str, theirs: &Theirs) -> String {
    let mut kept = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c.is_ascii_hexdigit()) {
        let candidate = rest.get(at..at + 36).unwrap_or_default();
        let is_id = candidate.char_indices().all(|(at, c)| if [8, 13, 18, 23].contains(&at) { c == '-' } else { c.is_ascii_hexdigit() });
        let (before, after) = rest.split_at(at);
        kept.push_str(before);
        if candidate.len() == 36 && is_id {
            kept.push_str(if candidate == theirs.user || candidate == theirs.group { candidate } else { "…" });
            rest = &after[36..];
        } else {
            kept.push_str(&after[..1]);
            rest = &after[1..];
        }
    }
    // Behind its dash, a user's tag is made of the ids of her groups.
    let mut parts = kept.split("W/\\\"").map(str::to_owned).collect::<Vec<_>>();
    for part in parts.iter_mut().skip(1) {
        if let Some((version, rest)) = part.split_once("\\\"")
            && let Some((own, _)) = version.split_once('-')
        {
            *part = format!("{own}-…\\\"{rest}");
        }
    }
    parts.join("W/\\\"")
}

async fn world(engine: Engine) -> (TestApp, Org, Org) {
    let app = TestApp::start(engine).await;
    let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
    (app, acme, globex)
}

both_databases! {
    async fn what_another_organisation_has_is_like_what_nobody_has(app) {
        let engine = if app.state.db.is_postgres() { Engine::Postgres } else { Engine::Sqlite };
        let (one, acme, globex) = world(engine).await;
        let theirs = Theirs::in_org(&one, &globex).await;
        let before = one.idp(&globex).get(&format!("/Users/{}", theirs.user)).await.text;
        let taken = ask(&one, &acme, &theirs).await;
        assert_eq!(one.idp(&globex).get(&format!("/Users/{}", theirs.user)).await.text, before);

        let (other, acme, _) = world(engine).await;
        let free = ask(&other, &acme, &theirs).await;
        assert_eq!(taken.len(), free.len());
        assert!(taken.len() > 60, "{}", taken.len());
        for (taken, free) in taken.iter().zip(&free) {
            assert_eq!(taken, free);
        }
    }

    async fn the_cursor_of_another_organisation_is_like_none_of_ours(app) {
        let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
        let cursor = async |idp: &Idp| {
            for name in ["a", "b", "c"] {
                idp.post("/Users", json!({ "userName": name })).await;
            }
            let page = idp.get("/Users?cursor=&count=1").await;
            page.json["nextCursor"].as_str().unwrap().to_owned()
        };
        let (ours, theirs) = (cursor(&app.idp(&acme)).await, cursor(&app.idp(&globex)).await);
        let idp = app.idp(&acme);
        assert_eq!(idp.get(&format!("/Users?cursor={ours}&count=1")).await.status, 200);
        let refused = idp.get(&format!("/Users?cursor={theirs}&count=1")).await;
        let garbage = idp.get("/Users?cursor=garbage&count=1").await;
        assert_eq!((refused.status, &refused.json["scimType"]), (400, &Value::from("invalidCursor")));
        assert_eq!(told(&refused), told(&garbage));
    }
}
