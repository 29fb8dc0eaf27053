//! Batches have the bits of single paths, for every method and for both `Mlp` and `HeapMlp`. Batches of wrong
//! sizes are errors.

#[cfg(feature = "alloc")]
mod front_ends;
mod model_file;

use flowlet::{BatchError, Method, Mlp, Noise, Solver, State, method};
use model_file::{Tiny, file_of, tensors};

fn tiny() -> Tiny {
    Tiny::try_from_safetensors(&file_of(&tensors(), None)).unwrap()
}

/// 41 paths at different steps: two full groups of lanes and an incomplete one.
fn states<S: Method>(solver: &Solver<S, 5>) -> Vec<State<2, S::Memory<2, f32>>> {
    let mut states: Vec<_> = Noise::new(1).samples(0).take(41).map(|x| solver.start(x)).collect();
    let model = tiny();
    // Neighbours at the same step, at different steps, and after the last step.
    for (k, state) in states.iter_mut().enumerate() {
        for _ in 0..[0, 0, 0, 1, 1, 3, 5][k * 7 / 41] {
            solver.step(&model, state, [0.1]);
        }
    }
    states
}

fn conditions(count: usize) -> Vec<[f32; 1]> {
    Noise::new(2).samples(0).take(count).collect()
}

fn check_steps<S: Method>() {
    let (solver, model) = (Solver::<S, 5>::UNIFORM, tiny());
    for count in [0, 1, 2, 15, 16, 17, 41] {
        for c in [conditions(count), conditions(1)] {
            let mut together = states(&solver);
            together.truncate(count);
            let mut alone = together.clone();
            for _ in 0..3 {
                solver.step_batch(&model, &mut together, &c);
                for (k, state) in alone.iter_mut().enumerate() {
                    solver.step(&model, state, c[k % c.len()]);
                }
                assert_eq!(together, alone, "{}, {count} paths", S::KIND);
            }
        }
    }
}

#[test]
fn step_batch_has_the_bits_of_step() {
    check_steps::<method::Euler>();
    check_steps::<method::Midpoint>();
    check_steps::<method::Heun>();
    check_steps::<method::Rk4>();
    check_steps::<method::AdamsBashforth2>();
}

#[test]
fn paths_with_and_without_memory_step_together() {
    let (solver, model) = (Solver::<method::AdamsBashforth2, 5>::UNIFORM, tiny());
    let mut together = states(&solver);
    for state in &mut together {
        state.i = 2;
    }
    for k in [3, 4, 20, 40] {
        together[k].memory = None;
    }
    let mut alone = together.clone();
    solver.step_batch(&model, &mut together, &[[0.3]]);
    alone.iter_mut().for_each(|state| _ = solver.step(&model, state, [0.3]));
    assert_eq!(together, alone);
}

#[test]
fn integrate_batch_has_the_bits_of_integrate() {
    let (solver, model) = (Solver::<method::Heun, 5>::UNIFORM, tiny());
    let x_0: Vec<[f32; 2]> = Noise::new(1).samples(0).take(21).collect();
    let c = conditions(21);
    let mut together = x_0.clone();
    solver.integrate_batch(&model, &mut together, &c);
    let alone: Vec<_> = x_0.iter().zip(&c).map(|(x, c)| solver.integrate(&model, *x, *c)).collect();
    assert_eq!(together, alone);
}

#[test]
fn a_wrong_number_of_conditions_is_an_error_and_changes_nothing() {
    let (solver, model) = (Solver::<method::Euler, 5>::UNIFORM, tiny());
    let error = BatchError::Conditions { expected: 3, found: 2 };
    let expected = Err(error);
    let mut x = [[0.1, 0.2]; 3];
    assert_eq!(solver.try_sample_batch(&model, &mut x, &[[0.0]; 2]), expected);
    assert_eq!(solver.try_integrate_batch(&model, &mut x, &[[0.0]; 2]), expected);
    assert_eq!(x, [[0.1, 0.2]; 3]);
    let mut states = x.map(|x| solver.start(x));
    assert_eq!(solver.try_step_batch(&model, &mut states, &[[0.0]; 2]), expected);
    assert_eq!(states, x.map(|x| solver.start(x)));
    assert_eq!(
        error.to_string(),
        "a batch needs one condition, or one for each point: expected 1 or 3 conditions, found 2"
    );
}

#[test]
#[should_panic(expected = "expected 1 or 3 conditions, found 0")]
fn sample_batch_panics_on_a_wrong_number_of_conditions() {
    Solver::<method::Euler, 5>::UNIFORM.sample_batch(&tiny(), &mut [[0.0; 2]; 3], &[]);
}

#[test]
fn a_clone_of_a_model_has_the_same_fingerprint() {
    let model = tiny();
    assert_eq!(model.clone().fingerprint(), model.fingerprint());
    let given = model.given([0.2]);
    assert_eq!(format!("{:?}", given.clone()), "Given(Mlp<2, 1, 3, 1, gelu>)");
    let _: Mlp<2, 1, 3, 1> = model;
}

#[cfg(feature = "alloc")]
mod heap {
    use super::*;
    use crate::front_ends::Case;
    use flowlet::{GridError, HeapMlp, HeapSolver, LoadError, SolverKind};

    fn heap() -> HeapMlp {
        HeapMlp::try_from_safetensors(&file_of(&tensors(), None)).unwrap()
    }

    fn uniform(kind: SolverKind) -> HeapSolver {
        HeapSolver::uniform(kind, 5.try_into().unwrap())
    }

    fn case<'a>(field: &'a Tiny, mlp: &'a HeapMlp) -> Case<'a, Tiny, HeapMlp, f32> {
        let x_0 = Noise::new(1).samples(0).take(41).collect();
        Case { field, mlp, x_0, c: conditions(41), guidance: (1.7, [0.2]) }
    }

    fn check<S: Method>() {
        let (field, mlp) = (tiny(), heap());
        let (case, scratch) = (case(&field, &mlp), &mut mlp.scratch());
        case.check(&Solver::<S, 5>::UNIFORM, &uniform(S::KIND), scratch);
        let times = [0.0, 0.05, 0.3, 0.5, 0.9, 1.0];
        let solver = HeapSolver::from_times(S::KIND, &times);
        case.check(&Solver::<S, 5>::from_times(times), &solver, scratch);
    }

    #[test]
    fn all_functions_of_a_solver_have_the_bits_of_the_const_one() {
        check::<method::Euler>();
        check::<method::Midpoint>();
        check::<method::Heun>();
        check::<method::Rk4>();
        check::<method::AdamsBashforth2>();
    }

    #[test]
    fn batches_of_wrong_sizes_are_errors() {
        let (field, mlp) = (tiny(), heap());
        let mut other = of_another_width().scratch();
        let solver = uniform(SolverKind::Euler);
        case(&field, &mlp).check_errors(&solver, &mut mlp.scratch(), &mut other);
    }

    fn of_another_width() -> HeapMlp {
        let swirl = include_bytes!("../examples/swirl.safetensors");
        HeapMlp::try_from_safetensors(swirl).unwrap()
    }

    #[test]
    #[should_panic(expected = "the scratch must be made for a model of these sizes")]
    fn velocity_panics_on_the_scratch_of_another_model() {
        let mut scratch = of_another_width().scratch();
        heap().velocity(0.5, &[0.0; 2], &[0.0], &mut scratch);
    }

    #[test]
    fn invalid_times_are_errors() {
        let error =
            |times: &[f32]| HeapSolver::try_from_times(SolverKind::Heun, times).unwrap_err();
        assert_eq!(error(&[0.0]), GridError::Count { found: 1 });
        assert_eq!(error(&[0.0, 0.5, 0.5]), GridError::NotIncreasing { index: 2 });
        let steps = ((1 << 24) + 1).try_into().unwrap();
        let error = HeapSolver::try_uniform(SolverKind::Heun, steps).unwrap_err();
        assert_eq!(error, GridError::Count { found: (1 << 24) + 2 });
    }

    #[test]
    fn a_file_gives_its_models_solver() {
        let swirl = include_bytes!("../examples/swirl.safetensors");
        let found = HeapSolver::try_from_safetensors(swirl).unwrap();
        assert_eq!(found, HeapSolver::uniform(SolverKind::Euler, 60.try_into().unwrap()));
        let error = HeapSolver::try_from_safetensors(&file_of(&tensors(), None)).unwrap_err();
        assert_eq!(error, LoadError::MissingTensor { tensor: flowlet::TensorName::Grid });
    }
}
