//! The numbers of a candle tensor on the CPU, and tensors of rows.

use candle_core::{CpuStorage, Device, Layout, Result, Storage, Tensor, bail};

use crate::data::Matrix;

/// The numbers that lie where `layout` says.
///
/// # Errors
///
/// When they are no 32-bit floats, or do not lie one after the other.
pub(crate) fn floats<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match (storage, layout.contiguous_offsets()) {
        (CpuStorage::F32(values), Some((begin, end))) => Ok(&values[begin..end]),
        _ => bail!("expected contiguous 32-bit floats"),
    }
}

/// As [`floats`], of a storage that may be elsewhere.
///
/// # Errors
///
/// When it is.
pub(crate) fn cpu_floats<'a>(storage: &'a Storage, layout: &Layout) -> Result<&'a [f32]> {
    match storage {
        Storage::Cpu(storage) => floats(storage, layout),
        _ => bail!("expected numbers on the CPU"),
    }
}

/// As [`floats`], to be changed in place.
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

/// Rows as a tensor `[rows, columns]` on `device`. Not every device can hold a tensor of nothing: one
/// without columns stays on the CPU.
///
/// # Errors
///
/// candle's, when the device has no room.
pub(crate) fn tensor(matrix: &Matrix, device: &Device) -> Result<Tensor> {
    let home = if matrix.columns() == 0 { &Device::Cpu } else { device };
    Tensor::from_slice(matrix.values(), (matrix.rows(), matrix.columns()), home)
}
