//! The image `sample_integer`: the model `mixture-i16`, without a float.

use std::path::Path;

use anyhow::{Context, Result, bail};
use object::{Object, ObjectSymbol};

use crate::Row;
use crate::cost::{reported, sizes};

/// What the image costs.
#[derive(Debug)]
pub(crate) struct Integer {
    /// Bytes of the sampler's code.
    code: u64,
    /// Bytes of the whole image without the weights.
    image: u64,
    /// Bytes of stack of a sample.
    stack: u64,
    /// Instructions of one evaluation.
    instructions: u64,
    /// The same with the runtime's feature `assembly`, where it has assembly for the target.
    assembly: Option<u64>,
}

impl Integer {
    /// Takes the cost from the image and from what it printed.
    pub(crate) fn measured(image: &Path, said: &str, assembly: Option<u64>) -> Result<Self> {
        let (code, size, _) = sizes(image, "10MIXTURE_16")?;
        let (stack, instructions) = (reported(said, "stack")?, reported(said, "evaluation")?);
        Ok(Self { code, image: size, stack, instructions, assembly })
    }
}

/// Parts of the names of the compiler's routines for floats.
const FLOAT_ROUTINES: [&str; 14] = [
    "__aeabi_f",
    "__aeabi_d",
    "__aeabi_i2f",
    "__aeabi_i2d",
    "__aeabi_ui2f",
    "__aeabi_ui2d",
    "__aeabi_l2f",
    "__aeabi_ul2f",
    "sf2",
    "sf3",
    "df2",
    "df3",
    "__fix",
    "__float",
];

/// Fails if the image contains a routine for floats. That it runs no float instruction shows when it runs, since it
/// switches the float unit off.
pub(crate) fn check_has_no_float(image: &Path) -> Result<()> {
    let bytes = std::fs::read(image)?;
    let file = object::File::parse(&*bytes).with_context(|| image.display().to_string())?;
    for symbol in file.symbols() {
        let name = symbol.name().unwrap_or("");
        let plain = name.starts_with("__") && FLOAT_ROUTINES.iter().any(|part| name.contains(part));
        if plain || name.contains("compiler_builtins5float") {
            bail!(
                "{}: an image of whole numbers contains the float routine {name}",
                image.display()
            );
        }
    }
    Ok(())
}

/// Prints the cost of the model in whole numbers beside that of the float model.
pub(crate) fn print(rows: &[Row]) {
    println!(
        "\n{:<30} {:<4} {:>9} {:>9} {:>7} {:>9} {:>6} {:>6} {:>6}",
        "mixture in whole numbers",
        "opt",
        "float",
        "integer",
        "times",
        "assembly",
        "code",
        "image",
        "stack"
    );
    for row in rows {
        let (Some(cost), Some(integer)) = (&row.cost, &row.integer) else { continue };
        println!(
            "{:<30} {:<4} {:>9} {:>9} {:>7.1} {:>9} {:>6} {:>6} {:>6}",
            row.target.triple,
            row.level,
            cost.instructions,
            integer.instructions,
            cost.instructions as f64 / integer.instructions as f64,
            integer.assembly.map_or(String::new(), |instructions| instructions.to_string()),
            integer.code,
            integer.image,
            integer.stack
        );
    }
}
