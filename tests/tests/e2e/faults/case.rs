//! One fault: the servers, the crowd, and the story in figures.

use std::env;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use e2e::cluster::ClusterSetup;
use e2e::crowd::{Told, Watched};
use e2e::{BodyClient, Cluster, Crowd, Database, Person, Persona, Proxy, Server, Setup, clock};

/// How long a request waits for the database.
pub const PATIENCE: Duration = Duration::from_secs(2);
/// `RENEWD_FEED_MAX_STALENESS`, by default.
const STALENESS: Duration = Duration::from_secs(10);
/// The time within which a node has to work again once the fault is over.
const RECOVERY: Duration = Duration::from_secs(10);
/// When nobody was refused anything for so long, all is well again.
const CONTENT: Duration = Duration::from_millis(500);
/// More than twice what a client waits for an answer, so that its retry is always inside the
/// window.
const WINDOW: &str = "10s";

/// A fault that is to be tried.
pub struct Plan {
    name: &'static str,
    done: &'static str,
    nodes: usize,
    settings: Vec<(&'static str, &'static str)>,
}

/// The fault, while it is tried.
pub struct Case {
    plan: Plan,
    // In this order they are dropped.
    crowd: Option<Crowd>,
    pub nodes: Vec<Server>,
    /// One for each node.
    pub proxies: Vec<Proxy>,
    pub cluster: Cluster,
    begun: Option<Instant>,
    recoveries: Vec<Duration>,
    longest: Duration,
}

/// How often a fault comes.
pub fn rounds() -> usize {
    let rounds = env::var("RENEWD_TORTURE_ROUNDS").ok();
    rounds.map_or(1, |rounds| rounds.parse().expect("a number of rounds"))
}

impl Plan {
    /// What it is called, and what is done; with one node.
    pub fn new(name: &'static str, done: &'static str) -> Self {
        let settings = vec![
            ("RENEWD_DATABASE_PATIENCE", "2s"),
            ("RENEWD_REPLAY_WINDOW", WINDOW),
        ];
        Self {
            name,
            done,
            nodes: 1,
            settings,
        }
    }

    /// With two nodes.
    pub fn two_nodes(mut self) -> Self {
        self.nodes = 2;
        self
    }

    /// With a setting of the nodes.
    pub fn set(mut self, name: &'static str, value: &'static str) -> Self {
        self.settings.push((name, value));
        self
    }

    /// Starts everything, the crowd included; each node reaches its database through a
    /// proxy of its own.
    pub fn begin(self, cluster: ClusterSetup) -> Case {
        let cluster = cluster.start();
        let proxies: Vec<Proxy> = (0..self.nodes)
            .map(|_| Proxy::start(cluster.address()))
            .collect();
        let urls = proxies
            .iter()
            .map(|proxy| cluster.url_through(proxy.address()));
        let urls: Vec<String> = urls.collect();
        let url = cluster.url();
        self.begin_at(cluster, proxies, &url, &urls)
    }

    /// Starts everything; the nodes find their database by this URL.
    pub fn begin_with(self, cluster: Cluster, url: &str) -> Case {
        let urls = vec![url.to_owned(); self.nodes];
        self.begin_at(cluster, Vec::new(), url, &urls)
    }

    fn begin_at(self, cluster: Cluster, proxies: Vec<Proxy>, url: &str, urls: &[String]) -> Case {
        let setup = Setup::new(Database::at(url));
        let setup = self
            .settings
            .iter()
            .fold(setup, |setup, (name, value)| setup.set(name, value));
        let nodes: Vec<Server> = urls
            .iter()
            .map(|url| setup.beside().set("RENEWD_DATABASE_URL", url).start())
            .collect();
        let size = if rounds() > 1 { 3 } else { 1 };
        let crowd = Crowd::gather(&nodes, size);
        crowd.until_more_is_done(5);
        Case {
            plan: self,
            crowd: Some(crowd),
            nodes,
            proxies,
            cluster,
            begun: None,
            recoveries: Vec::new(),
            longest: Duration::ZERO,
        }
    }
}

impl Case {
    /// The crowd.
    pub fn crowd(&self) -> &Crowd {
        self.crowd.as_ref().expect("the crowd is at work")
    }

    /// Somebody who is logged in at the first node.
    pub fn somebody(&self) -> BodyClient {
        Person::named("watcher-0").log_in(&self.nodes[0])
    }

    /// From here on it may fail.
    pub fn fault(&mut self) {
        self.begun = Some(Instant::now());
    }

    /// From here on it must not fail any more: every node works again within the time for
    /// that, and the crowd goes on.
    pub fn lifted(&mut self) {
        let lifted = Instant::now();
        let begun = self.begun.expect("a fault");
        self.longest = self.longest.max(lifted - begun);
        for node in &self.nodes {
            clock::within(RECOVERY, "the recovery of a node", || works(node));
        }
        let works = Instant::now();
        clock::within(RECOVERY, "the end of refusals", || {
            self.crowd().is_content_for(CONTENT).then_some(())
        });
        let failed = self.crowd().tally().failed_at;
        let well = failed.map_or(works, |failed| failed.max(works));
        self.recoveries.push(well - lifted);
        self.crowd().until_more_is_done(5);
    }

    /// Ends the crowd, finds everything true, and tells the story. What was seen beside the
    /// usual things is said by the test.
    pub fn end(mut self, seen: &str) {
        let crowd = self.crowd.take().expect("the crowd is at work");
        let mut told = crowd.end();
        told.check(&self.nodes, self.nodes[0].store());
        for node in &self.nodes {
            assert!(!node.log().contains("panicked"), "{}", node.log());
        }
        let verify = self.verified(&told);
        let tally = told.tally;
        let mut figures = format!("acknowledged: {tally}");
        let _ = write!(
            figures,
            "; {} refused (slowest 503 {}), {} unanswered; {verify}",
            tally.refusals,
            seconds(tally.slowest_refusal),
            tally.silences,
        );
        if let Some(slowest) = self.recoveries.iter().max() {
            let _ = write!(
                figures,
                "; fault of {}, well {} after it",
                seconds(self.longest),
                seconds(*slowest)
            );
        }
        if self.recoveries.len() > 1 {
            let _ = write!(figures, " at the most, {} times", self.recoveries.len());
        }
        let Plan { name, done, .. } = self.plan;
        println!("fault: {name} | {done} | {seen} | {figures}");
    }

    /// Verification goes on while the feed is fresh enough, which a fault that is shorter
    /// than that cannot change.
    fn verified(&self, told: &Told) -> String {
        let stale = self
            .plan
            .settings
            .iter()
            .any(|(name, _)| *name == "RENEWD_FEED_MAX_STALENESS");
        let refused: usize = told.watched.iter().map(|seen| seen.count(503)).sum();
        if !stale && self.longest < STALENESS / 2 {
            assert_eq!(refused, 0, "verify was refused with a fresh feed");
        }
        let good: usize = told.watched.iter().map(|seen| seen.count(204)).sum();
        let last = |seen: &Watched| seen.answers.last().map(|(_, status)| *status);
        for seen in &told.watched {
            assert_eq!(last(seen), Some(204), "verify does not recover");
        }
        format!("verify 204 {good} times, 503 {refused} times")
    }
}

/// Whether a node reads and writes: a login opens a session, and its first refresh always
/// rotates.
fn works(node: &Server) -> Option<()> {
    let probe = Person::named("watcher-0").credentials();
    let login = node.call("POST", "/v1/login").json(probe);
    let login = login.try_send().ok().filter(|reply| reply.status == 200)?;
    let mut session = BodyClient::with_pair(&node.anonymous(), login.json());
    let held = session.refresh_token();
    (session.refresh().status == 200 && session.refresh_token() != held).then_some(())
}

/// A time as the table has it.
pub fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}
