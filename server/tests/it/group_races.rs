//! One group changed from many sides at once, by two servers on one database: it ends with exactly the right members.

use std::{collections::BTreeSet, thread};

use serde_json::{Value, json};

use crate::support::{
    Engine, operator_database,
    process::{Process, Wire, bootstrap, rollcall},
    races,
};

const PATCHES: usize = 50;

fn ids(wire: &mut Wire, group: &str) -> BTreeSet<String> {
    let (status, body) = wire.send("GET", &format!("/Groups/{group}"), None).unwrap();
    assert_eq!(status, 200);
    body["members"].as_array().unwrap_or(&vec![]).iter().map(|member| member["value"].as_str().unwrap().to_owned()).collect()
}

fn patch(operations: Value) -> Value {
    json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_parallel_patches_through_two_servers_end_in_exactly_the_right_set() {
    let (folder, url) = operator_database(Engine::Postgres).await;
    let run = rollcall(&folder, url.as_deref()).arg("migrate").output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let (org, token) = bootstrap(rollcall(&folder, url.as_deref()), &folder);
    let servers = [0, 1].map(|_| Process::serve(rollcall(&folder, url.as_deref())));
    let mut wire = Wire::new(&servers[0].address, &org, &token);

    let people: Vec<String> = (0..PATCHES)
        .map(|number| {
            let (status, body) = wire.send("POST", "/Users", Some(&json!({ "userName": format!("p{number}") }))).unwrap();
            assert_eq!(status, 201, "{body}");
            body["id"].as_str().unwrap().to_owned()
        })
        .collect();
    // The even ones are in it and go; the odd ones are not and come.
    let (go, come): (Vec<_>, Vec<_>) = people.iter().cloned().enumerate().partition(|(number, _)| number % 2 == 0);
    let right: BTreeSet<String> = come.iter().map(|(_, id)| id.clone()).collect();
    for round in 0..(races() / 4).max(3) {
        let members: Vec<_> = go.iter().map(|(_, id)| json!({ "value": id })).collect();
        let (status, body) =
            wire.send("POST", "/Groups", Some(&json!({ "displayName": format!("G{round}"), "members": members }))).unwrap();
        assert_eq!(status, 201, "{body}");
        let group = body["id"].as_str().unwrap().to_owned();
        let refused: Vec<_> = thread::scope(|scope| {
            let sent: Vec<_> = people
                .iter()
                .enumerate()
                .map(|(number, id)| {
                    let operations = match number % 4 {
                        0 => json!([{ "op": "remove", "path": format!("members[value eq \"{id}\"]") }]),
                        2 => json!([{ "op": "Remove", "path": "members", "value": [{ "value": id }] }]),
                        // Partly what is there already: an addition that is repeated adds what is missing.
                        1 => json!([{ "op": "add", "path": "members", "value": [{ "value": id }, { "value": right.first() }] }]),
                        _ => json!([{ "op": "Add", "path": "members", "value": [{ "value": id }] }]),
                    };
                    let (address, org, token, group) = (&servers[number % 2].address, &org, &token, &group);
                    scope.spawn(move || {
                        Wire::new(address, org, token).send("PATCH", &format!("/Groups/{group}"), Some(&patch(operations))).unwrap()
                    })
                })
                .collect();
            sent.into_iter().map(|thread| thread.join().unwrap()).filter(|(status, _)| *status != 204).collect()
        });
        assert_eq!(refused, vec![], "round {round}");
        for server in &servers {
            assert_eq!(ids(&mut Wire::new(&server.address, &org, &token), &group), right, "round {round}");
        }
    }
    drop(servers);
    let _ = std::fs::remove_dir_all(&folder);
}
