//! Runs a deprovision drill: sends what an identity provider, a browser, a client and a service would send, to every node that the
//! operator has named, and writes down what came back.
//!
//! The console runs it inside a server, the command line in a process of its own; either way each request goes over the network.

mod journal;
mod wire;

use std::{sync::Arc, time::Duration};

use app::context::Drills;
use directory::{
    Call, Db, Error, Randomness, api_access, drill,
    drill::Run,
    oauth::device,
    sessions::{self, SessionLimits, SignedIn},
};
use domain::{
    Permission,
    drill::DrillTrial,
    oauth::{PersonalLifetime, Scopes},
    view::DrillPage,
};
use futures_util::future::join_all;
use tower_sessions::session::Id;
use url::Url;

use crate::{config::Reach, session::cookie, state::AppState, system::Clock};
use journal::{Journal, Stopped};
use wire::{Held, Node, Verdict, What};

/// The longest that a whole run may take: less than its token lives.
const LONGEST: Duration = Duration::from_secs(240);
/// How often a run says that it is alive.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How long a page waits for the report; after that, the report is to be looked up.
const PATIENCE: Duration = Duration::from_secs(20);
/// Requests with one credential at one node before it is said to live on.
const MOST_TRIES: u32 = 50;

/// What a drill is run with.
#[derive(Clone)]
pub struct Runner {
    /// The database.
    pub db: Db,
    /// Tells the time.
    pub clock: Clock,
    /// Where randomness comes from.
    pub randomness: Randomness,
    /// How long sessions live.
    pub session_limits: SessionLimits,
    /// What the session's cookie is called.
    pub cookie: &'static str,
    /// The nodes to try.
    pub nodes: Arc<[Url]>,
    /// How to reach them.
    pub reach: Reach,
}

/// What server functions run drills with.
pub(crate) fn handle(state: &AppState) -> Drills {
    let nodes = state.drill_nodes.iter().map(wire::shown).collect();
    let runner = Runner {
        db: state.db.clone(),
        clock: state.clock.clone(),
        randomness: state.randomness.clone(),
        session_limits: state.session_limits,
        cookie: cookie(state.is_https()),
        nodes: state.drill_nodes.clone(),
        reach: state.drill_reach.clone(),
    };
    let run = move |run: Run| {
        let runner = runner.clone();
        // A task of its own: whoever asked may go away, or be answered that it takes too long.
        let task = tokio::spawn(async move {
            let done = runner.run(run).await;
            if let Err(error) = &done {
                tracing::error!(%error, "a drill has no report");
            }
            done
        });
        Box::pin(async move {
            match tokio::time::timeout(PATIENCE, task).await {
                Ok(Ok(done)) => done.map(drop),
                Ok(Err(error)) => Err(Error::Store(error.to_string())),
                Err(_) => Ok(()),
            }
        }) as app::context::Running
    };
    Drills { nodes, run: Arc::new(run) }
}

impl Runner {
    /// Run a drill that has begun, and end it.
    ///
    /// # Errors
    /// Those of the database. Whatever else goes wrong is in the report.
    pub async fn run(&self, run: Run) -> Result<DrillPage, Error> {
        let journal = Journal::new(self.clock.clone(), self.nodes.iter().map(wire::shown).collect());
        // Side by side: neither waits for a connection to the database that the other one holds.
        tokio::select! {
            done = tokio::time::timeout(LONGEST, self.act(&run, &journal)) => {
                if done.is_err() {
                    journal.stop(format!("not everything was tried within {} seconds", LONGEST.as_secs()));
                }
            }
            () = self.stay_alive(&run, &journal) => {}
        }
        drill::finish(&self.db, &run, &journal.report(), &self.call()).await
    }

    /// Say that the run is alive, for as long as it is.
    async fn stay_alive(&self, run: &Run, journal: &Journal) {
        let mut heartbeat = tokio::time::interval(HEARTBEAT);
        loop {
            heartbeat.tick().await;
            match drill::renew(&self.db, run, &journal.report(), &self.call()).await {
                Ok(()) => {}
                Err(Error::Conflict(why)) => {
                    journal.stop(why);
                    return;
                }
                // It is tried again; the lease is long enough for that.
                Err(error) => tracing::warn!(%error, "a drill could not say that it is alive"),
            }
        }
    }

    fn call(&self) -> Call {
        Call::new((self.clock)(), self.randomness.clone())
    }

    /// The drill, step by step.
    async fn act(&self, run: &Run, journal: &Journal) -> Result<(), Stopped> {
        let http = wire::client(&self.reach).map_err(|why| journal.stop(why))?;
        let nodes: Vec<Node> = self.nodes.iter().map(|url| Node::new(url, &http)).collect();
        self.reach(&nodes, journal).await?;
        // Not always the same: over time, every node is told of somebody's end.
        let turn = usize::try_from(run.number).unwrap_or(0) % nodes.len();
        let (told, other) = (&nodes[turn], &nodes[(turn + 1) % nodes.len()]);

        let user = journal.step("Provisioned", told.asked("POST", "/Users"), told.create_user(run)).await?;
        let grouped = told.create_group(run, &user);
        journal.step("In a group that gives a role, a team and an agent", told.asked("POST", "/Groups"), grouped).await?;
        let mut held = self.let_in(run, &user, other, journal).await?;
        self.prove(&nodes, &mut held, journal).await;

        let told_off = told.deactivate(run, &user);
        journal.step("Deprovisioned", told.asked("PATCH", "/Users/{id} active:false"), told_off).await?;
        self.try_everything(&nodes, &held, journal).await;
        self.nothing_left(run, journal).await?;
        Ok(())
    }

    /// A node that does not answer lets nobody in, today; tomorrow it may. Such a drill proves nothing.
    async fn reach(&self, nodes: &[Node], journal: &Journal) -> Result<(), Stopped> {
        if nodes.is_empty() {
            return Err(journal.stop("there is no node to try: name them in ROLLCALL_DRILL_NODES".to_owned()));
        }
        let mut unreached = vec![];
        for node in nodes {
            let reached = journal.step(&format!("{} answers", node.name), node.asked("GET", "/readyz"), node.ready()).await;
            if reached.is_err() {
                unreached.push(node.name.as_str());
            }
        }
        match unreached.is_empty() {
            true => Ok(()),
            false => Err(journal.stop(format!("nothing was tried, since not every node answers: {}", unreached.join(", ")))),
        }
    }

    /// Everything that lets somebody act, each got in the way in which people and their programs get it.
    async fn let_in(&self, run: &Run, user: &str, node: &Node, journal: &Journal) -> Result<Held, Stopped> {
        let (cookie, who) =
            journal.step("Browser session", "as after her activation link, by a sign-in".to_owned(), self.session(run, user)).await?;
        let asked = node.asked("POST", "/oauth/device_authorization, /oauth/token");
        let tokens = journal.step("Access and refresh token", asked, self.device(run, node, &who)).await?;
        let personal = journal.step("Personal token", "as people make them in the console".to_owned(), self.personal_token(&who)).await?;
        Ok(Held {
            cookie,
            access: tokens.0,
            refresh: tokens.1,
            personal,
            service: run.service().to_owned(),
            agent: run.agent.to_string(),
            org: run.slug.to_string(),
        })
    }

    async fn session(&self, run: &Run, user: &str) -> Result<((String, SignedIn), String), String> {
        let failed = |error: Error| error.to_string();
        let user = user.parse().map_err(|_| "the node gave her no id of ours".to_owned())?;
        let call = self.call();
        let entry = drill::let_in(&self.db, run, user, &call).await.map_err(failed)?;
        let mut id = [0; 16];
        (self.randomness)(&mut id);
        sessions::begin(&self.db, &id, &entry.begin, self.session_limits, &call).await.map_err(failed)?;
        let who = sessions::find(&self.db, &id, self.session_limits, call.now).await.map_err(failed)?;
        let who = who.ok_or("a session that stands for nobody")?;
        let said = format!("signed in, with the role {}", who.role);
        Ok(((format!("{}={}", self.cookie, Id(i128::from_le_bytes(id))), who), said))
    }

    async fn device(&self, run: &Run, node: &Node, who: &SignedIn) -> Result<((String, String), String), String> {
        let (device_code, user_code) = node.ask_as_device(&run.agent.to_string()).await?;
        let scope = who.in_org(&run.slug, Permission::Enter).map_err(|error| error.to_string())?;
        device::approve(&self.db, who, scope, &user_code, &self.call()).await.map_err(|error| error.to_string())?;
        let tokens = node.redeem(&run.agent.to_string(), &device_code).await?;
        Ok((tokens, "let in as an agent that her group opens".to_owned()))
    }

    async fn personal_token(&self, who: &SignedIn) -> Result<(String, String), String> {
        let scope = who.in_org(&who.org_slug, Permission::Enter).map_err(|error| error.to_string())?;
        let (lifetime, scopes) = (PersonalLifetime::Days7.as_str(), Scopes::all().to_string());
        let issued = api_access::issue(&self.db, who, scope, "Drill".to_owned(), lifetime, &scopes, &self.call()).await;
        let issued = issued.map_err(|error| error.to_string())?;
        Ok((issued.secret, "made, for seven days".to_owned()))
    }

    /// Use everything at every node. What never worked would be refused afterwards, too, and prove nothing.
    async fn prove(&self, nodes: &[Node], held: &mut Held, journal: &Journal) {
        for node in nodes {
            let title = format!("Everything works at {}", node.name);
            let asked = What::ALL.map(What::title).join(", ");
            // Whatever is wrong is in the report. What works elsewhere is tried all the same.
            let _ = journal.step(&title, asked, node.use_all(held)).await;
        }
    }

    /// Try every credential at every node, all at once, each until it is refused.
    async fn try_everything(&self, nodes: &[Node], held: &Held, journal: &Journal) {
        let told_at = (self.clock)();
        let trials = nodes.iter().flat_map(|node| What::ALL.map(|what| (node, what)));
        let tried = async {
            let trials = join_all(trials.map(|(node, what)| self.try_until_refused(node, what, held, told_at))).await;
            let said =
                format!("{} of {} refused by the very next request", trials.iter().filter(|trial| trial.passed()).count(), trials.len());
            let passed = trials.iter().all(DrillTrial::passed);
            journal.tried(trials);
            if passed { Ok(((), said)) } else { Err(said) }
        };
        // What was not refused is in the report; whether rows are left is worth knowing all the same.
        let _ = journal.step("Everything tried at every node", What::ALL.map(What::title).join(", "), tried).await;
    }

    async fn try_until_refused(&self, node: &Node, what: What, held: &Held, told_at: domain::Timestamp) -> DrillTrial {
        let mut held = held.clone();
        let mut accepted = 0;
        loop {
            let (verdict, answered) = node.try_once(what, &mut held).await;
            accepted += u32::from(verdict == Verdict::Accepted);
            if verdict != Verdict::Accepted || accepted >= MOST_TRIES {
                let after = (self.clock)().as_micros().saturating_sub(told_at.as_micros());
                return DrillTrial {
                    credential: what.title().to_owned(),
                    node: node.name.clone(),
                    accepted,
                    refused: verdict == Verdict::Refused,
                    answered,
                    after_micros: after.unsigned_abs(),
                };
            }
        }
    }

    /// Look where it would be, too: no row may be left that lets anybody act.
    async fn nothing_left(&self, run: &Run, journal: &Journal) -> Result<(), Stopped> {
        let look = async {
            let left = drill::left(&self.db, run).await.map_err(|error| error.to_string())?;
            match left.is_empty() {
                true => Ok(((), "no membership, role, seat, session or token".to_owned())),
                false => Err(left.iter().map(|(what, count)| format!("{count} {what}")).collect::<Vec<_>>().join(", ")),
            }
        };
        journal.step("Nothing is left of her access", "the rows of the database".to_owned(), look).await
    }
}
