//! The integer contract in 64- and 128-bit integers, written as plainly as possible. Golden outputs come from it. It
//! shares no code with the runtime.

use flowlet::SolverKind;

use super::activation::{UNIT_BITS, activation};
use super::integer::IntegerModel;

/// The fraction bits of points and velocities.
pub const STATE_BITS: i32 = 20;

/// The fraction bits of times.
pub const TIME_BITS: i32 = 30;

/// The fraction bits of a guidance weight.
pub const WEIGHT_BITS: i32 = 16;

/// The velocity field of an integer model under one condition.
#[derive(Clone, Debug)]
pub struct Reference<'a> {
    model: &'a IntegerModel,
    /// The condition as it enters the first layer, `[C]`.
    c: Vec<i64>,
    /// Guidance: its weight, and the condition that stands for none as it enters the first layer.
    guidance: Option<(i32, Vec<i64>)>,
}

impl<'a> Reference<'a> {
    /// The field under the condition `c`, `[C]` in the user's units.
    pub fn new(model: &'a IntegerModel, c: &[i32]) -> Self {
        Self { model, c: condition_input(model, c), guidance: None }
    }

    /// The same field under classifier-free guidance: away from that under the condition `null`, `[C]` in the user's
    /// units.
    pub fn guided(mut self, weight: i32, null: &[i32]) -> Self {
        self.guidance = Some((weight, condition_input(self.model, null)));
        self
    }

    /// Returns the velocity `[D]` at `t` and `x` (`[D]`).
    pub fn velocity(&self, t: i32, x: &[i32]) -> Vec<i32> {
        let conditional = self.network(t, x, &self.c);
        let Some((weight, null)) = &self.guidance else { return conditional };
        let free = self.network(t, x, null);
        let guided = conditional.iter().zip(free).map(|(&v, u)| {
            let change = i64::from(saturated(i128::from(v) - i128::from(u)));
            let more = (change * i64::from(*weight) + (1 << 15)) >> WEIGHT_BITS;
            saturated(i128::from(u) + i128::from(more))
        });
        guided.collect()
    }

    fn network(&self, t: i32, x: &[i32], c: &[i64]) -> Vec<i32> {
        let model = self.model;
        let t = saturated_16((i64::from(t) + (1 << 15)) >> 16);
        let x_shift = STATE_BITS - i32::from(model.point_bits);
        let x = x.iter().map(|&x| saturated_16(rounded(x.into(), x_shift)));
        let mut inputs: Vec<i64> = std::iter::once(t).chain(x).chain(c.iter().copied()).collect();
        for (k, layer) in model.layers.iter().enumerate() {
            let rows = layer.weight.chunks_exact(inputs.len()).zip(&layer.bias).zip(&layer.shift);
            let sums = rows.map(|((row, &bias), &shift)| {
                let products = row.iter().zip(&inputs).map(|(&weight, y)| i64::from(weight) * y);
                let sum = i64::from(bias) + products.sum::<i64>();
                assert!(i32::try_from(sum).is_ok(), "layer {k}: the sum {sum} overflows 32 bits");
                (sum, i32::from(shift))
            });
            let Some(&bits) = model.unit_bits.get(k) else {
                let shifted = |(sum, shift): (i64, i32)| {
                    let sum = i128::from(sum);
                    saturated(if shift >= 0 { sum >> shift } else { sum << -shift })
                };
                return sums.map(shifted).collect();
            };
            let unit = |(sum, shift): (i64, i32)| {
                let value = activation(model.shape.activation, sum >> shift);
                saturated_16(rounded(value, UNIT_BITS - i32::from(bits)))
            };
            inputs = sums.map(unit).collect();
        }
        unreachable!("the last layer has no units")
    }

    /// Returns the path from `x_0` (`[D]`) over the grid `times` (`[N + 1]`): `[N + 1][D]`.
    pub fn path(&self, kind: SolverKind, times: &[i32], x_0: &[i32]) -> Vec<i32> {
        let (mut x, mut path) = (x_0.to_vec(), x_0.to_vec());
        let mut before: Option<(Vec<i32>, i32)> = None;
        for pair in times.windows(2) {
            let (t, dt) = (pair[0], pair[1] - pair[0]);
            let half = (dt + 1) >> 1;
            let (middle, end) = (t.saturating_add(half), t.saturating_add(dt));
            let a = self.velocity(t, &x);
            x = match (kind, before) {
                (SolverKind::Euler, _) | (SolverKind::AdamsBashforth2, None) => {
                    moved(&x, &[(&a, 1)], dt)
                }
                (SolverKind::AdamsBashforth2, Some((v, dt_before))) => {
                    extrapolated(&x, [&a, &v], [dt, dt_before])
                }
                (SolverKind::Midpoint, _) => {
                    let b = self.velocity(middle, &moved(&x, &[(&a, 1)], half));
                    moved(&x, &[(&b, 1)], dt)
                }
                (SolverKind::Heun, _) => {
                    let b = self.velocity(end, &moved(&x, &[(&a, 1)], dt));
                    moved(&x, &[(&a, 1), (&b, 1)], half)
                }
                (SolverKind::Rk4, _) => {
                    let b = self.velocity(middle, &moved(&x, &[(&a, 1)], half));
                    let c = self.velocity(middle, &moved(&x, &[(&b, 1)], half));
                    let d = self.velocity(end, &moved(&x, &[(&c, 1)], dt));
                    moved(&x, &[(&a, 1), (&b, 2), (&c, 2), (&d, 1)], (dt + 3) / 6)
                }
                (kind, _) => unreachable!("the trainer does not know the method {kind}"),
            };
            path.extend(&x);
            before = Some((a, dt));
        }
        path
    }
}

/// `x + Σ factor · v · time`, rounded once.
fn moved(x: &[i32], by: &[(&Vec<i32>, i128)], time: i32) -> Vec<i32> {
    let coordinate = |(k, &x): (usize, &i32)| {
        let change: i128 = by.iter().map(|(v, factor)| factor * i128::from(v[k])).sum();
        advanced(x, change * i128::from(time))
    };
    x.iter().enumerate().map(coordinate).collect()
}

/// The step of Adams–Bashforth from `x` with the velocities now and before.
fn extrapolated(x: &[i32], [v, before]: [&[i32]; 2], [dt, dt_before]: [i32; 2]) -> Vec<i32> {
    let (dt, dt_before) = (i128::from(dt), i128::from(dt_before));
    let lean = ((dt * dt + dt_before) / (2 * dt_before)).min(1 << TIME_BITS);
    let coordinate = |((&x, &v), &before): ((&i32, &i32), &i32)| {
        let (v, before) = (i128::from(v), i128::from(before));
        advanced(x, v * dt + (v - before) * lean)
    };
    x.iter().zip(v).zip(before).map(coordinate).collect()
}

/// `x + change ÷ 2³⁰`, rounded once, half up.
fn advanced(x: i32, change: i128) -> i32 {
    saturated(((i128::from(x) << TIME_BITS) + change + (1 << 29)) >> TIME_BITS)
}

/// Returns conditions as they enter the first layer, `[C]`.
fn condition_input(model: &IntegerModel, c: &[i32]) -> Vec<i64> {
    let units = &model.condition_units;
    let columns = units.mean.iter().zip(&units.scale).zip(&units.shift).zip(c);
    let input = |(((&mean, &scale), &shift), &c): (((&i32, &i32), &i8), &i32)| {
        let centred = i64::from(saturated(i128::from(c) - i128::from(mean)));
        saturated_16(rounded(centred * i64::from(scale), shift.into()))
    };
    columns.map(input).collect()
}

/// Converts a point from flow units to data units, `[D]`.
pub fn to_data(model: &IntegerModel, x: &[i32]) -> Vec<i32> {
    let units = &model.data_units;
    let columns = units.mean.iter().zip(&units.scale).zip(&units.shift).zip(x);
    let datum = |(((&mean, &scale), &shift), &x): (((&i32, &i32), &i8), &i32)| {
        let scaled = rounded(i64::from(x) * i64::from(scale), shift.into());
        saturated(i128::from(scaled) + i128::from(mean))
    };
    columns.map(datum).collect()
}

/// Converts a point from data units to flow units, `[D]`.
pub fn to_flow(model: &IntegerModel, data: &[i32]) -> Vec<i32> {
    let units = &model.data_units;
    let columns = units.mean.iter().zip(&units.inverse).zip(&units.inverse_shift).zip(data);
    let point = |(((&mean, &inverse), &shift), &d): (((&i32, &i32), &i8), &i32)| {
        let centred = i64::from(saturated(i128::from(d) - i128::from(mean)));
        saturated(i128::from(rounded(centred * i64::from(inverse), shift.into())))
    };
    columns.map(point).collect()
}

/// Returns the uniform grid of `steps` steps, `[N + 1]`.
pub fn uniform(steps: usize) -> Vec<i32> {
    let n = steps as i64;
    (0..=n).map(|i| (((i << TIME_BITS) + n / 2) / n) as i32).collect()
}

/// `value ÷ 2^shift`, rounded half up. The sum of a product of 32-bit numbers and a half fits 64 bits.
fn rounded(value: i64, shift: i32) -> i64 {
    if shift == 0 { value } else { (value + (1 << (shift - 1))) >> shift }
}

fn saturated(value: i128) -> i32 {
    value.clamp(i32::MIN.into(), i32::MAX.into()) as i32
}

fn saturated_16(value: i64) -> i64 {
    value.clamp(i16::MIN.into(), i16::MAX.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_round_once_half_up_and_saturate() {
        let half = 1 << 29;
        let euler = |v: i32| moved(&[0], &[(&vec![v], 1)], half)[0];
        assert_eq!([1, -1, 3, -3].map(euler), [1, 0, 2, -1]);
        assert_eq!(moved(&[i32::MAX], &[(&vec![i32::MAX], 2)], 1 << 30), [i32::MAX]);
        let twice = extrapolated(&[0], [&[10], &[4]], [1 << 30, 1 << 30]);
        assert_eq!(twice, [13]);
    }

    #[test]
    fn the_uniform_grid_is_rounded_half_up() {
        assert_eq!(uniform(3), [0, 357_913_941, 715_827_883, 1 << 30]);
    }
}
