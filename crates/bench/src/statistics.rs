//! Statistics of repeated measurements.

use serde::Serialize;

/// The measured values in order, and their median.
#[derive(Serialize)]
pub(crate) struct Sample {
    pub(crate) median: f64,
    pub(crate) values: Vec<f64>,
}

impl Sample {
    pub(crate) fn of(values: Vec<f64>) -> Self {
        Self { median: median(&values), values }
    }

    /// The lowest and the highest value.
    pub(crate) fn range(&self) -> (f64, f64) {
        let bound = |of: fn(f64, f64) -> f64| self.values.iter().copied().reduce(of).unwrap_or(f64::NAN);
        (bound(f64::min), bound(f64::max))
    }
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match (sorted.len() / 2, sorted.len() % 2) {
        (0, 0) => f64::NAN,
        (half, 0) => f64::midpoint(sorted[half - 1], sorted[half]),
        (half, _) => sorted[half],
    }
}

#[cfg(test)]
mod tests {
    use super::{Sample, median};

    #[test]
    fn the_median_is_the_middle_or_the_mean_of_two() {
        let twice = |values: &[f64]| format!("{}", median(values) * 2.0);
        assert_eq!(twice(&[3.0]), "6");
        assert_eq!(twice(&[9.0, 1.0, 2.0]), "4");
        assert_eq!(twice(&[4.0, 1.0, 9.0, 3.0]), "7");
        assert_eq!(twice(&[]), "NaN");
        assert_eq!(format!("{:?}", Sample::of(vec![4.0, 1.0, 9.0]).range()), "(1.0, 9.0)");
    }
}
