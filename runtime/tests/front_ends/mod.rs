//! Holds a model on the heap against the one whose sizes are known at compile time. The same checks for floats and whole
//! numbers.

use flowlet::{
    BatchError, Guided, HeapModel, HeapSolverOf, HeapState, Method, Scalar, ScratchOf, SolverKind,
    SolverOf, State, VelocityField,
};

/// A model with two data dimensions and one condition, of both kinds.
pub struct Case<'a, F, M, T> {
    pub field: &'a F,
    pub mlp: &'a M,
    /// Starting points, at least 41.
    pub x_0: Vec<[T; 2]>,
    /// A condition for each.
    pub c: Vec<[T; 1]>,
    /// A weight of guidance and the null condition.
    pub guidance: (T, [T; 1]),
}

impl<F: VelocityField<2, 1, T>, M: HeapModel<Number = T>, T: Scalar> Case<'_, F, M, T> {
    /// Holds all functions of a solver of both kinds against each other, with guidance and without it.
    pub fn check<S: Method>(
        &self,
        solver: &SolverOf<S, 5, T>,
        heap: &HeapSolverOf<T>,
        scratch: &mut ScratchOf<T, M::Buffers>,
    ) {
        assert_eq!((heap.kind(), heap.steps()), (S::KIND, 5));
        assert_eq!(heap.evaluations(), 5 * S::KIND.evaluations());
        self.check_field(self.field, solver, heap, scratch);
        let (weight, unconditional) = self.guidance;
        let heap = heap.clone().guided(weight, unconditional.to_vec());
        assert_eq!(heap.evaluations(), 10 * S::KIND.evaluations());
        self.check_field(
            &Guided { field: self.field, weight, unconditional },
            solver,
            &heap,
            scratch,
        );
    }

    fn check_field<S: Method>(
        &self,
        field: &impl VelocityField<2, 1, T>,
        solver: &SolverOf<S, 5, T>,
        heap: &HeapSolverOf<T>,
        scratch: &mut ScratchOf<T, M::Buffers>,
    ) {
        for (&x_0, &c) in self.x_0.iter().zip(&self.c).take(3) {
            self.check_path(field, solver, heap, (x_0, c), scratch);
        }
        for count in [0, 1, 2, 15, 16, 17, 41] {
            let (x_0, c) = (&self.x_0[..count], &self.c[..count]);
            for c in [c, &self.c[..1]] {
                self.check_batch(field, solver, heap, (x_0, c), scratch);
                self.check_steps(field, solver, heap, (x_0, c), scratch);
            }
        }
    }

    /// One path as a whole, step by step, and continued from a stored state.
    fn check_path<S: Method>(
        &self,
        field: &impl VelocityField<2, 1, T>,
        solver: &SolverOf<S, 5, T>,
        heap: &HeapSolverOf<T>,
        (x_0, c): ([T; 2], [T; 1]),
        scratch: &mut ScratchOf<T, M::Buffers>,
    ) {
        let mut path = solver.path(field, x_0, c);
        let expected: Vec<(T, [T; 2])> = path.by_ref().collect();
        let times: Vec<T> = heap.times().skip(1).collect();
        assert_eq!(times, expected.iter().map(|(t, _)| *t).collect::<Vec<_>>());

        let whole = heap.trajectory(self.mlp, &x_0, &c, scratch);
        assert_eq!(whole[..2], x_0);
        assert!(whole[2..].chunks_exact(2).eq(expected.iter().map(|(_, x)| &x[..])));

        let mut x = x_0;
        heap.integrate(self.mlp, &mut x, &c, scratch);
        assert_eq!(x, solver.integrate(field, x_0, c));
        let mut x = x_0;
        heap.sample(self.mlp, &mut x, &c, scratch);
        assert_eq!(x, solver.sample(field, x_0, c));

        let same = |(t, x): (T, Vec<T>), expected: &(T, [T; 2])| t == expected.0 && x == expected.1;
        let mut heap_path = heap.path(self.mlp, &x_0, &c, scratch);
        let mut stored = vec![heap_path.state.clone()];
        for (k, expected) in expected.iter().enumerate() {
            assert_eq!(heap_path.len(), 5 - k);
            assert!(same(heap_path.next().unwrap(), expected));
            stored.push(heap_path.state.clone());
        }
        assert_eq!(heap_path.next(), None);
        assert_eq!(heap_path.data(), path.data());

        for (k, state) in stored.iter().enumerate() {
            let rest = heap.path_from(self.mlp, state.clone(), &c, scratch);
            assert!(rest.zip(&expected[k..]).all(|(found, expected)| same(found, expected)));
            // A state without memory: a step of Euler's for Adams–Bashforth.
            let (forgotten, point) = (HeapState::at(k, &state.x), [state.x[0], state.x[1]]);
            let forgotten = heap.path_from(self.mlp, forgotten, &c, scratch);
            let expected: Vec<_> = solver.path_from(field, State::at(k, point), c).collect();
            assert_eq!(forgotten.len(), expected.len());
            assert!(forgotten.zip(&expected).all(|(found, expected)| same(found, expected)));
        }
    }

    fn check_batch<S: Method>(
        &self,
        field: &impl VelocityField<2, 1, T>,
        solver: &SolverOf<S, 5, T>,
        heap: &HeapSolverOf<T>,
        (x_0, c): (&[[T; 2]], &[[T; 1]]),
        scratch: &mut ScratchOf<T, M::Buffers>,
    ) {
        let flat = c.as_flattened();
        let (mut expected, mut found) = (x_0.to_vec(), x_0.to_vec());
        solver.sample_batch(field, &mut expected, c);
        heap.sample_batch(self.mlp, found.as_flattened_mut(), flat, scratch);
        assert_eq!(expected, found, "{} rows", x_0.len());

        let (mut expected, mut found) = (x_0.to_vec(), x_0.to_vec());
        solver.integrate_batch(field, &mut expected, c);
        heap.integrate_batch(self.mlp, found.as_flattened_mut(), flat, scratch);
        assert_eq!(expected, found, "{} rows", x_0.len());

        let expected = solver.trajectory_batch(field, x_0, c);
        let found = heap.trajectory_batch(self.mlp, x_0.as_flattened(), flat, scratch);
        assert_eq!(expected.as_flattened(), found, "{} rows", x_0.len());
    }

    /// Steps of paths that are at different steps, alone and together.
    fn check_steps<S: Method>(
        &self,
        field: &impl VelocityField<2, 1, T>,
        solver: &SolverOf<S, 5, T>,
        heap: &HeapSolverOf<T>,
        (x_0, c): (&[[T; 2]], &[[T; 1]]),
        scratch: &mut ScratchOf<T, M::Buffers>,
    ) {
        let mut expected: Vec<_> = x_0.iter().map(|&x| solver.start(x)).collect();
        let mut alone: Vec<_> = x_0.iter().map(|x| heap.start(x)).collect();
        for k in 0..x_0.len() {
            // Neighbours at the same step, at different steps, and after the last step.
            for _ in 0..[0, 0, 0, 1, 1, 3, 5][k * 7 / 41] {
                solver.step(field, &mut expected[k], c[k % c.len()]);
                heap.step(self.mlp, &mut alone[k], &c[k % c.len()], scratch);
            }
        }
        for (k, state) in expected.iter_mut().enumerate().filter(|(k, _)| k % 4 == 3) {
            *state = State::at(state.i, state.x);
            alone[k].memory = None;
        }
        let mut together = alone.clone();
        for _ in 0..3 {
            solver.step_batch(field, &mut expected, c);
            heap.step_batch(self.mlp, &mut together, c.as_flattened(), scratch);
            for (k, state) in alone.iter_mut().enumerate() {
                let moves = state.i < 5;
                assert_eq!(heap.step(self.mlp, state, &c[k % c.len()], scratch), moves);
            }
            assert_eq!(alone, together, "{}", S::KIND);
            for (expected, found) in expected.iter().zip(&together) {
                assert_eq!((expected.i, &expected.x[..]), (found.i, &found.x[..]), "{}", S::KIND);
                if S::KIND == SolverKind::AdamsBashforth2 {
                    let text = format!("{:?}", expected.memory);
                    assert_eq!(text, format!("{:?}", found.memory));
                }
            }
        }
    }

    /// Arguments of wrong sizes are errors and change nothing. `other` is the scratch of a model of other sizes.
    pub fn check_errors(
        &self,
        heap: &HeapSolverOf<T>,
        scratch: &mut ScratchOf<T, M::Buffers>,
        other: &mut ScratchOf<T, M::Buffers>,
    ) {
        let numbers = self.x_0.as_flattened();
        let check = |heap: &HeapSolverOf<T>, x: usize, c: usize, scratch: &mut _, error| {
            let (x, c) = (&numbers[..x], &numbers[..c]);
            let mut moved = x.to_vec();
            assert_eq!(heap.try_sample_batch(self.mlp, &mut moved, c, scratch), Err(error));
            assert_eq!(heap.try_integrate_batch(self.mlp, &mut moved, c, scratch), Err(error));
            assert_eq!(moved, x);
            if x.len() % 2 == 0 {
                let states: Vec<_> = x.chunks_exact(2).map(|x| heap.start(x)).collect();
                let mut moved = states.clone();
                assert_eq!(heap.try_step_batch(self.mlp, &mut moved, c, scratch), Err(error));
                assert_eq!(moved, states);
            }
        };
        check(heap, 5, 1, scratch, BatchError::Coordinates { found: 5, row: 2 });
        check(heap, 6, 2, scratch, BatchError::Conditions { expected: 3, found: 2 });
        check(heap, 6, 0, scratch, BatchError::Conditions { expected: 3, found: 0 });
        check(heap, 6, 3, other, BatchError::Scratch);
        for found in [0, 2, 3] {
            let guided = heap.clone().guided(self.guidance.0, numbers[..found].to_vec());
            check(&guided, 6, 3, scratch, BatchError::Unconditional { expected: 1, found });
        }
        let coordinates = Err(BatchError::Coordinates { found: 3, row: 2 });
        let mut long = [heap.start(&numbers[..3])];
        assert_eq!(heap.try_step_batch(self.mlp, &mut long, &numbers[..1], scratch), coordinates);
        let mut remembers = [heap.start(&numbers[..2])];
        remembers[0].memory = Some(numbers[..3].to_vec());
        assert_eq!(
            heap.try_step_batch(self.mlp, &mut remembers, &numbers[..1], scratch),
            coordinates
        );
    }
}
