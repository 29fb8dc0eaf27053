use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::coupling::assignment::Cost;
use crate::data::Matrix;

#[test]
fn the_wasserstein_distance_of_a_shift_is_its_length() {
    let distance = wasserstein_1(&[3.0, 1.0, 2.0], &[1.5, 3.5, 2.5]);
    assert!((distance - 0.5).abs() < 1e-12, "{distance}");
    let a = Matrix::new(vec![0.0, 0.0, 5.0, 1.0, 2.0, 2.0], 3, 2);
    let shifted = Matrix::new(vec![5.0, 6.0, 8.0, 5.0, 3.0, 4.0], 3, 2);
    let Distances { w1, w2, w2_squared, .. } = Distances::between(&a, &shifted);
    assert!((w1 - 5.0).abs() < 1e-12 && (w2 - 5.0).abs() < 1e-12, "{w1} {w2}");
    assert!((w2_squared - 25.0).abs() < 1e-12);
    assert!((transport_cost(&a, &shifted, Cost::Cityblock) - 7.0).abs() < 1e-12);
}

#[test]
fn the_energy_distance_of_two_points_is_known() {
    let a = Matrix::new(vec![0.0, 0.0], 1, 2);
    let b = Matrix::new(vec![3.0, 4.0], 1, 2);
    assert!((energy(&a, &b) - 10.0_f64.sqrt()).abs() < 1e-12);
    assert_eq!(energy(&a, &a), 0.0);
    assert!(energy(&a, &Matrix::new(vec![f32::NAN, 0.0], 1, 2)).is_nan());
    assert!(energy(&Matrix::new(vec![f32::NAN], 1, 1), &Matrix::new(vec![0.0], 1, 1)).is_nan());
}

#[test]
fn in_one_column_the_energy_distance_matches_the_formula_over_all_pairs() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut draw = |n: usize| -> Vec<f32> {
        (0..n).map(|_| rng.random_range(-20..20_i32) as f32 * 0.1).collect()
    };
    let (a, b) = (draw(50), draw(70));
    let beside_zeros = |values: &[f32]| {
        let values: Vec<f32> = values.iter().flat_map(|&x| [x, 0.0]).collect();
        let rows = values.len() / 2;
        Matrix::new(values, rows, 2)
    };
    let on_a_line = energy(&Matrix::new(a.clone(), 50, 1), &Matrix::new(b.clone(), 70, 1));
    let over_all_pairs = energy(&beside_zeros(&a), &beside_zeros(&b));
    assert!((on_a_line / over_all_pairs - 1.0).abs() < 1e-12, "{on_a_line} {over_all_pairs}");
}

#[test]
fn in_two_dimensions_the_squared_sliced_distance_of_a_shift_is_half_its_square() {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let a: Vec<f32> = (0..400).map(|_| rng.random()).collect();
    let shifted: Vec<f32> = a.chunks(2).flat_map(|x| [x[0] + 3.0, x[1] + 4.0]).collect();
    let distance = sliced(&Matrix::new(a, 200, 2), &Matrix::new(shifted, 200, 2));
    assert!((distance / 12.5_f64.sqrt() - 1.0).abs() < 0.1, "{distance}");
}

#[test]
fn the_nearest_row_is_found() {
    let a = Matrix::new(vec![0.0, 10.0], 2, 1);
    let b = Matrix::new(vec![7.0, -1.0, 30.0], 3, 1);
    assert_eq!(nearest(&a, &b), [1.0, 3.0]);
}
