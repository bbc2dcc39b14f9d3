//! An HTTP server that says what a test scripted, and remembers what it was asked.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// What it was asked.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) path: String,
    pub(crate) headers: HashMap<String, String>,
}

/// What it says at a path.
#[derive(Clone)]
pub(crate) enum Page {
    /// One answer: status, further header lines, body.
    Whole(u16, String, String),
    /// The beginning of an answer, and then a byte now and then, without end.
    Dribble,
    /// An event stream: what the test sends.
    Events(Arc<Mutex<Script>>),
}

/// An event stream as the test writes it: all of it so far for whoever connects, and what follows.
#[derive(Default)]
pub(crate) struct Script {
    said: String,
    listeners: Vec<Sender<String>>,
}

pub(crate) struct Server {
    address: SocketAddr,
    state: Arc<State>,
    /// The certificate in PEM form, where there is one.
    pub(crate) certificate: Option<String>,
}

#[derive(Default)]
struct State {
    pages: Mutex<HashMap<String, Page>>,
    asked: Mutex<Vec<Request>>,
    connections: Mutex<u32>,
    closed: Mutex<u32>,
}

trait Connection: Read + Write + Send {}
impl<T: Read + Write + Send> Connection for T {}

impl Server {
    pub(crate) fn plain() -> Self {
        Self::start(None)
    }

    pub(crate) fn tls() -> Self {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .unwrap();
        let mut server = Self::start(Some(Arc::new(config)));
        server.certificate = Some(pem(cert.der()));
        server
    }

    fn start(tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        // Ends with the process of the tests.
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (state, tls) = (Arc::clone(&shared), tls.clone());
                *state.connections.lock().unwrap() += 1;
                thread::spawn(move || {
                    let stream = stream.unwrap();
                    match tls {
                        None => serve(&state, stream),
                        Some(tls) => {
                            let tls = ServerConnection::new(tls).unwrap();
                            serve(&state, StreamOwned::new(tls, stream));
                        }
                    }
                    *state.closed.lock().unwrap() += 1;
                });
            }
        });
        Self {
            address,
            state,
            certificate: None,
        }
    }

    /// Its URL, as an issuer's name.
    pub(crate) fn url(&self) -> String {
        match self.certificate {
            None => format!("http://{}", self.address),
            Some(_) => format!("https://localhost:{}", self.address.port()),
        }
    }

    pub(crate) fn put(&self, path: &str, page: Page) {
        self.state
            .pages
            .lock()
            .unwrap()
            .insert(path.to_owned(), page);
    }

    pub(crate) fn json(&self, path: &str, body: &serde_json::Value, max_age: u32) {
        let headers = format!("cache-control: public, max-age={max_age}\r\n");
        self.put(path, Page::Whole(200, headers, body.to_string()));
    }

    /// Puts the metadata of an issuer of this name there.
    pub(crate) fn metadata(&self) {
        let metadata = serde_json::json!({
            "issuer": self.url(),
            "jwks_uri": format!("{}/keys", self.url()),
        });
        self.json("/.well-known/oauth-authorization-server", &metadata, 300);
    }

    pub(crate) fn events(&self, path: &str) -> Arc<Mutex<Script>> {
        let script = Arc::new(Mutex::new(Script::default()));
        self.put(path, Page::Events(Arc::clone(&script)));
        script
    }

    /// What was asked at a path.
    pub(crate) fn asked(&self, path: &str) -> Vec<Request> {
        let asked = self.state.asked.lock().unwrap();
        asked.iter().filter(|r| r.path == path).cloned().collect()
    }

    pub(crate) fn connections(&self) -> u32 {
        *self.state.connections.lock().unwrap()
    }

    /// How many connections have ended.
    pub(crate) fn closed(&self) -> u32 {
        *self.state.closed.lock().unwrap()
    }
}

impl Script {
    /// Says something to everybody who listens and will listen.
    pub(crate) fn say(&mut self, text: &str) {
        self.said.push_str(text);
        self.only_now(text);
    }

    /// Says something to those who listen now.
    pub(crate) fn only_now(&mut self, text: &str) {
        self.listeners.retain(|to| to.send(text.to_owned()).is_ok());
    }

    /// Closes all connections. Whoever comes next hears this.
    pub(crate) fn cut(&mut self, said: &str) {
        self.listeners.clear();
        said.clone_into(&mut self.said);
    }

    fn listen(&mut self) -> (String, Receiver<String>) {
        let (sender, receiver) = channel();
        self.listeners.push(sender);
        (self.said.clone(), receiver)
    }
}

fn serve(state: &State, connection: impl Connection) {
    let mut reader = BufReader::new(connection);
    let Some(request) = read_request(&mut reader) else {
        return;
    };
    let page = state.pages.lock().unwrap().get(&request.path).cloned();
    state.asked.lock().unwrap().push(request);
    let mut connection = reader.into_inner();
    let missing = Page::Whole(404, String::new(), String::new());
    // The other side may go away at any time.
    let _ = answer(&mut connection, &page.unwrap_or(missing));
    let _ = connection.flush();
}

fn read_request(reader: &mut impl BufRead) -> Option<Request> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            return Some(Request { path, headers });
        };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
}

fn answer(connection: &mut impl Connection, page: &Page) -> std::io::Result<()> {
    match page {
        Page::Whole(status, headers, body) => {
            let length = body.len();
            let head = format!("HTTP/1.1 {status} X\r\n{headers}content-length: {length}\r\n");
            connection.write_all(format!("{head}connection: close\r\n\r\n{body}").as_bytes())
        }
        Page::Dribble => {
            connection.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{")?;
            loop {
                thread::sleep(Duration::from_millis(50));
                connection.write_all(b" ")?;
                connection.flush()?;
            }
        }
        Page::Events(script) => {
            let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\
                        connection: close\r\n\r\n";
            connection.write_all(head.as_bytes())?;
            let (said, more) = script.lock().unwrap().listen();
            connection.write_all(said.as_bytes())?;
            connection.flush()?;
            while let Ok(text) = more.recv() {
                connection.write_all(text.as_bytes())?;
                connection.flush()?;
            }
            Ok(())
        }
    }
}

fn pem(der: &[u8]) -> String {
    use base64::Engine;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
}
