//! Standardisation of columns to flow units: mean 0 and standard deviation 1.

use super::conditions::ConditionColumn;
use super::matrix::Matrix;

/// The scale and mean of each column: user units = flow units · scale + mean.
#[derive(Clone, Debug, PartialEq)]
pub struct Standardization {
    /// The mean, `[columns]`.
    pub mean: Vec<f32>,
    /// The scale, `[columns]`, above 0; 0 for a column of data that is constant.
    pub scale: Vec<f32>,
}

impl Standardization {
    /// Returns the identity, which changes no value.
    pub fn identity(columns: usize) -> Self {
        Self { mean: vec![0.0; columns], scale: vec![1.0; columns] }
    }

    /// Whether it is the identity.
    pub fn is_identity(&self) -> bool {
        self.mean.iter().all(|&mean| mean == 0.0) && self.scale.iter().all(|&scale| scale == 1.0)
    }

    /// Returns the mean and standard deviation of each column, and the indices of the constant columns. A
    /// constant column has the scale 0, so that it comes out as its mean exactly.
    ///
    /// # Panics
    ///
    /// Panics if there are columns but no rows.
    pub fn fit(values: &Matrix) -> (Self, Vec<usize>) {
        let mut fitted = Self::identity(values.columns());
        let mut constant = Vec::new();
        for column in 0..values.columns() {
            let cells = || (0..values.rows()).map(|row| f64::from(values.row(row)[column]));
            let n = values.rows() as f64;
            let mean = cells().sum::<f64>() / n;
            let variance = cells().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n;
            let first = values.row(0)[column];
            if cells().all(|x| x == f64::from(first)) {
                // Without the sign of zero, which the sign of a sample would decide.
                fitted.mean[column] = first + 0.0;
                fitted.scale[column] = 0.0;
                constant.push(column);
                continue;
            }
            fitted.mean[column] = mean as f32;
            let scale = variance.sqrt() as f32;
            // A scale below the smallest normal number would make a division by it overflow or lose digits.
            if scale.is_normal() {
                fitted.scale[column] = scale;
            } else {
                fitted.scale[column] = 0.0;
                constant.push(column);
            }
        }
        (fitted, constant)
    }

    /// Returns the standardisation of conditions. One-hot columns stay unchanged; constant columns have the
    /// scale 1, since other values than theirs may be given.
    pub fn fit_conditions(values: &Matrix, conditions: &[ConditionColumn]) -> Self {
        let (mut fitted, constant) = Self::fit(values);
        constant.into_iter().for_each(|column| fitted.scale[column] = 1.0);
        for (columns, condition) in ConditionColumn::with_columns(conditions) {
            if condition.categories.is_some() {
                fitted.mean[columns.clone()].fill(0.0);
                fitted.scale[columns].fill(1.0);
            }
        }
        fitted
    }

    /// Converts flow units to the user's units: `x · scale + mean`, with the runtime's operations.
    pub fn backward(&self, values: &mut Matrix) {
        for row in values.rows_mut() {
            for ((x, mean), scale) in row.iter_mut().zip(&self.mean).zip(&self.scale) {
                *x = *x * scale + mean;
            }
        }
    }

    /// Converts the user's units to flow units: `(x − mean) ÷ scale`, or 0 if the scale is 0, with the runtime's
    /// operations.
    pub fn forward(&self, values: &mut Matrix) {
        for row in values.rows_mut() {
            for ((x, mean), scale) in row.iter_mut().zip(&self.mean).zip(&self.scale) {
                *x = if *scale == 0.0 { 0.0 } else { (*x - mean) / scale };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_get_mean_0_and_standard_deviation_1() {
        let mut values = Matrix::new(vec![1.0, 10.0, 3.0, 30.0], 2, 2);
        let (fitted, constant) = Standardization::fit(&values);
        assert_eq!((&fitted.mean[..], &fitted.scale[..]), (&[2.0, 20.0][..], &[1.0, 10.0][..]));
        assert!(constant.is_empty());
        fitted.forward(&mut values);
        assert_eq!(values.values(), [-1.0, -1.0, 1.0, 1.0]);
    }

    #[test]
    fn a_constant_column_comes_back_exactly_and_is_reported() {
        // The mean of three times 0.1 is not exactly 0.1. The difference must not become a tiny scale.
        let values = Matrix::new(vec![0.1, 1.0, 0.1, 2.0, 0.1, 3.0], 3, 2);
        let (fitted, constant) = Standardization::fit(&values);
        assert_eq!(constant, [0]);
        assert_eq!((fitted.mean[0], fitted.scale[0]), (0.1, 0.0));
        let mut flow = values.clone();
        fitted.forward(&mut flow);
        assert!((0..3).all(|row| flow.row(row)[0] == 0.0));
        let mut back = Matrix::new(vec![-1.7, 0.0, 1e30, 0.0], 2, 2);
        fitted.backward(&mut back);
        assert!((0..2).all(|row| back.row(row)[0] == 0.1));
        // A constant condition may have another value later.
        let number = ConditionColumn { name: "v".into(), categories: None };
        let fitted = Standardization::fit_conditions(&values, &[number.clone(), number]);
        assert_eq!((fitted.mean[0], fitted.scale[0]), (0.1, 1.0));
    }

    #[test]
    fn one_hot_columns_stay_as_they_are() {
        let conditions = [
            ConditionColumn { name: "k".into(), categories: Some(vec!["a".into(), "b".into()]) },
            ConditionColumn { name: "v".into(), categories: None },
        ];
        let values = Matrix::new(vec![1.0, 0.0, 2.0, 0.0, 1.0, 4.0], 2, 3);
        let fitted = Standardization::fit_conditions(&values, &conditions);
        assert_eq!(fitted.mean, [0.0, 0.0, 3.0]);
        assert_eq!(fitted.scale, [1.0, 1.0, 1.0]);
    }
}
