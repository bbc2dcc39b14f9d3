//! What logins, registrations and refreshes came to.

use metrics::Counter;
use token_core::service::{
    LoggedIn, LoginError, RefreshError, RefreshWay, Refreshed, RegisterError,
};
use token_core::user::User;

use super::registry::{Metric, Registry};

const REFRESHES: Metric = Metric::new(
    "renewd_refreshes_total",
    "Refresh tokens that were presented, by what became of them.",
);
const LOGINS: Metric = Metric::new(
    "renewd_logins_total",
    "Logins that were tried, by what became of them.",
);
const REGISTRATIONS: Metric = Metric::new(
    "renewd_registrations_total",
    "Accounts that were asked for, by what became of them.",
);

/// A counter for each outcome.
pub struct Outcomes {
    refreshes: Refreshes,
    logins: Logins,
    registrations: Registrations,
}

struct Refreshes {
    rotated: Counter,
    repeated: Counter,
    replayed: Counter,
    recovered: Counter,
    reuse: Counter,
    state_lost: Counter,
    invalid: Counter,
    expired: Counter,
    revoked: Counter,
    unavailable: Counter,
}

struct Logins {
    success: Counter,
    invalid: Counter,
    throttled: Counter,
    overloaded: Counter,
    unavailable: Counter,
}

struct Registrations {
    created: Counter,
    closed: Counter,
    taken: Counter,
    weak_password: Counter,
    throttled: Counter,
    overloaded: Counter,
    unavailable: Counter,
}

impl Outcomes {
    pub(super) fn new(registry: &Registry) -> Self {
        let of = |metric| move |outcome| registry.counter(metric, &[("outcome", outcome)]);
        let (refresh, login, registration) = (of(REFRESHES), of(LOGINS), of(REGISTRATIONS));
        Self {
            refreshes: Refreshes {
                rotated: refresh("rotated"),
                repeated: refresh("repeated"),
                replayed: refresh("replayed"),
                recovered: refresh("recovered"),
                reuse: refresh("reuse"),
                state_lost: refresh("state_lost"),
                invalid: refresh("invalid"),
                expired: refresh("expired"),
                revoked: refresh("revoked"),
                unavailable: refresh("unavailable"),
            },
            logins: Logins {
                success: login("success"),
                invalid: login("invalid"),
                throttled: login("throttled"),
                overloaded: login("overloaded"),
                unavailable: login("unavailable"),
            },
            registrations: Registrations {
                created: registration("created"),
                closed: registration("closed"),
                taken: registration("taken"),
                weak_password: registration("weak_password"),
                throttled: registration("throttled"),
                overloaded: registration("overloaded"),
                unavailable: registration("unavailable"),
            },
        }
    }

    /// Counts a refresh.
    pub fn refreshed(&self, outcome: Result<&Refreshed, &RefreshError>) {
        let counts = &self.refreshes;
        let count = match outcome {
            Ok(done) => match done.way {
                RefreshWay::Rotated => &counts.rotated,
                RefreshWay::Repeated => &counts.repeated,
                RefreshWay::Replayed => &counts.replayed,
                RefreshWay::Recovered => &counts.recovered,
            },
            Err(error) => match error {
                RefreshError::Invalid | RefreshError::InvalidScope => &counts.invalid,
                RefreshError::TokenExpired | RefreshError::SessionExpired => &counts.expired,
                RefreshError::Reused => &counts.reuse,
                RefreshError::StateLost => &counts.state_lost,
                RefreshError::SessionEnded(_) => &counts.revoked,
                RefreshError::Contended | RefreshError::Keys(_) | RefreshError::Store(_) => {
                    &counts.unavailable
                }
            },
        };
        count.increment(1);
    }

    /// Counts a login.
    pub fn logged_in(&self, outcome: Result<&LoggedIn, &LoginError>) {
        let counts = &self.logins;
        let count = match outcome {
            Ok(_) => &counts.success,
            Err(LoginError::InvalidCredentials) => &counts.invalid,
            Err(LoginError::Throttled(_)) => &counts.throttled,
            Err(LoginError::Busy(_)) => &counts.overloaded,
            Err(LoginError::Store(_)) => &counts.unavailable,
        };
        count.increment(1);
    }

    /// Counts a registration.
    pub fn registered(&self, outcome: Result<&User, &RegisterError>) {
        let counts = &self.registrations;
        let count = match outcome {
            Ok(_) => &counts.created,
            Err(RegisterError::Closed) => &counts.closed,
            Err(RegisterError::UsernameTaken | RegisterError::EmailTaken) => &counts.taken,
            Err(RegisterError::Password(_)) => &counts.weak_password,
            Err(RegisterError::Throttled(_)) => &counts.throttled,
            Err(RegisterError::Busy(_)) => &counts.overloaded,
            Err(RegisterError::Store(_)) => &counts.unavailable,
        };
        count.increment(1);
    }
}
