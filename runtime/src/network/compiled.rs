//! The forward pass, compiled in this crate once for each activation.
//!
//! Nothing here is generic over a model's sizes or its activation's type, so nothing is compiled again in the
//! crate that uses the model: a game's debug build calls code that was optimised here.

use super::Weights;
use crate::activation::sealed::Pointwise;
use crate::activation::{ActivationKind, Elu, Gelu, GeluTanh, Mish, Relu, Selu, Silu, Tanh};
#[cfg(feature = "micromath")]
use crate::activation::{FastGelu, FastGeluTanh, FastSelu, FastSilu, FastTanh};
use crate::kernel::{Called, Inlined, Start};
use crate::lanes::{LANES, Number};
use crate::vectors::with_vectors;

/// A network with buffers for its hidden units: evaluates one sample, or samples side by side.
pub(crate) struct Evaluator<'a, N> {
    network: Weights<&'a [f32]>,
    forward: Forward<N>,
    units: [&'a mut [N]; 2],
}

/// [`Weights::velocity`] with one activation.
type Forward<N> =
    fn(&Weights<&[f32]>, Start<'_, N>, f32, x: &[N], v: &mut [N], units: &mut [&mut [N]; 2]);

impl<'a, N: Evaluated> Evaluator<'a, N> {
    /// `units` are two buffers of `[H]`; `fast` picks the activation's approximate form.
    #[inline(always)]
    pub(crate) fn new(
        network: Weights<&'a [f32]>,
        activation: ActivationKind,
        fast: bool,
        units: [&'a mut [N]; 2],
    ) -> Self {
        Self { network, forward: N::forward(activation, fast), units }
    }

    /// Writes the velocity at `t` and `x` (`[D]`, flow units) to `v` (`[D]`).
    #[inline(always)]
    pub(crate) fn velocity(&mut self, prefix: Start<'_, N>, t: f32, x: &[N], v: &mut [N]) {
        (self.forward)(&self.network, prefix, t, x, v, &mut self.units);
    }
}

/// A number of one sample, or of samples side by side, with the forward passes that are compiled for it.
pub(crate) trait Evaluated: Number {
    /// The forward pass with this activation.
    fn forward(activation: ActivationKind, fast: bool) -> Forward<Self>;
}

/// One sample: vectors are chosen once for all layers.
#[inline(always)]
fn one<A: Pointwise>(
    network: &Weights<&[f32]>,
    prefix: Start<'_, f32>,
    t: f32,
    x: &[f32],
    v: &mut [f32],
    units: &mut [&mut [f32]; 2],
) {
    with_vectors!(vectors => network.velocity::<_, A>(Inlined(vectors), prefix, t, x, v, units));
}

/// Samples side by side.
#[inline(always)]
fn lanes<A: Pointwise>(
    network: &Weights<&[f32]>,
    prefix: Start<'_, [f32; LANES]>,
    t: f32,
    x: &[[f32; LANES]],
    v: &mut [[f32; LANES]],
    units: &mut [&mut [[f32; LANES]]; 2],
) {
    network.velocity::<_, A>(Called::<[f32; LANES]>::NEW, prefix, t, x, v, units);
}

/// Implements [`Evaluated`] for a kind of number by a function that is generic over the activation: a function for
/// each activation, and the choice between them.
macro_rules! compile {
    ($number:ty, $forward:ident) => {
        compile! { $number, $forward,
            Gelu gelu, GeluTanh gelu_tanh, Silu silu, Selu selu, Tanh tanh, Relu relu, Elu elu, Mish mish;
            Gelu FastGelu fast_gelu, GeluTanh FastGeluTanh fast_gelu_tanh, Silu FastSilu fast_silu,
            Selu FastSelu fast_selu, Tanh FastTanh fast_tanh
        }
    };
    (
        $number:ty, $forward:ident,
        $($kind:ident $name:ident),+;
        $($exact:ident $fast:ident $fast_name:ident),+
    ) => {
        impl Evaluated for $number {
            // Inlined, so that a known activation leaves one function: a chip links no other.
            #[inline(always)]
            fn forward(activation: ActivationKind, fast: bool) -> Forward<Self> {
                $(compile! { @function $kind $name $number, $forward })+
                $(
                    #[cfg(feature = "micromath")]
                    compile! { @function $fast $fast_name $number, $forward }
                )+
                match (activation, fast) {
                    $(
                        #[cfg(feature = "micromath")]
                        (ActivationKind::$exact, true) => $fast_name,
                    )+
                    $((ActivationKind::$kind, _) => $name,)+
                }
            }
        }
    };
    (@function $activation:ident $name:ident $number:ty, $forward:ident) => {
        fn $name(
            network: &Weights<&[f32]>,
            prefix: Start<'_, $number>,
            t: f32,
            x: &[$number],
            v: &mut [$number],
            units: &mut [&mut [$number]; 2],
        ) {
            $forward::<$activation>(network, prefix, t, x, v, units);
        }
    };
}

compile!(f32, one);
compile!([f32; LANES], lanes);
