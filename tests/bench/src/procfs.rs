//! What Linux says of a process: memory, processor time, descriptors.

use std::fs;

use anyhow::{Context, Result};

/// Anonymous resident memory, in MiB: what the program has taken, without the pages of files that
/// the kernel may drop.
pub fn anonymous_mebibytes(pid: u32) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"));
    let kibibytes: f64 = line
        .and_then(|line| line.split_whitespace().next())
        .context("no RssAnon")?
        .parse()?;
    Ok(kibibytes / 1024.0)
}

/// Processor time of a process and all its threads so far, in microseconds.
pub fn cpu_micros(pid: u32) -> Result<f64> {
    /// The unit of these figures on every Linux.
    const TICK: f64 = 10_000.0;
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The second field is a name in parentheses, which may hold anything.
    let (_, rest) = stat.rsplit_once(')').context("no name")?;
    let ticks: Vec<f64> = rest
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|text| text.parse().ok())
        .collect();
    Ok(ticks.iter().sum::<f64>() * TICK)
}

/// Processor time of the children of a process so far, in microseconds.
pub fn cpu_micros_of_children(parent: u32) -> f64 {
    let children = fs::read_dir("/proc").into_iter().flatten().flatten();
    children
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .filter(|&pid| parent_of(pid) == Some(parent))
        .filter_map(|pid| cpu_micros(pid).ok())
        .sum()
}

fn parent_of(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(1)?.parse().ok()
}

/// Open files and sockets.
pub fn descriptors(pid: u32) -> Result<usize> {
    Ok(fs::read_dir(format!("/proc/{pid}/fd"))?.count())
}
