//! `rollcall login`: a small client of the API. It is let in as any device is, keeps its tokens in a file that only its user can
//! read, and hands out access tokens to scripts.

use std::{
    fs::{self, File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;
use oauth2::{
    AuthType, ClientId, DeviceAuthorizationUrl, RefreshToken, Scope, StandardDeviceAuthorizationResponse, TokenResponse, TokenUrl,
    basic::{BasicClient, BasicTokenResponse},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::{Host, Url};

use crate::system;

/// An access token is renewed when it has less than this to live.
const SOON: Duration = Duration::from_secs(60);
/// How long a server may take to answer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Where the tokens are kept.
#[derive(Args)]
pub(crate) struct Place {
    /// The file that holds the tokens. By default `rollcall/login.json` in the user's configuration folder.
    #[arg(long, env = "ROLLCALL_LOGIN_FILE")]
    file: Option<PathBuf>,
}

/// `rollcall login`
#[derive(Args)]
pub(crate) struct Login {
    /// The server's address: https, unless it is this machine.
    #[arg(long)]
    server: Url,
    /// Certificates of an authority of your own, in PEM, to trust besides the public ones. Remembered with the tokens.
    #[arg(long)]
    ca_file: Option<PathBuf>,
    /// What to be let do: `profile`, `agents`. Both by default.
    #[arg(long)]
    scope: Vec<String>,
    #[command(flatten)]
    place: Place,
}

/// What is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    server: Url,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ca_file: Option<PathBuf>,
    access_token: String,
    refresh_token: String,
    /// Microseconds since the Unix epoch.
    expires_at: i64,
}

impl Login {
    /// Ask to be let in, say how, and wait for the answer.
    pub(crate) async fn run(self) -> Result<(), String> {
        let server = checked(self.server)?;
        // Where it is, whichever folder a later command runs in.
        let ca_file = match self.ca_file {
            Some(path) => Some(fs::canonicalize(&path).map_err(|error| format!("{}: {error}", path.display()))?),
            None => None,
        };
        let http = http(ca_file.as_deref())?;
        // Before anything is asked for: tokens that cannot be kept would go on living at the server.
        let file = self.place.locked()?;
        let device = DeviceAuthorizationUrl::from_url(endpoint(&server, "device_authorization"));
        let client = client(&server).set_device_authorization_url(device);
        let asked: StandardDeviceAuthorizationResponse = client
            .exchange_device_code()
            .add_scopes(self.scope.into_iter().map(Scope::new))
            .request_async(&http)
            .await
            .map_err(|error| failed(&server, &error))?;
        let whole = asked.verification_uri_complete().map_or_else(|| asked.verification_uri().to_string(), |uri| uri.secret().clone());
        println!("Open {whole}\nand check that it shows the code {}", asked.user_code().secret());
        let tokens: BasicTokenResponse = client
            .exchange_device_access_token(&asked)
            .request_async(&http, tokio::time::sleep, None)
            .await
            .map_err(|error| failed(&server, &error))?;
        let kept = kept(server, ca_file, &tokens)?;
        file.write(&kept)?;
        println!("{}", who(&http, &kept).await.unwrap_or_else(|_| format!("Logged in to {}", kept.server)));
        Ok(())
    }
}

impl Place {
    /// `rollcall token`: print an access token that is good for at least a minute.
    pub(crate) async fn token(self) -> Result<(), String> {
        // One at a time: a refresh token that two use at once ends the session, since the second one could be a thief.
        let file = self.locked()?;
        let mut kept = file.read()?;
        if kept.expires_at <= ((system::clock())() + SOON).as_micros() {
            let http = http(kept.ca_file.as_deref())?;
            let token = RefreshToken::new(kept.refresh_token);
            let tokens = client(&kept.server).exchange_refresh_token(&token).request_async(&http).await;
            kept = self::kept(kept.server.clone(), kept.ca_file.clone(), &tokens.map_err(|error| failed(&kept.server, &error))?)?;
            file.write(&kept)?;
        }
        println!("{}", kept.access_token);
        Ok(())
    }

    /// `rollcall logout`: end the session at the server, and forget the tokens.
    pub(crate) async fn logout(self) -> Result<(), String> {
        let file = self.locked()?;
        let kept = file.read()?;
        let form = [("token", kept.refresh_token.as_str()), ("token_type_hint", "refresh_token")];
        let answer = http(kept.ca_file.as_deref())?.post(endpoint(&kept.server, "revoke")).form(&form).send().await;
        let answer = answer.map_err(|error| failed(&kept.server, &error))?;
        if !answer.status().is_success() {
            return Err(format!("{} answered {}. You are still logged in.", kept.server, answer.status()));
        }
        fs::remove_file(&file.path).map_err(|error| format!("{}: {error}", file.path.display()))?;
        println!("Logged out of {}", kept.server);
        Ok(())
    }

    fn locked(self) -> Result<TokenFile, String> {
        let default = || dirs::config_dir().map(|folder| folder.join("rollcall").join("login.json"));
        let path = self.file.or_else(default).ok_or("There is no configuration folder here. Say --file where to keep the tokens.")?;
        let wrong = |error: std::io::Error| format!("{}: {error}", path.display());
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            directory::private_folder(folder).map_err(wrong)?;
        }
        let lock = File::create(path.with_extension("lock")).map_err(wrong)?;
        lock.lock().map_err(wrong)?;
        Ok(TokenFile { path, _lock: lock })
    }
}

/// The file of tokens, while nobody else uses it.
struct TokenFile {
    path: PathBuf,
    _lock: File,
}

impl TokenFile {
    fn read(&self) -> Result<Kept, String> {
        let text = fs::read_to_string(&self.path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => "You are not logged in. Run `rollcall login --server https://…`.".to_owned(),
            _ => format!("{}: {error}", self.path.display()),
        })?;
        serde_json::from_str(&text).map_err(|_| format!("{} is damaged. Log in again.", self.path.display()))
    }

    /// Whole or not at all: written beside, then put in its place.
    fn write(&self, kept: &Kept) -> Result<(), String> {
        let beside = self.path.with_extension("new");
        let write = || {
            let mut options = OpenOptions::new();
            options.write(true).create(true).truncate(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let mut file = options.open(&beside)?;
            file.write_all(&serde_json::to_vec(kept)?)?;
            file.sync_all()?;
            fs::rename(&beside, &self.path)
        };
        write().map_err(|error: std::io::Error| format!("{}: {error}", Path::display(&self.path)))
    }
}

/// The address, if tokens may be sent there.
fn checked(server: Url) -> Result<Url, String> {
    let here = match server.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    match server.scheme() {
        "https" => Ok(server),
        "http" if here => Ok(server),
        _ => Err(format!("{server} would send your tokens in clear. Use its https address.")),
    }
}

fn endpoint(server: &Url, name: &str) -> Url {
    let mut url = server.clone();
    url.set_path(&format!("{}/oauth/{name}", server.path().trim_end_matches('/')));
    url
}

type TokenClient =
    BasicClient<oauth2::EndpointNotSet, oauth2::EndpointNotSet, oauth2::EndpointNotSet, oauth2::EndpointNotSet, oauth2::EndpointSet>;

fn client(server: &Url) -> TokenClient {
    let client = BasicClient::new(ClientId::new("rollcall-cli".to_owned())).set_auth_type(AuthType::RequestBody);
    client.set_token_uri(TokenUrl::from_url(endpoint(server, "token")))
}

fn http(ca_file: Option<&Path>) -> Result<reqwest::Client, String> {
    // By this name the person who lets it in knows it, and sees it in her list afterwards.
    let system = match std::env::consts::OS {
        "macos" => "Macintosh",
        "windows" => "Windows",
        "linux" => "Linux",
        other => other,
    };
    let name = format!("rollcall/{} ({system})", env!("CARGO_PKG_VERSION"));
    // A redirect could lead a token elsewhere.
    let client = reqwest::Client::builder().user_agent(name).redirect(reqwest::redirect::Policy::none()).timeout(TIMEOUT);
    let authorities = match ca_file {
        Some(path) => {
            let wrong = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
            reqwest::Certificate::from_pem_bundle(&fs::read(path).map_err(|error| wrong(&error))?).map_err(|error| wrong(&error))?
        }
        None => vec![],
    };
    let client = authorities.into_iter().fold(client, reqwest::ClientBuilder::add_root_certificate).build();
    client.map_err(|error| format!("No connection can be made: {error}"))
}

fn kept(server: Url, ca_file: Option<PathBuf>, tokens: &BasicTokenResponse) -> Result<Kept, String> {
    let refresh = tokens.refresh_token().ok_or("The server gave no refresh token.")?;
    Ok(Kept {
        server,
        ca_file,
        access_token: tokens.access_token().secret().clone(),
        refresh_token: refresh.secret().clone(),
        expires_at: ((system::clock())() + tokens.expires_in().unwrap_or_default()).as_micros(),
    })
}

/// Who is logged in now, as a sentence.
async fn who(http: &reqwest::Client, kept: &Kept) -> Result<String, String> {
    let mut url = kept.server.clone();
    url.set_path(&format!("{}/api/v1/me", kept.server.path().trim_end_matches('/')));
    let answer = http.get(url).bearer_auth(&kept.access_token).send().await.map_err(|error| failed(&kept.server, &error))?;
    // A token for agents alone does not say who she is.
    let me: Value = answer.json().await.map_err(|error| failed(&kept.server, &error))?;
    Ok(match (me["name"].as_str(), me["org"]["name"].as_str()) {
        (Some(name), Some(org)) => format!("Logged in as {name}, of {org}"),
        _ => format!("Logged in to {}", kept.server),
    })
}

/// What went wrong, in one line, without what was sent.
fn failed(server: &Url, error: &dyn std::error::Error) -> String {
    let mut said = format!("{server} did not let us in: {error}");
    let mut source = error.source();
    while let Some(cause) = source {
        said.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    said
}
