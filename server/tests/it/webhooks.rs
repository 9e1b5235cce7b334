//! Deliveries: how they are signed, what becomes of one that fails, and whom the server does not call.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use directory::events::delivery::Busy;
use serde_json::json;
use standardwebhooks::Webhook;

use crate::support::{Browser, PASSWORD, Received, Receiver, Reply, both_databases, races, user};

both_databases! {
    /// Standard Webhooks: two signatures for a day after a rotation, one before and after.
    async fn a_rotated_secret_signs_beside_the_new_one_for_a_day(app) {
        let acme = app.org("Acme").await;
        let owner = app.owner(&acme).await;
        let receiver = Receiver::start().await;
        let (endpoint, first) = app.endpoint(&acme, &owner, &receiver.url, &[]).await;
        let form = [("org", "acme"), ("endpoint", endpoint.as_str()), ("retire", "day")];
        let signers = async |owner: &Browser, secrets: &[&str]| {
            assert_eq!(owner.call("test_webhook", &form).await.status, 200);
            app.deliver().await;
            let told = receiver.take().remove(0);
            let signed: Vec<_> = told.header("webhook-signature").split(' ').map(str::to_owned).collect();
            let expected: Vec<_> = secrets.iter().map(|secret| signature(secret, &told)).collect();
            assert_eq!(signed, expected);
        };
        signers(&owner, &[&first]).await;
        let answer = owner.call("rotate_webhook_secret", &form).await;
        let second = answer.json["secret"].as_str().unwrap().to_owned();
        assert_ne!(first, second);
        signers(&owner, &[&second, &first]).await;
        let again = owner.call("rotate_webhook_secret", &form).await;
        assert_eq!(again.status, 409, "a third would end the first before its day is over: {}", again.text);
        // Unless that is what is wanted.
        let third = owner.call("rotate_webhook_secret", &[form[0], form[1], ("retire", "at_once")]).await.json["secret"].as_str().unwrap().to_owned();
        app.deliver().await;
        receiver.take();
        signers(&owner, &[&third]).await;
        let second = third;
        app.advance(Duration::from_secs(24 * 3_600 + 1));
        let owner = app.owner(&acme).await;
        app.deliver().await;
        receiver.take();
        signers(&owner, &[&second]).await;
        let token = owner.call("rotate_webhook_secret", &[form[0], form[1], ("retire", "week"), ("password", PASSWORD)]).await;
        assert_eq!(token.status, 200, "{}", token.text);
        app.deliver().await;
        assert_eq!(receiver.kinds(), ["token.rotated"]);
    }

    /// Down, then failing, then up: the same id each time, and pauses that grow.
    async fn a_delivery_that_fails_is_tried_again_under_its_id_until_it_is_taken(app) {
        let acme = app.org("Acme").await;
        let owner = app.owner(&acme).await;
        let receiver = Receiver::start().await;
        let (endpoint, _) = app.endpoint(&acme, &owner, &receiver.url, &[]).await;
        receiver.will([Reply::Status(500), Reply::Never, Reply::Status(400)]);
        owner.call("test_webhook", &[("org", "acme"), ("endpoint", &endpoint)]).await;
        let mut ids = vec![];
        for pause in [0, 5, 30, 120] {
            app.advance(Duration::from_secs(pause));
            assert_eq!(app.deliver().await, 1, "after {pause} s");
            assert_eq!(app.deliver().await, 0, "not before its time");
            let told = receiver.take().remove(0);
            ids.push((told.header("webhook-id").to_owned(), told.body));
        }
        ids.dedup();
        assert_eq!(ids.len(), 1, "the same id and the same bytes: {ids:?}");
        let page = owner.call("webhook", &[("org", "acme"), ("endpoint", &endpoint)]).await.json;
        assert_eq!(page["deliveries"][0]["status"], "delivered");
        let delivery = page["deliveries"][0]["id"].as_str().unwrap();
        let log = owner.call("webhook_delivery", &[("org", "acme"), ("endpoint", &endpoint), ("delivery", delivery)]).await.json;
        let errors: Vec<_> = log["attempts"].as_array().unwrap().iter().map(|attempt| attempt["error"].as_str().unwrap_or("")).collect();
        assert_eq!(errors, ["", "it answered 400", "there was no answer within 0.5 s", "it answered 500"]);
    }

    /// After a day it is a dead letter; owners are told once, and can send it again.
    async fn what_nobody_takes_for_a_day_is_given_up_and_can_be_sent_again(app) {
        let acme = app.org("Acme").await;
        let owner = app.owner(&acme).await;
        let receiver = Receiver::start().await;
        let (endpoint, _) = app.endpoint(&acme, &owner, &receiver.url, &[]).await;
        receiver.always(Reply::Status(503));
        for _ in 0..2 {
            owner.call("test_webhook", &[("org", "acme"), ("endpoint", &endpoint)]).await;
        }
        let mut attempts = 0;
        for _ in 0..40 {
            attempts += app.deliver().await;
            app.advance(Duration::from_secs(1_800));
        }
        let ids: std::collections::BTreeSet<_> = receiver.take().iter().map(|told| told.header("webhook-id").to_owned()).collect();
        assert_eq!(ids.len(), 2);
        for _ in 0..20 {
            attempts += app.deliver().await;
            app.advance(Duration::from_secs(1_800));
        }
        assert_eq!(attempts, 2 * 12);
        receiver.take();
        let dead = app.database.number("SELECT count(*) FROM webhook_deliveries WHERE status = 'dead'").await;
        assert_eq!(dead, 2);
        assert_eq!(app.database.number("SELECT count(*) FROM mail_queue WHERE content LIKE '%given up%'").await, 1);

        receiver.always(Reply::Status(204));
        let owner = app.owner(&acme).await;
        let answer = owner.call("replay_webhook", &[("org", "acme"), ("endpoint", &endpoint)]).await;
        assert_eq!((answer.status, answer.json), (200, json!(2)));
        app.deliver().await;
        let again: std::collections::BTreeSet<_> =
            receiver.take().iter().filter(|told| told.kind() == "webhook.test").map(|told| told.header("webhook-id").to_owned()).collect();
        assert_eq!(again, ids, "the same ids");
    }

    /// An endpoint that does not answer, and an event that is always refused, hold back nothing else.
    async fn one_stuck_event_holds_back_no_other(app) {
        let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
        let (stuck, well) = (Receiver::start().await, Receiver::start().await);
        let owner = app.owner(&acme).await;
        app.endpoint(&acme, &owner, &stuck.url, &[]).await;
        app.endpoint(&globex, &app.owner(&globex).await, &well.url, &[]).await;
        stuck.will([Reply::Status(400)]);
        app.provision(&acme, "mira@acme.test").await;
        app.provision(&globex, "mira@globex.test").await;
        app.deliver().await;
        assert_eq!(well.kinds(), ["user.created", "member.joined"]);
        assert_eq!(stuck.kinds(), ["user.created", "member.joined"], "the second comes although the first was refused");
        app.provision(&acme, "noor@acme.test").await;
        app.deliver().await;
        assert_eq!(stuck.kinds(), ["user.created", "member.joined"], "and the next ones, too");
        app.advance(Duration::from_secs(5));
        app.deliver().await;
        assert_eq!(stuck.kinds(), ["user.created"]);
    }

    /// What a receiver answers is believed as little as may be.
    async fn a_receiver_that_lies_gets_nowhere(app) {
        let acme = app.org("Acme").await;
        let owner = app.owner(&acme).await;
        let (receiver, elsewhere) = (Receiver::start().await, Receiver::start().await);
        let (endpoint, _) = app.endpoint(&acme, &owner, &receiver.url, &[]).await;
        let form = [("org", "acme"), ("endpoint", endpoint.as_str())];
        let log = async |reply: Reply| {
            app.advance(Duration::from_secs(1));
            receiver.will([reply]);
            owner.call("test_webhook", &form).await;
            app.deliver().await;
            let page = owner.call("webhook", &form).await.json;
            page["deliveries"][0].clone()
        };
        let redirected = log(Reply::With(307, vec![("location", elsewhere.url.clone())], vec![])).await;
        assert!(redirected["last"]["error"].as_str().unwrap().contains("redirects are not followed"), "{redirected}");
        assert!(elsewhere.take().is_empty());
        // An answer's body is a note for people: cut, and made printable.
        let nasty = [b"\0\x1b[31m<script>".as_slice(), &[0xff; 4_000]].concat();
        let refused = log(Reply::With(500, vec![], nasty)).await;
        let kept = refused["last"]["answer"].as_str().unwrap();
        assert!(kept.contains("<script>") && kept.len() < 4_000 && !kept.contains('\0') && !kept.contains('\u{1b}'), "{kept}");
        let endless = log(Reply::EndlessBody).await;
        assert_eq!((endless["status"].as_str(), endless["last"]["answer"].as_str().unwrap().len()), (Some("delivered"), 1_024));
        // Whoever asks for a pause gets one, within reason.
        receiver.take();
        log(Reply::With(429, vec![("retry-after", "999999999".to_owned())], vec![])).await;
        receiver.take();
        app.advance(Duration::from_secs(3_600));
        app.deliver().await;
        assert!(receiver.kinds().contains(&"webhook.test".to_owned()));
        // Gone is gone: the endpoint is switched off, and owners are told.
        log(Reply::Status(410)).await;
        let view = owner.call("webhooks", &[("org", "acme")]).await.json;
        assert_eq!(view["endpoints"][0]["disabled"][1], "it answered 410 Gone");
        assert_eq!(owner.call("test_webhook", &form).await.status, 409);
        app.provision(&acme, "mira@acme.test").await;
        assert_eq!(app.deliver().await, 0);
        assert_eq!(app.database.number("SELECT count(*) FROM mail_queue WHERE content LIKE '%gone for good%'").await, 1);
    }

    /// Server-side request forgery: neither a name, nor one that changes its mind, nor a literal leads inside.
    async fn a_name_that_leads_inside_is_not_called(app) {
        let acme = app.org("Acme").await;
        let owner = app.owner(&acme).await;
        // Somebody inside, whom nobody outside is to reach: 127.0.0.2 is not among the networks that the operator allows.
        let inside = Receiver::on("127.0.0.2").await;
        let port: u16 = inside.url.rsplit(':').next().unwrap().split('/').next().unwrap().parse().unwrap();
        for url in [inside.url.as_str(), "https://169.254.169.254/latest", "https://[::1]/", "https://10.0.0.1/", "http://events.example.test/"] {
            let form = [("org", "acme"), ("name", "Events"), ("url", url), ("format", "webhook"), ("password", PASSWORD)];
            let answer = owner.call("create_webhook", &form).await;
            assert_eq!(answer.status, 422, "{url}: {}", answer.text);
            assert!(answer.text.contains("url"), "the sentence is at the field: {}", answer.text);
        }
        let (endpoint, _) = app.endpoint(&acme, &owner, &format!("https://events.example.test:{port}/"), &[]).await;
        let asked = Arc::new(Mutex::new(0));
        let lookup = {
            let asked = asked.clone();
            move |addresses: &'static [&'static str]| -> server::webhooks::Lookup {
                let asked = asked.clone();
                Arc::new(move |_| {
                    *asked.lock().unwrap() += 1;
                    Box::pin(async move { Ok(addresses.iter().map(|ip| ip.parse::<IpAddr>().unwrap()).collect()) })
                })
            }
        };
        for addresses in [&["127.0.0.2"][..], &["169.254.169.254"], &["::ffff:127.0.0.2"], &["fd00::1", "10.0.0.1"], &["0.0.0.0"]] {
            owner.call("test_webhook", &[("org", "acme"), ("endpoint", &endpoint)]).await;
            app.deliverer_with(lookup(addresses)).deliver_due(&app.state).await.unwrap();
            let page = owner.call("webhook", &[("org", "acme"), ("endpoint", &endpoint)]).await.json;
            let error = page["deliveries"][0]["last"]["error"].as_str().unwrap();
            assert!(error.contains("not on the internet"), "{addresses:?}: {error}");
        }
        assert_eq!(*asked.lock().unwrap(), 5, "one look at each attempt: what was looked at is what is called");
        assert!(inside.take().is_empty());
    }

    /// What waits for an endpoint that is off is out of the way, and goes on when it is on again.
    async fn what_waits_for_an_endpoint_that_is_off_goes_on_when_it_is_on(app) {
        let acme = app.org("Acme").await;
        let owner = app.owner(&acme).await;
        let receiver = Receiver::start().await;
        let (endpoint, _) = app.endpoint(&acme, &owner, &receiver.url, &[]).await;
        let form = [("org", "acme"), ("endpoint", endpoint.as_str())];
        app.provision(&acme, "mira@acme.test").await;
        assert_eq!(owner.call("enable_webhook", &[form[0], form[1], ("on", "false")]).await.status, 200);
        app.provision(&acme, "noor@acme.test").await;
        assert_eq!(app.deliver().await, 0);
        assert_eq!(owner.call("webhooks", &[("org", "acme")]).await.json["endpoints"][0]["waiting"], 2);
        assert_eq!(owner.call("webhook", &[form[0], form[1], ("status", "pending")]).await.json["deliveries"].as_array().unwrap().len(), 2);
        assert_eq!(owner.call("replay_webhook", &form).await.status, 409);
        assert_eq!(owner.call("enable_webhook", &[form[0], form[1], ("on", "true")]).await.status, 200);
        app.deliver().await;
        let mut kinds = receiver.kinds();
        kinds.sort_unstable();
        assert_eq!(kinds, ["member.joined", "user.created"], "of what happened meanwhile nothing was kept");
        // What nobody switches on again is forgotten after a month.
        receiver.always(Reply::Status(500));
        app.provision(&acme, "ben@acme.test").await;
        app.deliver().await;
        owner.call("enable_webhook", &[form[0], form[1], ("on", "false")]).await;
        app.advance(Duration::from_secs(31 * 86_400));
        directory::events::delivery::sweep(&app.state.db, app.call().now).await.unwrap();
        for table in ["webhook_deliveries", "outbox", "webhook_attempts"] {
            assert_eq!(app.database.number(&format!("SELECT count(*) FROM {table}")).await, 0, "{table}");
        }
    }

    /// Several nodes deliver, each event by one of them at a time.
    async fn nodes_deliver_side_by_side_and_nothing_twice(app) {
        let acme = app.org("Acme").await;
        let owner = app.owner(&acme).await;
        let receiver = Receiver::start().await;
        app.endpoint(&acme, &owner, &receiver.url, &[]).await;
        let rounds = races();
        let idp = app.idp(&acme);
        for number in 0..rounds {
            assert_eq!(idp.post("/Users", user(&format!("p{number}@acme.test"))).await.status, 201);
        }
        let nodes = (0..4).map(|_| async { app.deliverer().deliver_due(&app.state).await.unwrap() });
        let attempts: usize = futures_util::future::join_all(nodes).await.into_iter().sum();
        let mut ids: Vec<_> = receiver.take().iter().map(|told| told.header("webhook-id").to_owned()).collect();
        assert_eq!((attempts, ids.len()), (2 * rounds, 2 * rounds));
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 2 * rounds);
    }

    /// A node that dies over a delivery keeps it from nobody: another one sends it, under the same id.
    async fn a_delivery_whose_node_died_is_sent_by_another(app) {
        let acme = app.org("Acme").await;
        let owner = app.owner(&acme).await;
        let receiver = Receiver::start().await;
        let (endpoint, _) = app.endpoint(&acme, &owner, &receiver.url, &[]).await;
        owner.call("test_webhook", &[("org", "acme"), ("endpoint", &endpoint)]).await;
        let call = app.call();
        let taken = directory::events::delivery::next_due(&app.state.db, &app.state.keys, "https://id.rollcall.test", &Busy::default(), &call).await.unwrap();
        let taken = taken.unwrap().message_id;
        assert_eq!(app.deliver().await, 0, "it is that node's for now");
        app.advance(directory::events::delivery::LEASE);
        assert_eq!(app.deliver().await, 1);
        assert_eq!(receiver.take()[0].header("webhook-id"), taken);
    }

    /// Law 8. What signs is in no database; and a node without the key signs for nobody.
    async fn what_signs_is_not_in_the_database(app) {
        let acme = app.org("Acme").await;
        let owner = app.owner(&acme).await;
        let receiver = Receiver::start().await;
        let (endpoint, secret) = app.endpoint(&acme, &owner, &receiver.url, &[]).await;
        let listed = owner.call("webhooks", &[("org", "acme")]).await.text + &owner.get("/o/acme/settings/webhooks").await.text;
        assert!(listed.contains(&endpoint) && !listed.contains(&secret[6..]), "it is shown once");
        use base64::Engine;
        let bytes = base64::engine::general_purpose::STANDARD.decode(&secret[6..]).unwrap();
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let dump = app.database.dump();
        for needle in [secret.as_bytes(), &secret.as_bytes()[6..], &bytes, hex.as_bytes()] {
            assert!(!dump.windows(needle.len()).any(|window| window == needle));
        }
        let mut other = app.state.clone();
        other.keys = directory::keys::Keys::read(&directory::keys::Keys::new_line(&app.state.randomness)).unwrap();
        owner.call("test_webhook", &[("org", "acme"), ("endpoint", &endpoint)]).await;
        assert_eq!(app.deliverer().deliver_due(&other).await.unwrap(), 0);
        assert_eq!(directory::events::delivery::missing_keys(&app.state.db, &other.keys).await.unwrap().len(), 1);
        assert_eq!(app.deliver().await, 1);
    }
}

/// A vector of the Standard Webhooks specification's own libraries: what our library signs is what everybody's verifies.
#[test]
fn the_specifications_vector_is_signed_alike() {
    let secret = Webhook::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    let signed = secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#).unwrap();
    assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

fn signature(secret: &str, told: &Received) -> String {
    let seconds = told.header("webhook-timestamp").parse().unwrap();
    Webhook::new(secret).unwrap().sign(told.header("webhook-id"), seconds, told.body.as_bytes()).unwrap()
}
