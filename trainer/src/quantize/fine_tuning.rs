//! Fine-tuning through the rounding: the forward pass has rounded weights and units, the gradients are those without
//! rounding (a straight-through estimator: Bengio et al. 2013). The target is the float model's velocity along its own
//! paths; for few-step models these are its steps.

use anyhow::{Context, Result};
use candle_core::{Device, Tensor, Var};
use rand::RngExt;

use super::calibration::Calibration;
use super::float::{FloatLayer, FloatNetwork};
use super::integer::IntegerModel;
use super::rounding::{round_again, round_half_up};
use crate::config::schedule::{Decay, Schedule};
use crate::data::random::{Stream, generator};
use crate::model::Model;
use crate::network::activation;
use crate::optimiser::{Adam, AdamSettings};

/// Points in a batch.
const BATCH: usize = 512;

/// One in this many paths is held out, to compare the model before and after.
const HELD_OUT: usize = 8;

/// Paths are held out until they have this many points.
const MOST_HELD_OUT: usize = 8192;

/// The learning rate at the start.
const LEARNING_RATE: f64 = 1e-3;

/// A fine-tuned model.
#[derive(Clone, Debug)]
pub struct Tuned {
    /// The model; that before if fine-tuning did not improve it.
    pub model: IntegerModel,
    /// The root mean square error of the velocity before, along held-out paths.
    pub before: f64,
    /// The same after.
    pub after: f64,
}

/// Fine-tunes `integer`, which was rounded from `model`. The scales stay as they are. `done` is called after each
/// iteration.
///
/// # Errors
///
/// Returns candle's error if memory does not suffice.
pub fn fine_tune(
    model: &Model,
    integer: &IntegerModel,
    calibration: &Calibration,
    iterations: usize,
    seed: u64,
    mut done: impl FnMut(),
) -> Result<Tuned> {
    let mut student = Student::new(FloatNetwork::new(&model.file, model.shape())?, integer)?;
    let pool = Pool::new(integer, calibration);
    let held_out = pool.held_out()?;
    let before = student.error(&held_out)?;
    let schedule =
        Schedule { learning_rate: LEARNING_RATE, decay: Decay::Cosine, warmup: 0, iterations };
    let settings = AdamSettings { weight_decay: 0.0, gradient_clip: None };
    let mut adam = Adam::new(student.sizes(), settings);
    let mut rng = generator(seed, Stream::FineTuning);
    for iteration in 1..=iterations {
        let rows: Vec<usize> = (0..BATCH).map(|_| rng.random_range(0..pool.trained())).collect();
        let batch = pool.batch(&rows)?;
        let gradient = student.gradient(&batch)?;
        adam.step(&mut student.weights, &gradient, schedule.at(iteration));
        done();
    }
    let after = student.error(&held_out)?;
    if after.is_nan() || after >= before {
        return Ok(Tuned { model: integer.clone(), before, after: before });
    }
    Ok(Tuned { model: round_again(&student.network(), integer)?, before, after })
}

/// The float network whose rounded weights are the integer model.
struct Student {
    float: FloatNetwork,
    /// Weight and bias of each layer.
    weights: Vec<f32>,
    /// The rounding of each layer's weights.
    rounding: Vec<Rounding>,
    unit_bits: Vec<i8>,
}

impl Student {
    fn new(float: FloatNetwork, integer: &IntegerModel) -> Result<Self> {
        let (mut weights, mut rounding) = (Vec::new(), Vec::new());
        for (k, layer) in float.layers.iter().enumerate() {
            let bits = integer.input_bits(k);
            weights.extend_from_slice(&layer.weight);
            weights.extend_from_slice(&layer.bias);
            let of_output = |sum: i32| bits.iter().map(move |&bits| sum - i32::from(bits));
            let scales = integer.sum_bits(k).into_iter().flat_map(of_output);
            let scales = scales.map(|bits| 2.0_f32.powi(bits)).collect();
            let range = integer.weights_of(k).range().map(|end| end as f32);
            rounding.push(Rounding { scales, range });
        }
        Ok(Self { float, weights, rounding, unit_bits: integer.unit_bits.clone() })
    }

    /// The lengths of each layer's weight and bias.
    fn sizes(&self) -> Vec<usize> {
        let layers = self.float.layers.iter();
        layers.flat_map(|layer| [layer.weight.len(), layer.bias.len()]).collect()
    }

    /// Each layer's weight and bias.
    fn layers(&self) -> Vec<[&[f32]; 2]> {
        let (mut rest, mut layers) = (&self.weights[..], Vec::new());
        for layer in &self.float.layers {
            let (weight, after) = rest.split_at(layer.weight.len());
            let (bias, after) = after.split_at(layer.bias.len());
            layers.push([weight, bias]);
            rest = after;
        }
        layers
    }

    /// Returns the mean squared error on a batch, and the variables that it depends on: rounded weight and bias of
    /// each layer.
    fn loss(&self, batch: &Batch) -> Result<(Tensor, Vec<[Var; 2]>)> {
        let mut variables = Vec::new();
        for ([weight, bias], rounding) in self.layers().into_iter().zip(&self.rounding) {
            let shape = (bias.len(), weight.len() / bias.len());
            let weight = Var::from_vec(rounding.round(weight), shape, &Device::Cpu)?;
            variables.push([weight, Var::from_slice(bias, bias.len(), &Device::Cpu)?]);
        }
        let mut h = batch.inputs.clone();
        for (k, [weight, bias]) in variables.iter().enumerate() {
            if let Some(before) = k.checked_sub(1) {
                h = activation::apply(self.float.shape.activation, &h)?;
                h = rounded_units(self.unit_bits[before], &h)?;
            }
            h = h.matmul(&weight.t()?)?.broadcast_add(bias)?;
        }
        Ok(((h - &batch.outputs)?.sqr()?.mean_all()?, variables))
    }

    /// Returns the gradient of the mean squared error. It passes through the rounding, but for weights that would move
    /// farther out of their range.
    fn gradient(&self, batch: &Batch) -> Result<Vec<f32>> {
        let (loss, variables) = self.loss(batch)?;
        let gradients = loss.backward()?;
        let mut all = Vec::with_capacity(self.weights.len());
        let layers = variables.iter().zip(self.layers()).zip(&self.rounding);
        for (([weight, bias], [before, _]), rounding) in layers {
            let of = |variable: &Var| -> Result<Vec<f32>> {
                let gradient = gradients.get(variable).context("a gradient is missing")?;
                Ok(gradient.flatten_all()?.to_vec1()?)
            };
            let mut passed = of(weight)?;
            rounding.keep_in_range(before, &mut passed);
            all.extend(passed);
            all.extend(of(bias)?);
        }
        Ok(all)
    }

    /// Returns the root mean square error on a batch.
    fn error(&self, batch: &Batch) -> Result<f64> {
        Ok(f64::from(self.loss(batch)?.0.to_scalar::<f32>()?).sqrt())
    }

    /// Returns the network with the weights before rounding.
    fn network(&self) -> FloatNetwork {
        let layer = |[weight, bias]: [&[f32]; 2]| FloatLayer {
            weight: weight.to_vec(),
            bias: bias.to_vec(),
        };
        let layers = self.layers().into_iter().map(layer).collect();
        FloatNetwork { layers, ..self.float.clone() }
    }
}

/// Rounds units to `bits` fraction bits and limits them to 16 bits. The gradient is that without the rounding.
fn rounded_units(bits: i8, h: &Tensor) -> Result<Tensor> {
    let scale = 2.0_f64.powi(bits.into());
    let (least, most) = (f64::from(i16::MIN), f64::from(i16::MAX));
    let rounded = (((h.detach() * scale)? + 0.5)?.floor()?.clamp(least, most)? / scale)?;
    Ok((h + (rounded - h.detach())?)?)
}

/// Rounds weights to whole numbers of their scales.
struct Rounding {
    /// The scale of each weight.
    scales: Vec<f32>,
    /// The range of the whole numbers.
    range: [f32; 2],
}

impl Rounding {
    fn round(&self, weights: &[f32]) -> Vec<f32> {
        let [least, most] = self.range;
        let round =
            |(&weight, &scale): (&f32, &f32)| (weight * scale).round().clamp(least, most) / scale;
        weights.iter().zip(&self.scales).map(round).collect()
    }

    /// Sets the gradient to 0 where a step against it would move a weight farther out of the range.
    fn keep_in_range(&self, weights: &[f32], gradient: &mut [f32]) {
        let [least, most] = self.range;
        for ((g, &w), &scale) in gradient.iter_mut().zip(weights).zip(&self.scales) {
            let whole = w * scale;
            if (whole > most && *g < 0.0) || (whole < least && *g > 0.0) {
                *g = 0.0;
            }
        }
    }
}

/// Points with the float model's velocities.
struct Batch {
    /// `[n, 1 + D + C]`, as the first layer gets them.
    inputs: Tensor,
    /// `[n, D]`.
    outputs: Tensor,
}

/// The points that the calibration kept.
struct Pool<'a> {
    inputs: Vec<f32>,
    outputs: &'a [f32],
    width: usize,
    data_dim: usize,
    /// The number of rows of a path.
    evaluations: usize,
}

impl<'a> Pool<'a> {
    fn new(integer: &IntegerModel, calibration: &'a Calibration) -> Self {
        let bits = integer.input_bits(0);
        let inputs = calibration.inputs.chunks_exact(bits.len()).flat_map(|row| {
            row.iter().zip(&bits).map(|(&input, &bits)| round_half_up(input, bits))
        });
        Self {
            inputs: inputs.collect(),
            outputs: &calibration.outputs,
            width: bits.len(),
            data_dim: calibration.points.len(),
            evaluations: calibration.evaluations,
        }
    }

    fn rows(&self) -> usize {
        self.inputs.len() / self.width
    }

    /// The number of rows to train with. The rows after these are held out. They are whole paths, so that the
    /// held-out error is over all times.
    fn trained(&self) -> usize {
        let paths = self.rows() / self.evaluations;
        let held_out = (paths / HELD_OUT).min(MOST_HELD_OUT / self.evaluations).max(1);
        (paths - held_out) * self.evaluations
    }

    fn held_out(&self) -> Result<Batch> {
        self.batch(&(self.trained()..self.rows()).collect::<Vec<_>>())
    }

    fn batch(&self, rows: &[usize]) -> Result<Batch> {
        let gather = |values: &[f32], width: usize| {
            let chosen = rows.iter().flat_map(|row| &values[row * width..][..width]);
            let chosen: Vec<f32> = chosen.copied().collect();
            Tensor::from_vec(chosen, (rows.len(), width), &Device::Cpu)
        };
        Ok(Batch {
            inputs: gather(&self.inputs, self.width)?,
            outputs: gather(self.outputs, self.data_dim)?,
        })
    }
}
