//! Estimates the flash, RAM and instructions of a model of any shape on a chip, from measurements of the
//! `mixture` model.

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::network::Shape;

/// The measurements, written by `tests/firmware/run --write`.
const MEASURED: &str = include_str!("cost/measured.csv");

/// The hidden width H of the measured model, `mixture`. It has D = 1 and C = 0.
const MEASURED_WIDTH: usize = 64;

/// A line of the measurements.
#[derive(Debug, Deserialize)]
struct Measured {
    target: String,
    opt: String,
    image: usize,
    ram: usize,
    stack: usize,
    per_multiply_add: f64,
    gelu: f64,
    gelu_tanh: f64,
    silu: f64,
    selu: f64,
    tanh: f64,
    relu: f64,
    elu: f64,
    mish: f64,
}

/// The estimated cost of a model on one target at one optimisation level.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimate {
    /// The target triple.
    pub target: String,
    /// The optimisation level.
    pub opt: String,
    /// Flash in bytes: the weights and the rest of a program that only samples.
    pub flash: usize,
    /// RAM in bytes: static data and the deepest stack.
    pub ram: usize,
    /// Instructions of one evaluation, as counted by an emulator.
    pub instructions: usize,
}

/// Returns an estimate for each measured target and optimisation level.
///
/// For the `mixture` model the estimates are the measurements. For the other committed models they are within 4 % of
/// the measurements at opt-level 3, and up to 7 % too low at s and z. A width that is not a multiple of 16 costs up to
/// a fifth more on a chip without vectors, which computes 16 outputs at a time (8 on a RISC-V).
///
/// # Errors
///
/// Returns an error if the built-in measurements are not a valid table.
pub fn estimates(shape: &Shape) -> Result<Vec<Estimate>> {
    let mut reader = csv::Reader::from_reader(MEASURED.as_bytes());
    reader
        .deserialize()
        .map(|line| line.context("trainer/src/model/cost/measured.csv"))
        .map(|line: Result<Measured>| Ok(line?.estimate(shape)))
        .collect()
}

/// Returns the estimate at opt-level 3 for the target whose name is, or begins with, `chip`.
///
/// # Errors
///
/// Returns an error that lists the targets if none or several match.
pub fn on_chip(shape: &Shape, chip: &str) -> Result<Estimate> {
    let all: Vec<Estimate> = estimates(shape)?.into_iter().filter(|one| one.opt == "3").collect();
    let own = |one: &&Estimate| one.target == chip || one.target.split('-').next() == Some(chip);
    let found: Vec<&Estimate> = all.iter().filter(own).collect();
    let [one] = found[..] else {
        let names: Vec<&str> = all.iter().map(|one| one.target.as_str()).collect();
        bail!("no measured chip is called {chip}: expected one of {}", names.join(", "));
    };
    Ok(one.clone())
}

/// Returns the size of an `Mlp` in bytes: weights, biases, and the units of data and conditions.
pub fn weights(shape: &Shape) -> usize {
    4 * (shape.parameters() + 2 * shape.data_dim + 2 * shape.condition_dim)
}

/// Returns the multiply-adds of one evaluation.
pub fn multiply_adds(shape: &Shape) -> usize {
    shape.layers().iter().map(|[inputs, outputs]| inputs * outputs).sum()
}

/// Returns the activations of one evaluation.
pub fn activations(shape: &Shape) -> usize {
    shape.hidden_width * (shape.hidden_layers + 1)
}

impl Measured {
    fn estimate(self, shape: &Shape) -> Estimate {
        use flowlet::ActivationKind::{Elu, Gelu, GeluTanh, Mish, Relu, Selu, Silu, Tanh};
        let per_activation = match shape.activation {
            Gelu => self.gelu,
            GeluTanh => self.gelu_tanh,
            Silu => self.silu,
            Selu => self.selu,
            Tanh => self.tanh,
            Relu => self.relu,
            Elu => self.elu,
            Mish => self.mish,
            kind => unreachable!("the trainer does not know the activation {kind}"),
        };
        let instructions = multiply_adds(shape) as f64 * self.per_multiply_add
            + activations(shape) as f64 * per_activation;
        // The stack grows by two layers of hidden units, with conditions by the first layer's prefix, and by
        // the copies of a point and a condition, whose sizes were measured.
        let (width, points) = (shape.hidden_width, shape.data_dim - 1);
        let point = 16 * points + if points > 0 { 24 } else { 0 };
        let condition = if shape.condition_dim > 0 { 4 * width + 32 } else { 0 };
        let stack = self.stack + 8 * width + point + condition;
        Estimate {
            target: self.target,
            opt: self.opt,
            flash: self.image + weights(shape),
            ram: self.ram + stack.saturating_sub(8 * MEASURED_WIDTH),
            instructions: instructions.round() as usize,
        }
    }
}

#[cfg(test)]
mod tests {
    use flowlet::ActivationKind;

    use super::*;

    const MIXTURE: Shape = Shape {
        data_dim: 1,
        condition_dim: 0,
        hidden_width: 64,
        hidden_layers: 1,
        activation: ActivationKind::Gelu,
    };

    #[test]
    fn the_estimate_for_the_mixture_is_the_measurement() {
        let mut lines = csv::Reader::from_reader(MEASURED.as_bytes());
        let lines: Vec<csv::StringRecord> = lines.records().map(Result::unwrap).collect();
        let estimates = estimates(&MIXTURE).unwrap();
        assert_eq!(estimates.len(), lines.len());
        for (estimate, line) in estimates.iter().zip(&lines) {
            let number = |column: usize| line[column].parse::<usize>().unwrap();
            assert_eq!(estimate.flash, number(5) + 17_676, "{}", estimate.target);
            assert_eq!(estimate.ram, number(6) + number(7), "{}", estimate.target);
            let (found, measured) = (estimate.instructions as f64, number(8) as f64);
            assert!((found / measured - 1.0).abs() < 1e-3, "{}: {found}", estimate.target);
        }
    }

    /// `tests/firmware/run` measured these numbers on the M4F at opt-level 3.
    #[test]
    fn estimates_for_other_shapes_are_near_their_measurements() {
        let shape = |data_dim, condition_dim| Shape { data_dim, condition_dim, ..MIXTURE };
        for (shape, instructions, ram) in
            [(shape(2, 0), 15_320.0, 832.0), (shape(2, 8), 16_850.0, 1088.0)]
        {
            let estimates = estimates(&shape).unwrap();
            let found =
                estimates.iter().find(|e| e.target.starts_with("thumbv7em") && e.opt == "3");
            let found = found.unwrap();
            assert!((found.instructions as f64 / instructions - 1.0).abs() < 0.04, "{found:?}");
            assert!((found.ram as f64 / ram - 1.0).abs() < 0.04, "{found:?}");
        }
    }

    #[test]
    fn a_chip_is_found_by_its_name_or_the_beginning_of_it() {
        let found = |chip: &str| on_chip(&MIXTURE, chip).map(|one| (one.target, one.opt));
        let expected = ("thumbv6m-none-eabi".to_string(), "3".to_string());
        assert_eq!(found("thumbv6m").unwrap(), expected);
        assert_eq!(found("thumbv6m-none-eabi").unwrap(), expected);
        for wrong in ["", "thumb", "z80"] {
            let error = found(wrong).unwrap_err().to_string();
            assert!(error.contains("expected one of thumbv6m-none-eabi, "), "{error}");
        }
    }

    #[test]
    fn a_larger_shape_costs_more() {
        let cost = |shape: Shape| estimates(&shape).unwrap()[0].clone();
        let least = cost(MIXTURE);
        for shape in [
            Shape { data_dim: 3, ..MIXTURE },
            Shape { condition_dim: 1, ..MIXTURE },
            Shape { hidden_width: 65, ..MIXTURE },
        ] {
            let more = cost(shape);
            assert!(more.flash > least.flash && more.ram > least.ram, "{more:?}");
            assert!(more.instructions > least.instructions, "{more:?}");
        }
    }
}
