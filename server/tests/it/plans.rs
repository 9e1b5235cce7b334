//! What a preview says is what happens: worlds of people, groups, teams and agents made at random, and every plan compared
//! with what the people's own next requests are answered before it and after it.

use std::collections::{BTreeMap, BTreeSet};

use domain::OrgRole;
use serde_json::{Value, json};

use crate::support::{Browser, Engine, Org, TestApp, both_databases, patch_active, races};

/// What one person's own requests are answered: her role, her team seats, her agents.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    role: String,
    seats: BTreeMap<String, String>,
    agents: BTreeSet<String>,
}

async fn see(browser: &Browser) -> Seen {
    let list = async |function: &str, key: &str| {
        let answer = browser.call(function, &[("org", "acme")]).await;
        assert_eq!(answer.status, 200, "{function}: {}", answer.text);
        answer.json[key].as_array().unwrap().clone()
    };
    let name = |row: &Value| row["name"].as_str().unwrap().to_owned();
    let seats = list("teams", "teams").await;
    let agents = list("agents", "agents").await;
    Seen {
        role: browser.call("viewer", &[("org", "acme")]).await.json["role"].as_str().unwrap().to_owned(),
        seats: seats.iter().filter_map(|team| Some((name(team), team["mine"].as_str()?.to_owned()))).collect(),
        agents: agents.iter().filter(|agent| !agent["mine"].as_array().unwrap().is_empty()).map(name).collect(),
    }
}

/// A small generator of numbers: the same world for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(sides).unwrap()).unwrap()
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

struct World {
    people: Vec<(String, Browser)>,
    groups: Vec<String>,
    /// The teams, each with its id.
    teams: Vec<(String, String)>,
    /// Names of groups that nobody has pushed.
    to_come: Vec<String>,
}

async fn world(app: &TestApp, acme: &Org, dice: &mut Dice) -> World {
    let mut people = vec![];
    for number in 0..5 {
        let (person, browser) = app.join(acme, &format!("p{number}@acme.test")).await;
        let role = *dice.pick(&[OrgRole::Member, OrgRole::Member, OrgRole::Member, OrgRole::Auditor, OrgRole::Admin]);
        app.grant(acme, &format!("p{number}@acme.test"), role).await;
        people.push((person.id, browser));
    }
    let mut groups = vec![];
    for number in 0..3 {
        let members: Vec<&str> = people.iter().filter(|_| dice.below(2) == 0).map(|(id, _)| id.as_str()).collect();
        groups.push(app.group(acme, &format!("G{number}"), &members).await);
    }
    let mut teams = vec![];
    for name in ["North", "South"] {
        teams.push((name.to_owned(), app.team(acme, name).await));
    }
    for number in 0..4 {
        let roles: Vec<_> = OrgRole::ALL.into_iter().filter(|_| dice.below(3) == 0).collect();
        let name = format!("Agent {number}");
        app.agent(acme, &name, &roles).await;
        if dice.below(2) == 0 {
            app.agent_for_team(acme, &name, &dice.pick(&teams).0).await;
        }
    }
    let owner = app.owner(acme).await;
    for number in 0..people.len() {
        if dice.below(2) == 0 {
            let member = app.member_id(acme, &format!("p{number}@acme.test")).await;
            let seat =
                [("org", "acme"), ("team", dice.pick(&teams).1.as_str()), ("member", &member), ("role", *dice.pick(&["lead", "member"]))];
            assert_eq!(owner.call("give_seat", &seat).await.status, 200);
        }
    }
    // Somebody who has left, and whom the groups keep: no plan speaks of her.
    let gone = app.join(acme, "gone@acme.test").await.0;
    let idp = app.idp(acme);
    for group in &groups {
        let add = json!([{ "op": "add", "path": "members", "value": [{ "value": gone.id }] }]);
        assert_eq!(idp.patch(&format!("/Groups/{group}"), add).await.status, 204);
    }
    assert_eq!(idp.patch(&format!("/Users/{}", gone.id), patch_active(false)).await.status, 200);
    World { people, groups, teams, to_come: vec!["Later".to_owned(), "Never".to_owned()] }
}

both_databases! {
    async fn what_a_preview_says_is_what_happens(app) {
        for round in 0..(races() / 10).max(2) {
            let seed = u64::try_from(round).unwrap() * 7_919 + 1;
            let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
            let engine = if app.state.db.is_postgres() { Engine::Postgres } else { Engine::Sqlite };
            let app = TestApp::start(engine).await;
            let acme = app.org("Acme").await;
            let mut world = world(&app, &acme, &mut dice).await;
            let owner = app.owner(&acme).await;
            let mut compared = 0;
            for _ in 0..24 {
                match dice.below(8) {
                    0 => {
                        let (group, person) = (dice.pick(&world.groups).clone(), dice.pick(&world.people).0.clone());
                        let operation = if dice.below(2) == 0 {
                            json!([{ "op": "add", "path": "members", "value": [{ "value": person }] }])
                        } else {
                            json!([{ "op": "remove", "path": format!("members[value eq \"{person}\"]") }])
                        };
                        assert_eq!(app.idp(&acme).patch(&format!("/Groups/{group}"), operation).await.status, 204);
                    }
                    // A mapping that waits for its group gives nobody anything yet.
                    6 if !world.to_come.is_empty() => {
                        let (name, target) = (dice.pick(&world.to_come).clone(), target(&mut dice, &world.teams));
                        let create = [("action", "create"), ("group_name", name.as_str()), ("target", &target)];
                        compared += usize::from(compare(&owner, &world, &create, seed).await);
                    }
                    // The group comes; what waits to give an elevated role goes on waiting, for an owner to confirm it.
                    7 if !world.to_come.is_empty() => {
                        let name = world.to_come.remove(0);
                        let members: Vec<&str> = world.people.iter().filter(|_| dice.below(2) == 0).map(|(id, _)| id.as_str()).collect();
                        world.groups.push(app.group(&acme, &name, &members).await);
                    }
                    1 | 2 => {
                        let (group, target) = (dice.pick(&world.groups).clone(), target(&mut dice, &world.teams));
                        compared += usize::from(compare(&owner, &world, &[("action", "create"), ("group", &group), ("target", &target)], seed).await);
                    }
                    _ => {
                        let list = owner.call("integrations", &[("org", "acme")]).await.json;
                        let mappings = list["mappings"].as_array().unwrap();
                        if mappings.is_empty() {
                            continue;
                        }
                        let mapping = dice.pick(mappings);
                        let action = dice.pick(mapping["may"].as_array().unwrap()).as_str().unwrap().to_owned();
                        compared += usize::from(compare(&owner, &world, &[("action", &action), ("mapping", mapping["id"].as_str().unwrap())], seed).await);
                    }
                }
            }
            assert!(compared > 3, "seed {seed}");
        }
    }
}

/// Something that a mapping can give.
fn target(dice: &mut Dice, teams: &[(String, String)]) -> String {
    match dice.below(5) {
        0 => "org:admin".to_owned(),
        1 => "org:auditor".to_owned(),
        2 => "org:member".to_owned(),
        number => format!("team:{}:{}", dice.pick(teams).1, if number == 3 { "lead" } else { "member" }),
    }
}

/// Preview, look, apply, look again; whether there was something to apply.
async fn compare(owner: &Browser, world: &World, fields: &[(&str, &str)], seed: u64) -> bool {
    let preview = owner.call("preview_mapping", &[&[("org", "acme")], fields].concat()).await;
    if preview.status == 422 {
        // The group gives that already.
        return false;
    }
    assert_eq!(preview.status, 200, "{}", preview.text);
    let plan = preview.json;
    let look = async || {
        let mut seen = vec![];
        for (_, browser) in &world.people {
            seen.push(see(browser).await);
        }
        seen
    };
    let before = look().await;
    let apply = [&[("org", "acme"), ("plan", plan["hash"].as_str().unwrap())], fields].concat();
    assert_eq!(owner.call("apply_mapping", &apply).await.status, 200, "seed {seed}");
    let after = look().await;

    let team = plan["target"]
        .as_str()
        .unwrap()
        .split(':')
        .nth(1)
        .and_then(|id| world.teams.iter().find(|team| team.1 == id))
        .map(|team| team.0.clone());
    let planned: BTreeMap<&str, &Value> =
        plan["people"].as_array().unwrap().iter().map(|person| (person["email"].as_str().unwrap(), person)).collect();
    let mut changed = 0;
    for (number, (before, after)) in before.iter().zip(&after).enumerate() {
        let email = format!("p{number}@acme.test");
        let happened = (before != after).then(|| {
            let seat = |seen: &Seen| team.as_ref().and_then(|team| seen.seats.get(team)).map_or(Value::Null, |role| json!(role));
            let differs = |a: &BTreeSet<String>, b: &BTreeSet<String>| json!(a.difference(b).collect::<Vec<_>>());
            json!({
                "role": if before.role == after.role { Value::Null } else { json!([before.role, after.role]) },
                "team": if seat(before) == seat(after) { Value::Null } else { json!([seat(before), seat(after)]) },
                "agents_gained": differs(&after.agents, &before.agents),
                "agents_lost": differs(&before.agents, &after.agents),
            })
        });
        let said = planned.get(email.as_str()).map(|person| {
            json!({ "role": person["role"], "team": person["team"], "agents_gained": person["agents_gained"], "agents_lost": person["agents_lost"] })
        });
        assert_eq!(said, happened, "seed {seed}: {fields:?}, {email}: {before:?} → {after:?}");
        changed += usize::from(happened.is_some());
    }
    assert_eq!(plan["total"], json!(changed), "seed {seed}");
    true
}
