//! Compares the metadata of a model file with the model.

use crate::activation::ActivationKind;
use crate::network::Dims;
use crate::safetensors::{File, LoadError, tri};
use crate::text::Text;

/// The version of the file format that this crate reads.
const FORMAT: &str = "1";

/// The version of the integer contract, as a model file states it.
const INTEGER_CONTRACT: &str = "1";

/// Rejects metadata with another format, activation or number of layers. Absent and unknown keys are ignored.
pub(crate) const fn check_convention(
    file: &File<'_>,
    activation: ActivationKind,
    hidden_layers: usize,
) -> Result<(), LoadError> {
    tri!(check(file, "flowlet.format", Text::new(FORMAT)));
    tri!(check(file, "flowlet.activation", Text::new(activation.name())));
    check(file, "flowlet.hidden_layers", decimal(hidden_layers as u64))
}

/// Rejects an integer model of another version of the integer contract.
pub(crate) const fn check_contract(file: &File<'_>) -> Result<(), LoadError> {
    check(file, "flowlet.integer", Text::new(INTEGER_CONTRACT))
}

/// Rejects metadata that contradict the model's other sizes. Called after the tensors were read, because
/// their errors say more: a tensor's name and both shapes.
pub(crate) const fn check_sizes(file: &File<'_>, dims: Dims) -> Result<(), LoadError> {
    tri!(check(file, "flowlet.data_dim", decimal(dims.data as u64)));
    tri!(check(file, "flowlet.condition_dim", decimal(dims.condition as u64)));
    check(file, "flowlet.hidden_width", decimal(dims.width as u64))
}

/// Rejects a value of `key` other than `expected`. An absent key is accepted.
pub(super) const fn check(
    file: &File<'_>,
    key: &'static str,
    expected: Text,
) -> Result<(), LoadError> {
    match tri!(file.metadata(key)) {
        Some(found) if !found.is(expected.as_str()) => {
            Err(LoadError::Metadata { key, expected, found })
        }
        _ => Ok(()),
    }
}

const fn decimal(value: u64) -> Text {
    let mut text = if value >= 10 { decimal(value / 10) } else { Text::EMPTY };
    text.push(b'0' + (value % 10) as u8);
    text
}
