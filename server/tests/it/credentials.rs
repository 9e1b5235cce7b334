//! Every way to leave, and everything that lets somebody act: refused by the first use after the answer.

use std::{collections::BTreeSet, time::Duration};

use domain::OrgRole;
use futures_util::future::join_all;
use serde_json::json;

use crate::{
    leaving::{self, WAYS},
    support::{Browser, ClientAnswer as Answer, DEVICE_GRANT, Org, PASSWORD, Person, TestApp, both_databases, patch_active, races},
};

const CLI: &str = "rollcall-cli";

/// What hangs off a membership and lets its person act, by the table that holds it. A table with a secret that is not here fails
/// [`every_credential_that_dies_with_a_membership_is_tried`].
pub const KINDS: [(&str, &str); 6] = [
    ("sessions", "browser session"),
    ("activation_links", "activation link"),
    ("access_tokens", "access token"),
    ("refresh_tokens", "refresh token"),
    ("personal_tokens", "personal token"),
    ("device_requests", "approved device code"),
];

/// Everything that somebody can have.
pub struct Credentials {
    pub browser: Browser,
    link: String,
    access: String,
    refresh: String,
    personal: String,
    device: String,
}

impl Credentials {
    /// Of each kind one, for a person who has just joined.
    pub async fn of(app: &TestApp, org: &Org, email: &str) -> Self {
        let (_, browser) = app.join(org, email).await;
        let access = app.let_in(org, &browser, CLI).await.access;
        let refresh = app.let_in(org, &browser, CLI).await.refresh;
        let personal = app.personal_token(org, &browser).await;
        let asked = app.client().ask(CLI).await;
        let approved = browser.call("approve_device", &[("org", &org.slug), ("user_code", &asked.field("user_code"))]).await;
        assert_eq!(approved.status, 200, "{}", approved.text);
        // A link that was mailed and not followed, as she would have one after coming back.
        let hex = |text: &str| sha2_of(text).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let link = hex(&format!("{} {email}", org.slug))[..43].to_owned();
        let hash = hex(&link);
        let hash = if app.state.db.is_postgres() { format!("'\\x{hash}'::bytea") } else { format!("x'{hash}'") };
        let sql = format!(
            "INSERT INTO activation_links (hash, org_id, membership_id, email, created_at, expires_at)
             SELECT {hash}, m.org_id, m.id, u.email, 0, 9000000000000000 FROM memberships m JOIN users u ON u.id = m.account_id
               JOIN organizations o ON o.id = m.org_id WHERE u.email = '{email}' AND o.slug = '{}'",
            org.slug
        );
        app.database.try_run(&sql).await.unwrap();
        Self { browser, link, access, refresh, personal, device: asked.field("device_code") }
    }

    /// Use one of them, as whoever holds it would.
    pub async fn works(&self, app: &TestApp, org: &Org, kind: &str) -> bool {
        let client = app.client();
        let status = match kind {
            "browser session" => self.browser.call("viewer", &[("org", &org.slug)]).await.status,
            "activation link" => app.browser().call("activation_link", &[("link", &self.link)]).await.status,
            "access token" => client.get("/api/v1/me", &self.access).await.status,
            "refresh token" => client.refresh(CLI, &self.refresh).await.status,
            "personal token" => client.get("/api/v1/me", &self.personal).await.status,
            "approved device code" => {
                client.form("token", &[("grant_type", DEVICE_GRANT), ("client_id", CLI), ("device_code", &self.device)], None).await.status
            }
            other => panic!("{other} is not tried"),
        };
        assert!([200, 400, 401, 404].contains(&status), "{kind}: {status}");
        status == 200
    }
}

fn sha2_of(text: &str) -> Vec<u8> {
    use sha2::{Digest, Sha256};
    Sha256::digest(text.as_bytes()).to_vec()
}

/// The ways that a directory has, and those that people have.
pub fn ways() -> impl Iterator<Item = &'static str> {
    WAYS.into_iter().chain(["bulk patch", "bulk delete", "removed by hand", "blocked by hand"])
}

pub async fn leave(app: &TestApp, org: &Org, person: &Person, way: &str) {
    leave_by(app, org, &app.owner(org).await, person, way).await;
}

/// The same, where `owner` sits there already for what is done by hand.
pub async fn leave_by(app: &TestApp, org: &Org, owner: &Browser, person: &Person, way: &str) {
    let idp = app.idp(org);
    let bulk = async |operation| {
        let body = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": [operation] });
        let answer = idp.post("/Bulk", body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let status = answer.json["Operations"][0]["status"].as_str().unwrap().to_owned();
        assert!(status.starts_with('2'), "{}", answer.text);
    };
    let by_hand = async |function| {
        let member = app.member_id(org, &person.email).await;
        let answer = owner.call(function, &[("org", &org.slug), ("member", &member)]).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    };
    let path = format!("/Users/{}", person.id);
    match way {
        "bulk patch" => bulk(json!({ "method": "PATCH", "path": path, "data": { "Operations": patch_active(false) } })).await,
        "bulk delete" => bulk(json!({ "method": "DELETE", "path": path })).await,
        "removed by hand" => by_hand("remove_member").await,
        "blocked by hand" => by_hand("block_member").await,
        other => leaving::leave(&idp, person, other).await,
    }
}

pub async fn record_of(app: &TestApp, org: &Org, email: &str) -> Person {
    let found = app.idp(org).get(&format!("/Users?filter=userName+eq+%22{email}%22")).await;
    Person { id: found.json["Resources"][0]["id"].as_str().unwrap().to_owned(), email: email.to_owned() }
}

both_databases! {
    async fn every_way_to_leave_refuses_the_next_use_of_every_credential(app) {
        let acme = app.org("Acme").await;
        let service = app.service_credential(&acme).await;
        for (number, way) in ways().enumerate() {
            let email = format!("leaver{number}@acme.test");
            // One whose credentials are tried before, to see that they do work; one who leaves with all of them unused.
            let control = Credentials::of(&app, &acme, &format!("stayer{number}@acme.test")).await;
            for (_, kind) in KINDS {
                assert!(control.works(&app, &acme, kind).await, "{kind} works before anybody leaves");
            }
            let hers = Credentials::of(&app, &acme, &email).await;
            let agent = app.agent(&acme, &format!("Scout {number}"), &[OrgRole::Member]).await;
            assert_eq!(app.client().decide(&service, &agent, &hers.access).await.json["allowed"], true);
            let person = record_of(&app, &acme, &email).await;
            // Later than what was before, so that it comes first in the log.
            app.advance(Duration::from_secs(1));
            leave(&app, &acme, &person, way).await;
            assert_eq!(app.client().decide(&service, &agent, &hers.access).await.text, r#"{"allowed":false}"#, "{way}");
            assert_eq!(app.client().introspect(&service, &hers.personal).await.text, r#"{"active":false}"#, "{way}");
            for (table, kind) in KINDS {
                assert!(!hers.works(&app, &acme, kind).await, "{kind} after {way}");
                let of_her = match table {
                    "access_tokens" | "refresh_tokens" => format!("SELECT count(*) FROM {table} t JOIN api_sessions s ON s.id = t.session_id JOIN memberships m ON m.id = s.membership_id"),
                    _ => format!("SELECT count(*) FROM {table} t JOIN memberships m ON m.id = t.membership_id"),
                };
                let of_her = format!("{of_her} JOIN users u ON u.id = m.account_id WHERE u.email = '{email}'");
                assert_eq!(app.database.number(&of_her).await, 0, "{table} after {way}");
            }
            // What ended is in the audit log, counted.
            let action = if way == "blocked by hand" { "member.blocked" } else { "access.ended" };
            let row = app.audit(&acme).await.into_iter().find(|row| row.action == action).unwrap();
            let counts = [
                "sessions ended: 1",
                "API sessions ended: 2",
                "access tokens ended: 2",
                "refresh tokens ended: 2",
                "personal tokens ended: 1",
                "device codes ended: 1",
                "activation links ended: 1",
            ];
            for count in counts {
                assert!(row.details.contains(&count.to_owned()), "{count} after {way}: {row:?}");
            }
            assert!(row.target.as_ref().unwrap().starts_with(&format!("leaver{number}")), "{way}: {row:?}");
            // And in the receipt, if her access ended rather than was blocked.
            let receipt = row.details.iter().find_map(|fact| fact.strip_prefix("receipt: "));
            assert_eq!(receipt.is_some(), way != "blocked by hand", "{way}: {row:?}");
            let Some(receipt) = receipt else { continue };
            let file = app.owner(&acme).await.get(&format!("/o/acme/receipts/{receipt}.json")).await;
            let counted: Vec<_> = file.json["ended"].as_array().unwrap().iter().map(|kind| kind["count"].as_i64().unwrap()).collect();
            assert_eq!(counted, [1, 2, 2, 2, 1, 1, 1, 0, 0], "{way}: {}", file.text);
        }
    }

    /// Coming back gives what the groups give now, and no old credential.
    async fn coming_back_brings_no_old_credential_to_life(app) {
        let acme = app.org("Acme").await;
        let hers = Credentials::of(&app, &acme, "mira@acme.test").await;
        let person = record_of(&app, &acme, "mira@acme.test").await;
        leave(&app, &acme, &person, "patch").await;
        assert_eq!(app.idp(&acme).patch(&format!("/Users/{}", person.id), patch_active(true)).await.status, 200);
        assert!(app.sign_in("mira@acme.test", PASSWORD).await.get("/o/acme/members").await.status == 200);
        for (_, kind) in KINDS {
            assert!(!hers.works(&app, &acme, kind).await, "{kind}");
        }
    }

    /// Leaving one organisation ends nothing that is for another.
    async fn her_tokens_of_another_organisation_go_on(app) {
        let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
        app.join(&acme, "mira@both.test").await;
        let (_, in_globex) = app.join(&globex, "mira@both.test").await;
        let tokens = app.let_in(&globex, &in_globex, CLI).await;
        let personal = app.personal_token(&globex, &in_globex).await;
        let person = record_of(&app, &acme, "mira@both.test").await;
        leave(&app, &acme, &person, "delete").await;
        let client = app.client();
        assert_eq!(client.get("/api/v1/me", &tokens.access).await.json["org"]["slug"], "globex");
        assert_eq!(client.get("/api/v1/me", &personal).await.status, 200);
        assert_eq!(client.refresh(CLI, &tokens.refresh).await.status, 200);
    }

    /// A refresh and a deprovisioning at one moment: whichever is first, no token is alive afterwards.
    async fn a_refresh_that_races_a_leaver_leaves_no_live_token(app) {
        let acme = app.org("Acme").await;
        for round in 0..races() {
            let email = format!("p{round}@acme.test");
            let (person, browser) = app.join(&acme, &email).await;
            let tokens = app.let_in(&acme, &browser, CLI).await;
            let (client, idp, path) = (app.client(), app.idp(&acme), format!("/Users/{}", person.id));
            let (next, left) = tokio::join!(client.refresh(CLI, &tokens.refresh), idp.patch(&path, patch_active(false)));
            assert_eq!(left.status, 200, "{}", left.text);
            assert!([200, 400].contains(&next.status), "{}", next.text);
            let token = next.json["access_token"].as_str().unwrap_or(&tokens.access);
            assert_eq!(client.get("/api/v1/me", token).await.status, 401);
            let refresh = next.json["refresh_token"].as_str().unwrap_or(&tokens.refresh);
            assert_eq!(client.refresh(CLI, refresh).await.error(), (400, "invalid_grant"));
        }
        for table in ["api_sessions", "access_tokens", "refresh_tokens"] {
            assert_eq!(app.database.number(&format!("SELECT count(*) FROM {table}")).await, 0, "{table}");
        }
    }

    /// Devices that are approved, and codes that are redeemed, at the moment of leaving or of a block: nothing is alive afterwards.
    async fn what_is_let_in_while_somebody_leaves_is_not_let_in(app) {
        let acme = app.org("Acme").await;
        let owner = app.owner(&acme).await;
        for round in 0..races() {
            let email = format!("p{round}@acme.test");
            let (person, browser) = app.join(&acme, &email).await;
            let (client, member) = (app.client(), app.member_id(&acme, &email).await);
            let asked = client.ask(CLI).await;
            let yes = async |asked: &Answer| {
                browser.call("approve_device", &[("org", &acme.slug), ("user_code", &asked.field("user_code"))]).await.status
            };
            // Several, so that some are at each step of it when she goes.
            let mut codes = vec![];
            for _ in 0..8 {
                let approved = client.ask(CLI).await;
                assert_eq!(yes(&approved).await, 200);
                codes.push(approved.field("device_code"));
            }
            let leave = async {
                if round % 2 == 0 {
                    app.idp(&acme).patch(&format!("/Users/{}", person.id), patch_active(false)).await.status
                } else {
                    owner.call("block_member", &[("org", &acme.slug), ("member", &member)]).await.status
                }
            };
            let redeemed = join_all(codes.iter().map(|code| client.redeem(CLI, code)));
            let (answered, redeemed, left) = tokio::join!(yes(&asked), redeemed, leave);
            assert_eq!(left, 200);
            assert!([200, 401].contains(&answered), "{answered}");
            for next in redeemed {
                assert!([200, 400].contains(&next.status), "{}", next.text);
                if let Some(token) = next.json["access_token"].as_str() {
                    assert_eq!(client.get("/api/v1/me", token).await.status, 401);
                }
            }
            let late = client.redeem(CLI, &asked.field("device_code")).await;
            assert_eq!(late.status, 400, "{}", late.text);
            let of_her = format!("JOIN memberships m ON m.id = t.membership_id JOIN users u ON u.id = m.account_id WHERE u.email = '{email}'");
            for table in ["api_sessions", "device_requests"] {
                assert_eq!(app.database.number(&format!("SELECT count(*) FROM {table} t {of_her}")).await, 0, "{table}");
            }
        }
    }

    /// One refresh token shown by two at one moment: at most one gets the next, and the family ends.
    async fn one_refresh_token_shown_twice_at_once_ends_its_session(app) {
        let acme = app.org("Acme").await;
        let owner = app.owner(&acme).await;
        for _ in 0..races() {
            let tokens = app.let_in(&acme, &owner, CLI).await;
            let (a, b) = (app.client(), app.client());
            let (x, y) = tokio::join!(a.refresh(CLI, &tokens.refresh), b.refresh(CLI, &tokens.refresh));
            let got: Vec<_> = [&x, &y].into_iter().filter(|answer| answer.status == 200).collect();
            assert_eq!(got.len(), 1, "{} {}", x.text, y.text);
            assert_eq!(a.get("/api/v1/me", &got[0].field("access_token")).await.status, 401);
        }
        assert_eq!(app.database.number("SELECT count(*) FROM api_sessions").await, 0);
    }

    /// One code redeemed by two at one moment: one set of tokens.
    async fn one_device_code_is_redeemed_once(app) {
        let acme = app.org("Acme").await;
        let owner = app.owner(&acme).await;
        for round in 1..=races() {
            let asked = app.client().ask(CLI).await;
            assert_eq!(owner.call("approve_device", &[("org", &acme.slug), ("user_code", &asked.field("user_code"))]).await.status, 200);
            let (a, b, code) = (app.client(), app.client(), asked.field("device_code"));
            let (x, y) = tokio::join!(a.redeem(CLI, &code), b.redeem(CLI, &code));
            let mut statuses = [x.status, y.status];
            statuses.sort_unstable();
            assert_eq!(statuses, [200, 400], "{} {}", x.text, y.text);
            assert_eq!(app.database.number("SELECT count(*) FROM api_sessions").await, i64::try_from(round).unwrap());
        }
    }

    /// A kind of credential that is in the schema and not in the table above.
    async fn every_credential_that_dies_with_a_membership_is_tried(app) {
        let (tables, cascades) = crate::laws::schema(&app).await;
        let of_person: BTreeSet<_> = tables
            .iter()
            .filter(|(table, column)| column.ends_with("hash") && crate::laws::ancestors(table, &cascades).contains("memberships"))
            .map(|(table, _)| table.as_str())
            .collect();
        assert_eq!(of_person, KINDS.into_iter().map(|(table, _)| table).collect());
    }
}
