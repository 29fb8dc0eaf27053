//! The model of whole numbers whose sizes come from its file.

use alloc::vec;
use alloc::vec::Vec;

use super::I4;
use super::fingerprint::update_weights_16;
#[cfg(feature = "std")]
use super::lanes::{self, Pair, Start};
use super::network::{self, Network};
use super::parts::{Formats, Parts};
use super::read::{read_hidden_4, read_hidden_8, read_hidden_16};
use super::storage::{Half, ZERO};
use super::sums::Unit;
use super::weight::sealed::Sealed as _;
use crate::activation::ActivationKind;
use crate::digest::Digest;
use crate::heap::sealed::Model;
use crate::heap::{Run, ScratchOf, check_point, condition_on};
use crate::lanes::LANES;
use crate::model_file::{read_activation, read_integer_dims};
use crate::network::Dims;
use crate::registers::VECTORS;
use crate::safetensors::{File, LoadError};

/// An integer [`Mlp`](super::Mlp) whose sizes come from the file. It gives the same bits. Its weights are held in 16
/// bits, whatever the file has.
#[derive(Clone, Debug)]
pub struct HeapMlp {
    dims: Dims,
    activation: ActivationKind,
    /// The bits of the file's weights between hidden layers.
    weight_bits: u32,
    parts: Parts<Vec<i32>, Vec<Half>, Vec<i8>, Formats>,
    /// The weights between hidden layers, `[L][H][H]` in panels.
    hidden: Vec<Half>,
}

impl HeapMlp {
    /// Reads an integer model of any size. The inputs after `t` and `x` are conditions.
    ///
    /// # Errors
    ///
    /// [`LoadError`] if the bytes are not an integer model's file.
    pub fn try_from_safetensors(bytes: &[u8]) -> Result<Self, LoadError> {
        let mut file = File::NONE;
        file.open(bytes)?;
        let (dims, weight_bits) = read_integer_dims(&file)?;
        let activation = read_activation(&file)?;
        let Dims { width, hidden_layers, .. } = dims;
        let hidden = match weight_bits {
            8 => {
                let mut hidden = vec![0; hidden_layers * width * width];
                read_hidden_8(&file, dims, &mut hidden)?;
                i8::widened(&hidden, width).into_owned()
            }
            4 => {
                let mut hidden = vec![0; hidden_layers * width * width.div_ceil(2)];
                read_hidden_4(&file, dims, &mut hidden)?;
                I4::<0>::widened(&hidden, width).into_owned()
            }
            _ => {
                let mut hidden = vec![ZERO; hidden_layers * width * width];
                read_hidden_16(&file, dims, &mut hidden)?;
                hidden
            }
        };
        let mut parts = Parts::zero(dims);
        parts.as_mut_slices().read(&file, activation, dims)?;
        Ok(Self { dims, activation, weight_bits, parts, hidden })
    }

    fn network(&self) -> Network<'_, i16> {
        Network { parts: self.parts.as_slices(), hidden: &self.hidden }
    }

    /// The number of data dimensions, `D`.
    pub fn data_dim(&self) -> usize {
        self.dims.data
    }

    /// The number of conditions, `C`.
    pub fn condition_dim(&self) -> usize {
        self.dims.condition
    }

    /// The hidden width, `H`.
    pub fn hidden_width(&self) -> usize {
        self.dims.width
    }

    /// The number of hidden-to-hidden layers, `L`.
    pub fn hidden_layers(&self) -> usize {
        self.dims.hidden_layers
    }

    /// The activation between the layers.
    pub fn activation(&self) -> ActivationKind {
        self.activation
    }

    /// The bits of a weight between hidden layers in the file: 16, 8 or 4.
    pub fn weight_bits(&self) -> u32 {
        self.weight_bits
    }

    /// The fraction bits of data units.
    pub fn data_bits(&self) -> i32 {
        self.parts.formats.data.into()
    }

    /// The fraction bits of conditions.
    pub fn condition_bits(&self) -> i32 {
        self.parts.formats.condition.into()
    }

    /// [`MlpOf::fingerprint`](super::MlpOf::fingerprint): the same number for the same file.
    pub fn fingerprint(&self) -> u64 {
        let mut digest = Digest::new();
        let dtype: &[u8] = match self.weight_bits {
            8 => b"I8",
            4 => b"U8",
            _ => b"I16",
        };
        digest.update_bytes(dtype);
        self.parts.as_slices().update(&mut digest, self.activation, self.dims);
        let width = self.dims.width;
        update_weights_16(&mut digest, &self.hidden, (width, width));
        digest.value()
    }

    /// Returns buffers for evaluations of this model, or of another model of the same sizes.
    pub fn scratch(&self) -> Scratch {
        Scratch::new(self.dims, Buffers::new(self.dims))
    }

    /// Returns the velocity at `t` and `x` (`[D]`, flow units) under `c` (`[C]`, the user's units).
    ///
    /// # Panics
    ///
    /// Panics if a slice has another length, or if the scratch was made for a model of other sizes.
    pub fn velocity<'s>(
        &self,
        t: i32,
        x: &[i32],
        c: &[i32],
        scratch: &'s mut Scratch,
    ) -> &'s [i32] {
        check_point(self, x);
        condition_on(self, c, scratch);
        let Scratch { prefix, one, buffers, .. } = scratch;
        let v = &mut one.v[0];
        self.velocity_from(prefix, (t, x), v, buffers);
        v
    }

    /// Converts `x` (`[D]`) from flow units to data units, in place.
    ///
    /// # Panics
    ///
    /// Panics if `x` has another length.
    pub fn to_data_units(&self, x: &mut [i32]) {
        check_point(self, x);
        self.point_to_data_units(x);
    }

    /// Converts `x` (`[D]`) from data units to flow units, in place.
    ///
    /// # Panics
    ///
    /// Panics if `x` has another length.
    pub fn to_flow_units(&self, x: &mut [i32]) {
        check_point(self, x);
        self.parts.as_slices().data_units.to_flow(x);
    }

    /// [`MlpOf::null_condition`](super::MlpOf::null_condition), `[C]`.
    pub fn null_condition(&self) -> &[i32] {
        &self.parts.condition_units.mean
    }

    /// Writes the velocity to `v` (`[D]`). `prefix` is the first layer's initial sums, `[H]`.
    fn velocity_from(
        &self,
        prefix: &[i32],
        at: (i32, &[i32]),
        v: &mut [i32],
        Buffers {
            inputs,
            sums,
            units,
            #[cfg(feature = "std")]
            next,
            ..
        }: &mut Buffers,
    ) {
        let buffers = network::Scratch {
            inputs,
            sums,
            units,
            #[cfg(feature = "std")]
            next,
        };
        self.network().velocity(self.activation, prefix, at, v, buffers);
    }
}

/// Buffers for evaluations of a [`HeapMlp`], from [`HeapMlp::scratch`]. Each thread needs its own.
pub type Scratch = ScratchOf<i32, Buffers>;

/// The buffers of a forward pass.
#[derive(Clone, Debug)]
pub struct Buffers {
    /// The conditions as they enter the first layer, `[C]`.
    conditions: Vec<Unit>,
    /// A layer's sums, or the initial sums of one of several samples side by side, `[H]`.
    sums: Vec<i32>,
    /// The point as it enters the first layer, `[D]`.
    inputs: Vec<Unit>,
    /// A layer's units, `[H]`.
    units: Vec<Unit>,
    /// The next layer's units, `[H]`, for the vectors.
    #[cfg(feature = "std")]
    next: Vec<Unit>,
    /// [`Self::inputs`] and the time, of samples side by side.
    #[cfg(feature = "std")]
    input_pairs: Vec<Pair>,
    /// The hidden units of two layers of samples side by side.
    #[cfg(feature = "std")]
    unit_pairs: [Vec<Pair>; 2],
}

impl Buffers {
    fn new(Dims { data, condition, width, .. }: Dims) -> Self {
        #[cfg(feature = "std")]
        let pairs = |count: usize| vec![Pair::ZERO; count.div_ceil(2)];
        Self {
            conditions: vec![0; condition],
            sums: vec![0; width],
            inputs: vec![0; data],
            units: vec![0; width],
            #[cfg(feature = "std")]
            next: vec![0; width],
            #[cfg(feature = "std")]
            input_pairs: pairs(data + 1),
            #[cfg(feature = "std")]
            unit_pairs: [pairs(width), pairs(width)],
        }
    }
}

impl Model for HeapMlp {
    type Number = i32;
    type Buffers = Buffers;
    const SIDE_BY_SIDE: bool = VECTORS && cfg!(feature = "std");

    fn dims(&self) -> Dims {
        self.dims
    }

    fn point_to_data_units(&self, x: &mut [i32]) {
        self.parts.as_slices().data_units.to_data(x);
    }

    fn prefix(&self, c: &[i32], buffers: &mut Buffers, sums: &mut [i32]) {
        self.network().prefix(c, &mut buffers.conditions, sums);
    }

    fn prefix_side_by_side(&self, c: &[i32], buffers: &mut Buffers, sums: &mut [[i32; LANES]]) {
        sums.fill([0; LANES]);
        let Buffers { conditions, sums: one, .. } = buffers;
        for (l, c) in c.chunks_exact(self.dims.condition).enumerate() {
            self.network().prefix(c, conditions, one);
            for (sums, &sum) in sums.iter_mut().zip(&*one) {
                sums[l] = sum;
            }
        }
    }

    fn take_steps(
        &self,
        run: Run<'_, i32>,
        x: &mut [i32],
        scratch: &mut Scratch,
        after_step: &mut dyn FnMut(usize, &[i32]),
    ) {
        let Scratch { prefix, unconditional, one, buffers, .. } = scratch;
        let sums = [&prefix[..], unconditional];
        run.take(
            one,
            x,
            sums,
            |sums, t, x, v| self.velocity_from(sums, (t, x), v, buffers),
            after_step,
        );
    }

    #[cfg(feature = "std")]
    fn take_steps_side_by_side(
        &self,
        run: Run<'_, i32>,
        own: bool,
        scratch: &mut Scratch,
        after_step: &mut dyn FnMut(usize, &[i32]),
    ) {
        let Scratch { prefix, unconditional, prefixes, x, lanes, buffers, .. } = scratch;
        let Buffers { input_pairs, unit_pairs: [units, next], .. } = buffers;
        let mut buffers = lanes::Buffers { inputs: input_pairs, units: [units, next] };
        let network = self.network();
        let sums = if own { Start::Each(prefixes) } else { Start::Same(prefix) };
        run.take(
            lanes,
            x.as_flattened_mut(),
            [sums, Start::Same(unconditional)],
            |sums, t, x, v| {
                let (x, v) = (x.as_chunks().0, v.as_chunks_mut().0);
                network.lane_velocity(self.activation, sums, (t, x), v, &mut buffers);
            },
            after_step,
        );
    }

    #[cfg(not(feature = "std"))]
    fn take_steps_side_by_side(
        &self,
        _: Run<'_, i32>,
        _: bool,
        _: &mut Scratch,
        _: &mut dyn FnMut(usize, &[i32]),
    ) {
        unreachable!("whole numbers have no vectors without `std`")
    }
}
