//! docs/scaling.md: what many users need, computed from what one request was measured to cost.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Context, Result};

use super::number::{bytes, shown};

/// Daily users.
const USERS: [f64; 3] = [1e6, 1e7, 1e8];

/// What a user does, and how it is spread over the day. The page names these as assumptions.
mod assumed {
    /// Access tokens live 15 minutes, and an application is open for two hours a day.
    pub const REFRESHES: f64 = 8.0;
    /// Logins in a day: one each month.
    pub const LOGINS: f64 = 1.0 / 30.0;
    /// Sessions that are kept for each user: devices and browsers, of 90 days.
    pub const SESSIONS: f64 = 3.0;
    /// The busiest hour has this part of the day.
    pub const PEAK: f64 = 0.12;
    /// Ends of sessions in a day for each user: logouts, limits, changes of passwords.
    pub const ENDS: f64 = 0.05;
    /// Nothing is planned to be busier than this.
    pub const BUSY: f64 = 0.5;
    /// Seconds for which ended sessions are remembered: an access lifetime, leeway, clocks.
    pub const REMEMBERED: f64 = 15.0 * 60.0 + 60.0;
    /// Bytes of a request beside its token.
    pub const REQUEST: f64 = 250.0;
}

/// The costs that were measured.
struct Costs<'a>(&'a BTreeMap<String, f64>);

impl Costs<'_> {
    fn of(&self, name: &str) -> Result<f64> {
        let cost = self.0.get(name).copied();
        cost.with_context(|| {
            format!(
                "{name} was not measured: `cargo xtask bench --only costs --only size_postgres`"
            )
        })
    }
}

/// What so many users need, in one column.
struct Need {
    refreshes: f64,
    logins: f64,
    node_cores: f64,
    database_cores: f64,
    stored: f64,
    log_per_day: f64,
    network: f64,
    remembered: f64,
}

impl Need {
    fn of(users: f64, costs: &Costs<'_>) -> Result<Self> {
        let in_peak = |each: f64| users * each * assumed::PEAK / 3_600.0;
        let (refreshes, logins) = (in_peak(assumed::REFRESHES), in_peak(assumed::LOGINS));
        let micros =
            refreshes * costs.of("refresh_cpu_micros")? + logins * costs.of("login_cpu_micros")?;
        let database = refreshes * costs.of("refresh_database_cpu_micros")?;
        let message =
            costs.of("refresh_answer_bytes")? + costs.of("refresh_token_bytes")? + assumed::REQUEST;
        let ended = in_peak(assumed::ENDS) * assumed::REMEMBERED;
        Ok(Self {
            refreshes,
            logins,
            node_cores: micros / 1e6 / assumed::BUSY,
            database_cores: database / 1e6 / assumed::BUSY,
            stored: users * assumed::SESSIONS * costs.of("bytes_per_session_postgresql")?,
            log_per_day: users * assumed::REFRESHES * costs.of("refresh_cold_log_bytes")?,
            network: refreshes * message * 8.0,
            remembered: ended * costs.of("ended_session_bytes")?,
        })
    }
}

/// The generated part of the page.
pub fn page(costs: &BTreeMap<String, f64>) -> Result<String> {
    let costs = Costs(costs);
    let needs = USERS
        .into_iter()
        .map(|users| Need::of(users, &costs))
        .collect::<Result<Vec<_>>>()?;
    let mut text = measured(&costs)?;
    text += "\n| | 1 million a day | 10 million a day | 100 million a day |\n|---|---|---|---|\n";
    let mut line = |what: &str, of: &dyn Fn(&Need) -> String| {
        let cells: Vec<String> = needs.iter().map(of).collect();
        let _ = writeln!(text, "| {what} | {} |", cells.join(" | "));
    };
    line("refreshes/s in the busiest hour", &|need| {
        shown(need.refreshes)
    });
    line("logins/s in the busiest hour", &|need| shown(need.logins));
    line("cores for `renewd`, half busy", &|need| {
        cores(need.node_cores)
    });
    line("nodes of 4 cores, one of them spare", &|need| {
        shown((need.node_cores / 4.0).ceil() + 1.0)
    });
    line("cores for PostgreSQL, half busy", &|need| {
        cores(need.database_cores)
    });
    line("sessions and users stored", &|need| bytes(need.stored));
    line("write-ahead log in a day", &|need| bytes(need.log_per_day));
    line("network in the busiest hour", &|need| {
        format!("{} Mbit/s", shown(need.network / 1e6))
    });
    line("revocation set on each node", &|need| {
        bytes(need.remembered)
    });
    Ok(text)
}

fn cores(cores: f64) -> String {
    shown(cores.max(0.01))
}

fn measured(costs: &Costs<'_>) -> Result<String> {
    let mut text = "| what one costs | measured |\n|---|---|\n".to_owned();
    for (what, name, unit) in [
        ("refresh, processor of `renewd`", "refresh_cpu_micros", "µs"),
        (
            "refresh, processor of PostgreSQL",
            "refresh_database_cpu_micros",
            "µs",
        ),
        ("refresh, write-ahead log", "refresh_log_bytes", "bytes"),
        (
            "refresh, write-ahead log, the first of its page since a checkpoint",
            "refresh_cold_log_bytes",
            "bytes",
        ),
        ("refresh, answer", "refresh_answer_bytes", "bytes"),
        ("refresh token", "refresh_token_bytes", "bytes"),
        (
            "verification, processor of `renewd`",
            "verify_cpu_micros",
            "µs",
        ),
        ("login, processor of `renewd`", "login_cpu_micros", "µs"),
        (
            "session, stored with its indexes and its part of a user",
            "bytes_per_session_postgresql",
            "bytes",
        ),
        (
            "ended session, in the revocation set",
            "ended_session_bytes",
            "bytes",
        ),
    ] {
        let _ = writeln!(text, "| {what} | {} {unit} |", shown(costs.of(name)?));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_times_the_users_need_ten_times_as_much() {
        let names = [
            "refresh_cpu_micros",
            "refresh_database_cpu_micros",
            "refresh_log_bytes",
            "refresh_cold_log_bytes",
            "refresh_answer_bytes",
            "refresh_token_bytes",
            "verify_cpu_micros",
            "login_cpu_micros",
            "bytes_per_session_postgresql",
            "ended_session_bytes",
        ];
        let costs = names.map(|name| (name.to_owned(), 100.0)).into();
        let [few, many] = [1e6, 1e7].map(|users| Need::of(users, &Costs(&costs)).unwrap());
        // A million users refresh eight million times, an eighth of it in the busiest hour.
        assert!((few.refreshes - 266.67).abs() < 0.01);
        assert!((many.stored / few.stored - 10.0).abs() < 1e-9);
        assert!(
            page(&costs)
                .unwrap()
                .contains("| refreshes/s in the busiest hour | 267 | 2,667 | 26,667 |")
        );
        assert!(page(&BTreeMap::new()).is_err());
    }
}
