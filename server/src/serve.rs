//! `rollcall serve`

use std::{net::SocketAddr, sync::Arc, time::Duration};

use directory::{
    address_blocks, drill,
    events::delivery,
    founding,
    passwords::Hasher,
    provisioning::{activity, tokens},
    seals, sessions,
};
use tokio::{net::TcpListener, signal, sync::watch};

use crate::{
    assets,
    config::Config,
    keys,
    listening::Patience,
    mailer::Mailer,
    router::router,
    startup,
    state::{AppState, Parts},
    system,
    tls::Tls,
    webhooks::Deliverer,
};

/// How long requests that are under way may take to finish once the server was told to stop.
const GRACE: Duration = Duration::from_secs(10);
/// How long a guess at a SCIM token from a blocked network waits for its refusal: whoever guesses on as soon as she is answered gets
/// one a second for each connection that she has open.
pub const REFUSAL_WAIT: Duration = Duration::from_secs(1);
/// How often the audit log is sealed.
const SEAL_EVERY: Duration = Duration::from_secs(60);
/// How often what was refused beyond the limits is written down, attempts that are over are told of, and clients that have been quiet are
/// forgotten.
const FAILURES_EVERY: Duration = Duration::from_secs(60);
/// How often what has outlived its time is cleared away.
const SWEEP_EVERY: Duration = Duration::from_secs(600);

/// Serve until told to stop.
///
/// # Errors
/// A sentence that says why the server did not start.
pub async fn serve(config: Config) -> Result<(), String> {
    let tls = match config.tls().map_err(|error| error.to_string())? {
        Some((certificate, key)) => Some(Arc::new(Tls::load(certificate, key)?)),
        None => None,
    };
    let db = startup::open_to_serve(&config.database()).await?;
    let mailer = Mailer::new(&config)?;
    let listener = TcpListener::bind(config.listen)
        .await
        .map_err(|error| format!("Cannot listen on {}: {error}. Set ROLLCALL_LISTEN to another address.", config.listen))?;
    let listening = listener.local_addr().map_err(|error| error.to_string())?;
    let public_url = config.public_url(listening).map_err(|error| error.to_string())?;
    config.tls_is_ended(&public_url).map_err(|error| error.to_string())?;
    let randomness = system::randomness();
    let keys = keys::load(&config.key_file(), &randomness)?;
    let missing = delivery::missing_keys(&db, &keys).await.map_err(|error| format!("The database cannot be read: {error}"))?;
    if !missing.is_empty() {
        tracing::warn!(
            ?missing,
            "webhook endpoints were made under keys that are not in the key file: this node delivers nothing to them. Set ROLLCALL_KEY_FILE to the file that the other nodes use"
        );
    }
    let state = AppState::new(Parts {
        db,
        clock: system::clock(),
        randomness,
        keys,
        targets: config.targets().map_err(|error| error.to_string())?,
        hasher: Hasher::owasp(std::thread::available_parallelism().map_or(2, usize::from)),
        public_url,
        session_limits: config.session_limits(),
        mail_delay: Duration::from_secs(config.mail_delay_seconds),
        refusal_wait: REFUSAL_WAIT,
        scim_traffic: config.scim_traffic(),
        trusted_proxies: config.proxies().map_err(|error| error.to_string())?,
        drill_nodes: config.drill_nodes(listening).map_err(|error| error.to_string())?,
        drill_reach: config.drill_reach(listening).map_err(|error| error.to_string())?,
        site_dir: assets::find_site_dir(config.site_dir.as_deref()),
    });
    if !state.site_dir.join("pkg").is_dir() {
        tracing::warn!(dir = %state.site_dir.display(), "the browser's files are not there: pages will be plain. Build them with `make build`, or set ROLLCALL_SITE_DIR");
    }

    let (stop, stopped) = watch::channel(false);
    let mails = tokio::spawn(mailer.run(state.clone(), stopped.clone()));
    let deliveries = tokio::spawn(Deliverer::new(&state).run(state.clone(), stopped.clone()));
    let sweeps = tokio::spawn(sweep(state.clone(), stopped.clone()));
    let seals = tokio::spawn(seal(state.clone(), stopped.clone()));
    let failures = tokio::spawn(note_failures(state.clone(), stopped.clone()));
    announce(&state, listening).await.map_err(|error| error.to_string())?;

    let ending = state.clone();
    let service = router(state).into_make_service_with_connect_info::<SocketAddr>();
    let mut stopping = stopped.clone();
    let handle = axum_server::Handle::new();
    let listener = listener.into_std().map_err(|error| error.to_string())?;
    let serving = match tls {
        None => {
            let server = axum_server::from_tcp(listener).map_err(|error| error.to_string())?;
            let server = Patience::USUAL.of(server).handle(handle.clone());
            tokio::spawn(async move { server.serve(service).await })
        }
        Some(tls) => {
            let server = axum_server::from_tcp_rustls(listener, tls.config()).map_err(|error| error.to_string())?;
            let server = Patience::USUAL.of(server).handle(handle.clone());
            tokio::spawn(tls.watch(stopped.clone()));
            tokio::spawn(async move { server.serve(service).await })
        }
    };
    tokio::spawn(async move {
        drop(stopping.wait_for(|stop| *stop).await);
        handle.graceful_shutdown(Some(GRACE));
    });
    interrupted().await;
    tracing::info!("stopping");
    let _ = stop.send(true);
    match tokio::time::timeout(GRACE, serving).await {
        Ok(Ok(Ok(()))) => {}
        Ok(Ok(Err(error))) => return Err(format!("The server stopped: {error}")),
        Ok(Err(error)) => return Err(format!("The server stopped: {error}")),
        Err(_) => tracing::warn!("some requests were still under way"),
    }
    // A mail or a delivery that is under way, and notes that wait to be written.
    let ends = async { tokio::join!(mails, deliveries, sweeps, seals, failures, ending.settle()) };
    if tokio::time::timeout(GRACE, ends).await.is_err() {
        tracing::warn!("a mail, a delivery or a note was still under way");
    }
    // The last requests may have been refused, and their notes lost.
    if let Err(error) = ending.note_failures().await {
        tracing::error!(%error, "how many attempts have failed could not be written down");
    }
    // SQLite folds its journal into the one file when the last connection is closed.
    ending.db.close().await.map_err(|error| error.to_string())
}

/// One line for whoever started the server. A set-up link is a secret: it goes to the terminal, not into the log.
async fn announce(state: &AppState, listening: SocketAddr) -> Result<(), directory::Error> {
    let call = state.call();
    let url = state.public_url();
    // Behind a proxy, or on a port that the system chose: whoever set it up wants to know.
    let listens = if url == format!("http://{listening}") || url == format!("https://{listening}") {
        String::new()
    } else {
        format!(" and listens on {listening}")
    };
    match founding::new_set_up_link(&state.db, &call).await? {
        Some(link) => println!("Rollcall is at {url}{listens} . First run: set it up at {url}/set-up/{link} (works once, for 24 hours)"),
        None => println!("Rollcall is at {url}{listens}"),
    }
    Ok(())
}

/// Seal the audit log, minute by minute.
async fn seal(state: AppState, mut stop: watch::Receiver<bool>) {
    loop {
        if let Err(error) = seals::seal(&state.db, (state.clock)()).await {
            tracing::error!(%error, "the audit log could not be sealed");
        }
        tokio::select! {
            () = tokio::time::sleep(SEAL_EVERY) => {}
            _ = stop.changed() => return,
        }
    }
}

/// Write down what was refused beyond the limits, tell of failed attempts that are over, and forget who has been quiet, minute by minute.
async fn note_failures(state: AppState, mut stop: watch::Receiver<bool>) {
    loop {
        state.forget_the_quiet();
        tokio::select! {
            () = tokio::time::sleep(FAILURES_EVERY) => {}
            // What comes until the last request is answered is written down after it.
            _ = stop.changed() => return,
        }
        if let Err(error) = state.note_failures().await {
            tracing::error!(%error, "how many attempts have failed could not be written down");
        }
    }
}

async fn sweep(state: AppState, mut stop: watch::Receiver<bool>) {
    loop {
        if let Err(error) = sessions::sweep(&state.db, state.session_limits, (state.clock)()).await {
            tracing::error!(%error, "old sessions could not be cleared away");
        }
        if let Err(error) = activity::sweep(&state.db, (state.clock)()).await {
            tracing::error!(%error, "the activity log could not be cleared of old requests");
        }
        if let Err(error) = delivery::sweep(&state.db, (state.clock)()).await {
            tracing::error!(%error, "old deliveries could not be forgotten");
        }
        if let Err(error) = tokens::warn_of_expiry(&state.db, &state.call()).await {
            tracing::error!(%error, "owners could not be told of tokens that expire");
        }
        if let Err(error) = drill::sweep(&state.db, &state.call()).await {
            tracing::error!(%error, "interrupted drills could not be cleared away");
        }
        if let Err(error) = seals::clear(&state.db, || state.call()).await {
            tracing::error!(%error, "old audit entries could not be cleared");
        }
        if let Err(error) = address_blocks::sweep(&state.db, (state.clock)()).await {
            tracing::error!(%error, "old blocks of addresses could not be cleared away");
        }
        tokio::select! {
            () = tokio::time::sleep(SWEEP_EVERY) => {}
            _ = stop.changed() => return,
        }
    }
}

/// Ctrl-C, or an orchestrator's SIGTERM.
async fn interrupted() {
    let interrupt = async { drop(signal::ctrl_c().await) };
    #[cfg(unix)]
    let terminate = async {
        match signal::unix::signal(signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending::<()>();
    tokio::select! { () = interrupt => {}, () = terminate => {} }
}
