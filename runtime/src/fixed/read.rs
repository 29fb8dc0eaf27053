//! Reads a model of whole numbers into its parts.

use super::activation::UNIT_BITS;
use super::panel::{byte_index, index};
use super::parts::SlicesMut;
use super::storage::{Half, nibbles, stored_4, stored_8, stored_16};
use super::units::{ConditionUnits, DataUnits};
use crate::activation::ActivationKind;
use crate::model_file::{check_contract, check_convention, check_sizes};
use crate::network::Dims;
use crate::safetensors::{File, LoadError, tri};
use crate::tensor::{SELF_TEST_STEPS, Shape, TensorName};

/// The range of a shift of a 64-bit product.
const UNIT_SHIFTS: (i32, i32) = (0, 62);
/// The range of the fraction bits in the user's units.
const USER_BITS: (i32, i32) = (-64, 64);

impl SlicesMut<'_> {
    /// Reads all parts, and checks that the file has nothing else. The weights between hidden layers were read before.
    pub(crate) const fn read(
        &mut self,
        file: &File<'_>,
        activation: ActivationKind,
        dims: Dims,
    ) -> Result<(), LoadError> {
        let Dims { data, condition, width, hidden_layers } = dims;
        tri!(check_convention(file, activation, hidden_layers));
        tri!(check_contract(file));
        tri!(self.read_first(file, dims));
        let mut i = 0;
        while i < hidden_layers {
            let bias = part(&mut *self.hidden_bias, i * width, width);
            tri!(integers(file, TensorName::Bias { layer: i + 1 }, bias));
            let shift = part_8(&mut *self.hidden_shift, i * width, width);
            tri!(bytes(file, TensorName::Shift { layer: i + 1 }, (1, 31), shift));
            i += 1;
        }
        let layer = hidden_layers + 1;
        let name = TensorName::Weight { layer };
        let shape = Shape::matrix(data, width);
        let values = tri!(required(file, name, shape, "I16")).as_chunks::<2>().0;
        tri!(integers(file, TensorName::Bias { layer }, self.last_bias));
        tri!(bytes(file, TensorName::Shift { layer }, (-20, 31), self.last_shift));
        let mut output = 0;
        while output < data {
            let mut sum = Sum::new(self.last_bias, output);
            let mut input = 0;
            while input < width {
                let weight = element_16(values, output * width + input);
                sum.add(weight as i32);
                set_16(self.last, index(data, width, output, input), stored_16(weight));
                input += 1;
            }
            tri!(sum.check(name, output));
            output += 1;
        }
        let mut unit_bits = [0; crate::tensor::MAX_LAYERS];
        let (unit_bits, _) = unit_bits.split_at_mut(hidden_layers + 1);
        tri!(bytes(file, TensorName::UnitBits, (0, UNIT_BITS as i32), unit_bits));
        self.formats.offset = 1;
        self.formats.first = unit_bits[0];
        let mut i = 0;
        while i < hidden_layers && i < self.hidden_bits.len() {
            self.hidden_bits[i] = unit_bits[i + 1];
            i += 1;
        }
        let mut input_bits = [0; 2];
        tri!(bytes(file, TensorName::InputBits, (0, 15), &mut input_bits));
        self.formats.point = input_bits[0];
        tri!(self.read_units(file, condition));
        tri!(check_others(file, dims));
        check_sizes(file, dims)
    }

    /// Reads the first layer, whose columns are the time, the point and the conditions.
    const fn read_first(&mut self, file: &File<'_>, dims: Dims) -> Result<(), LoadError> {
        let Dims { data, condition, width, .. } = dims;
        let name = TensorName::Weight { layer: 0 };
        let columns = 1 + data + condition;
        let values =
            tri!(required(file, name, Shape::matrix(width, columns), "I16")).as_chunks::<2>().0;
        tri!(integers(file, TensorName::Bias { layer: 0 }, self.bias));
        tri!(bytes(file, TensorName::Shift { layer: 0 }, (1, 31), self.shift));
        let mut output = 0;
        while output < width {
            let mut sum = Sum::new(self.bias, output);
            let mut column = 0;
            while column < columns {
                let weight = element_16(values, output * columns + column);
                sum.add(weight as i32);
                if column == 0 {
                    set_16(self.time, output, stored_16(weight));
                } else if column <= data {
                    let at = index(width, data, output, column - 1);
                    set_16(self.state, at, stored_16(weight));
                } else {
                    let at = index(width, condition, output, column - 1 - data);
                    set_16(self.condition, at, stored_16(weight));
                }
                column += 1;
            }
            tri!(sum.check(name, output));
            output += 1;
        }
        Ok(())
    }

    const fn read_units(&mut self, file: &File<'_>, condition: usize) -> Result<(), LoadError> {
        let DataUnits { mean, scale, shift, inverse, inverse_shift } = &mut self.data_units;
        tri!(integers(file, TensorName::DataMean, mean));
        tri!(integers(file, TensorName::DataScale, scale));
        tri!(not_negative(TensorName::DataScale, scale));
        tri!(bytes(file, TensorName::DataShift, UNIT_SHIFTS, shift));
        tri!(integers(file, TensorName::DataInverse, inverse));
        tri!(not_negative(TensorName::DataInverse, inverse));
        tri!(bytes(file, TensorName::DataInverseShift, UNIT_SHIFTS, inverse_shift));
        self.formats.data = tri!(data_bits(file));
        let mut bits = [0];
        if condition == 0 {
            return Ok(());
        }
        let ConditionUnits { mean, scale, shift } = &mut self.condition_units;
        tri!(integers(file, TensorName::ConditionMean, mean));
        tri!(integers(file, TensorName::ConditionScale, scale));
        tri!(not_negative(TensorName::ConditionScale, scale));
        tri!(bytes(file, TensorName::ConditionShift, UNIT_SHIFTS, shift));
        tri!(bytes(file, TensorName::ConditionBits, USER_BITS, &mut bits));
        self.formats.condition = bits[0];
        Ok(())
    }
}

/// Reads the weights between hidden layers of type `$type` into panels.
macro_rules! read_hidden {
    ($name:ident, $type:ty, $element:ty, $stored:path, $dtype:literal, $bytes:literal) => {
        /// Reads the weights between hidden layers (`[L][H][H]`) into panels.
        pub(crate) const fn $name(
            file: &File<'_>,
            dims: Dims,
            out: &mut [$element],
        ) -> Result<(), LoadError> {
            let Dims { width, hidden_layers, .. } = dims;
            let mut i = 0;
            while i < hidden_layers {
                let (name, start) = (TensorName::Weight { layer: i + 1 }, i * width * width);
                let shape = Shape::matrix(width, width);
                let values = tri!(required(file, name, shape, $dtype)).as_chunks::<$bytes>().0;
                let biases = tri!(biases(file, i + 1, width));
                let mut output = 0;
                while output < width {
                    let mut sum = Sum::of(biases, output);
                    let mut input = 0;
                    while input < width {
                        let at = output * width + input;
                        if at >= values.len() {
                            break;
                        }
                        let weight = <$type>::from_le_bytes(values[at]);
                        sum.add(weight as i32);
                        let to = start + index(width, width, output, input);
                        if to < out.len() {
                            out[to] = $stored(weight);
                        }
                        input += 1;
                    }
                    tri!(sum.check(name, output));
                    output += 1;
                }
                i += 1;
            }
            Ok(())
        }
    };
}

read_hidden!(read_hidden_16, i16, Half, stored_16, "I16", 2);
read_hidden!(read_hidden_8, i8, i8, stored_8, "I8", 1);

/// Reads the weights of four bits between hidden layers (`[L][H][⌈H ÷ 2⌉]`) into panels.
pub(crate) const fn read_hidden_4(
    file: &File<'_>,
    dims: Dims,
    out: &mut [u8],
) -> Result<(), LoadError> {
    let Dims { width, hidden_layers, .. } = dims;
    let row = width.div_ceil(2);
    let mut i = 0;
    while i < hidden_layers {
        let (name, start) = (TensorName::Weight { layer: i + 1 }, i * width * row);
        let values = tri!(required(file, name, Shape::matrix(width, row), "U8"));
        let biases = tri!(biases(file, i + 1, width));
        let mut output = 0;
        while output < width {
            let mut sum = Sum::of(biases, output);
            let mut pair = 0;
            while pair < row {
                let at = output * row + pair;
                if at >= values.len() {
                    break;
                }
                let [even, odd] = nibbles(values[at]);
                sum.add(even);
                sum.add(odd);
                if 2 * pair + 1 == width && odd != 0 {
                    let (tensor, index) = (name, at);
                    return Err(LoadError::OutOfRange {
                        tensor,
                        index,
                        least: 0,
                        most: 15,
                        found: values[at] as i32,
                    });
                }
                let to = start + byte_index(width, width, output, 2 * pair);
                if to < out.len() {
                    out[to] = stored_4(values[at]);
                }
                pair += 1;
            }
            tri!(sum.check(name, output));
            output += 1;
        }
        i += 1;
    }
    Ok(())
}

/// How large an output's sum can become: `Σ|w| · 2¹⁵ + |b|`.
struct Sum(u64);

impl Sum {
    const fn new(bias: &[i32], output: usize) -> Self {
        Self(if output < bias.len() { bias[output].unsigned_abs() as u64 } else { 0 })
    }

    const fn of(bias: &[[u8; 4]], output: usize) -> Self {
        let bias = if output < bias.len() { i32::from_le_bytes(bias[output]) } else { 0 };
        Self(bias.unsigned_abs() as u64)
    }

    const fn add(&mut self, weight: i32) {
        self.0 += (weight.unsigned_abs() as u64) << 15;
    }

    const fn check(self, tensor: TensorName, output: usize) -> Result<(), LoadError> {
        if self.0 < 1 << 31 { Ok(()) } else { Err(LoadError::SumOverflows { tensor, output }) }
    }
}

/// Checks the tensors that the network does not read, as a float model's.
const fn check_others(file: &File<'_>, dims: Dims) -> Result<(), LoadError> {
    let mut entries = file.entries();
    while let Some(entry) = tri!(entries.next()) {
        let unexpected = LoadError::UnexpectedTensor { name: entry.name };
        let Some(tensor) = TensorName::parse(&entry.name) else { return Err(unexpected) };
        let shape = match tensor {
            TensorName::Weight { layer }
            | TensorName::Bias { layer }
            | TensorName::Shift { layer } => {
                if layer >= dims.hidden_layers + 2 {
                    return Err(unexpected);
                }
                continue;
            }
            TensorName::ConditionMean
            | TensorName::ConditionScale
            | TensorName::ConditionShift
            | TensorName::ConditionBits
                if dims.condition == 0 =>
            {
                return Err(unexpected);
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
            _ => continue,
        };
        _ = tri!(required(file, tensor, shape, "I32"));
    }
    Ok(())
}

/// The fraction bits of data units.
pub(crate) const fn data_bits(file: &File<'_>) -> Result<i8, LoadError> {
    let mut bits = [0];
    tri!(bytes(file, TensorName::DataBits, USER_BITS, &mut bits));
    Ok(bits[0])
}

/// Reads a tensor of `out.len()` integers of 32 bits.
pub(crate) const fn integers(
    file: &File<'_>,
    tensor: TensorName,
    out: &mut [i32],
) -> Result<(), LoadError> {
    integers_of(file, tensor, Shape::vector(out.len()), out)
}

/// Reads a tensor of integers of 32 bits, in the order of the file.
pub(crate) const fn integers_of(
    file: &File<'_>,
    tensor: TensorName,
    shape: Shape,
    out: &mut [i32],
) -> Result<(), LoadError> {
    let values = tri!(required(file, tensor, shape, "I32")).as_chunks::<4>().0;
    let mut i = 0;
    while i < out.len() && i < values.len() {
        out[i] = i32::from_le_bytes(values[i]);
        i += 1;
    }
    Ok(())
}

/// Reads a tensor of `out.len()` integers of 8 bits between two limits.
const fn bytes(
    file: &File<'_>,
    tensor: TensorName,
    (least, most): (i32, i32),
    out: &mut [i8],
) -> Result<(), LoadError> {
    let values = tri!(required(file, tensor, Shape::vector(out.len()), "I8"));
    let mut index = 0;
    while index < out.len() && index < values.len() {
        let found = values[index] as i8 as i32;
        if found < least || found > most {
            return Err(LoadError::OutOfRange { tensor, index, least, most, found });
        }
        out[index] = found as i8;
        index += 1;
    }
    Ok(())
}

const fn not_negative(tensor: TensorName, values: &[i32]) -> Result<(), LoadError> {
    let mut index = 0;
    while index < values.len() {
        if values[index] < 0 {
            return Err(LoadError::OutOfRange {
                tensor,
                index,
                least: 0,
                most: i32::MAX,
                found: values[index],
            });
        }
        index += 1;
    }
    Ok(())
}

/// The biases of a layer.
const fn biases<'a>(
    file: &File<'a>,
    layer: usize,
    outputs: usize,
) -> Result<&'a [[u8; 4]], LoadError> {
    let values = tri!(required(file, TensorName::Bias { layer }, Shape::vector(outputs), "I32"));
    Ok(values.as_chunks().0)
}

const fn required<'a>(
    file: &File<'a>,
    tensor: TensorName,
    shape: Shape,
    dtype: &'static str,
) -> Result<&'a [u8], LoadError> {
    match tri!(file.bytes(tensor, shape, dtype)) {
        Some(bytes) => Ok(bytes),
        None => Err(LoadError::MissingTensor { tensor }),
    }
}

const fn element_16(values: &[[u8; 2]], index: usize) -> i16 {
    // Not reached: the shape was checked.
    if index < values.len() { i16::from_le_bytes(values[index]) } else { 0 }
}

const fn set_16(out: &mut [Half], index: usize, value: Half) {
    if index < out.len() {
        out[index] = value;
    }
}

/// `values[start..][..length]`, or an empty slice if there are fewer.
const fn part(values: &mut [i32], start: usize, length: usize) -> &mut [i32] {
    let Some((_, rest)) = values.split_at_mut_checked(start) else { return &mut [] };
    let Some((part, _)) = rest.split_at_mut_checked(length) else { return &mut [] };
    part
}

/// [`part`] of integers of 8 bits.
const fn part_8(values: &mut [i8], start: usize, length: usize) -> &mut [i8] {
    let Some((_, rest)) = values.split_at_mut_checked(start) else { return &mut [] };
    let Some((part, _)) = rest.split_at_mut_checked(length) else { return &mut [] };
    part
}
