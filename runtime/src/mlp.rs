//! The network whose sizes are known while compiling.

use core::fmt;
use core::marker::PhantomData;

use crate::activation::{Activation, Gelu};
#[cfg(feature = "std")]
use crate::grid::Steps;
#[cfg(feature = "std")]
use crate::integrate::{Buffers, NetworkField, integrate};
use crate::kernel::{Called, Start};
use crate::lanes::{LANES, Lanes};
#[cfg(feature = "std")]
use crate::method::sealed::Stages;
use crate::network::{Dims, Evaluator, Layers, Weights};
use crate::safetensors::{File, LoadError, tri};
use crate::units::Units;
use crate::velocity::{LaneVelocity, VelocityField};

/// A multilayer perceptron that gives a velocity: `D` data dimensions, `C` conditions, `H` wide,
/// `L` hidden-to-hidden layers, activation `A`.
///
/// ```text
/// h = A(b₀ + W_c·c + w_t·t + W_x·x)      [H]
/// h = A(b + W·h)                         [H], L times
/// v = b + W·h                            [D]
/// ```
///
/// Each sum adds its terms in this order, columns in order.
///
/// The value is weights alone: a `static` of it lies in flash. An evaluation takes `2·4·H` bytes of stack for the hidden
/// units, and a little for `D` and `C`.
///
/// Above some 300,000 weights, put `#[allow(long_running_const_eval)]` on the `static`: a lint of the compiler demands it.
pub struct Mlp<const D: usize, const C: usize, const H: usize, const L: usize, A = Gelu> {
    first: First<D, C, H>,
    hidden: Hidden<H, L>,
    last: Last<D, H>,
    data_units: Units<[f32; D]>,
    condition_units: Units<[f32; C]>,
    activation: PhantomData<fn() -> A>,
}

/// The first layer, each kind of input by itself. Matrices are laid out in [panels](crate::panel): their types give
/// the sizes, not the order.
#[derive(Clone)]
struct First<const D: usize, const C: usize, const H: usize> {
    bias: [f32; H],
    condition: [[f32; H]; C],
    time: [f32; H],
    state: [[f32; H]; D],
}

/// The hidden-to-hidden layers. Under `std` 64-byte aligned, so that wide loads do not split cache lines.
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

    /// Reads a model while compiling: the program contains the weights, not the file.
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
    /// On a file that is not a model of this type. In a `static` or `const` that is a compile error with the text of
    /// [`LoadError`].
    pub const fn from_safetensors(bytes: &[u8]) -> Self {
        match Self::try_from_safetensors(bytes) {
            Ok(mlp) => mlp,
            Err(error) => panic!("{}", error.message().as_str()),
        }
    }

    /// A model for [`Self::load`] to read into. Its velocity is 0 everywhere under any condition, and so are its
    /// samples.
    ///
    /// All its bytes are zero: a `static` of it that can be written to lies in `.bss`, where it takes RAM and no flash.
    pub const fn zero() -> Self {
        Self::ZERO
    }

    /// Reads a model at run time, in place. [`Self::try_from_safetensors`] needs room for a second model on the stack
    /// while it returns, this does not.
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
    /// [`LoadError`], whatever the bytes; the model is then [`Self::zero`].
    pub const fn load(&mut self, bytes: &[u8]) -> Result<(), LoadError> {
        // Part by part: a whole zero model to copy from would lie in flash.
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
    /// [`LoadError`], whatever the bytes: never a panic, never a read past their end.
    pub const fn try_from_safetensors(bytes: &[u8]) -> Result<Self, LoadError> {
        let mut mlp = Self::ZERO;
        match mlp.read(bytes) {
            Ok(()) => Ok(mlp),
            Err(error) => Err(error),
        }
    }

    const fn read(&mut self, bytes: &[u8]) -> Result<(), LoadError> {
        let file = tri!(File::open(bytes));
        self.weights_mut().read(&file, A::KIND, Self::DIMS)
    }

    /// All parts, to read.
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

    /// All parts, to write.
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

    /// A number over the weights, the activation and the version of the numeric contract, for a handshake between
    /// players or a bug report. Two models with the same fingerprint give the same bits.
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

    /// The same model under one condition: computes here, once, what depends on it alone. The same bits, for `4·H`
    /// bytes; faster from a few conditions up.
    pub fn given(&self, c: [f32; C]) -> Given<'_, D, C, H, L, A> {
        Given { mlp: self, prefix: self.prefix(c) }
    }

    /// Converts from data units to flow units, `(x − data.mean) ÷ data.scale`: for a path that starts at a point of
    /// your own instead of noise.
    pub fn to_flow_units(&self, mut x: [f32; D]) -> [f32; D] {
        self.weights().data_units.to_flow(&mut x);
        x
    }

    /// The condition that stood for none in training with conditions dropped, in the user's units: `condition.mean`,
    /// which is all zeros in flow units, and for a one-hot condition all zeros in the user's units too. It is what
    /// [`Guided`](crate::Guided) wants.
    pub const fn null_condition(&self) -> [f32; C] {
        self.condition_units.mean
    }

    /// The first layer's bias and condition terms.
    fn prefix(&self, mut c: [f32; C]) -> [f32; H] {
        let mut units = [0.0; H];
        self.weights().prefix(Called::<f32>::NEW, &mut c, &mut units);
        units
    }

    /// [`Self::prefix`] of samples side by side.
    fn lane_prefix(&self, mut c: Lanes<C>) -> Lanes<H> {
        let mut units = [[0.0; LANES]; H];
        self.weights().prefix(Called::<[f32; LANES]>::NEW, &mut c, &mut units);
        units
    }

    /// The velocity, `prefix` being what the first layer's sums start from.
    fn velocity_after(&self, prefix: &[f32; H], t: f32, x: [f32; D]) -> [f32; D] {
        // Constants: an unoptimised build would fill the arrays number by number.
        let v = &mut const { [0.0; D] };
        let prefix = Start::Same(prefix);
        #[cfg(feature = "std")]
        {
            let units =
                [&mut const { Aligned([0.0; H]) }.0[..], &mut const { Aligned([0.0; H]) }.0];
            Evaluator::new(self.weights(), A::KIND, A::FAST, units).velocity(prefix, t, &x, v);
        }
        // Where there are no vectors to choose, calls that know their sizes are the smaller code.
        #[cfg(not(feature = "std"))]
        {
            let units = &mut [&mut const { [0.0; H] }[..], &mut const { [0.0; H] }];
            self.weights().velocity::<_, A>(Called::<f32>::NEW, prefix, t, &x, v, units);
        }
        *v
    }

    /// Integrates `steps` from `x` in place, `prefix` being what the first layer's sums start from.
    #[cfg(feature = "std")]
    fn integrate_after(&self, prefix: &[f32; H], steps: Steps<'_>, x: &mut [f32; D]) {
        let units = [&mut const { Aligned([0.0; H]) }.0[..], &mut const { Aligned([0.0; H]) }.0];
        let [point, before, v @ ..] = &mut const { [[0.0; D]; 6] };
        let field = NetworkField {
            evaluator: Evaluator::new(self.weights(), A::KIND, A::FAST, units),
            prefix: Start::Same(prefix),
            guidance: None,
        };
        let stages = Stages { point, v: v.each_mut().map(|v| &mut v[..]) };
        integrate(field, steps, x, Buffers { stages, before });
    }

    /// Calls `run` with the velocities of samples side by side, `prefix` being what the first layer's sums start from.
    fn with_lanes_after(
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
            // Nothing to add, so nothing to copy.
            return self.velocity_after(&self.first.bias, t, x);
        }
        self.velocity_after(&self.prefix(c), t, x)
    }

    #[cfg(feature = "std")]
    fn __integrate(&self, steps: Steps<'_>, x: &mut [f32; D], c: [f32; C]) -> bool {
        if C == 0 {
            self.integrate_after(&self.first.bias, steps, x);
        } else {
            self.integrate_after(&self.prefix(c), steps, x);
        }
        true
    }

    fn with_lanes(&self, c: &Lanes<C>, run: &mut dyn FnMut(LaneVelocity<'_, D>)) {
        if C == 0 {
            return self.with_lanes_after(Start::Same(&self.first.bias), run);
        }
        let prefix = self.lane_prefix(*c);
        self.with_lanes_after(Start::Each(&prefix), run);
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
    /// The sizes and the activation; the weights would fill pages.
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

/// A model under one condition, from [`Mlp::given`]: a field without conditions.
pub struct Given<'a, const D: usize, const C: usize, const H: usize, const L: usize, A = Gelu> {
    mlp: &'a Mlp<D, C, H, L, A>,
    prefix: [f32; H],
}

impl<const D: usize, const C: usize, const H: usize, const L: usize, A: Activation>
    VelocityField<D, 0> for Given<'_, D, C, H, L, A>
{
    fn velocity(&self, t: f32, x: [f32; D], _: [f32; 0]) -> [f32; D] {
        self.mlp.velocity_after(&self.prefix, t, x)
    }

    #[cfg(feature = "std")]
    fn __integrate(&self, steps: Steps<'_>, x: &mut [f32; D], _: [f32; 0]) -> bool {
        self.mlp.integrate_after(&self.prefix, steps, x);
        true
    }

    fn with_lanes(&self, _: &Lanes<0>, run: &mut dyn FnMut(LaneVelocity<'_, D>)) {
        self.mlp.with_lanes_after(Start::Same(&self.prefix), run);
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
