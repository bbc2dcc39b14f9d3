//! The figures of a run: on the terminal, and on the page.

use std::fmt::Write as _;
use std::fs;

use super::build::committed;
use super::target::Run;

/// For the terminal.
pub fn text(runs: &[Run]) -> String {
    let mut text = String::new();
    for run in runs {
        let word = if run.finding.is_none() {
            "ok"
        } else {
            "FAILED"
        };
        let _ = writeln!(
            text,
            "{:<16}{word:<8}{:>12} inputs tried, {:>6} branches, {:>5} inputs kept",
            run.name, run.executions, run.edges, run.inputs
        );
    }
    text
}

/// For the page.
pub fn table(runs: &[Run]) -> String {
    let mut table = "| target | seconds | inputs tried | branches reached | inputs kept | committed | findings |\n\
                     |---|--:|--:|--:|--:|--:|--:|\n"
        .to_owned();
    for run in runs {
        let (files, bytes) = corpus(&run.name);
        let _ = writeln!(
            table,
            "| `{}` | {} | {} | {} | {} | {files} ({} KiB) | {} |",
            run.name,
            run.seconds,
            grouped(run.executions),
            grouped(run.edges),
            run.inputs,
            bytes.div_ceil(1_024),
            usize::from(run.finding.is_some())
        );
    }
    let executions = runs.iter().map(|run| run.executions).sum();
    let seconds: u64 = runs.iter().map(|run| u64::from(run.seconds)).sum();
    let _ = writeln!(
        table,
        "\n{} inputs in {} s.",
        grouped(executions),
        grouped(seconds)
    );
    table
}

/// How many inputs are committed, and how many bytes they have.
fn corpus(target: &str) -> (usize, u64) {
    let entries = fs::read_dir(committed("corpus", target))
        .into_iter()
        .flatten();
    let sizes = entries.filter_map(|entry| Some(entry.ok()?.metadata().ok()?.len()));
    sizes.fold((0, 0), |(files, bytes), size| (files + 1, bytes + size))
}

/// With commas between the thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_000), "1,000");
        assert_eq!(grouped(1_234_567), "1,234,567");
    }
}
