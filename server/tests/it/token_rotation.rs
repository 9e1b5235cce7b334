//! Provisioning tokens over time: changed without a gap, restricted to networks, announced before they end, and never brought back.

use std::{
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::body::Body;
use directory::{drill, mail, provisioning::tokens};
use futures_util::{StreamExt, stream};
use http::Method;
use serde_json::Value;
use server::rate_limit::ScimTraffic;
use tokio::{
    sync::{oneshot, watch},
    task::JoinSet,
};

use crate::support::{Browser, Idp, Org, TestApp, both_databases, patch_active, races, recorded, user};

const DAY: Duration = Duration::from_secs(86_400);
const HOUR: Duration = Duration::from_secs(3_600);
const MOMENT: Duration = Duration::from_micros(1);

fn bearer(app: &TestApp, org: &Org, secret: &str) -> Idp {
    app.idp(org).with_authorization(Some(&format!("Bearer {secret}")))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value}"))
}

/// The tokens of the organisation as its console shows them.
async fn security(owner: &Browser, org: &Org) -> Value {
    let view = owner.call("security", &[("org", &org.slug)]).await;
    assert_eq!(view.status, 200, "{}", view.text);
    view.json
}

/// The id of the newest live token.
async fn live(owner: &Browser, org: &Org) -> String {
    text(&security(owner, org).await["tokens"][0]["id"]).to_owned()
}

/// The id of the token of this name: those of one moment have no order.
async fn named(owner: &Browser, org: &Org, name: &str) -> String {
    let view = security(owner, org).await;
    let tokens = view["tokens"].as_array().unwrap();
    text(&tokens.iter().find(|token| token["name"] == name).unwrap_or_else(|| panic!("{view}"))["id"]).to_owned()
}

/// Rotate the newest live token; the answer.
async fn rotate(app: &TestApp, org: &Org, retire: &str) -> Value {
    let owner = app.owner(org).await;
    let token = live(&owner, org).await;
    let answer = owner.call("rotate_token", &[("org", &org.slug), ("token", &token), ("retire", retire)]).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    answer.json
}

/// Send what is due; what alerts tell of tokens: address, subject, and what they say.
async fn told(app: &TestApp) -> Vec<(String, String, String)> {
    let alert = |mail: mail::Outgoing| match mail.content {
        mail::Content::Alert { subject, lines, .. } => Some((mail.address, subject, lines.join("\n"))),
        _ => None,
    };
    app.mails().await.into_iter().filter_map(alert).collect()
}

both_databases! {
    async fn both_tokens_work_until_the_old_one_stops_and_not_a_moment_longer(app) {
        for (retire, span) in [("hour", HOUR), ("day", DAY), ("week", 7 * DAY)] {
            let acme = app.org(&format!("Acme-{retire}")).await;
            let rotated = rotate(&app, &acme, retire).await;
            let (old, new) = (app.idp(&acme), bearer(&app, &acme, text(&rotated["secret"])));
            assert_eq!(rotated["token"]["name"], "Bootstrap");
            assert_eq!((old.get("/Users").await.status, new.get("/Users").await.status), (200, 200), "{retire}");
            app.advance(span - MOMENT);
            assert_eq!((old.get("/Users").await.status, new.get("/Users").await.status), (200, 200), "{retire}, a moment before");
            app.advance(MOMENT);
            assert_eq!((old.get("/Users").await.status, new.get("/Users").await.status), (401, 200), "{retire}, when it is over");
            app.state.forget_failures();
            let row = app.audit(&acme).await.into_iter().find(|row| row.action == "token.rotated").unwrap();
            let hint = acme.token[acme.token.len() - 4..].to_owned();
            assert!(row.details.contains(&format!("in place of the one that ends in: {hint}")), "{row:?}");
        }
        let acme = app.org("At-once").await;
        let rotated = rotate(&app, &acme, "at_once").await;
        assert_eq!(app.idp(&acme).get("/Users").await.status, 401);
        assert_eq!(bearer(&app, &acme, text(&rotated["secret"])).get("/Users").await.status, 200);
    }

    async fn owners_hear_when_a_token_may_be_used_from_more_networks(app) {
        let acme = app.org("Acme").await;
        let owner = app.owner(&acme).await;
        let token = live(&owner, &acme).await;
        app.mails().await;
        for (networks, heard) in [
            ("203.0.113.0/24", None),
            ("203.0.113.0/25 203.0.113.200", None),
            ("203.0.113.0/24", Some("from 203.0.113.0/24; so far it was good from 203.0.113.0/25 203.0.113.200/32 only")),
            ("203.0.113.9 198.51.100.4", Some("from 203.0.113.9/32 198.51.100.4/32; so far")),
            ("203.0.113.9", None),
            ("", Some("from anywhere; so far it was good from 203.0.113.9/32 only")),
            ("", None),
        ] {
            let answer = owner.call("restrict_token", &[("org", "acme"), ("token", &token), ("allowed_from", networks)]).await;
            assert_eq!(answer.status, 200, "{}", answer.text);
            let told = told(&app).await;
            assert_eq!(told.len(), usize::from(heard.is_some()), "{networks}: {told:?}");
            for (address, subject, line) in told {
                assert_eq!((address.as_str(), subject.as_str()), ("owner@acme.test", "Acme: a provisioning token may be used from more networks"));
                assert!(line.contains(heard.unwrap()), "{line}");
            }
        }
    }

    /// Whoever rotates every day still sees what works, however much has been.
    async fn a_token_that_works_is_listed_before_those_that_do_not(app) {
        let acme = app.org("Acme").await;
        let owner = app.owner(&acme).await;
        // Older than all that have ended since.
        for number in 0..21 {
            app.advance(Duration::from_secs(1));
            rotate(&app, &acme, "at_once").await;
            if number == 0 {
                app.advance(Duration::from_secs(1));
                app.issue_token(&acme, "Long-lived").await;
            }
            app.advance(Duration::from_secs(1));
        }
        let shown = security(&owner, &acme).await["tokens"].as_array().unwrap().clone();
        let states: Vec<_> = shown.iter().map(|token| (text(&token["name"]), token["state"].clone())).collect();
        assert_eq!(shown.len(), 20);
        assert_eq!(states[..2], [("Long-lived", "Live".into()), ("Bootstrap", "Live".into())], "{states:?}");
    }

    /// An identity provider may come from another address with each request: that is no reason to write with each.
    async fn the_use_of_a_token_is_written_once_a_minute_and_never_in_its_way(app) {
        let acme = app.org("Acme").await;
        let used = async |address: &str| {
            let (answer, done) = recorded(app.idp(&acme).from(address).get("/Users?count=0")).await;
            assert_eq!(answer.status, 200, "{}", answer.text);
            done.statements.iter().filter(|sql| sql.contains("UPDATE scim_tokens")).count()
        };
        assert_eq!((used("192.0.2.1").await, used("192.0.2.2").await, used("192.0.2.1").await), (1, 0, 0));
        app.advance(Duration::from_secs(60));
        assert_eq!((used("192.0.2.3").await, used("192.0.2.4").await), (1, 0));
        let noted = app.database.texts("SELECT last_used_ip FROM scim_tokens").await;
        assert_eq!(noted, ["192.0.2.3"]);

        // One too many for the token is not written down, and one that cannot be written down goes through.
        app.advance(Duration::from_secs(60));
        let two = const { NonZeroU32::new(2).unwrap() };
        let app = app.with_scim_traffic(ScimTraffic { rate: two, burst: two });
        let idp = app.idp(&acme);
        assert_eq!((idp.get("/Users").await.status, idp.get("/Users").await.status), (200, 200));
        app.advance(Duration::from_secs(60));
        assert_eq!((idp.get("/Users").await.status, idp.get("/Users").await.status), (200, 200));
        let before = app.database.number("SELECT max(last_used_at) FROM scim_tokens").await;
        let (refused, done) = recorded(idp.get("/Users")).await;
        assert_eq!((refused.status, done.statements.iter().filter(|sql| sql.contains("UPDATE")).count()), (429, 0));
        app.advance(Duration::from_secs(60));
        let deaf = match app.state.db.is_postgres() {
            true => "CREATE FUNCTION deaf() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$;
                     CREATE TRIGGER deaf BEFORE UPDATE ON scim_tokens FOR EACH ROW EXECUTE FUNCTION deaf()",
            false => "CREATE TRIGGER deaf BEFORE UPDATE ON scim_tokens BEGIN SELECT RAISE(ABORT, 'no'); END",
        };
        app.database.try_run(deaf).await.unwrap();
        let (answer, done) = recorded(idp.get("/Users")).await;
        assert_eq!((answer.status, done.warnings.len()), (200, 1), "{:?}", done.warnings);
        assert_eq!(app.database.number("SELECT max(last_used_at) FROM scim_tokens").await, before);
    }

    async fn a_rotation_that_cannot_be_changes_nothing_and_says_why(app) {
        let acme = app.org("Acme").await;
        let owner = app.owner(&acme).await;
        let second = app.issue_token(&acme, "Entra").await;
        let first = named(&owner, &acme, "Bootstrap").await;
        let ask = async |token: &str, retire: &str| {
            let answer = owner.call("rotate_token", &[("org", "acme"), ("token", token), ("retire", retire)]).await;
            (answer.status, answer.text)
        };
        let rows = || app.database.rows("SELECT id, retires_at, revoked_at FROM scim_tokens");
        let before = rows().await;
        let (status, why) = ask(&first, "day").await;
        assert_eq!((status, why.contains("Two tokens are live")), (409, true), "{why}");
        assert_eq!(ask(&first, "tomorrow").await.0, 422);
        assert_eq!(ask("0199c7e2-41d0-7d3a-9c1e-5a2f8e7b6d10", "day").await.0, 404);
        assert_eq!(rows().await, before);

        // There is room for another in the place of one that stops at once.
        assert_eq!(ask(&first, "at_once").await.0, 200);
        assert_eq!(ask(&first, "day").await.0, 404, "it has stopped");
        let entra = text(&second["token"]["id"]);
        owner.call("revoke_token", &[("org", "acme"), ("token", entra)]).await;
        assert_eq!(ask(entra, "day").await.0, 404, "it was revoked");
        let third = live(&owner, &acme).await;
        assert_eq!(ask(&third, "week").await.0, 200);
        let (status, why) = ask(&third, "hour").await;
        assert_eq!((status, why.contains("in its place already")), (409, true), "{why}");
        let fourth = live(&owner, &acme).await;
        owner.call("disable_scim", &[("org", "acme")]).await;
        assert_eq!(ask(&fourth, "at_once").await.0, 409);
    }

    async fn no_token_goes_on_beyond_its_own_end(app) {
        let acme = app.org("Acme").await;
        app.advance(362 * DAY);
        let rotated = rotate(&app, &acme, "week").await;
        app.advance(3 * DAY - MOMENT);
        assert_eq!(app.idp(&acme).get("/Users").await.status, 200);
        app.advance(MOMENT);
        assert_eq!(app.idp(&acme).get("/Users").await.status, 401);
        assert_eq!(bearer(&app, &acme, text(&rotated["secret"])).get("/Users").await.status, 200);
    }

    /// An identity provider pushes without pause, and so many workers of it, while its owner changes the token under it.
    async fn no_request_fails_while_a_token_is_rotated(app) {
        const PLAYERS: usize = 3;
        let acme = app.org("Acme").await;
        let (token, reader) = watch::channel(acme.token.clone());
        let (over, done, switched) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let mut players = JoinSet::new();
        for player in 0..PLAYERS {
            let (idp, reader, over, done, switched) = (app.idp(&acme), reader.clone(), over.clone(), done.clone(), switched.clone());
            let first = acme.token.clone();
            players.spawn(async move {
                let (mut failed, mut changed) = (vec![], false);
                for round in 0.. {
                    if over.load(Ordering::SeqCst) {
                        break;
                    }
                    let secret = reader.borrow().clone();
                    let idp = idp.with_authorization(Some(&format!("Bearer {secret}")));
                    let made = idp.post("/Users", user(&format!("p{player}n{round}@acme.test"))).await;
                    let path = format!("/Users/{}", made.json["id"].as_str().unwrap_or_default());
                    let answers = [made, idp.patch(&path, patch_active(false)).await, idp.get(&path).await];
                    failed.extend(answers.into_iter().filter(|answer| answer.status >= 300).map(|answer| answer.text));
                    done.fetch_add(1, Ordering::SeqCst);
                    if secret != first && !changed {
                        changed = true;
                        switched.fetch_add(1, Ordering::SeqCst);
                    }
                }
                failed
            });
        }
        let more = async |rounds: usize| {
            let until = done.load(Ordering::SeqCst) + rounds;
            while done.load(Ordering::SeqCst) < until {
                tokio::task::yield_now().await;
            }
        };
        let old = app.idp(&acme);
        more(5).await;
        let rotated = rotate(&app, &acme, "hour").await;
        more(5).await;
        token.send(text(&rotated["secret"]).to_owned()).unwrap();
        while switched.load(Ordering::SeqCst) < PLAYERS {
            tokio::task::yield_now().await;
        }
        // The old one stops by itself, under load, when its hour is over and not before. What has come in before is done, and no other is let in by that.
        app.advance(HOUR - Duration::from_secs(1));
        more(5).await;
        assert_eq!(old.get("/Users?count=1").await.status, 200, "a second before");
        app.advance(Duration::from_secs(1) - MOMENT);
        let body = user("in-flight@acme.test").to_string();
        let (half, rest) = (body[..9].to_owned(), body[9..].to_owned());
        let (there, reached) = oneshot::channel();
        let (go, held) = oneshot::channel::<()>();
        let slow = stream::once(async move {
            there.send(()).unwrap();
            Ok::<_, std::io::Error>(half)
        });
        let slow = slow.chain(stream::once(async move {
            held.await.unwrap();
            Ok(rest)
        }));
        let in_flight = old.send(Method::POST, "/Users", Some(Body::from_stream(slow)), "application/scim+json");
        let end = async {
            reached.await.unwrap();
            app.advance(MOMENT);
            go.send(()).unwrap();
        };
        let late = tokio::join!(in_flight, end).0;
        assert_eq!(late.status, 201, "{}", late.text);
        let new = bearer(&app, &acme, text(&rotated["secret"]));
        assert_eq!(new.find("/Users", "userName eq \"in-flight@acme.test\"").await.resources().len(), 1);
        for _ in 0..10 {
            more(1).await;
            assert_eq!(old.get("/Users?count=1").await.status, 401, "when it is over");
        }
        over.store(true, Ordering::SeqCst);
        let failed: Vec<String> = players.join_all().await.into_iter().flatten().collect();
        assert_eq!(failed, Vec::<String>::new());
    }

    async fn two_owners_who_rotate_one_token_at_once_make_one_more(app) {
        for round in 0..races().min(10) {
            let acme = app.org(&format!("Org{round}")).await;
            let owner = app.owner(&acme).await;
            let token = live(&owner, &acme).await;
            let fields = [("org", acme.slug.as_str()), ("token", &token), ("retire", "day")];
            let (x, y) = tokio::join!(owner.call("rotate_token", &fields), owner.call("rotate_token", &fields));
            let mut statuses = [x.status, y.status];
            statuses.sort_unstable();
            assert_eq!(statuses, [200, 409], "{} {}", x.text, y.text);
            assert_eq!(security(&owner, &acme).await["tokens"].as_array().unwrap().len(), 2);
        }
    }

    async fn the_switch_over_shows_who_uses_which_token_and_counting_writes_nothing(app) {
        let acme = app.org("Acme").await;
        let owner = app.owner(&acme).await;
        assert_eq!(security(&owner, &acme).await["switch_over"], Value::Null);
        let old = app.idp(&acme).with_header("user-agent", "Okta SCIM Client 1.0.0");
        old.get("/Users").await;
        let rotated = rotate(&app, &acme, "day").await;
        let new = bearer(&app, &acme, text(&rotated["secret"]));
        let shown = security(&owner, &acme).await["switch_over"].clone();
        assert_eq!((&shown["used"], &shown["new"]["last_used_at"]), (&0.into(), &Value::Null));
        assert_eq!(shown["new"]["id"], rotated["token"]["id"]);
        assert_eq!(shown["old"]["last_used_user_agent"], "Okta SCIM Client 1.0.0");
        new.get("/Users").await;
        let before = app.database.rows("SELECT * FROM scim_tokens").await;
        for _ in 0..4 {
            new.get("/Users").await;
            old.get("/Users").await;
        }
        assert_eq!(app.database.rows("SELECT * FROM scim_tokens").await, before, "what was used within the minute is written once");
        app.state.settle().await;
        let shown = security(&owner, &acme).await["switch_over"].clone();
        assert_eq!(shown["used"], 5, "{shown}");

        // One that was lost before it was saved is issued again, and is the one that the old one waits for.
        let again = owner.call("reissue_token", &[("org", "acme"), ("token", text(&rotated["token"]["id"]))]).await;
        let shown = security(&owner, &acme).await["switch_over"].clone();
        assert_eq!((&shown["new"]["id"], &shown["used"]), (&again.json["token"]["id"], &0.into()));
        app.advance(DAY);
        assert_eq!(security(&app.owner(&acme).await, &acme).await["switch_over"], Value::Null);
    }

    async fn a_token_works_from_its_networks_only(app) {
        let mut app = app;
        let acme = app.org("Acme").await;
        let owner = app.owner(&acme).await;
        let fields = [("org", "acme"), ("name", "Okta"), ("lifetime", "year"), ("allowed_from", "203.0.113.0/24, 2001:db8::/32")];
        let issued = owner.call("issue_token", &fields).await.json;
        let (idp, id) = (bearer(&app, &acme, text(&issued["secret"])), text(&issued["token"]["id"]).to_owned());
        assert_eq!(issued["token"]["allowed_from"], "203.0.113.0/24 2001:db8::/32");
        for inside in ["203.0.113.9", "::ffff:203.0.113.9", "2001:db8:5::1"] {
            assert_eq!(idp.from(inside).get("/Users").await.status, 200, "{inside}");
        }
        // Law 1: whatever is wrong, the answer has the same bytes.
        let unknown = app.idp(&acme).with_authorization(Some("Bearer rcs_nonsense")).get("/Users").await;
        for outside in ["203.0.114.9", "2001:db9::1", "10.0.0.1"] {
            let answer = idp.from(outside).get("/Users").await;
            assert_eq!((answer.status, &answer.text), (401, &unknown.text), "{outside}");
            let told = |headers: &http::HeaderMap| headers.iter().filter(|(name, _)| *name != "x-request-id").map(|(name, value)| format!("{name}: {value:?}")).collect::<Vec<_>>();
            assert_eq!(told(&answer.headers), told(&unknown.headers), "{outside}");
        }
        assert_eq!(idp.get("/Users").await.status, 401, "an address that is not known is in no network");
        // They are of one moment, so their order says nothing.
        let failed: Vec<_> = app.audit(&acme).await.into_iter().filter(|row| row.action == "scim.authentication_failed").collect();
        assert!(failed.iter().any(|row| row.ip.as_deref() == Some("203.0.114.9")), "{failed:?}");
        app.state.forget_failures();

        let restrict = async |networks: &str| owner.call("restrict_token", &[("org", "acme"), ("token", &id), ("allowed_from", networks)]).await;
        let wrong = restrict("acme.test").await;
        assert_eq!((wrong.status, &wrong.json["Invalid"]["field"]), (422, &"allowed_from".into()));
        assert_eq!(restrict("198.51.100.0/24").await.status, 200);
        assert_eq!((idp.from("203.0.113.9").get("/Users").await.status, idp.from("198.51.100.1").get("/Users").await.status), (401, 200));
        let row = app.audit(&acme).await.into_iter().find(|row| row.action == "token.restricted").unwrap();
        assert!(row.details.contains(&"from: 203.0.113.0/24 2001:db8::/32 → 198.51.100.0/24".to_owned()), "{row:?}");

        // Behind a proxy that is trusted it is the client's address that counts; one that is not trusted says nothing.
        let forwarded = |idp: &Idp| idp.with_header("x-forwarded-for", "198.51.100.1").from("10.9.9.9");
        assert_eq!(forwarded(&idp).get("/Users").await.status, 401);
        app.state.trusted_proxies = vec!["10.9.9.9/32".parse().unwrap()].into();
        app.router = server::router::router(app.state.clone());
        let behind = bearer(&app, &acme, text(&issued["secret"]));
        assert_eq!(forwarded(&behind).get("/Users").await.status, 200);
        assert_eq!(behind.with_header("x-forwarded-for", "203.0.113.9").from("10.9.9.9").get("/Users").await.status, 401);
        app.state.forget_failures();

        // Another in its place may be used from where it may, and an empty list is anywhere.
        let owner = app.owner(&acme).await;
        let first = named(&owner, &acme, "Bootstrap").await;
        owner.call("revoke_token", &[("org", "acme"), ("token", &first)]).await;
        let rotated = owner.call("rotate_token", &[("org", "acme"), ("token", &id), ("retire", "day")]).await.json;
        assert_eq!(rotated["token"]["allowed_from"], "198.51.100.0/24");
        assert_eq!(owner.call("restrict_token", &[("org", "acme"), ("token", text(&rotated["token"]["id"])), ("allowed_from", "")]).await.status, 200);
        assert_eq!(bearer(&app, &acme, text(&rotated["secret"])).from("192.0.2.1").get("/Users").await.status, 200);
    }

    /// The token comes before the body: what is restricted meanwhile counts for the change.
    async fn a_request_that_was_under_way_when_its_network_was_taken_changes_nothing(app) {
        let acme = app.org("Acme").await;
        let mut call = app.call();
        call.ip = Some("192.0.2.1".to_owned());
        let caller = tokens::authenticate(&app.state.db, &acme.id.to_string(), Some(&acme.token), &call).await.unwrap();
        let owner = app.owner(&acme).await;
        let token = live(&owner, &acme).await;
        owner.call("restrict_token", &[("org", "acme"), ("token", &token), ("allowed_from", "203.0.113.0/24")]).await;
        let preconditions = scim::Preconditions::default();
        let request = directory::provisioning::request::Request {
            db: &app.state.db,
            caller: &caller,
            base_url: "https://id.rollcall.test/scim",
            related: directory::provisioning::request::Related::default(),
            preconditions: &preconditions,
            mail_delay: Duration::ZERO,
            call: &call,
        };
        let refused = directory::provisioning::users::create(request, &serde_json::json!({ "userName": "ben" })).await;
        assert!(matches!(refused, Err(directory::Error::Unauthenticated)), "{:?}", refused.map(drop));
    }

    async fn owners_hear_of_each_token_that_comes_changes_or_goes_and_of_no_secret(app) {
        let acme = app.org("Acme").await;
        app.member_as(&acme, "ada@acme.test", domain::OrgRole::Owner).await;
        app.mails().await;
        let owner = app.owner(&acme).await;
        let mut secrets = vec![];
        let first = live(&owner, &acme).await;
        let rotated = rotate(&app, &acme, "day").await;
        let stops = app.call().now + DAY;
        secrets.push(rotated["secret"].clone());
        owner.call("revoke_token", &[("org", "acme"), ("token", &first)]).await;
        owner.call("revoke_token", &[("org", "acme"), ("token", &first)]).await;
        let issued = app.issue_token(&acme, "Entra\u{2028}ID").await;
        secrets.push(issued["secret"].clone());
        secrets.push(owner.call("reissue_token", &[("org", "acme"), ("token", text(&issued["token"]["id"]))]).await.json["secret"].clone());
        let refused = owner.call("issue_token", &[("org", "acme"), ("name", "Third"), ("lifetime", "year")]).await;
        assert_eq!(refused.status, 409, "what was refused is mailed to nobody");

        let mails = told(&app).await;
        let subjects: Vec<_> = mails.iter().map(|(address, subject, _)| format!("{address} {subject}")).collect();
        let each = ["a provisioning token was rotated", "a provisioning token was revoked", "a provisioning token was issued", "a provisioning token was revoked and issued again"];
        let mut expected: Vec<_> = each.iter().flat_map(|subject| ["owner", "ada"].map(|to| format!("{to}@acme.test Acme: {subject}"))).collect();
        let mut sorted = subjects.clone();
        sorted.sort();
        expected.sort();
        assert_eq!(sorted, expected);
        let of = |subject: &str| mails.iter().find(|(_, said, _)| said.ends_with(subject)).unwrap().2.clone();
        let hint = |secret: &Value| text(secret)[text(secret).len() - 4..].to_owned();
        let rotation = of("was rotated");
        for said in ["Acme's owner", "“Bootstrap”", &hint(&rotated["secret"]), &acme.token[acme.token.len() - 4..], &stops.second()] {
            assert!(rotation.contains(said), "{said}: {rotation}");
        }
        assert!(of("was issued").contains("“Entra ID”"), "{}", of("was issued"));
        for (_, _, lines) in &mails {
            for secret in &secrets {
                assert!(!lines.contains(&text(secret)[37..80]), "{lines}");
            }
        }
    }

    async fn owners_are_warned_once_30_7_and_1_days_before_a_token_expires(app) {
        let acme = app.org("Acme").await;
        app.mails().await;
        // As many nodes do it at one moment, and each again.
        let sweep = async || {
            let (x, y) = (app.call(), app.call());
            let (x, y) = tokio::join!(tokens::warn_of_expiry(&app.state.db, &x), tokens::warn_of_expiry(&app.state.db, &y));
            x.and(y).unwrap();
            tokens::warn_of_expiry(&app.state.db, &app.call()).await.unwrap();
            let told = told(&app).await;
            assert!(told.iter().all(|(address, _, line)| address == "owner@acme.test" && line.contains(&acme.token[acme.token.len() - 4..])), "{told:?}");
            told.into_iter().map(|(_, subject, _)| subject).collect::<Vec<_>>()
        };
        app.advance(335 * DAY - MOMENT);
        assert_eq!(sweep().await, Vec::<String>::new(), "it is early");
        app.advance(MOMENT);
        assert_eq!(sweep().await, ["Acme: a provisioning token expires within 30 days"]);
        app.advance(23 * DAY - MOMENT);
        assert_eq!(sweep().await, Vec::<String>::new());
        app.advance(MOMENT);
        assert_eq!(sweep().await, ["Acme: a provisioning token expires within 7 days"]);
        app.advance(6 * DAY);
        assert_eq!(sweep().await, ["Acme: a provisioning token expires tomorrow"]);
        app.advance(DAY);
        assert_eq!(sweep().await, Vec::<String>::new(), "it has expired");
        assert_eq!(app.idp(&acme).get("/Users").await.status, 401);
    }

    async fn whoever_was_away_gets_one_warning_and_ends_that_are_meant_get_none(app) {
        let away = app.org("Away").await;
        let (revoked, rotated, off, drilled) = (app.org("Revoked").await, app.org("Rotated").await, app.org("Off").await, app.org("Drilled").await);
        app.advance(364 * DAY);
        let owner = app.owner(&revoked).await;
        owner.call("revoke_token", &[("org", "revoked"), ("token", &live(&owner, &revoked).await)]).await;
        rotate(&app, &rotated, "week").await;
        app.owner(&off).await.call("disable_scim", &[("org", "off")]).await;
        rotate(&app, &drilled, "at_once").await;
        let _run = drill::begin_as_operator(&app.state.db, "drilled", &app.call()).await.unwrap();
        app.mails().await;
        tokens::warn_of_expiry(&app.state.db, &app.call()).await.unwrap();
        let told = told(&app).await;
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!((told[0].0.as_str(), told[0].1.as_str()), (away.owner_email.as_str(), "Away: a provisioning token expires tomorrow"));
        assert_eq!(app.database.number("SELECT count(*) FROM scim_tokens WHERE warned_days IS NOT NULL").await, 1);
    }

    /// Whatever the application is made to do: as its own role on PostgreSQL, which owns nothing, and on the one file of SQLite.
    async fn the_application_cannot_bring_back_move_or_forge_a_token(app) {
        let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
        let owner = app.owner(&acme).await;
        let gone = app.issue_token(&acme, "Gone").await;
        owner.call("revoke_token", &[("org", "acme"), ("token", text(&gone["token"]["id"]))]).await;
        rotate(&app, &acme, "day").await;
        let theirs = "(SELECT id FROM organizations WHERE slug = 'globex')";
        let connection = "(SELECT c.id FROM scim_connections c JOIN organizations o ON o.id = c.org_id WHERE o.slug = 'globex')";
        let mut tries = vec![
            "UPDATE scim_tokens SET revoked_at = NULL WHERE revoked_at IS NOT NULL".to_owned(),
            "UPDATE scim_tokens SET revoked_at = revoked_at + 1 WHERE revoked_at IS NOT NULL".to_owned(),
            "UPDATE scim_tokens SET retires_at = NULL WHERE retires_at IS NOT NULL".to_owned(),
            "UPDATE scim_tokens SET retires_at = retires_at + 1 WHERE retires_at IS NOT NULL".to_owned(),
            "UPDATE scim_tokens SET expires_at = expires_at + 1".to_owned(),
            "UPDATE scim_tokens SET name = 'another'".to_owned(),
            "UPDATE scim_tokens SET purpose = 'drill'".to_owned(),
            format!("UPDATE scim_tokens SET org_id = {theirs}, connection_id = {connection} WHERE org_id <> {theirs}"),
            "UPDATE scim_tokens SET secret_hash = (SELECT secret_hash FROM scim_tokens t WHERE t.name = 'Gone') WHERE name <> 'Gone'".to_owned(),
            "UPDATE scim_tokens SET id = (SELECT id FROM organizations WHERE slug = 'globex') WHERE name = 'Gone'".to_owned(),
        ];
        let before = app.database.rows("SELECT * FROM scim_tokens").await;
        let postgres = app.state.db.is_postgres();
        if postgres {
            // The trigger holds for the owner of everything as well; what the role may not do at all is no matter of triggers.
            for sql in &tries {
                let error = app.database.try_run(sql).await.expect_err(sql);
                assert!(error.contains("never brought back"), "{sql}: {error}");
            }
        } else {
            tries.push("INSERT OR REPLACE INTO scim_tokens SELECT * FROM scim_tokens WHERE revoked_at IS NOT NULL".to_owned());
        }
        tries.push("DELETE FROM scim_tokens WHERE name = 'Gone'".to_owned());
        // With what it belongs to, to be written again as it was, or as another's.
        tries.push("DELETE FROM scim_connections".to_owned());
        tries.push("DELETE FROM organizations".to_owned());
        tries.push("UPDATE organizations SET drill_of = id".to_owned());
        if !postgres {
            tries.push("INSERT OR REPLACE INTO scim_connections SELECT * FROM scim_connections".to_owned());
            tries.push("INSERT OR REPLACE INTO organizations SELECT * FROM organizations".to_owned());
        }
        for sql in &tries {
            let error = app.database.try_run_as_application_in("acme", sql).await.expect_err(sql);
            assert!(error.contains("never") || error.contains("goes with") || error.contains("permission denied"), "{sql}: {error}");
        }
        assert_eq!(app.database.rows("SELECT * FROM scim_tokens").await, before);
        assert_eq!(bearer(&app, &acme, text(&gone["secret"])).get("/Users").await.status, 401);
        assert_eq!(app.idp(&globex).get("/Users").await.status, 200, "hers is where it was");
        // An organisation that never had a token keeps its audit log, too; a drill's satellite goes.
        app.database.try_run("INSERT INTO organizations (id, name, slug, created_at) SELECT created_by_member_id, 'X', 'x', 0 FROM scim_tokens WHERE name = 'Gone'").await.unwrap();
        let error = app.database.try_run_as_application_in("x", "DELETE FROM organizations WHERE slug = 'x'").await.unwrap_err();
        assert!(error.contains("never deleted"), "{error}");
        app.database.try_run("INSERT INTO organizations (id, name, slug, created_at, drill_of) SELECT id, 'S', 's', 0, (SELECT id FROM organizations WHERE slug = 'x') FROM scim_tokens WHERE name = 'Gone'").await.unwrap();
        app.database.try_run_as_application_in("s", "DELETE FROM organizations WHERE slug = 's'").await.unwrap();
    }
}
