//! Reads a network into its slices.

use super::metadata::{check_convention, check_sizes};
use super::values::{finite, read_columns, read_units, read_vector};
use crate::activation::ActivationKind;
use crate::network::{Dims, Weights};
use crate::safetensors::{File, LoadError, tri};
use crate::tensor::{SELF_TEST_STEPS, Shape, TensorName};

impl Weights<&mut [f32]> {
    /// Reads a network with this activation and these sizes. The slices must have the same sizes.
    pub(crate) const fn read(
        &mut self,
        file: &File<'_>,
        activation: ActivationKind,
        dims: Dims,
    ) -> Result<(), LoadError> {
        let Dims { data, condition, width, hidden_layers } = dims;
        tri!(check_convention(file, activation, hidden_layers));

        let first = TensorName::Weight { layer: 0 };
        let shape = (width, 1 + data + condition);
        tri!(read_columns(file, first, shape, 0, self.time));
        tri!(read_columns(file, first, shape, 1, self.state));
        tri!(read_columns(file, first, shape, 1 + data, self.condition));
        tri!(read_vector(file, TensorName::Bias { layer: 0 }, self.bias));
        let mut i = 0;
        while i < hidden_layers {
            let (bias, columns) = (&mut *self.hidden.bias, &mut *self.hidden.columns);
            let bias = part(bias, i * width, width);
            let columns = part(columns, i * width * width, width * width);
            tri!(read_layer(file, i + 1, width, bias, columns));
            i += 1;
        }
        let layer = hidden_layers + 1;
        tri!(read_layer(file, layer, width, self.last.bias, self.last.columns));

        let names = (TensorName::DataMean, TensorName::DataScale);
        tri!(read_units(file, names, &mut self.data_units));
        let names = (TensorName::ConditionMean, TensorName::ConditionScale);
        tri!(read_units(file, names, &mut self.condition_units));
        tri!(check_others(file, dims));
        check_sizes(file, dims)
    }
}

/// Checks the tensors that the network does not read: there is no layer after the last one, and the grid and the
/// self-test have the right shapes and finite values. A damaged file is not a model.
const fn check_others(file: &File<'_>, dims: Dims) -> Result<(), LoadError> {
    let mut entries = file.entries();
    while let Some(entry) = tri!(entries.next()) {
        let Some(tensor) = TensorName::parse(&entry.name) else {
            return Err(LoadError::UnexpectedTensor { name: entry.name });
        };
        let shape = match tensor {
            TensorName::Weight { layer } | TensorName::Bias { layer } => {
                if layer >= dims.hidden_layers + 2 {
                    return Err(LoadError::UnexpectedTensor { name: entry.name });
                }
                continue;
            }
            TensorName::Grid if entry.shape.dims().len() == 1 => entry.shape,
            TensorName::Grid => Shape::vector(2),
            TensorName::SelfTestTime | TensorName::SelfTestDt => Shape::vector(SELF_TEST_STEPS),
            TensorName::SelfTestX | TensorName::SelfTestNext => {
                Shape::matrix(SELF_TEST_STEPS, dims.data)
            }
            TensorName::SelfTestCondition => Shape::matrix(SELF_TEST_STEPS, dims.condition),
            TensorName::ColumnKind | TensorName::ColumnLeast | TensorName::ColumnMost => {
                Shape::vector(dims.data)
            }
            TensorName::DataMean
            | TensorName::DataScale
            | TensorName::ConditionMean
            | TensorName::ConditionScale => continue,
            // Only an integer model has these. Its weights have other dtypes, and were refused.
            TensorName::Shift { .. }
            | TensorName::InputBits
            | TensorName::UnitBits
            | TensorName::DataShift
            | TensorName::DataInverse
            | TensorName::DataInverseShift
            | TensorName::DataBits
            | TensorName::ConditionShift
            | TensorName::ConditionBits => {
                return Err(LoadError::UnexpectedTensor { name: entry.name });
            }
        };
        let values = tri!(file.required(tensor, shape));
        let mut index = 0;
        while index < values.len() {
            tri!(finite(tensor, values, index));
            index += 1;
        }
    }
    Ok(())
}

/// Reads a layer with `width` inputs.
const fn read_layer(
    file: &File<'_>,
    layer: usize,
    width: usize,
    bias: &mut [f32],
    columns: &mut [f32],
) -> Result<(), LoadError> {
    let shape = (bias.len(), width);
    tri!(read_columns(file, TensorName::Weight { layer }, shape, 0, columns));
    read_vector(file, TensorName::Bias { layer }, bias)
}

/// `numbers[start..][..length]`, or an empty slice if there are fewer. A `const fn` cannot index by a range.
const fn part(numbers: &mut [f32], start: usize, length: usize) -> &mut [f32] {
    let Some((_, rest)) = numbers.split_at_mut_checked(start) else { return &mut [] };
    let Some((part, _)) = rest.split_at_mut_checked(length) else { return &mut [] };
    part
}

/// Returns the sizes, from the shapes of the first and the last weight. Checks that the file has every
/// weight, so that reading a file never allocates more memory than the file's own size.
#[cfg(feature = "alloc")]
pub(crate) fn read_dims(file: &File<'_>) -> Result<Dims, LoadError> {
    let dims = outer_dims(file)?;
    for layer in 1..=dims.hidden_layers {
        let shape = Shape::matrix(dims.width, dims.width);
        file.required(TensorName::Weight { layer }, shape)?;
    }
    Ok(dims)
}

/// [`read_dims`] of an integer model, and the bits of its weights between hidden layers.
#[cfg(feature = "alloc")]
pub(crate) fn read_integer_dims(file: &File<'_>) -> Result<(Dims, u32), LoadError> {
    let dims = outer_dims(file)?;
    let bits = match file.dtype(TensorName::Weight { layer: 1 })? {
        Some(dtype) if dims.hidden_layers > 0 && dtype.is("I8") => 8,
        Some(dtype) if dims.hidden_layers > 0 && dtype.is("U8") => 4,
        _ => 16,
    };
    let (dtype, columns) = match bits {
        8 => ("I8", dims.width),
        4 => ("U8", dims.width.div_ceil(2)),
        _ => ("I16", dims.width),
    };
    for layer in 1..=dims.hidden_layers {
        let (tensor, shape) = (TensorName::Weight { layer }, Shape::matrix(dims.width, columns));
        if file.bytes(tensor, shape, dtype)?.is_none() {
            return Err(LoadError::MissingTensor { tensor });
        }
    }
    Ok((dims, bits))
}

/// The sizes that the shapes of the first and the last weight give.
#[cfg(feature = "alloc")]
fn outer_dims(file: &File<'_>) -> Result<Dims, LoadError> {
    let layers = file.layers();
    if layers < 2 {
        return Err(LoadError::LayerCount { found: layers });
    }
    let name = |layer| TensorName::Weight { layer };
    let (first, last) = (file.shape(name(0))?, file.shape(name(layers - 1))?);
    let mismatch =
        |layer, expected, found| LoadError::Shape { tensor: name(layer), expected, found };
    let Some((width, inputs)) = first.as_matrix() else {
        return Err(mismatch(0, Shape::matrix(1, 2), first));
    };
    let Some((data, last_inputs)) = last.as_matrix() else {
        return Err(mismatch(layers - 1, Shape::matrix(1, width), last));
    };
    // There are at least the columns for t and x.
    let columns = data.saturating_add(1);
    if width == 0 || inputs < columns {
        return Err(mismatch(0, Shape::matrix(width.max(1), columns), first));
    }
    if data == 0 || last_inputs != width {
        return Err(mismatch(layers - 1, Shape::matrix(data.max(1), width), last));
    }
    Ok(Dims { data, condition: inputs - columns, width, hidden_layers: layers - 2 })
}

/// The activation that the metadata name, or the exact GELU if they name none.
#[cfg(feature = "alloc")]
pub(crate) fn read_activation(file: &File<'_>) -> Result<ActivationKind, LoadError> {
    let Some(found) = file.metadata("flowlet.activation")? else { return Ok(ActivationKind::Gelu) };
    match ActivationKind::from_name(found.as_bytes()) {
        Some(kind) if found.is(kind.name()) => Ok(kind),
        // `Weights::read` rejects the unknown name, because it is not `gelu`.
        _ => Ok(ActivationKind::Gelu),
    }
}
