//! Tables without lines, and a line for each row however narrow the terminal: what is in a column
//! can be copied, cut out and searched for.

use comfy_table::{ContentArrangement, Table, presets};
use token_core::time::Timestamp;

/// A table under a header.
pub fn list<const N: usize>(header: [&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let mut table = empty();
    table.set_header(header);
    table.add_rows(rows);
    text(&mut table)
}

/// The members of one thing, a line each.
pub fn card<'a>(rows: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let mut table = empty();
    table.add_rows(
        rows.into_iter()
            .map(|(name, value)| [name.to_owned(), value]),
    );
    text(&mut table)
}

/// A point in time to the second.
pub fn time(at: Timestamp) -> String {
    at.floor_to_second().to_rfc3339()
}

/// What users wrote, without what could move the cursor or turn the text around.
pub fn printable(text: &str) -> String {
    let replace = |c: char| {
        let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if c.is_control() || turns {
            '\u{fffd}'
        } else {
            c
        }
    };
    text.chars().map(replace).collect()
}

fn empty() -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled);
    table
}

fn text(table: &mut Table) -> String {
    for column in 0..table.column_count() {
        if let Some(column) = table.column_mut(column) {
            column.set_padding((0, 2));
        }
    }
    table
        .lines()
        .map(|line| line.trim_end().to_owned() + "\n")
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S135: nobody can write to an administrator's terminal through a name.
    #[test]
    fn nothing_moves_the_cursor() {
        assert_eq!(
            printable("a\u{1b}[2Jb\u{9b}c\u{7f}"),
            "a\u{fffd}[2Jb\u{fffd}c\u{fffd}"
        );
        assert_eq!(printable("\u{202e}evil\u{2069}"), "\u{fffd}evil\u{fffd}");
        assert_eq!(printable("Ἀθηνᾶ 山田 🦀"), "Ἀθηνᾶ 山田 🦀");
    }

    #[test]
    fn times_have_no_fractions() {
        assert_eq!(
            time(Timestamp::from_micros(1_999_999)),
            "1970-01-01T00:00:01Z"
        );
    }

    #[test]
    fn columns_line_up_without_trailing_space() {
        let rows = [
            ["山田".to_owned(), String::new()],
            ["ada".to_owned(), "x".to_owned()],
        ];
        assert_eq!(
            list(["NAME", "B"], rows.into_iter()),
            "NAME  B\n山田\nada   x\n"
        );
        assert_eq!(list(["NAME"], std::iter::empty()), "NAME\n");
    }
}
