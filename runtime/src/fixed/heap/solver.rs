//! A solver in whole numbers whose method and grid are chosen at run time.

use alloc::vec;
use alloc::vec::Vec;
use core::num::NonZeroUsize;

use super::HeapMlp;
#[cfg(feature = "std")]
use crate::fixed::lanes::{Buffers, Pair, Start};
use crate::fixed::times::{between, read_grid, uniform};
use crate::grid::{GridError, MAX_STEPS, Steps};
use crate::guidance::guide;
#[cfg(feature = "std")]
use crate::lanes::{LANES, gather, scatter};
use crate::method::SolverKind;
use crate::method::sealed::Stages;
use crate::model_file::{grid_steps, solver_kind};
use crate::safetensors::{File, LoadError};

/// A [`Solver`](crate::fixed::Solver) in whole numbers whose method and grid are chosen at run time. It gives the same
/// bits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeapSolver {
    kind: SolverKind,
    t: Vec<i32>,
    dt: Vec<i32>,
    /// The weight of guidance and the null condition, `[C]`.
    guidance: Option<(i32, Vec<i32>)>,
}

impl HeapSolver {
    /// A solver with `steps` steps of equal length from 0 to 1.
    ///
    /// # Errors
    ///
    /// [`GridError::Count`] if there are more than 2²⁴ steps.
    pub fn try_uniform(kind: SolverKind, steps: NonZeroUsize) -> Result<Self, GridError> {
        let n = steps.get();
        if n > MAX_STEPS {
            return Err(GridError::Count { found: n.saturating_add(1) });
        }
        let (t, dt) = (0..n).map(|i| uniform(i, n)).unzip();
        Ok(Self { kind, t, dt, guidance: None })
    }

    /// A solver whose steps begin and end at `times` (`[N + 1]`), from 0 to 1 with
    /// [`TIME_BITS`](crate::fixed::TIME_BITS) fraction bits.
    ///
    /// # Errors
    ///
    /// [`GridError`] if the times do not increase, are outside 0 to 1, or are fewer than two or more than 2²⁴ + 1.
    pub fn try_from_times(kind: SolverKind, times: &[i32]) -> Result<Self, GridError> {
        if !(2..=MAX_STEPS + 1).contains(&times.len()) {
            return Err(GridError::Count { found: times.len() });
        }
        let steps = times.windows(2).enumerate();
        let steps = steps.map(|(i, pair)| between(pair[0], pair[1], i));
        let (t, dt) = steps.collect::<Result<Vec<_>, _>>()?.into_iter().unzip();
        Ok(Self { kind, t, dt, guidance: None })
    }

    /// Reads the method and the times that a model was made for. If the file names no method, it is Euler's.
    ///
    /// # Errors
    ///
    /// [`LoadError`] if the bytes are not a file with a valid grid; [`LoadError::MissingTensor`] if it has no grid.
    pub fn try_from_safetensors(bytes: &[u8]) -> Result<Self, LoadError> {
        let file = File::open(bytes)?;
        let kind = solver_kind(&file)?;
        let steps = grid_steps(&file)?;
        let (mut t, mut dt) = (vec![0; steps], vec![0; steps]);
        read_grid(&file, &mut t, &mut dt)?;
        Ok(Self { kind, t, dt, guidance: None })
    }

    /// Adds classifier-free guidance, as [`Guided`](crate::fixed::Guided). `weight` has
    /// [`WEIGHT_BITS`](crate::fixed::WEIGHT_BITS) fraction bits; `unconditional` (`[C]`) is the null condition.
    pub fn guided(self, weight: i32, unconditional: Vec<i32>) -> Self {
        Self { guidance: Some((weight, unconditional)), ..self }
    }

    /// The method.
    pub fn kind(&self) -> SolverKind {
        self.kind
    }

    /// The number of steps, `N`.
    pub fn steps(&self) -> usize {
        self.t.len()
    }

    /// The time before each step and the time after the last step, `[N + 1]`.
    pub fn times(&self) -> impl Iterator<Item = i32> {
        let end = self.t.last().zip(self.dt.last()).map(|(t, dt)| t + dt);
        self.t.iter().copied().chain(end)
    }

    /// Takes all steps, in place: replaces the noise in `x` (`[D]`) by a sample in data units.
    ///
    /// # Panics
    ///
    /// Panics if a slice has another length.
    pub fn sample(&self, mlp: &HeapMlp, x: &mut [i32], c: &[i32]) {
        self.integrate(mlp, x, c, |_, _| {});
        mlp.to_data_units(x);
    }

    /// Takes all steps, in place. `x` (`[D]`) is in flow units before and after. Calls `after_step` with the step's
    /// number and the point after each.
    ///
    /// # Panics
    ///
    /// As [`Self::sample`].
    pub fn integrate(
        &self,
        mlp: &HeapMlp,
        x: &mut [i32],
        c: &[i32],
        after_step: impl FnMut(usize, &[i32]),
    ) {
        mlp.check_point(x);
        let prefix = mlp.prefix(c);
        let guidance = self.guidance.as_ref().map(|(weight, c)| (*weight, mlp.prefix(c)));
        let (mut u, mut scratch) = (vec![0; x.len()], mlp.scratch());
        self.steps_from(x, after_step, |t, x, v| {
            mlp.velocity_from(&prefix, (t, x), v, &mut scratch);
            if let Some((weight, prefix)) = &guidance {
                mlp.velocity_from(prefix, (t, x), &mut u, &mut scratch);
                guide(v, &u, *weight);
            }
        });
    }

    /// Takes all steps from `x`, whose velocity `velocity` writes.
    fn steps_from(
        &self,
        x: &mut [i32],
        mut after_step: impl FnMut(usize, &[i32]),
        mut velocity: impl FnMut(i32, &[i32], &mut [i32]),
    ) {
        let length = x.len();
        let (mut point, mut v, mut before) =
            (vec![0; length], vec![0; 4 * length], vec![0; length]);
        let steps = Steps { kind: self.kind, t: &self.t, dt: &self.dt };
        for i in 0..self.steps() {
            let Some(time) = steps.get(i) else { return };
            let (a, rest) = v.split_at_mut(length);
            let (b, rest) = rest.split_at_mut(length);
            let (c, d) = rest.split_at_mut(length);
            let mut stages = Stages { point: &mut point, v: [a, b, c, d] };
            let known = (i > 0).then_some(&before[..]);
            self.kind.step(x, time, known, &mut stages, &mut velocity);
            before.copy_from_slice(&v[..length]);
            after_step(i, x);
        }
    }

    /// Samples many points at once, in place: replaces the noise in each row of `x` (`[n][D]`) by a sample in data units.
    /// `c` has one condition for each row (`[n][C]`), or one for all rows (`[C]`). The bits are those of
    /// [`Self::sample`].
    ///
    /// # Panics
    ///
    /// Panics if a slice has another length.
    pub fn sample_batch(&self, mlp: &HeapMlp, x: &mut [i32], c: &[i32]) {
        let data = mlp.data_dim();
        self.integrate_batch(mlp, x, c);
        for x in x.chunks_exact_mut(data) {
            mlp.to_data_units(x);
        }
    }

    /// [`Self::sample_batch`] with the results in flow units.
    ///
    /// # Panics
    ///
    /// As [`Self::sample_batch`].
    pub fn integrate_batch(&self, mlp: &HeapMlp, x: &mut [i32], c: &[i32]) {
        let (data, width) = (mlp.data_dim(), mlp.condition_dim());
        assert!(x.len().is_multiple_of(data), "x must have whole rows of the data dimensions");
        let rows = x.len() / data;
        let own = c.len() != width;
        assert!(!own || c.len() == rows * width, "c must have one condition, or one for each row");
        let condition = |k: usize| if own { &c[k * width..][..width] } else { c };
        #[cfg(feature = "std")]
        {
            let same = (!own).then(|| mlp.prefix(c));
            let guidance = self.guidance.as_ref().map(|(weight, c)| (*weight, mlp.prefix(c)));
            for (group, x) in x.chunks_mut(LANES * data).enumerate() {
                let mut each = Vec::new();
                let prefix = if let Some(prefix) = &same {
                    Start::Same(prefix)
                } else {
                    each.resize(mlp.hidden_width(), [0; LANES]);
                    for l in 0..x.len() / data {
                        let prefix = mlp.prefix(condition(group * LANES + l));
                        for (sums, sum) in each.iter_mut().zip(prefix) {
                            sums[l] = sum;
                        }
                    }
                    Start::Each(&each)
                };
                self.integrate_group(mlp, x, prefix, guidance.as_ref());
            }
        }
        #[cfg(not(feature = "std"))]
        for (k, x) in x.chunks_mut(data).enumerate() {
            self.integrate(mlp, x, condition(k), |_, _| {});
        }
    }

    /// Takes all steps of up to [`LANES`] rows side by side. `prefix` is the first layer's initial sums, and `guidance` a
    /// weight and the unconditional ones.
    #[cfg(feature = "std")]
    fn integrate_group(
        &self,
        mlp: &HeapMlp,
        x: &mut [i32],
        prefix: Start<'_>,
        guidance: Option<&(i32, Vec<i32>)>,
    ) {
        let (data, width) = (mlp.data_dim(), mlp.hidden_width());
        let mut lanes = vec![[0; LANES]; data];
        gather(&mut lanes, x);
        let pairs = |count: usize| vec![Pair::ZERO; count.div_ceil(2)];
        let (mut inputs, mut units, mut next) = (pairs(data + 1), pairs(width), pairs(width));
        let mut buffers = Buffers { inputs: &mut inputs, units: [&mut units, &mut next] };
        let network = mlp.network();
        let mut u = vec![[0; LANES]; data];
        self.steps_from(
            lanes.as_flattened_mut(),
            |_, _| {},
            |t, x, v| {
                let (x, v) = (x.as_chunks().0, v.as_chunks_mut().0);
                network.lane_velocity(mlp.activation, prefix, (t, x), v, &mut buffers);
                if let Some((weight, prefix)) = guidance {
                    let start = Start::Same(prefix);
                    network.lane_velocity(mlp.activation, start, (t, x), &mut u, &mut buffers);
                    guide(v.as_flattened_mut(), u.as_flattened(), *weight);
                }
            },
        );
        scatter(x, &lanes);
    }
}
