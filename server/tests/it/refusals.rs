//! Law 1: without a good token nothing below `/scim` answers, and no refusal tells why. Nor does a strange spelling of a path.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    time::Duration,
};

use axum::body::Body;
use http::{HeaderMap, Method, Request, header};
use server::surface::Demand;
use tower::ServiceExt;

use crate::{
    support::{Org, Recorded, TestApp, both_databases, recorded},
    tokens::altered,
};

const NOBODY: &str = "0199c7e2-41d0-7d3a-9c1e-5a2f8e7b6d10";
const CHALLENGE: &str = "Bearer realm=\"scim\"";

/// Every method that a router knows, and one that it does not.
fn methods() -> Vec<Method> {
    let known = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::HEAD, Method::OPTIONS, Method::TRACE];
    known.into_iter().chain([Method::from_bytes(b"PROPFIND").unwrap()]).collect()
}

/// An answer, without the id that each has of its own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Seen {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Seen {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

async fn send(app: &TestApp, method: &Method, path: &str, authorization: Option<&[u8]>) -> (Seen, Recorded) {
    let mut request = Request::builder().method(method).uri(path).header(header::CONTENT_TYPE, "application/scim+json");
    if let Some(value) = authorization {
        request = request.header(header::AUTHORIZATION, value);
    }
    let request = request.body(Body::from("{\"userName\":\"eve\",\"displayName\":\"eve\"}")).unwrap();
    let (response, recorded) = recorded(app.router.clone().oneshot(request)).await;
    let (parts, body) = response.unwrap().into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap().to_vec();
    (Seen { status: parts.status.as_u16(), headers: sorted(&parts.headers), body }, recorded)
}

fn sorted(headers: &HeaderMap) -> Vec<(String, String)> {
    let pairs = headers.iter().filter(|(name, _)| *name != "x-request-id");
    let mut pairs: Vec<_> = pairs.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    pairs.sort();
    pairs
}

/// Something to try: what is wrong, where it is sent, the header, and whether it is a token that could be ours.
type Case = (&'static str, String, Option<Vec<u8>>, bool);

async fn cases(app: &TestApp) -> Vec<Case> {
    let expired = app.org("Late").await;
    app.advance(Duration::from_secs(366 * 86_400));
    let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
    let (off, retired, revoked, inside) =
        (app.org("Off").await, app.org("Retired").await, app.org("Revoked").await, app.org("Inside").await);
    let by_owner = async |org: &Org, function: &str, fields: &[(&str, &str)]| {
        let owner = app.owner(org).await;
        let view = owner.call("security", &[("org", &org.slug)]).await;
        let token = view.json["tokens"][0]["id"].as_str().unwrap();
        let fields = [&[("org", org.slug.as_str()), ("token", token)], fields].concat();
        let answer = owner.call(function, &fields).await;
        assert_eq!(answer.status, 200, "{function}: {}", answer.text);
    };
    by_owner(&retired, "rotate_token", &[("retire", "at_once")]).await;
    by_owner(&revoked, "revoke_token", &[]).await;
    by_owner(&inside, "restrict_token", &[("allowed_from", "10.0.0.0/8")]).await;
    assert_eq!(app.owner(&off).await.call("disable_scim", &[("org", "off")]).await.status, 200);

    let base = |org: &Org| format!("/scim/{}/v2", org.id);
    let bearer = |token: &str| Some(format!("Bearer {token}").into_bytes());
    let with_another_end = |token: &str| format!("{}{}", &token[..token.len() - 1], if token.ends_with('0') { '1' } else { '0' });
    vec![
        ("no header", base(&acme), None, false),
        ("an empty header", base(&acme), Some(vec![]), false),
        ("a header that is no text", base(&acme), Some(b"Bearer \xff\xfe".to_vec()), false),
        ("another scheme", base(&acme), Some(format!("Basic {}", acme.token).into_bytes()), false),
        ("a malformed token", base(&acme), bearer("rcs_nonsense"), false),
        ("a wrong checksum", base(&acme), bearer(&with_another_end(&acme.token)), false),
        ("another kind of token", base(&acme), bearer(&altered(&acme.token.replacen("rcs_", "rcv_", 1), 70)), false),
        ("an unknown token", base(&acme), bearer(&altered(&acme.token, 20)), true),
        ("a token beyond all others", base(&acme), bearer(&altered(&altered(&acme.token.replacen("rcs_0", "rcs_f", 1), 5), 6)), true),
        ("a wrong first character", base(&acme), bearer(&altered(&acme.token, 37)), true),
        ("a wrong last character", base(&acme), bearer(&altered(&acme.token, 79)), true),
        ("an expired token", base(&expired), bearer(&expired.token), true),
        ("a retired token", base(&retired), bearer(&retired.token), true),
        ("a revoked token", base(&revoked), bearer(&revoked.token), true),
        ("another organisation's token", base(&acme), bearer(&globex.token), true),
        ("a token from elsewhere", base(&inside), bearer(&inside.token), true),
        ("SCIM disabled", base(&off), bearer(&off.token), true),
        ("SCIM disabled, an unknown token", base(&off), bearer(&altered(&off.token, 20)), true),
        ("an unknown organisation", format!("/scim/{NOBODY}/v2"), bearer(&acme.token), true),
        ("an unknown organisation, no header", format!("/scim/{NOBODY}/v2"), None, false),
        ("a malformed organisation", "/scim/acme/v2".to_owned(), bearer(&acme.token), true),
        ("no organisation", "/scim//v2".to_owned(), bearer(&acme.token), true),
        ("an organisation in capitals", format!("/scim/{}/v2", acme.id.to_string().to_uppercase()), bearer(&acme.token), true),
        ("an encoded organisation", format!("/scim/%30{}/v2", &acme.id.to_string()[1..]), bearer(&acme.token), true),
    ]
}

both_databases! {
    /// One table: whatever is wrong, wherever it is sent, the status, the headers and the bytes are the same. Of tokens that could be ours,
    /// so are the statements; of all others there are none.
    async fn whatever_is_wrong_wherever_it_is_sent_the_refusal_is_the_same(app) {
        let endpoints = [
            (Method::GET, "/Users"), (Method::POST, "/Users"), (Method::GET, "/Users/0199c7e2-41d0-7d3a-9c1e-5a2f8e7b6d10"),
            (Method::PUT, "/Users/x"), (Method::PATCH, "/Users/x"), (Method::DELETE, "/Users/x"), (Method::POST, "/Users/.search"),
            (Method::GET, "/Groups"), (Method::PATCH, "/Groups/x"), (Method::POST, "/Bulk"), (Method::GET, "/Bulk"), (Method::GET, "/Me"),
            (Method::GET, "/ServiceProviderConfig"), (Method::GET, "/Schemas"), (Method::GET, "/ResourceTypes/User"), (Method::GET, ""),
            (Method::POST, "/.search"), (Method::GET, "/nothing"), (Method::DELETE, "/Users"), (Method::TRACE, "/Users"), (Method::HEAD, "/Users"),
        ];
        let (mut answers, mut heads, mut work) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        for (case, base, authorization, well_formed) in cases(&app).await {
            for (method, path) in &endpoints {
                let (mut seen, recorded) = send(&app, method, &format!("{base}{path}"), authorization.as_deref()).await;
                seen.headers.retain(|(name, _)| name != "content-length");
                // What is asked for its head has no body, and no length of one; the rest is the same.
                assert_eq!(seen.body.is_empty(), method == Method::HEAD, "{case}: {method} {path}");
                heads.entry((seen.status, seen.headers.clone())).or_insert_with(Vec::new).push(format!("{case}: {method} {path}"));
                if method == Method::HEAD {
                    app.state.forget_failures();
                    continue;
                }
                answers.entry(seen).or_insert_with(Vec::new).push(format!("{case}: {method} {path}"));
                let statements = recorded.statements;
                assert_eq!(statements.is_empty(), !well_formed, "{case}: {method} {path}: {statements:#?}");
                if well_formed {
                    work.entry(statements).or_insert_with(Vec::new).push(format!("{case}: {method} {path}"));
                }
                // The limit on failures has tests of its own.
                app.state.forget_failures();
            }
        }
        let (answer, _) = answers.first_key_value().unwrap();
        assert_eq!((answer.status, answer.header("www-authenticate"), answer.header("cache-control")), (401, Some(CHALLENGE), Some("no-store")));
        assert_eq!(answers.len(), 1, "{answers:#?}");
        assert_eq!(heads.len(), 1, "{heads:#?}");
        assert_eq!(work.len(), 1, "{work:#?}");
        assert_eq!(work.first_key_value().unwrap().0.len(), 2, "one look, in a transaction: {work:#?}");
    }

    /// Every route is in a list that says what it demands: the routers are made of it. A route that demands nothing has to be named here; one
    /// that was put below `/scim` and does not ask for a token answers with something else than a 401.
    async fn every_route_demands_what_the_list_says(app) {
        let acme = app.org("Acme").await;
        let surface = server::router::surface(&app.state);
        let open: Vec<_> = surface.routes().iter().filter(|route| route.demand == Demand::Nothing).map(|route| route.path.as_str()).collect();
        assert_eq!(open, [
            "/healthz", "/readyz", "/oauth/device_authorization", "/.well-known/oauth-authorization-server", "/.well-known/jwks.json",
            "/.well-known/ssf-configuration",
        ]);
        let count = |demand| surface.routes().iter().filter(|route| route.demand == demand).count();
        assert_eq!([Demand::ProvisioningToken, Demand::PersonsToken, Demand::ServiceCredential, Demand::Grant].map(count), [16, 2, 2, 2]);
        for route in surface.routes() {
            let path = ["name", "urn", "id", "agent"].iter().fold(route.path.replace("{org}", &acme.id.to_string()), |path, name| path.replace(&format!("{{{name}}}"), NOBODY));
            assert!(!path.contains('{'), "{path}: say here what to put in");
            let mut statuses = BTreeSet::new();
            for method in methods() {
                let (seen, _) = send(&app, &method, &path, None).await;
                app.state.forget_failures();
                statuses.insert(seen.status);
                match route.demand {
                    Demand::Nothing => {}
                    Demand::ProvisioningToken => assert_eq!((seen.status, seen.header("www-authenticate")), (401, Some(CHALLENGE)), "{method} {path}"),
                    Demand::PersonsToken | Demand::ServiceCredential => assert!([401, 405].contains(&seen.status), "{method} {path}: {}", seen.status),
                    Demand::Grant => assert!([400, 405].contains(&seen.status), "{method} {path}: {}", seen.status),
                }
            }
            match route.demand {
                Demand::PersonsToken | Demand::ServiceCredential => assert!(statuses.contains(&401), "{path}: {statuses:?}"),
                Demand::Grant => assert!(statuses.contains(&400), "{path}: {statuses:?}"),
                Demand::Nothing | Demand::ProvisioningToken => {}
            }
        }
    }

    /// However a path is written, nothing of it is anybody's without a token, nor another organisation's with one.
    async fn strange_spellings_of_a_path_open_nothing(app) {
        let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
        app.provision(&acme, "mira@acme.test").await;
        app.provision(&globex, "gus@globex.test").await;
        let (a, g) = (acme.id.to_string(), globex.id.to_string());
        let (encoded, twice) = (format!("%{:02x}{}", a.as_bytes()[0], &a[1..]), format!("%25{:02x}{}", a.as_bytes()[0], &a[1..]));
        let paths = [
            format!("/scim/{a}/v2/Users"), format!("/scim/{a}/v2/Users/"), format!("/scim/{a}/v2/Users//"), format!("/scim/{a}/v2//Users"),
            format!("/scim/{a}//v2/Users"), format!("/scim//{a}/v2/Users"), format!("//scim/{a}/v2/Users"), format!("/./scim/{a}/v2/Users"),
            format!("/scim/{a}/v2/./Users"), format!("/scim/{a}/v2/../v2/Users"), format!("/scim/{a}/v2/..;/v2/Users"), format!("/scim/{a}/v2/Users/..;/Users"),
            format!("/scim/{a}/v2/Users/../Users"), format!("/scim/x/../{a}/v2/Users"), format!("/scim/{g}/../{a}/v2/Users"), format!("/scim/{g}/v2/../../{a}/v2/Users"),
            format!("/scim/{g}%2f..%2f{a}/v2/Users"), format!("/scim/{g}/..%2f{a}/v2/Users"), format!("/scim/{g}/v2/..%2f..%2f{a}%2fv2%2fUsers"),
            format!("/scim/{g}/v2/%2e%2e/%2e%2e/{a}/v2/Users"), format!("/scim/{g};/../{a}/v2/Users"), format!("/scim/{g}/v2/Users/../../../{a}/v2/Users"),
            format!("/scim;x/{a}/v2/Users"), format!("/scim/{a};x/v2/Users"), format!("/scim/{a}/v2;x/Users"), format!("/scim/{a}/v2/Users;x"), format!("/scim/{a}/v2/Users;x=1/y"),
            format!("/SCIM/{a}/v2/Users"), format!("/scim/{}/v2/Users", a.to_uppercase()), format!("/scim/{a}/V2/Users"), format!("/scim/{a}/v2/users"), format!("/scim/{a}/v2/USERS"),
            format!("/%73cim/{a}/v2/Users"), format!("/%2573cim/{a}/v2/Users"), format!("/scim/{encoded}/v2/Users"), format!("/scim/{twice}/v2/Users"),
            format!("/scim/{a}/%762/Users"), format!("/scim/{a}/v2/%55sers"), format!("/scim/{a}/v2/%2555sers"), format!("/scim/{a}/v2%2fUsers"), format!("/scim%2f{a}/v2/Users"),
            format!("/scim/{a}%2fv2%2fUsers"), format!("/scim/{a}%252fv2%252fUsers"), format!("/scim/{a}/v2/Users%2f"), format!("/scim/{a}/v2/Users%5c"), format!("/scim/{a}/v2/Users%20"),
            format!("/scim/{a}/v2/Users%00"), format!("/scim/{a}/v2/Users%2500"), format!("/scim/{a}%00/v2/Users"), format!("/%00/scim/{a}/v2/Users"), format!("/scim/{a}/v2/Users%ff"),
            format!("/scim/{a}/v2/Users%"), format!("/scim/{a}/v2/Users?x=/../"), format!("/scim/{a}/v2/Users?access_token=x"), format!("/scim/{a}/v2.0/Users"), format!("/scim/{a}/v1/Users"),
            format!("/scim/{a}/Users"), format!("/scim/{a}"), format!("/scim/{a}/"), "/scim".to_owned(), "/scim/".to_owned(), "/scim/..".to_owned(),
            format!("/scim/{a}/v2/Users/{}", "x".repeat(60_000)), format!("/scim/{a}/v2/Users/{}", "../".repeat(15_000)), format!("/scim/{}/v2/Users", "0".repeat(60_000)),
            format!("/api/v1/../../scim/{a}/v2/Users"), format!("/healthz/../scim/{a}/v2/Users"), format!("/oauth/token/..;/scim/{a}/v2/Users"), format!("/pkg/../scim/{a}/v2/Users"),
        ];
        let rows = async || (app.database.rows("SELECT * FROM scim_users").await, app.database.rows("SELECT * FROM scim_groups").await);
        let before = rows().await;
        let foreign = format!("Bearer {}", globex.token);
        for path in &paths {
            for method in methods() {
                for (who, authorization) in [("nobody", None), ("another organisation", Some(foreign.as_bytes()))] {
                    let (seen, _) = send(&app, &method, path, authorization).await;
                    app.state.forget_failures();
                    let shown: String = path.chars().take(120).collect();
                    assert!([400, 401, 403, 404, 405, 414, 501].contains(&seen.status), "{who}: {method} {shown}: {} {}", seen.status, seen.text());
                    assert!(!seen.text().contains("mira"), "{who}: {method} {shown}: {}", seen.text());
                    let below = path.starts_with("/scim/") && path != "/scim/" && authorization.is_none();
                    assert!(!below || seen.status == 401, "{who}: {method} {shown}: {}", seen.status);
                }
            }
        }
        assert_eq!(rows().await, before);
        // A path with a raw NUL is none.
        assert!(Request::get(format!("/scim/{a}/v2/Users\0")).body(Body::empty()).is_err());
    }
}

/// Routes come into being in the list that the tests walk, and nowhere else: here are the files that may make some.
#[test]
fn no_route_is_made_beside_the_list() {
    fn files(folder: &Path, found: &mut Vec<(String, String)>) {
        for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            match entry.is_dir() {
                true => files(&entry, found),
                false => found.push((entry.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read_to_string(&entry).unwrap())),
            }
        }
    }
    let mut sources = vec![];
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut sources);
    assert!(sources.len() > 30);
    let makes = |text: &str| [".route(", ".nest(", ".route_service(", ".nest_service(", ".merge("].iter().any(|call| text.contains(call));
    let mut makers: Vec<_> = sources.iter().filter(|(_, text)| makes(text)).map(|(name, _)| name.as_str()).collect();
    makers.sort_unstable();
    // config.rs merges settings; the console's pages and server functions are walked by a test of their own.
    assert_eq!(makers, ["assets.rs", "config.rs", "router.rs", "surface.rs"]);
}
