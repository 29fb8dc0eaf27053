//! The numbers of candle's tensors on the CPU, and tensors made of rows.

use candle_core::{CpuStorage, Device, Layout, Result, Storage, Tensor, bail};

use crate::data::Matrix;

/// Returns the numbers of the tensor with this storage and layout.
///
/// # Errors
///
/// When they are not 32-bit floats, or the layout is not contiguous.
pub(crate) fn floats<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match (storage, layout.contiguous_offsets()) {
        (CpuStorage::F32(values), Some((begin, end))) => Ok(&values[begin..end]),
        _ => bail!("expected contiguous 32-bit floats"),
    }
}

/// As [`floats`], for a storage on any device.
///
/// # Errors
///
/// When the storage is not on the CPU; otherwise as [`floats`].
pub(crate) fn cpu_floats<'a>(storage: &'a Storage, layout: &Layout) -> Result<&'a [f32]> {
    match storage {
        Storage::Cpu(storage) => floats(storage, layout),
        _ => bail!("expected a tensor on the CPU"),
    }
}

/// As [`floats`], mutable.
///
/// # Errors
///
/// As [`floats`].
pub(crate) fn floats_mut<'a>(
    storage: &'a mut CpuStorage,
    layout: &Layout,
) -> Result<&'a mut [f32]> {
    match (storage, layout.contiguous_offsets()) {
        (CpuStorage::F32(values), Some((begin, end))) => Ok(&mut values[begin..end]),
        _ => bail!("expected contiguous 32-bit floats"),
    }
}

/// Returns the matrix as a tensor `[rows, columns]`.
///
/// # Errors
///
/// When memory does not suffice.
pub(crate) fn tensor(matrix: &Matrix) -> Result<Tensor> {
    Tensor::from_slice(matrix.values(), (matrix.rows(), matrix.columns()), &Device::Cpu)
}
