//! The network whose sizes are known at compile time.

use core::fmt;
use core::marker::PhantomData;

use crate::activation::{Activation, Gelu};
#[cfg(feature = "std")]
use crate::grid::Steps;
#[cfg(feature = "std")]
use crate::integrate::{Buffers, integrate_network};
use crate::kernel::{Called, Start};
use crate::lanes::{LANES, Lanes};
#[cfg(feature = "std")]
use crate::method::sealed::Stages;
use crate::network::{Dims, Evaluator, Layers, Weights};
use crate::safetensors::{File, LoadError, tri};
use crate::units::Units;
use crate::velocity::{LaneVelocity, VelocityField};

/// A multilayer perceptron whose output is a velocity. It has `D` data dimensions, `C` conditions, hidden
/// width `H`, `L` hidden-to-hidden layers and the activation `A`.
///
/// ```text
/// h = A(b₀ + W_c·c + w_t·t + W_x·x)      [H]
/// h = A(b + W·h)                         [H], L times
/// v = b + W·h                            [D]
/// ```
///
/// Each sum adds its terms from left to right, and the terms of a matrix product in the order of its inputs.
///
/// The value contains only weights, so a `static` of it is stored in flash. An evaluation takes `2·4·H` bytes
/// of stack for the hidden units, and a little for `D` and `C`.
///
/// With more than about 300,000 weights, put `#[allow(long_running_const_eval)]` on the `static`: otherwise a
/// lint of the compiler rejects it.
pub struct Mlp<const D: usize, const C: usize, const H: usize, const L: usize, A = Gelu> {
    first: First<D, C, H>,
    hidden: Hidden<H, L>,
    last: Last<D, H>,
    data_units: Units<[f32; D]>,
    condition_units: Units<[f32; C]>,
    activation: PhantomData<fn() -> A>,
}

/// The first layer, split by the kind of input. Matrices are laid out in [panels](crate::panel), so their
/// types give the sizes but not the order.
#[derive(Clone)]
struct First<const D: usize, const C: usize, const H: usize> {
    bias: [f32; H],
    condition: [[f32; H]; C],
    time: [f32; H],
    state: [[f32; H]; D],
}

/// The hidden-to-hidden layers. With `std` they are 64-byte aligned, so that wide loads do not split cache
/// lines.
#[derive(Clone)]
#[cfg_attr(feature = "std", repr(C, align(64)))]
struct Hidden<const H: usize, const L: usize> {
    columns: [[[f32; H]; H]; L],
    bias: [[f32; H]; L],
}

#[derive(Clone)]
struct Last<const D: usize, const H: usize> {
    bias: [f32; D],
    columns: [[f32; D]; H],
}

/// Hidden units, 64-byte aligned.
#[cfg(feature = "std")]
#[repr(align(64))]
struct Aligned<const H: usize>([f32; H]);

impl<const D: usize, const C: usize, const H: usize, const L: usize, A: Activation>
    Mlp<D, C, H, L, A>
{
    const ZERO: Self = {
        assert!(D > 0, "a model has at least one data dimension");
        assert!(H > 0, "a model is at least one unit wide");
        assert!(L < 65, "a model has at most 64 hidden-to-hidden layers");
        Self {
            first: First {
                bias: [0.0; H],
                condition: [[0.0; H]; C],
                time: [0.0; H],
                state: [[0.0; H]; D],
            },
            hidden: Hidden { columns: [[[0.0; H]; H]; L], bias: [[0.0; H]; L] },
            last: Last { bias: [0.0; D], columns: [[0.0; D]; H] },
            data_units: Units { mean: [0.0; D], scale: [0.0; D] },
            condition_units: Units { mean: [0.0; C], scale: [0.0; C] },
            activation: PhantomData,
        }
    };

    const DIMS: Dims = Dims { data: D, condition: C, width: H, hidden_layers: L };

    /// Reads a model at compile time. The program contains the weights, not the file.
    ///
    /// ```
    /// use flowlet::{Mlp, Silu};
    ///
    /// static SWIRL: Mlp<2, 0, 32, 1, Silu> =
    ///     Mlp::from_safetensors(include_bytes!("../examples/swirl.safetensors"));
    /// ```
    ///
    /// # Panics
    ///
    /// Panics if the file is not a model of this type. In a `static` or `const`, this is a compile error with
    /// the text of [`LoadError`].
    pub const fn from_safetensors(bytes: &[u8]) -> Self {
        match Self::try_from_safetensors(bytes) {
            Ok(mlp) => mlp,
            Err(error) => panic!("{}", error.message().as_str()),
        }
    }

    /// An empty model for [`Self::load`] to read into. Its velocity is 0 everywhere and under any condition,
    /// and its samples are 0.
    ///
    /// All its bytes are zero, so a writable `static` of it is placed in `.bss`, which takes RAM but no
    /// flash.
    pub const fn zero() -> Self {
        Self::ZERO
    }

    /// Reads a model at run time, in place. Unlike [`Self::try_from_safetensors`], it needs no stack for a
    /// second model.
    ///
    /// ```
    /// use flowlet::{LoadError, Mlp, Silu};
    ///
    /// fn replace(model: &mut Mlp<2, 0, 32, 1, Silu>, file: &[u8]) -> Result<(), LoadError> {
    ///     model.load(file)
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`LoadError`] if the bytes are not a model of this type. The model is then [`Self::zero`].
    pub const fn load(&mut self, bytes: &[u8]) -> Result<(), LoadError> {
        // Part by part, because a whole zero model to copy from would take flash.
        self.weights_mut().clear();
        let result = self.read(bytes);
        if result.is_err() {
            self.weights_mut().clear();
        }
        result
    }

    /// Reads a model at run time.
    ///
    /// # Errors
    ///
    /// [`LoadError`] if the bytes are not a model of this type. No input causes a panic or a read past its end.
    pub const fn try_from_safetensors(bytes: &[u8]) -> Result<Self, LoadError> {
        let mut mlp = Self::ZERO;
        match mlp.read(bytes) {
            Ok(()) => Ok(mlp),
            Err(error) => Err(error),
        }
    }

    const fn read(&mut self, bytes: &[u8]) -> Result<(), LoadError> {
        let mut file = File::NONE;
        tri!(file.open(bytes));
        self.weights_mut().read(&file, A::KIND, Self::DIMS)
    }

    /// All parts as slices.
    #[inline]
    const fn weights(&self) -> Weights<&[f32]> {
        Weights {
            bias: &self.first.bias,
            condition: self.first.condition.as_flattened(),
            time: &self.first.time,
            state: self.first.state.as_flattened(),
            hidden: Layers {
                bias: self.hidden.bias.as_flattened(),
                columns: self.hidden.columns.as_flattened().as_flattened(),
            },
            last: Layers { bias: &self.last.bias, columns: self.last.columns.as_flattened() },
            data_units: Units { mean: &self.data_units.mean, scale: &self.data_units.scale },
            condition_units: Units {
                mean: &self.condition_units.mean,
                scale: &self.condition_units.scale,
            },
        }
    }

    /// All parts as mutable slices.
    const fn weights_mut(&mut self) -> Weights<&mut [f32]> {
        Weights {
            bias: &mut self.first.bias,
            condition: self.first.condition.as_flattened_mut(),
            time: &mut self.first.time,
            state: self.first.state.as_flattened_mut(),
            hidden: Layers {
                bias: self.hidden.bias.as_flattened_mut(),
                columns: self.hidden.columns.as_flattened_mut().as_flattened_mut(),
            },
            last: Layers {
                bias: &mut self.last.bias,
                columns: self.last.columns.as_flattened_mut(),
            },
            data_units: Units {
                mean: &mut self.data_units.mean,
                scale: &mut self.data_units.scale,
            },
            condition_units: Units {
                mean: &mut self.condition_units.mean,
                scale: &mut self.condition_units.scale,
            },
        }
    }

    /// A digest of the weights, the activation and the version of the numeric contract. Models with the same
    /// fingerprint give the same bits. Use it in a handshake between players or in a bug report.
    ///
    /// ```
    /// use flowlet::{Mlp, Silu};
    ///
    /// static SWIRL: Mlp<2, 0, 32, 1, Silu> =
    ///     Mlp::from_safetensors(include_bytes!("../examples/swirl.safetensors"));
    ///
    /// assert_eq!(SWIRL.fingerprint(), 0x537d_4b1d_45d5_fdf1);
    /// ```
    pub const fn fingerprint(&self) -> u64 {
        self.weights().fingerprint(A::NAME, Self::DIMS)
    }

    /// Fixes the condition: computes the terms that depend only on `c` once, for all evaluations. The bits
    /// are the same. The result takes `4·H` bytes, and saves time from a few condition dimensions up.
    pub fn given(&self, c: [f32; C]) -> Given<'_, D, C, H, L, A> {
        Given { mlp: self, prefix: self.prefix(c) }
    }

    /// Converts from data units to flow units: `(x − data.mean) ÷ data.scale`. A path that starts at a point
    /// of your own instead of noise needs it.
    pub fn to_flow_units(&self, mut x: [f32; D]) -> [f32; D] {
        self.weights().data_units.to_flow(&mut x);
        x
    }

    /// The null condition, in the user's units: the condition that training with `--label-dropout` put in
    /// place of a dropped one. It is `condition.mean`, all zeros in flow units. For a one-hot condition it is
    /// all zeros in the user's units too. [`Guided`](crate::Guided) needs it.
    pub const fn null_condition(&self) -> [f32; C] {
        self.condition_units.mean
    }

    /// The first layer's bias plus its condition terms, `[H]`.
    fn prefix(&self, mut c: [f32; C]) -> [f32; H] {
        let mut units = [0.0; H];
        self.weights().prefix(Called::<f32>::NEW, &mut c, &mut units);
        units
    }

    /// [`Self::prefix`] for samples side by side.
    fn lane_prefix(&self, mut c: Lanes<C>) -> Lanes<H> {
        let mut units = [[0.0; LANES]; H];
        self.weights().prefix(Called::<[f32; LANES]>::NEW, &mut c, &mut units);
        units
    }

    /// Returns the velocity. `prefix` is the first layer's initial sums.
    fn velocity_from(&self, prefix: &[f32; H], t: f32, x: [f32; D]) -> [f32; D] {
        // Copies of constants, because an unoptimised build would fill the arrays one number at a time.
        let v = &mut const { [0.0; D] };
        let prefix = Start::Same(prefix);
        #[cfg(feature = "std")]
        {
            let units =
                [&mut const { Aligned([0.0; H]) }.0[..], &mut const { Aligned([0.0; H]) }.0];
            Evaluator::new(self.weights(), A::KIND, A::FAST, units).velocity(prefix, t, &x, v);
        }
        // Without a choice of vectors at run time, calls with known sizes give smaller code.
        #[cfg(not(feature = "std"))]
        {
            let units = &mut [&mut const { [0.0; H] }[..], &mut const { [0.0; H] }];
            self.weights().velocity::<_, A>(Called::<f32>::NEW, prefix, t, &x, v, units);
        }
        *v
    }

    /// Integrates `steps` from `x` in place. `prefix` is the first layer's initial sums.
    #[cfg(feature = "std")]
    fn integrate_from(&self, prefix: &[f32; H], steps: Steps<'_, f32>, x: &mut [f32; D]) {
        let units = [&mut const { Aligned([0.0; H]) }.0[..], &mut const { Aligned([0.0; H]) }.0];
        let [point, before, a, b, c, d] = &mut const { [[0.0; D]; 6] };
        let evaluator = Evaluator::new(self.weights(), A::KIND, A::FAST, units);
        let stages = Stages { point, v: [a, b, c, d] };
        integrate_network(evaluator, prefix, steps, x, Buffers { stages, before, known: false });
    }

    /// [`VelocityField::with_lanes`], with the first layer's initial sums in `prefix`.
    fn with_lanes_from(
        &self,
        prefix: Start<'_, [f32; LANES]>,
        run: &mut dyn FnMut(LaneVelocity<'_, D>),
    ) {
        let units = [&mut [[0.0; LANES]; H][..], &mut [[0.0; LANES]; H]];
        let mut evaluator = Evaluator::new(self.weights(), A::KIND, A::FAST, units);
        run(&mut |t, x| {
            let mut v = [[0.0; LANES]; D];
            evaluator.velocity(prefix, t, x, &mut v);
            v
        });
    }
}

impl<const D: usize, const C: usize, const H: usize, const L: usize, A: Activation>
    VelocityField<D, C> for Mlp<D, C, H, L, A>
{
    fn velocity(&self, t: f32, x: [f32; D], c: [f32; C]) -> [f32; D] {
        if C == 0 {
            // The bias alone: no copy is needed.
            return self.velocity_from(&self.first.bias, t, x);
        }
        self.velocity_from(&self.prefix(c), t, x)
    }

    #[cfg(feature = "std")]
    fn __integrate(&self, steps: Steps<'_, f32>, x: &mut [f32; D], c: [f32; C]) -> bool {
        if C == 0 {
            self.integrate_from(&self.first.bias, steps, x);
        } else {
            self.integrate_from(&self.prefix(c), steps, x);
        }
        true
    }

    fn with_lanes(&self, c: &Lanes<C>, run: &mut dyn FnMut(LaneVelocity<'_, D>)) {
        if C == 0 {
            return self.with_lanes_from(Start::Same(&self.first.bias), run);
        }
        let prefix = self.lane_prefix(*c);
        self.with_lanes_from(Start::Each(&prefix), run);
    }

    /// `x · data.scale + data.mean`.
    fn to_data_units(&self, mut x: [f32; D]) -> [f32; D] {
        self.weights().data_units.to_user(&mut x);
        x
    }
}

impl<const D: usize, const C: usize, const H: usize, const L: usize, A: Activation> fmt::Debug
    for Mlp<D, C, H, L, A>
{
    /// Prints the sizes and the activation, but not the weights.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mlp<{D}, {C}, {H}, {L}, {}>", A::NAME)
    }
}

impl<const D: usize, const C: usize, const H: usize, const L: usize, A> Clone
    for Mlp<D, C, H, L, A>
{
    fn clone(&self) -> Self {
        Self {
            first: self.first.clone(),
            hidden: self.hidden.clone(),
            last: self.last.clone(),
            data_units: self.data_units,
            condition_units: self.condition_units,
            activation: PhantomData,
        }
    }
}

/// A model with a fixed condition, from [`Mlp::given`]: a velocity field without conditions.
pub struct Given<'a, const D: usize, const C: usize, const H: usize, const L: usize, A = Gelu> {
    mlp: &'a Mlp<D, C, H, L, A>,
    prefix: [f32; H],
}

impl<const D: usize, const C: usize, const H: usize, const L: usize, A: Activation>
    VelocityField<D, 0> for Given<'_, D, C, H, L, A>
{
    fn velocity(&self, t: f32, x: [f32; D], _: [f32; 0]) -> [f32; D] {
        self.mlp.velocity_from(&self.prefix, t, x)
    }

    #[cfg(feature = "std")]
    fn __integrate(&self, steps: Steps<'_, f32>, x: &mut [f32; D], _: [f32; 0]) -> bool {
        self.mlp.integrate_from(&self.prefix, steps, x);
        true
    }

    fn with_lanes(&self, _: &Lanes<0>, run: &mut dyn FnMut(LaneVelocity<'_, D>)) {
        self.mlp.with_lanes_from(Start::Same(&self.prefix), run);
    }

    fn to_data_units(&self, x: [f32; D]) -> [f32; D] {
        self.mlp.to_data_units(x)
    }
}

impl<const D: usize, const C: usize, const H: usize, const L: usize, A> Clone
    for Given<'_, D, C, H, L, A>
{
    fn clone(&self) -> Self {
        Self { mlp: self.mlp, prefix: self.prefix }
    }
}

impl<const D: usize, const C: usize, const H: usize, const L: usize, A: Activation> fmt::Debug
    for Given<'_, D, C, H, L, A>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Given").field(&self.mlp).finish()
    }
}

#[cfg(all(test, feature = "micromath"))]
mod tests {
    use super::*;
    use crate::activation::FastGelu;

    #[test]
    fn a_model_with_a_fast_activation_has_another_fingerprint() {
        let exact = Mlp::<1, 0, 4, 1>::zero().fingerprint();
        assert_ne!(Mlp::<1, 0, 4, 1, FastGelu>::zero().fingerprint(), exact);
    }
}
