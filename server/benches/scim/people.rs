//! What people in the console wait for: who is asking and with which role, the list of members, a mapping of a large group.

use axum::body::Body;
use directory::{Call, mail};
use http::{Request, header};
use serde_json::{Value, json};
use server::state::AppState;
use tower::ServiceExt;

use super::{Figure, Scene, sampled, sampled_often};

/// Mappings of the organisation.
const MAPPINGS: usize = 200;
/// Mapped groups of the person whose role is asked for.
const OF_ONE: usize = 20;
/// How often a mapping of everybody is made: each takes as long as there are people.
const LARGE: usize = 20;
const PASSWORD: &str = "violet tractor sings at dawn";

/// A browser with a session.
struct Browser<'a> {
    scene: &'a Scene,
    cookie: String,
}

impl Scene {
    pub(super) async fn people(&self, state: &AppState) -> Vec<Figure> {
        let owner = self.browser("sign_in", &[("email", "owner@acme.test"), ("password", PASSWORD)]).await;
        let groups = self.mapped(&owner).await;
        let member = self.member(state).await;
        for group in groups.iter().take(OF_ONE) {
            self.patch(&format!("/Groups/{group}"), json!([{ "op": "add", "path": "members", "value": [{ "value": self.ids[0] }] }])).await;
        }
        let everybody = self.everybody().await;

        let pages = self.users / 50;
        let page = |number: usize| number.to_string();
        let mut figures = vec![
            sampled("session and role in force of somebody in 20 mapped groups", async |_| {
                let me = member.call("viewer", &[]).await;
                assert_eq!(me["role"], "admin");
            })
            .await,
            sampled("members, the first page", async |_| drop(owner.call("members", &[("page", "1")]).await)).await,
            sampled("members, any page", async |at| drop(owner.call("members", &[("page", &page(1 + at * 7_919 % pages))]).await)).await,
            sampled("members, part of an address", async |at| {
                let found = owner.call("members", &[("search", &format!("USER-{}@", at * 7_919 % self.users)), ("page", "1")]).await;
                assert_eq!(found["total"], 1);
            })
            .await,
            sampled("members, role admin", async |_| {
                let found = owner.call("members", &[("role", "admin"), ("page", "1")]).await;
                assert!(found["total"].as_u64().unwrap() > 0);
            })
            .await,
            sampled("a person's page", async |_| drop(owner.call("person", &[("member", &member.id().await)]).await)).await,
        ];
        let create = [("action", "create"), ("group", everybody.as_str()), ("target", "org:auditor")];
        figures.push(
            sampled_often(LARGE, "preview of a mapping of everybody to auditor", async |_| {
                let plan = owner.call("preview_mapping", &create).await;
                assert_eq!(plan["total"].as_u64().unwrap() + plan["unchanged"].as_u64().unwrap(), u64::try_from(self.users).unwrap());
            })
            .await,
        );
        // Every other one takes it back: two of one kind cannot be made.
        figures.push(sampled_often(LARGE, "preview and apply: map everybody, or unmap them", async |_| owner.toggle(&create).await).await);
        figures
    }

    /// The groups of ten, 200 of them mapped: every tenth to admin, the others to auditor.
    async fn mapped(&self, owner: &Browser<'_>) -> Vec<String> {
        let found = self.get(&format!("/Groups?count={MAPPINGS}&excludedAttributes=members&filter=displayName+sw+%22group+%22")).await;
        let groups: Vec<String> =
            found["Resources"].as_array().unwrap().iter().map(|group| group["id"].as_str().unwrap().to_owned()).collect();
        assert_eq!(groups.len(), MAPPINGS);
        for (number, group) in groups.iter().enumerate() {
            let target = if number % 10 == 0 { "org:admin" } else { "org:auditor" };
            owner.toggle(&[("action", "create"), ("group", group), ("target", target)]).await;
        }
        groups
    }

    /// A group of all users, filled in pieces that a request may hold.
    async fn everybody(&self) -> String {
        let made = self.send(http::Method::POST, "/Groups", Some(json!({ "displayName": "everybody" }))).await;
        let id = made["id"].as_str().unwrap().to_owned();
        for part in self.ids.chunks(20_000) {
            let members: Vec<Value> = part.iter().map(|id| json!({ "value": id })).collect();
            self.patch(&format!("/Groups/{id}"), json!([{ "op": "add", "path": "members", "value": members }])).await;
        }
        id
    }

    /// The first user, who follows her activation link.
    async fn member(&self, state: &AppState) -> Browser<'_> {
        let later = (state.clock)() + std::time::Duration::from_secs(3_600);
        let call = Call::new(later, state.randomness.clone());
        let due = mail::next_due(&state.db, &call).await.unwrap().unwrap();
        assert_eq!(due.address, "user-0@acme.test");
        let link = due.link().unwrap().to_owned();
        self.browser("activate", &[("link", &link), ("password", PASSWORD)]).await
    }

    async fn browser(&self, function: &str, fields: &[(&str, &str)]) -> Browser<'_> {
        let response = self.endpoint.router.clone().oneshot(request(function, fields, None)).await.unwrap();
        assert!(response.status().is_success(), "{function}: {}", response.status());
        let cookie = response.headers()[header::SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
        Browser { scene: self, cookie }
    }
}

impl Browser<'_> {
    async fn call(&self, function: &str, fields: &[(&str, &str)]) -> Value {
        let fields = [&[("org", "acme")], fields].concat();
        let response = self.scene.endpoint.router.clone().oneshot(request(function, &fields, Some(&self.cookie))).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        assert!(parts.status.is_success(), "{function}: {} {}", parts.status, String::from_utf8_lossy(&bytes));
        serde_json::from_slice(&bytes).unwrap()
    }

    /// Her member id.
    async fn id(&self) -> String {
        self.call("viewer", &[]).await["member"].as_str().unwrap().to_owned()
    }

    /// Make the mapping that `create` describes, or delete it when it is there.
    async fn toggle(&self, create: &[(&str, &str)]) {
        let (group, target) = (create[1].1, create[2].1);
        let list = self.call("integrations", &[]).await;
        let there = list["mappings"].as_array().unwrap().iter().find(|mapping| mapping["group"] == group && mapping["target"] == target);
        let id = there.map(|mapping| mapping["id"].as_str().unwrap().to_owned());
        let delete = id.as_ref().map(|id| [("action", "delete"), ("mapping", id.as_str())]);
        let wanted = delete.as_ref().map_or(create, |delete| &delete[..]);
        let plan = self.call("preview_mapping", wanted).await;
        let hash = plan["hash"].as_str().unwrap();
        self.call("apply_mapping", &[wanted, &[("plan", hash)]].concat()).await;
    }
}

fn request(function: &str, fields: &[(&str, &str)], cookie: Option<&str>) -> Request<Body> {
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let request = Request::post(format!("/api/{function}"))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::ORIGIN, "https://id.rollcall.test")
        .header(header::ACCEPT, "application/json");
    let request = match cookie {
        Some(cookie) => request.header(header::COOKIE, cookie),
        None => request,
    };
    request.body(Body::from(body)).unwrap()
}
