//! Settings: from a TOML file, then from `ROLLCALL_*` variables, which win.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use directory::{DbSettings, sessions::SessionLimits, webhooks::Targets};
use figment::{
    Figment,
    providers::{Env, Format, Serialized, Toml},
};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use url::{Host, Url};

/// All settings, each under its name in the TOML file; as a variable, `ROLLCALL_` and the name in capitals.
// No `Debug`: URLs hold passwords.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `sqlite:path/to/file.db` or `postgres://…`. By default a SQLite file in `data_dir`.
    pub database_url: Option<String>,
    /// The database's owner, for `rollcall migrate` on PostgreSQL. By default `database_url`.
    pub migration_database_url: Option<String>,
    /// PostgreSQL for background jobs, which sign in as a role of their own.
    pub jobs_database_url: Option<String>,
    /// The most connections to PostgreSQL.
    pub database_connections: u32,
    /// Where to listen.
    pub listen: SocketAddr,
    /// The address under which people and identity providers reach us. By default `http://` and `listen`.
    pub public_url: Option<String>,
    /// Where files are kept: the SQLite database, and mails when no mail server is set.
    pub data_dir: PathBuf,
    /// Where the browser's files are. By default beside the program, or in the workspace it was built in.
    pub site_dir: Option<PathBuf>,
    /// The mail server, such as `smtps://user:password@mail.example.com`. Without one, mails are written to `data_dir/mail`.
    pub smtp_url: Option<String>,
    /// Whom mails come from.
    pub mail_from: String,
    /// Seconds that an activation mail waits, in case the person is gone again by then.
    pub mail_delay_seconds: u64,
    /// Hours without a request after which a browser session ends.
    pub session_idle_hours: u64,
    /// Days after which a browser session ends.
    pub session_absolute_days: u64,
    /// Addresses or networks of proxies whose `X-Forwarded-For` is believed. A comma-separated list as a variable.
    #[serde(deserialize_with = "list")]
    pub trusted_proxies: Vec<String>,
    /// The file with the keys that sign events. All nodes need the same. By default `data_dir/keys`, made when it is missing.
    pub key_file: Option<PathBuf>,
    /// Networks besides the internet that webhooks may call, such as `10.20.0.0/16`. A comma-separated list as a variable.
    #[serde(deserialize_with = "list")]
    pub webhook_networks: Vec<String>,
    /// The address of each node, which a deprovision drill tries: `http://10.0.0.5:3000`. A comma-separated list as a variable. By
    /// default `http://` and `listen`.
    #[serde(deserialize_with = "list")]
    pub drill_nodes: Vec<String>,
    /// What to log, as in `info,server=debug`.
    pub log: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            database_url: None,
            migration_database_url: None,
            jobs_database_url: None,
            database_connections: 20,
            listen: SocketAddr::from(([127, 0, 0, 1], 3000)),
            public_url: None,
            data_dir: "data".into(),
            site_dir: None,
            smtp_url: None,
            mail_from: "Rollcall <rollcall@localhost>".to_owned(),
            mail_delay_seconds: 120,
            session_idle_hours: 12,
            session_absolute_days: 7,
            trusted_proxies: vec![],
            key_file: None,
            webhook_networks: vec![],
            drill_nodes: vec![],
            log: "info,sea_orm_migration=warn".to_owned(),
        }
    }
}

/// A setting that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A value of the wrong form, or a name that is no setting.
    #[error("settings: {0}")]
    Unreadable(Box<figment::Error>),
    /// A value that makes no sense.
    #[error("settings: {name}: {why}")]
    Unusable {
        /// The variable's name.
        name: &'static str,
        /// What is wrong, and what would be right.
        why: String,
    },
}

impl Config {
    /// Read the settings: defaults, then the file, then the variables.
    pub fn load(file: Option<PathBuf>) -> Result<Self, ConfigError> {
        let mut figment = Figment::from(Serialized::defaults(Self::default()));
        if let Some(file) = file {
            if !file.is_file() {
                return Err(ConfigError::Unusable { name: "--config", why: format!("{} is not a file", file.display()) });
            }
            figment = figment.merge(Toml::file(file));
        }
        // ROLLCALL_TEST_* and ROLLCALL_TOOLS_DIR are for the scripts.
        let variables = Env::prefixed("ROLLCALL_").filter(|name| name != "config" && !name.starts_with("test_") && name != "tools_dir");
        figment.merge(variables).extract().map_err(|error| ConfigError::Unreadable(Box::new(error)))
    }

    /// The database to use.
    pub fn database(&self) -> DbSettings {
        let default = || format!("sqlite:{}", self.data_dir.join("rollcall.db").display());
        DbSettings {
            max_connections: self.database_connections,
            jobs_url: self.jobs_database_url.clone(),
            ..DbSettings::new(self.database_url.clone().unwrap_or_else(default))
        }
    }

    /// The database as its owner reaches it.
    pub fn migration_database(&self) -> DbSettings {
        match &self.migration_database_url {
            Some(url) => DbSettings::new(url.clone()),
            None => self.database(),
        }
    }

    /// The public URL for a server that listens on `listening`, without a slash at the end.
    pub fn public_url(&self, listening: SocketAddr) -> Result<Url, ConfigError> {
        let wrong = |why: String| ConfigError::Unusable { name: "ROLLCALL_PUBLIC_URL", why };
        let text = self.public_url.clone().unwrap_or_else(|| format!("http://{listening}"));
        let url = Url::parse(&text).map_err(|error| wrong(format!("{text:?} is not a URL: {error}")))?;
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
            return Err(wrong(format!("{text:?} must be http:// or https:// and a host")));
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() || url.password().is_some()
        {
            return Err(wrong(format!("{text:?} must be a scheme, a host and a port, and nothing more")));
        }
        if url.scheme() == "http" && !is_loopback(&url) {
            return Err(wrong(format!(
                "{text:?} would send passwords and tokens in clear. Use https://, by a proxy that ends TLS in front of Rollcall."
            )));
        }
        Ok(url)
    }

    /// The nodes that a drill tries, for a server that listens on `listening`.
    pub fn drill_nodes(&self, listening: SocketAddr) -> Result<Vec<Url>, ConfigError> {
        let wrong = |why: String| ConfigError::Unusable { name: "ROLLCALL_DRILL_NODES", why };
        let read = |text: &String| {
            let url = Url::parse(text).map_err(|error| wrong(format!("{text:?} is not a URL: {error}")))?;
            let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
            let named = !url.username().is_empty() || url.password().is_some();
            if !matches!(url.scheme(), "http" | "https") || url.host().is_none() || !bare || named {
                return Err(wrong(format!("{text:?} must be a node's scheme, host and port, such as http://10.0.0.5:3000")));
            }
            Ok(url)
        };
        if !self.drill_nodes.is_empty() {
            return self.drill_nodes.iter().map(read).collect();
        }
        if listening.port() == 0 {
            return Err(wrong("name the server's address: nobody but the server knows which port it was given".to_owned()));
        }
        // Whoever listens on every address is reached on this machine's own.
        let ip = match listening.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::from(Ipv4Addr::LOCALHOST),
            IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::from(Ipv6Addr::LOCALHOST),
            ip => ip,
        };
        Ok(vec![read(&format!("http://{}", SocketAddr::new(ip, listening.port())))?])
    }

    /// How long sessions live.
    pub fn session_limits(&self) -> SessionLimits {
        SessionLimits {
            idle: Duration::from_secs(self.session_idle_hours.clamp(1, 24 * 365) * 3_600),
            absolute: Duration::from_secs(self.session_absolute_days.clamp(1, 365) * 86_400),
        }
    }

    /// The proxies whose forwarded headers are believed.
    pub fn proxies(&self) -> Result<Vec<IpNet>, ConfigError> {
        networks("ROLLCALL_TRUSTED_PROXIES", &self.trusted_proxies)
    }

    /// Where events may be sent.
    pub fn targets(&self) -> Result<Targets, ConfigError> {
        networks("ROLLCALL_WEBHOOK_NETWORKS", &self.webhook_networks).map(Targets::new)
    }

    /// The file with the keys that sign events.
    pub fn key_file(&self) -> PathBuf {
        self.key_file.clone().unwrap_or_else(|| self.data_dir.join("keys"))
    }
}

fn networks(name: &'static str, texts: &[String]) -> Result<Vec<IpNet>, ConfigError> {
    let read = |text: &String| {
        let net = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        net.map_err(|_| ConfigError::Unusable {
            name,
            why: format!("{text:?} is neither an address such as 10.0.0.5 nor a network such as 10.0.0.0/8"),
        })
    };
    texts.iter().map(read).collect()
}

/// Whether the URL leads to this very machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

/// A list in TOML; in a variable, text with commas.
fn list<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        List(Vec<String>),
        Text(String),
    }
    Ok(match Either::deserialize(deserializer)? {
        Either::List(list) => list,
        Either::Text(text) => text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn public(url: &str) -> Result<String, String> {
        let config = Config { public_url: Some(url.to_owned()), ..Config::default() };
        config.public_url(config.listen).map(|url| url.to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_drill_tries_the_nodes_that_were_named_or_this_one() {
        let nodes = |named: &[&str], listen: &str| {
            let config = Config { drill_nodes: named.iter().map(|node| (*node).to_owned()).collect(), ..Config::default() };
            let nodes = config.drill_nodes(listen.parse().unwrap()).map_err(|error| error.to_string());
            nodes.map(|nodes| nodes.iter().map(Url::to_string).collect::<Vec<_>>())
        };
        assert_eq!(nodes(&[], "10.0.0.5:3000").unwrap(), ["http://10.0.0.5:3000/"]);
        assert_eq!(nodes(&[], "0.0.0.0:3000").unwrap(), ["http://127.0.0.1:3000/"]);
        assert_eq!(nodes(&[], "[::]:3000").unwrap(), ["http://[::1]:3000/"]);
        assert_eq!(nodes(&["https://a.test", "http://b.test:1"], "0.0.0.0:0").unwrap(), ["https://a.test/", "http://b.test:1/"]);
        assert!(nodes(&[], "127.0.0.1:0").unwrap_err().contains("ROLLCALL_DRILL_NODES"));
        for bad in ["a.test", "ftp://a.test", "http://a.test/scim", "http://user@a.test", "http://a.test?x"] {
            assert!(nodes(&[bad], "127.0.0.1:1").unwrap_err().contains("ROLLCALL_DRILL_NODES"), "{bad}");
        }
    }

    #[test]
    fn plain_http_is_for_this_machine_only() {
        for good in ["http://127.0.0.1:3000", "http://localhost", "http://[::1]:80", "https://id.acme.example"] {
            assert!(public(good).is_ok(), "{good}");
        }
        for bad in ["http://id.acme.example", "http://10.0.0.5", "https://id.acme.example/rollcall", "ftp://localhost", "acme"] {
            assert!(public(bad).unwrap_err().contains("ROLLCALL_PUBLIC_URL"), "{bad}");
        }
    }
}
