//! Who may call which server function: the one reviewed table, and the walk that holds every function to it.

use std::collections::BTreeMap;

use domain::{OrgRole, Permission};
use leptos::server_fn::axum::server_fn_paths;

use crate::support::{Browser, Org, TestApp, both_databases};

/// What a server function asks of its caller.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Needs {
    /// Nothing: it is a way in, or a way out.
    Nothing,
    /// A session, for whichever organisation.
    Session,
    /// A session for the organisation, and a role that allows this there.
    Role(Permission),
    /// The same, and the password within the last 15 minutes.
    Fresh(Permission),
}

use Needs::*;

/// Names and values.
pub type Arguments = Vec<(&'static str, &'static str)>;

const ID: &str = "0199c7e2-41d0-7d3a-9c1e-5a2f8e7b6d10";
/// The organisation of every call below.
const OF: (&str, &str) = ("org", "acme");

/// Every server function, what it needs, and arguments of the right form that name nothing that exists.
pub fn functions() -> BTreeMap<&'static str, (Needs, Arguments)> {
    BTreeMap::from([
        ("set_up_link", (Nothing, vec![("link", "x")])),
        (
            "found",
            (
                Nothing,
                vec![("link", "x"), ("org_name", "A"), ("name", "A"), ("email", "a@a.test"), ("password", "violet tractor sings at dawn")],
            ),
        ),
        ("sign_in", (Nothing, vec![("email", "a@a.test"), ("password", "x")])),
        ("sign_out", (Nothing, vec![])),
        ("sign_in_code", (Nothing, vec![("code", "123456")])),
        ("sign_in_offer", (Nothing, vec![])),
        ("sign_in_set_up", (Nothing, vec![("code", "123456")])),
        ("ask_reset", (Nothing, vec![("email", "a@a.test")])),
        ("reset_link", (Nothing, vec![("link", "x")])),
        ("reset_password", (Nothing, vec![("link", "x"), ("password", "violet tractor sings at dawn")])),
        // Her own, whoever she is. It asks for the password itself.
        ("account", (Role(Permission::Enter), vec![OF])),
        ("change_password", (Role(Permission::Enter), vec![OF, ("password", "not hers"), ("new_password", "an orange boat on a hill")])),
        ("offer_second_factor", (Fresh(Permission::Enter), vec![OF])),
        ("set_up_second_factor", (Role(Permission::Enter), vec![OF, ("code", "123456")])),
        ("renew_recovery_codes", (Fresh(Permission::Enter), vec![OF, ("code", "123456")])),
        ("turn_off_second_factor", (Fresh(Permission::Enter), vec![OF, ("code", "123456")])),
        ("second_factor_policy", (Role(Permission::SeeSecurity), vec![OF])),
        ("require_second_factor", (Fresh(Permission::ManageSecurity), vec![OF, ("on", "true")])),
        ("activation_link", (Nothing, vec![("link", "x")])),
        ("activate", (Nothing, vec![("link", "x"), ("password", "x")])),
        ("organisations", (Session, vec![])),
        ("switch_organisation", (Session, vec![OF])),
        ("viewer", (Role(Permission::Enter), vec![OF])),
        ("members", (Role(Permission::SeeMembers), vec![OF, ("page", "1")])),
        // Whose own page it is may see it, whatever her role; no caller here is the member that is asked for.
        ("person", (Role(Permission::SeePeople), vec![OF, ("member", ID)])),
        ("timeline", (Role(Permission::SeePeople), vec![OF, ("member", ID)])),
        ("resend_activation", (Role(Permission::ManageMembers), vec![OF, ("member", ID)])),
        ("audit", (Role(Permission::SeeAudit), vec![OF])),
        ("activity", (Role(Permission::SeeAudit), vec![OF])),
        ("activity_request", (Role(Permission::SeeAudit), vec![OF, ("request_id", ID)])),
        ("keep_audit", (Fresh(Permission::ManageSecurity), vec![OF, ("years", "7")])),
        ("keep_activity", (Fresh(Permission::ManageSecurity), vec![OF, ("days", "30")])),
        ("receipt", (Role(Permission::SeeAudit), vec![OF, ("member", ID), ("receipt", ID)])),
        ("invite", (Role(Permission::ManageMembers), vec![OF, ("name", "A"), ("email", "nobody"), ("role", "")])),
        ("remove_member", (Role(Permission::ManageMembers), vec![OF, ("member", ID)])),
        ("restore_member", (Role(Permission::ManageMembers), vec![OF, ("member", ID)])),
        ("block_member", (Role(Permission::ManageMembers), vec![OF, ("member", ID)])),
        ("unblock_member", (Role(Permission::ManageMembers), vec![OF, ("member", ID)])),
        // These three everybody may do to herself; the member named here is somebody else.
        ("edit_profile", (Role(Permission::ManageMembers), vec![OF, ("member", ID), ("name", "A")])),
        ("end_session", (Role(Permission::ManageMembers), vec![OF, ("member", ID), ("session", "x")])),
        ("end_sessions", (Role(Permission::ManageMembers), vec![OF, ("member", ID)])),
        ("grant_role", (Role(Permission::ManageMembers), vec![OF, ("member", ID), ("role", "auditor")])),
        ("revoke_role", (Role(Permission::ManageMembers), vec![OF, ("member", ID), ("role", "auditor")])),
        ("set_break_glass", (Fresh(Permission::ManageOwners), vec![OF, ("member", ID), ("on", "true")])),
        ("held_links", (Role(Permission::ManageOwners), vec![OF])),
        ("approve_link", (Fresh(Permission::ManageOwners), vec![OF, ("record", ID)])),
        ("decline_link", (Fresh(Permission::ManageOwners), vec![OF, ("record", ID)])),
        ("confirm_password", (Role(Permission::Enter), vec![OF, ("password", "x")])),
        ("security", (Role(Permission::SeeSecurity), vec![OF])),
        // Says nothing to whoever may not see the security settings: drills.rs.
        ("last_drill", (Role(Permission::Enter), vec![OF])),
        ("drills", (Role(Permission::SeeSecurity), vec![OF])),
        ("drill", (Role(Permission::SeeSecurity), vec![OF, ("drill", ID)])),
        ("run_drill", (Fresh(Permission::ManageSecurity), vec![OF])),
        ("groups", (Role(Permission::SeeMappings), vec![OF])),
        ("group", (Role(Permission::SeeMappings), vec![OF, ("group", ID)])),
        ("integrations", (Role(Permission::SeeMappings), vec![OF])),
        ("preview_mapping", (Role(Permission::ManageMappings), vec![OF, ("action", "pause"), ("mapping", ID)])),
        ("apply_mapping", (Role(Permission::ManageMappings), vec![OF, ("action", "pause"), ("mapping", ID), ("plan", "x")])),
        ("teams", (Role(Permission::SeeTeams), vec![OF])),
        ("team", (Role(Permission::SeeTeams), vec![OF, ("team", ID)])),
        ("create_team", (Role(Permission::ManageTeams), vec![OF, ("name", "")])),
        ("rename_team", (Role(Permission::ManageTeams), vec![OF, ("team", ID), ("name", "x")])),
        ("delete_team", (Role(Permission::ManageTeams), vec![OF, ("team", ID)])),
        // Who manages teams, and who leads the team, which there is none of here: teams.rs.
        ("give_seat", (Role(Permission::SeeTeams), vec![OF, ("team", ID), ("member", ID), ("role", "member")])),
        ("remove_seat", (Role(Permission::SeeTeams), vec![OF, ("team", ID), ("member", ID)])),
        // Those that one may use; every one for whoever may see them all: agents.rs.
        ("agents", (Role(Permission::Enter), vec![OF])),
        ("agent", (Role(Permission::Enter), vec![OF, ("agent", ID)])),
        ("create_agent", (Role(Permission::ManageAgents), vec![OF, ("name", ""), ("description", ""), ("owner_team", "")])),
        ("edit_agent", (Role(Permission::ManageAgents), vec![OF, ("agent", ID), ("name", "x"), ("description", "")])),
        ("delete_agent", (Role(Permission::ManageAgents), vec![OF, ("agent", ID)])),
        ("set_agent_access", (Role(Permission::ManageAgents), vec![OF, ("agent", ID), ("teams[]", ID), ("roles[]", "admin")])),
        // Whose tokens and clients they are is the session's to say: everybody sees and ends her own.
        ("api_access", (Role(Permission::Enter), vec![OF])),
        ("end_api_session", (Role(Permission::Enter), vec![OF, ("session", ID)])),
        ("issue_personal_token", (Fresh(Permission::Enter), vec![OF, ("name", "x"), ("lifetime", "days7"), ("scopes", "profile")])),
        ("revoke_personal_token", (Role(Permission::Enter), vec![OF, ("token", ID)])),
        ("device_request", (Role(Permission::Enter), vec![OF, ("user_code", "WDJB-MJHT")])),
        ("approve_device", (Role(Permission::Enter), vec![OF, ("user_code", "WDJB-MJHT")])),
        ("deny_device", (Role(Permission::Enter), vec![OF, ("user_code", "WDJB-MJHT")])),
        ("service_credentials", (Role(Permission::SeeSecurity), vec![OF])),
        ("issue_service_credential", (Fresh(Permission::ManageSecurity), vec![OF, ("name", "x")])),
        ("rotate_service_credential", (Fresh(Permission::ManageSecurity), vec![OF, ("credential", ID), ("retire", "day")])),
        ("revoke_service_credential", (Fresh(Permission::ManageSecurity), vec![OF, ("credential", ID)])),
        ("webhooks", (Role(Permission::SeeSecurity), vec![OF])),
        ("webhook", (Role(Permission::SeeSecurity), vec![OF, ("endpoint", ID)])),
        ("webhook_delivery", (Role(Permission::SeeSecurity), vec![OF, ("endpoint", ID), ("delivery", ID)])),
        (
            "create_webhook",
            (Fresh(Permission::ManageSecurity), vec![OF, ("name", "x"), ("url", "https://events.acme.test/"), ("format", "webhook")]),
        ),
        (
            "change_webhook",
            (Fresh(Permission::ManageSecurity), vec![OF, ("endpoint", ID), ("name", "x"), ("url", "https://events.acme.test/")]),
        ),
        ("rotate_webhook_secret", (Fresh(Permission::ManageSecurity), vec![OF, ("endpoint", ID), ("retire", "hour")])),
        ("enable_webhook", (Role(Permission::ManageSecurity), vec![OF, ("endpoint", ID), ("on", "true")])),
        ("delete_webhook", (Fresh(Permission::ManageSecurity), vec![OF, ("endpoint", ID)])),
        ("test_webhook", (Role(Permission::ManageSecurity), vec![OF, ("endpoint", ID)])),
        ("replay_webhook", (Role(Permission::ManageSecurity), vec![OF, ("endpoint", ID)])),
        ("enable_scim", (Role(Permission::ManageSecurity), vec![OF])),
        ("disable_scim", (Fresh(Permission::ManageSecurity), vec![OF])),
        ("issue_token", (Fresh(Permission::ManageSecurity), vec![OF, ("name", "x"), ("lifetime", "year")])),
        ("rotate_token", (Fresh(Permission::ManageSecurity), vec![OF, ("token", ID), ("retire", "day")])),
        ("reissue_token", (Fresh(Permission::ManageSecurity), vec![OF, ("token", ID)])),
        ("revoke_token", (Fresh(Permission::ManageSecurity), vec![OF, ("token", ID)])),
        ("restrict_token", (Fresh(Permission::ManageSecurity), vec![OF, ("token", ID), ("allowed_from", "192.0.2.0/24")])),
    ])
}

/// What differs from the table, with the reason.
fn exception(function: &str, who: &str) -> Option<u16> {
    match (function, who) {
        // It is about the person, not about the organisation.
        ("organisations", "stranger") => Some(200),
        // She asks to enter an organisation that she is not in; whether it exists is not hers to learn.
        ("switch_organisation", "stranger") => Some(404),
        _ => None,
    }
}

/// Everybody who can ask, with the role that she has in Acme.
async fn callers(app: &TestApp, acme: &Org, globex: &Org) -> [(&'static str, Option<OrgRole>, Browser); 7] {
    let old = app.owner(acme).await;
    app.advance(std::time::Duration::from_secs(15 * 60));
    [
        ("anonymous", None, app.browser()),
        ("stranger", None, app.owner(globex).await),
        ("member", Some(OrgRole::Member), app.member_as(acme, "member@acme.test", OrgRole::Member).await),
        ("auditor", Some(OrgRole::Auditor), app.member_as(acme, "auditor@acme.test", OrgRole::Auditor).await),
        ("admin", Some(OrgRole::Admin), app.member_as(acme, "admin@acme.test", OrgRole::Admin).await),
        ("owner with old authentication", Some(OrgRole::Owner), old),
        ("owner", Some(OrgRole::Owner), app.owner(acme).await),
    ]
}

/// Every page of an organisation, as the router knows it; what it needs, and its address. What an address names is not there: 404
/// for whoever may look.
fn pages() -> BTreeMap<&'static str, (Permission, String, u16)> {
    let of = |permission, path: &str, status| (permission, format!("/o/acme{path}"), status);
    let one = |permission, path: &str| (permission, format!("/o/acme{path}/{ID}"), 404);
    BTreeMap::from([
        // Leads to the members, whoever asks: that page says who may.
        ("", of(Permission::SeeMembers, "", 302)),
        ("/members", of(Permission::SeeMembers, "/members", 200)),
        ("/members/invite", of(Permission::ManageMembers, "/members/invite", 200)),
        ("/members/{member}", one(Permission::SeePeople, "/members")),
        ("/members/{member}/receipts/{receipt}", of(Permission::SeeAudit, &format!("/members/{ID}/receipts/{ID}"), 404)),
        ("/teams", of(Permission::SeeTeams, "/teams", 200)),
        ("/teams/{team}", one(Permission::SeeTeams, "/teams")),
        ("/groups", of(Permission::SeeMappings, "/groups", 200)),
        ("/groups/{group}", one(Permission::SeeMappings, "/groups")),
        ("/agents", of(Permission::Enter, "/agents", 200)),
        ("/agents/{agent}", one(Permission::Enter, "/agents")),
        ("/account", of(Permission::Enter, "/account", 200)),
        ("/api-access", of(Permission::Enter, "/api-access", 200)),
        // With no code in its address it asks for one; every code is somebody's to see once: devices.rs.
        ("/device", of(Permission::Enter, "/device", 200)),
        ("/settings/integrations", of(Permission::SeeMappings, "/settings/integrations", 200)),
        (
            "/settings/integrations/preview",
            of(Permission::ManageMappings, &format!("/settings/integrations/preview?action=delete&mapping={ID}"), 404),
        ),
        ("/settings/security", of(Permission::SeeSecurity, "/settings/security", 200)),
        ("/settings/security/drills/{drill}", one(Permission::SeeSecurity, "/settings/security/drills")),
        ("/settings/webhooks", of(Permission::SeeSecurity, "/settings/webhooks", 200)),
        ("/settings/webhooks/{endpoint}", one(Permission::SeeSecurity, "/settings/webhooks")),
        ("/settings/webhooks/{endpoint}/{delivery}", one(Permission::SeeSecurity, &format!("/settings/webhooks/{ID}"))),
        ("/settings/activity", of(Permission::SeeAudit, "/settings/activity", 200)),
        ("/settings/activity/{request}", one(Permission::SeeAudit, "/settings/activity")),
        ("/settings/audit", of(Permission::SeeAudit, "/settings/audit", 200)),
    ])
}

both_databases! {
    async fn every_page_asks_who_is_looking(app) {
        let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
        let pages = pages();
        let routed: Vec<String> = leptos_axum::generate_route_list(app::App).iter().map(|route| route.path().to_owned()).collect();
        let of_orgs: Vec<&str> = routed.iter().filter_map(|path| path.strip_prefix("/o/{org}")).filter(|path| !path.contains('*')).collect();
        for path in &of_orgs {
            assert!(pages.contains_key(path), "{path} is in no table: say here who may see it");
        }
        assert_eq!(of_orgs.len(), pages.len(), "{of_orgs:?}");
        let outside: std::collections::BTreeSet<&str> = routed.iter().map(String::as_str).filter(|path| !path.starts_with("/o/")).collect();
        let known = [
            "/activate/{link}", "/forgot-password", "/organisations", "/reset/{link}", "/set-up/{link}", "/sign-in", "/sign-in/code",
            "/sign-in/second-factor",
        ];
        assert_eq!(outside, known.into(), "pages that belong to no organisation");

        for (who, role, browser) in &callers(&app, &acme, &globex).await {
            for (permission, path, status) in pages.values() {
                let page = browser.get(path).await;
                let expected = match (*who, role) {
                    ("anonymous", _) => {
                        assert!(page.redirect().is_some_and(|to| to.starts_with("/sign-in?next=")), "{path}: {}", page.status);
                        continue;
                    }
                    _ if *status == 302 => 302,
                    ("stranger", _) => 409,
                    (_, Some(role)) if role.may(*permission) => *status,
                    _ => 403,
                };
                assert_eq!(page.status, expected, "{path}, {who}: {:.300}", page.text);
            }
        }
    }

    /// A file is asked for like the page that it belongs to.
    async fn a_receipts_file_asks_who_is_looking(app) {
        let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
        for (who, role, browser) in &callers(&app, &acme, &globex).await {
            let file = browser.get(&format!("/o/acme/receipts/{ID}.json")).await;
            let expected = match (*who, role) {
                ("anonymous", _) => 303,
                ("stranger", _) => 409,
                (_, Some(role)) if role.may(Permission::SeeAudit) => 404,
                _ => 403,
            };
            assert_eq!(file.status, expected, "{who}: {}", file.text);
        }
    }

    /// What an identity provider asks for is nobody's who is signed in: a session is no token.
    async fn no_session_opens_an_endpoint_of_the_directory(app) {
        let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
        let refused = app.idp(&acme).with_authorization(None).get("/Users").await;
        for (who, _, browser) in &callers(&app, &acme, &globex).await {
            for endpoint in ["/Users", "/Groups", "/Bulk", "/Me", "/Schemas", "/ResourceTypes", "/ServiceProviderConfig", "/.search", ""] {
                let answer = browser.get(&format!("/scim/{}/v2{endpoint}", acme.id)).await;
                assert_eq!((answer.status, &answer.text), (401, &refused.text), "{endpoint}, {who}");
                app.state.forget_failures();
            }
        }
    }

    /// Programs come with tokens: a session opens none of what is theirs, and a token opens none of the pages and functions.
    async fn no_session_opens_what_is_for_programs_and_no_token_what_is_for_browsers(app) {
        let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
        let services = format!("/api/v1/agents/{ID}/authorize");
        for (who, _, browser) in &callers(&app, &acme, &globex).await {
            for path in ["/api/v1/me", "/api/v1/agents"] {
                assert_eq!(browser.get(path).await.status, 401, "{path}, {who}");
            }
            for path in ["/oauth/introspect", services.as_str()] {
                assert_eq!(browser.post_to(path, &[("token", "x")], &[("origin", "https://id.rollcall.test")]).await.status, 401, "{path}, {who}");
            }
        }
        let owner = app.owner(&acme).await;
        let tokens = app.let_in(&acme, &owner, "rollcall-cli").await;
        let tokens = [tokens.access, tokens.refresh, app.personal_token(&acme, &owner).await, app.service_credential(&acme).await, acme.token.clone()];
        for token in &tokens {
            let page = app.client().get("/o/acme/members", token).await;
            assert_eq!(page.status, 303, "{}", page.text);
            for (function, (needs, _)) in functions() {
                if needs != Nothing {
                    let call = http::Request::post(format!("/api/{function}"))
                        .header("content-type", "application/x-www-form-urlencoded")
                        .header("origin", "https://id.rollcall.test")
                        .header("authorization", format!("Bearer {token}"));
                    let answer = app.client().send(call.body(axum::body::Body::from("org=acme")).unwrap()).await;
                    assert!(!(200..300).contains(&answer.status), "{function}: {} {}", answer.status, answer.text);
                }
            }
            let scim = app.idp(&acme).with_authorization(Some(&format!("Bearer {token}"))).get("/Users").await;
            assert_eq!(scim.status, if *token == acme.token { 200 } else { 401 });
            app.state.forget_failures();
        }
    }

    async fn every_server_function_asks_who_is_calling(app) {
        let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
        let functions = functions();
        let served: Vec<String> = server_fn_paths().map(|(path, _)| path.trim_start_matches("/api/").to_owned()).collect();
        for function in &served {
            assert!(functions.contains_key(function.as_str()), "{function} is in no table: say here who may call it");
        }
        assert_eq!(served.len(), functions.len());

        let callers = callers(&app, &acme, &globex).await;
        for (who, role, browser) in &callers {
            for (function, (needs, arguments)) in &functions {
                if *needs == Nothing {
                    continue;
                }
                let status = browser.call(function, arguments).await.status;
                let allowed = |permission: Permission| role.is_some_and(|role| role.may(permission));
                let refusal = match (exception(function, who), *who, needs) {
                    (Some(status), ..) => Some(status),
                    (None, "anonymous", _) => Some(401),
                    (None, "stranger", _) => Some(409),
                    (None, _, Role(permission) | Fresh(permission)) if !allowed(*permission) => Some(403),
                    (None, "owner with old authentication", Fresh(_)) => Some(403),
                    _ => None,
                };
                match refusal {
                    Some(refusal) => assert_eq!(status, refusal, "{function}, {who}"),
                    // Let through: done, or refused for what was asked, not for who asked.
                    None => assert!([200, 404, 409, 422].contains(&status), "{function}, {who}: {status}"),
                }
            }
        }
    }
}
