//! The settings of an evaluation.

use flowlet::SolverKind;

/// The settings of an evaluation.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The solvers.
    pub solvers: Vec<SolverKind>,
    /// The numbers of steps for each solver.
    pub steps: Vec<usize>,
    /// Points in each set of the Wasserstein distances, or as many as there are.
    pub points: usize,
    /// Samples whose energy distances are taken, about, and the most real rows that they are to.
    pub samples: usize,
    /// Seed of the starting points, of the choice of real data and of the classifier.
    pub seed: u64,
    /// Whether columns are standardised before distances are taken. With conditions they always are.
    pub standardize: bool,
    /// How much larger than the best distance, in per cent, is still near enough for the advice.
    pub within: f64,
    /// Instructions of one evaluation on the chip that is named, if one is.
    pub instructions: Option<usize>,
}
