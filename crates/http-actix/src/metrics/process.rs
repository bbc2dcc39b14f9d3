//! The process: which version it is, when it began, what it takes of the machine.

use std::fs;

use metrics::Gauge;
use token_core::time::{Clock, SystemClock};

use super::registry::{Metric, Registry, length, number};

const BUILD: Metric = Metric::new("renewd_build_info", "1, with the version of the program.");
const START: Metric = Metric::new(
    "process_start_time_seconds",
    "When the process began, in seconds since 1970.",
);
const MEMORY: Metric = Metric::new(
    "process_resident_memory_bytes",
    "Memory that the process has.",
);
const FILES: Metric = Metric::new(
    "process_open_fds",
    "Files and connections that the process has open.",
);

/// What the kernel tells, where it does: on Linux.
pub(super) struct ProcessMetrics(Option<Linux>);

struct Linux {
    memory: Gauge,
    files: Gauge,
}

impl ProcessMetrics {
    pub(super) fn new(registry: &Registry) -> Self {
        registry
            .gauge(BUILD, &[("version", env!("CARGO_PKG_VERSION"))])
            .set(1.0);
        let now = SystemClock::default().now().as_micros();
        let seconds = u64::try_from(now / 1_000_000).unwrap_or_default();
        registry.gauge(START, &[]).set(number(seconds));
        Self(resident_bytes().map(|_| Linux {
            memory: registry.gauge(MEMORY, &[]),
            files: registry.gauge(FILES, &[]),
        }))
    }

    /// Looks again.
    pub(super) fn read(&self) {
        let Some(linux) = &self.0 else {
            return;
        };
        if let Some(bytes) = resident_bytes() {
            linux.memory.set(number(bytes));
        }
        if let Ok(files) = fs::read_dir("/proc/self/fd") {
            // One of them is the directory itself.
            linux.files.set(length(files.count().saturating_sub(1)));
        }
    }
}

/// `VmRSS`, which is told in units of 1,024 bytes: `proc_pid_status(5)`.
fn resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1_024)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_process_has_memory() {
        assert!(resident_bytes().is_some_and(|bytes| bytes > 1 << 20));
    }
}
