//! Calls every entry point that the runtime's pages call free of panics. The panic handler calls a function that does
//! not exist, so the program links only if the optimiser found no way to panic in any of them.

#![cfg_attr(any(target_os = "none", target_arch = "wasm32"), no_std, no_main)]

#[cfg(target_os = "none")]
mod bare {
    use core::hint::black_box;

    use flowlet::{
        Activation, ActivationKind, AdamsBashforth2, Digest, Euler, FastGelu, FastGeluTanh,
        FastSelu, FastSilu, FastTanh, Gelu, GeluTanh, Guided, Heun, LoadError, Midpoint, Mlp,
        Noise, Relu, Rk4, SelfTest, Selu, Silu, Solver, SolverKind, Tanh, TensorName,
        VelocityField, elementary, method,
    };
    use image::machine::say;
    use image::models::{EIGHT_GAUSSIANS, MIXTURE};

    image::entry!(run);

    /// The runtime's own example.
    static SWIRL_FILE: &[u8] = include_bytes!("../../../../../runtime/examples/swirl.safetensors");

    fn run() -> bool {
        let mut digest = Digest::new();
        model(&mut digest);
        by::<method::Euler>(&mut digest);
        by::<method::Midpoint>(&mut digest);
        by::<method::Heun>(&mut digest);
        by::<method::Rk4>(&mut digest);
        by::<method::AdamsBashforth2>(&mut digest);
        files(&mut digest);
        functions(&mut digest);
        say("digest", digest.value());
        true
    }

    /// A model's own functions.
    fn model(digest: &mut Digest) {
        let (x, c) = (black_box([0.3, -0.2]), black_box([0.5; 8]));
        digest.update(&EIGHT_GAUSSIANS.velocity(black_box(0.4), x, c));
        digest.update(&EIGHT_GAUSSIANS.given(c).velocity(black_box(0.4), x, []));
        digest.update(&EIGHT_GAUSSIANS.to_flow_units(x));
        digest.update(&EIGHT_GAUSSIANS.to_data_units(x));
        digest.update(&EIGHT_GAUSSIANS.null_condition());
        digest.update_bytes(&EIGHT_GAUSSIANS.fingerprint().to_le_bytes());
        digest.update_bytes(&black_box(&MIXTURE).fingerprint().to_le_bytes());
        let unconditional = EIGHT_GAUSSIANS.null_condition();
        let guided = Guided { field: &EIGHT_GAUSSIANS, weight: black_box(1.5), unconditional };
        digest.update(&guided.velocity(black_box(0.4), x, c));
        digest.update(&Euler::<3>::UNIFORM.sample(&guided, x, c));
    }

    /// Everything that a solver does, by the method `S`.
    fn by<S: flowlet::Method>(digest: &mut Digest) {
        let solver = black_box(Solver::<S, 3>::UNIFORM);
        let (x, c) = (black_box([0.3, -0.2]), black_box([0.5; 8]));
        let field = &EIGHT_GAUSSIANS;
        digest.update(&solver.sample(field, x, c));
        digest.update(&solver.integrate(field, x, c));
        digest.update(solver.trajectory::<2, 8, 4>(field, x, c).as_flattened());
        let mut state = solver.start(x);
        state.i = black_box(state.i);
        while solver.step(field, &mut state, c) {}
        let mut path = solver.path(field, x, c);
        path.state.i = black_box(1);
        for (t, x) in solver.path_from(field, path.state, c) {
            digest.update(&[t]);
            digest.update(&x);
        }
        digest.update(&path.data());
        let mut states = [solver.start(x); 19];
        states[3].i = black_box(2);
        let conditions = [c; 19];
        let conditions = conditions.get(..black_box(19)).unwrap_or(&[]);
        let right = solver.try_step_batch(field, &mut states, conditions).is_ok();
        let mut points = [x; 19];
        let right = solver.try_sample_batch(field, &mut points, conditions).is_ok() && right;
        let right = solver.try_integrate_batch(field, &mut points, conditions).is_ok() && right;
        if let Err(error) = solver.try_integrate_batch(field, &mut points, black_box(&[])) {
            digest.update_bytes(error.message().as_str().as_bytes());
        }
        digest.update(points.as_flattened());
        digest.update(&states[18].x);
        digest.update_bytes(&[u8::from(right)]);
    }

    /// Whatever reads bytes at run time.
    fn files(digest: &mut Digest) {
        let file = black_box(SWIRL_FILE);
        let mut place = Mlp::<2, 0, 32, 1, Silu>::zero();
        outcome(digest, place.load(file));
        outcome(digest, Mlp::<2, 0, 32, 1, Silu>::try_from_safetensors(file).map(|_| ()));
        outcome(digest, Euler::<60>::try_from_safetensors(file).map(|_| ()));
        match SelfTest::<2, 0>::try_from_safetensors(file) {
            Ok(test) => digest.update_bytes(&[u8::from(test.run(&place).is_ok())]),
            Err(error) => outcome(digest, Err(error)),
        }
        if let Err(error) = Heun::<2>::try_from_times(black_box([0.0, 0.5, 0.5])) {
            digest.update_bytes(error.message().as_str().as_bytes());
        }
        let tensor = TensorName::Weight { layer: black_box(usize::MAX) };
        outcome(digest, Err(LoadError::MissingTensor { tensor }));
    }

    fn outcome(digest: &mut Digest, result: Result<(), LoadError>) {
        if let Err(error) = result {
            digest.update_bytes(error.message().as_str().as_bytes());
        }
    }

    /// Noise, activations and elementary functions.
    fn functions(digest: &mut Digest) {
        let noise = Noise::new(black_box(7));
        digest.update(&noise.sample::<5>(black_box(1)));
        for x in noise.samples::<3>(black_box(2)).take(2) {
            digest.update(&x);
        }
        let mut any = [0.0; 7];
        noise.fill(black_box(3), any.get_mut(..black_box(6)).unwrap_or(&mut []));
        activation::<Gelu>(digest, any);
        activation::<GeluTanh>(digest, any);
        activation::<Silu>(digest, any);
        activation::<Selu>(digest, any);
        activation::<Tanh>(digest, any);
        activation::<Relu>(digest, any);
        activation::<FastGelu>(digest, any);
        activation::<FastGeluTanh>(digest, any);
        activation::<FastSilu>(digest, any);
        activation::<FastSelu>(digest, any);
        activation::<FastTanh>(digest, any);
        if let Some(kind) = ActivationKind::from_name(black_box(b"silu")) {
            let mut numbers = any;
            kind.apply_slice(&mut numbers);
            digest.update(&numbers);
            digest.update(&[kind.apply(any[0])]);
            digest.update_bytes(kind.name().as_bytes());
        }
        if let Some(kind) = SolverKind::from_name(black_box(b"heun")) {
            digest.update_bytes(kind.name().as_bytes());
            digest.update_bytes(&[kind.order() as u8, kind.evaluations() as u8]);
        }
        let x = black_box(0.7);
        digest.update(&[elementary::exp(x), elementary::expm1(x), elementary::tanh(x)]);
        digest.update(&[elementary::normal_quantile(black_box(5))]);
        let _ = (Midpoint::<1>::UNIFORM, Rk4::<1>::UNIFORM, AdamsBashforth2::<1>::UNIFORM);
    }

    fn activation<A: Activation>(digest: &mut Digest, mut numbers: [f32; 7]) {
        digest.update(&[A::apply(numbers[0])]);
        A::apply_slice(&mut numbers);
        digest.update(&numbers);
    }

    image::refuse_panics!();
}

#[cfg(not(target_os = "none"))]
fn main() {}
