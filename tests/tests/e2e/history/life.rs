//! One database from its first start on, killed again and again.

use std::fmt::Write as _;
use std::thread;
use std::time::{Duration, Instant};

use e2e::dice::Dice;
use e2e::{Cluster, Crowd, Server, clock, history};

use super::figures::Figures;
use super::integrity;
use super::setup::{STALENESS, Setting, Victim};

/// A node accepts access tokens of a session that ended elsewhere for no longer; with a
/// second for the request itself.
const ELSEWHERE: Duration = Duration::from_secs(STALENESS + 1);

/// How long the crowd works between two kills, at the most, in milliseconds.
const WORK: usize = 700;
/// How long something stays dead at the most.
const DEAD: usize = 150;
/// How early a server is killed that is starting, at the latest.
const STARTING: usize = 120;

/// Servers, their database, and the crowd.
pub struct Life {
    setting: Setting,
    // In this order they are dropped.
    crowd: Crowd,
    nodes: Vec<Server>,
    cluster: Option<Cluster>,
}

impl Life {
    /// Everything anew.
    pub fn begin(setting: Setting) -> Self {
        let (cluster, nodes) = setting.start();
        let crowd = Crowd::of_the_patient(&nodes);
        Self {
            setting,
            crowd,
            nodes,
            cluster,
        }
    }

    /// So many kills, and the end.
    pub fn live(mut self, kills: usize, dice: &mut Dice, figures: &mut Figures) {
        for _ in 0..kills {
            wait(dice, WORK);
            let victims = self.setting.victims(dice);
            for &victim in &victims {
                self.kill(victim);
            }
            figures.killed(&victims);
            wait(dice, DEAD);
            self.revive(&victims, dice, figures);
            let store = self.nodes[0].store();
            integrity::check(store);
            self.crowd.recorder().look(store);
        }
        self.end(figures);
    }

    fn kill(&mut self, victim: Victim) {
        match victim {
            Victim::Node(place) => self.nodes[place].kill(),
            Victim::Cluster => self.cluster.as_mut().expect("a cluster").kill(),
        }
    }

    /// The database first; then each server, which now and then is killed once more before
    /// it is up.
    fn revive(&mut self, victims: &[Victim], dice: &mut Dice, figures: &mut Figures) {
        if victims.contains(&Victim::Cluster) {
            self.cluster.as_mut().expect("a cluster").start_again();
        }
        for (place, node) in self.nodes.iter_mut().enumerate() {
            if victims.contains(&Victim::Node(place)) {
                if dice.one_in(4) {
                    node.start_and_kill(milliseconds(dice, STARTING));
                    figures.killed_at_its_start();
                }
                let start = Instant::now();
                node.restart();
                figures.started(start.elapsed());
            } else {
                // It was there all the time; its database perhaps was not.
                clock::eventually("a node that is ready", || {
                    let reply = node.call("GET", "/readyz").try_send().ok()?;
                    (reply.status == 200).then_some(())
                });
            }
        }
    }

    fn end(self, figures: &mut Figures) {
        let mut told = self.crowd.end();
        let store = self.nodes[0].store();
        told.check(&self.nodes, store);
        let events = told.recorder().events();
        let mut wrong = String::new();
        for finding in history::check(&events, ELSEWHERE) {
            let _ = writeln!(wrong, "{finding}");
        }
        assert!(wrong.is_empty(), "the history must not be:\n{wrong}");
        for node in &self.nodes {
            assert!(!node.log().contains("panicked"), "{}", node.log());
        }
        figures.count(&events);
    }
}

fn wait(dice: &mut Dice, limit: usize) {
    thread::sleep(milliseconds(dice, limit));
}

fn milliseconds(dice: &mut Dice, limit: usize) -> Duration {
    let chosen = dice.below(limit);
    Duration::from_millis(u64::try_from(chosen).expect("a short time"))
}
