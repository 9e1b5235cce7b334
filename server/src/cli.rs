//! The command line.

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};
use directory::{
    Call, Db, Error, doctor, drill,
    founding::{self, Founder},
    grants,
    passwords::Hasher,
    provisioning::connection::base_url,
    seals::{self, Head, Verified},
    second_factor,
};

use domain::{Timestamp, drill::DrillState, view::DrillPage};

use crate::{
    config::Config,
    drill::Runner,
    logging,
    login::{Login, Place},
    serve::serve,
    session, startup, system,
};

/// SCIM provisioning, sign-in and the admin console for platforms of AI agents.
#[derive(Parser)]
#[command(name = "rollcall", version)]
struct Cli {
    /// A TOML file of settings. `ROLLCALL_*` variables win over it.
    #[arg(long, env = "ROLLCALL_CONFIG", global = true)]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the console and the SCIM endpoints.
    Serve,
    /// Apply what the database's schema lacks.
    Migrate,
    /// Make an organisation, its owner and, if asked, a provisioning token.
    Bootstrap(Bootstrap),
    /// Log in to a server from the command line: somebody who is signed in there lets this machine in.
    Login(Login),
    /// Print an access token for scripts: `curl -H "Authorization: Bearer $(rollcall token)" …`.
    Token(Place),
    /// End that session.
    Logout(Place),
    /// The owners of an organisation.
    #[command(subcommand)]
    Owner(Owner),
    /// Look whether the database is as it has to be: exit status 0 only if all is right.
    Doctor(Doctor),
    /// People's accounts.
    #[command(subcommand)]
    Account(Account),
    /// Run a deprovision drill against the running server: exit status 0 only if every credential was refused by every node.
    Drill(Drill),
    /// The audit log.
    #[command(subcommand)]
    Audit(Audit),
}

#[derive(Subcommand)]
enum Audit {
    /// Recompute every seal: exit status 0 only if nothing was changed, taken away, put in or reordered since it was sealed.
    Verify(VerifyAudit),
}

#[derive(Args)]
struct VerifyAudit {
    /// Only of this organisation: its id, or its name in its addresses.
    #[arg(long)]
    org: Option<String>,
    /// A head that was kept elsewhere: that seal has to be there, as it was.
    #[arg(long, requires = "org")]
    expect: Option<String>,
    /// Print one JSON object an organisation.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct Doctor {
    /// Print one JSON object instead of a line for each check.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct Drill {
    /// The organisation: its id, or its name in its addresses.
    #[arg(long)]
    org: String,
    /// Print the report as one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Subcommand)]
enum Owner {
    /// Make a member an owner: the way back where no owner can get in. Every owner is told of it by mail.
    Grant(GrantOwner),
}

#[derive(Subcommand)]
enum Account {
    /// Take somebody's second factor away: the way back when she has lost her authenticator and her recovery codes. She is told by mail.
    ResetSecondFactor(ResetSecondFactor),
}

#[derive(Args)]
struct ResetSecondFactor {
    /// The e-mail address of the account.
    #[arg(long)]
    email: String,
    /// Print one JSON object instead of a sentence.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct GrantOwner {
    /// The organisation's name in its addresses: `acme` in `/o/acme/members`.
    #[arg(long)]
    org: String,
    /// The e-mail address of a member who can sign in.
    #[arg(long)]
    email: String,
    /// Print one JSON object instead of a sentence.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct Bootstrap {
    /// The organisation's name. It must not be in use yet.
    #[arg(long)]
    org_name: String,
    /// The owner's e-mail address. It must not have an account yet.
    #[arg(long)]
    owner_email: String,
    /// The owner's name. By default what stands before the `@`.
    #[arg(long)]
    owner_name: Option<String>,
    /// A file whose first line is the owner's password.
    #[arg(long)]
    owner_password_file: PathBuf,
    /// Enable SCIM and issue a provisioning token.
    #[arg(long)]
    enable_scim: bool,
    /// Print one JSON object instead of sentences.
    #[arg(long)]
    json: bool,
}

/// Run the program.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error.to_string()),
    };
    match runtime.block_on(cli.run()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => fail(&sentence),
    }
}

fn fail(sentence: &str) -> ExitCode {
    eprintln!("rollcall: {sentence}");
    ExitCode::FAILURE
}

impl Cli {
    async fn run(self) -> Result<(), String> {
        let load = || {
            let config = Config::load(self.config).map_err(|error| error.to_string())?;
            logging::start(&config.log);
            Ok::<_, String>(config)
        };
        match self.command {
            // What a person runs on her own machine has no server's settings.
            Command::Login(login) => login.run().await,
            Command::Token(place) => place.token().await,
            Command::Logout(place) => place.logout().await,
            Command::Serve => serve(load()?).await,
            Command::Migrate => migrate(&load()?).await,
            Command::Bootstrap(bootstrap) => bootstrap.run(&load()?).await,
            Command::Owner(Owner::Grant(grant)) => grant.run(&load()?).await,
            Command::Doctor(doctor) => doctor.run(&load()?).await,
            Command::Account(Account::ResetSecondFactor(reset)) => reset.run(&load()?).await,
            Command::Drill(drill) => drill.run(&load()?).await,
            Command::Audit(Audit::Verify(verify)) => verify.run(&load()?).await,
        }
    }
}

async fn migrate(config: &Config) -> Result<(), String> {
    let db = Db::connect(&config.migration_database()).await.map_err(|error| format!("The database cannot be opened: {error}"))?;
    match startup::migrate(&db).await? {
        0 => println!("The database is up to date."),
        applied => println!("Applied {applied} migrations."),
    }
    Ok(())
}

impl Bootstrap {
    async fn run(self, config: &Config) -> Result<(), String> {
        let file = &self.owner_password_file;
        let password = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
        let password = password.lines().next().unwrap_or_default().to_owned();
        let name = self.owner_name.unwrap_or_else(|| self.owner_email.split('@').next().unwrap_or_default().to_owned());
        let public_url = config.public_url(config.listen).map_err(|error| error.to_string())?;
        let db = startup::open(&config.database()).await?;

        let call = Call::by(&system::clock(), system::randomness());
        let founder = Founder { org_name: self.org_name, name, email: self.owner_email, password };
        let made =
            founding::bootstrap(&db, &Hasher::owasp(1), founder, self.enable_scim, &call).await.map_err(|error| error.to_string())?;

        let base_url = base_url(public_url.as_str().trim_end_matches('/'), made.org);
        if self.json {
            let answer = serde_json::json!({
                "org_id": made.org,
                "org_slug": made.slug,
                "owner_id": made.owner,
                "scim_base_url": made.token.as_ref().map(|_| &base_url),
                "scim_token": made.token,
            });
            println!("{answer}");
            return Ok(());
        }
        println!("Organisation {} ({}) is ready; its owner can sign in at {}sign-in", made.slug, made.org, public_url);
        if let Some(token) = made.token {
            println!("SCIM base URL: {base_url}\nProvisioning token, shown this once: {token}");
        }
        Ok(())
    }
}

impl GrantOwner {
    async fn run(self, config: &Config) -> Result<(), String> {
        let db = startup::open(&config.database()).await?;
        let call = Call::by(&system::clock(), system::randomness());
        let made = grants::grant_owner_as_operator(&db, &self.org, &self.email, &call).await.map_err(|error| error.to_string())?;
        if self.json {
            println!("{}", serde_json::json!({ "org_id": made.org, "member_id": made.member, "changed": made.changed }));
        } else if made.changed {
            println!("{} is an owner of {} now. Every owner is told by mail.", made.name, self.org);
        } else {
            println!("{} is an owner of {} already. Nothing was changed.", made.name, self.org);
        }
        Ok(())
    }
}

impl Doctor {
    async fn run(self, config: &Config) -> Result<(), String> {
        let settings = config.database();
        let failed = |error: directory::Error| format!("The database cannot be examined: {error}");
        let db = Db::connect(&settings).await.map_err(failed)?;
        let pending = startup::pending_migrations(&db).await.map_err(failed)?;
        let global: Vec<_> = migrations::GLOBAL_TABLES.iter().map(|(table, _)| *table).collect();
        let policies = |table: &str, owner: &str, jobs| {
            let policies = migrations::policies(table, owner, jobs).into_iter();
            policies.map(|policy| (policy.name.to_owned(), policy.role, policy.rows)).collect()
        };
        let wall = doctor::Wall {
            global: &global,
            policies: &policies,
            same_rows: migrations::same_rows,
            only_added_to: &migrations::ONLY_ADDED_TO,
            token_columns: &migrations::TOKEN_COLUMNS,
        };
        let checks = doctor::examine(&db, &settings, pending, &wall).await.map_err(failed)?;
        let ok = checks.iter().all(|check| check.ok);
        if self.json {
            let each = checks.iter().map(|check| serde_json::json!({ "name": check.name, "ok": check.ok, "found": check.found }));
            println!("{}", serde_json::json!({ "ok": ok, "checks": each.collect::<Vec<_>>() }));
        } else {
            for check in &checks {
                println!("{} {}: {}", if check.ok { "ok  " } else { "FAIL" }, check.name, check.found);
            }
        }
        db.close().await.map_err(failed)?;
        if ok { Ok(()) } else { Err("Something is not as it has to be.".to_owned()) }
    }
}

impl ResetSecondFactor {
    async fn run(self, config: &Config) -> Result<(), String> {
        let db = startup::open(&config.database()).await?;
        let call = Call::by(&system::clock(), system::randomness());
        let changed = second_factor::reset_as_operator(&db, &self.email, &call).await.map_err(|error| error.to_string())?;
        if self.json {
            println!("{}", serde_json::json!({ "changed": changed }));
        } else if changed {
            println!("{} signs in with her password alone now, and is told by mail. Every browser was signed out.", self.email);
        } else {
            println!("{} has no second factor. Nothing was changed.", self.email);
        }
        Ok(())
    }
}

impl VerifyAudit {
    async fn run(self, config: &Config) -> Result<(), String> {
        let expected = self.expect.as_deref().map(str::parse::<Head>).transpose().map_err(|error| error.to_string())?;
        // It only reads: it does not bring a file up to date, as opening one to serve does.
        let db = Db::connect(&config.database()).await.map_err(|error| format!("The database cannot be opened: {error}"))?;
        let pending = startup::pending_migrations(&db).await.map_err(|error| format!("The database cannot be read: {error}"))?;
        if pending > 0 {
            return Err(format!("{pending} migrations are pending. Apply them with `rollcall migrate`, then verify."));
        }
        let now = (system::clock())();
        let verified = seals::verify(&db, self.org.as_deref(), expected.as_ref(), now).await.map_err(|error| match error {
            Error::NotFound(_) => "There is no such organisation.".to_owned(),
            other => other.to_string(),
        })?;
        db.close().await.map_err(|error| error.to_string())?;
        for one in &verified {
            let Verified { org, slug, seals, events, cleared, unsealed, unsealed_since, up_to, head, problems } = one;
            let (up_to, unsealed_since) = (up_to.map(Timestamp::to_rfc3339), unsealed_since.map(Timestamp::to_rfc3339));
            let head = head.as_ref().map(Head::to_string);
            if self.json {
                let answer = serde_json::json!({
                    "org_id": org, "slug": slug, "intact": problems.is_empty(), "problems": problems, "seals": seals, "events": events,
                    "cleared_events": cleared, "unsealed_events": unsealed, "unsealed_since": unsealed_since, "sealed_up_to": up_to, "head": head,
                });
                println!("{answer}");
                continue;
            }
            let verdict = if problems.is_empty() { "intact" } else { "TAMPERED WITH" };
            println!("{slug}: {verdict}; {events} events in {seals} seals, {cleared} cleared, {unsealed} not sealed yet");
            if let (Some(up_to), Some(head)) = (up_to, head) {
                println!("  sealed up to {up_to}; head {head}");
            }
            for problem in problems {
                println!("  {problem}");
            }
        }
        match verified.iter().filter(|one| !one.problems.is_empty()).count() {
            0 => Ok(()),
            1 => Err("The audit log of one organisation is not as it was sealed.".to_owned()),
            some => Err(format!("The audit logs of {some} organisations are not as they were sealed.")),
        }
    }
}

impl Drill {
    async fn run(self, config: &Config) -> Result<(), String> {
        let nodes = config.drill_nodes(config.listen).map_err(|error| error.to_string())?;
        let https = config.public_url(config.listen).map_err(|error| error.to_string())?.scheme() == "https";
        let db = startup::open(&config.database()).await?;
        let call = Call::new((system::clock())(), system::randomness());
        let run = drill::begin_as_operator(&db, &self.org, &call).await.map_err(|error| error.to_string())?;
        let org = run.org;
        let runner = Runner {
            db: db.clone(),
            clock: system::clock(),
            randomness: system::randomness(),
            session_limits: config.session_limits(),
            cookie: session::cookie(https),
            nodes: nodes.into(),
            reach: config.drill_reach(config.listen).map_err(|error| error.to_string())?,
        };
        let DrillPage { drill, report, .. } = runner.run(run).await.map_err(|error| error.to_string())?;
        let passed = drill.state == DrillState::Passed;
        if self.json {
            let answer = serde_json::json!({
                "org_id": org,
                "drill_id": drill.id,
                "number": drill.number,
                "passed": passed,
                "started_at": drill.started_at.to_rfc3339(),
                "finished_at": drill.finished_at.map(Timestamp::to_rfc3339),
                "problems": report.problems(),
                "report": report,
            });
            println!("{answer}");
        } else {
            for step in &report.steps {
                println!("{} {}: {}", if step.ok { "ok  " } else { "FAIL" }, step.title, step.answered);
            }
            for trial in &report.trials {
                let mark = if trial.passed() { "ok  " } else { "FAIL" };
                println!("{mark} {} at {}: {}", trial.credential, trial.node, trial.in_words());
            }
        }
        db.close().await.map_err(|error| error.to_string())?;
        match passed {
            true => Ok(()),
            false => Err(format!("The drill failed. {}", report.problems().join(". "))),
        }
    }
}
