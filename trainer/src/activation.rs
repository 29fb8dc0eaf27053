//! The network's activations as candle sees them.

use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Result, Shape, Tensor};
use flowlet::{ActivationKind, elementary};

use crate::storage::floats;

/// An activation made of candle's own operations: what the goldens hold the runtime against.
///
/// # Errors
///
/// candle's.
pub fn apply(kind: ActivationKind, x: &Tensor) -> Result<Tensor> {
    // Klambauer et al., "Self-Normalizing Neural Networks" (2017).
    const SELU_ALPHA: f64 = 1.673_263_242_354_377_3;
    const SELU_SCALE: f64 = 1.050_700_987_355_480_5;
    match kind {
        ActivationKind::Gelu => x.gelu_erf(),
        ActivationKind::GeluTanh => x.gelu(),
        ActivationKind::Silu => x.silu(),
        ActivationKind::Selu => x.elu(SELU_ALPHA)? * SELU_SCALE,
        ActivationKind::Tanh => x.tanh(),
        ActivationKind::Relu => x.relu(),
    }
}

/// An activation for training: on the CPU the exact GELU is the runtime's, because candle's calls
/// a scalar `erf` for every element and takes most of a step's time.
///
/// # Errors
///
/// candle's.
pub fn apply_in_training(kind: ActivationKind, x: &Tensor) -> Result<Tensor> {
    if kind == ActivationKind::Gelu && x.device().is_cpu() {
        x.contiguous()?.apply_op1(RuntimeGelu)
    } else {
        apply(kind, x)
    }
}

struct RuntimeGelu;

impl CustomOp1 for RuntimeGelu {
    fn name(&self) -> &'static str {
        "gelu of the runtime"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let mut y = floats(storage, layout)?.to_vec();
        ActivationKind::Gelu.apply_slice(&mut y);
        Ok((CpuStorage::F32(y), layout.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        x.contiguous()?.apply_op2_no_bwd(&gradient.contiguous()?, &GeluGradient).map(Some)
    }
}

/// `gradient · (Φ(x) + x·φ(x))`.
struct GeluGradient;

impl CustomOp2 for GeluGradient {
    fn name(&self) -> &'static str {
        "gradient of gelu"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        gradient: &CpuStorage,
        gradient_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        const INVERSE_SQRT_2_PI: f32 = 0.398_942_3;
        let (x, gradient) = (floats(x, x_layout)?, floats(gradient, gradient_layout)?);
        let product = x
            .iter()
            .zip(gradient)
            .map(|(&x, &gradient)| {
                let density = elementary::exp(-0.5 * x * x) * INVERSE_SQRT_2_PI;
                gradient * (elementary::normal_cdf(x) + x * density)
            })
            .collect();
        Ok((CpuStorage::F32(product), x_layout.shape().clone()))
    }
}
