//! Rounds a float network to whole numbers: formats from the calibration, the largest scale of each output.

use anyhow::{Context, Result, ensure};

use super::activation::UNIT_BITS;
use super::calibration::Calibration;
use super::integer::{IntegerModel, Layer, Weights};
use super::numbers;
use super::reference::{STATE_BITS, TIME_BITS, uniform};
use super::units::{condition_units, data_units};
use crate::coupling::source::Source;
use crate::model::Model;
use crate::network::Network;

/// A format holds this many times the largest magnitude that the calibration saw.
const MARGIN: f64 = 1.5;

/// The largest noise that must fit. One number in 10¹⁰ is larger.
const NOISE: f64 = 6.5;

/// The fraction bits of the time as it enters the first layer.
const TIME_INPUT_BITS: i8 = 14;

/// How many bits a scale may exceed the largest one that limits no weight. The scale with the smallest error is taken.
const LIMITED: i32 = 2;

/// Rounds a float model. Its data and conditions keep their units.
///
/// # Errors
///
/// Returns an error that names the layer or the column that an integer model cannot hold.
pub fn round(
    model: &Model,
    source: &Source,
    calibration: &Calibration,
    weights: Weights,
) -> Result<IntegerModel> {
    let network = model.network()?;
    let mut formats = formats(model, source, calibration, weights)?;
    for (k, layer) in network.layers().into_iter().enumerate() {
        let layer = round_layer(layer, &formats, k)?;
        formats.layers.push(layer);
    }
    Ok(formats)
}

/// Returns a model without layers: the formats, the units and the grid.
fn formats(
    model: &Model,
    source: &Source,
    calibration: &Calibration,
    weights: Weights,
) -> Result<IntegerModel> {
    let reach = |values: &[f32], least: f64| {
        values.iter().fold(least, |most, &value| most.max(MARGIN * f64::from(value)))
    };
    let noise = if matches!(source, Source::Normal) { NOISE } else { 0.0 };
    let point_bits = bits_of(reach(&calibration.points, noise), 15)
        .context("the model's paths leave the range of its first layer's inputs")?;
    let condition_bits = match calibration.conditions.as_slice() {
        [] => 0,
        values => bits_of(reach(values, 1.0), 15)
            .context("the conditions leave the range of the first layer's inputs")?,
    };
    let unit_bits = calibration.units.iter().enumerate().map(|(k, &most)| {
        bits_of(reach(&[most], 0.0), UNIT_BITS).with_context(|| {
            format!(
                "the units of layer {k} reach {most:.3e}, which 16 bits do not hold: train with another activation, or \
                 with weight decay"
            )
        })
    });
    Ok(IntegerModel {
        shape: model.shape(),
        weights,
        layers: Vec::new(),
        unit_bits: unit_bits.collect::<Result<_>>()?,
        point_bits,
        condition_bits,
        data_units: data_units(&model.data_units()?, model.data_columns(), &calibration.points)?,
        condition_units: condition_units(model, calibration, condition_bits)?,
        grid: grid(model)?,
    })
}

/// Returns an input of the first layer as it enters: with `bits` fraction bits, in the range of 16 bits.
pub(super) fn round_half_up(input: f32, bits: i8) -> f32 {
    let scale = 2.0_f64.powi(bits.into());
    let (least, most) = (f64::from(i16::MIN), f64::from(i16::MAX));
    ((f64::from(input) * scale + 0.5).floor().clamp(least, most) / scale) as f32
}

/// Returns the most fraction bits, up to `most`, with which `reach` fits 16 bits.
fn bits_of(reach: f64, most: i32) -> Result<i8> {
    let fits = |bits: &i32| reach * 2.0_f64.powi(*bits) <= f64::from(i16::MAX);
    let found = (0..=most).rev().find(fits);
    Ok(found.with_context(|| format!("expected at most {}, found {reach:.3e}", i16::MAX))? as i8)
}

/// Returns the times of the model's steps. Equal steps are those of the integer contract.
fn grid(model: &Model) -> Result<Option<Vec<i32>>> {
    let Some(times) = &model.grid else { return Ok(None) };
    if !model.has_grid_of_its_own()? {
        return Ok(Some(uniform(times.len() - 1)));
    }
    let times = numbers::times(times);
    ensure!(
        times.is_sorted_by(|a, b| a < b),
        "the times of the model's steps are nearer to each other than 2^-{TIME_BITS}"
    );
    Ok(Some(times))
}

impl IntegerModel {
    /// Returns the fraction bits of each input of layer `k`.
    pub(super) fn input_bits(&self, k: usize) -> Vec<i8> {
        if k > 0 {
            return vec![self.unit_bits[k - 1]; self.shape.hidden_width];
        }
        let point = std::iter::repeat_n(self.point_bits, self.shape.data_dim);
        let condition = std::iter::repeat_n(self.condition_bits, self.shape.condition_dim);
        std::iter::once(TIME_INPUT_BITS).chain(point).chain(condition).collect()
    }

    /// The fraction bits of the results of layer `k`, after the shift.
    fn result_bits(&self, k: usize) -> i32 {
        if k < self.unit_bits.len() { UNIT_BITS } else { STATE_BITS }
    }

    /// Returns the fraction bits of the sums of layer `k`, `[outputs]`.
    pub(super) fn sum_bits(&self, k: usize) -> Vec<i32> {
        let result = self.result_bits(k);
        self.layers[k].shift.iter().map(|&shift| i32::from(shift) + result).collect()
    }

    /// Returns the least and the most fraction bits of a sum of layer `k`.
    fn sum_bits_range(&self, k: usize) -> [i32; 2] {
        let least = if k < self.unit_bits.len() { 1 } else { -20 };
        [least, 31].map(|shift| shift + self.result_bits(k))
    }
}

/// Rounds layer `k`, of these weights and biases, with the scales that suit each output.
fn round_layer([weight, bias]: [&[f32]; 2], formats: &IntegerModel, k: usize) -> Result<Layer> {
    let bits = formats.input_bits(k);
    let [least, most] = formats.sum_bits_range(k);
    let rows = weight.chunks_exact(bits.len()).zip(bias);
    let outputs = rows.enumerate().map(|(output, (weight, &bias))| {
        let float = FloatOutput { weight, bias, bits: &bits, range: formats.weights_of(k).range() };
        let rounded = |sum_bits: i32| float.rounded(sum_bits, formats.result_bits(k));
        let whole = |sum_bits: &i32| rounded(*sum_bits).is_some_and(|rounded| !rounded.limited);
        let largest = (least..=most).rev().find(whole).with_context(|| {
            format!(
                "the weights of output {output} of layer {k} are too large for sums of 32 bits. Train with weight \
                 decay, or another activation"
            )
        })?;
        let scales = (largest..=most.min(largest + LIMITED)).filter_map(rounded);
        let best = scales.min_by(|a, b| a.error.total_cmp(&b.error));
        best.context("the largest scale is one of them")
    });
    let outputs: Vec<Rounded> = outputs.collect::<Result<_>>()?;
    Ok(join(outputs))
}

/// Rounds the layers of `network` again with the scales that `model` has. An output whose sum could overflow with its
/// new weights gets the next smaller scale.
///
/// # Errors
///
/// Returns an error that names the output if there is none.
pub(super) fn round_again(network: &Network, model: &IntegerModel) -> Result<IntegerModel> {
    let mut again = IntegerModel { layers: Vec::new(), ..model.clone() };
    for (k, [weight, bias]) in network.layers().into_iter().enumerate() {
        let bits = model.input_bits(k);
        let [least, _] = model.sum_bits_range(k);
        let rows = weight.chunks_exact(bits.len()).zip(bias).zip(model.sum_bits(k));
        let outputs = rows.enumerate().map(|(output, ((weight, &bias), sum_bits))| {
            let float =
                FloatOutput { weight, bias, bits: &bits, range: model.weights_of(k).range() };
            let rounded = |sum_bits: i32| float.rounded(sum_bits, model.result_bits(k));
            let found = (least..=sum_bits).rev().find_map(rounded);
            found.with_context(|| format!("output {output} of layer {k} has no scale"))
        });
        again.layers.push(join(outputs.collect::<Result<_>>()?));
    }
    Ok(again)
}

/// The weights of one output.
struct FloatOutput<'a> {
    weight: &'a [f32],
    bias: f32,
    /// The fraction bits of each input.
    bits: &'a [i8],
    /// The range of a weight.
    range: [i32; 2],
}

/// The same in whole numbers.
struct Rounded {
    weight: Vec<i32>,
    bias: i32,
    shift: i8,
    /// Whether a weight is at an end of the range instead of its nearest number.
    limited: bool,
    /// The sum of the squares of the weights' errors.
    error: f64,
}

impl FloatOutput<'_> {
    /// Rounds to the nearest numbers, with `sum_bits` fraction bits of the sum. Returns `None` if the sum could
    /// overflow.
    fn rounded(&self, sum_bits: i32, result_bits: i32) -> Option<Rounded> {
        let shift = sum_bits - result_bits;
        let half = if shift > 0 { 1_i64 << (shift - 1) } else { 0 };
        // A cast of a float saturates.
        let whole = (f64::from(self.bias) * 2.0_f64.powi(sum_bits)).round() as i64;
        let bias = i32::try_from(whole.saturating_add(half)).ok()?;
        let (mut limited, mut error) = (false, 0.0);
        let weights = self.weight.iter().zip(self.bits).map(|(&weight, &bits)| {
            let scale = 2.0_f64.powi(sum_bits - i32::from(bits));
            let nearest = (f64::from(weight) * scale).round();
            let [least, most] = self.range.map(f64::from);
            let kept = nearest.clamp(least, most);
            limited |= kept != nearest;
            error += (f64::from(weight) - kept / scale).powi(2);
            kept as i32
        });
        let weight: Vec<i32> = weights.collect();
        let sum: u64 = weight.iter().map(|weight| u64::from(weight.unsigned_abs())).sum();
        let most = (sum << 15) + u64::from(bias.unsigned_abs());
        (most < 1 << 31).then_some(Rounded { weight, bias, shift: shift as i8, limited, error })
    }
}

fn join(outputs: Vec<Rounded>) -> Layer {
    Layer {
        bias: outputs.iter().map(|output| output.bias).collect(),
        shift: outputs.iter().map(|output| output.shift).collect(),
        weight: outputs.into_iter().flat_map(|output| output.weight).collect(),
    }
}
