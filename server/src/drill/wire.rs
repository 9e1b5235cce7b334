//! The requests of a drill, and what their answers mean. Of an answer only its status is ever written down: a body may hold a secret.

use std::time::Duration;

use directory::drill::Run;
use http::{StatusCode, header};
use reqwest::{Client, ClientBuilder, RequestBuilder, redirect::Policy};
use serde_json::{Value, json};
use url::Url;

use crate::{config::Reach, oauth::DEVICE_GRANT};

/// How long a node may take to answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A client for the drill's requests: no redirect leads a credential elsewhere, and no proxy sees one.
pub(super) fn client(reach: &Reach) -> Result<Client, String> {
    let name = concat!("rollcall-drill/", env!("CARGO_PKG_VERSION"));
    let client = Client::builder().user_agent(name).redirect(Policy::none()).no_proxy().timeout(TIMEOUT);
    let client = reach.authorities.iter().cloned().fold(client, ClientBuilder::add_root_certificate);
    let client = match &reach.here {
        Some((name, address)) => client.resolve(name, *address),
        None => client,
    };
    let client = client.build();
    client.map_err(|error| format!("no connection can be made: {error}"))
}

/// A node's address, as reports show it.
pub(super) fn shown(url: &Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}

/// A node, and a connection to it.
pub(super) struct Node {
    /// Its address.
    pub(super) name: String,
    http: Client,
}

/// Everything that the drill's person holds, and what others ask about it with. No `Debug`: all of it is secret.
#[derive(Clone)]
pub(super) struct Held {
    /// The session's cookie, name and value.
    pub(super) cookie: String,
    pub(super) access: String,
    pub(super) refresh: String,
    pub(super) personal: String,
    /// The credential of a service that is shown her tokens.
    pub(super) service: String,
    /// The agent's id, which is also the client's.
    pub(super) agent: String,
    /// Her organisation's name in URLs.
    pub(super) org: String,
}

/// Something that is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Session,
    // Before the access token: it brings the newest one.
    Refresh,
    Access,
    Personal,
    Agent,
    Introspection,
}

impl What {
    pub(super) const ALL: [Self; 6] = [Self::Session, Self::Refresh, Self::Access, Self::Personal, Self::Agent, Self::Introspection];

    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Session => "Browser session",
            Self::Refresh => "Refresh token",
            Self::Access => "Access token",
            Self::Personal => "Personal token",
            Self::Agent => "Use of the agent",
            Self::Introspection => "Personal token, shown to a service",
        }
    }
}

/// What an answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// She could act.
    Accepted,
    /// She could not.
    Refused,
    /// It says neither, such as an error or no answer at all.
    Unclear,
}

/// What came back.
struct Answer {
    status: StatusCode,
    location: Option<String>,
    text: String,
    json: Value,
}

impl Answer {
    fn field(&self, name: &str) -> Result<String, String> {
        let found = self.json[name].as_str().map(str::to_owned);
        found.ok_or_else(|| format!("{}, without a {name}", self.status))
    }

    fn expect(self, status: StatusCode) -> Result<Self, String> {
        if self.status == status { Ok(self) } else { Err(self.status.to_string()) }
    }
}

impl Node {
    pub(super) fn new(url: &Url, http: &Client) -> Self {
        Self { name: shown(url), http: http.clone() }
    }

    /// How a report names a request to this node.
    pub(super) fn asked(&self, method: &str, path: &str) -> String {
        format!("{method} {path} at {}", self.name)
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.name)
    }

    async fn send(&self, request: RequestBuilder) -> Result<Answer, String> {
        let no_answer = |error: reqwest::Error| {
            let why = if error.is_timeout() {
                "it takes too long"
            } else if error.is_connect() {
                "it cannot be reached"
            } else {
                "the answer was cut off"
            };
            format!("no answer: {why}")
        };
        let response = request.send().await.map_err(no_answer)?;
        let location = response.headers().get(header::LOCATION).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let status = response.status();
        let text = response.text().await.map_err(no_answer)?;
        Ok(Answer { status, location, json: serde_json::from_str(&text).unwrap_or(Value::Null), text })
    }

    fn get(&self, path: &str) -> RequestBuilder {
        self.http.get(self.url(path))
    }

    fn form(&self, path: &str, fields: &[(&str, &str)]) -> RequestBuilder {
        self.http.post(self.url(path)).form(fields)
    }

    fn scim(&self, method: http::Method, run: &Run, path: &str, body: &Value) -> RequestBuilder {
        let request = self.http.request(method, self.url(&format!("/scim/{}/v2{path}", run.org))).bearer_auth(run.token());
        request.header(header::CONTENT_TYPE, "application/scim+json").body(body.to_string())
    }

    /// Whether it and its database are ready.
    pub(super) async fn ready(&self) -> Result<((), String), String> {
        let answer = self.send(self.get("/readyz")).await?.expect(StatusCode::OK)?;
        Ok(((), answer.status.to_string()))
    }

    /// The id of the user whom the drill provisions.
    pub(super) async fn create_user(&self, run: &Run) -> Result<(String, String), String> {
        let body = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": format!("drill-{}", run.number),
            "externalId": format!("drill-{}", run.id),
            "displayName": "Nobody (deprovision drill)",
            "active": true
        });
        let answer = self.send(self.scim(http::Method::POST, run, "/Users", &body)).await?.expect(StatusCode::CREATED)?;
        Ok((answer.field("id")?, answer.status.to_string()))
    }

    pub(super) async fn create_group(&self, run: &Run, user: &str) -> Result<((), String), String> {
        let body = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
            "displayName": Run::GROUP,
            "members": [{ "value": user }]
        });
        let answer = self.send(self.scim(http::Method::POST, run, "/Groups", &body)).await?.expect(StatusCode::CREATED)?;
        match answer.json["members"][0]["value"].as_str() == Some(user) {
            true => Ok(((), answer.status.to_string())),
            false => Err(format!("{}, without her", answer.status)),
        }
    }

    pub(super) async fn deactivate(&self, run: &Run, user: &str) -> Result<((), String), String> {
        let body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{ "op": "replace", "value": { "active": false } }]
        });
        let path = format!("/Users/{user}");
        let answer = self.send(self.scim(http::Method::PATCH, run, &path, &body)).await?.expect(StatusCode::OK)?;
        match answer.json["active"] == json!(false) {
            true => Ok(((), answer.status.to_string())),
            false => Err(format!("{}, but she is not inactive", answer.status)),
        }
    }

    /// A device code and a user code.
    pub(super) async fn ask_as_device(&self, client: &str) -> Result<(String, String), String> {
        let fields = [("client_id", client), ("scope", "profile agents")];
        let answer = self.send(self.form("/oauth/device_authorization", &fields)).await?.expect(StatusCode::OK)?;
        Ok((answer.field("device_code")?, answer.field("user_code")?))
    }

    /// An access token and a refresh token.
    pub(super) async fn redeem(&self, client: &str, device_code: &str) -> Result<(String, String), String> {
        let fields = [("grant_type", DEVICE_GRANT), ("client_id", client), ("device_code", device_code)];
        let answer = self.send(self.form("/oauth/token", &fields)).await?.expect(StatusCode::OK)?;
        Ok((answer.field("access_token")?, answer.field("refresh_token")?))
    }

    async fn ask(&self, what: What, held: &Held) -> Result<Answer, String> {
        let request = match what {
            What::Session => {
                let page = self.get(&format!("/o/{}/members", held.org)).header(header::ACCEPT, "text/html");
                page.header(header::COOKIE, &held.cookie)
            }
            What::Refresh => {
                let fields = [("grant_type", "refresh_token"), ("client_id", &held.agent), ("refresh_token", &held.refresh)];
                self.form("/oauth/token", &fields)
            }
            What::Access => self.get("/api/v1/me").bearer_auth(&held.access),
            What::Personal => self.get("/api/v1/me").bearer_auth(&held.personal),
            What::Agent => {
                let path = self.url(&format!("/api/v1/agents/{}/authorize", held.agent));
                self.http.post(path).bearer_auth(&held.service).json(&json!({ "token": held.access }))
            }
            What::Introspection => self.form("/oauth/introspect", &[("token", &held.personal)]).bearer_auth(&held.service),
        };
        self.send(request).await
    }

    /// Use everything once, and see that it really works; `held` has the tokens that came of it. What does not work is named.
    pub(super) async fn use_all(&self, held: &mut Held) -> Result<((), String), String> {
        let mut wrong = vec![];
        for what in What::ALL {
            match self.ask(what, held).await {
                Ok(answer) if works(what, &answer, held) => take_tokens(what, &answer, held),
                Ok(answer) => wrong.push(format!("{} did not work ({})", what.title(), answer.status)),
                Err(why) => wrong.push(format!("{} did not work ({why})", what.title())),
            }
        }
        match wrong.is_empty() {
            true => Ok(((), format!("{} of {} do", What::ALL.len(), What::ALL.len()))),
            false => Err(wrong.join("; ")),
        }
    }

    /// Try one thing once, after its person has left.
    pub(super) async fn try_once(&self, what: What, held: &mut Held) -> (Verdict, String) {
        match self.ask(what, held).await {
            Ok(answer) => {
                let verdict = verdict(what, &answer);
                if verdict == Verdict::Accepted {
                    take_tokens(what, &answer, held);
                }
                (verdict, answered(what, &answer))
            }
            Err(why) => (Verdict::Unclear, why),
        }
    }
}

/// A refresh token is used up by the next one.
fn take_tokens(what: What, answer: &Answer, held: &mut Held) {
    if what == What::Refresh
        && let (Ok(access), Ok(refresh)) = (answer.field("access_token"), answer.field("refresh_token"))
    {
        (held.access, held.refresh) = (access, refresh);
    }
}

/// Whether it did what it is for, before she left: any 200 would be too little to go by.
fn works(what: What, answer: &Answer, held: &Held) -> bool {
    let agent = |agents: &Value| agents.as_array().is_some_and(|agents| agents.iter().any(|agent| agent["id"] == json!(held.agent)));
    let in_team = |answer: &Answer| answer.json["teams"].as_array().is_some_and(|teams| teams.len() == 1);
    answer.status == StatusCode::OK
        && match what {
            What::Session => answer.text.contains(&format!("/o/{}/members", held.org)),
            What::Refresh => answer.field("access_token").is_ok() && answer.field("refresh_token").is_ok(),
            What::Access | What::Personal => {
                answer.json["org"]["slug"] == json!(held.org) && answer.json["role"] == json!("member") && in_team(answer)
            }
            What::Agent => answer.json["allowed"] == json!(true) && answer.json["agent"]["id"] == json!(held.agent),
            What::Introspection => answer.json["active"] == json!(true) && agent(&answer.json["agents"]) && in_team(answer),
        }
}

/// What an answer means after she has left. Whatever is not plainly a refusal counts against it.
fn verdict(what: What, answer: &Answer) -> Verdict {
    let refused = match what {
        What::Session => {
            let to_sign_in = answer.location.as_deref().is_some_and(|to| to.starts_with("/sign-in"));
            answer.status == StatusCode::SEE_OTHER && to_sign_in || answer.status == StatusCode::UNAUTHORIZED
        }
        What::Refresh => answer.status == StatusCode::BAD_REQUEST && answer.json["error"] == json!("invalid_grant"),
        What::Access | What::Personal => answer.status == StatusCode::UNAUTHORIZED,
        What::Agent => answer.status == StatusCode::OK && answer.json["allowed"] == json!(false),
        What::Introspection => answer.status == StatusCode::OK && answer.json["active"] == json!(false),
    };
    match refused {
        true => Verdict::Refused,
        false if answer.status.is_success() => Verdict::Accepted,
        false => Verdict::Unclear,
    }
}

/// An answer for the report.
fn answered(what: What, answer: &Answer) -> String {
    let said = |name: &str| answer.json[name].as_bool().map(|value| format!("{}, {name}: {value}", answer.status));
    let more = match what {
        What::Session if answer.location.is_some() => {
            Some(format!("{}, to the sign-in page", answer.status)).filter(|_| verdict(what, answer) == Verdict::Refused)
        }
        What::Agent => said("allowed"),
        What::Introspection => said("active"),
        _ => None,
    };
    more.unwrap_or_else(|| answer.status.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, text: &str, location: Option<&str>) -> Answer {
        Answer {
            status: StatusCode::from_u16(status).unwrap(),
            location: location.map(str::to_owned),
            text: text.to_owned(),
            json: serde_json::from_str(text).unwrap_or(Value::Null),
        }
    }

    #[test]
    fn only_what_is_plainly_refused_counts_as_refused() {
        let refusals = [
            (What::Session, answer(303, "", Some("/sign-in?next=%2Fo"))),
            (What::Refresh, answer(400, "{\"error\":\"invalid_grant\"}", None)),
            (What::Access, answer(401, "{}", None)),
            (What::Personal, answer(401, "{}", None)),
            (What::Agent, answer(200, "{\"allowed\":false}", None)),
            (What::Introspection, answer(200, "{\"active\":false}", None)),
        ];
        for (what, answer) in &refusals {
            assert_eq!(verdict(*what, answer), Verdict::Refused, "{what:?}");
        }
        for what in What::ALL {
            assert_eq!(verdict(what, &answer(200, "anything", None)), Verdict::Accepted, "{what:?}");
            assert_eq!(verdict(what, &answer(200, "{\"active\":true,\"allowed\":true}", None)), Verdict::Accepted, "{what:?}");
            for unclear in [answer(500, "", None), answer(503, "", None), answer(429, "", None), answer(303, "", Some("/elsewhere"))] {
                assert_eq!(verdict(what, &unclear), Verdict::Unclear, "{what:?}");
            }
        }
        assert_eq!(verdict(What::Refresh, &answer(400, "{\"error\":\"invalid_client\"}", None)), Verdict::Unclear);
    }
}
