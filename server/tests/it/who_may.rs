//! Who may call which server function: the one reviewed table, and the walk that holds every function to it.

use std::collections::BTreeMap;

use domain::{OrgRole, Permission};
use leptos::server_fn::axum::server_fn_paths;

use crate::support::{Browser, both_databases};

/// What a server function asks of its caller.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Needs {
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

const ID: &str = "0199c7e2-41d0-7d3a-9c1e-5a2f8e7b6d10";
/// The organisation of every call below.
const OF: (&str, &str) = ("org", "acme");

/// Every server function, what it needs, and arguments of the right form that name nothing that exists.
fn functions() -> BTreeMap<&'static str, (Needs, Vec<(&'static str, &'static str)>)> {
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
        ("enable_scim", (Role(Permission::ManageSecurity), vec![OF])),
        ("disable_scim", (Role(Permission::ManageSecurity), vec![OF])),
        ("issue_token", (Role(Permission::ManageSecurity), vec![OF, ("name", "x"), ("lifetime", "year")])),
        ("reissue_token", (Role(Permission::ManageSecurity), vec![OF, ("token", ID)])),
        ("revoke_token", (Role(Permission::ManageSecurity), vec![OF, ("token", ID)])),
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

both_databases! {
    async fn every_server_function_asks_who_is_calling(app) {
        let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
        let functions = functions();
        let served: Vec<String> = server_fn_paths().map(|(path, _)| path.trim_start_matches("/api/").to_owned()).collect();
        for function in &served {
            assert!(functions.contains_key(function.as_str()), "{function} is in no table: say here who may call it");
        }
        assert_eq!(served.len(), functions.len());

        let old = app.owner(&acme).await;
        app.advance(std::time::Duration::from_secs(15 * 60));
        let owner = app.owner(&acme).await;
        let callers: [(&str, Option<OrgRole>, Browser); 7] = [
            ("anonymous", None, app.browser()),
            ("stranger", None, app.owner(&globex).await),
            ("member", Some(OrgRole::Member), app.member_as(&acme, "member@acme.test", OrgRole::Member).await),
            ("auditor", Some(OrgRole::Auditor), app.member_as(&acme, "auditor@acme.test", OrgRole::Auditor).await),
            ("admin", Some(OrgRole::Admin), app.member_as(&acme, "admin@acme.test", OrgRole::Admin).await),
            ("owner with old authentication", Some(OrgRole::Owner), old),
            ("owner", Some(OrgRole::Owner), owner),
        ];
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
