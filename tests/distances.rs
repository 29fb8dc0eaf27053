//! Distances compared with those of SciPy and POT for the same points, which `tests/distances/make.py` wrote to
//! `distances.json`.

use flowlet_trainer::coupling::assignment::Cost;
use flowlet_trainer::data::Matrix;
use flowlet_trainer::judge::distance::{Distances, energy, transport_cost, wasserstein_1};
use serde_json::Value;

/// The same points as in `make.py`.
fn points(n: u64, d: u64, seed: u64) -> Matrix {
    let value = |k: u64| (k * 40503 + k * k * 31 + seed * 7919) % 65536;
    let values = (0..n * d).map(|k| value(k) as f32 / 8192.0 - 4.0).collect();
    Matrix::new(values, n as usize, d as usize)
}

#[test]
fn distances_match_scipy_and_pot() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("distances/distances.json")).unwrap();
    for case in &cases {
        let size = |name: &str| case[name].as_u64().unwrap();
        let (n, d) = (size("n"), size("d"));
        let (a, b) = (points(n, d, 1), points(n, d, 2));
        let Distances { w1, w2, w2_squared, .. } = Distances::between(&a, &b);
        let w1_cityblock = transport_cost(&a, &b, Cost::Cityblock);
        for (name, found) in [
            ("w1", w1),
            ("w1_cityblock", w1_cityblock),
            ("w2_squared", w2_squared),
            ("w2_squared", w2 * w2),
            ("energy", energy(&a, &b)),
        ] {
            let expected = case[name].as_f64().unwrap();
            let difference = (found / expected - 1.0).abs();
            assert!(difference < 1e-6, "{name} of {n} × {d}: {found}, expected {expected}");
        }
        if d == 1 {
            assert!((wasserstein_1(a.values(), b.values()) / w1 - 1.0).abs() < 1e-12);
        }
    }
    assert_eq!(cases.len(), 6);
}
