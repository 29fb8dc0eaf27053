//! The forward pass, compiled in this crate once for each activation.
//!
//! Nothing here is generic over a model's sizes, and [`Evaluator`] is not generic over the activation's type.
//! So this code is compiled and optimised in this crate, even for the debug build of a game.

use super::Weights;
use crate::activation::sealed::Pointwise;
use crate::activation::{ActivationKind, Elu, Gelu, GeluTanh, Mish, Relu, Selu, Silu, Tanh};
#[cfg(feature = "micromath")]
use crate::activation::{FastGelu, FastGeluTanh, FastSelu, FastSilu, FastTanh};
use crate::kernel::{Called, Inlined, Start};
use crate::lanes::{LANES, Number};
use crate::vectors::with_vectors;

/// A network with buffers for its hidden units. Evaluates one sample, or samples side by side.
pub(crate) struct Evaluator<'a, N> {
    network: Weights<&'a [f32]>,
    forward: Forward<N>,
    units: [&'a mut [N]; 2],
}

/// The type of [`Weights::velocity`] for a fixed activation.
type Forward<N> =
    fn(&Weights<&[f32]>, Start<'_, N>, f32, x: &[N], v: &mut [N], units: &mut [&mut [N]; 2]);

impl<'a, N: Evaluated> Evaluator<'a, N> {
    /// `units` are two buffers of `[H]`. `fast` selects the activation's approximate form.
    #[inline(always)]
    pub(crate) fn new(
        network: Weights<&'a [f32]>,
        activation: ActivationKind,
        fast: bool,
        units: [&'a mut [N]; 2],
    ) -> Self {
        Self { network, forward: N::forward(activation, fast), units }
    }

    /// Writes the velocity at `t` and `x` (`[D]`, flow units) to `v` (`[D]`). `prefix` is the first layer's
    /// initial sums.
    #[inline(always)]
    pub(crate) fn velocity(&mut self, prefix: Start<'_, N>, t: f32, x: &[N], v: &mut [N]) {
        (self.forward)(&self.network, prefix, t, x, v, &mut self.units);
    }
}

/// A number of one sample, or of samples side by side, for which forward passes are compiled.
pub(crate) trait Evaluated: Number {
    /// The forward pass for this activation.
    fn forward(activation: ActivationKind, fast: bool) -> Forward<Self>;
}

/// The forward pass for one sample. Chooses the vectors once for all layers.
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

/// The forward pass for samples side by side.
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

/// Implements [`Evaluated`] for a type of number, given a forward pass that is generic over the activation.
/// Compiles one function for each activation, and selects among them.
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
            // Inlined, so that only one function is linked where the activation is a constant.
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
