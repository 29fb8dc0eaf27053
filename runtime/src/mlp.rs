//! The network whose sizes are known while compiling.

use core::fmt;
use core::marker::PhantomData;

use crate::activation::{Activation, Gelu};
use crate::fingerprint::Fingerprint;
use crate::kernel;
use crate::lanes::{self, LANES, Lanes, Start};
#[cfg(feature = "std")]
use crate::network::{Layers, Network};
use crate::safetensors::{
    Dims, File, LoadError, TensorName, check_convention, check_sizes, read_affine, read_columns,
    read_vector, tri,
};
#[cfg(feature = "std")]
use crate::solver::{SolverKind, Stages, Steps};
use crate::velocity::{LaneVelocity, VelocityField};
#[cfg(feature = "std")]
use crate::walk::Walk;

/// A multilayer perceptron that gives a velocity: `D` data dimensions, `C` conditions, `H` wide,
/// `L` hidden-to-hidden layers, activation `A`.
///
/// ```text
/// h = A(b₀ + W_c·c + w_t·t + W_x·x)      [H]
/// h = A(b + W·h)                         [H], L times
/// v = b + W·h                            [D]
/// ```
///
/// Each sum adds its terms in the order in which they stand there, columns in order.
///
/// The value is nothing but weights: a `static` of it lies in flash. An evaluation takes
/// `2·4·H` bytes of stack for the hidden units, and a little for `D` and `C`.
///
/// Past some 300,000 weights the compiler asks for `#[allow(long_running_const_eval)]` at the
/// `static`.
pub struct Mlp<const D: usize, const C: usize, const H: usize, const L: usize, A = Gelu> {
    first: First<D, C, H>,
    hidden: Hidden<H, L>,
    last: Last<D, H>,
    data: Affine<D>,
    condition: Affine<C>,
    activation: PhantomData<fn() -> A>,
}

/// The first layer, each kind of input apart. Matrices lie in [panels](crate::panel), whatever their
/// type says of rows: it is there for its size.
struct First<const D: usize, const C: usize, const H: usize> {
    bias: [f32; H],
    condition: [[f32; H]; C],
    time: [f32; H],
    state: [[f32; H]; D],
}

/// Under `std` the weights lie where vectors do: a wide one that begins elsewhere is in two lines of the
/// cache.
#[cfg_attr(feature = "std", repr(C, align(64)))]
struct Hidden<const H: usize, const L: usize> {
    columns: [[[f32; H]; H]; L],
    bias: [[f32; H]; L],
}

impl<const H: usize, const L: usize> Hidden<H, L> {
    /// The bias and the columns of each layer.
    fn layers(&self) -> impl Iterator<Item = (&[f32; H], &[f32])> {
        self.bias.iter().zip(self.columns.iter().map(|columns| columns.as_flattened()))
    }
}

struct Last<const D: usize, const H: usize> {
    bias: [f32; D],
    columns: [[f32; D]; H],
}

/// Hidden units where vectors lie.
#[cfg(feature = "std")]
#[repr(align(64))]
struct Units<const H: usize>([f32; H]);

/// The user's units = units of the flow · scale + mean.
struct Affine<const K: usize> {
    mean: [f32; K],
    scale: [f32; K],
}

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
            data: Affine { mean: [0.0; D], scale: [1.0; D] },
            condition: Affine { mean: [0.0; C], scale: [1.0; C] },
            activation: PhantomData,
        }
    };

    /// Reads a model while compiling: the file's bytes are gone, the weights are in flash.
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
    /// On a file that is not such a model. In a `static` or `const` that is a compile error, and
    /// it says what [`LoadError`] says.
    pub const fn from_safetensors(bytes: &[u8]) -> Self {
        match Self::try_from_safetensors(bytes) {
            Ok(mlp) => mlp,
            Err(error) => panic!("{}", error.message().as_str()),
        }
    }

    /// A model of zero velocity everywhere: room for [`Self::load`].
    pub const fn zero() -> Self {
        Self::ZERO
    }

    /// Reads a model at run time into the place where it is: a chip needs room for one, where
    /// [`Self::try_from_safetensors`] has a second on the stack while it returns.
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
    /// [`LoadError`], whatever the bytes; the model is then [`Self::zero`], not half of another.
    pub const fn load(&mut self, bytes: &[u8]) -> Result<(), LoadError> {
        self.clear();
        let result = self.read(bytes);
        if result.is_err() {
            self.clear();
        }
        result
    }

    /// Makes the model what [`Self::zero`] is, part by part: a copy of it would lie in flash.
    const fn clear(&mut self) {
        fill(&mut self.first.bias, 0.0);
        fill(self.first.condition.as_flattened_mut(), 0.0);
        fill(&mut self.first.time, 0.0);
        fill(self.first.state.as_flattened_mut(), 0.0);
        fill(self.hidden.bias.as_flattened_mut(), 0.0);
        fill(self.hidden.columns.as_flattened_mut().as_flattened_mut(), 0.0);
        fill(&mut self.last.bias, 0.0);
        fill(self.last.columns.as_flattened_mut(), 0.0);
        fill(&mut self.data.mean, 0.0);
        fill(&mut self.data.scale, 1.0);
        fill(&mut self.condition.mean, 0.0);
        fill(&mut self.condition.scale, 1.0);
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
        tri!(check_convention(&file, A::KIND, L));

        let first = TensorName::Weight { layer: 0 };
        let shape = (H, 1 + D + C);
        tri!(read_columns(&file, first, shape, 0, &mut self.first.time));
        tri!(read_columns(&file, first, shape, 1, self.first.state.as_flattened_mut()));
        tri!(read_columns(&file, first, shape, 1 + D, self.first.condition.as_flattened_mut()));
        tri!(read_vector(&file, TensorName::Bias { layer: 0 }, &mut self.first.bias));
        let mut i = 0;
        while i < L {
            let layer = i + 1;
            let columns = self.hidden.columns[i].as_flattened_mut();
            tri!(read_columns(&file, TensorName::Weight { layer }, (H, H), 0, columns));
            tri!(read_vector(&file, TensorName::Bias { layer }, &mut self.hidden.bias[i]));
            i += 1;
        }
        let layer = L + 1;
        let columns = self.last.columns.as_flattened_mut();
        tri!(read_columns(&file, TensorName::Weight { layer }, (D, H), 0, columns));
        tri!(read_vector(&file, TensorName::Bias { layer }, &mut self.last.bias));

        let names = (TensorName::DataMean, TensorName::DataScale);
        tri!(read_affine(&file, names, &mut self.data.mean, &mut self.data.scale));
        let names = (TensorName::ConditionMean, TensorName::ConditionScale);
        tri!(read_affine(&file, names, &mut self.condition.mean, &mut self.condition.scale));
        tri!(file.check_extent(L + 2));
        check_sizes(&file, Dims { data: D, condition: C, width: H, hidden_layers: L })
    }

    /// A number over the weights, the activation and the version of the numeric contract: for a
    /// network handshake or a bug report. Two models of one fingerprint give the same bits.
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
        let mut fingerprint = Fingerprint::new(A::NAME, [D, C, H, L]);
        fingerprint.add(&self.first.bias);
        fingerprint.add_columns(self.first.condition.as_flattened(), H);
        fingerprint.add(&self.first.time);
        fingerprint.add_columns(self.first.state.as_flattened(), H);
        let mut i = 0;
        while i < L {
            fingerprint.add(&self.hidden.bias[i]);
            fingerprint.add_columns(self.hidden.columns[i].as_flattened(), H);
            i += 1;
        }
        fingerprint.add(&self.last.bias);
        fingerprint.add_columns(self.last.columns.as_flattened(), D);
        fingerprint.add(&self.data.mean);
        fingerprint.add(&self.data.scale);
        fingerprint.add(&self.condition.mean);
        fingerprint.add(&self.condition.scale);
        fingerprint.value()
    }

    /// The same model under one condition: what depends on it alone is computed here, once. Same
    /// bits, for `4·H` bytes; worth it from a few conditions up.
    pub fn given(&self, c: [f32; C]) -> Given<'_, D, C, H, L, A> {
        Given { mlp: self, prefix: self.prefix(c) }
    }

    /// From data units to flow units, `(x − data.mean) ÷ data.scale`: where a path starts from that
    /// begins at a point of the user's own rather than at noise.
    pub fn to_flow_units(&self, mut x: [f32; D]) -> [f32; D] {
        kernel::to_flow_units(&mut x, &self.data.mean, &self.data.scale);
        x
    }

    /// The condition that stands for none in training with conditions dropped, in the user's units:
    /// all zeros in flow units, which is `condition.mean`, and of a one-hot condition all zeros. It
    /// is what [`Guided`](crate::Guided) wants.
    pub const fn null_condition(&self) -> [f32; C] {
        self.condition.mean
    }

    /// The first layer's bias and condition terms, in this order.
    fn prefix(&self, mut c: [f32; C]) -> [f32; H] {
        for ((c, &mean), &scale) in
            c.iter_mut().zip(&self.condition.mean).zip(&self.condition.scale)
        {
            *c = kernel::standardize(*c, mean, scale);
        }
        let mut units = [0.0; H];
        let columns = self.first.condition.as_flattened();
        kernel::affine(&mut units, &self.first.bias, None, columns, &c);
        units
    }

    /// The velocity, from the first layer's prefix on.
    #[cfg(feature = "std")]
    fn velocity_after(&self, prefix: &[f32; H], t: f32, mut x: [f32; D]) -> [f32; D] {
        // Where a step of no length begins.
        self.walk_after(prefix, Steps { kind: SolverKind::Euler, t: &[t], dt: &[0.0] }, &mut x)
    }

    /// Goes `steps` from `x` on, from the first layer's prefix on; the velocity at the last one's start.
    #[cfg(feature = "std")]
    fn walk_after(&self, prefix: &[f32; H], steps: Steps<'_>, x: &mut [f32; D]) -> [f32; D] {
        // Constants: an unoptimised build would fill the arrays number by number.
        let [point, v @ ..] = &mut const { [[0.0; D]; 5] };
        A::walk(&mut Walk {
            steps,
            network: Network {
                time: &self.first.time,
                state: self.first.state.as_flattened(),
                hidden: Layers {
                    bias: self.hidden.bias.as_flattened(),
                    columns: self.hidden.columns.as_flattened().as_flattened(),
                },
                last: Layers { bias: &self.last.bias, columns: self.last.columns.as_flattened() },
                units: [&mut const { Units([0.0; H]) }.0, &mut const { Units([0.0; H]) }.0],
            },
            prefix,
            guidance: None,
            x,
            stages: Stages { point, v: v.each_mut().map(|v| &mut v[..]) },
            after_step: None,
        });
        v[0]
    }

    /// The same where there is nothing to choose: calls that know their sizes are the smaller code.
    #[cfg(not(feature = "std"))]
    fn velocity_after(&self, prefix: &[f32; H], t: f32, x: [f32; D]) -> [f32; D] {
        // A constant: an unoptimised build would fill the array number by number.
        let (mut units, mut next) = (&mut const { [0.0; H] }, &mut const { [0.0; H] });
        let time = (&self.first.time[..], t);
        kernel::affine(units, prefix, Some(time), self.first.state.as_flattened(), &x);
        A::activate(units);
        for (bias, columns) in self.hidden.layers() {
            kernel::affine(next, bias, None, columns, units);
            A::activate(next);
            core::mem::swap(&mut units, &mut next);
        }
        let mut v = [0.0; D];
        kernel::affine(&mut v, &self.last.bias, None, self.last.columns.as_flattened(), units);
        kernel::make_canonical(&mut v);
        v
    }
}

impl<const D: usize, const C: usize, const H: usize, const L: usize, A: Activation>
    Mlp<D, C, H, L, A>
{
    /// The velocities of lanes of samples, `prefix` being what the first layer's sums begin with.
    fn lane_velocity(&self, prefix: Start<'_>) -> impl FnMut(f32, &Lanes<D>) -> Lanes<D> {
        let (mut units, mut next) = ([[0.0; LANES]; H], [[0.0; LANES]; H]);
        move |t, x| {
            let (mut units, mut next) = (&mut units, &mut next);
            let time = (&self.first.time[..], t);
            lanes::affine(units, prefix, Some(time), self.first.state.as_flattened(), x);
            A::activate(units.as_flattened_mut());
            for (bias, columns) in self.hidden.layers() {
                lanes::affine(next, Start::Same(bias), None, columns, units);
                A::activate(next.as_flattened_mut());
                core::mem::swap(&mut units, &mut next);
            }
            let mut v = [[0.0; LANES]; D];
            let start = Start::Same(&self.last.bias);
            lanes::affine(&mut v, start, None, self.last.columns.as_flattened(), units);
            kernel::make_canonical(v.as_flattened_mut());
            v
        }
    }

    /// The first layer's bias and condition terms of lanes of samples, in this order.
    fn lane_prefix(&self, mut c: Lanes<C>) -> Lanes<H> {
        let affine = self.condition.mean.iter().zip(&self.condition.scale);
        for (c, (&mean, &scale)) in c.iter_mut().zip(affine) {
            *c = c.map(|c| kernel::standardize(c, mean, scale));
        }
        let mut units = [[0.0; LANES]; H];
        let columns = self.first.condition.as_flattened();
        lanes::affine(&mut units, Start::Same(&self.first.bias), None, columns, &c);
        units
    }
}

/// `fill` of slices is not const.
const fn fill(values: &mut [f32], value: f32) {
    let mut i = 0;
    while i < values.len() {
        values[i] = value;
        i += 1;
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
    fn walk(&self, steps: Steps<'_>, x: &mut [f32; D], c: [f32; C]) -> bool {
        if C == 0 {
            self.walk_after(&self.first.bias, steps, x);
        } else {
            self.walk_after(&self.prefix(c), steps, x);
        }
        true
    }

    fn with_lanes(&self, c: &Lanes<C>, walk: &mut dyn FnMut(LaneVelocity<'_, D>)) {
        if C == 0 {
            return walk(&mut self.lane_velocity(Start::Same(&self.first.bias)));
        }
        let prefix = self.lane_prefix(*c);
        walk(&mut self.lane_velocity(Start::Each(&prefix)));
    }

    /// `x · data.scale + data.mean`.
    fn to_data_units(&self, mut x: [f32; D]) -> [f32; D] {
        kernel::to_data_units(&mut x, &self.data.mean, &self.data.scale);
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
    fn walk(&self, steps: Steps<'_>, x: &mut [f32; D], _: [f32; 0]) -> bool {
        self.mlp.walk_after(&self.prefix, steps, x);
        true
    }

    fn with_lanes(&self, _: &Lanes<0>, walk: &mut dyn FnMut(LaneVelocity<'_, D>)) {
        walk(&mut self.mlp.lane_velocity(Start::Same(&self.prefix)));
    }

    fn to_data_units(&self, x: [f32; D]) -> [f32; D] {
        self.mlp.to_data_units(x)
    }
}
