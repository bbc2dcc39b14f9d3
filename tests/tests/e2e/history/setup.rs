//! What runs, and what of it a kill may hit.

use e2e::dice::Dice;
use e2e::{Cluster, Database, Server, Setup};

use crate::nodes::start_both;

/// Longer than a client waits before it asks again, by far; short, so that sessions rotate
/// within a life.
const WINDOW: &str = "3s";
/// For so long a node may go on with what it knows of ended sessions.
pub const STALENESS: u64 = 2;

/// What runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setting {
    Sqlite,
    OneNode,
    TwoNodes,
}

/// What is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Victim {
    Node(usize),
    Cluster,
}

impl Setting {
    pub fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::OneNode => "PostgreSQL",
            Self::TwoNodes => "two nodes on PostgreSQL",
        }
    }

    /// Starts everything on an empty database.
    pub fn start(self) -> (Option<Cluster>, Vec<Server>) {
        match self {
            Self::Sqlite => (None, vec![with_settings(Database::sqlite()).start()]),
            Self::OneNode | Self::TwoNodes => {
                let cluster = Cluster::setup().expect("PostgreSQL is there").start();
                let setup = with_settings(Database::at(&cluster.url()));
                let nodes = if self == Self::TwoNodes {
                    let (a, b) = start_both(setup);
                    vec![a, b]
                } else {
                    vec![setup.start()]
                };
                (Some(cluster), nodes)
            }
        }
    }

    /// What the next kill hits.
    pub fn victims(self, dice: &mut Dice) -> Vec<Victim> {
        let [a, b] = [0, 1].map(Victim::Node);
        match (self, dice.below(6)) {
            (Self::Sqlite, _) | (Self::OneNode, 0..=3) | (Self::TwoNodes, 0 | 1) => vec![a],
            (Self::TwoNodes, 2) => vec![b],
            (Self::TwoNodes, 3) => vec![a, b],
            (Self::OneNode | Self::TwoNodes, 4) => vec![Victim::Cluster],
            (Self::OneNode, _) => vec![Victim::Cluster, a],
            (Self::TwoNodes, _) => vec![Victim::Cluster, a, b],
        }
    }
}

fn with_settings(database: Database) -> Setup {
    Setup::new(database)
        .set("RENEWD_REPLAY_WINDOW", WINDOW)
        .set("RENEWD_DATABASE_PATIENCE", "2s")
        .set("RENEWD_FEED_MAX_STALENESS", &format!("{STALENESS}s"))
}
