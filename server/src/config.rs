//! Settings: from a TOML file, then from `ROLLCALL_*` variables, which win.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    num::NonZeroU32,
    path::{Path, PathBuf},
    time::Duration,
};

use directory::{DbSettings, sessions::SessionLimits, webhooks::Targets};
use figment::{
    Figment,
    providers::{Env, Format, Serialized, Toml},
};
use ipnet::IpNet;
use reqwest::Certificate;
use serde::{Deserialize, Serialize};
use url::{Host, Url};

use crate::rate_limit::ScimTraffic;

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
    /// The address under which people and identity providers reach us. By default `http://` and `listen`; `https://` with a certificate.
    pub public_url: Option<String>,
    /// The certificate chain to serve https with, in PEM. With `tls_key_file`, or not at all.
    pub tls_cert_file: Option<PathBuf>,
    /// Its private key, in PEM.
    pub tls_key_file: Option<PathBuf>,
    /// Certificates of an authority of one's own, in PEM, which drills trust besides the public ones.
    pub tls_ca_file: Option<PathBuf>,
    /// Where files are kept: the SQLite database, the key file, and mails when no mail server is set.
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
    /// Requests a second that one provisioning token may make over time.
    pub scim_rate: NonZeroU32,
    /// Requests that one provisioning token may make at once.
    pub scim_burst: NonZeroU32,
    /// Addresses or networks of proxies whose `X-Forwarded-For` is believed. A comma-separated list as a variable.
    #[serde(deserialize_with = "list")]
    pub trusted_proxies: Vec<String>,
    /// The file with the server's keys. All nodes need the same. By default `data_dir/keys`, made when it is missing.
    pub key_file: Option<PathBuf>,
    /// Networks besides the internet that webhooks may call, such as `10.20.0.0/16`. A comma-separated list as a variable.
    #[serde(deserialize_with = "list")]
    pub webhook_networks: Vec<String>,
    /// The address of each node, which a deprovision drill tries: `http://10.0.0.5:3000`. A comma-separated list as a variable. By
    /// default this server, where it listens.
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
            tls_cert_file: None,
            tls_key_file: None,
            tls_ca_file: None,
            data_dir: "data".into(),
            site_dir: None,
            smtp_url: None,
            mail_from: "Rollcall <rollcall@localhost>".to_owned(),
            mail_delay_seconds: 120,
            session_idle_hours: 12,
            session_absolute_days: 7,
            scim_rate: const { NonZeroU32::new(50).unwrap() },
            scim_burst: const { NonZeroU32::new(200).unwrap() },
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
        // ROLLCALL_TEST_* and ROLLCALL_TOOLS_DIR are for the scripts, ROLLCALL_LOGIN_FILE is for the client.
        let others = |name: &str| ["config", "tools_dir", "login_file"].contains(&name) || name.starts_with("test_");
        let variables = Env::prefixed("ROLLCALL_").filter(move |name| !others(name.as_str()));
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

    /// The files of the certificate and its key, if the server itself ends TLS.
    pub fn tls(&self) -> Result<Option<(&Path, &Path)>, ConfigError> {
        let wrong =
            |name, other| ConfigError::Unusable { name, why: format!("is set and {other} is not: a certificate needs its key. Set both.") };
        match (&self.tls_cert_file, &self.tls_key_file) {
            (None, None) => Ok(None),
            (Some(certificate), Some(key)) => Ok(Some((certificate, key))),
            (Some(_), None) => Err(wrong("ROLLCALL_TLS_CERT_FILE", "ROLLCALL_TLS_KEY_FILE")),
            (None, Some(_)) => Err(wrong("ROLLCALL_TLS_KEY_FILE", "ROLLCALL_TLS_CERT_FILE")),
        }
    }

    /// Whether somebody ends TLS for this public URL: the server itself, or a proxy that was named.
    ///
    /// # Errors
    /// A sentence that names both ways.
    pub fn tls_is_ended(&self, public_url: &Url) -> Result<(), ConfigError> {
        let here = self.tls()?.is_some();
        let why = match public_url.scheme() {
            "https" if !here && self.trusted_proxies.is_empty() => format!(
                "{public_url} needs somebody who ends TLS. Set ROLLCALL_TLS_CERT_FILE and ROLLCALL_TLS_KEY_FILE, and the server does; or name the \
                 proxy that does in ROLLCALL_TRUSTED_PROXIES."
            ),
            "http" if here => {
                format!("{public_url} is http, but a certificate is set: the server speaks nothing but https then. Change one of them.")
            }
            _ => return Ok(()),
        };
        Err(ConfigError::Unusable { name: "ROLLCALL_PUBLIC_URL", why })
    }

    /// The public URL for a server that listens on `listening`, without a slash at the end.
    pub fn public_url(&self, listening: SocketAddr) -> Result<Url, ConfigError> {
        let wrong = |why: String| ConfigError::Unusable { name: "ROLLCALL_PUBLIC_URL", why };
        let scheme = if self.tls()?.is_some() { "https" } else { "http" };
        let text = self.public_url.clone().unwrap_or_else(|| format!("{scheme}://{listening}"));
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
                "{text:?} would send passwords and tokens in clear. Use https://, by a certificate of the server's own or by a proxy in front of it."
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
        let ip = if listening.ip().is_unspecified() { here(listening.ip()) } else { listening.ip() };
        let address = SocketAddr::new(ip, listening.port());
        if self.tls()?.is_some() {
            // By its public name, which its certificate is for; [`Self::drill_reach`] says where that is.
            let public_url = self.public_url(listening)?;
            let host = public_url.host_str().unwrap_or_default();
            return Ok(vec![read(&format!("https://{host}:{}", listening.port()))?]);
        }
        Ok(vec![read(&format!("http://{address}"))?])
    }

    /// How a drill reaches the nodes: whom it trusts, and where this server is when it is called by its public name.
    pub fn drill_reach(&self, listening: SocketAddr) -> Result<Reach, ConfigError> {
        let wrong = |why: String| ConfigError::Unusable { name: "ROLLCALL_TLS_CA_FILE", why };
        let mut reach = Reach::default();
        if let Some(path) = &self.tls_ca_file {
            let pem = std::fs::read(path).map_err(|error| wrong(format!("{} cannot be read: {error}", path.display())))?;
            reach.authorities = Certificate::from_pem_bundle(&pem).map_err(|error| wrong(format!("{}: {error}", path.display())))?;
            if reach.authorities.is_empty() {
                return Err(wrong(format!("{} holds no certificate in PEM", path.display())));
            }
        }
        if self.tls()?.is_some() && self.drill_nodes.is_empty() {
            let public_url = self.public_url(listening)?;
            if let Some(Host::Domain(name)) = public_url.host() {
                let ip = if listening.ip().is_unspecified() { here(listening.ip()) } else { listening.ip() };
                reach.here = Some((name.to_owned(), SocketAddr::new(ip, listening.port())));
            }
        }
        Ok(reach)
    }

    /// How long sessions live.
    pub fn session_limits(&self) -> SessionLimits {
        SessionLimits {
            idle: Duration::from_secs(self.session_idle_hours.clamp(1, 24 * 365) * 3_600),
            absolute: Duration::from_secs(self.session_absolute_days.clamp(1, 365) * 86_400),
        }
    }

    /// What one provisioning token may ask.
    pub fn scim_traffic(&self) -> ScimTraffic {
        ScimTraffic { rate: self.scim_rate, burst: self.scim_burst }
    }

    /// The proxies whose forwarded headers are believed.
    pub fn proxies(&self) -> Result<Vec<IpNet>, ConfigError> {
        networks("ROLLCALL_TRUSTED_PROXIES", &self.trusted_proxies)
    }

    /// Where events may be sent.
    pub fn targets(&self) -> Result<Targets, ConfigError> {
        networks("ROLLCALL_WEBHOOK_NETWORKS", &self.webhook_networks).map(Targets::new)
    }

    /// The file with the server's keys.
    pub fn key_file(&self) -> PathBuf {
        self.key_file.clone().unwrap_or_else(|| self.data_dir.join("keys"))
    }
}

/// How a drill reaches the nodes.
#[derive(Clone, Default)]
pub struct Reach {
    /// Authorities that are trusted besides the public ones.
    pub authorities: Vec<Certificate>,
    /// This server's public name, and where it is.
    pub here: Option<(String, SocketAddr)>,
}

/// This machine's own address, of the family of `ip`.
fn here(ip: IpAddr) -> IpAddr {
    if ip.is_ipv4() { IpAddr::from(Ipv4Addr::LOCALHOST) } else { IpAddr::from(Ipv6Addr::LOCALHOST) }
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
    fn somebody_ends_tls_for_a_public_address() {
        let with = |public_url: &str, tls: bool, proxy: bool| {
            let file = |name: &str| tls.then(|| PathBuf::from(name));
            let config = Config {
                public_url: Some(public_url.to_owned()),
                tls_cert_file: file("cert.pem"),
                tls_key_file: file("key.pem"),
                trusted_proxies: if proxy { vec!["10.0.0.1".to_owned()] } else { vec![] },
                ..Config::default()
            };
            config.tls_is_ended(&config.public_url(config.listen).unwrap()).map_err(|error| error.to_string())
        };
        for (tls, proxy) in [(true, false), (false, true), (true, true)] {
            assert_eq!(with("https://id.acme.example", tls, proxy), Ok(()));
        }
        let refused = with("https://id.acme.example", false, false).unwrap_err();
        assert!(refused.contains("ROLLCALL_TLS_CERT_FILE") && refused.contains("ROLLCALL_TRUSTED_PROXIES"), "{refused}");
        assert_eq!(with("http://localhost:3000", false, false), Ok(()));
        assert!(with("http://localhost:3000", true, false).is_err());
        let half = Config { tls_cert_file: Some("cert.pem".into()), ..Config::default() };
        assert!(half.tls().unwrap_err().to_string().contains("ROLLCALL_TLS_KEY_FILE"));
        let whole = Config { tls_key_file: Some("key.pem".into()), public_url: Some("https://id.acme.example".to_owned()), ..half };
        assert_eq!(whole.public_url(whole.listen).unwrap().as_str(), "https://id.acme.example/");
        let nodes = whole.drill_nodes("0.0.0.0:8443".parse().unwrap()).unwrap();
        assert_eq!(nodes[0].as_str(), "https://id.acme.example:8443/");
        let reach = whole.drill_reach("0.0.0.0:8443".parse().unwrap()).unwrap();
        assert_eq!(reach.here, Some(("id.acme.example".to_owned(), "127.0.0.1:8443".parse().unwrap())));
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
