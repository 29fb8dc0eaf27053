//! A model and a solver whose sizes are known only at run time, as a command line needs them. The solver is the same for
//! floats and whole numbers.

mod mlp;
mod model;
mod path;
mod run;
mod scratch;
mod solver;
mod state;

pub use mlp::{HeapMlp, Scratch};
pub use model::HeapModel;
pub(crate) use model::{check_point, condition_on, sealed};
pub use path::HeapPath;
pub use run::Run;
pub use scratch::ScratchOf;
pub use solver::{HeapSolver, HeapSolverOf};
pub use state::HeapState;
