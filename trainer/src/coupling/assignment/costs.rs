//! Costs of matching points: the distances between them, or a given matrix.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::data::Matrix;

/// The cost of matching two points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cost {
    /// The squared distance: the least mean cost is W₂².
    SquaredEuclidean,
    /// The distance: the least mean cost is W₁.
    Euclidean,
    /// The sum of the absolute differences of the coordinates: W₁ of that metric.
    Cityblock,
}

/// A square matrix of costs, stored or computed on demand.
pub(super) trait Costs {
    /// The number of rows, which is that of columns.
    fn len(&self) -> usize;
    fn at(&self, i: usize, j: usize) -> f32;
    /// Returns the costs of row `i`, with the same bits as [`Self::at`]. Computed costs are written to
    /// `buffer` (`[n]`).
    fn row<'b>(&'b self, i: usize, buffer: &'b mut [f32]) -> &'b [f32];
    /// Returns the costs of some rows and as many columns.
    fn part(&self, rows: &[usize], columns: &[usize]) -> Self;
    fn to_matrix(&self) -> CostMatrix;
}

/// A square matrix of costs, `[n][n]`, any finite numbers: for costs that are not a distance between points.
///
/// For example, conditional optimal transport adds a penalty for different conditions to the squared
/// distance:
///
/// ```
/// use flowlet_trainer::coupling::assignment::{Cost, CostMatrix, assign_dense};
/// use flowlet_trainer::data::Matrix;
///
/// let points = |values: [f32; 4]| Matrix::new(values.to_vec(), 2, 2);
/// let (x_0, x_1) = (points([0.0, 0.0, 1.0, 1.0]), points([1.0, 1.1, 0.0, 0.1]));
/// let mut costs = CostMatrix::between(&x_0, &x_1, Cost::SquaredEuclidean);
/// assert_eq!(assign_dense(&costs), [1, 0]);
///
/// let c = points([0.0, 1.0, 1.0, 0.0]);
/// costs.add(100.0, &CostMatrix::between(&c, &c, Cost::Euclidean));
/// assert_eq!(assign_dense(&costs), [0, 1]);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct CostMatrix {
    n: usize,
    values: Vec<f32>,
}

impl CostMatrix {
    /// Makes a matrix from its costs in row-major order.
    ///
    /// # Panics
    ///
    /// Panics if `values` has not `n · n` elements.
    pub fn new(n: usize, values: Vec<f32>) -> Self {
        assert_eq!(values.len(), n * n, "expected {n} rows of {n} costs");
        Self { n, values }
    }

    /// Computes the costs between all rows of `a` and all rows of `b`.
    ///
    /// # Panics
    ///
    /// Panics if `a` and `b` differ in size.
    pub fn between(a: &Matrix, b: &Matrix, cost: Cost) -> Self {
        assert_eq!(
            (a.rows(), a.columns()),
            (b.rows(), b.columns()),
            "the sets of points differ in size"
        );
        let points = PointCosts {
            n: a.rows(),
            data_dim: a.columns(),
            a: a.values().to_vec(),
            b: transpose(b.values(), b.columns()),
            cost,
        };
        points.to_matrix()
    }

    /// Adds `weight` times the costs of `others`.
    ///
    /// # Panics
    ///
    /// Panics if the matrices differ in size.
    pub fn add(&mut self, weight: f32, others: &Self) {
        assert_eq!(self.n, others.n, "the cost matrices differ in size");
        self.values
            .iter_mut()
            .zip(&others.values)
            .for_each(|(cost, other)| *cost += weight * other);
    }

    /// Returns all costs in row-major order.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    pub(super) fn are_finite(&self) -> bool {
        self.values.iter().all(|cost| cost.is_finite())
    }
}

impl Costs for CostMatrix {
    fn len(&self) -> usize {
        self.n
    }

    fn at(&self, i: usize, j: usize) -> f32 {
        self.values[i * self.n + j]
    }

    fn row<'b>(&'b self, i: usize, _: &'b mut [f32]) -> &'b [f32] {
        &self.values[i * self.n..][..self.n]
    }

    fn part(&self, rows: &[usize], columns: &[usize]) -> Self {
        let values =
            rows.iter().flat_map(|&i| columns.iter().map(move |&j| self.at(i, j))).collect();
        Self { n: rows.len(), values }
    }

    fn to_matrix(&self) -> CostMatrix {
        self.clone()
    }
}

/// Costs between two sets of points, computed on demand.
pub(super) struct PointCosts {
    n: usize,
    data_dim: usize,
    /// `[n][D]`
    a: Vec<f32>,
    /// `[D][n]`: transposed, so that a row of costs is computed with vectors over `n`.
    b: Vec<f32>,
    cost: Cost,
}

impl PointCosts {
    /// Centres and scales the points, so that costs stay well inside the range of f32, and small
    /// differences are not lost under a large common offset. The optimal assignment stays the same: scaling
    /// multiplies every cost by one factor, and a common shift changes no cost. With squared costs each
    /// set is centred separately, which changes the totals of all assignments by the same amount.
    pub(super) fn new(a: &Matrix, b: &Matrix, cost: Cost) -> Self {
        let data_dim = a.columns();
        let mean = |points: &Matrix, column: usize| {
            let cells = points.values().iter().skip(column).step_by(data_dim);
            cells.map(|&x| f64::from(x)).sum::<f64>() / points.rows() as f64
        };
        let centres = |points| (0..data_dim).map(|column| mean(points, column)).collect::<Vec<_>>();
        let [of_a, of_b] = match cost {
            Cost::SquaredEuclidean => [centres(a), centres(b)],
            Cost::Euclidean | Cost::Cityblock => [centres(b), centres(b)],
        };
        let centred = |points: &Matrix, centres: &[f64]| -> Vec<f64> {
            let cells = points.values().iter().zip(centres.iter().cycle());
            cells.map(|(&x, centre)| f64::from(x) - centre).collect()
        };
        let (a_values, b_values) = (centred(a, &of_a), centred(b, &of_b));
        let largest = a_values.iter().chain(&b_values).fold(0.0_f64, |most, x| most.max(x.abs()));
        // A power of two: scaling rounds nothing.
        let scale = if largest > 0.0 { (-largest.log2().ceil()).exp2() } else { 1.0 };
        let scaled =
            |values: Vec<f64>| values.iter().map(|x| (x * scale) as f32).collect::<Vec<_>>();
        let b = transpose(&scaled(b_values), data_dim);
        Self { n: a.rows(), data_dim, a: scaled(a_values), b, cost }
    }

    /// Writes the costs of row `i` to `row` (`[n]`).
    fn fill(&self, i: usize, row: &mut [f32]) {
        /// Number of columns that are summed over all coordinates at a time, so that their sums stay in the
        /// L1 cache.
        const CHUNK: usize = 512;
        let a = &self.a[i * self.data_dim..][..self.data_dim];
        for (chunk, row) in row.chunks_mut(CHUNK).enumerate() {
            row.fill(0.0);
            for (k, &a) in a.iter().enumerate() {
                let b = &self.b[k * self.n + chunk * CHUNK..][..row.len()];
                match self.cost {
                    Cost::SquaredEuclidean | Cost::Euclidean => {
                        row.iter_mut().zip(b).for_each(|(sum, &b)| *sum += (a - b) * (a - b));
                    }
                    Cost::Cityblock => {
                        row.iter_mut().zip(b).for_each(|(sum, &b)| *sum += (a - b).abs());
                    }
                }
            }
            if self.cost == Cost::Euclidean {
                row.iter_mut().for_each(|sum| *sum = sum.sqrt());
            }
        }
    }
}

impl Costs for PointCosts {
    fn len(&self) -> usize {
        self.n
    }

    fn at(&self, i: usize, j: usize) -> f32 {
        let a = &self.a[i * self.data_dim..][..self.data_dim];
        let differences = a.iter().enumerate().map(|(k, &a)| a - self.b[k * self.n + j]);
        match self.cost {
            Cost::SquaredEuclidean => differences.fold(0.0, |sum, d| sum + d * d),
            Cost::Euclidean => differences.fold(0.0, |sum, d| sum + d * d).sqrt(),
            Cost::Cityblock => differences.fold(0.0, |sum, d| sum + d.abs()),
        }
    }

    fn row<'b>(&'b self, i: usize, buffer: &'b mut [f32]) -> &'b [f32] {
        self.fill(i, buffer);
        buffer
    }

    fn part(&self, rows: &[usize], columns: &[usize]) -> Self {
        let d = self.data_dim;
        let a = rows.iter().flat_map(|&i| &self.a[i * d..][..d]).copied().collect();
        let b = (0..d).flat_map(|k| columns.iter().map(move |&j| self.b[k * self.n + j])).collect();
        Self { n: rows.len(), data_dim: d, a, b, cost: self.cost }
    }

    fn to_matrix(&self) -> CostMatrix {
        let mut values = vec![0.0; self.n * self.n];
        for (i, row) in values.chunks_exact_mut(self.n.max(1)).enumerate() {
            self.fill(i, row);
        }
        CostMatrix { n: self.n, values }
    }
}

/// Returns the transpose of a row-major matrix.
fn transpose(values: &[f32], columns: usize) -> Vec<f32> {
    (0..columns).flat_map(|k| values.iter().skip(k).step_by(columns)).copied().collect()
}

/// Draws `count` of `n` rows and, independently, as many columns. They are random because the order of
/// the points may have a meaning.
pub(super) fn samples(n: usize, count: usize) -> [Vec<usize>; 2] {
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    [0, 1].map(|_| rand::seq::index::sample(&mut rng, n, count).into_vec())
}
