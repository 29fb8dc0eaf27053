//! A linear layer with the activation before it, as one operation on the CPU: forward and backward on
//! kernels of our own, where candle's would be a dozen operations, most of them one number at a time.

use std::sync::Mutex;

use candle_core::backend::BackendStorage;
use candle_core::{
    CpuStorage, CustomOp1, CustomOp3, InplaceOp2, Layout, Result, Shape, Tensor, bail,
};
use fearless_simd::{Level, Simd, SimdBase, dispatch};
use flowlet::{ActivationKind, elementary};

use crate::storage::{floats, floats_mut};

/// `activation(x)·Wᵀ + b`, `[B, O]`, of `x` (`[B, I]`), `weight` (`[O, I]`) and `bias` (`[O]`); without an
/// activation `x` is taken as it is. All on the CPU, in 32-bit floats.
///
/// # Errors
///
/// candle's, on shapes that do not match or another device.
pub fn apply(
    activation: Option<ActivationKind>,
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
) -> Result<Tensor> {
    x.contiguous()?.apply_op3(weight, bias, Layer { activation, activated: Mutex::new(None) })
}

struct Layer {
    activation: Option<ActivationKind>,
    /// What the forward pass leaves for the backward one.
    activated: Mutex<Option<Activated>>,
}

/// The activations `[B, I]`, and their derivatives.
struct Activated {
    values: CpuStorage,
    slopes: Vec<f32>,
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
            bail!("a layer of {outputs} × {weight_inputs} does not take {inputs} inputs");
        }
        let activated = self.activation.map(|kind| {
            let x = floats(x, x_layout)?;
            let mut slopes = vec![0.0; x.len()];
            let mut values = x.to_vec();
            kind.apply_slice(&mut values);
            write_slopes(kind, x, &values, &mut slopes);
            Ok::<_, candle_core::Error>(Activated { values: CpuStorage::F32(values), slopes })
        });
        let activated = activated.transpose()?;
        let plain = Layout::contiguous((rows, inputs));
        let (h, h_layout) = match &activated {
            Some(activated) => (&activated.values, &plain),
            None => (x, x_layout),
        };
        let sizes = (1, rows, outputs, inputs);
        let mut y = h.matmul(weight, sizes, h_layout, &weight_layout.transpose(0, 1)?)?;
        let bias = floats(bias, bias_layout)?;
        let shape = Shape::from((rows, outputs));
        let y_layout = Layout::contiguous(shape.clone());
        add_to_rows(floats_mut(&mut y, &y_layout)?, bias);
        *self.activated.lock().expect("nobody panics with it") = activated;
        Ok((y, shape))
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        _: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let gradient = gradient.contiguous()?;
        let activated = self.activated.lock().expect("nobody panics with it").take();
        let (h, slopes) = match activated {
            Some(Activated { values: CpuStorage::F32(values), slopes }) => {
                let shape = x.shape();
                let values = Tensor::from_vec(values, shape, x.device())?;
                (values, Some(Tensor::from_vec(slopes, shape, x.device())?))
            }
            _ if self.activation.is_none() => (x.clone(), None),
            _ => bail!("a layer's gradient is asked for twice"),
        };
        let of_weight = gradient.t()?.matmul(&h)?;
        let of_bias = gradient.apply_op1_no_bwd(&SumOfRows)?;
        // The first layer's is asked for only where a batch's points depend on the weights.
        let of_x = x.track_op().then(|| {
            let of_h = gradient.matmul(weight)?;
            if let Some(slopes) = &slopes {
                of_h.inplace_op2(slopes, &Times)?;
            }
            Ok::<_, candle_core::Error>(of_h)
        });
        Ok((of_x.transpose()?, Some(of_weight), Some(of_bias)))
    }
}

/// Adds `bias` to each row of `y`.
fn add_to_rows(y: &mut [f32], bias: &[f32]) {
    dispatch!(Level::new(), _ => {
        for row in y.chunks_exact_mut(bias.len().max(1)) {
            for (y, &bias) in row.iter_mut().zip(bias) {
                *y += bias;
            }
        }
    });
}

/// The sum of all rows, `[O]` of `[B, O]`.
struct SumOfRows;

impl CustomOp1 for SumOfRows {
    fn name(&self) -> &'static str {
        "sum of rows"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (_, columns) = layout.shape().dims2()?;
        let mut sums = vec![0.0; columns];
        let values = floats(storage, layout)?;
        dispatch!(Level::new(), _ => {
            for row in values.chunks_exact(columns.max(1)) {
                for (sum, &value) in sums.iter_mut().zip(row) {
                    *sum += value;
                }
            }
        });
        Ok((CpuStorage::F32(sums), Shape::from(columns)))
    }
}

/// Each number times the other's at the same place.
struct Times;

impl InplaceOp2 for Times {
    fn name(&self) -> &'static str {
        "product in place"
    }

    fn cpu_fwd(
        &self,
        own: &mut CpuStorage,
        own_layout: &Layout,
        other: &CpuStorage,
        other_layout: &Layout,
    ) -> Result<()> {
        let (own, other) = (floats_mut(own, own_layout)?, floats(other, other_layout)?);
        dispatch!(Level::new(), _ => {
            for (own, &other) in own.iter_mut().zip(other) {
                *own *= other;
            }
        });
        Ok(())
    }
}

/// The derivatives at `x` of an activation whose values there are `y`.
fn write_slopes(kind: ActivationKind, x: &[f32], y: &[f32], slopes: &mut [f32]) {
    let slope = match kind {
        ActivationKind::Gelu => return write_gelu_slopes(x, slopes),
        ActivationKind::GeluTanh => return each(x, y, slopes, gelu_tanh),
        ActivationKind::Silu => return each(x, y, slopes, silu),
        ActivationKind::Selu => selu,
        ActivationKind::Tanh => |_: f32, y: f32| 1.0 - y * y,
        ActivationKind::Relu => |x: f32, _: f32| if x > 0.0 { 1.0 } else { 0.0 },
    };
    each(x, y, slopes, slope);
}

/// `slope` of each input and its activation.
#[inline(always)]
fn each(x: &[f32], y: &[f32], slopes: &mut [f32], slope: impl Fn(f32, f32) -> f32) {
    dispatch!(Level::new(), _ => {
        for ((out, &x), &y) in slopes.iter_mut().zip(x).zip(y) {
            *out = slope(x, y);
        }
    });
}

/// `Φ(x) + x·φ(x)`, as ½ + x·Q(x² − 13) where x² is below 26, and 0 or 1 beyond: within 5e-6, and 5e-7 where
/// it is a polynomial.
fn write_gelu_slopes(x: &[f32], slopes: &mut [f32]) {
    dispatch!(Level::new(), simd => gelu_slopes_in_blocks(simd, x, slopes));
}

#[inline(always)]
fn gelu_slopes_in_blocks<S: Simd>(_: S, x: &[f32], slopes: &mut [f32]) {
    // Were the coefficients known, or how many, one vector's polynomial would be done after the other's,
    // each waiting for its own sums.
    let coefficients = std::hint::black_box(&GELU_SLOPE[..]);
    // As many numbers as registers hold, with their polynomials.
    if S::f32s::LEN == 16 {
        gelu_slopes_by::<128>(x, slopes, coefficients);
    } else {
        gelu_slopes_by::<64>(x, slopes, coefficients);
    }
}

#[inline(always)]
fn gelu_slopes_by<const N: usize>(x: &[f32], slopes: &mut [f32], coefficients: &[f32]) {
    let (blocks, rest) = slopes.as_chunks_mut::<N>();
    for (slopes, x) in blocks.iter_mut().zip(x.as_chunks::<N>().0) {
        gelu_slopes(slopes, x, coefficients);
    }
    for (slope, &x) in rest.iter_mut().zip(x.as_chunks::<N>().1) {
        let mut one = [0.0];
        gelu_slopes(&mut one, &[x], coefficients);
        [*slope] = one;
    }
}

#[inline(always)]
fn gelu_slopes<const N: usize>(slopes: &mut [f32; N], x: &[f32; N], coefficients: &[f32]) {
    const LIMIT_SQUARED: f32 = 26.0;
    let (mut sums, mut w) = ([0.0; N], [0.0; N]);
    for (w, &x) in w.iter_mut().zip(x) {
        *w = x * x - 0.5 * LIMIT_SQUARED;
    }
    for &coefficient in coefficients.iter().rev() {
        for (sum, &w) in sums.iter_mut().zip(&w) {
            *sum = *sum * w + coefficient;
        }
    }
    for ((slope, &x), &sum) in slopes.iter_mut().zip(x).zip(&sums) {
        let far = if x > 0.0 { 1.0 } else { 0.0 };
        *slope = if x * x >= LIMIT_SQUARED { far } else { 0.5 + x * sum };
    }
}

/// (Φ(x) + x·φ(x) − ½) ÷ x in x² − 13: x times the error of the fit is at most 1.9e-7.
const GELU_SLOPE: [f32; 15] = [
    0.139_231_65,
    -5.608_876e-3,
    3.754_784_4e-4,
    -3.078_453e-5,
    2.674_755e-6,
    -2.220_833_3e-7,
    1.656_455_8e-8,
    -1.086_012_5e-9,
    6.718_310_6e-11,
    -4.038_11e-12,
    1.795_879e-13,
    -4.674_67e-15,
    2.794_126_6e-16,
    -2.495_965e-17,
    7.276_958e-19,
];

/// Of x·σ(u), `u = √(8/π)·(x + 0.044715·x³)`: `σ + x·σ·(1 − σ)·u′`.
#[inline(always)]
fn gelu_tanh(x: f32, _: f32) -> f32 {
    const FACTOR: f32 = 1.595_769;
    // Beyond it the slope is 0 or 1.
    let x = x.clamp(-9.0, 9.0);
    let sigmoid = sigmoid(FACTOR * (x + 0.044_715 * (x * x * x)));
    let inner = FACTOR * (1.0 + 3.0 * 0.044_715 * (x * x));
    sigmoid + x * sigmoid * (1.0 - sigmoid) * inner
}

/// Of x·σ(x): `σ + x·σ·(1 − σ)`.
#[inline(always)]
fn silu(x: f32, _: f32) -> f32 {
    let sigmoid = sigmoid(x);
    sigmoid + x * sigmoid * (1.0 - sigmoid)
}

#[inline(always)]
fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + elementary::exp(-x))
}

/// Below 0 the value is `scale·alpha·(eˣ − 1)`.
#[inline(always)]
fn selu(x: f32, y: f32) -> f32 {
    const SCALE: f32 = 1.050_701;
    const SCALE_ALPHA: f32 = 1.758_099_3;
    if x > 0.0 { SCALE } else { y + SCALE_ALPHA }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{activation, reference};
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
        let kinds = ActivationKind::ALL.into_iter().map(Some).chain([None]);
        for kind in kinds {
            for (rows, inputs, outputs) in [(1, 1, 1), (3, 5, 2), (37, 33, 17)] {
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
    fn gradients_are_those_of_finite_differences() {
        const STEP: f64 = 1e-5;
        let points: Vec<f32> = (-80..=80).map(|k| k as f32 * 0.15 + 0.01).collect();
        for kind in ActivationKind::ALL {
            let x = Var::from_vec(points.clone(), (points.len(), 1), &Device::Cpu).unwrap();
            let one = Tensor::ones((1, 1), DType::F32, &Device::Cpu).unwrap();
            let zero = Tensor::zeros(1, DType::F32, &Device::Cpu).unwrap();
            let y = apply(Some(kind), &x, &one, &zero).unwrap().sum_all().unwrap();
            let gradient = y.backward().unwrap().get(&x).unwrap().flatten_all().unwrap();
            for (&x, &found) in points.iter().zip(&gradient.to_vec1::<f32>().unwrap()) {
                let f = |x: f64| reference::activate(kind, x);
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
