//! TLS in the server itself, by rustls: versions 1.2 and 1.3, HTTP/2 and HTTP/1.1. The certificate's files are read again when they
//! change; connections that are open go on with what they began with.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum_server::tls_rustls::RustlsConfig;
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    version::{TLS12, TLS13},
};
use tokio::sync::watch;

/// How often the files are looked at. Contents are compared, not times: a renewed secret of an orchestrator is a link that is moved.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// A certificate with its key, in force until the files hold others.
pub struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    config: RustlsConfig,
    /// What the files held when they were last looked at, whether or not it could be used.
    seen: Mutex<Files>,
}

/// What the two files hold.
#[derive(PartialEq, Eq)]
struct Files {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl Tls {
    /// Read the certificate chain and its key, in PEM.
    ///
    /// # Errors
    /// A sentence that says what to do.
    pub fn load(certificate: &Path, key: &Path) -> Result<Self, String> {
        let files = read(certificate, key)?;
        let config = RustlsConfig::from_config(Arc::new(config_of(&files)?));
        Ok(Self { certificate: certificate.to_owned(), key: key.to_owned(), config, seen: Mutex::new(files) })
    }

    /// What new connections are accepted with: whatever is in force then.
    pub fn config(&self) -> RustlsConfig {
        self.config.clone()
    }

    /// Read the files again, and put what they hold in force for new connections. `false` when they hold the same as before.
    ///
    /// # Errors
    /// A sentence that says why the certificate before stays. Said once for each change.
    pub fn look_again(&self) -> Result<bool, String> {
        let files = read(&self.certificate, &self.key)?;
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if files == *seen {
            return Ok(false);
        }
        let config = config_of(&files);
        *seen = files;
        self.config.reload_from_config(Arc::new(config?));
        Ok(true)
    }

    /// Look again and again, until told to stop.
    pub async fn watch(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let mut unreadable = false;
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                _ = stop.changed() => return,
            }
            let tls = self.clone();
            let looked = tokio::task::spawn_blocking(move || tls.look_again()).await.unwrap_or(Ok(false));
            match &looked {
                Ok(true) => tracing::info!("the certificate was changed: new connections get the new one"),
                Ok(false) => {}
                Err(why) if !unreadable => tracing::error!(%why, "the certificate could not be changed: the one before stays"),
                Err(_) => {}
            }
            unreadable = looked.is_err();
        }
    }
}

fn read(certificate: &Path, key: &Path) -> Result<Files, String> {
    let read = |name: &str, path: &Path| std::fs::read(path).map_err(|error| format!("{name}: {} cannot be read: {error}", path.display()));
    Ok(Files { certificate: read("ROLLCALL_TLS_CERT_FILE", certificate)?, key: read("ROLLCALL_TLS_KEY_FILE", key)? })
}

fn config_of(files: &Files) -> Result<ServerConfig, String> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&files.certificate).collect();
    let chain = chain.ok().filter(|chain| !chain.is_empty());
    let chain = chain.ok_or("ROLLCALL_TLS_CERT_FILE holds no certificate in PEM: it begins with -----BEGIN CERTIFICATE-----")?;
    let key = PrivateKeyDer::from_pem_slice(&files.key).map_err(
        |_| "ROLLCALL_TLS_KEY_FILE holds no private key in PEM without a passphrase: it begins with -----BEGIN PRIVATE KEY-----",
    )?;
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_protocol_versions(&[&TLS13, &TLS12]).map_err(|error| error.to_string())?;
    let config = builder.with_no_client_auth().with_single_cert(chain, key);
    let mut config = config.map_err(|error| format!("ROLLCALL_TLS_CERT_FILE and ROLLCALL_TLS_KEY_FILE do not belong together: {error}"))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}
