//! Nodes that read, decide, write and crash in any order, with clocks that differ as much as they
//! may, and verifiers that ask for the published keys as rarely as they may.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use token_core::id::KeyId;
use token_core::key::life::{KeyStep, KeyTask};
use token_core::store::{KeyPurpose, KeyState};
use token_core::time::Timestamp;

use super::table::Table;
use super::{at, life};

const NODES: usize = 3;
/// Seconds: see `RELOAD_BOUND` and `CLOCK_BOUND`.
const RELOAD: i64 = 5;
const CLOCKS: i64 = 5;
/// The leeway that verifiers have.
const LEEWAY: i64 = 60;

/// What happens next.
#[derive(Debug, Clone)]
enum Event {
    /// Time passes: so many seconds.
    Pass(i64),
    /// A node reads the keys, goes on with them, and decides what is due.
    Read(usize),
    /// It writes what it decided, if it is still so.
    Write(usize),
    /// It dies in between, and starts again some time.
    Crash(usize),
    /// An administrator wants another key.
    Rotate,
    /// An administrator does not trust the active key any more.
    Retire,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => (1..40_i64).prop_map(Event::Pass),
        1 => (100..500_i64).prop_map(Event::Pass),
        8 => (0..NODES).prop_map(Event::Read),
        8 => (0..NODES).prop_map(Event::Write),
        1 => (0..NODES).prop_map(Event::Crash),
        1 => Just(Event::Rotate),
    ]
}

fn with_emergencies() -> impl Strategy<Value = Event> {
    prop_oneof![20 => event(), 1 => Just(Event::Retire)]
}

/// What a node publishes and verifies with, and what it signs with.
#[derive(Debug, Clone)]
struct Ring {
    since: i64,
    published: BTreeSet<KeyId>,
    active: KeyId,
}

#[derive(Debug)]
struct Node {
    /// How far its clock is ahead.
    ahead: i64,
    rings: Vec<Ring>,
    decided: Option<(Vec<KeyStep>, Timestamp)>,
}

#[derive(Debug)]
struct World {
    /// The true time, in seconds.
    now: i64,
    table: Table,
    nodes: Vec<Node>,
    /// When each key signed first and last.
    signed: BTreeMap<KeyId, (i64, i64)>,
    /// Keys that an emergency made sign at once, or took away.
    unplanned: BTreeSet<KeyId>,
}

impl World {
    fn new(ahead: &[i64]) -> Self {
        let mut table = Table::default();
        table.run(&KeyTask::Due(life()), at(0)).unwrap();
        let unplanned = table.keys.iter().map(|key| key.kid.clone()).collect();
        let node = |ahead: &i64| Node {
            ahead: *ahead,
            rings: Vec::new(),
            decided: None,
        };
        let mut world = Self {
            now: 0,
            table,
            nodes: ahead.iter().map(node).collect(),
            signed: BTreeMap::new(),
            unplanned,
        };
        (0..NODES).for_each(|node| world.read(node));
        world
    }

    fn happen(&mut self, event: &Event) {
        match event {
            Event::Pass(seconds) => (0..*seconds).for_each(|_| self.second()),
            Event::Read(node) => self.read(*node),
            Event::Write(node) => self.write(*node),
            Event::Crash(node) => self.nodes[*node].decided = None,
            Event::Rotate => {
                // Refused while one is on its way.
                let rotate = KeyTask::Rotate(KeyPurpose::Access);
                let _ = self.table.run(&rotate, at(self.now));
            }
            Event::Retire => {
                let kid = self.only(KeyState::Active);
                self.unplanned.insert(kid.clone());
                self.table.run(&KeyTask::Retire(kid), at(self.now)).unwrap();
                self.unplanned.insert(self.only(KeyState::Active));
            }
        }
        self.only(KeyState::Active);
    }

    /// Every node signs in every second, with what it has read, and reads again in time.
    fn second(&mut self) {
        self.now += 1;
        for node in 0..NODES {
            let ring = self.nodes[node].rings.last().unwrap();
            if ring.since + RELOAD <= self.now {
                self.reload(node);
            }
            let active = self.nodes[node].rings.last().unwrap().active.clone();
            let times = self.signed.entry(active).or_insert((self.now, self.now));
            times.1 = self.now;
        }
    }

    fn read(&mut self, node: usize) {
        self.reload(node);
        let now = self.clock(node);
        let steps = KeyTask::Due(life())
            .decide(&self.table.live(), now)
            .unwrap();
        self.nodes[node].decided = Some((steps, now));
    }

    fn reload(&mut self, node: usize) {
        let keys = self.table.live();
        let access = || keys.iter().filter(|k| k.purpose == KeyPurpose::Access);
        let active = access().find(|k| k.state == KeyState::Active).unwrap();
        let ring = Ring {
            since: self.now,
            published: access().map(|key| key.kid.clone()).collect(),
            active: active.kid.clone(),
        };
        self.nodes[node].rings.push(ring);
    }

    /// As storage does it: only if the decision is still the same, and with the time at which it
    /// is written, however long ago it was decided.
    fn write(&mut self, node: usize) {
        let Some((steps, now)) = self.nodes[node].decided.take() else {
            return;
        };
        let again = KeyTask::Due(life()).decide(&self.table.live(), now);
        if again == Ok(steps.clone()) {
            let written = self.clock(node);
            self.table.make(&steps, now, written);
        }
    }

    fn clock(&self, node: usize) -> Timestamp {
        at(self.now + self.nodes[node].ahead)
    }

    /// The one access key in that state.
    fn only(&self, state: KeyState) -> KeyId {
        let [kid] = self.table.kids(KeyPurpose::Access, state)[..] else {
            panic!("not exactly one {state:?}: {:?}", self.table);
        };
        KeyId::from_trusted(kid.to_owned())
    }

    /// Every set that any node published while it could have been looked at for a token of the
    /// key: from a whole max-age before the first, until the last has expired for everybody.
    fn assert_known(&self) {
        let life = life();
        let max_age = i64::try_from(life.jwks_max_age.as_secs()).unwrap();
        let lifetime = i64::try_from(life.access_lifetime.as_secs()).unwrap();
        for (kid, (first, last)) in &self.signed {
            if self.unplanned.contains(kid) {
                continue;
            }
            let until = last + lifetime + LEEWAY + CLOCKS;
            for node in &self.nodes {
                let ends = node.rings.iter().skip(1).map(|ring| ring.since);
                let ends = ends.chain([self.now]);
                for (ring, end) in node.rings.iter().zip(ends) {
                    let looked_at = ring.since < until && end > first - max_age;
                    assert!(
                        !looked_at || ring.published.contains(kid),
                        "{kid}, which signed from {first} to {last}, is not in {ring:?} to {end}"
                    );
                }
            }
        }
    }
}

fn clocks() -> impl Strategy<Value = Vec<i64>> {
    proptest::collection::vec(0..=CLOCKS, NODES)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// S32 S34: whatever happens in whatever order, there is one active key, and every token
    /// verifies with every set of keys that a verifier may have.
    #[test]
    fn no_token_meets_a_verifier_that_does_not_know_its_key(
        ahead in clocks(),
        events in proptest::collection::vec(event(), 1..300),
    ) {
        let mut world = World::new(&ahead);
        for event in &events {
            world.happen(event);
        }
        world.assert_known();
    }

    /// S33 S34: emergencies in between change nothing for the other keys.
    #[test]
    fn emergencies_leave_one_active_key(
        ahead in clocks(),
        events in proptest::collection::vec(with_emergencies(), 1..300),
    ) {
        let mut world = World::new(&ahead);
        for event in &events {
            world.happen(event);
        }
        world.assert_known();
    }
}

/// As close to the bounds as it gets: a slow clock publishes, a fast one lets take over, and a third
/// node reads its keys as late as it may, whenever that is.
#[test]
fn the_bounds_are_wide_enough() {
    for late in 0..RELOAD {
        for ahead in [[0, CLOCKS, 0], [CLOCKS, 0, 0], [0, CLOCKS, CLOCKS]] {
            let mut world = World::new(&ahead);
            world.happen(&Event::Pass(late));
            for second in 0..3_000 {
                for node in 0..2 {
                    world.happen(&Event::Read(node));
                    world.happen(&Event::Write(node));
                }
                if second % 89 == 0 {
                    world.happen(&Event::Rotate);
                }
                world.happen(&Event::Pass(1));
            }
            world.assert_known();
        }
    }
}

/// A decision may be written long after it was made, and is then not dated back.
#[test]
fn a_slow_write_shortens_nothing() {
    let mut world = World::new(&[0, 0, 0]);
    for _ in 0..40 {
        world.happen(&Event::Read(0));
        world.happen(&Event::Pass(90));
        world.happen(&Event::Write(0));
        world.happen(&Event::Pass(1));
    }
    world.assert_known();
    assert!(world.signed.len() >= 3);
}

/// The model does rotate: what holds in it would be worth nothing otherwise.
#[test]
fn keys_come_and_go_in_the_model() {
    let mut world = World::new(&[0, 2, 5]);
    for _ in 0..500 {
        for node in 0..NODES {
            world.happen(&Event::Read(node));
            world.happen(&Event::Write(node));
        }
        world.happen(&Event::Pass(10));
    }
    world.assert_known();
    let retired = world.table.kids(KeyPurpose::Access, KeyState::Retired);
    assert!(retired.len() >= 3, "{retired:?}");
    assert!(world.signed.len() >= 4);
}
