//! The choice of the cheapest solver that is as good as the best.

use serde::Serialize;

/// How much more easily than the least a classifier may tell an advised sampler's samples apart.
pub const APART: f64 = 0.02;

/// How much a column's deviation may differ from that of the best row, as a share.
pub const DEVIATION: f64 = 0.1;

/// The fewest unseen rows that an advice rests on.
pub const FEWEST: usize = 15;

/// The advice, or why there is none.
#[derive(Clone, Debug, Serialize)]
pub struct Advice {
    /// How much larger than the best an energy distance may be, in per cent.
    pub within: f64,
    /// The index of the best row: the one with the lowest energy distance among those that the classifier tells
    /// apart least. `None` if nothing could be compared.
    pub best: Option<usize>,
    /// The index of the advised row, the cheapest that is as good as the best. `None` if there is no advice.
    pub row: Option<usize>,
    /// Why there is no advice.
    pub reason: Option<String>,
}

/// What is compared of a row.
pub(super) struct Candidate {
    pub(super) evaluations: usize,
    /// The unbiased energy distance, which is the excess over a perfect model's, and its standard error.
    pub(super) energy: Option<[f64; 2]>,
    /// How much more easily the classifier tells it apart than the one it tells apart least, and the standard error of
    /// this difference.
    pub(super) apart: [f64; 2],
    /// The deviation of each column, over all rows and within each class.
    pub(super) deviations: Vec<f64>,
}

/// Returns the indices of the best row and of the cheapest that is as good; `None` without energy distances.
pub(super) fn choose(rows: &[Candidate], within: f64) -> Option<(usize, usize)> {
    let energy = |k: usize| rows[k].energy.filter(|[value, _]| value.is_finite());
    let value = |k: usize| energy(k).map_or(f64::INFINITY, |[value, _]| value);
    // The best row must not clearly be told apart more easily. An advised row must clearly not be.
    let may_be_best = |&k: &usize| rows[k].apart[0] <= APART + 2.0 * rows[k].apart[1];
    let best = (0..rows.len())
        .filter(|&k| energy(k).is_some())
        .filter(may_be_best)
        .min_by(|&a, &b| value(a).total_cmp(&value(b)))?;
    let [lowest, error] = energy(best)?;
    // What the rows cannot tell from the best is as good, and so is what is near enough to it.
    let enough = lowest + (2.0 * error).max(lowest.max(0.0) * within / 100.0);
    let alike = |k: usize| {
        let pairs = rows[k].deviations.iter().zip(&rows[best].deviations);
        pairs.into_iter().all(|(a, b)| (a - b).abs() <= DEVIATION * b)
    };
    let is_near = |k: usize| rows[k].apart[0] + rows[k].apart[1] <= APART;
    let good = (0..rows.len()).filter(|&k| is_near(k) && value(k) <= enough && alike(k));
    let cheapest = good.min_by(|&a, &b| {
        let order = rows[a].evaluations.cmp(&rows[b].evaluations);
        order.then(value(a).total_cmp(&value(b)))
    });
    Some((best, cheapest.unwrap_or(best)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn advised(rows: &[(usize, f64, f64, &'static [f64])], within: f64) -> (usize, usize) {
        let rows: Vec<Candidate> = rows
            .iter()
            .map(|&(evaluations, energy, apart, deviations)| Candidate {
                evaluations,
                energy: Some([energy, 0.01]),
                apart: [apart, 0.0],
                deviations: deviations.to_vec(),
            })
            .collect();
        choose(&rows, within).unwrap()
    }

    #[test]
    fn the_cheapest_row_as_good_as_the_best_is_advised() {
        let rows: [(usize, f64, f64, &[f64]); 4] = [
            (1, 0.9, 0.02, &[1.0]),
            (8, 0.115, 0.01, &[1.0]),
            (16, 0.105, 0.0, &[1.0]),
            (50, 0.1, 0.0, &[1.0]),
        ];
        // Two standard errors are 0.02.
        assert_eq!(advised(&rows, 5.0), (3, 1));
        assert_eq!(advised(&rows, 1000.0), (3, 0));
    }

    #[test]
    fn a_collapsed_sampler_is_never_advised() {
        let near: [(usize, f64, f64, &[f64]); 2] =
            [(1, 0.1, 0.03, &[1.0, 1.0]), (50, 0.1, 0.0, &[1.0, 1.0])];
        assert_eq!(advised(&near, 5.0), (1, 1), "told apart by 0.03 more");
        let narrow: [(usize, f64, f64, &[f64]); 2] =
            [(1, 0.1, 0.0, &[1.0, 0.89]), (50, 0.0999, 0.0, &[1.0, 1.0])];
        assert_eq!(advised(&narrow, 1000.0), (1, 1), "one column is narrower by 11 %");
        // The lowest energy does not make a row the best that a classifier tells apart.
        let told: [(usize, f64, f64, &[f64]); 2] =
            [(1, -0.2, 0.3, &[1.0, 1.0]), (50, 0.1, 0.0, &[1.0, 1.0])];
        assert_eq!(advised(&told, 5.0), (1, 1));
    }

    /// The row that is told apart least may be so because it is narrow: the row of the lowest energy is the measure.
    #[test]
    fn a_narrow_row_that_is_told_apart_least_is_not_the_measure() {
        let row = |evaluations, energy, apart, deviation| Candidate {
            evaluations,
            energy: Some([energy, 0.05]),
            apart,
            deviations: vec![deviation],
        };
        let rows = [
            row(8, 0.04, [0.0, 0.0], 0.82),
            row(16, 0.02, [0.013, 0.004], 0.89),
            row(50, 0.01, [0.018, 0.005], 0.93),
        ];
        assert_eq!(choose(&rows, 5.0), Some((2, 1)));
    }

    #[test]
    fn constant_columns_agree_and_nothing_to_compare_is_no_advice() {
        let constant: [(usize, f64, f64, &[f64]); 2] =
            [(1, 0.1, 0.0, &[0.0]), (50, 0.1, 0.0, &[0.0])];
        assert_eq!(advised(&constant, 5.0).1, 0);
        let empty = Candidate { evaluations: 1, energy: None, apart: [0.0; 2], deviations: vec![] };
        assert!(choose(&[empty], 5.0).is_none());
    }
}
