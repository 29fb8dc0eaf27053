//! The model of floats whose sizes come from its file.

use alloc::vec;
use alloc::vec::Vec;

use super::model::{check_point, condition_on};
use super::sealed::Model;
use super::{Run, ScratchOf};
use crate::activation::ActivationKind;
use crate::kernel::{Called, Start};
use crate::lanes::{LANES, gather};
use crate::model_file::{read_activation, read_dims};
use crate::network::{Dims, Evaluated, Evaluator, Weights};
use crate::registers::VECTORS;
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
        let mut file = File::NONE;
        file.open(bytes)?;
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
        Scratch::new(self.dims, Buffers::new(self.dims))
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
        check_point(self, x);
        condition_on(self, c, scratch);
        let Scratch { prefix, one, buffers, .. } = scratch;
        let v = &mut one.v[0];
        self.evaluator(&mut buffers.one.units).velocity(Start::Same(prefix), t, x, v);
        v
    }

    /// Converts `x` (`[D]`) from flow units to data units, in place: `x · data.scale + data.mean`.
    ///
    /// # Panics
    ///
    /// Panics if `x` has another length.
    pub fn to_data_units(&self, x: &mut [f32]) {
        check_point(self, x);
        self.point_to_data_units(x);
    }

    /// Converts `x` (`[D]`) from data units to flow units, in place: `(x − data.mean) ÷ data.scale`.
    ///
    /// # Panics
    ///
    /// Panics if `x` has another length.
    pub fn to_flow_units(&self, x: &mut [f32]) {
        check_point(self, x);
        self.weights.as_slices().data_units.to_flow(x);
    }

    /// [`Mlp::null_condition`](crate::Mlp::null_condition), `[C]`.
    pub fn null_condition(&self) -> &[f32] {
        &self.weights.condition_units.mean
    }

    /// Returns an evaluator of the model with two buffers of `[H]`.
    fn evaluator<'a, N: Evaluated>(
        &'a self,
        [units, next]: &'a mut [Vec<N>; 2],
    ) -> Evaluator<'a, N> {
        Evaluator::new(self.weights.as_slices(), self.activation, false, [units, next])
    }
}

/// Buffers for evaluations of a [`HeapMlp`], from [`HeapMlp::scratch`]. Each thread needs its own.
pub type Scratch = ScratchOf<f32, Buffers>;

/// The buffers of a forward pass.
#[derive(Clone, Debug)]
pub struct Buffers {
    one: Numbers<f32>,
    lanes: Numbers<[f32; LANES]>,
}

impl Buffers {
    fn new(dims: Dims) -> Self {
        Self { one: Numbers::new(dims, 0.0), lanes: Numbers::new(dims, [0.0; LANES]) }
    }
}

/// The buffers for one sample, or for samples side by side.
#[derive(Clone, Debug)]
struct Numbers<N> {
    /// The conditions, `[C]`.
    condition: Vec<N>,
    /// The hidden units of two layers, `[H]` each.
    units: [Vec<N>; 2],
}

impl<N: Copy> Numbers<N> {
    fn new(Dims { condition, width, .. }: Dims, zero: N) -> Self {
        Self { condition: vec![zero; condition], units: [vec![zero; width], vec![zero; width]] }
    }
}

impl Model for HeapMlp {
    type Number = f32;
    type Buffers = Buffers;
    const SIDE_BY_SIDE: bool = VECTORS;

    fn dims(&self) -> Dims {
        self.dims
    }

    fn point_to_data_units(&self, x: &mut [f32]) {
        self.weights.as_slices().data_units.to_user(x);
    }

    fn prefix(&self, c: &[f32], buffers: &mut Buffers, sums: &mut [f32]) {
        let condition = &mut buffers.one.condition;
        condition.copy_from_slice(c);
        self.weights.as_slices().prefix(Called::<f32>::NEW, condition, sums);
    }

    fn prefix_side_by_side(&self, c: &[f32], buffers: &mut Buffers, sums: &mut [[f32; LANES]]) {
        let condition = &mut buffers.lanes.condition;
        gather(condition, c);
        self.weights.as_slices().prefix(Called::<[f32; LANES]>::NEW, condition, sums);
    }

    fn take_steps(
        &self,
        run: Run<'_, f32>,
        x: &mut [f32],
        scratch: &mut Scratch,
        after_step: &mut dyn FnMut(usize, &[f32]),
    ) {
        let Scratch { prefix, unconditional, one, buffers, .. } = scratch;
        let mut evaluator = self.evaluator(&mut buffers.one.units);
        let sums = [&prefix[..], unconditional].map(Start::Same);
        run.take(one, x, sums, |sums, t, x, v| evaluator.velocity(sums, t, x, v), after_step);
    }

    fn take_steps_side_by_side(
        &self,
        run: Run<'_, f32>,
        own: bool,
        scratch: &mut Scratch,
        after_step: &mut dyn FnMut(usize, &[f32]),
    ) {
        let Scratch { prefix, unconditional, prefixes, x, lanes, buffers, .. } = scratch;
        let mut evaluator = self.evaluator(&mut buffers.lanes.units);
        let sums = if own { Start::Each(prefixes) } else { Start::Same(prefix) };
        run.take(
            lanes,
            x.as_flattened_mut(),
            [sums, Start::Same(unconditional)],
            |sums, t, x, v| evaluator.velocity(sums, t, x.as_chunks().0, v.as_chunks_mut().0),
            after_step,
        );
    }
}
