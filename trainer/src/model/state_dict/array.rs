//! A tensor of a network, in f64.

use anyhow::{Context, Result, ensure};
use candle_core::{DType, Device, Tensor};

/// A tensor: its shape, and its numbers row by row.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::model) struct Array {
    /// The size of each axis, outermost first.
    pub(in crate::model) shape: Vec<usize>,
    /// The name of the type of its elements.
    dtype: String,
    /// The numbers. `None` if they are not floats.
    values: Option<Vec<f64>>,
}

impl Array {
    /// A tensor of floats.
    pub(super) fn floats(shape: &[usize], dtype: &str, values: Vec<f64>) -> Self {
        Self { shape: shape.to_vec(), dtype: dtype.to_string(), values: Some(values) }
    }

    /// A tensor of integers, booleans or anything else that no layer of a network consists of.
    pub(super) fn other(shape: &[usize], dtype: &str) -> Self {
        Self { shape: shape.to_vec(), dtype: dtype.to_string(), values: None }
    }

    /// A tensor of floats of 16, 32 or 64 bits in little-endian bytes.
    pub(super) fn decode(bytes: &[u8], dtype: DType, shape: &[usize]) -> Result<Self> {
        let decode =
            || Tensor::from_raw_buffer(bytes, dtype, shape, &Device::Cpu)?.to_dtype(DType::F64);
        let values = decode().and_then(|tensor| tensor.flatten_all()?.to_vec1());
        let values = values.map_err(|error| anyhow::anyhow!("{}", plain(&error)))?;
        Ok(Self::floats(shape, dtype.as_str(), values))
    }

    /// Whether its elements are floats.
    pub(in crate::model) fn is_float(&self) -> bool {
        self.values.is_some()
    }

    /// Whether it is a single integer, such as the number of batches that a network has seen.
    pub(in crate::model) fn is_counter(&self) -> bool {
        !self.is_float() && self.shape.iter().all(|&size| size == 1)
    }

    /// Returns the numbers.
    ///
    /// # Errors
    ///
    /// Returns an error that names the tensor if they are not finite floats.
    pub(in crate::model) fn numbers(&self, name: &str) -> Result<&[f64]> {
        let values = self.values.as_deref().with_context(|| {
            format!(
                "tensor {name} has the type {}: expected floats; convert the model with model.float()",
                self.dtype
            )
        })?;
        ensure!(
            values.iter().all(|value| (*value as f32).is_finite()),
            "tensor {name} has a value that is not finite, or too large for 32 bits: the training has failed, or the \
             file is damaged"
        );
        Ok(values)
    }
}

/// Returns candle's error without the backtrace that its text has where `RUST_BACKTRACE` is set.
fn plain(error: &candle_core::Error) -> String {
    error.to_string().lines().next().unwrap_or_default().to_string()
}
