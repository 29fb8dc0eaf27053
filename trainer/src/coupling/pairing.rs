//! Couplings: how noise and data are paired.

use anyhow::{Result, bail, ensure};

use crate::config::words::CouplingKind;
use crate::coupling::assignment::{Cost, CostMatrix, assign, assign_dense};
use crate::data::{ConditionColumn, Matrix};

/// A coupling of source and target, ready to pair batches.
#[derive(Clone, Debug)]
pub enum Coupling {
    /// See [`CouplingKind::Independent`].
    Independent,
    /// See [`CouplingKind::Transport`].
    Transport,
    /// See [`CouplingKind::ConditionalTransport`].
    ConditionalTransport(ByCondition),
}

/// How conditions restrict the pairs of [`Coupling::ConditionalTransport`].
#[derive(Clone, Debug)]
pub struct ByCondition {
    /// One-hot columns of classes: points are paired only within a class.
    classes: Vec<usize>,
    /// Columns of numeric conditions: pairs of different values cost more.
    numbers: Vec<usize>,
    /// C²OT's r: the share of all pairs that may cost no more than the drawn pair; see
    /// [`condition_weight`].
    ratio: f64,
}

impl Coupling {
    /// Makes the coupling of a run with `conditions`. `ratio` is C²OT's r: a smaller one makes the
    /// numeric conditions of a pair agree more closely. Conditional transport without conditions is
    /// plain transport.
    ///
    /// # Errors
    ///
    /// Returns an error for plain transport with conditions, unless it is `forced`.
    pub fn new(
        kind: CouplingKind,
        conditions: &[ConditionColumn],
        ratio: f64,
        forced: bool,
    ) -> Result<Self> {
        match kind {
            CouplingKind::Independent => Ok(Self::Independent),
            CouplingKind::Transport if !conditions.is_empty() && !forced => bail!(
                "the coupling \"transport\" bends a conditional model: it ignores the condition when it \
                 pairs noise with data, so that under each condition training and sampling have \
                 different sources (class-wise errors ten times as large in Cheng & Schwing 2025). \
                 Use --coupling conditional-transport, or --force-transport"
            ),
            CouplingKind::Transport => Ok(Self::Transport),
            CouplingKind::ConditionalTransport if conditions.is_empty() => Ok(Self::Transport),
            CouplingKind::ConditionalTransport => {
                let (mut classes, mut numbers) = (Vec::new(), Vec::new());
                for (columns, condition) in ConditionColumn::with_columns(conditions) {
                    match condition.categories {
                        Some(_) => classes.extend(columns),
                        None => numbers.extend(columns),
                    }
                }
                Ok(Self::ConditionalTransport(ByCondition { classes, numbers, ratio }))
            }
        }
    }

    /// Returns, for each row of `x_1` (`[n, D]`) with conditions `c` (`[n, C]`), the row of `x_0`
    /// (`[n, D]`) that it is paired with: a permutation.
    ///
    /// # Errors
    ///
    /// Returns an error if the coupling transports and a coordinate or a numeric condition is not
    /// finite.
    pub fn pair(&self, x_0: &Matrix, x_1: &Matrix, c: &Matrix) -> Result<Vec<usize>> {
        match self {
            Self::Independent => Ok((0..x_1.rows()).collect()),
            Self::Transport => transport(x_0, x_1),
            Self::ConditionalTransport(by) => by.pair(x_0, x_1, c),
        }
    }

    /// Whether pairs are chosen by their distance, and not as they were drawn.
    pub fn transports(&self) -> bool {
        !matches!(self, Self::Independent)
    }
}

fn transport(x_0: &Matrix, x_1: &Matrix) -> Result<Vec<usize>> {
    for (x, name) in [(x_0, "source"), (x_1, "target")] {
        ensure!(
            is_finite(x),
            "transport needs finite points, but the {name} has infinite or NaN values"
        );
    }
    Ok(assign(x_1, x_0, Cost::SquaredEuclidean))
}

impl ByCondition {
    /// Pairs the points of each class separately; see [`Coupling::pair`].
    fn pair(&self, x_0: &Matrix, x_1: &Matrix, c: &Matrix) -> Result<Vec<usize>> {
        let mut groups: Vec<(Vec<u32>, Vec<usize>)> = Vec::new();
        for row in 0..c.rows() {
            let key: Vec<u32> =
                self.classes.iter().map(|&column| c.row(row)[column].to_bits()).collect();
            match groups.iter_mut().find(|(known, _)| *known == key) {
                Some((_, rows)) => rows.push(row),
                None => groups.push((key, vec![row])),
            }
        }
        let mut paired = vec![0; c.rows()];
        for (_, rows) in groups {
            let [x_0, x_1, c] = [x_0, x_1, c].map(|matrix| matrix.select(&rows));
            let order = if self.numbers.is_empty() {
                transport(&x_0, &x_1)?
            } else {
                self.by_numbers(&x_0, &x_1, &c)?
            };
            for (&row, source) in rows.iter().zip(order) {
                paired[row] = rows[source];
            }
        }
        Ok(paired)
    }

    /// Pairs the points of one class by numeric conditions. A pair costs the squared distance of its
    /// points, plus that of its conditions times [`condition_weight`]. Row i of `x_0` has the condition in
    /// row i, which it was drawn with.
    fn by_numbers(&self, x_0: &Matrix, x_1: &Matrix, c: &Matrix) -> Result<Vec<usize>> {
        let columns = |row: usize| self.numbers.iter().map(move |&column| c.row(row)[column]);
        let values = (0..c.rows()).flat_map(columns).collect();
        let numbers = Matrix::new(values, c.rows(), self.numbers.len());
        for (x, name) in [(x_0, "source"), (x_1, "target"), (&numbers, "condition")] {
            ensure!(
                is_finite(x),
                "transport needs finite points, but the {name} has infinite or NaN values"
            );
        }
        let mut costs = CostMatrix::between(x_1, x_0, Cost::SquaredEuclidean);
        let conditions = CostMatrix::between(&numbers, &numbers, Cost::SquaredEuclidean);
        let weight = condition_weight(costs.values(), conditions.values(), c.rows(), self.ratio);
        costs.add(weight, &conditions);
        Ok(assign_dense(&costs))
    }
}

fn is_finite(matrix: &Matrix) -> bool {
    matrix.values().iter().all(|x| x.is_finite())
}

/// Returns C²OT's adaptive weight of the conditions (Cheng & Schwing 2025, section 4), at most about 10⁸.
/// With it, at most a share `ratio` of the pairs (i, j) of different rows costs no more than the drawn pair
/// (j, j); 0 if that holds without conditions. `points` and `conditions` are squared distances, `[n][n]`.
fn condition_weight(points: &[f32], conditions: &[f32], n: usize, ratio: f64) -> f32 {
    if n < 2 {
        return 0.0;
    }
    let drawn: Vec<f32> = points.iter().step_by(n + 1).copied().collect();
    let rows = || points.chunks_exact(n).zip(conditions.chunks_exact(n));
    let is_near =
        |weight: f32, [point, condition, drawn]: [f32; 3]| point + weight * condition <= drawn;
    // The number of near pairs. Drawn pairs (i = j) are near at any weight, and do not count.
    let near = |weight: f32| {
        let in_row = |(points, conditions): (&[f32], &[f32])| {
            let pairs = points.iter().zip(conditions).zip(&drawn);
            pairs.map(|((&p, &c), &d)| u32::from(is_near(weight, [p, c, d]))).sum::<u32>() as usize
        };
        rows().map(in_row).sum::<usize>() - n
    };
    let exceeds = |near: usize| near as f64 / (n * n - n) as f64 > ratio;
    if !exceeds(near(0.0)) {
        return 0.0;
    }
    let (mut low, mut high) = (0.0, 1.0);
    let mut near_at_high = near(high);
    while exceeds(near_at_high) && high < 1e8 {
        (low, high) = (high, 2.0 * high);
        near_at_high = near(high);
    }
    // A pair that is near at a weight is near at all smaller ones. So only the pairs that are near at `low`, and not at
    // `high`, have to be looked at again.
    let mut open: Vec<[f32; 3]> = rows()
        .flat_map(|(points, conditions)| points.iter().zip(conditions).zip(&drawn))
        .map(|((&point, &condition), &drawn)| [point, condition, drawn])
        .filter(|&pair| is_near(low, pair) && !is_near(high, pair))
        .collect();
    for _ in 0..12 {
        let middle = 0.5 * (low + high);
        let between = open.iter().filter(|&&pair| is_near(middle, pair)).count();
        let beyond = exceeds(near_at_high + between);
        if beyond {
            low = middle;
        } else {
            high = middle;
            near_at_high += between;
        }
        open.retain(|&pair| is_near(middle, pair) == beyond);
    }
    high
}

#[cfg(test)]
mod tests {
    use rand::RngExt;

    use super::*;
    use crate::data::random::{Stream, generator};

    fn column(values: &[f32]) -> Matrix {
        Matrix::new(values.to_vec(), values.len(), 1)
    }

    fn class(name: &str, categories: &[&str]) -> ConditionColumn {
        let categories = categories.iter().map(|name| name.to_string()).collect();
        ConditionColumn { name: name.to_string(), categories: Some(categories) }
    }

    #[test]
    fn transport_pairs_neighbours() {
        let (x_0, x_1) = (column(&[5.0, -1.0, 2.0]), column(&[0.0, 3.0, 9.0]));
        let none = Matrix::new(Vec::new(), 3, 0);
        assert_eq!(Coupling::Transport.pair(&x_0, &x_1, &none).unwrap(), [1, 2, 0]);
        assert_eq!(Coupling::Independent.pair(&x_0, &x_1, &none).unwrap(), [0, 1, 2]);
    }

    #[test]
    fn classes_keep_the_noise_they_were_drawn_with() {
        let kind = CouplingKind::ConditionalTransport;
        let coupling = Coupling::new(kind, &[class("k", &["a", "b"])], 0.05, false).unwrap();
        let (x_0, x_1) = (column(&[5.0, -1.0, 2.0, 0.0]), column(&[0.0, 3.0, 9.0, 7.0]));
        // Rows 0 and 2 are of class a, 1 and 3 of class b.
        let c = Matrix::new(vec![1., 0., 0., 1., 1., 0., 0., 1.], 4, 2);
        assert_eq!(coupling.pair(&x_0, &x_1, &c).unwrap(), [2, 1, 0, 3]);
    }

    #[test]
    fn a_small_ratio_pairs_equal_conditions() {
        let kind = CouplingKind::ConditionalTransport;
        let number = ConditionColumn { name: "v".to_string(), categories: None };
        // By distance alone the rows would be exchanged, but their conditions are far apart.
        let (x_0, x_1) = (column(&[1.0, 0.0]), column(&[0.0, 1.0]));
        let c = column(&[-10.0, 10.0]);
        let strict = Coupling::new(kind, std::slice::from_ref(&number), 0.01, false).unwrap();
        assert_eq!(strict.pair(&x_0, &x_1, &c).unwrap(), [0, 1]);
        let lax = Coupling::new(kind, &[number], 1.0, false).unwrap();
        assert_eq!(lax.pair(&x_0, &x_1, &c).unwrap(), [1, 0]);
    }

    #[test]
    fn the_condition_weight_is_that_of_counting_all_pairs() {
        let n = 60;
        let mut rng = generator(0, Stream::Source);
        for (scale, ratio) in
            [(1.0, 0.05), (1e-3, 0.01), (30.0, 0.3), (1e-6, 0.0), (0.0, 0.1), (1.0, 1.0)]
        {
            let mut squares = |scale: f32| {
                let values: Vec<f32> = (0..2 * n).map(|_| scale * rng.random::<f32>()).collect();
                let (a, b) = (Matrix::new(values[..n].to_vec(), n, 1), column(&values[n..]));
                [(&a, &b), (&a, &a)].map(|(a, b)| CostMatrix::between(a, b, Cost::SquaredEuclidean))
            };
            let ([points, _], [_, conditions]) = (squares(1.0), squares(scale));
            let (points, conditions) = (points.values(), conditions.values());
            let part = |weight: f32| {
                let near = (0..n * n).filter(|at| {
                    let (i, j) = (at / n, at % n);
                    i != j && points[*at] + weight * conditions[*at] <= points[j * n + j]
                });
                near.count() as f64 / (n * n - n) as f64
            };
            let (mut low, mut high) = (0.0, if part(0.0) > ratio { 1.0 } else { 0.0 });
            while part(high) > ratio && high < 1e8 {
                (low, high) = (high, 2.0 * high);
            }
            for _ in 0..12 {
                let middle = 0.5 * (low + high);
                if part(middle) > ratio { low = middle } else { high = middle }
            }
            assert_eq!(condition_weight(points, conditions, n, ratio), high, "{scale} {ratio}");
        }
    }

    #[test]
    fn plain_transport_of_a_conditional_model_is_refused_unless_forced() {
        let conditions = [class("k", &["a", "b"])];
        let new = |forced| Coupling::new(CouplingKind::Transport, &conditions, 0.05, forced);
        let error = new(false).unwrap_err().to_string();
        assert!(error.contains("conditional-transport") && error.contains("bends"), "{error}");
        assert!(matches!(new(true).unwrap(), Coupling::Transport));
        assert!(Coupling::new(CouplingKind::Transport, &[], 0.05, false).is_ok());
    }

    #[test]
    fn points_that_are_not_finite_are_refused() {
        let (x_0, x_1) = (column(&[f32::NAN, 0.0]), column(&[0.0, 1.0]));
        let none = Matrix::new(Vec::new(), 2, 0);
        assert!(Coupling::Transport.pair(&x_0, &x_1, &none).is_err());
    }
}
