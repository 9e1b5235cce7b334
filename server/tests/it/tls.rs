//! TLS that the server ends itself, through real sockets.

use std::{
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::Duration,
};

use rustls::{
    ClientConfig, RootCertStore, SupportedProtocolVersion,
    crypto::ring,
    pki_types::ServerName,
    version::{TLS12, TLS13},
};
use server::{listening::Patience, router::router, tls::Tls};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::support::{Engine, TestApp, process, random};

const NAME: &str = "id.rollcall.test";

/// A certificate in files, and what trusts it.
struct Certificate {
    pem: String,
    key: String,
    roots: RootCertStore,
}

impl Certificate {
    fn new() -> Self {
        let made = rcgen::generate_simple_self_signed(vec![NAME.to_owned()]).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(made.cert.der().clone()).unwrap();
        Self { pem: made.cert.pem(), key: made.signing_key.serialize_pem(), roots }
    }

    fn write(&self, folder: &Path) {
        std::fs::write(folder.join("cert.pem"), &self.pem).unwrap();
        std::fs::write(folder.join("key.pem"), &self.key).unwrap();
    }
}

fn folder() -> PathBuf {
    let folder = std::env::temp_dir().join(format!("rollcall-test-t{:032x}", u128::from_be_bytes(random())));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn load(folder: &Path) -> Result<Tls, String> {
    Tls::load(&folder.join("cert.pem"), &folder.join("key.pem"))
}

async fn connect(
    address: SocketAddr,
    trusted: &Certificate,
    versions: &[&'static SupportedProtocolVersion],
    alpn: &[&str],
) -> std::io::Result<TlsStream<TcpStream>> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider())).with_protocol_versions(versions).unwrap();
    let mut config = builder.with_root_certificates(trusted.roots.clone()).with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    let stream = TcpStream::connect(address).await?;
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from(NAME).unwrap(), stream).await
}

/// Ask for `path` on a connection that stays open; the head of the answer.
async fn get(stream: &mut TlsStream<TcpStream>, path: &str) -> String {
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: {NAME}\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = vec![];
    let mut byte = [0];
    while !answer.ends_with(b"\r\n\r\n") {
        assert_eq!(stream.read(&mut byte).await.unwrap(), 1, "the connection ended: {}", String::from_utf8_lossy(&answer));
        answer.push(byte[0]);
    }
    let head = String::from_utf8(answer).unwrap();
    let length = head.to_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ").and_then(|text| text.parse().ok()));
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).await.unwrap();
    head
}

/// The whole server behind TLS, as `rollcall serve` puts it there.
async fn serve(app: &TestApp, tls: &Tls) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let service = router(app.state.clone()).into_make_service_with_connect_info::<SocketAddr>();
    let server = Patience::USUAL.of(axum_server::from_tcp_rustls(listener, tls.config()).unwrap());
    tokio::spawn(async move { server.serve(service).await });
    address
}

/// Whether the other side ends the connection, rather than wait for ever.
async fn is_ended(stream: &mut (impl AsyncReadExt + Unpin)) -> bool {
    // It may say why (408), and some systems say that it was reset.
    let read = tokio::time::timeout(Duration::from_secs(30), stream.read_to_end(&mut vec![])).await;
    read.is_ok()
}

/// A thousand connections that say nothing must not be all that there can be.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_says_nothing_is_ended() {
    let app = TestApp::start(Engine::Sqlite).await;
    let (folder, certificate) = (folder(), Certificate::new());
    certificate.write(&folder);
    let tls = load(&folder).unwrap();
    let (long, short) = (Duration::from_secs(600), Duration::from_millis(500));
    let listen = |patience: Patience| {
        let service = || router(app.state.clone()).into_make_service_with_connect_info::<SocketAddr>();
        let (plain, sealed) = (TcpListener::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
        let addresses = (plain.local_addr().unwrap(), sealed.local_addr().unwrap());
        tokio::spawn(patience.of(axum_server::from_tcp(plain).unwrap()).serve(service()));
        tokio::spawn(patience.of(axum_server::from_tcp_rustls(sealed, tls.config()).unwrap()).serve(service()));
        addresses
    };
    // Before its first request: nothing at all, half of a head, and a client of HTTP/2 that asks for nothing.
    let (plain, sealed) = listen(Patience { first: short, next: long, ping: long });
    for sent in ["", "GET /healthz HTTP/1.1\r\nHost: x\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"] {
        let mut stream = TcpStream::connect(plain).await.unwrap();
        stream.write_all(sent.as_bytes()).await.unwrap();
        assert!(is_ended(&mut stream).await, "{sent:?}");
        let mut stream = connect(sealed, &certificate, &[&TLS13], &[]).await.unwrap();
        stream.write_all(sent.as_bytes()).await.unwrap();
        assert!(is_ended(&mut stream).await, "TLS, {sent:?}");
    }
    // After one: in the middle of the next.
    let (_, sealed) = listen(Patience { first: long, next: short, ping: long });
    let mut stream = connect(sealed, &certificate, &[&TLS13], &[]).await.unwrap();
    assert!(get(&mut stream, "/healthz").await.starts_with("HTTP/1.1 200"));
    stream.write_all(b"GET /healthz HTTP/1.1\r\n").await.unwrap();
    assert!(is_ended(&mut stream).await);
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_certificate_is_for_new_connections_and_the_old_ones_live_on() {
    let app = TestApp::start(Engine::Sqlite).await;
    let (folder, old, new) = (folder(), Certificate::new(), Certificate::new());
    old.write(&folder);
    let tls = load(&folder).unwrap();
    let address = serve(&app, &tls).await;
    let mut open = connect(address, &old, &[&TLS13], &[]).await.unwrap();
    assert!(get(&mut open, "/healthz").await.starts_with("HTTP/1.1 200"));
    assert_eq!(tls.look_again(), Ok(false));

    new.write(&folder);
    assert_eq!(tls.look_again(), Ok(true));
    assert_eq!(tls.look_again(), Ok(false));
    assert!(get(&mut open, "/healthz").await.starts_with("HTTP/1.1 200"), "the connection from before lives on");
    assert!(connect(address, &old, &[&TLS13], &[]).await.is_err(), "the old certificate is shown to nobody new");
    let mut fresh = connect(address, &new, &[&TLS13], &[]).await.unwrap();
    assert!(get(&mut fresh, "/healthz").await.starts_with("HTTP/1.1 200"));

    // Whatever cannot be used is said once, and changes nothing.
    for (certificate, key, why) in [
        ("rubbish", new.key.as_str(), "holds no certificate"),
        (old.pem.as_str(), "rubbish", "holds no private key"),
        (old.pem.as_str(), new.key.as_str(), "do not belong together"),
    ] {
        std::fs::write(folder.join("cert.pem"), certificate).unwrap();
        std::fs::write(folder.join("key.pem"), key).unwrap();
        let error = tls.look_again().unwrap_err();
        assert!(error.contains(why) && !error.contains("PRIVATE KEY-----\n"), "{error}");
        assert_eq!(tls.look_again(), Ok(false));
        assert!(connect(address, &new, &[&TLS13], &[]).await.is_ok(), "{why}");
        assert!(load(&folder).err().unwrap().contains(why), "nor does a server start with it");
    }
    std::fs::remove_file(folder.join("key.pem")).unwrap();
    assert!(tls.look_again().unwrap_err().contains("ROLLCALL_TLS_KEY_FILE"));
    old.write(&folder);
    assert_eq!(tls.look_again(), Ok(true));
    assert!(connect(address, &old, &[&TLS13], &[]).await.is_ok());
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_1_2_and_1_3_are_spoken_and_nothing_older() {
    let app = TestApp::start(Engine::Sqlite).await;
    let (folder, certificate) = (folder(), Certificate::new());
    certificate.write(&folder);
    let tls = load(&folder).unwrap();
    let address = serve(&app, &tls).await;
    for version in [&TLS12, &TLS13] {
        let mut stream = connect(address, &certificate, &[version], &["http/1.1"]).await.unwrap();
        let head = get(&mut stream, "/sign-in").await.to_lowercase();
        assert!(head.starts_with("http/1.1 200") && head.contains("strict-transport-security: max-age=63072000"), "{head}");
        assert_eq!(stream.get_ref().1.protocol_version(), Some(version.version));
        let both = connect(address, &certificate, &[version], &["h2", "http/1.1"]).await.unwrap();
        assert_eq!(both.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    }
    // A client that offers at most the version, with what servers of its day had: an alert, and no word of a handshake.
    for (minor, name) in [(1, "TLS 1.0"), (2, "TLS 1.1")] {
        let mut hello = vec![3, minor];
        hello.extend([7; 32]);
        hello.extend([0, 0, 4, 0, 0x2f, 0xc0, 0x13, 1, 0]);
        let mut record = vec![0x16, 3, 1, 0, 4 + hello.len() as u8, 1, 0, 0, hello.len() as u8];
        record.extend(hello);
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(&record).await.unwrap();
        let mut answer = vec![];
        stream.read_to_end(&mut answer).await.unwrap();
        assert_eq!((answer[0], answer[5]), (0x15, 2), "{name}: {answer:?}");
    }
    // Nor is anything said in clear.
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut answer = vec![];
    let _ = stream.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    std::fs::remove_dir_all(&folder).unwrap();
}

/// The program itself: served by its own certificate, drilled by its public name under an authority of one's own, and stopped in peace.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_program_serves_drills_and_stops_behind_its_own_certificate() {
    let (folder, certificate) = (folder(), Certificate::new());
    certificate.write(&folder);
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let rollcall = || {
        let mut command: Command = process::rollcall(&folder, None);
        command
            .env("ROLLCALL_LISTEN", format!("127.0.0.1:{port}"))
            .env("ROLLCALL_PUBLIC_URL", format!("https://{NAME}"))
            .env("ROLLCALL_TLS_CERT_FILE", folder.join("cert.pem"))
            .env("ROLLCALL_TLS_KEY_FILE", folder.join("key.pem"));
        command
    };
    process::bootstrap(rollcall(), &folder);
    let mut serving = process::Process::serve(rollcall());
    let address: SocketAddr = serving.address.parse().unwrap();
    let mut stream = connect(address, &certificate, &[&TLS13], &[]).await.unwrap();
    assert!(get(&mut stream, "/readyz").await.starts_with("HTTP/1.1 200"));

    let drill = |trusted: bool| {
        let mut command = rollcall();
        if trusted {
            command.env("ROLLCALL_TLS_CA_FILE", folder.join("cert.pem"));
        }
        command.args(["drill", "--org", "acme"]).output().unwrap()
    };
    let run = drill(true);
    assert!(run.status.success(), "{}{}", String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert!(String::from_utf8_lossy(&run.stdout).contains(&format!("https://{NAME}:{port}")));
    let run = drill(false);
    assert!(!run.status.success(), "a certificate that nobody vouches for is not believed");

    drop(stream);
    assert!(serving.stop(), "it stops when told, with its exit status");
    std::fs::remove_dir_all(&folder).unwrap();
}
