//! From a checked header to weights: the metadata held against the model, the tensors read.

use super::error::LoadError;
use super::header::File;
use super::json::tri;
use super::tensor::{Shape, TensorName};
use super::text::Text;
use crate::activation::ActivationKind;
use crate::panel;
use crate::solver::{SolverKind, between};

/// The sizes of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Dims {
    pub(crate) data: usize,
    pub(crate) condition: usize,
    pub(crate) width: usize,
    pub(crate) hidden_layers: usize,
}

/// The version of the file format that this crate reads.
const FORMAT: &str = "1";

/// Refuses metadata of another format, activation or number of layers. Keys that are absent or
/// unknown say nothing.
pub(crate) const fn check_convention(
    file: &File<'_>,
    activation: ActivationKind,
    hidden_layers: usize,
) -> Result<(), LoadError> {
    tri!(check(file, "flowlet.format", text(FORMAT)));
    tri!(check(file, "flowlet.activation", text(activation.name())));
    check(file, "flowlet.hidden_layers", decimal(hidden_layers as u64))
}

/// Refuses metadata that contradict the model's other sizes. After the tensors were read: their
/// errors name a tensor and both shapes.
pub(crate) const fn check_sizes(file: &File<'_>, dims: Dims) -> Result<(), LoadError> {
    tri!(check(file, "flowlet.data_dim", decimal(dims.data as u64)));
    tri!(check(file, "flowlet.condition_dim", decimal(dims.condition as u64)));
    check(file, "flowlet.hidden_width", decimal(dims.width as u64))
}

/// Refuses metadata of another solver.
pub(crate) const fn check_solver(file: &File<'_>, kind: SolverKind) -> Result<(), LoadError> {
    check(file, "flowlet.solver", text(kind.name()))
}

const fn check(file: &File<'_>, key: &'static str, expected: Text) -> Result<(), LoadError> {
    match tri!(file.metadata(key)) {
        Some(found) if !found.is(expected.as_str()) => {
            Err(LoadError::Metadata { key, expected, found })
        }
        _ => Ok(()),
    }
}

const fn text(string: &str) -> Text {
    let mut text = Text::EMPTY;
    let mut i = 0;
    while i < string.len() {
        text.push(string.as_bytes()[i]);
        i += 1;
    }
    text
}

const fn decimal(value: u64) -> Text {
    let mut text = if value >= 10 { decimal(value / 10) } else { Text::EMPTY };
    text.push(b'0' + (value % 10) as u8);
    text
}

/// Writes columns `first..` of a matrix `[outputs][columns]` to `out` in [panels](panel): a column is
/// what one input contributes to all outputs, and `out.len()` is a whole number of them.
pub(crate) const fn read_columns(
    file: &File<'_>,
    tensor: TensorName,
    shape: (usize, usize),
    first: usize,
    out: &mut [f32],
) -> Result<(), LoadError> {
    let (outputs, columns) = shape;
    let values = tri!(file.required(tensor, Shape::matrix(outputs, columns)));
    let end = first + out.len() / outputs;
    let (mut at, mut panel) = (0, 0);
    while panel < outputs {
        let width = panel::width(outputs, panel);
        let mut column = first;
        while column < end {
            let mut index = panel * columns + column;
            let mut output = 0;
            while output < width {
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

/// Reads a tensor `[out.len()]`.
pub(crate) const fn read_vector(
    file: &File<'_>,
    tensor: TensorName,
    out: &mut [f32],
) -> Result<(), LoadError> {
    read_values(file, tensor, Shape::vector(out.len()), out)
}

/// Reads a tensor of `out.len()` values as they stand in the file.
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

/// Reads the tensor `grid`, `[t.len() + 1]`, as the time at each step's start and its length.
pub(crate) const fn read_grid(
    file: &File<'_>,
    t: &mut [f32],
    dt: &mut [f32],
) -> Result<(), LoadError> {
    let tensor = TensorName::Grid;
    let values = tri!(file.required(tensor, Shape::vector(t.len() + 1)));
    let mut i = 0;
    while i < t.len() {
        let (time, next) = (tri!(finite(tensor, values, i)), tri!(finite(tensor, values, i + 1)));
        (t[i], dt[i]) = match between(time, next, i) {
            Ok(step) => step,
            Err(_) => return Err(LoadError::NotIncreasing { tensor, index: i + 1 }),
        };
        i += 1;
    }
    Ok(())
}

/// Reads a mean and a scale `[mean.len()]` each; tensors that are absent leave `mean` and `scale`
/// as they are.
pub(crate) const fn read_affine(
    file: &File<'_>,
    (mean_name, scale_name): (TensorName, TensorName),
    mean: &mut [f32],
    scale: &mut [f32],
) -> Result<(), LoadError> {
    if tri!(file.optional(mean_name, Shape::vector(mean.len()))).is_some() {
        tri!(read_vector(file, mean_name, mean));
    }
    if tri!(file.optional(scale_name, Shape::vector(scale.len()))).is_some() {
        tri!(read_vector(file, scale_name, scale));
    }
    let mut index = 0;
    while index < scale.len() {
        if scale[index] <= 0.0 {
            return Err(LoadError::ScaleNotPositive { tensor: scale_name, index });
        }
        index += 1;
    }
    Ok(())
}

#[inline]
const fn finite(tensor: TensorName, values: &[[u8; 4]], index: usize) -> Result<f32, LoadError> {
    const EXPONENT: u32 = 0x7f80_0000;
    let bits = u32::from_le_bytes(values[index]);
    if bits & EXPONENT == EXPONENT {
        return Err(LoadError::NonFinite { tensor, index });
    }
    Ok(f32::from_bits(bits))
}
