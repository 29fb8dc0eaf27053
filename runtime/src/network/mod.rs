//! A network as slices. Evaluates and fingerprints both [`Mlp`](crate::Mlp) and the model on the heap.
//!
//! ```text
//! h = A(b₀ + W_c·c + w_t·t + W_x·x)      [H]
//! h = A(b + W·h)                         [H], L times
//! v = b + W·h                            [D]
//! ```

mod compiled;
mod fingerprint;
mod forward;

#[cfg(feature = "alloc")]
pub(crate) use compiled::Evaluated;
pub(crate) use compiled::Evaluator;
pub use fingerprint::CONTRACT;

use crate::units::Units;

/// The sizes of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dims {
    /// The number of data dimensions, `D`.
    pub(crate) data: usize,
    /// The number of conditions, `C`.
    pub(crate) condition: usize,
    /// The hidden width, `H`.
    pub(crate) width: usize,
    /// The number of hidden-to-hidden layers, `L`.
    pub(crate) hidden_layers: usize,
}

/// The parts of a network. `T` is the storage of each part: `&[f32]` to evaluate, `&mut [f32]` to read a file
/// into, `Vec<f32>` on the heap.
///
/// Matrices are laid out in [panels](crate::panel).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weights<T> {
    /// The first layer's bias, `[H]`.
    pub(crate) bias: T,
    /// The first layer's columns for the conditions, `[C][H]`.
    pub(crate) condition: T,
    /// The first layer's column for the time, `[H]`.
    pub(crate) time: T,
    /// The first layer's columns for the point, `[D][H]`.
    pub(crate) state: T,
    /// The `L` hidden-to-hidden layers.
    pub(crate) hidden: Layers<T>,
    /// The last layer.
    pub(crate) last: Layers<T>,
    /// Units of the data, `[D]`.
    pub(crate) data_units: Units<T>,
    /// Units of the conditions, `[C]`.
    pub(crate) condition_units: Units<T>,
}

/// Layers with `H` inputs each.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layers<T> {
    /// The biases, `[layers][outputs]`.
    pub(crate) bias: T,
    /// The columns of weights, `[layers][H][outputs]`.
    pub(crate) columns: T,
}

impl<'a> Layers<&'a [f32]> {
    /// The bias and the columns of each layer of `width` outputs.
    #[inline(always)]
    fn each(self, width: usize) -> impl Iterator<Item = (&'a [f32], &'a [f32])> {
        let Self { mut bias, mut columns } = self;
        // `chunks_exact` would divide, and might link the panic for a division by zero.
        core::iter::from_fn(move || {
            let (layer_bias, more_bias) = bias.split_at_checked(width)?;
            let (layer, more) = columns.split_at_checked(width * width)?;
            (bias, columns) = (more_bias, more);
            (!layer_bias.is_empty()).then_some((layer_bias, layer))
        })
    }
}

#[cfg(feature = "alloc")]
impl Weights<alloc::vec::Vec<f32>> {
    /// A network of zeros, whose velocity is 0.
    pub(crate) fn zero(Dims { data, condition, width, hidden_layers }: Dims) -> Self {
        use alloc::vec;
        let units = |k| Units { mean: vec![0.0; k], scale: vec![0.0; k] };
        let layers = |count, outputs| Layers {
            bias: vec![0.0; count * outputs],
            columns: vec![0.0; count * outputs * width],
        };
        Self {
            bias: vec![0.0; width],
            condition: vec![0.0; condition * width],
            time: vec![0.0; width],
            state: vec![0.0; data * width],
            hidden: layers(hidden_layers, width),
            last: layers(1, data),
            data_units: units(data),
            condition_units: units(condition),
        }
    }

    /// All parts as slices.
    pub(crate) fn as_slices(&self) -> Weights<&[f32]> {
        Weights {
            bias: &self.bias,
            condition: &self.condition,
            time: &self.time,
            state: &self.state,
            hidden: Layers { bias: &self.hidden.bias, columns: &self.hidden.columns },
            last: Layers { bias: &self.last.bias, columns: &self.last.columns },
            data_units: Units { mean: &self.data_units.mean, scale: &self.data_units.scale },
            condition_units: Units {
                mean: &self.condition_units.mean,
                scale: &self.condition_units.scale,
            },
        }
    }

    /// All parts as mutable slices.
    pub(crate) fn as_mut_slices(&mut self) -> Weights<&mut [f32]> {
        Weights {
            bias: &mut self.bias,
            condition: &mut self.condition,
            time: &mut self.time,
            state: &mut self.state,
            hidden: Layers { bias: &mut self.hidden.bias, columns: &mut self.hidden.columns },
            last: Layers { bias: &mut self.last.bias, columns: &mut self.last.columns },
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
}

impl Weights<&mut [f32]> {
    /// Sets all numbers to 0.
    pub(crate) const fn clear(&mut self) {
        clear(self.bias);
        clear(self.condition);
        clear(self.time);
        clear(self.state);
        clear(self.hidden.bias);
        clear(self.hidden.columns);
        clear(self.last.bias);
        clear(self.last.columns);
        clear(self.data_units.mean);
        clear(self.data_units.scale);
        clear(self.condition_units.mean);
        clear(self.condition_units.scale);
    }
}

/// Sets all values to 0. `slice::fill` is not a `const fn`.
const fn clear(values: &mut [f32]) {
    let mut i = 0;
    while i < values.len() {
        values[i] = 0.0;
        i += 1;
    }
}
