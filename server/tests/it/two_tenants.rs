//! Two organisations do whatever they can to each other, at random, through every door that there is: server functions with each
//! other's ids, SCIM requests that name each other's users and groups, each other's URLs. What belongs to one changes only by its own
//! requests, and no answer tells one what the other calls its things.
//!
//! `ROLLCALL_TEST_SEED` repeats a run.

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;
use http::Method;
use serde_json::{Value, json};

use crate::{
    laws::rows_of_others,
    support::{Browser, Idp, Org, TestApp, both_databases, filtered, hyphenated, races, random, user},
    who_may,
};

/// Requests per round of a race.
const REQUESTS: usize = 8;
/// People that both organisations know by the same address.
const SHARED: usize = 4;

/// Server functions that are left out, and why.
const LEFT_OUT: [&str; 20] = [
    // They are about the account or the browser, not about an organisation.
    "set_up_link",
    "found",
    "sign_in",
    "sign_in_code",
    "sign_in_offer",
    "sign_in_set_up",
    "sign_out",
    "activation_link",
    "activate",
    "ask_reset",
    "reset_link",
    "reset_password",
    "change_password",
    "offer_second_factor",
    "set_up_second_factor",
    "renew_recovery_codes",
    "turn_off_second_factor",
    "switch_organisation",
    // Wrong passwords add up until the owner is kept out.
    "confirm_password",
    // Calls a node, which there is none of here.
    "run_drill",
];

/// Global tables that one tenant's requests may add to: counts of failures by address, which name no organisation.
const SHARED_TABLES: [&str; 2] = ["auth_failures", "address_blocks"];

/// One side: what it acts with, and a word that is in the name of everything that it has.
struct Side {
    org: Org,
    owner: Browser,
    idp: Idp,
    service: String,
    /// An access token of a member's.
    access: String,
    word: &'static str,
}

/// What a request was, for a report of what went wrong.
struct Done {
    what: String,
    status: u16,
    text: String,
}

impl Side {
    async fn new(app: &TestApp, name: &str, word: &'static str) -> Self {
        let org = app.org(name).await;
        let (idp, owner) = (app.idp(&org), app.owner(&org).await);
        let mut users = vec![];
        for number in 0..SHARED {
            users.push(app.join(&org, &format!("shared{number}@both.test")).await.0.id);
        }
        for number in 0..3 {
            let mut body = user(&format!("person{number}@{}.test", org.slug));
            body["name"] = json!({ "givenName": word, "familyName": word });
            body["displayName"] = json!(format!("{word} person {number}"));
            body["title"] = json!(format!("{word} title"));
            users.push(idp.post("/Users", body).await.json["id"].as_str().unwrap().to_owned());
        }
        for group in ["Engineering", "Managers"] {
            let members: Vec<_> = users.iter().map(String::as_str).collect();
            app.group(&org, &format!("{group} {word}"), &members).await;
        }
        for number in 0..2 {
            let team = format!("Team {word} {number}");
            app.team(&org, &team).await;
            let agent = format!("Agent {word} {number}");
            app.agent(&org, &agent, &[domain::OrgRole::Member]).await;
            app.agent_for_team(&org, &agent, &team).await;
        }
        let service = app.service_credential(&org).await;
        let member = app.sign_in("shared0@both.test", crate::support::PASSWORD).await;
        let _ = member.call("switch_organisation", &[("org", &org.slug)]).await;
        let access = app.let_in(&org, &member, "rollcall-cli").await.access;
        let fields = [("org", &*org.slug), ("name", word), ("url", "https://events.example.test/"), ("format", "webhook"), ("all", "true")];
        let _ = owner.call("create_webhook", &fields).await;
        Self { org, owner, idp, service, access, word }
    }
}

/// The ids of all rows of `table`, of both sides.
async fn ids(app: &TestApp, table: &str) -> Vec<String> {
    let id = if app.state.db.is_postgres() { "id::text" } else { "lower(hex(id))" };
    app.database.texts(&format!("SELECT {id} FROM {table} ORDER BY org_id, id")).await.iter().map(|text| hyphenated(text)).collect()
}

/// The table that an argument of a server function names a row of.
fn table_of(function: &str, argument: &str) -> Option<&'static str> {
    Some(match argument {
        "member" => "members",
        "team" | "teams[]" | "owner_team" => "teams",
        "group" => "scim_groups",
        "agent" => "agents",
        "mapping" => "group_mappings",
        "record" => "scim_users",
        "receipt" => "offboarding_receipts",
        "drill" => "drills",
        "credential" => "service_credentials",
        "endpoint" => "webhook_endpoints",
        "delivery" => "webhook_deliveries",
        "session" if function == "end_api_session" => "api_sessions",
        "token" if function == "revoke_personal_token" => "personal_tokens",
        "token" => "scim_tokens",
        _ => return None,
    })
}

/// A row of either side.
async fn any(app: &TestApp, dice: &mut Rng, table: &str) -> Option<String> {
    let ids = ids(app, table).await;
    dice.choice(ids).filter(|_| dice.u8(..) > 8)
}

/// Call a server function, with arguments that name anybody's rows; sometimes as if the session were the other organisation's.
async fn console(app: &TestApp, dice: &mut Rng, who: &Side, other: &Side) -> Done {
    let functions = who_may::functions();
    let choice: Vec<_> = functions.keys().filter(|name| !LEFT_OUT.contains(name)).collect();
    let function = **dice.choice(&choice).unwrap();
    let at_the_other = dice.u8(..8) == 0;
    let mut fields: Vec<(&str, String)> = vec![];
    for (name, value) in &functions[function].1 {
        let chosen = match *name {
            "org" => if at_the_other { other } else { who }.org.slug.clone(),
            "name" => format!("{} thing {}", who.word, dice.u16(..)),
            "email" => format!("shared{}@both.test", dice.usize(..SHARED + 2)),
            name => match table_of(function, name) {
                Some(table) => any(app, dice, table).await.unwrap_or_else(|| (*value).to_owned()),
                None => (*value).to_owned(),
            },
        };
        fields.push((name, chosen));
    }
    if function.ends_with("_mapping") {
        fields.retain(|(name, _)| !["mapping", "action"].contains(name));
        let group = any(app, dice, "scim_groups").await.unwrap_or_default();
        let team = any(app, dice, "teams").await.unwrap_or_default();
        let target = dice.choice(["org:admin".to_owned(), "org:auditor".to_owned(), format!("team:{team}:member")]).unwrap();
        fields.extend([("action", "create".to_owned()), ("group", group), ("target", target)]);
        if function == "apply_mapping" {
            let asked: Vec<_> = fields.iter().filter(|(name, _)| *name != "plan").map(|(name, value)| (*name, value.as_str())).collect();
            let plan = who.owner.call("preview_mapping", &asked).await.json["hash"].as_str().unwrap_or("x").to_owned();
            fields.retain(|(name, _)| *name != "plan");
            fields.push(("plan", plan));
        }
    }
    let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let answer = who.owner.call(function, &fields).await;
    assert!(!at_the_other || answer.status != 200 || function == "organisations", "{function} {fields:?}: {}", answer.text);
    Done { what: format!("{function} {fields:?}"), status: answer.status, text: answer.text }
}

/// Send a SCIM request that names anybody's users and groups; sometimes to the other organisation's URL.
async fn scim(app: &TestApp, dice: &mut Rng, who: &Side, other: &Side) -> Done {
    let somebody = any(app, dice, "scim_users").await.unwrap_or_else(|| "nobody".to_owned());
    let group = any(app, dice, "scim_groups").await.unwrap_or_else(|| "none".to_owned());
    let mut members = vec![];
    for _ in 0..dice.usize(..4) {
        members.extend(any(app, dice, "scim_users").await.map(|id| json!({ "value": id })));
    }
    let mut body = user(&format!("shared{}@both.test", dice.usize(..SHARED + 3)));
    body["displayName"] = json!(format!("{} somebody", who.word));
    body["active"] = json!(dice.bool());
    body["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"] = json!({ "manager": { "value": somebody } });
    let named = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": format!("Group {} {}", who.word, dice.u8(..6)), "members": members });
    let patch = |operations: Value| json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations });
    let theirs = json!({ "value": format!("person{}@{}.test", dice.u8(..3), other.org.slug), "primary": true });
    let (method, path, body) = match dice.u8(..16) {
        0 | 1 => (Method::POST, "/Users".to_owned(), Some(body)),
        2 => (Method::PUT, format!("/Users/{somebody}"), Some(body)),
        3 | 4 => {
            (Method::PATCH, format!("/Users/{somebody}"), Some(patch(json!([{ "op": "replace", "value": { "active": dice.bool() } }]))))
        }
        5 => (Method::PATCH, format!("/Users/{somebody}"), Some(patch(json!([{ "op": "replace", "path": "emails", "value": [theirs] }])))),
        6 => (Method::DELETE, format!("/Users/{somebody}"), None),
        7 | 8 => (Method::POST, "/Groups".to_owned(), Some(named)),
        9 => (Method::PUT, format!("/Groups/{group}"), Some(named)),
        10 | 11 => {
            let op = *dice.choice(&["add", "remove", "replace"]).unwrap();
            let operations = json!([{ "op": op, "path": "members", "value": members }]);
            (Method::PATCH, format!("/Groups/{group}"), Some(patch(operations)))
        }
        12 => (Method::DELETE, format!("/Groups/{group}"), None),
        13 => {
            let bulk = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": [
                { "method": "PATCH", "path": format!("/Users/{somebody}"), "data": patch(json!([{ "op": "replace", "value": { "title": who.word } }])) },
                { "method": "PATCH", "path": format!("/Groups/{group}"), "data": patch(json!([{ "op": "add", "path": "members", "value": members }])) },
                { "method": "DELETE", "path": format!("/Groups/{group}") },
            ] });
            (Method::POST, "/Bulk".to_owned(), Some(bulk))
        }
        14 => {
            let filter = match dice.u8(..4) {
                0 => format!("id eq \"{somebody}\""),
                1 => format!("groups.value eq \"{group}\""),
                2 => "userName pr".to_owned(),
                _ => "displayName co \"only\" or title pr".to_owned(),
            };
            (Method::GET, format!("/Users?{}", filtered(&filter)), None)
        }
        _ => (Method::GET, format!("/Groups?{}", filtered(&format!("members.value eq \"{somebody}\""))), None),
    };
    let at_the_other = dice.u8(..10) == 0;
    let idp = if at_the_other { who.idp.at(&format!("/scim/{}/v2", other.org.id)) } else { who.idp.clone() };
    let text = body.as_ref().map(ToString::to_string);
    let answer = idp.send(method.clone(), &path, text.clone(), "application/scim+json").await;
    assert!(!at_the_other || [401, 429].contains(&answer.status), "{method} {path}: {}", answer.text);
    Done { what: format!("{method} {path} {}", text.unwrap_or_default()), status: answer.status, text: answer.text }
}

/// Ask, as a service, about the other's tokens and agents.
async fn service(app: &TestApp, dice: &mut Rng, who: &Side, other: &Side) -> Done {
    let client = app.client();
    let agent = any(app, dice, "agents").await.unwrap_or_default();
    let token = if dice.bool() { &who.access } else { &other.access };
    let (what, answer) = match dice.bool() {
        true => ("introspect", client.introspect(&who.service, token).await),
        false => ("authorize", client.decide(&who.service, &agent, token).await),
    };
    let theirs = std::ptr::eq(token, &raw const other.access);
    assert!(!theirs || answer.json["active"] != json!(true) && answer.json["allowed"] != json!(true), "{what}: {}", answer.text);
    Done { what: format!("{what} {agent}"), status: answer.status, text: answer.text }
}

/// The accounts, of which a tenant's requests may move nothing but how many memberships there are.
async fn accounts(app: &TestApp) -> BTreeSet<String> {
    let (columns, _) = crate::laws::schema(app).await;
    let columns = columns.iter().filter(|(table, column)| table == "users" && !["live_memberships", "dormant"].contains(&column.as_str()));
    let columns: Vec<_> = columns.map(|(_, column)| column.as_str()).collect();
    app.database.rows(&format!("SELECT {} FROM users", columns.join(", "))).await.into_iter().collect()
}

async fn others(app: &TestApp, org: &Org) -> BTreeMap<String, Vec<String>> {
    let mut all: BTreeMap<_, _> = rows_of_others(app, org).await.into_iter().collect();
    all.retain(|table, _| !SHARED_TABLES.contains(&table.as_str()));
    all
}

both_databases! {
    async fn what_one_does_changes_and_shows_nothing_of_the_others(app) {
        let seed = std::env::var("ROLLCALL_TEST_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or_else(|| u64::from_le_bytes(random()));
        let mut dice = Rng::with_seed(seed);
        let mut sides = [Side::new(&app, "Acme", "acme-only-7f3a").await, Side::new(&app, "Globex", "globex-only-9c1e").await];
        let mut changes = 0;
        let mut statuses: BTreeMap<u16, usize> = BTreeMap::new();
        let requests = races() * REQUESTS;
        // Its own URL was called with a token that is not its own: it is told so.
        let code = "scim.authentication_failed";
        let codes = ["action", "kind"].map(|column| [format!("{column}=Some({:?})", code.as_bytes()), format!("\"{column}\":\"{code}\"")]).concat();
        for number in 0..requests {
            sides.swap(0, usize::from(dice.bool()));
            let [who, other] = &mut sides;
            // Somebody may have ended the owner's own sessions, or her token.
            if who.owner.call("viewer", &[("org", &who.org.slug)]).await.status != 200 {
                who.owner = app.owner(&who.org).await;
            }
            if who.idp.get("/ServiceProviderConfig").await.status != 200 {
                app.state.forget_failures();
                let _ = who.owner.call("enable_scim", &[("org", &who.org.slug)]).await;
                let sql = format!("UPDATE scim_tokens SET revoked_at = 1 WHERE revoked_at IS NULL AND org_id = (SELECT id FROM organizations WHERE slug = '{}')", who.org.slug);
                app.database.try_run(&sql).await.unwrap();
                let token = app.issue_token(&who.org, who.word).await["secret"].as_str().unwrap().to_owned();
                who.idp = who.idp.with_authorization(Some(&format!("Bearer {token}")));
            }
            app.state.settle().await;
            let (before, people) = (others(&app, &who.org).await, accounts(&app).await);
            let own = rows_of_others(&app, &other.org).await;

            let done = match dice.u8(..10) {
                0..=3 => console(&app, &mut dice, who, other).await,
                4..=8 => scim(&app, &mut dice, who, other).await,
                _ => service(&app, &mut dice, who, other).await,
            };
            app.state.settle().await;

            let told = format!("seed {seed}, request {number}, {} by {}: {}", done.what, who.org.slug, done.status);
            assert!(done.status < 500, "{told}: {}", done.text);
            let after = others(&app, &who.org).await;
            for (table, before) in &before {
                let before: Vec<_> = before.iter().collect();
                let changed: Vec<_> = after[table].iter().filter(|row| !before.contains(row)).collect();
                let gone: Vec<_> = before.iter().filter(|row| !after[table].contains(row)).collect();
                let of_a_failure = |row: &String| codes.iter().any(|code| row.contains(code));
                // What is told of it later changes until then.
                let may = match table.as_str() {
                    "audit_events" => gone.is_empty() && changed.iter().all(|row| of_a_failure(row)),
                    "failure_notes" => changed.iter().all(|row| of_a_failure(row)) && gone.iter().all(|row| of_a_failure(row)),
                    _ => gone.is_empty() && changed.is_empty(),
                };
                assert!(may, "{told}: {table}: {changed:#?} came, {gone:#?} went");
            }
            let lost: Vec<_> = people.difference(&accounts(&app).await).cloned().collect();
            assert!(lost.is_empty(), "{told}: {lost:#?}");
            assert!(!done.text.contains(other.word), "{told}: {}", done.text);

            changes += usize::from(rows_of_others(&app, &other.org).await != own);
            *statuses.entry(done.status).or_default() += 1;
        }
        // It was no idle talk: much was changed, and much was refused.
        assert!(changes * 4 > requests, "{changes} of {requests}, {statuses:?}");
        assert!(statuses.keys().any(|status| *status == 404) && statuses.keys().any(|status| *status == 401), "{statuses:?}");
    }
}
