//! Every dialect: what each identity provider really sends, in its order and its spelling, and what comes of it.
//!
//! Each test plays one sequence through the whole router and looks at the answers and at what is so afterwards. Where
//! two providers ask for opposite things, what both can live with is tested in the file of each.

mod authentik;
mod entra;
mod jumpcloud;
mod nasty;
mod okta;
mod okta_spec;
mod onelogin;
mod ping;
mod rauthy;
mod rippling;
mod sailpoint;
mod scim_for_keycloak;
mod validator;

use serde_json::{Value, json};

use crate::support::{Answer, Browser, Idp, Org, TestApp};

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";
/// An id of the right form that is nobody's.
const NOBODY: &str = "0199c7e2-41d0-7d3a-9c1e-5a2f8e7b6d10";

fn is_empty_list(answer: &Answer) {
    assert_eq!(answer.status, 200, "{}", answer.text);
    let schemas = ["urn:ietf:params:scim:api:messages:2.0:ListResponse"];
    assert_eq!(answer.json, json!({ "schemas": schemas, "totalResults": 0, "startIndex": 1, "itemsPerPage": 0, "Resources": [] }));
}

/// A refusal in SCIM's form: JSON, the status as a string, a sentence for the administrator who reads it.
fn is_refused(answer: &Answer, status: u16, scim_type: Option<&str>) {
    let json = &answer.json;
    assert_eq!((answer.status, json["scimType"].as_str()), (status, scim_type), "{}", answer.text);
    assert_eq!((&json["schemas"], &json["status"]), (&json!([ERROR]), &json!(status.to_string())), "{}", answer.text);
    assert!(json["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{}", answer.text);
}

/// The ids on a page, in its order.
fn found(answer: &Answer) -> Vec<&str> {
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json["Resources"].as_array().unwrap().iter().map(|resource| resource["id"].as_str().unwrap()).collect()
}

/// The path of what a POST made: 201, its whole representation, and where it is.
fn path_of(created: &Answer) -> String {
    assert_eq!(created.status, 201, "{}", created.text);
    assert_eq!(created.headers["location"], created.json["meta"]["location"].as_str().unwrap());
    let kind = created.json["meta"]["resourceType"].as_str().unwrap();
    format!("/{kind}s/{}", id_of(created))
}

fn id_of(answer: &Answer) -> &str {
    answer.json["id"].as_str().unwrap_or_else(|| panic!("{}", answer.text))
}

/// The id at the end of a path.
fn id_in(path: &str) -> &str {
    path.rsplit_once('/').unwrap().1
}

/// A value of `members`, or of whatever else is a list of objects with a `value`.
fn values(ids: &[&str]) -> Value {
    ids.iter().map(|id| json!({ "value": id })).collect()
}

/// The ids of new users, all of them inactive.
async fn people<const COUNT: usize>(idp: &Idp) -> [String; COUNT] {
    let mut ids = vec![];
    for number in 0..COUNT {
        let body = json!({ "schemas": [USER], "userName": format!("p{number}@acme.test"), "active": false });
        ids.push(id_of(&idp.post("/Users", body).await).to_owned());
    }
    ids.try_into().unwrap()
}

/// The path of a new group.
async fn group(idp: &Idp, name: &str, members: &[&str]) -> String {
    path_of(&idp.post("/Groups", json!({ "schemas": [GROUP], "displayName": name, "members": values(members) })).await)
}

/// Whether just these are in the group.
async fn holds(idp: &Idp, group: &str, expected: &[&str]) -> bool {
    let answer = idp.get(group).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let mut members: Vec<_> =
        answer.json["members"].as_array().into_iter().flatten().map(|member| member["value"].as_str().unwrap()).collect();
    let mut expected = expected.to_vec();
    members.sort_unstable();
    expected.sort_unstable();
    members == expected
}

/// Whether the next request of somebody who is signed in with `browser` is answered.
async fn has_access(browser: &Browser, org: &Org) -> bool {
    !browser.get(&format!("/o/{}/members", org.slug)).await.is_refused()
}

/// All that a change without effect leaves alone: the resource with its version and times, and the audit log.
async fn state_of(app: &TestApp, idp: &Idp, path: &str) -> (Value, i64) {
    // Whatever changes from here on changes at another moment.
    app.advance(std::time::Duration::from_secs(1));
    (idp.get(path).await.json, app.database.number("SELECT count(*) FROM audit_events").await)
}
