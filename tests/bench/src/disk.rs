//! What a durable write costs on the disk at hand, without any database.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use anyhow::Result;

use crate::stats::median;

/// How often.
const SYNCS: usize = 400;

/// The median time, in microseconds, of an append of 4 KiB and its fdatasync in this directory.
pub fn sync_micros(directory: &Path) -> Result<f64> {
    let path = directory.join("sync");
    let mut file = OpenOptions::new().create(true).append(true).open(&path)?;
    let page = [7_u8; 4096];
    let mut micros = Vec::with_capacity(SYNCS);
    for _ in 0..SYNCS {
        let start = Instant::now();
        file.write_all(&page)?;
        file.sync_data()?;
        micros.push(start.elapsed().as_secs_f64() * 1e6);
    }
    fs::remove_file(path)?;
    Ok(median(&micros))
}

/// The bytes of a file, or of everything in a directory.
pub fn bytes_in(path: &Path) -> u64 {
    let Ok(data) = fs::metadata(path) else {
        return 0;
    };
    if data.is_file() {
        return data.len();
    }
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    entries.map(|entry| bytes_in(&entry.path())).sum()
}
