//! A model and a solver whose sizes are known only at run time, as a command line needs them.

mod field;
mod path;
mod scratch;
mod solver;
mod state;

use alloc::vec::Vec;

pub use path::HeapPath;
pub use scratch::Scratch;
pub use solver::HeapSolver;
pub use state::HeapState;

use crate::activation::ActivationKind;
use crate::kernel::{Called, Start};
use crate::model_file::{read_activation, read_dims};
use crate::network::{Dims, Weights};
use crate::safetensors::{File, LoadError};

/// An [`Mlp`](crate::Mlp) whose sizes come from the file. It uses the same kernels and gives the same bits.
///
/// ```
/// use flowlet::{Euler, HeapMlp, HeapSolver, Mlp, Noise, Silu, SolverKind};
///
/// let file = include_bytes!("../../examples/swirl.safetensors");
/// let mlp = HeapMlp::try_from_safetensors(file)?;
/// assert_eq!((mlp.data_dim(), mlp.condition_dim(), mlp.hidden_width()), (2, 0, 32));
///
/// let solver = HeapSolver::uniform(SolverKind::Euler, 60.try_into()?);
/// // Buffers for the evaluations; each thread needs its own.
/// let mut scratch = mlp.scratch();
/// let mut x = [0.0; 2];
/// Noise::new(7).fill(0, &mut x);
/// solver.sample(&mlp, &mut x, &[], &mut scratch);
///
/// static SWIRL: Mlp<2, 0, 32, 1, Silu> =
///     Mlp::from_safetensors(include_bytes!("../../examples/swirl.safetensors"));
/// assert_eq!(x, Euler::<60>::UNIFORM.sample(&SWIRL, Noise::new(7).sample(0), []));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct HeapMlp {
    dims: Dims,
    activation: ActivationKind,
    weights: Weights<Vec<f32>>,
}

impl HeapMlp {
    /// Reads a model of any size. The inputs after `t` and `x` are conditions. Without metadata the
    /// activation is the exact GELU.
    ///
    /// # Errors
    ///
    /// [`LoadError`] if the bytes are not a model file.
    pub fn try_from_safetensors(bytes: &[u8]) -> Result<Self, LoadError> {
        let file = File::open(bytes)?;
        let dims = read_dims(&file)?;
        let activation = read_activation(&file)?;
        let mut weights = Weights::zero(dims);
        weights.as_mut_slices().read(&file, activation, dims)?;
        Ok(Self { dims, activation, weights })
    }

    /// The number of data dimensions, `D`.
    pub fn data_dim(&self) -> usize {
        self.dims.data
    }

    /// The number of conditions, `C`.
    pub fn condition_dim(&self) -> usize {
        self.dims.condition
    }

    /// The hidden width, `H`.
    pub fn hidden_width(&self) -> usize {
        self.dims.width
    }

    /// The number of hidden-to-hidden layers, `L`.
    pub fn hidden_layers(&self) -> usize {
        self.dims.hidden_layers
    }

    /// The activation between the layers.
    pub fn activation(&self) -> ActivationKind {
        self.activation
    }

    /// [`Mlp::fingerprint`](crate::Mlp::fingerprint): the same number for the same file.
    pub fn fingerprint(&self) -> u64 {
        self.weights.as_slices().fingerprint(self.activation.name(), self.dims)
    }

    /// Returns buffers for evaluations of this model, or of another model of the same sizes.
    pub fn scratch(&self) -> Scratch {
        Scratch::new(self.dims)
    }

    /// Returns the velocity at `t` and `x` (`[D]`, flow units) under `c` (`[C]`, the user's units).
    ///
    /// # Panics
    ///
    /// Panics if a slice has another length, or if the scratch was made for a model of other sizes.
    pub fn velocity<'s>(
        &self,
        t: f32,
        x: &[f32],
        c: &[f32],
        scratch: &'s mut Scratch,
    ) -> &'s [f32] {
        self.check_point(x);
        self.condition_on(c, scratch);
        let Scratch { prefix, one, .. } = scratch;
        let [units, next] = &mut one.units;
        let v = &mut one.v[0];
        let units = [&mut units[..], next];
        self.evaluator(units).velocity(Start::Same(prefix), t, x, v);
        v
    }

    /// Converts `x` (`[D]`) from flow units to data units, in place: `x · data.scale + data.mean`.
    ///
    /// # Panics
    ///
    /// Panics if `x` has another length.
    pub fn to_data_units(&self, x: &mut [f32]) {
        self.check_point(x);
        self.weights.as_slices().data_units.to_user(x);
    }

    /// Converts `x` (`[D]`) from data units to flow units, in place: `(x − data.mean) ÷ data.scale`.
    ///
    /// # Panics
    ///
    /// Panics if `x` has another length.
    pub fn to_flow_units(&self, x: &mut [f32]) {
        self.check_point(x);
        self.weights.as_slices().data_units.to_flow(x);
    }

    /// [`Mlp::null_condition`](crate::Mlp::null_condition), `[C]`.
    pub fn null_condition(&self) -> &[f32] {
        &self.weights.condition_units.mean
    }

    fn check_point(&self, x: &[f32]) {
        assert_eq!(x.len(), self.dims.data, "x must have one value per data dimension");
    }

    /// Writes the first layer's bias plus its condition terms to `scratch.prefix`.
    fn condition_on(&self, c: &[f32], scratch: &mut Scratch) {
        assert_eq!(c.len(), self.dims.condition, "c must have one value per condition");
        assert_eq!(scratch.dims, self.dims, "the scratch must be made for a model of these sizes");
        scratch.one.condition.copy_from_slice(c);
        let Scratch { prefix, one, .. } = scratch;
        self.weights.as_slices().prefix(Called::<f32>::NEW, &mut one.condition, prefix);
    }
}
