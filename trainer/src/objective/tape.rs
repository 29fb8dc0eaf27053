//! A record of how a batch's points were computed, from which gradients are computed backwards.

use std::cell::RefCell;

use anyhow::Result;

use super::field::{moved, write_inputs};
use crate::data::Matrix;
use crate::network::{Packed, Pass};
use crate::solve::textbook::Space;

/// Points and velocities (`[B, D]`), each after those that it was computed from, and the network's passes.
#[derive(Debug, Default)]
pub(super) struct Tape {
    values: Vec<Value>,
    /// The passes of this batch, then memory that earlier batches left.
    passes: Vec<Pass>,
    used: usize,
}

#[derive(Debug)]
struct Value {
    numbers: Vec<f32>,
    origin: Origin,
}

/// How a value was computed. Values and passes are named by their indices.
#[derive(Debug)]
enum Origin {
    /// It belongs to the batch.
    Given,
    /// The network's output at `x`.
    Velocity { pass: usize, x: usize },
    /// `x` plus the sum of velocities, each times its factor.
    Moved { x: usize, by: Vec<(f32, usize)> },
}

/// The index of a value.
pub(super) type Index = usize;

impl Tape {
    /// Forgets the batch, but keeps the memory.
    pub(super) fn clear(&mut self) {
        self.values.clear();
        self.used = 0;
    }

    /// Adds a point of the batch.
    pub(super) fn give(&mut self, numbers: Vec<f32>) -> Index {
        self.add(numbers, Origin::Given)
    }

    /// The numbers of a value, `[B, D]`.
    pub(super) fn numbers(&self, index: Index) -> &[f32] {
        &self.values[index].numbers
    }

    fn add(&mut self, numbers: Vec<f32>, origin: Origin) -> Index {
        self.values.push(Value { numbers, origin });
        self.values.len() - 1
    }

    /// Adds the velocities at `x`, at the time `t(row)` of each row, under `c` (`[B, C]`).
    pub(super) fn velocity(
        &mut self,
        packed: &Packed,
        t: impl Fn(usize) -> f32,
        x: Index,
        c: &Matrix,
    ) -> Index {
        let (shape, rows) = (packed.shape(), c.rows());
        if self.passes.get(self.used).is_none_or(|pass| pass.rows() != rows) {
            self.passes.truncate(self.used);
            self.passes.push(Pass::new(shape, rows));
        }
        let pass = &mut self.passes[self.used];
        let points = self.values[x].numbers.chunks_exact(shape.data_dim);
        for (row, (inputs, x)) in pass.inputs_mut().zip(points).enumerate() {
            write_inputs(inputs, t(row), x, c.row(row));
        }
        pass.forward(packed);
        let numbers = pass.outputs().flatten().copied().collect();
        self.used += 1;
        self.add(numbers, Origin::Velocity { pass: self.used - 1, x })
    }

    fn moved(&mut self, x: Index, by: Vec<(f32, Index)>) -> Index {
        let velocities = by.iter().map(|&(factor, v)| (factor, self.numbers(v)));
        let numbers = moved(self.numbers(x), velocities);
        self.add(numbers, Origin::Moved { x, by })
    }

    /// Writes to `weights` the gradient of the weights, where `gradient` is that of the value `last`.
    pub(super) fn backward(
        &mut self,
        packed: &Packed,
        last: Index,
        gradient: Vec<f32>,
        weights: &mut [f32],
    ) {
        let (data, mut adds) = (packed.shape().data_dim, false);
        let mut gradients = vec![None; last + 1];
        gradients[last] = Some(gradient);
        for index in (0..=last).rev() {
            let Some(gradient) = gradients[index].take() else { continue };
            match &self.values[index].origin {
                Origin::Given => {}
                Origin::Moved { x, by } => {
                    for &(factor, v) in by {
                        add(&mut gradients[v], gradient.iter().map(|d| d * factor));
                    }
                    add(&mut gradients[*x], gradient.into_iter());
                }
                Origin::Velocity { pass, x } => {
                    let depends = !matches!(self.values[*x].origin, Origin::Given);
                    let pass = &mut self.passes[*pass];
                    pass.backward(packed, &gradient, depends);
                    pass.weight_gradients(weights, adds);
                    adds = true;
                    if depends {
                        let inputs = pass.input_gradients();
                        add(&mut gradients[*x], inputs.flat_map(|row| &row[1..=data]).copied());
                    }
                }
            }
        }
        if !adds {
            // No velocity was computed on the way.
            weights.fill(0.0);
        }
    }
}

/// Adds `terms` to a sum that is 0 if it is absent.
fn add(sum: &mut Option<Vec<f32>>, terms: impl Iterator<Item = f32>) {
    match sum {
        None => *sum = Some(terms.collect()),
        Some(sum) => sum.iter_mut().zip(terms).for_each(|(sum, term)| *sum += term),
    }
}

/// A network's velocity field under conditions `c` (`[B, C]`). Records each velocity and each point on
/// `tape`.
pub(super) struct Recorded<'a> {
    pub(super) packed: &'a Packed,
    pub(super) c: &'a Matrix,
    pub(super) tape: RefCell<&'a mut Tape>,
}

impl Space for Recorded<'_> {
    type Point = Index;

    fn velocity(&self, t: f64, x: &Index) -> Result<Index> {
        Ok(self.tape.borrow_mut().velocity(self.packed, |_| t as f32, *x, self.c))
    }

    fn moved(&self, x: &Index, by: &[(f64, &Index)]) -> Result<Index> {
        let by = by.iter().map(|(factor, v)| (*factor as f32, **v)).collect();
        Ok(self.tape.borrow_mut().moved(*x, by))
    }
}
