//! Euler's method, and the path that it walks.

use core::iter::FusedIterator;

use crate::kernel;
use crate::velocity::VelocityField;

/// Euler's method over a fixed grid of `N` steps: `x ← x + (v(t_i, x) · dt_i)`, one evaluation of
/// the field a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Euler<const N: usize> {
    t: [f32; N],
    dt: [f32; N],
}

impl<const N: usize> Euler<N> {
    /// `N` steps of equal length from 0 to 1: `t_i = i ÷ N` in f32, `dt_i = t_{i+1} − t_i`, which
    /// is exact.
    pub const UNIFORM: Self = {
        assert!(N > 0, "a solver takes at least one step");
        // Past 2²⁴ not every step number is an f32.
        assert!(N <= 1 << 24, "a solver takes at most 2^24 steps");
        let mut euler = Self { t: [0.0; N], dt: [0.0; N] };
        let mut i = 0;
        while i < N {
            (euler.t[i], euler.dt[i]) = uniform(i, N);
            i += 1;
        }
        euler
    };

    /// The `i`-th step of a path: from `x` at the time `t_i` (flow units) to the next `x`. Past
    /// the last step `x` stays what it is.
    pub fn step<const D: usize, const C: usize>(
        &self,
        field: &impl VelocityField<D, C>,
        i: usize,
        mut x: [f32; D],
        c: [f32; C],
    ) -> [f32; D] {
        if let (Some(&t), Some(&dt)) = (self.t.get(i), self.dt.get(i)) {
            let v = field.velocity(t, x, c);
            for (x, &v) in x.iter_mut().zip(&v) {
                *x = kernel::euler(*x, v, dt);
            }
        }
        x
    }

    /// All steps at once: from `x_0` (noise) to a sample in data units.
    pub fn sample<const D: usize, const C: usize>(
        &self,
        field: &impl VelocityField<D, C>,
        x_0: [f32; D],
        c: [f32; C],
    ) -> [f32; D] {
        let mut x = x_0;
        for i in 0..N {
            x = self.step(field, i, x, c);
        }
        field.to_data_units(x)
    }

    /// Step by step: an iterator over the `N` points after `x_0`, each with its time.
    pub fn path<'a, const D: usize, const C: usize, M: VelocityField<D, C>>(
        &'a self,
        field: &'a M,
        x_0: [f32; D],
        c: [f32; C],
    ) -> Path<'a, M, D, C, N> {
        self.path_from(field, 0, x_0, c)
    }

    /// A path taken up at `x` after `i` of its steps, say from a snapshot.
    pub fn path_from<'a, const D: usize, const C: usize, M: VelocityField<D, C>>(
        &'a self,
        field: &'a M,
        i: usize,
        x: [f32; D],
        c: [f32; C],
    ) -> Path<'a, M, D, C, N> {
        Path { solver: self, field, c, i, x }
    }

    /// The whole path, `x_0` and the point after each step (flow units). `K` is `N + 1`; another
    /// number does not compile.
    ///
    /// ```
    /// # use flowlet::{Euler, VelocityField};
    /// # struct Still;
    /// # impl VelocityField<1, 0> for Still {
    /// #     fn velocity(&self, _: f32, _: [f32; 1], _: [f32; 0]) -> [f32; 1] { [1.0] }
    /// # }
    /// let xs = Euler::<4>::UNIFORM.trajectory::<1, 0, 5>(&Still, [0.0], []);
    /// assert_eq!(*xs, [[0.0], [0.25], [0.5], [0.75], [1.0]]);
    /// ```
    ///
    /// ```compile_fail
    /// # use flowlet::{Euler, VelocityField};
    /// # struct Still;
    /// # impl VelocityField<1, 0> for Still {
    /// #     fn velocity(&self, _: f32, _: [f32; 1], _: [f32; 0]) -> [f32; 1] { [1.0] }
    /// # }
    /// let xs = Euler::<4>::UNIFORM.trajectory::<1, 0, 4>(&Still, [0.0], []);
    /// ```
    pub fn trajectory<const D: usize, const C: usize, const K: usize>(
        &self,
        field: &impl VelocityField<D, C>,
        x_0: [f32; D],
        c: [f32; C],
    ) -> heapless::Vec<[f32; D], K> {
        const { assert!(K == N + 1, "a trajectory of N steps has N + 1 points") };
        core::iter::once(x_0).chain(self.path(field, x_0, c).map(|(_, x)| x)).collect()
    }
}

/// `(t_i, dt_i)` of the uniform grid of `n` steps.
pub(crate) const fn uniform(i: usize, n: usize) -> (f32, f32) {
    let t = i as f32 / n as f32;
    (t, (i + 1) as f32 / n as f32 - t)
}

/// A path in the making, from [`Euler::path`].
///
/// Its whole state is `(i, x)`: a game may copy it, store it, change `x` between two steps, and
/// go on with [`Euler::path_from`], with the same bits.
#[derive(Debug)]
pub struct Path<'a, M, const D: usize, const C: usize, const N: usize> {
    solver: &'a Euler<N>,
    field: &'a M,
    c: [f32; C],
    /// The steps taken.
    pub i: usize,
    /// Where the path is after them, in flow units.
    pub x: [f32; D],
}

impl<M, const D: usize, const C: usize, const N: usize> Clone for Path<'_, M, D, C, N> {
    fn clone(&self) -> Self {
        Self { ..*self }
    }
}

impl<M: VelocityField<D, C>, const D: usize, const C: usize, const N: usize> Path<'_, M, D, C, N> {
    /// Where the path is, in data units.
    pub fn data(&self) -> [f32; D] {
        self.field.to_data_units(self.x)
    }
}

impl<M: VelocityField<D, C>, const D: usize, const C: usize, const N: usize> Iterator
    for Path<'_, M, D, C, N>
{
    type Item = (f32, [f32; D]);

    /// Takes a step and gives the time and the point (flow units) after it.
    fn next(&mut self) -> Option<Self::Item> {
        let (&t, &dt) = (self.solver.t.get(self.i)?, self.solver.dt.get(self.i)?);
        self.x = self.solver.step(self.field, self.i, self.x, self.c);
        self.i += 1;
        Some((t + dt, self.x))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = N.saturating_sub(self.i);
        (left, Some(left))
    }
}

impl<M: VelocityField<D, C>, const D: usize, const C: usize, const N: usize> ExactSizeIterator
    for Path<'_, M, D, C, N>
{
}

impl<M: VelocityField<D, C>, const D: usize, const C: usize, const N: usize> FusedIterator
    for Path<'_, M, D, C, N>
{
}

#[cfg(test)]
mod tests {
    use super::*;

    /// dx/dt = c − x: from x_0, Euler's method is at c + (x_0 − c)·(1 − 1/N)ⁿ after n steps.
    struct Decay;

    impl VelocityField<2, 1> for Decay {
        fn velocity(&self, _: f32, x: [f32; 2], [c]: [f32; 1]) -> [f32; 2] {
            x.map(|x| c - x)
        }

        fn to_data_units(&self, x: [f32; 2]) -> [f32; 2] {
            x.map(|x| 10.0 * x)
        }
    }

    /// dx/dt = 2t, whatever x is.
    struct Ramp;

    impl VelocityField<1, 0> for Ramp {
        fn velocity(&self, t: f32, _: [f32; 1], _: [f32; 0]) -> [f32; 1] {
            [2.0 * t]
        }
    }

    #[test]
    fn a_known_field_is_followed() {
        let [x, y] = Euler::<20>::UNIFORM.sample(&Decay, [1.0, 3.0], [1.0]);
        assert_eq!(x, 10.0);
        let expected = 10.0 * (1.0 + 2.0 * 0.95_f32.powi(20));
        assert!((y - expected).abs() < 1e-4, "{y} {expected}");
    }

    #[test]
    fn each_step_sees_the_time_at_its_start() {
        // Σ 2·(i/N)·(1/N) = (N − 1)/N.
        let [x] = Euler::<8>::UNIFORM.sample(&Ramp, [0.0], []);
        assert_eq!(x, 7.0 / 8.0);
    }

    #[test]
    fn the_grid_is_that_of_the_contract() {
        let euler = Euler::<15>::UNIFORM;
        for i in 0..15 {
            assert_eq!(euler.t[i].to_bits(), (i as f32 / 15.0).to_bits());
            let next = (i + 1) as f32 / 15.0;
            // The difference is exact: adding it to t gives the next t.
            assert_eq!((euler.t[i] + euler.dt[i]).to_bits(), next.to_bits());
        }
    }

    #[test]
    fn a_path_taken_up_again_gives_the_same_bits() {
        let euler = Euler::<9>::UNIFORM;
        let whole: std::vec::Vec<_> = euler.path(&Decay, [0.3, -2.0], [0.7]).collect();
        assert_eq!(whole.len(), 9);
        for cut in 0..=9 {
            let mut path = euler.path(&Decay, [0.3, -2.0], [0.7]);
            path.by_ref().take(cut).for_each(drop);
            let cloned: std::vec::Vec<_> = path.clone().collect();
            let rebuilt: std::vec::Vec<_> =
                euler.path_from(&Decay, path.i, path.x, [0.7]).collect();
            assert_eq!(cloned, whole[cut..]);
            assert_eq!(rebuilt, whole[cut..]);
        }
    }

    #[test]
    fn a_point_may_be_moved_between_two_steps() {
        let euler = Euler::<4>::UNIFORM;
        let mut path = euler.path(&Decay, [0.0, 0.0], [1.0]);
        path.next();
        path.x = [1.0, 1.0];
        assert_eq!(path.last(), Some((1.0, [1.0, 1.0])));
    }

    #[test]
    fn steps_path_trajectory_and_sample_agree() {
        let euler = Euler::<6>::UNIFORM;
        let (x_0, c) = ([0.5, -1.5], [0.2]);
        let trajectory = euler.trajectory::<2, 1, 7>(&Decay, x_0, c);
        let mut x = x_0;
        for (i, (t, point)) in euler.path(&Decay, x_0, c).enumerate() {
            x = euler.step(&Decay, i, x, c);
            assert_eq!((t, point), ((i + 1) as f32 / 6.0, x));
            assert_eq!(trajectory[i + 1], x);
        }
        assert_eq!(trajectory[0], x_0);
        assert_eq!(euler.sample(&Decay, x_0, c), Decay.to_data_units(x));
        assert_eq!(euler.step(&Decay, 6, x, c), x, "past the last step");
    }

    #[test]
    fn a_nan_has_the_canonical_bits() {
        let x = Euler::<2>::UNIFORM.sample(&Ramp, [f32::from_bits(0xffc0_1234)], []);
        assert_eq!(x[0].to_bits(), 0x7fc0_0000);
    }
}
