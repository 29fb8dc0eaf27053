//! What an export gives and what it may choose.

use std::path::PathBuf;

use flowlet::SolverKind;

/// A file to write: its path in the folder of the export, and its contents.
pub type Exported = (PathBuf, Vec<u8>);

/// Which solver the exported code has, where it is not the model's own.
#[derive(Clone, Copy, Debug, Default)]
pub struct SolverChoice {
    /// The method.
    pub kind: Option<SolverKind>,
    /// The number of steps.
    pub steps: Option<usize>,
}
