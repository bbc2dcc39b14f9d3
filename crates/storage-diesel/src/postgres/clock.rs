//! The offset between this machine's clock and the server's, which rules the times of sessions.

use std::sync::Arc;
use std::time::Duration;

use diesel::pg::PgConnection;
use diesel::prelude::*;
use token_core::time::{Clock, ClockOffset, Timestamp};

use crate::columns::{Time, sql};

/// How often the clocks are compared, and by how many questions each time.
const PERIOD: Duration = Duration::from_secs(2);
const QUESTIONS: usize = 5;

/// Keeps the offset up to date.
pub(super) struct Offset {
    /// This machine's clock, without the offset.
    clock: Arc<dyn Clock>,
    known: ClockOffset,
    measured_at: Option<Duration>,
}

#[derive(QueryableByName)]
struct ServerTime {
    #[diesel(sql_type = sql::TimeColumn)]
    now: Time,
}

/// One answer of the server's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Measurement {
    /// How far the server is ahead, in microseconds, if the answer took as long as the question.
    offset: i64,
    /// How wrong that can be, in either direction.
    error: i64,
}

impl Offset {
    /// To be measured against `clock` and made known in `known`.
    pub(super) const fn new(clock: Arc<dyn Clock>, known: ClockOffset) -> Self {
        Self {
            clock,
            known,
            measured_at: None,
        }
    }

    /// Measures, unless that was done a moment ago.
    pub(super) fn measure_if_due(&mut self, conn: &mut PgConnection) -> QueryResult<()> {
        let now = self.clock.monotonic();
        if self.measured_at.is_some_and(|at| now < at + PERIOD) {
            return Ok(());
        }
        let answers = (0..QUESTIONS).map(|_| ask(conn, self.clock.as_ref()));
        let answers = answers.collect::<QueryResult<Vec<_>>>()?;
        self.measured_at = Some(now);
        let Some(measured) = median(answers) else {
            return Ok(());
        };
        // What two measurements differ by within their error is noise, and following it would let
        // time go back and forth.
        if (measured.offset - self.known.as_micros()).abs() > measured.error {
            tracing::debug!(micros = measured.offset, "the server's clock differs");
            self.known.set_micros(measured.offset);
        }
        Ok(())
    }
}

fn ask(conn: &mut PgConnection, clock: &dyn Clock) -> QueryResult<Measurement> {
    let (asked_at, asked) = (clock.now(), clock.monotonic());
    let server: ServerTime =
        diesel::sql_query("SELECT clock_timestamp() AS now").get_result(conn)?;
    let took = clock.monotonic().saturating_sub(asked);
    Ok(measurement(asked_at, took, server.now.into()))
}

/// The server read its clock at some moment between question and answer.
fn measurement(asked_at: Timestamp, took: Duration, server: Timestamp) -> Measurement {
    let half = took / 2;
    Measurement {
        offset: server.as_micros() - asked_at.plus(half).as_micros(),
        error: i64::try_from(half.as_micros()).unwrap_or(i64::MAX),
    }
}

/// The measurement in the middle: one that was held up does not count.
fn median(mut measurements: Vec<Measurement>) -> Option<Measurement> {
    measurements.sort_by_key(|measurement| measurement.offset);
    measurements.get(measurements.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_was_read_half_way() {
        let asked_at = Timestamp::from_micros(5_000_000);
        let server = Timestamp::from_micros(3_001_000);
        let measured = measurement(asked_at, Duration::from_millis(2), server);
        let expected = Measurement {
            offset: -2_000_000,
            error: 1_000,
        };
        assert_eq!(measured, expected);
    }

    #[test]
    fn an_answer_that_was_held_up_does_not_count() {
        let measured = |offset, error| Measurement { offset, error };
        let all = vec![measured(9_000, 9_000), measured(3, 50), measured(1, 40)];
        assert_eq!(median(all), Some(measured(3, 50)));
        assert_eq!(median(Vec::new()), None);
    }
}
