//! The golden steps in an integer model's file, which a program checks when it starts.

use std::collections::BTreeMap;

use super::integer::IntegerModel;
use super::numbers::{points, user_units};
use super::reference::{Reference, TIME_BITS};
use crate::coupling::dataset::Units;
use crate::data::Matrix;
use crate::disk::tensor_file::Block;
use crate::solve::sampling;
use flowlet::SolverKind;

/// The number of golden steps in a file. The last one starts at the ends of the state's range.
const STEPS: usize = 4;

/// Returns the tensors of the golden steps of `model`, whose units in floats are `units`.
pub fn tensors(model: &IntegerModel, units: &Units) -> BTreeMap<String, Block> {
    let (d, c) = (model.shape.data_dim, model.shape.condition_dim);
    let mut x = points(&sampling::noise(0, STEPS, d));
    for (k, x) in x[(STEPS - 1) * d..].iter_mut().enumerate() {
        *x = if k % 2 == 0 { i32::MAX } else { i32::MIN };
    }
    let mut condition = Matrix::new(Vec::new(), STEPS, 0);
    if c > 0 {
        condition = sampling::noise(1, STEPS, c);
        units.condition.backward(&mut condition);
    }
    let condition = user_units(&condition, model.condition_units.bits);
    let dt = 1 << (TIME_BITS - 2);
    let t: Vec<i32> = (0..STEPS as i32).map(|step| step * dt).collect();
    let next = (0..STEPS).flat_map(|step| {
        let field = Reference::new(model, &condition[step * c..][..c]);
        let path = field.path(SolverKind::Euler, &[t[step], t[step] + dt], &x[step * d..][..d]);
        path[d..].to_vec()
    });
    let next: Vec<i32> = next.collect();
    let mut tensors = BTreeMap::new();
    let mut insert = |name: &str, shape: &[usize], values: &[i32]| {
        tensors.insert(format!("self_test.{name}"), Block::i32(shape, values));
    };
    insert("t", &[STEPS], &t);
    insert("dt", &[STEPS], &[dt; STEPS]);
    insert("x", &[STEPS, d], &x);
    if c > 0 {
        insert("condition", &[STEPS, c], &condition);
    }
    insert("next", &[STEPS, d], &next);
    tensors
}
