//! A TCP proxy that does to its connections what networks do: it holds them up, loses
//! what they carry, resets them, closes half of them, or cuts an answer off.

mod flow;
mod pair;
#[cfg(test)]
mod tests;

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::thread::{self, JoinHandle};
use std::time::Duration;

pub use self::flow::Flow;
use self::flow::Valve;
use self::pair::Pair;
use crate::{clock, ports};

/// How long the listener is left alone between two looks at it.
const GLANCE: Duration = Duration::from_millis(1);

/// A proxy in front of one server. Dropping it resets what is open.
#[derive(Debug)]
pub struct Proxy {
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    address: SocketAddr,
    target: SocketAddr,
    /// From the client to the server.
    requests: Arc<Valve>,
    /// From the server to the client.
    replies: Arc<Valve>,
    /// Not owned: a connection is closed when its two directions have ended.
    pairs: Mutex<Vec<Weak<Pair>>>,
    accepted: AtomicUsize,
    refusing: AtomicBool,
    /// Whether the listener is open, which follows `refusing`.
    listening: AtomicBool,
    over: AtomicBool,
}

impl Proxy {
    /// Starts one that passes everything on to `target`.
    ///
    /// # Panics
    /// Where it cannot listen.
    pub fn start(target: SocketAddr) -> Self {
        let shared = Arc::new(Shared {
            address: ports::loopback(ports::free()),
            target,
            requests: Arc::default(),
            replies: Arc::default(),
            pairs: Mutex::default(),
            accepted: AtomicUsize::new(0),
            refusing: AtomicBool::new(false),
            listening: AtomicBool::new(false),
            over: AtomicBool::new(false),
        });
        let acceptor = thread::spawn({
            let shared = shared.clone();
            move || shared.accept()
        });
        let proxy = Self {
            shared,
            acceptor: Some(acceptor),
        };
        proxy.wait_until_it_listens(true);
        proxy
    }

    /// Where clients connect, the same for as long as it lives.
    pub fn address(&self) -> SocketAddr {
        self.shared.address
    }

    /// What becomes of the clients' bytes from now on.
    pub fn requests(&self, flow: Flow) {
        self.shared.requests.set(flow);
    }

    /// What becomes of the server's bytes from now on.
    pub fn replies(&self, flow: Flow) {
        self.shared.replies.set(flow);
    }

    /// Both.
    pub fn both(&self, flow: Flow) {
        self.requests(flow);
        self.replies(flow);
    }

    /// Resets every connection that is open (RST on both sides) and answers how many.
    pub fn reset(&self) -> usize {
        self.reset_oldest(usize::MAX)
    }

    /// Resets so many at the most, those that have been open for longest.
    pub fn reset_oldest(&self, count: usize) -> usize {
        let pairs = self.shared.open().into_iter().take(count);
        pairs.map(|pair| pair.reset()).count()
    }

    /// Closes the server's half of every open connection, and never the other one: the
    /// client is told of an end (FIN), its own bytes are read and lost.
    pub fn close_half(&self) -> usize {
        let pairs = self.shared.open();
        for pair in &pairs {
            pair.close_half();
        }
        pairs.len()
    }

    /// Refuses new connections from now on, or accepts them again.
    pub fn refuse(&self, refuse: bool) {
        self.shared.refusing.store(refuse, Ordering::SeqCst);
        self.wait_until_it_listens(!refuse);
    }

    /// How many connections were accepted so far.
    pub fn accepted(&self) -> usize {
        self.shared.accepted.load(Ordering::SeqCst)
    }

    /// How many connections are open, and were neither reset nor half closed.
    pub fn open(&self) -> usize {
        self.shared.open().len()
    }

    /// How many answers were cut off so far by [`Flow::CutAfter`] or
    /// [`Flow::CutCommits`].
    pub fn cut(&self) -> usize {
        self.shared.replies.cut() + self.shared.requests.cut()
    }

    fn wait_until_it_listens(&self, listens: bool) {
        clock::eventually("the listener of the proxy", || {
            (self.shared.listening.load(Ordering::SeqCst) == listens).then_some(())
        });
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::SeqCst);
        self.both(Flow::Lost);
        if let Some(acceptor) = self.acceptor.take() {
            // Its panic was printed already.
            let _ = acceptor.join();
        }
        for pair in self.shared.alive() {
            pair.reset();
        }
    }
}

impl Shared {
    fn accept(self: &Arc<Self>) {
        let mut listener = None;
        while !self.over.load(Ordering::SeqCst) {
            if self.refusing.load(Ordering::SeqCst) {
                listener = None;
            } else if listener.is_none() {
                listener = TcpListener::bind(self.address).ok();
            }
            self.listening.store(listener.is_some(), Ordering::SeqCst);
            match listener.as_ref().map(accept_one) {
                Some(Ok(Some(client))) => self.serve(client),
                Some(Ok(None)) | None => thread::sleep(GLANCE),
                Some(Err(error)) => panic!("the proxy cannot accept: {error}"),
            }
        }
    }

    fn serve(&self, client: TcpStream) {
        self.accepted.fetch_add(1, Ordering::SeqCst);
        let Ok(server) = TcpStream::connect(self.target) else {
            return pair::reset_at_close(&client);
        };
        let pair = Arc::new(Pair::new(client, server));
        self.pairs
            .lock()
            .expect("pairs")
            .push(Arc::downgrade(&pair));
        pair.serve(&self.requests, &self.replies);
    }

    fn open(&self) -> Vec<Arc<Pair>> {
        let mut open = self.alive();
        open.retain(|pair| pair.is_open());
        open
    }

    fn alive(&self) -> Vec<Arc<Pair>> {
        let mut pairs = self.pairs.lock().expect("pairs");
        pairs.retain(|pair| pair.strong_count() > 0);
        pairs.iter().filter_map(Weak::upgrade).collect()
    }
}

fn accept_one(listener: &TcpListener) -> io::Result<Option<TcpStream>> {
    listener.set_nonblocking(true)?;
    match listener.accept() {
        Ok((client, _)) => {
            client.set_nonblocking(false)?;
            Ok(Some(client))
        }
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => Ok(None),
        Err(error) => Err(error),
    }
}
