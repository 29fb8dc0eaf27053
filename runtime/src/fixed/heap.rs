//! A model of whole numbers and a solver whose sizes are known only at run time, as a command line needs them.

mod solver;

use alloc::vec;
use alloc::vec::Vec;

use super::I4;
use super::fingerprint::update_weights_16;
use super::network::{self, Network};
use super::parts::{Formats, Parts};
use super::read::{read_hidden_4, read_hidden_8, read_hidden_16};
use super::storage::{Half, ZERO};
use super::sums::Unit;
use super::weight::sealed::Sealed as _;
use crate::activation::ActivationKind;
use crate::digest::Digest;
use crate::model_file::{read_activation, read_integer_dims};
use crate::network::Dims;
use crate::safetensors::{File, LoadError};

pub use solver::HeapSolver;

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
        let file = File::open(bytes)?;
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

    /// Returns the velocity at `t` and `x` (`[D]`, flow units) under `c` (`[C]`, the user's units).
    ///
    /// # Panics
    ///
    /// Panics if a slice has another length.
    pub fn velocity(&self, t: i32, x: &[i32], c: &[i32]) -> Vec<i32> {
        self.check_point(x);
        let mut v = vec![0; x.len()];
        self.velocity_from(&self.prefix(c), (t, x), &mut v, &mut self.scratch());
        v
    }

    /// Converts `x` (`[D]`) from flow units to data units, in place.
    ///
    /// # Panics
    ///
    /// Panics if `x` has another length.
    pub fn to_data_units(&self, x: &mut [i32]) {
        self.check_point(x);
        self.parts.as_slices().data_units.to_data(x);
    }

    /// Converts `x` (`[D]`) from data units to flow units, in place.
    ///
    /// # Panics
    ///
    /// Panics if `x` has another length.
    pub fn to_flow_units(&self, x: &mut [i32]) {
        self.check_point(x);
        self.parts.as_slices().data_units.to_flow(x);
    }

    /// [`MlpOf::null_condition`](super::MlpOf::null_condition), `[C]`.
    pub fn null_condition(&self) -> &[i32] {
        &self.parts.condition_units.mean
    }

    fn check_point(&self, x: &[i32]) {
        assert_eq!(x.len(), self.dims.data, "x must have one value per data dimension");
    }

    /// The first layer's bias plus its condition terms, `[H]`.
    fn prefix(&self, c: &[i32]) -> Vec<i32> {
        assert_eq!(c.len(), self.dims.condition, "c must have one value per condition");
        let mut sums = vec![0; self.dims.width];
        self.network().prefix(c, &mut vec![0; c.len()], &mut sums);
        sums
    }

    fn velocity_from(
        &self,
        prefix: &[i32],
        at: (i32, &[i32]),
        v: &mut [i32],
        Scratch { inputs, sums, units, next }: &mut Scratch,
    ) {
        let _ = &next;
        let buffers = network::Scratch {
            inputs,
            sums,
            units,
            #[cfg(feature = "std")]
            next,
        };
        self.network().velocity(self.activation, prefix, at, v, buffers);
    }

    fn scratch(&self) -> Scratch {
        let Dims { data, width, .. } = self.dims;
        Scratch {
            inputs: vec![0; data],
            sums: vec![0; width],
            units: vec![0; width],
            next: vec![0; if cfg!(feature = "std") { width } else { 0 }],
        }
    }
}

/// The buffers of an evaluation.
struct Scratch {
    /// The point as it enters the first layer, `[D]`.
    inputs: Vec<Unit>,
    /// A layer's sums, `[H]`.
    sums: Vec<i32>,
    /// A layer's units, `[H]`.
    units: Vec<Unit>,
    /// The next layer's units, `[H]`, for the vectors.
    next: Vec<Unit>,
}
