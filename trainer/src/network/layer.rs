//! An activation and the linear layer after it, as one candle operation on the CPU. Both passes run on this
//! crate's kernels; with candle's own they would be a dozen operations, most of them scalar.

use std::sync::Mutex;

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor, bail};
use flowlet::ActivationKind;

use crate::network::products::{FEW, Panels, inner_products, outer_products};
use crate::network::sharing::share;
use crate::network::slopes::multiply_by_slopes;
use crate::network::storage::{cpu_floats, floats};

/// Rows in a tile. A tile's intermediate values stay in the L1 cache until they are used.
const TILE: usize = 32;

/// Returns `activation(x)·Wᵀ + b`, `[B, O]`, for `x` (`[B, I]`), `weight` (`[O, I]`) and `bias` (`[O]`).
/// Without an activation, `x` itself is multiplied.
///
/// # Errors
///
/// When shapes do not match, or a tensor is not on the CPU or not of 32-bit floats.
pub fn apply(
    activation: Option<ActivationKind>,
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
) -> Result<Tensor> {
    x.contiguous()?.apply_op3(
        weight,
        bias,
        Layer { activation, bits: None, values: Mutex::new(None) },
    )
}

/// Returns the same of an activation whose values are rounded to `bits` fraction bits and limited to 16 bits, as an
/// integer model's are. Its gradient is that without the rounding.
///
/// # Errors
///
/// As [`apply`].
pub fn apply_rounded(
    activation: ActivationKind,
    bits: i8,
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
) -> Result<Tensor> {
    let (activation, bits) = (Some(activation), Some(bits));
    x.contiguous()?.apply_op3(weight, bias, Layer { activation, bits, values: Mutex::new(None) })
}

struct Layer {
    activation: Option<ActivationKind>,
    /// The fraction bits of the activations' values, if they are rounded.
    bits: Option<i8>,
    /// The activations `[B, I]`, kept by the forward pass for the backward pass.
    values: Mutex<Option<Vec<f32>>>,
}

impl CustomOp3 for Layer {
    fn name(&self) -> &'static str {
        "activated linear layer"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (rows, inputs) = x_layout.shape().dims2()?;
        let (outputs, weight_inputs) = weight_layout.shape().dims2()?;
        if weight_inputs != inputs || bias_layout.shape().dims1()? != outputs {
            bail!(
                "a layer's shapes do not match: input {:?}, weight {:?}, bias {:?}",
                x_layout.shape(),
                weight_layout.shape(),
                bias_layout.shape()
            );
        }
        let (x, bias) = (floats(x, x_layout)?, floats(bias, bias_layout)?);
        let product = Forward::new(floats(weight, weight_layout)?, inputs, bias);
        let mut y = vec![0.0; rows * outputs];
        let tiles = x.chunks(TILE * inputs).zip(y.chunks_mut(TILE * outputs));
        let work = x.len() * outputs;
        if let Some(kind) = self.activation {
            let mut values = x.to_vec();
            share(work, tiles.zip(values.chunks_mut(TILE * inputs)), |((_, y), values)| {
                kind.apply_slice(values);
                if let Some(bits) = self.bits {
                    round_units(bits, values);
                }
                product.write(values, y);
            });
            *self.values.lock().expect("no holder of this lock panics") = Some(values);
        } else {
            share(work, tiles, |(x, y)| product.write(x, y));
        }
        Ok((CpuStorage::F32(y), Shape::from((rows, outputs))))
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        _: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let values = self.values.lock().expect("no holder of this lock panics").take();
        if self.activation.is_some() && values.is_none() {
            bail!("a second backward pass through one forward pass: run the forward pass again");
        }
        let gradient = gradient.contiguous()?;
        let ((y, y_layout), (w, w_layout)) =
            (gradient.storage_and_layout(), weight.storage_and_layout());
        let (z, z_layout) = x.storage_and_layout();
        // `dy` is the gradient of the loss with respect to the outputs; `dw`, `db` and `dx` likewise.
        let (dy, weights) = (cpu_floats(&y, y_layout)?, cpu_floats(&w, w_layout)?);
        let z = cpu_floats(&z, z_layout)?;
        let h = values.as_deref().unwrap_or(z);
        let (rows, outputs) = gradient.dims2()?;
        let inputs = x.dim(1)?;
        let dw = if inputs < outputs {
            // The kernel's vectors run along the second factor's columns, so that is the wider one.
            transposed(&outer_products(h, inputs, dy, outputs), outputs)
        } else {
            outer_products(dy, outputs, h, inputs)
        };
        let db = outer_products(&vec![1.0; rows], 1, dy, outputs);
        // The first layer's input needs a gradient only where a batch's points depend on the weights.
        let dx = x.track_op().then(|| {
            let panels = Panels::of(weights, [outputs, inputs]);
            let mut dx = vec![0.0; rows * inputs];
            let tiles = dx.chunks_mut(TILE * inputs).zip(dy.chunks(TILE * outputs));
            let inner = z.chunks(TILE * inputs).zip(h.chunks(TILE * inputs));
            share(dy.len() * inputs, tiles.zip(inner), |((dx, dy), (z, h))| {
                panels.multiply(dy, dx);
                if let Some(kind) = self.activation {
                    multiply_by_slopes(kind, z, h, dx);
                }
            });
            Tensor::from_vec(dx, (rows, inputs), x.device())
        });
        let dw = Tensor::from_vec(dw, (outputs, inputs), x.device())?;
        let db = Tensor::from_vec(db, outputs, x.device())?;
        Ok((dx.transpose()?, Some(dw), Some(db)))
    }
}

/// Rounds values to `bits` fraction bits, half up, in the range of 16 bits.
fn round_units(bits: i8, values: &mut [f32]) {
    let scale = 2.0_f32.powi(bits.into());
    let (least, most) = (f32::from(i16::MIN), f32::from(i16::MAX));
    for value in values {
        *value = (*value * scale + 0.5).floor().clamp(least, most) / scale;
    }
}

/// The forward product, by the kernel that suits the number of outputs.
enum Forward<'a> {
    Panels(Panels),
    Few { weight: &'a [f32], inputs: usize, bias: &'a [f32] },
}

impl<'a> Forward<'a> {
    fn new(weight: &'a [f32], inputs: usize, bias: &'a [f32]) -> Self {
        if bias.len() < FEW {
            Self::Few { weight, inputs, bias }
        } else {
            Self::Panels(Panels::of_transpose(weight, [inputs, bias.len()], bias))
        }
    }

    fn write(&self, x: &[f32], y: &mut [f32]) {
        match self {
            Self::Panels(panels) => panels.multiply(x, y),
            Self::Few { weight, inputs, bias } => inner_products(x, *inputs, weight, bias, y),
        }
    }
}

/// Returns the transpose of a row-major matrix of `columns` columns.
fn transposed(matrix: &[f32], columns: usize) -> Vec<f32> {
    (0..columns).flat_map(|column| matrix.iter().skip(column).step_by(columns)).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::activation;
    use crate::network::activation_f64::activate;
    use candle_core::{DType, Device, Var};
    use flowlet::Noise;

    fn random(seed: u64, shape: impl Into<Shape>) -> Var {
        let shape = shape.into();
        let mut values = vec![0.0; shape.elem_count()];
        Noise::new(seed).fill(0, &mut values);
        Var::from_vec(values, shape, &Device::Cpu).unwrap()
    }

    fn worst(a: &Tensor, b: &Tensor) -> f32 {
        let (a, b) = (a.flatten_all().unwrap(), b.flatten_all().unwrap());
        (a - b).unwrap().abs().unwrap().max_all().unwrap().to_scalar().unwrap()
    }

    #[test]
    fn values_and_gradients_are_those_of_candles_own_operations() {
        let kinds = ActivationKind::ALL.iter().copied().map(Some).chain([None]);
        for kind in kinds {
            for (rows, inputs, outputs) in [(1, 1, 1), (3, 5, 2), (37, 33, 17), (70, 81, 145)] {
                let x = random(1, (rows, inputs));
                let (weight, bias) = (random(2, (outputs, inputs)), random(3, outputs));
                let wanted = random(4, (rows, outputs));
                let loss = |y: &Tensor| (y * wanted.as_tensor()).unwrap().sum_all().unwrap();

                let found = apply(kind, &x, &weight, &bias).unwrap();
                let h = match kind {
                    Some(kind) => activation::apply(kind, &x).unwrap(),
                    None => x.as_tensor().clone(),
                };
                let expected =
                    h.matmul(&weight.t().unwrap()).unwrap().broadcast_add(&bias).unwrap();
                assert!(worst(&found, &expected) < 2e-5, "{kind:?}");

                let found = loss(&found).backward().unwrap();
                let expected = loss(&expected).backward().unwrap();
                for variable in [&x, &weight, &bias] {
                    let (found, expected) =
                        (found.get(variable).unwrap(), expected.get(variable).unwrap());
                    let error = worst(found, expected);
                    assert!(error < 5e-5, "{kind:?}, {:?}: {error:e}", variable.dims());
                }
            }
        }
    }

    #[test]
    fn rounded_units_are_those_of_16_bits_and_the_gradient_is_that_without_rounding() {
        let mut values = [0.24, 0.25, -0.25, 0.375, 16384.0, -20000.0];
        round_units(1, &mut values);
        assert_eq!(values, [0.0, 0.5, 0.0, 0.5, 16383.5, -16384.0]);
        let (x, weight, bias) = (random(1, (37, 33)), random(2, (17, 33)), random(3, 17));
        let kind = ActivationKind::Gelu;
        let plain = apply(Some(kind), &x, &weight, &bias).unwrap();
        let rounded = apply_rounded(kind, 8, &x, &weight, &bias).unwrap();
        let error = worst(&rounded, &plain);
        assert!(error > 1e-4 && error < 0.05, "{error}");
        let gradient = |y: &Tensor| y.sum_all().unwrap().backward().unwrap().get(&x).cloned();
        assert_eq!(worst(&gradient(&rounded).unwrap(), &gradient(&plain).unwrap()), 0.0);
    }

    #[test]
    fn gradients_match_finite_differences() {
        const STEP: f64 = 1e-5;
        let points: Vec<f32> = (-80..=80).map(|k| k as f32 * 0.15 + 0.01).collect();
        for &kind in ActivationKind::ALL {
            let x = Var::from_vec(points.clone(), (points.len(), 1), &Device::Cpu).unwrap();
            let one = Tensor::ones((1, 1), DType::F32, &Device::Cpu).unwrap();
            let zero = Tensor::zeros(1, DType::F32, &Device::Cpu).unwrap();
            let y = apply(Some(kind), &x, &one, &zero).unwrap().sum_all().unwrap();
            let gradient = y.backward().unwrap().get(&x).unwrap().flatten_all().unwrap();
            for (&x, &found) in points.iter().zip(&gradient.to_vec1::<f32>().unwrap()) {
                let f = |x: f64| activate(kind, x);
                let x = f64::from(x);
                let expected = (f(x + STEP) - f(x - STEP)) / (2.0 * STEP);
                let error = (f64::from(found) - expected).abs();
                assert!(error < 1e-5, "{kind} at {x}: {found}, expected {expected}");
            }
        }
    }

    #[test]
    fn a_second_backward_pass_is_an_error() {
        let (x, weight, bias) = (random(1, (2, 3)), random(2, (4, 3)), random(3, 4));
        let loss =
            apply(Some(ActivationKind::Gelu), &x, &weight, &bias).unwrap().sum_all().unwrap();
        loss.backward().unwrap();
        assert!(loss.backward().is_err());
    }
}
