//! What the figures were measured on, and whether others were at work there.

use std::collections::BTreeMap;
use std::fs;
use std::hint::black_box;
use std::num::NonZeroUsize;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use time::OffsetDateTime;

/// How much of the machine others may use before the figures are doubtful.
const QUIET: f64 = 0.05;

/// The machine, its programs, and the load at this moment.
pub fn describe() -> BTreeMap<&'static str, Value> {
    let now = OffsetDateTime::now_utc();
    BTreeMap::from([
        ("date", now.date().to_string().into()),
        ("cores", cores().into()),
        ("cpu", of_file("/proc/cpuinfo", "model name").into()),
        ("memory", of_file("/proc/meminfo", "MemTotal").into()),
        ("kernel", first_line("/proc/sys/kernel/osrelease").into()),
        ("wrk", version("wrk", "-v").into()),
        ("postgres", version("pgbench", "--version").into()),
        ("load_at_begin", load().into()),
        ("busy_at_begin", busy().into()),
        ("copied_at_begin", format!("{:.1} GiB/s", copied()).into()),
        (
            "multiplied_at_begin",
            format!("{:.0} million/s", multiplied()).into(),
        ),
    ])
}

/// How fast one core multiplies, in millions a second: what other guests of the host take does not
/// stand in `/proc`, and shows only in how fast a fixed piece of work is done.
fn multiplied() -> f64 {
    const TIMES: u32 = 100_000_000;
    let start = Instant::now();
    let mut state = black_box(1_u64);
    for _ in 0..TIMES {
        // Each waits for the one before.
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
    }
    black_box(state);
    f64::from(TIMES) / 1e6 / start.elapsed().as_secs_f64()
}

/// How fast memory is copied that no cache holds, in GiB a second.
fn copied() -> f64 {
    const TIMES: u32 = 4;
    const SIZE: usize = 256 << 20;
    let from = vec![1_u8; SIZE];
    let mut to = vec![0_u8; SIZE];
    let start = Instant::now();
    for _ in 0..TIMES {
        to.copy_from_slice(black_box(&from));
        black_box(&to);
    }
    f64::from(TIMES) * SIZE as f64 / f64::from(1 << 30) / start.elapsed().as_secs_f64()
}

/// The cores that everything here shares.
pub fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

/// How many programs want to run, over the last minute.
pub fn load() -> f64 {
    let loads = first_line("/proc/loadavg");
    let minute = loads.split_whitespace().next();
    minute
        .and_then(|text| text.parse().ok())
        .unwrap_or_default()
}

/// Says so where others are at work.
pub fn warn_of_others() {
    let busy = busy();
    if busy > QUIET {
        println!(
            "WARNING: others use {:.0} % of this machine: the figures are not worth much",
            busy * 100.0
        );
    }
}

/// The part of the machine that is in use while this waits.
fn busy() -> f64 {
    let before = ticks();
    thread::sleep(Duration::from_millis(500));
    let after = ticks();
    let all = after.0 - before.0;
    if all == 0 {
        return 0.0;
    }
    1.0 - (after.1 - before.1) as f64 / all as f64
}

/// All time of all cores, and that in which they had nothing to do.
fn ticks() -> (u64, u64) {
    let line = first_line("/proc/stat");
    let ticks: Vec<u64> = line
        .split_whitespace()
        .skip(1)
        .filter_map(|text| text.parse().ok())
        .collect();
    let idle = ticks.iter().skip(3).take(2).sum();
    (ticks.iter().take(8).sum(), idle)
}

fn first_line(path: &str) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().next().unwrap_or_default().to_owned()
}

/// The value behind a name and a colon.
fn of_file(path: &str, name: &str) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(name));
    let value = line.and_then(|line| line.split_once(':'));
    value
        .map_or("unknown", |(_, value)| value.trim())
        .to_owned()
}

/// What a program says of itself first. wrk does not exit with 0.
fn version(program: &str, flag: &str) -> String {
    let said = Command::new(program).arg(flag).output();
    let said = said.map(|output| [output.stdout, output.stderr].concat());
    let said = String::from_utf8_lossy(&said.unwrap_or_default()).into_owned();
    let line = said.lines().next().unwrap_or("unknown");
    line.split(" Copyright")
        .next()
        .unwrap_or(line)
        .trim()
        .to_owned()
}
