//! A model in other languages: as files to put into a C, C++ or Rust project.
//!
//! | module | contents |
//! |---|---|
//! | [`name`] | the name that the files and their functions have |
//! | `template` | the C sources in `c/`: sections for what a model needs, and places for its numbers |
//! | `text` | numbers and comments as C |
//! | `c` | the header and the source of a model |
//! | `float`, `integer` | the numbers of a model in their C arrays |
//! | [`layout`] | the folder that a build system expects around them |
//! | [`rust`] | the Rust code that embeds a model, and a crate with it |
//! | [`onnx`] | the velocity field and the sampler as graphs of ONNX |

mod c;
mod choice;
mod float;
mod integer;
pub mod layout;
pub mod name;
pub mod onnx;
pub mod rust;
mod template;
mod text;

use anyhow::Result;

use crate::quantize::file::AnyModel;
use layout::Layout;
use name::Name;

pub use choice::{Exported, SolverChoice};

/// Returns a model as a C header and a C source, in the folder that `layout` asks for.
///
/// # Errors
///
/// Returns an error if the number of steps is not valid, or a tensor of the file cannot be read.
pub fn to_c(
    model: &AnyModel,
    name: &Name,
    layout: Layout,
    solver: SolverChoice,
) -> Result<Vec<Exported>> {
    let source = match model {
        AnyModel::Float(model) => c::float_source(model, name, solver)?,
        AnyModel::Integer(file) => c::integer_source(file, name, solver)?,
    };
    Ok(layout.files(name, &source))
}
