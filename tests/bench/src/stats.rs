//! Medians, and doing two things in turn.

use anyhow::Result;

/// The value in the middle; 0 of none.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match (sorted.get(middle), sorted.len() % 2) {
        (None, _) => 0.0,
        (Some(value), 1) => *value,
        (Some(value), _) => f64::midpoint(*value, sorted[middle - 1]),
    }
}

/// What two things came to, round by round.
#[derive(Debug, Default)]
pub struct Pairs {
    /// Of the one.
    pub a: Vec<f64>,
    /// Of the other.
    pub b: Vec<f64>,
}

/// Measures two things in turn (ABAB…), so that whatever changes slowly on the machine changes
/// both. The first round warms up and does not count.
pub fn in_turn(
    rounds: usize,
    mut a: impl FnMut() -> Result<f64>,
    mut b: impl FnMut() -> Result<f64>,
) -> Result<Pairs> {
    a()?;
    b()?;
    let mut pairs = Pairs::default();
    for round in 1..=rounds {
        let (one, other) = (a()?, b()?);
        println!("round {round} of {rounds}: {one:.1} : {other:.1}");
        pairs.a.push(one);
        pairs.b.push(other);
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert!((median(&[3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!((median(&[4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < f64::EPSILON);
        assert!(median(&[]).abs() < f64::EPSILON);
    }

    #[test]
    fn the_first_round_does_not_count() {
        let mut calls = 0.0;
        let mut next = || {
            calls += 1.0;
            Ok(calls)
        };
        let pairs = in_turn(2, &mut next, || Ok(0.5)).unwrap();
        assert_eq!(pairs.a, [2.0, 3.0]);
        assert_eq!(pairs.b, [0.5, 0.5]);
    }
}
