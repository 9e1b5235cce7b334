//! What an organisation's own systems are told: of what, in which order, and of what not.

use serde_json::{Value, json};

use crate::support::{PASSWORD, Received, Receiver, both_databases, patch_active, user};

both_databases! {
    /// The whole way: a leaver, and somebody who listens.
    async fn whoever_listens_is_told_who_left_and_the_revocation_comes_first(app) {
        let acme = app.org("Acme").await;
        let owner = app.owner(&acme).await;
        let receiver = Receiver::start().await;
        app.endpoint(&acme, &owner, &receiver.url, &[]).await;
        let (person, _) = app.join(&acme, "mira@acme.test").await;
        app.idp(&acme).patch(&format!("/Users/{}", person.id), patch_active(false)).await;
        app.deliver().await;
        let told = receiver.take();
        let mut kinds: Vec<_> = told.iter().map(Received::kind).collect();
        // What happened in one microsecond comes in any order, save that revocations go first.
        kinds[2..].sort_unstable();
        assert_eq!(kinds, ["session.revoked", "member.left", "member.changed", "member.joined", "user.changed", "user.created"]);

        let left = told[1].json();
        assert_eq!(told[1].header("webhook-id"), left["id"].as_str().unwrap());
        let data = &left["data"];
        assert_eq!(data["access"], json!({ "active": false, "role": null }));
        assert_eq!(data["subject"]["directory_user_id"], person.id);
        assert_eq!(data["details"]["cause"], "deactivated in the directory");
        assert_eq!(data["details"]["sessions_ended"], "1");
        assert_eq!(data["org"]["slug"], "acme");
        assert!(data["request_id"].is_string() && data["actor"]["kind"] == "provisioning_token");
        // However they come, the numbers say in which order they happened, without a gap.
        let mut numbers: Vec<_> = told.iter().map(|told| (told.sequence(), told.kind())).collect();
        numbers.sort_unstable();
        let order: Vec<_> = numbers.iter().map(|(number, kind)| (*number, kind.as_str())).collect();
        assert_eq!(order, [(1, "user.created"), (2, "member.joined"), (3, "member.changed"), (4, "user.changed"), (5, "session.revoked"), (6, "member.left")]);
        assert_eq!(app.deliver().await, 0, "each is delivered once");
    }

    /// A change that did not happen is told to nobody, and neither is a repeated one.
    async fn what_was_rolled_back_or_changed_nothing_is_told_to_nobody(app) {
        let acme = app.org("Acme").await;
        let owner = app.owner(&acme).await;
        let (person, _) = app.join(&acme, "mira@acme.test").await;
        let path = format!("/Users/{}", person.id);
        let receiver = Receiver::start().await;
        app.endpoint(&acme, &owner, &receiver.url, &[]).await;
        let idp = app.idp(&acme);
        // The last step fails: an event that cannot be written undoes the change that it tells of.
        app.database.try_run("ALTER TABLE webhook_deliveries RENAME TO elsewhere").await.unwrap();
        assert_eq!(idp.patch(&path, patch_active(false)).await.status, 500);
        app.database.try_run("ALTER TABLE elsewhere RENAME TO webhook_deliveries").await.unwrap();
        assert_eq!(app.database.number("SELECT count(*) FROM outbox").await, 0);
        assert_eq!(app.database.number("SELECT count(*) FROM event_sequences").await, 0);
        assert_eq!(app.deliver().await, 0);

        assert_eq!(idp.patch(&path, patch_active(false)).await.status, 200);
        assert_eq!(idp.patch(&path, patch_active(false)).await.status, 200);
        assert_eq!(idp.delete(&path).await.status, 204);
        app.deliver().await;
        let mut kinds = receiver.kinds();
        kinds[2..].sort_unstable();
        assert_eq!(kinds, ["session.revoked", "member.left", "user.changed", "user.deleted"]);
    }

    /// A choice of events, of formats, and of who may choose.
    async fn an_endpoint_is_told_what_it_asked_for(app) {
        let acme = app.org("Acme").await;
        let owner = app.owner(&acme).await;
        let receiver = Receiver::start().await;
        let (endpoint, _) = app.endpoint(&acme, &owner, &receiver.url, &[("types[0]", "member.left"), ("types[1]", "token.issued")]).await;
        let (person, browser) = app.join(&acme, "mira@acme.test").await;
        app.personal_token(&acme, &browser).await;
        app.idp(&acme).patch(&format!("/Users/{}", person.id), patch_active(false)).await;
        app.deliver().await;
        assert_eq!(receiver.kinds(), ["member.left", "token.issued"]);
        let form = [("org", "acme"), ("endpoint", endpoint.as_str()), ("name", "Events"), ("url", receiver.url.as_str()), ("types[0]", "user.deleted")];
        assert_eq!(owner.call("change_webhook", &form).await.status, 200);
        app.idp(&acme).delete(&format!("/Users/{}", person.id)).await;
        app.provision(&acme, "noor@acme.test").await;
        app.deliver().await;
        assert_eq!(receiver.kinds(), ["user.deleted"]);
        owner.call("enable_webhook", &[("org", "acme"), ("endpoint", &endpoint), ("on", "false")]).await;
        app.idp(&acme).delete("/Users/none").await;
        owner.call("delete_webhook", &[("org", "acme"), ("endpoint", &endpoint)]).await;
        assert_eq!(app.database.number("SELECT count(*) FROM webhook_deliveries").await, 0);
    }

    /// Law 9 as seen from outside: what groups give is told when it moves, person by person.
    async fn whoever_listens_is_told_whose_roles_moved(app) {
        let acme = app.org("Acme").await;
        let owner = app.owner(&acme).await;
        let receiver = Receiver::start().await;
        let (mira, _) = app.join(&acme, "mira@acme.test").await;
        let (noor, _) = app.join(&acme, "noor@acme.test").await;
        let group = app.group(&acme, "Auditors", &[&mira.id]).await;
        app.endpoint(&acme, &owner, &receiver.url, &[("types[0]", "role.changed"), ("types[1]", "mapping.created")]).await;
        let told = async || {
            app.deliver().await;
            let of = |told: &Received| {
                let data = &told.json()["data"];
                (told.kind(), data["subject"]["user_name"].as_str().unwrap_or("-").to_owned(), data["access"]["role"].as_str().unwrap_or("-").to_owned())
            };
            receiver.take().iter().map(of).collect::<Vec<_>>()
        };
        let line = |kind: &str, who: &str, role: &str| (kind.to_owned(), who.to_owned(), role.to_owned());
        crate::mappings::apply(&owner, &[("action", "create"), ("group", &group), ("target", "org:auditor")]).await;
        assert_eq!(told().await, [line("mapping.created", "-", "-"), line("role.changed", "mira@acme.test", "auditor")]);
        let path = format!("/Groups/{group}");
        let add = json!([{ "op": "add", "path": "members", "value": [{ "value": noor.id }] }]);
        app.idp(&acme).patch(&path, add.clone()).await;
        assert_eq!(told().await, [line("role.changed", "noor@acme.test", "auditor")]);
        app.idp(&acme).patch(&path, add).await;
        assert_eq!(told().await, [], "who is in it already is told to nobody");
        let (ben, _) = app.join(&acme, "ben@acme.test").await;
        let both = json!([{ "op": "add", "path": "members", "value": [{ "value": noor.id }, { "value": ben.id }] }]);
        app.idp(&acme).patch(&path, both).await;
        assert_eq!(told().await, [line("role.changed", "ben@acme.test", "auditor")], "nor where others come");
        app.idp(&acme).patch(&path, crate::mappings::remove(&ben.id)).await;
        assert_eq!(told().await, [line("role.changed", "ben@acme.test", "member")]);
        app.idp(&acme).delete(&path).await;
        let mut after = told().await;
        after.sort_unstable();
        assert_eq!(after, [line("role.changed", "mira@acme.test", "member"), line("role.changed", "noor@acme.test", "member")]);
    }

    /// A person's numbers go on when the directory's record of her becomes a member, so that nothing new looks old.
    async fn numbers_go_on_when_a_record_becomes_a_member(app) {
        let acme = app.org("Acme").await;
        let owner = app.owner(&acme).await;
        let receiver = Receiver::start().await;
        app.endpoint(&acme, &owner, &receiver.url, &[]).await;
        let idp = app.idp(&acme);
        let mut inactive = user("mira@acme.test");
        inactive["active"] = false.into();
        let id = idp.post("/Users", inactive).await.json["id"].as_str().unwrap().to_owned();
        let path = format!("/Users/{id}");
        let rename = |name: &str| json!([{ "op": "replace", "path": "displayName", "value": name }]);
        let mut numbers = vec![];
        for change in [rename("Mira O."), rename("Mira Olsen"), patch_active(true), rename("Mira O. Olsen"), patch_active(false)] {
            assert_eq!(idp.patch(&path, change).await.status, 200);
            app.deliver().await;
            let mut told = receiver.take();
            told.sort_by_key(Received::sequence);
            numbers.extend(told.iter().map(|told| (told.sequence(), told.kind())));
        }
        assert_eq!(idp.delete(&path).await.status, 204);
        app.deliver().await;
        numbers.extend(receiver.take().iter().map(|told| (told.sequence(), told.kind())));
        let kinds: Vec<_> = numbers.iter().map(|(_, kind)| kind.as_str()).collect();
        let expected = [
            "user.created", "user.changed", "user.changed", "user.changed", "member.joined", "user.changed", "member.changed", "user.changed",
            "session.revoked", "member.left", "user.deleted",
        ];
        assert_eq!(kinds, expected);
        assert!(numbers.windows(2).all(|pair| pair[0].0 + 1 == pair[1].0), "{numbers:?}");
    }

    /// Another version of us may have written what this one does not know: it stands in nobody's way, least of all a leaver's.
    async fn what_another_version_wrote_stands_in_nobodys_way(app) {
        let acme = app.org("Acme").await;
        let owner = app.owner(&acme).await;
        let (receiver, sets) = (Receiver::start().await, Receiver::start().await);
        app.endpoint(&acme, &owner, &receiver.url, &[]).await;
        app.endpoint(&acme, &owner, &sets.url, &[("format", "set")]).await;
        let (person, browser) = app.join(&acme, "mira@acme.test").await;
        app.deliver().await;
        receiver.take();
        sets.take();
        app.provision(&acme, "noor@acme.test").await;
        app.database.try_run("UPDATE outbox SET type = 'member.promoted' WHERE type = 'member.joined'").await.unwrap();
        let strange = format!("UPDATE webhook_endpoints SET types = 'member.promoted' WHERE url = '{}'", sets.url);
        app.database.try_run(&strange).await.unwrap();
        assert_eq!(app.idp(&acme).patch(&format!("/Users/{}", person.id), patch_active(false)).await.status, 200);
        assert!(browser.get("/o/acme/members").await.is_refused());
        app.deliver().await;
        let mut kinds = receiver.kinds();
        kinds.sort_unstable();
        assert_eq!(kinds, ["member.left", "member.promoted", "session.revoked", "user.changed", "user.created"]);
        assert_eq!(sets.take().len(), 1, "user.created; what cannot be told as a token waits, and what was not asked for is not told");
        assert_eq!(app.database.number("SELECT count(*) FROM webhook_attempts WHERE error LIKE '%knows no event%'").await, 1);
    }

    /// A password that was changed or reset, and a second factor that was taken away, end her sessions: whoever listens hears it.
    async fn credentials_that_change_revoke_sessions(app) {
        let acme = app.org("Acme").await;
        let owner = app.owner(&acme).await;
        let receiver = Receiver::start().await;
        app.endpoint(&acme, &owner, &receiver.url, &[("types[0]", "session.revoked")]).await;
        let (_, browser) = app.join(&acme, "mira@acme.test").await;
        let member = app.member_id(&acme, "mira@acme.test").await;
        let fields = [("org", "acme"), ("password", PASSWORD), ("new_password", "an orange boat on a hill")];
        assert_eq!(browser.call("change_password", &fields).await.status, 200);
        app.deliver().await;
        let told = receiver.take();
        assert_eq!(told.iter().map(|told| told.kind()).collect::<Vec<_>>(), ["session.revoked"]);
        assert_eq!(told[0].json()["data"]["subject"]["id"], member.as_str(), "{}", told[0].json());
        for action in [domain::audit::AuditAction::PasswordReset, domain::audit::AuditAction::SecondFactorReset] {
            assert_eq!(domain::event::EventType::of(action), [domain::event::EventType::SessionRevoked], "{action:?}");
        }
    }

    /// One session is not all of them: who signs out tells nobody, and one that is ended is told as that one.
    async fn one_session_that_is_ended_is_told_as_that_one(app) {
        let acme = app.org("Acme").await;
        let owner = app.owner(&acme).await;
        let (receiver, sets) = (Receiver::start().await, Receiver::start().await);
        app.endpoint(&acme, &owner, &receiver.url, &[("types[0]", "session.revoked")]).await;
        app.endpoint(&acme, &owner, &sets.url, &[("types[0]", "session.revoked"), ("format", "set")]).await;
        let (_, browser) = app.join(&acme, "mira@acme.test").await;
        let member = app.member_id(&acme, "mira@acme.test").await;
        let tokens = app.let_in(&acme, &browser, "rollcall-cli").await;
        let client = app.client();
        client.refresh("rollcall-cli", &tokens.refresh).await;
        assert_eq!(client.refresh("rollcall-cli", &tokens.refresh).await.status, 400, "shown a second time");
        let second = app.sign_in("mira@acme.test", PASSWORD).await;
        second.call("sign_out", &[]).await;
        let form = [("org", "acme"), ("member", member.as_str())];
        let handle = owner.call("person", &form).await.json["sessions"][0]["handle"].as_str().unwrap().to_owned();
        assert_eq!(owner.call("end_session", &[form[0], form[1], ("session", &handle)]).await.status, 200);
        app.let_in(&acme, &app.sign_in("mira@acme.test", PASSWORD).await, "rollcall-cli").await;
        assert_eq!(owner.call("end_sessions", &form).await.status, 200);
        app.deliver().await;
        let mut told = receiver.take();
        told.sort_by_key(Received::sequence);
        let of = |told: &Received| {
            let data = &told.json()["data"];
            assert_eq!(data["subject"]["id"], member);
            (data["session"]["kind"].as_str().map(str::to_owned), data["details"]["session"].as_str().map(str::to_owned))
        };
        let told: Vec<_> = told.iter().map(of).collect();
        assert_eq!(told, [(Some("api_session".to_owned()), None), (None, Some(handle.clone())), (None, None)]);
        let payload = |told: &Received| {
            use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
            let body = URL_SAFE_NO_PAD.decode(told.body.split('.').nth(1).unwrap()).unwrap();
            serde_json::from_slice::<Value>(&body).unwrap()["sub_id"]["format"].as_str().unwrap().to_owned()
        };
        let mut formats: Vec<_> = sets.take().iter().map(payload).collect();
        formats.sort_unstable();
        assert_eq!(formats, ["complex", "complex", "iss_sub"]);
    }

    /// The other tenant: neither hears anything nor reaches anything.
    async fn another_organisation_hears_nothing(app) {
        let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
        let (owner, theirs) = (app.owner(&acme).await, app.owner(&globex).await);
        let receiver = Receiver::start().await;
        let (endpoint, _) = app.endpoint(&acme, &owner, &receiver.url, &[]).await;
        owner.call("test_webhook", &[("org", "acme"), ("endpoint", &endpoint)]).await;
        app.provision(&globex, "mira@globex.test").await;
        app.deliver().await;
        assert_eq!(receiver.kinds(), ["webhook.test"]);
        let form = [("org", "globex"), ("endpoint", endpoint.as_str()), ("retire", "day"), ("password", PASSWORD)];
        for call in ["webhook", "test_webhook", "replay_webhook", "rotate_webhook_secret", "delete_webhook"] {
            assert_eq!(theirs.call(call, &form).await.status, 404, "{call}");
        }
    }
}
