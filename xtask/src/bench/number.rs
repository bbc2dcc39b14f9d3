//! Figures as people read them.

/// Three digits count, and thousands are set apart.
pub fn shown(value: f64) -> String {
    let digits = match value.abs() {
        small if small >= 100.0 => 0,
        small if small >= 10.0 => 1,
        small if small >= 0.01 => 2,
        small if small > 0.0 => 4,
        _ => 0,
    };
    let text = format!("{value:.digits$}");
    let (whole, rest) = match text.split_once('.') {
        Some((whole, rest)) => (whole, format!(".{rest}")),
        None => (text.as_str(), String::new()),
    };
    grouped(whole) + &rest
}

fn grouped(whole: &str) -> String {
    let mut text = String::new();
    for (place, digit) in whole.chars().enumerate() {
        let left = whole.len() - place;
        if place > 0 && left.is_multiple_of(3) && !text.ends_with('-') {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Bytes in the unit that suits them.
pub fn bytes(bytes: f64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
    let mut value = bytes;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < units.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{} {}", shown(value), units[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_count() {
        let all = [78_123.4, 1_000.0, 123.4, 12.34, 1.234, 0.0, -1234.0, 0.001].map(shown);
        let expected = [
            "78,123", "1,000", "123", "12.3", "1.23", "0", "-1,234", "0.0010",
        ];
        assert_eq!(all, expected);
        assert_eq!(bytes(3.5 * 1024.0 * 1024.0), "3.50 MiB");
    }
}
