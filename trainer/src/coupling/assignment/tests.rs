use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

use super::*;
use crate::data::preset;

const COSTS: [Cost; 3] = [Cost::SquaredEuclidean, Cost::Euclidean, Cost::Cityblock];

fn normal(n: usize, data_dim: usize, seed: u64) -> Matrix {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let values = (0..n * data_dim).map(|_| rng.sample(StandardNormal)).collect();
    Matrix::new(values, n, data_dim)
}

/// Checks that the assignment is a permutation, and that the prices prove it optimal.
fn check(costs: &impl Costs, Solution { column_of, price }: &Solution) {
    let n = costs.len();
    let mut taken = vec![false; n];
    column_of.iter().for_each(|&j| assert!(!std::mem::replace(&mut taken[j], true), "{j} twice"));
    let largest =
        (0..n).flat_map(|i| (0..n).map(move |j| costs.at(i, j).abs())).fold(0.0, f32::max);
    for (i, &own) in column_of.iter().enumerate() {
        let content = f64::from(costs.at(i, own)) - price[own];
        for (j, price) in price.iter().enumerate() {
            let below = content - (f64::from(costs.at(i, j)) - price);
            assert!(below <= 1e-12 * f64::from(largest), "row {i} prefers {j} by {below}");
        }
    }
}

fn check_points(a: &Matrix, b: &Matrix) {
    for cost in COSTS {
        let costs = PointCosts::new(a, b, cost);
        check(&costs, &solve(&costs));
        // Stored and computed costs give the same assignment.
        assert_eq!(solve(&costs).column_of, solve(&costs.to_matrix()).column_of);
    }
}

#[test]
fn prices_prove_that_no_assignment_costs_less() {
    for (n, data_dim) in [(2, 2), (3, 1), (21, 2), (100, 3), (400, 2), (400, 17)] {
        check_points(&normal(n, data_dim, 1), &normal(n, data_dim, 2));
    }
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    for name in ["moons", "8gaussians", "checkerboard"] {
        let target = preset(name).unwrap().draw(300, false, &mut rng).x;
        check_points(&normal(300, 2, 4), &target);
    }
}

#[test]
fn repeated_distant_and_identical_points_are_assigned_optimally() {
    let a = normal(300, 2, 1);
    check_points(&a, &a);
    let rounded = |points: Matrix| {
        let values = points.values().iter().map(|x| x.round()).collect();
        Matrix::new(values, points.rows(), points.columns())
    };
    check_points(&rounded(normal(300, 2, 5)), &rounded(normal(300, 2, 6)));
    check_points(&a, &Matrix::new(vec![1.0; 600], 300, 2));
    for far in [1e4, 1e30, 1e-30] {
        let mut values = normal(300, 2, 7).values().to_vec();
        values[10] = far;
        check_points(&a, &Matrix::new(values.clone(), 300, 2));
        values.iter_mut().for_each(|x| *x = *x * far.min(1e3) + far);
        check_points(&a, &Matrix::new(values, 300, 2));
    }
}

#[test]
fn equal_sets_are_matched_at_no_cost() {
    let a = normal(500, 3, 1);
    let shuffled: Vec<usize> = (0..500).map(|i| i * 7 % 500).collect();
    let assigned = assign(&a, &a.select(&shuffled), Cost::SquaredEuclidean);
    assert!((0..500).all(|i| shuffled[assigned[i]] == i));
}

#[test]
fn no_permutation_of_four_rows_costs_less() {
    let mut rng = ChaCha8Rng::seed_from_u64(8);
    for _ in 0..200 {
        let values: Vec<f32> = (0..16).map(|_| rng.random_range(-3..4_i32) as f32).collect();
        let costs = CostMatrix::new(4, values);
        let total = |columns: &[usize]| -> f32 {
            columns.iter().enumerate().map(|(i, &j)| costs.at(i, j)).sum()
        };
        let all = (0..256).map(|k| [k & 3, (k >> 2) & 3, (k >> 4) & 3, (k >> 6) & 3]);
        let least = all
            .filter(|columns| (0..4).all(|j| columns.contains(&j)))
            .map(|columns| total(&columns))
            .fold(f32::INFINITY, f32::min);
        assert_eq!(total(&assign_dense(&costs)), least);
    }
}

#[test]
fn on_a_line_sorting_gives_the_auctions_assignment() {
    let (a, b) = (normal(200, 1, 1), normal(200, 1, 2));
    let costs = PointCosts::new(&a, &b, Cost::SquaredEuclidean);
    assert_eq!(assign(&a, &b, Cost::SquaredEuclidean), solve(&costs).column_of);
}

#[test]
fn single_costs_have_the_bits_of_their_row() {
    let (a, b) = (normal(30, 5, 1), normal(30, 5, 2));
    for cost in COSTS {
        let costs = PointCosts::new(&a, &b, cost);
        let mut row = vec![0.0; 30];
        for i in 0..30 {
            let at: Vec<f32> = (0..30).map(|j| costs.at(i, j)).collect();
            assert_eq!(costs.row(i, &mut row), at);
        }
    }
}

#[test]
fn zero_points_and_one_point_are_assigned() {
    for data_dim in 0..3 {
        for n in 0..2 {
            let points = Matrix::new(vec![0.5; n * data_dim], n, data_dim);
            assert_eq!(assign(&points, &points, Cost::Euclidean), (0..n).collect::<Vec<_>>());
        }
    }
}

#[test]
#[should_panic(expected = "finite")]
fn points_that_are_not_finite_are_refused() {
    let a = Matrix::new(vec![0.0, f32::NAN, 1.0, 1.0], 2, 2);
    assign(&a, &a, Cost::Euclidean);
}
