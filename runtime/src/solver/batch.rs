//! Many samples at once.

use super::{Method, Solver};
use crate::lanes::{LANES, all, gather, lane};
use crate::velocity::VelocityField;

impl<S: Method, const N: usize> Solver<S, N> {
    /// Many samples at once, in place: each `x` is noise before and a sample in data units after. `c` has
    /// the condition of each, or one for all of them.
    ///
    /// The bits are those of [`Self::sample`], one by one; an [`Mlp`](crate::Mlp) takes [`LANES`] of them
    /// side by side, several times as fast.
    ///
    /// ```
    /// use flowlet::{Euler, Mlp, Noise, Silu};
    ///
    /// static SWIRL: Mlp<2, 0, 32, 1, Silu> =
    ///     Mlp::from_safetensors(include_bytes!("../../examples/swirl.safetensors"));
    ///
    /// let noise = Noise::new(7);
    /// let mut particles: [[f32; 2]; 64] = core::array::from_fn(|i| noise.sample(i as u64));
    /// Euler::<8>::UNIFORM.sample_batch(&SWIRL, &mut particles, &[[]]);
    /// assert_eq!(particles[9], Euler::<8>::UNIFORM.sample(&SWIRL, noise.sample(9), []));
    /// ```
    ///
    /// # Panics
    ///
    /// When there are neither as many conditions as points nor one.
    pub fn sample_batch<const D: usize, const C: usize>(
        &self,
        field: &impl VelocityField<D, C>,
        x: &mut [[f32; D]],
        c: &[[f32; C]],
    ) {
        let same = match c {
            [c] => Some(all(*c)),
            _ => None,
        };
        assert!(
            same.is_some() || c.len() == x.len(),
            "sample_batch has a condition for each point, or one for all"
        );
        for (k, points) in x.chunks_mut(LANES).enumerate() {
            let each = c.get(k * LANES..).unwrap_or_default();
            let c = same.unwrap_or_else(|| {
                let mut c = [[0.0; LANES]; C];
                gather(&mut c, each.as_flattened());
                c
            });
            let mut lanes = [[0.0; LANES]; D];
            gather(&mut lanes, points.as_flattened());
            field.with_lanes(&c, &mut |velocity| {
                let mut memory = S::start();
                for i in 0..N {
                    lanes = self.advance(|t, x| velocity(t, &x), i, lanes, &mut memory);
                }
            });
            for (l, x) in points.iter_mut().enumerate() {
                *x = field.to_data_units(lane(&lanes, l));
            }
        }
    }
}
