//! Fine-tuning through the rounding: the forward pass has rounded weights and units, the gradients are those without
//! rounding (a straight-through estimator: Bengio et al. 2013). The target is the float model's velocity along its own
//! paths; for few-step models these are its steps.

use anyhow::Result;
use candle_core::{CpuStorage, CustomOp1, Device, Layout, Tensor, Var};
use rand::RngExt;

use super::calibration::Calibration;
use super::float::{FloatLayer, FloatNetwork};
use super::integer::IntegerModel;
use super::rounding::{round_again, round_half_up};
use crate::config::schedule::{Decay, Schedule};
use crate::data::random::{Stream, generator};
use crate::model::Model;
use crate::network::layer;
use crate::network::storage::{cpu_floats, floats};
use crate::objective::loss::mean_squared_error;
use crate::optimiser::{Adam, AdamSettings};

/// Points in a batch.
const BATCH: usize = 512;

/// One in this many points is held out, to compare the model before and after.
const HELD_OUT: usize = 8;

/// The most held-out points.
const MOST_HELD_OUT: usize = 8192;

/// The learning rate at the start.
const LEARNING_RATE: f64 = 1e-3;

/// A fine-tuned model.
#[derive(Clone, Debug)]
pub struct Tuned {
    /// The model; that before if fine-tuning did not improve it.
    pub model: IntegerModel,
    /// The root mean square error of the velocity before, on held-out points.
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
    let student = Student::new(FloatNetwork::new(&model.file, model.shape())?, integer)?;
    let pool = Pool::new(integer, calibration);
    let held_out = pool.held_out()?;
    let before = student.error(&held_out)?;
    let schedule =
        Schedule { learning_rate: LEARNING_RATE, decay: Decay::Cosine, warmup: 0, iterations };
    let settings = AdamSettings { weight_decay: 0.0, gradient_clip: None };
    let mut adam = Adam::new(student.variables(), settings)?;
    let mut rng = generator(seed, Stream::FineTuning);
    for iteration in 1..=iterations {
        let rows: Vec<usize> = (0..BATCH).map(|_| rng.random_range(0..pool.trained())).collect();
        let batch = pool.batch(&rows)?;
        let loss = mean_squared_error(&student.velocity(&batch.inputs)?, &batch.outputs)?;
        adam.step(&loss.backward()?, schedule.at(iteration))?;
        done();
    }
    let after = student.error(&held_out)?;
    // An error that is not a number is no improvement.
    let improved = after < before;
    if !improved {
        return Ok(Tuned { model: integer.clone(), before, after: before });
    }
    Ok(Tuned { model: round_again(&student.network()?, integer)?, before, after })
}

/// The float network whose rounded weights are the integer model.
struct Student {
    float: FloatNetwork,
    /// Weight and bias of each layer.
    layers: Vec<[Var; 2]>,
    rounding: Vec<Rounding>,
    unit_bits: Vec<i8>,
}

impl Student {
    fn new(float: FloatNetwork, integer: &IntegerModel) -> Result<Self> {
        let (mut layers, mut rounding) = (Vec::new(), Vec::new());
        for (k, layer) in float.layers.iter().enumerate() {
            let (outputs, bits) = (layer.bias.len(), integer.input_bits(k));
            let weight = Var::from_slice(&layer.weight, (outputs, bits.len()), &Device::Cpu)?;
            layers.push([weight, Var::from_slice(&layer.bias, outputs, &Device::Cpu)?]);
            let of_output = |sum: i32| bits.iter().map(move |&bits| sum - i32::from(bits));
            let scales = integer.sum_bits(k).into_iter().flat_map(of_output);
            let scales = scales.map(|bits| 2.0_f32.powi(bits)).collect();
            rounding.push(Rounding { scales, range: integer.range_of(k).map(|end| end as f32) });
        }
        Ok(Self { float, layers, rounding, unit_bits: integer.unit_bits.clone() })
    }

    fn variables(&self) -> Vec<Var> {
        self.layers.iter().flatten().cloned().collect()
    }

    /// Returns the velocities at `inputs`, `[n, 1 + D + C]`.
    fn velocity(&self, inputs: &Tensor) -> Result<Tensor> {
        let mut h = inputs.clone();
        for (k, ([weight, bias], rounding)) in self.layers.iter().zip(&self.rounding).enumerate() {
            let weight = weight.apply_op1(rounding.clone())?;
            h = match k.checked_sub(1) {
                None => layer::apply(None, &h, &weight, bias)?,
                Some(before) => {
                    let (kind, bits) = (self.float.shape.activation, self.unit_bits[before]);
                    layer::apply_rounded(kind, bits, &h, &weight, bias)?
                }
            };
        }
        Ok(h)
    }

    /// Returns the root mean square error on a batch.
    fn error(&self, batch: &Batch) -> Result<f64> {
        let error = mean_squared_error(&self.velocity(&batch.inputs)?, &batch.outputs)?;
        Ok(f64::from(error.to_scalar::<f32>()?).sqrt())
    }

    /// Returns the network with the weights before rounding.
    fn network(&self) -> Result<FloatNetwork> {
        let layer = |[weight, bias]: &[Var; 2]| -> Result<FloatLayer> {
            Ok(FloatLayer { weight: weight.flatten_all()?.to_vec1()?, bias: bias.to_vec1()? })
        };
        let layers = self.layers.iter().map(layer).collect::<Result<_>>()?;
        Ok(FloatNetwork { layers, ..self.float.clone() })
    }
}

/// candle operation: rounds weights to whole numbers of their scales.
#[derive(Clone)]
struct Rounding {
    /// Of each weight.
    scales: Vec<f32>,
    /// The range of the whole numbers.
    range: [f32; 2],
}

impl CustomOp1 for Rounding {
    fn name(&self) -> &'static str {
        "rounding of weights"
    }

    fn cpu_fwd(
        &self,
        weights: &CpuStorage,
        layout: &Layout,
    ) -> candle_core::Result<(CpuStorage, candle_core::Shape)> {
        let [least, most] = self.range;
        let round =
            |(&weight, &scale): (&f32, &f32)| (weight * scale).round().clamp(least, most) / scale;
        let rounded = floats(weights, layout)?.iter().zip(&self.scales).map(round).collect();
        Ok((CpuStorage::F32(rounded), layout.shape().clone()))
    }

    /// The gradient passes, but for weights that would move farther out of the range.
    fn bwd(
        &self,
        weights: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> candle_core::Result<Option<Tensor>> {
        let gradient = gradient.contiguous()?;
        let ((g, g_layout), (w, w_layout)) =
            (gradient.storage_and_layout(), weights.storage_and_layout());
        let (g, w) = (cpu_floats(&g, g_layout)?, cpu_floats(&w, w_layout)?);
        let [least, most] = self.range;
        let pass = |((&g, &w), &scale): ((&f32, &f32), &f32)| {
            let whole = w * scale;
            let leaves = (whole > most && g < 0.0) || (whole < least && g > 0.0);
            if leaves { 0.0 } else { g }
        };
        let passed: Vec<f32> = g.iter().zip(w).zip(&self.scales).map(pass).collect();
        Ok(Some(Tensor::from_vec(passed, gradient.shape(), &Device::Cpu)?))
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
        }
    }

    fn rows(&self) -> usize {
        self.inputs.len() / self.width
    }

    /// The number of rows to train with. Those behind are held out: they are of other paths.
    fn trained(&self) -> usize {
        self.rows() - (self.rows() / HELD_OUT).min(MOST_HELD_OUT)
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
