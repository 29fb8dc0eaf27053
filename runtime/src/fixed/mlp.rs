//! The network of whole numbers whose sizes are known at compile time.

use core::fmt;
use core::marker::PhantomData;

use super::fingerprint::{update_weights_4, update_weights_8, update_weights_16};
#[cfg(feature = "std")]
use super::lanes::{Buffers, Pair, Start};
use super::network::{Network, Scratch};
use super::parts::{Formats, Parts, Slices, SlicesMut};
use super::read::{read_hidden_4, read_hidden_8, read_hidden_16};
use super::storage::{Half, Words, ZERO};
use super::units::{ConditionUnits, DataUnits};
use super::weight::{I4, Weight};
use crate::activation::{Activation, Gelu};
use crate::digest::Digest;
#[cfg(feature = "std")]
use crate::lanes::{LANES, Lanes, lane};
use crate::network::Dims;
use crate::safetensors::{File, LoadError, tri};
#[cfg(feature = "std")]
use crate::velocity::LaneVelocity;
use crate::velocity::VelocityField;

/// [`Mlp`](crate::Mlp) in whole numbers, with 16 bits a weight.
pub type Mlp<const D: usize, const C: usize, const H: usize, const L: usize, A = Gelu> =
    MlpOf<D, C, H, L, A, i16>;

/// [`Mlp`] with 8 bits a weight between hidden layers.
pub type Mlp8<const D: usize, const C: usize, const H: usize, const L: usize, A = Gelu> =
    MlpOf<D, C, H, L, A, i8>;

/// [`Mlp`] with 4 bits a weight between hidden layers, two weights in a byte: `BYTES` is `L · H · ⌈H ÷ 2⌉`. Another
/// number does not compile.
///
/// ```
/// use flowlet::fixed::Mlp4;
///
/// /// 64 wide, one hidden-to-hidden layer: 64 · 32 bytes.
/// static EMPTY: Mlp4<1, 0, 64, 1, 2048> = Mlp4::zero();
/// ```
pub type Mlp4<
    const D: usize,
    const C: usize,
    const H: usize,
    const L: usize,
    const BYTES: usize,
    A = Gelu,
> = MlpOf<D, C, H, L, A, I4<BYTES>>;

/// A multilayer perceptron in whole numbers whose output is a velocity: [`Mlp`], [`Mlp8`] or [`Mlp4`]. It has `D` data
/// dimensions, `C` conditions, hidden width `H`, `L` hidden-to-hidden layers, the activation `A`, and weights of type
/// `W` between hidden layers.
///
/// Points and velocities have [`STATE_BITS`](super::STATE_BITS) fraction bits, times have
/// [`TIME_BITS`](super::TIME_BITS). Every result saturates, and no sum can overflow, whatever the inputs are.
///
/// The value contains only weights, so a `static` of it is stored in flash. An evaluation takes `6·H` bytes of stack
/// for a layer's sums and units (`8·H` on a Cortex-M0), and a little for `D` and `C`.
pub struct MlpOf<const D: usize, const C: usize, const H: usize, const L: usize, A, W: Weight> {
    bias: [i32; H],
    hidden_bias: [[i32; H]; L],
    last_bias: [i32; D],
    data_units: DataUnits<[i32; D], [i8; D]>,
    condition_units: ConditionUnits<[i32; C], [i8; C]>,
    time: Words<[Half; H]>,
    state: Words<[[Half; H]; D]>,
    condition: Words<[[Half; H]; C]>,
    last: Words<[[Half; H]; D]>,
    hidden: W::Hidden<H, L>,
    shift: [i8; H],
    hidden_shift: [[i8; H]; L],
    last_shift: [i8; D],
    hidden_bits: [i8; L],
    formats: Formats,
    activation: PhantomData<fn() -> A>,
}

macro_rules! constructors {
    (
        $weight:ty, $dtype:literal, $none:expr, $zero:expr, |$hidden:ident| $flat:expr, $flat_mut:expr,
        $read:path, $update:path $(, const $bytes:ident)?
    ) => {
        impl<
            const D: usize,
            const C: usize,
            const H: usize,
            const L: usize,
            A: Activation
            $(, const $bytes: usize)?
        > MlpOf<D, C, H, L, A, $weight>
        {
            const ZERO: Self = {
                assert!(D > 0, "a model has at least one data dimension");
                assert!(H > 0, "a model is at least one unit wide");
                assert!(L < 65, "a model has at most 64 hidden-to-hidden layers");
                $(assert!(
                    $bytes == L * H * H.div_ceil(2),
                    "weights of four bits take L * H * (H / 2, rounded up) bytes"
                );)?
                Self {
                    bias: [0; H],
                    hidden_bias: [[0; H]; L],
                    last_bias: [0; D],
                    data_units: DataUnits {
                        mean: [0; D],
                        scale: [0; D],
                        shift: [0; D],
                        inverse: [0; D],
                        inverse_shift: [0; D],
                    },
                    condition_units: ConditionUnits {
                        mean: [0; C],
                        scale: [0; C],
                        shift: [0; C],
                    },
                    time: Words([ZERO; H]),
                    state: Words([[ZERO; H]; D]),
                    condition: Words([[ZERO; H]; C]),
                    last: Words([[ZERO; H]; D]),
                    hidden: $zero,
                    shift: [0; H],
                    hidden_shift: [[0; H]; L],
                    last_shift: [0; D],
                    hidden_bits: [0; L],
                    formats: Formats::ZERO,
                    activation: PhantomData,
                }
            };

            /// Reads a model at compile time. The program contains the weights, not the file.
            ///
            /// # Panics
            ///
            /// Panics if the file is not a model of this type. In a `static` or `const`, this is a compile error
            /// with the text of [`LoadError`].
            pub const fn from_safetensors(bytes: &[u8]) -> Self {
                match Self::try_from_safetensors(bytes) {
                    Ok(mlp) => mlp,
                    Err(error) => panic!("{}", error.message().as_str()),
                }
            }

            /// An empty model for [`Self::load`] to read into. Its velocity is 0 everywhere and under any
            /// condition, and its samples are 0.
            ///
            /// All its bytes are zero, so a writable `static` of it is placed in `.bss`, which takes RAM but no
            /// flash.
            pub const fn zero() -> Self {
                Self::ZERO
            }

            /// Reads a model at run time.
            ///
            /// # Errors
            ///
            /// [`LoadError`] if the bytes are not a model of this type. No input causes a panic or a read past its
            /// end.
            pub const fn try_from_safetensors(bytes: &[u8]) -> Result<Self, LoadError> {
                let mut mlp = Self::ZERO;
                match mlp.read(bytes) {
                    Ok(()) => Ok(mlp),
                    Err(error) => Err(error),
                }
            }

            /// Reads a model at run time, in place. Unlike [`Self::try_from_safetensors`], it needs no stack for
            /// a second model.
            ///
            /// # Errors
            ///
            /// [`LoadError`] if the bytes are not a model of this type. The model is then [`Self::zero`].
            pub fn load(&mut self, bytes: &[u8]) -> Result<(), LoadError> {
                let result = self.read(bytes);
                if result.is_err() {
                    self.parts_mut().clear();
                    let Self { hidden: $hidden, .. } = self;
                    $flat_mut.fill($none);
                }
                result
            }

            /// A digest of the weights, the activation and the version of the integer contract. Models with the
            /// same fingerprint give the same bits.
            pub const fn fingerprint(&self) -> u64 {
                let mut digest = Digest::new();
                digest.update_bytes($dtype);
                let dims = Dims { data: D, condition: C, width: H, hidden_layers: L };
                self.parts().update(&mut digest, A::KIND, dims);
                let Self { hidden: $hidden, .. } = self;
                $update(&mut digest, $flat, (H, H));
                digest.value()
            }

            const fn read(&mut self, bytes: &[u8]) -> Result<(), LoadError> {
                let mut file = File::NONE;
                tri!(file.open(bytes));
                let dims = Dims { data: D, condition: C, width: H, hidden_layers: L };
                let Self { hidden: $hidden, .. } = self;
                tri!($read(&file, dims, $flat_mut));
                self.parts_mut().read(&file, A::KIND, dims)
            }
        }
    };
}

constructors!(
    i16,
    b"I16",
    ZERO,
    Words([[[ZERO; H]; H]; L]),
    |hidden| hidden.0.as_flattened().as_flattened(),
    hidden.0.as_flattened_mut().as_flattened_mut(),
    read_hidden_16,
    update_weights_16
);
constructors!(
    i8,
    b"I8",
    0,
    [[[0; H]; H]; L],
    |hidden| hidden.as_flattened().as_flattened(),
    hidden.as_flattened_mut().as_flattened_mut(),
    read_hidden_8,
    update_weights_8
);
constructors!(
    I4<BYTES>,
    b"U8",
    0,
    [0; BYTES],
    |hidden| hidden.as_slice(),
    hidden.as_mut_slice(),
    read_hidden_4,
    update_weights_4,
    const BYTES
);

impl<const D: usize, const C: usize, const H: usize, const L: usize, A: Activation, W: Weight>
    MlpOf<D, C, H, L, A, W>
{
    /// The parts but the weights between hidden layers.
    #[inline]
    const fn parts(&self) -> Slices<'_> {
        let (data, condition) = (&self.data_units, &self.condition_units);
        Parts {
            bias: &self.bias,
            time: &self.time.0,
            state: self.state.0.as_flattened(),
            condition: self.condition.0.as_flattened(),
            shift: &self.shift,
            hidden_bias: self.hidden_bias.as_flattened(),
            hidden_shift: self.hidden_shift.as_flattened(),
            hidden_bits: &self.hidden_bits,
            last_bias: &self.last_bias,
            last_shift: &self.last_shift,
            last: self.last.0.as_flattened(),
            data_units: DataUnits {
                mean: &data.mean,
                scale: &data.scale,
                shift: &data.shift,
                inverse: &data.inverse,
                inverse_shift: &data.inverse_shift,
            },
            condition_units: ConditionUnits {
                mean: &condition.mean,
                scale: &condition.scale,
                shift: &condition.shift,
            },
            formats: self.formats,
        }
    }

    /// [`Self::parts`], mutable.
    const fn parts_mut(&mut self) -> SlicesMut<'_> {
        let (data, condition) = (&mut self.data_units, &mut self.condition_units);
        Parts {
            bias: &mut self.bias,
            time: &mut self.time.0,
            state: self.state.0.as_flattened_mut(),
            condition: self.condition.0.as_flattened_mut(),
            shift: &mut self.shift,
            hidden_bias: self.hidden_bias.as_flattened_mut(),
            hidden_shift: self.hidden_shift.as_flattened_mut(),
            hidden_bits: &mut self.hidden_bits,
            last_bias: &mut self.last_bias,
            last_shift: &mut self.last_shift,
            last: self.last.0.as_flattened_mut(),
            data_units: DataUnits {
                mean: &mut data.mean,
                scale: &mut data.scale,
                shift: &mut data.shift,
                inverse: &mut data.inverse,
                inverse_shift: &mut data.inverse_shift,
            },
            condition_units: ConditionUnits {
                mean: &mut condition.mean,
                scale: &mut condition.scale,
                shift: &mut condition.shift,
            },
            formats: &mut self.formats,
        }
    }

    /// The network as slices.
    #[inline]
    fn network(&self) -> Network<'_, W> {
        Network { parts: self.parts(), hidden: W::elements(&self.hidden) }
    }

    /// Fixes the condition: computes the terms that depend only on `c` once, for all evaluations. The bits are the
    /// same. The result takes `4·H` bytes.
    pub fn given(&self, c: [i32; C]) -> Given<'_, D, C, H, L, A, W> {
        Given { mlp: self, prefix: self.prefix(c) }
    }

    /// Converts from data units to flow units. A path that starts at a point of your own instead of noise needs it.
    pub fn to_flow_units(&self, mut x: [i32; D]) -> [i32; D] {
        self.parts().data_units.to_flow(&mut x);
        x
    }

    /// The null condition, in the user's units: the condition that training with `--label-dropout` put in place of a
    /// dropped one. [`Guided`](crate::Guided) needs it.
    pub const fn null_condition(&self) -> [i32; C] {
        self.condition_units.mean
    }

    /// The fraction bits of data units.
    pub const fn data_bits(&self) -> i32 {
        self.formats.data as i32
    }

    /// The fraction bits of conditions.
    pub const fn condition_bits(&self) -> i32 {
        self.formats.condition as i32
    }

    /// The first layer's bias plus its condition terms, `[H]`.
    fn prefix(&self, c: [i32; C]) -> [i32; H] {
        let mut sums = [0; H];
        self.network().prefix(&c, &mut [0; C], &mut sums);
        sums
    }

    /// Returns the velocity. `prefix` is the first layer's initial sums.
    fn velocity_from(&self, prefix: &[i32; H], t: i32, x: [i32; D]) -> [i32; D] {
        let v = &mut const { [0; D] };
        let (mut inputs, mut sums, mut units) = (Words([0; D]), [0; H], Words([0; H]));
        let buffers = Scratch {
            inputs: &mut inputs.0,
            sums: &mut sums,
            units: &mut units.0,
            #[cfg(feature = "std")]
            next: &mut const { [0; H] },
        };
        self.network().velocity(A::KIND, prefix, (t, &x), v, buffers);
        *v
    }

    /// [`VelocityField::with_lanes`], with the first layer's initial sums in `prefix`.
    #[cfg(feature = "std")]
    fn with_lanes_from(&self, prefix: Start<'_>, run: &mut dyn FnMut(LaneVelocity<'_, D, i32>)) {
        // Twice as many pairs as are used, since an array's length cannot be half of `H`.
        let mut inputs = [Pair::ZERO; D];
        let [mut units, mut next] = [[Pair::ZERO; H]; 2];
        let mut buffers = Buffers { inputs: &mut inputs, units: [&mut units, &mut next] };
        let hidden = W::widened(W::elements(&self.hidden), H);
        let network = Network::<i16> { parts: self.parts(), hidden: &hidden };
        run(&mut |t, x| {
            let mut v = [[0; LANES]; D];
            network.lane_velocity(A::KIND, prefix, (t, x), &mut v, &mut buffers);
            v
        });
    }
}

impl<const D: usize, const C: usize, const H: usize, const L: usize, A: Activation, W: Weight>
    VelocityField<D, C, i32> for MlpOf<D, C, H, L, A, W>
{
    fn velocity(&self, t: i32, x: [i32; D], c: [i32; C]) -> [i32; D] {
        if C == 0 {
            // The bias alone: no copy is needed.
            return self.velocity_from(&self.bias, t, x);
        }
        self.velocity_from(&self.prefix(c), t, x)
    }

    #[cfg(feature = "std")]
    fn with_lanes(&self, c: &Lanes<C, i32>, run: &mut dyn FnMut(LaneVelocity<'_, D, i32>)) {
        if C == 0 {
            return self.with_lanes_from(Start::Same(&self.bias), run);
        }
        let mut prefix = [[0; LANES]; H];
        for l in 0..LANES {
            for (lanes, sum) in prefix.iter_mut().zip(self.prefix(lane(c, l))) {
                lanes[l] = sum;
            }
        }
        self.with_lanes_from(Start::Each(&prefix), run);
    }

    /// `((x · data.scale) >> data.shift) + data.mean`, with [`data_bits`](Self::data_bits) fraction bits.
    fn to_data_units(&self, mut x: [i32; D]) -> [i32; D] {
        self.parts().data_units.to_data(&mut x);
        x
    }
}

impl<const D: usize, const C: usize, const H: usize, const L: usize, A: Activation, W: Weight>
    fmt::Debug for MlpOf<D, C, H, L, A, W>
{
    /// Prints the sizes and the activation, but not the weights.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "fixed::Mlp<{D}, {C}, {H}, {L}, {}>", A::KIND)
    }
}

/// A model under a fixed condition, from [`MlpOf::given`]: a velocity field without conditions.
pub struct Given<'a, const D: usize, const C: usize, const H: usize, const L: usize, A, W: Weight> {
    mlp: &'a MlpOf<D, C, H, L, A, W>,
    /// The first layer's initial sums.
    prefix: [i32; H],
}

impl<const D: usize, const C: usize, const H: usize, const L: usize, A: Activation, W: Weight>
    VelocityField<D, 0, i32> for Given<'_, D, C, H, L, A, W>
{
    fn velocity(&self, t: i32, x: [i32; D], _: [i32; 0]) -> [i32; D] {
        self.mlp.velocity_from(&self.prefix, t, x)
    }

    #[cfg(feature = "std")]
    fn with_lanes(&self, _: &Lanes<0, i32>, run: &mut dyn FnMut(LaneVelocity<'_, D, i32>)) {
        self.mlp.with_lanes_from(Start::Same(&self.prefix), run);
    }

    fn to_data_units(&self, x: [i32; D]) -> [i32; D] {
        self.mlp.to_data_units(x)
    }
}

impl<const D: usize, const C: usize, const H: usize, const L: usize, A, W: Weight> Clone
    for MlpOf<D, C, H, L, A, W>
{
    fn clone(&self) -> Self {
        Self { hidden: self.hidden.clone(), ..*self }
    }
}

impl<const D: usize, const C: usize, const H: usize, const L: usize, A, W: Weight> Clone
    for Given<'_, D, C, H, L, A, W>
{
    fn clone(&self) -> Self {
        Self { ..*self }
    }
}

impl<const D: usize, const C: usize, const H: usize, const L: usize, A: Activation, W: Weight>
    fmt::Debug for Given<'_, D, C, H, L, A, W>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Given").field(&self.mlp).finish()
    }
}
