//! What kind of world a seed makes: policies, nodes, weather, who is in it.

use std::time::Duration;

use token_core::policy::{RefreshPolicy, ReusePolicy, SessionPolicy};
use token_core::time::Lifetime;

use crate::random::Random;

/// Drawn once for each seed.
#[derive(Debug, Clone)]
pub struct Settings {
    pub policy: SessionPolicy,
    /// How many nodes share the file.
    pub nodes: usize,
    /// Whether messages keep to the bounds within which a client is promised its session: each
    /// way takes at most a seventh of the window. Otherwise anything goes.
    pub calm: bool,
    /// Whether the time of day steps.
    pub steps: bool,
    /// Whether calls of storage fail.
    pub faults: bool,
    /// Whether nodes crash, and the database is out at times.
    pub crashes: bool,
    pub theft: bool,
    pub devices: usize,
    /// How many moves are made.
    pub moves: usize,
}

impl Settings {
    pub fn draw(random: &mut Random) -> Self {
        let calm = random.chance(45);
        let seconds = Lifetime::from_seconds;
        let window = if calm || random.chance(75) { 30 } else { 0 };
        let reuse = [ReusePolicy::Strict, ReusePolicy::Recover];
        let refresh = [RefreshPolicy::Sliding, RefreshPolicy::Fixed];
        Self {
            policy: SessionPolicy {
                access_lifetime: seconds(random.pick(&[60, 900])),
                idle_lifetime: seconds(random.pick(&[3 * 3_600, 2 * 86_400, 30 * 86_400])),
                max_age: seconds(random.pick(&[4 * 3_600, 4 * 86_400, 90 * 86_400])),
                refresh: random.pick(&refresh),
                reuse: random.pick(&reuse),
                replay_window: seconds(window),
                leeway: seconds(random.pick(&[0, 0, 20])),
                per_user: random.pick(&[3, 100]),
            },
            nodes: 1 + random.below(2),
            calm,
            steps: random.chance(40),
            faults: random.chance(60),
            crashes: random.chance(50),
            theft: random.chance(if calm { 25 } else { 60 }),
            devices: 2 + random.below(3),
            moves: 220,
        }
    }

    pub fn window(&self) -> Duration {
        self.policy.replay_window.as_duration()
    }

    /// How long a message takes at the most in calm weather.
    pub fn leg(&self) -> Duration {
        self.window() / 7
    }

    /// Whether I2 promises anything here.
    pub fn promises_sessions(&self) -> bool {
        self.calm && !self.window().is_zero()
    }

    pub fn shown(&self) -> String {
        let policy = &self.policy;
        format!(
            "{:?} {:?} window={} access={} idle={} max={} leeway={} per_user={} nodes={} calm={} \
             steps={} faults={} crashes={} theft={} devices={}",
            policy.reuse,
            policy.refresh,
            policy.replay_window,
            policy.access_lifetime,
            policy.idle_lifetime,
            policy.max_age,
            policy.leeway,
            policy.per_user,
            self.nodes,
            self.calm,
            self.steps,
            self.faults,
            self.crashes,
            self.theft,
            self.devices
        )
    }
}
