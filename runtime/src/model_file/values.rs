//! Reads the values of tensors, and checks that they are finite and that no scale is negative.

use crate::panel;
use crate::safetensors::{File, LoadError, tri};
use crate::tensor::{Shape, TensorName};
use crate::units::Units;

/// Writes columns of a matrix (`shape`: `[outputs][columns]`), from column `first` on, to `out` in
/// [panels](panel). A column holds the weights of one input. `out.len()` is a multiple of `outputs`.
pub(super) const fn read_columns(
    file: &File<'_>,
    tensor: TensorName,
    shape: (usize, usize),
    first: usize,
    out: &mut [f32],
) -> Result<(), LoadError> {
    let (outputs, columns) = shape;
    let values = tri!(file.required(tensor, Shape::matrix(outputs, columns)));
    let Some(count) = out.len().checked_div(outputs) else { return Ok(()) };
    let end = first + count;
    let (mut at, mut panel) = (0, 0);
    while panel < outputs {
        let width = panel::width(outputs, panel);
        let mut column = first;
        while column < end {
            let mut index = panel * columns + column;
            let mut output = 0;
            while output < width && at < out.len() {
                out[at] = tri!(finite(tensor, values, index));
                index += columns;
                at += 1;
                output += 1;
            }
            column += 1;
        }
        panel += width;
    }
    Ok(())
}

/// Reads a tensor of shape `[out.len()]`.
pub(super) const fn read_vector(
    file: &File<'_>,
    tensor: TensorName,
    out: &mut [f32],
) -> Result<(), LoadError> {
    read_values(file, tensor, Shape::vector(out.len()), out)
}

/// Reads a tensor with `out.len()` values, in the order of the file.
pub(crate) const fn read_values(
    file: &File<'_>,
    tensor: TensorName,
    shape: Shape,
    out: &mut [f32],
) -> Result<(), LoadError> {
    let values = tri!(file.required(tensor, shape));
    let mut i = 0;
    while i < out.len() {
        out[i] = tri!(finite(tensor, values, i));
        i += 1;
    }
    Ok(())
}

/// Reads a mean and a scale, `[K]` each. The defaults for absent tensors are 0 and 1. A scale of 0 makes a column of
/// data constant. A condition with a scale of 0 would be ignored, so it is an error.
pub(super) const fn read_units(
    file: &File<'_>,
    (mean_name, scale_name): (TensorName, TensorName),
    units: &mut Units<&mut [f32]>,
) -> Result<(), LoadError> {
    if tri!(file.optional(mean_name, Shape::vector(units.mean.len()))).is_some() {
        tri!(read_vector(file, mean_name, units.mean));
    } else {
        fill(units.mean, 0.0);
    }
    if tri!(file.optional(scale_name, Shape::vector(units.scale.len()))).is_some() {
        tri!(read_vector(file, scale_name, units.scale));
    } else {
        fill(units.scale, 1.0);
    }
    let (scale, mut index) = (&*units.scale, 0);
    while index < scale.len() {
        let constant = scale[index] == 0.0 && matches!(scale_name, TensorName::DataScale);
        if scale[index] <= 0.0 && !constant {
            return Err(LoadError::ScaleNotPositive { tensor: scale_name, index });
        }
        index += 1;
    }
    Ok(())
}

/// Sets all values to `value`. `slice::fill` is not a `const fn`.
const fn fill(values: &mut [f32], value: f32) {
    let mut i = 0;
    while i < values.len() {
        values[i] = value;
        i += 1;
    }
}

/// Value `index` of a tensor, with an error if it is NaN or infinite.
#[inline]
pub(super) const fn finite(
    tensor: TensorName,
    values: &[[u8; 4]],
    index: usize,
) -> Result<f32, LoadError> {
    const EXPONENT: u32 = 0x7f80_0000;
    // Not reached: the shape was checked, so the value exists.
    let Some((_, [bytes, ..])) = values.split_at_checked(index) else {
        return Err(LoadError::MissingTensor { tensor });
    };
    let bits = u32::from_le_bytes(*bytes);
    if bits & EXPONENT == EXPONENT {
        return Err(LoadError::NonFinite { tensor, index });
    }
    Ok(f32::from_bits(bits))
}
