//! The tables: on the terminal, and in docs/performance.md.

use std::fmt::Write as _;

use super::number::shown;
use super::results::{Results, Row, Target, Verdict, median};

/// For the terminal.
pub fn to_text(results: &Results) -> String {
    let mut text = String::new();
    for row in &results.rows {
        let Cells {
            a,
            b,
            value,
            spread,
            target,
            reached,
        } = Cells::of(row);
        let _ = writeln!(
            text,
            "{:<24} {a:>10} : {b:>10}  {value:>8} ({spread}) {target:>8} {reached:<4} {}",
            row.name, row.unit
        );
    }
    for peer in &results.peers {
        let [refreshes, p99, reads] = [&peer.refreshes, &peer.p99, &peer.reads].map(|v| median(v));
        let _ = writeln!(
            text,
            "{:<40} {:>8} refreshes/s, p99 {:>8} ms, {:>8} reads/s",
            peer.name,
            shown(refreshes),
            shown(p99 / 1e3),
            shown(reads)
        );
    }
    text
}

/// The generated parts of the page, by name.
pub fn parts(results: &Results) -> [(&'static str, String); 4] {
    [
        ("table", table(results)),
        ("machine", machine(results)),
        ("peers", peers(results)),
        ("soak", super::soak::told(results)),
    ]
}

fn table(results: &Results) -> String {
    let mut text =
        "| measure | against | median | other | ratio (least–most) | reach | reached |\n\
                    |---|---|---|---|---|---|---|\n"
            .to_owned();
    for row in &results.rows {
        let cells = Cells::of(row);
        let ratio = if row.b.is_empty() {
            cells.spread
        } else {
            format!("**{}** ({})", cells.value, cells.spread)
        };
        let _ = writeln!(
            text,
            "| {} | {} | {} {} | {} | {ratio} | {} | {} |",
            row.measure, row.against, cells.a, row.unit, cells.b, cells.target, cells.reached
        );
    }
    text += "\nWhat the figures include:\n\n";
    for row in &results.rows {
        let _ = writeln!(text, "- {}: {}.", row.measure, row.notes);
    }
    text
}

/// The texts of a row.
struct Cells {
    a: String,
    b: String,
    value: String,
    spread: String,
    target: String,
    reached: &'static str,
}

impl Cells {
    fn of(row: &Row) -> Self {
        let Verdict {
            value,
            spread,
            reached,
        } = row.verdict();
        Self {
            a: shown(median(&row.a)),
            b: if row.b.is_empty() {
                String::new()
            } else {
                shown(median(&row.b))
            },
            value: shown(value),
            spread: format!("{}–{}", shown(spread.0), shown(spread.1)),
            target: match row.target {
                Some(Target::AtLeast(least)) => format!("≥ {}", shown(least)),
                Some(Target::AtMost(most)) => format!("≤ {}", shown(most)),
                None => String::new(),
            },
            reached: match reached {
                Some(true) => "yes",
                Some(false) => "**no**",
                None => "",
            },
        }
    }
}

fn machine(results: &Results) -> String {
    let mut text = "| | |\n|---|---|\n".to_owned();
    for (name, value) in &results.machine {
        let value = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        let _ = writeln!(text, "| {} | {value} |", name.replace('_', " "));
    }
    text
}

fn peers(results: &Results) -> String {
    let mut text =
        "| server | refreshes/s | p99 of them | authenticated reads/s | what it does |\n\
                    |---|---|---|---|---|\n"
            .to_owned();
    for peer in &results.peers {
        let reads = match peer.reads.as_slice() {
            [] => "–".to_owned(),
            reads => shown(median(reads)),
        };
        let _ = writeln!(
            text,
            "| {} | {} | {} ms | {reads} | {} |",
            peer.name,
            shown(median(&peer.refreshes)),
            shown(median(&peer.p99) / 1e3),
            peer.notes
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::results::tests::row;
    use super::*;

    #[test]
    fn a_row_says_what_it_is_and_whether_it_is_enough() {
        let results = Results {
            rows: vec![
                row("good", &[90.0], &[100.0], Some(Target::AtLeast(0.9))),
                row("bad", &[9.0], &[], Some(Target::AtMost(8.0))),
            ],
            ..Results::default()
        };
        let table = table(&results);
        assert!(
            table.contains("| **0.90** (0.90–0.90) | ≥ 0.90 | yes |"),
            "{table}"
        );
        assert!(table.contains("| 9.00–9.00 | ≤ 8.00 | **no** |"), "{table}");
        assert!(table.contains("- what good measures: a note.\n"), "{table}");
    }
}
