//! Tests of solvers on fields with known solutions.

use std::vec::Vec;

use super::{Solver, State};
use crate::method::{self, Method, SolverKind};
use crate::{AdamsBashforth2, Euler, Guided, Heun, VelocityField};

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

/// dx/dt = 2t.
struct Ramp;

impl VelocityField<1, 0> for Ramp {
    fn velocity(&self, t: f32, _: [f32; 1], _: [f32; 0]) -> [f32; 1] {
        [2.0 * t]
    }
}

#[test]
fn euler_gives_the_known_solution() {
    let [x, y] = Euler::<20>::UNIFORM.sample(&Decay, [1.0, 3.0], [1.0]);
    assert_eq!(x, 10.0);
    let expected = 10.0 * (1.0 + 2.0 * 0.95_f32.powi(20));
    assert!((y - expected).abs() < 1e-4, "{y} {expected}");
}

#[test]
fn each_step_evaluates_at_its_start_time() {
    // Σ 2·(i/N)·(1/N) = (N − 1)/N.
    let [x] = Euler::<8>::UNIFORM.sample(&Ramp, [0.0], []);
    assert_eq!(x, 7.0 / 8.0);
}

#[test]
fn a_continued_path_has_the_same_bits() {
    let euler = Euler::<9>::UNIFORM;
    let whole: Vec<_> = euler.path(&Decay, [0.3, -2.0], [0.7]).collect();
    assert_eq!(whole.len(), 9);
    for cut in 0..=9 {
        let mut path = euler.path(&Decay, [0.3, -2.0], [0.7]);
        path.by_ref().take(cut).for_each(drop);
        let cloned: Vec<_> = path.clone().collect();
        let rebuilt: Vec<_> = euler.path_from(&Decay, path.state, [0.7]).collect();
        assert_eq!(cloned, whole[cut..]);
        assert_eq!(rebuilt, whole[cut..]);
    }
}

#[test]
fn a_point_may_be_moved_between_two_steps() {
    let euler = Euler::<4>::UNIFORM;
    let mut path = euler.path(&Decay, [0.0, 0.0], [1.0]);
    path.next();
    path.state.x = [1.0, 1.0];
    assert_eq!(path.last(), Some((1.0, [1.0, 1.0])));
}

#[test]
fn steps_path_trajectory_and_sample_agree() {
    let euler = Euler::<6>::UNIFORM;
    let (x_0, c) = ([0.5, -1.5], [0.2]);
    let trajectory = euler.trajectory::<2, 1, 7>(&Decay, x_0, c);
    let mut state = euler.start(x_0);
    for (i, (t, point)) in euler.path(&Decay, x_0, c).enumerate() {
        assert!(euler.step(&Decay, &mut state, c));
        assert_eq!((t, point), ((i + 1) as f32 / 6.0, state.x));
        assert_eq!(trajectory[i + 1], state.x);
    }
    assert_eq!(trajectory[0], x_0);
    assert_eq!(euler.integrate(&Decay, x_0, c), state.x);
    assert_eq!(euler.sample(&Decay, x_0, c), Decay.to_data_units(state.x));
    let end = state;
    assert!(!euler.step(&Decay, &mut state, c), "past the last step");
    assert_eq!(state, end);
}

#[test]
fn a_nan_has_the_canonical_bits() {
    let x = Euler::<2>::UNIFORM.sample(&Ramp, [f32::from_bits(0xffc0_1234)], []);
    assert_eq!(x[0].to_bits(), 0x7fc0_0000);
}

/// dx/dt = 4·(c − x).
struct FastDecay;

impl VelocityField<2, 1> for FastDecay {
    fn velocity(&self, _: f32, x: [f32; 2], [c]: [f32; 1]) -> [f32; 2] {
        x.map(|x| 4.0 * (c - x))
    }
}

/// dx/dt = 4·(−y, x): a rotation by 4 radians.
struct Turn;

impl VelocityField<2, 0> for Turn {
    fn velocity(&self, _: f32, [x, y]: [f32; 2], _: [f32; 0]) -> [f32; 2] {
        [-4.0 * y, 4.0 * x]
    }
}

/// dx/dt = x·(3t² + 1). The solution from 1 is e^(t³ + t).
struct Swell;

impl VelocityField<1, 0> for Swell {
    fn velocity(&self, t: f32, [x]: [f32; 1], _: [f32; 0]) -> [f32; 1] {
        [x * (3.0 * t * t + 1.0)]
    }
}

/// A solver whose steps get longer, from the first to the last by about a factor of 8.
fn stretched<S: Method, const N: usize, const K: usize>() -> Solver<S, N> {
    let mut times: [f32; K] = core::array::from_fn(|i| {
        let s = i as f32 / N as f32;
        (2.0_f32.powf(3.0 * s) - 1.0) / 7.0
    });
    times[N] = 1.0;
    Solver::from_times(times)
}

/// The error of the last point on each of the three fields.
fn errors<S: Method, const N: usize>(solver: &Solver<S, N>) -> [f64; 3] {
    let distance =
        |[x, y]: [f32; 2], to: [f64; 2]| (f64::from(x) - to[0]).hypot(f64::from(y) - to[1]);
    let decay = solver.path(&FastDecay, [3.0, -1.0], [1.0]).last().unwrap().1;
    let e = (-4.0_f64).exp();
    let turn = solver.path(&Turn, [1.0, 0.0], []).last().unwrap().1;
    let [swell] = solver.path(&Swell, [1.0], []).last().unwrap().1;
    [
        distance(decay, [1.0 + 2.0 * e, 1.0 - 2.0 * e]),
        distance(turn, [4.0_f64.cos(), 4.0_f64.sin()]),
        (f64::from(swell) - 2.0_f64.exp()).abs(),
    ]
}

/// The smallest and the largest observed order over all fields. `errors` are those of a number of steps and
/// of twice that number. The steps are few enough that rounding errors do not matter.
fn orders(errors: [[f64; 3]; 2]) -> (f64, f64) {
    let slopes = [0, 1, 2].map(|field| (errors[0][field] / errors[1][field]).log2());
    (slopes.into_iter().fold(f64::MAX, f64::min), slopes.into_iter().fold(f64::MIN, f64::max))
}

fn check_order<S: Method>() {
    let order = S::KIND.order() as f64;
    let uniform = if S::KIND == SolverKind::Rk4 {
        [errors(&Solver::<S, 8>::UNIFORM), errors(&Solver::<S, 16>::UNIFORM)]
    } else {
        [errors(&Solver::<S, 64>::UNIFORM), errors(&Solver::<S, 128>::UNIFORM)]
    };
    let grid = if S::KIND == SolverKind::Rk4 {
        [errors(&stretched::<S, 12, 13>()), errors(&stretched::<S, 24, 25>())]
    } else {
        [errors(&stretched::<S, 64, 65>()), errors(&stretched::<S, 128, 129>())]
    };
    for (grid, (least, most)) in [("uniform", orders(uniform)), ("stretched", orders(grid))] {
        std::println!("{} {grid}: {least:.2} to {most:.2}", S::KIND);
        assert!(least > order - 0.5 && most < order + 0.5, "{} {grid} {least} {most}", S::KIND);
    }
}

#[test]
fn each_method_converges_with_its_order() {
    check_order::<method::Euler>();
    check_order::<method::Midpoint>();
    check_order::<method::Heun>();
    check_order::<method::Rk4>();
    check_order::<method::AdamsBashforth2>();
}

#[test]
fn each_method_takes_its_number_of_evaluations() {
    use core::cell::Cell;
    struct Counted(Cell<usize>);
    impl VelocityField<1, 0> for Counted {
        fn velocity(&self, _: f32, x: [f32; 1], _: [f32; 0]) -> [f32; 1] {
            self.0.set(self.0.get() + 1);
            x
        }
    }
    fn check<S: Method>() {
        let field = Counted(Cell::new(0));
        Solver::<S, 6>::UNIFORM.sample(&field, [1.0], []);
        assert_eq!(field.0.get(), 6 * S::KIND.evaluations(), "{}", S::KIND);
    }
    check::<method::Euler>();
    check::<method::Midpoint>();
    check::<method::Heun>();
    check::<method::Rk4>();
    check::<method::AdamsBashforth2>();
}

/// Compares bits on so many numbers that another order of operations would be noticed.
#[test]
fn each_method_performs_its_documented_operations() {
    struct Field;
    impl VelocityField<1, 0> for Field {
        fn velocity(&self, t: f32, [x]: [f32; 1], _: [f32; 0]) -> [f32; 1] {
            [v(t, x)]
        }
    }
    fn v(t: f32, x: f32) -> f32 {
        0.3 - x * (t + 0.7)
    }
    /// Both points of a path of two steps.
    fn check<S: Method>(times: [f32; 3], x_0: f32, mut step: impl FnMut(f32, f32, f32) -> f32) {
        let solver = Solver::<S, 2>::from_times(times);
        let found = solver.trajectory::<1, 0, 3>(&Field, [x_0], []);
        let x_1 = step(times[0], times[1] - times[0], x_0);
        let x_2 = step(times[1], times[2] - times[1], x_1);
        assert_eq!(found, [[x_0], [x_1], [x_2]], "{}", S::KIND);
    }
    for k in 0..64 {
        let k = k as f32;
        let (times, x_0) = ([0.1, 0.37 + 0.003 * k, 0.9 - 0.002 * k], 1.3 - 0.07 * k);
        check::<method::Euler>(times, x_0, |t, dt, x| x + v(t, x) * dt);
        check::<method::Midpoint>(times, x_0, |t, dt, x| {
            let h = dt * 0.5;
            x + v(t + h, x + v(t, x) * h) * dt
        });
        check::<method::Heun>(times, x_0, |t, dt, x| {
            let v_1 = v(t, x);
            let v_2 = v(t + dt, x + v_1 * dt);
            x + (v_1 + v_2) * (dt * 0.5)
        });
        check::<method::Rk4>(times, x_0, |t, dt, x| {
            let h = dt * 0.5;
            let v_1 = v(t, x);
            let v_2 = v(t + h, x + v_1 * h);
            let v_3 = v(t + h, x + v_2 * h);
            let v_4 = v(t + dt, x + v_3 * dt);
            x + (((v_1 + (2.0 * v_2)) + (2.0 * v_3)) + v_4) * (dt / 6.0)
        });
        let mut before = None;
        check::<method::AdamsBashforth2>(times, x_0, |t, dt, x| {
            let v = v(t, x);
            match before.replace((v, dt)) {
                None => x + v * dt,
                Some((v_0, dt_0)) => x + (v + (v - v_0) * ((dt * 0.5) / dt_0)) * dt,
            }
        });
    }
}

#[test]
fn a_continued_adams_bashforth_path_has_the_same_bits() {
    let solver =
        AdamsBashforth2::<9>::from_times([0.0, 0.1, 0.15, 0.3, 0.45, 0.5, 0.7, 0.8, 0.95, 1.0]);
    let whole: Vec<_> = solver.path(&Decay, [0.3, -2.0], [0.7]).collect();
    for cut in 0..=9 {
        let mut path = solver.path(&Decay, [0.3, -2.0], [0.7]);
        path.by_ref().take(cut).for_each(drop);
        let cloned: Vec<_> = path.clone().collect();
        let rebuilt: Vec<_> = solver.path_from(&Decay, path.state, [0.7]).collect();
        assert_eq!(cloned, whole[cut..]);
        assert_eq!(rebuilt, whole[cut..]);
        let mut state = path.state;
        for point in &whole[cut..] {
            assert!(solver.step(&Decay, &mut state, [0.7]));
            assert_eq!(state.x, point.1);
        }
        if (1..9).contains(&cut) {
            let without_memory = State::at(path.state.i, path.state.x);
            let without_memory = solver.path_from(&Decay, without_memory, [0.7]).next();
            assert_ne!(without_memory, Some(whole[cut]));
        }
    }
    let end = State { i: 9, x: whole[8].1, memory: Some([1.0, 2.0]) };
    let mut state = end;
    assert!(!solver.step(&Decay, &mut state, [0.7]), "past the last step");
    assert_eq!(state, end);
}

#[test]
fn the_nan_of_each_method_has_the_canonical_bits() {
    fn check<S: Method>() {
        let nan = f32::from_bits(0xffc0_1234);
        let x = Solver::<S, 3>::UNIFORM.trajectory::<2, 1, 4>(&Decay, [nan, 0.0], [1.0]);
        assert!(x[1..].iter().all(|x| x[0].to_bits() == 0x7fc0_0000 && x[1].is_finite()));
    }
    check::<method::Euler>();
    check::<method::Midpoint>();
    check::<method::Heun>();
    check::<method::Rk4>();
    check::<method::AdamsBashforth2>();
}

#[test]
fn guidance_extrapolates_from_the_unconditional_velocity() {
    let guided = |weight| Guided { field: &Decay, weight, unconditional: [0.5] };
    let (x, c) = ([0.3, -0.7], [2.0]);
    assert_eq!(guided(0.0).velocity(0.0, x, c), Decay.velocity(0.0, x, [0.5]));
    let expected = x.map(|x| {
        let (u, v) = (0.5 - x, 2.0 - x);
        u + (v - u) * 1.7_f32
    });
    assert_eq!(guided(1.7).velocity(0.0, x, c), expected);
    assert_eq!(guided(1.7).to_data_units(x), Decay.to_data_units(x));
    // The guided field is c' − x with c' = 0.5 + (2 − 0.5)·2 = 3.5.
    let [x, _] = Heun::<32>::UNIFORM.sample(&guided(2.0), [3.5, 0.0], c);
    assert_eq!(x, 35.0);
}
