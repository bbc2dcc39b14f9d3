//! Welch's test on two sets of times, with their slow ends cut off as dudect does: what the machine
//! does besides is slow, one-sided, and hides what is looked for.

/// From here on two classes are told apart (dudect's bound; by chance once in 150,000 times).
pub const THRESHOLD: f64 = 4.5;

/// Which parts of both classes together are looked at: all, and what is faster than these quantiles.
const QUANTILES: [f64; 6] = [1.0, 0.95, 0.9, 0.8, 0.65, 0.5];

/// Two classes compared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Comparison {
    /// The greatest t of all crops, positive where the second class is slower.
    pub t: f64,
    /// The difference of means that would reach the threshold in the crop where that is least.
    pub detectable: f64,
}

/// Compares two classes of times.
pub fn compare(first: &[f64], second: &[f64]) -> Comparison {
    let mut all: Vec<f64> = first.iter().chain(second).copied().collect();
    all.sort_unstable_by(f64::total_cmp);
    let crops = QUANTILES.map(|quantile| {
        let most = at(&all, quantile);
        let kept = |times: &[f64]| Summary::of(times.iter().copied().filter(|t| *t <= most));
        let (first, second) = (kept(first), kept(second));
        let error = (first.variance / first.count + second.variance / second.count).sqrt();
        let t = (second.mean - first.mean) / error;
        let t = if t.is_finite() { t } else { 0.0 };
        (t, THRESHOLD * error)
    });
    let t = crops
        .iter()
        .map(|(t, _)| *t)
        .max_by(|a, b| a.abs().total_cmp(&b.abs()));
    let detectable = crops.iter().map(|(_, d)| *d).filter(|d| d.is_finite());
    Comparison {
        t: t.unwrap_or_default(),
        detectable: detectable.fold(f64::INFINITY, f64::min),
    }
}

/// The median.
pub fn median(times: &[f64]) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    at(&sorted, 0.5)
}

fn at(sorted: &[f64], quantile: f64) -> f64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a place among some thousands of times"
    )]
    let place = ((sorted.len() - 1) as f64 * quantile).round() as usize;
    sorted[place]
}

struct Summary {
    count: f64,
    mean: f64,
    variance: f64,
}

impl Summary {
    /// Welford's way, which loses no digits.
    fn of(times: impl Iterator<Item = f64>) -> Self {
        let (mut count, mut mean, mut squares) = (0.0, 0.0, 0.0);
        for time in times {
            count += 1.0;
            let off = time - mean;
            mean += off / count;
            squares += off * (time - mean);
        }
        Self {
            count,
            mean,
            variance: squares / (count - 1.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `count` times around `mean`, always the same, spread evenly over one.
    fn times(count: u32, mean: f64) -> Vec<f64> {
        let spread = |n: u32| f64::from(n * 7_919 % count) / f64::from(count) - 0.5;
        (0..count).map(|n| mean + spread(n)).collect()
    }

    #[test]
    fn the_same_times_are_not_told_apart() {
        let same = compare(&times(500, 50.0), &times(500, 50.0));
        assert!(same.t.abs() < 0.001, "{same:?}");
    }

    /// By hand: evenly spread over one has a variance of 1/12; with 500 in each class the error is
    /// sqrt(2 / 12 / 500), which the threshold makes 0.0822.
    #[test]
    fn a_difference_is_found_where_the_formula_says() {
        let small = compare(&times(500, 50.0), &times(500, 50.04));
        assert!(small.t.abs() < THRESHOLD, "{small:?}");
        let great = compare(&times(500, 50.0), &times(500, 50.2));
        assert!(great.t > THRESHOLD, "{great:?}");
        assert!(compare(&times(500, 50.2), &times(500, 50.0)).t < -THRESHOLD);
        assert!(small.detectable < 0.0823, "{small:?}");
    }

    /// Some answers that took very long hide a difference from the plain test.
    #[test]
    fn slow_outliers_are_cut_off() {
        let with_outliers = |mean| {
            let mut all = times(500, mean);
            all.extend((1..20).map(|n| mean + f64::from(n) * 300.0));
            all
        };
        assert!(compare(&with_outliers(50.0), &with_outliers(50.3)).t > THRESHOLD);
    }

    #[test]
    fn the_median_lies_in_the_middle() {
        assert!((median(&[3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
    }
}
