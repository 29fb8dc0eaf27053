//! A model of whole numbers and a solver whose sizes are known only at run time, as a command line needs them.

mod solver;

use alloc::vec;
use alloc::vec::Vec;

use super::I4;
use super::fingerprint::{update_8, update_32, update_sizes, update_weights_16};
use super::network::{Formats, Network};
use super::read::{Parts, read_hidden_4, read_hidden_8, read_hidden_16};
use super::units::{ConditionUnits, DataUnits};
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
    bias: Vec<i32>,
    time: Vec<i16>,
    state: Vec<i16>,
    condition: Vec<i16>,
    shift: Vec<i8>,
    hidden_bias: Vec<i32>,
    hidden_shift: Vec<i8>,
    hidden: Vec<i16>,
    last_bias: Vec<i32>,
    last_shift: Vec<i8>,
    last: Vec<i16>,
    point_bits: i8,
    first_bits: i8,
    hidden_bits: Vec<i8>,
    data_units: DataUnits<Vec<i32>, Vec<i8>>,
    data_bits: i8,
    condition_units: ConditionUnits<Vec<i32>, Vec<i8>>,
    condition_bits: i8,
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
        let Dims { data, condition, width, hidden_layers } = dims;
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
                let mut hidden = vec![0; hidden_layers * width * width];
                read_hidden_16(&file, dims, &mut hidden)?;
                hidden
            }
        };
        let mut mlp = Self {
            dims,
            activation,
            weight_bits,
            bias: vec![0; width],
            time: vec![0; width],
            state: vec![0; data * width],
            condition: vec![0; condition * width],
            shift: vec![0; width],
            hidden_bias: vec![0; hidden_layers * width],
            hidden_shift: vec![0; hidden_layers * width],
            hidden,
            last_bias: vec![0; data],
            last_shift: vec![0; data],
            last: vec![0; data * width],
            point_bits: 0,
            first_bits: 0,
            hidden_bits: vec![0; hidden_layers],
            data_units: DataUnits {
                mean: vec![0; data],
                scale: vec![0; data],
                shift: vec![0; data],
                inverse: vec![0; data],
                inverse_shift: vec![0; data],
            },
            data_bits: 0,
            condition_units: ConditionUnits {
                mean: vec![0; condition],
                scale: vec![0; condition],
                shift: vec![0; condition],
            },
            condition_bits: 0,
        };
        mlp.parts().read(&file, activation, dims)?;
        Ok(mlp)
    }

    fn parts(&mut self) -> Parts<'_> {
        let data = &mut self.data_units;
        let condition = &mut self.condition_units;
        Parts {
            bias: &mut self.bias,
            time: &mut self.time,
            state: &mut self.state,
            condition: &mut self.condition,
            shift: &mut self.shift,
            hidden_bias: &mut self.hidden_bias,
            hidden_shift: &mut self.hidden_shift,
            last_bias: &mut self.last_bias,
            last_shift: &mut self.last_shift,
            last: &mut self.last,
            point_bits: &mut self.point_bits,
            first_bits: &mut self.first_bits,
            hidden_bits: &mut self.hidden_bits,
            data_units: DataUnits {
                mean: &mut data.mean,
                scale: &mut data.scale,
                shift: &mut data.shift,
                inverse: &mut data.inverse,
                inverse_shift: &mut data.inverse_shift,
            },
            data_bits: &mut self.data_bits,
            condition_units: ConditionUnits {
                mean: &mut condition.mean,
                scale: &mut condition.scale,
                shift: &mut condition.shift,
            },
            condition_bits: &mut self.condition_bits,
        }
    }

    fn network(&self) -> Network<'_, i16> {
        let (data, condition) = (&self.data_units, &self.condition_units);
        Network {
            bias: &self.bias,
            time: &self.time,
            state: &self.state,
            condition: &self.condition,
            shift: &self.shift,
            hidden_bias: &self.hidden_bias,
            hidden_shift: &self.hidden_shift,
            hidden: &self.hidden,
            last_bias: &self.last_bias,
            last_shift: &self.last_shift,
            last: &self.last,
            formats: Formats {
                point: self.point_bits,
                first: self.first_bits,
                hidden: &self.hidden_bits,
            },
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
        }
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
        self.data_bits.into()
    }

    /// The fraction bits of conditions.
    pub fn condition_bits(&self) -> i32 {
        self.condition_bits.into()
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
        update_sizes(&mut digest, self.activation, self.dims);
        let Dims { data, condition, width, .. } = self.dims;
        update_32(&mut digest, &self.bias);
        update_weights_16(&mut digest, &self.time, (width, 1));
        update_weights_16(&mut digest, &self.state, (width, data));
        update_weights_16(&mut digest, &self.condition, (width, condition));
        update_8(&mut digest, &self.shift);
        update_32(&mut digest, &self.hidden_bias);
        update_8(&mut digest, &self.hidden_shift);
        update_weights_16(&mut digest, &self.last, (data, width));
        update_32(&mut digest, &self.last_bias);
        update_8(&mut digest, &self.last_shift);
        update_8(&mut digest, &[self.point_bits, self.first_bits]);
        update_8(&mut digest, &self.hidden_bits);
        update_8(&mut digest, &[self.data_bits, self.condition_bits]);
        let units = &self.data_units;
        update_32(&mut digest, &units.mean);
        update_32(&mut digest, &units.scale);
        update_8(&mut digest, &units.shift);
        update_32(&mut digest, &units.inverse);
        update_8(&mut digest, &units.inverse_shift);
        let units = &self.condition_units;
        update_32(&mut digest, &units.mean);
        update_32(&mut digest, &units.scale);
        update_8(&mut digest, &units.shift);
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
        self.velocity_from(&self.prefix(c), t, x, &mut v);
        v
    }

    /// Converts `x` (`[D]`) from flow units to data units, in place.
    ///
    /// # Panics
    ///
    /// Panics if `x` has another length.
    pub fn to_data_units(&self, x: &mut [i32]) {
        self.check_point(x);
        self.network().data_units.to_data(x);
    }

    /// Converts `x` (`[D]`) from data units to flow units, in place.
    ///
    /// # Panics
    ///
    /// Panics if `x` has another length.
    pub fn to_flow_units(&self, x: &mut [i32]) {
        self.check_point(x);
        self.network().data_units.to_flow(x);
    }

    /// [`MlpOf::null_condition`](super::MlpOf::null_condition), `[C]`.
    pub fn null_condition(&self) -> &[i32] {
        &self.condition_units.mean
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

    fn velocity_from(&self, prefix: &[i32], t: i32, x: &[i32], v: &mut [i32]) {
        let width = self.dims.width;
        let (mut inputs, mut units, mut next) = (vec![0; x.len()], vec![0; width], vec![0; width]);
        let units = [&mut units[..], &mut next];
        self.network().velocity(self.activation, prefix, (t, x), v, &mut inputs, units);
    }
}
