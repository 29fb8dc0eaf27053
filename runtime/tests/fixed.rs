//! Models in whole numbers, held against an evaluation in 64 bits that is written without the crate.

#[cfg(feature = "alloc")]
mod front_ends;

use flowlet::fixed::{self, I4, MlpOf, ONE, Weight};
use flowlet::{
    Activation, ActivationKind, Elu, Gelu, GeluTanh, LoadError, Mish, Relu, Selu, Silu, Tanh,
    TensorName, VelocityField,
};

/// A pseudo-random generator.
struct Draw(u64);

impl Draw {
    fn next(&mut self, bound: i64) -> i64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as i64) % (2 * bound + 1) - bound
    }
}

/// An integer model as its tensors.
#[derive(Clone)]
struct Model {
    dims: [usize; 4],
    activation: ActivationKind,
    /// The bits of the weights between hidden layers.
    bits: usize,
    /// `[layers][outputs][inputs]`.
    weights: Vec<Vec<Vec<i64>>>,
    biases: Vec<Vec<i64>>,
    shifts: Vec<Vec<i64>>,
    unit_bits: Vec<i64>,
    input_bits: [i64; 2],
    /// Mean, scale, shift of each condition.
    conditions: Vec<[i64; 3]>,
    /// Mean, scale, shift, inverse and its shift of each data dimension.
    data: Vec<[i64; 5]>,
}

impl Model {
    /// A random model. With `extreme`, its weights are as large as a file may have them.
    fn random(dims: [usize; 4], bits: usize, activation: ActivationKind, extreme: bool) -> Self {
        let [d, c, h, l] = dims;
        let mut draw = Draw(bits as u64 + h as u64);
        let layers = l + 2;
        let (mut weights, mut biases, mut shifts) = (vec![], vec![], vec![]);
        for k in 0..layers {
            let last = k == layers - 1;
            let outputs = if last { d } else { h };
            let inputs = if k == 0 { 1 + d + c } else { h };
            let most = if k == 0 || last { 32_767 } else { (1 << (bits - 1)) - 1 };
            // Together below 2¹⁶, less what the bias needs.
            let bound = most.min(60_000 / inputs as i64);
            weights.push(
                (0..outputs)
                    .map(|_| {
                        (0..inputs)
                            .map(|_| match draw.next(bound) {
                                w if extreme => {
                                    if w < 0 {
                                        -bound
                                    } else {
                                        bound
                                    }
                                }
                                w => w,
                            })
                            .collect()
                    })
                    .collect::<Vec<Vec<i64>>>(),
            );
            biases.push((0..outputs).map(|_| draw.next(100_000_000)).collect());
            shifts.push(
                (0..outputs).map(|_| if last { draw.next(4) } else { 10 + draw.next(4) }).collect(),
            );
        }
        Self {
            dims,
            activation,
            bits,
            weights,
            biases,
            shifts,
            unit_bits: (0..=l).map(|k| [11, 7, 0][k % 3]).collect(),
            input_bits: [12, if c > 0 { 11 } else { 0 }],
            conditions: (0..c).map(|_| [draw.next(90_000), 40_000 + draw.next(9000), 15]).collect(),
            data: (0..d)
                .map(|_| [draw.next(90_000), 40_000 + draw.next(9000), 19, 30_000, 10])
                .collect(),
        }
    }

    /// The model's file.
    fn file(&self) -> Vec<u8> {
        let [d, c, h, l] = self.dims;
        let mut tensors: Vec<(String, &str, Vec<usize>, Vec<u8>)> = vec![];
        let wide = |values: &[i64]| values.iter().flat_map(|&x| (x as i32).to_le_bytes()).collect();
        let narrow = |values: &[i64]| values.iter().map(|&x| x as i8 as u8).collect::<Vec<u8>>();
        for (k, weights) in self.weights.iter().enumerate() {
            let shape = vec![weights.len(), weights[0].len()];
            let name = format!("net.{}.weight", 2 * k);
            let flat: Vec<i64> = weights.iter().flatten().copied().collect();
            let words = || flat.iter().flat_map(|&x| (x as i16).to_le_bytes()).collect::<Vec<u8>>();
            let hidden = k > 0 && k < l + 1;
            tensors.push(match self.bits {
                8 if hidden => (name, "I8", shape, narrow(&flat)),
                4 if hidden => {
                    let pack = |row: &Vec<i64>| {
                        let pairs = row.chunks(2);
                        pairs.map(|p| (p[0] & 15 | p.get(1).unwrap_or(&0) << 4) as u8).collect()
                    };
                    let bytes: Vec<Vec<u8>> = weights.iter().map(pack).collect();
                    (name, "U8", vec![shape[0], bytes[0].len()], bytes.concat())
                }
                _ => (name, "I16", shape, words()),
            });
            let outputs = vec![weights.len()];
            tensors.push((
                format!("net.{}.bias", 2 * k),
                "I32",
                outputs.clone(),
                wide(&self.biases[k]),
            ));
            tensors.push((format!("net.{}.shift", 2 * k), "I8", outputs, narrow(&self.shifts[k])));
        }
        let column = |units: &[[i64; 5]], k: usize| units.iter().map(|u| u[k]).collect::<Vec<_>>();
        tensors.push(("units.bits".into(), "I8", vec![l + 1], narrow(&self.unit_bits)));
        tensors.push(("input.bits".into(), "I8", vec![2], narrow(&self.input_bits)));
        tensors.push(("data.mean".into(), "I32", vec![d], wide(&column(&self.data, 0))));
        tensors.push(("data.scale".into(), "I32", vec![d], wide(&column(&self.data, 1))));
        tensors.push(("data.shift".into(), "I8", vec![d], narrow(&column(&self.data, 2))));
        tensors.push(("data.inverse".into(), "I32", vec![d], wide(&column(&self.data, 3))));
        tensors.push(("data.inverse_shift".into(), "I8", vec![d], narrow(&column(&self.data, 4))));
        tensors.push(("data.bits".into(), "I8", vec![1], narrow(&[16])));
        if c > 0 {
            let column = |k: usize| self.conditions.iter().map(|u| u[k]).collect::<Vec<_>>();
            tensors.push(("condition.mean".into(), "I32", vec![c], wide(&column(0))));
            tensors.push(("condition.scale".into(), "I32", vec![c], wide(&column(1))));
            tensors.push(("condition.shift".into(), "I8", vec![c], narrow(&column(2))));
            tensors.push(("condition.bits".into(), "I8", vec![1], narrow(&[16])));
        }
        let _ = h;
        let mut header = format!(
            r#"{{"__metadata__":{{"flowlet.integer":"1","flowlet.activation":"{}"}}"#,
            self.activation
        );
        let mut data = vec![];
        for (name, dtype, shape, bytes) in tensors {
            let (begin, end) = (data.len(), data.len() + bytes.len());
            header += &format!(
                r#","{name}":{{"dtype":"{dtype}","shape":{shape:?},"data_offsets":[{begin},{end}]}}"#
            );
            data.extend(bytes);
        }
        header += "}";
        [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &data].concat()
    }

    /// The velocity by the contract's words, in 128 bits.
    fn velocity(&self, t: i32, x: &[i32], c: &[i32]) -> Vec<i32> {
        let floor = |x: i128, shift: i64| x.div_euclid(1 << shift);
        let round =
            |x: i128, shift: i64| floor(x + if shift > 0 { 1 << (shift - 1) } else { 0 }, shift);
        let limit = |x: i128, bits: u32| x.clamp(-(1 << (bits - 1)), (1 << (bits - 1)) - 1);
        let mut inputs = vec![limit(round(t.into(), 16), 16)];
        let point = |&x: &i32| limit(round(x.into(), 20 - self.input_bits[0]), 16);
        inputs.extend(x.iter().map(point));
        for (&c, [mean, scale, shift]) in c.iter().zip(&self.conditions) {
            let c = limit(i128::from(c) - i128::from(*mean), 32) * i128::from(*scale);
            inputs.push(limit(round(c, *shift), 16));
        }
        let layers = self.weights.len();
        for k in 0..layers {
            let mut outputs = vec![];
            for (o, weights) in self.weights[k].iter().enumerate() {
                let terms = weights.iter().zip(&inputs).map(|(&w, &x)| i128::from(w) * x);
                let sum = i128::from(self.biases[k][o]) + terms.sum::<i128>();
                assert!(sum.abs() < 1 << 31, "a sum overflows");
                let shift = self.shifts[k][o];
                outputs.push(if k < layers - 1 {
                    let value = activation(self.activation, floor(sum, shift));
                    limit(round(value, 11 - self.unit_bits[k]), 16)
                } else if shift >= 0 {
                    floor(sum, shift)
                } else {
                    limit(sum << -shift, 32)
                });
            }
            inputs = outputs;
        }
        inputs.into_iter().map(|v| v as i32).collect()
    }
}

/// The activation as the runtime has it: single units of the tests below hold it against f64.
fn activation(kind: ActivationKind, z: i128) -> i128 {
    i128::from(fixed::activation(kind, z as i32))
}

fn check<
    const D: usize,
    const C: usize,
    const H: usize,
    const L: usize,
    A: Activation,
    W: Weight,
>(
    bits: usize,
    fingerprint: impl Fn(&MlpOf<D, C, H, L, A, W>) -> u64,
    read: impl Fn(&[u8]) -> Result<MlpOf<D, C, H, L, A, W>, LoadError>,
) {
    for extreme in [false, true] {
        let model = Model::random([D, C, H, L], bits, A::KIND, extreme);
        let mlp = read(&model.file()).unwrap();
        let mut draw = Draw(5);
        let mut numbers = |wide: i64| {
            let ends = [i32::MIN.into(), i32::MAX.into(), 0];
            let end = draw.next(40);
            ends.get(end as usize).copied().unwrap_or_else(|| draw.next(wide)) as i32
        };
        let points: Vec<[i32; D]> =
            (0..37).map(|_| core::array::from_fn(|_| numbers(3 << 20))).collect();
        let conditions: Vec<[i32; C]> =
            (0..37).map(|_| core::array::from_fn(|_| numbers(1 << 18))).collect();
        for (i, (x, c)) in points.iter().zip(&conditions).enumerate() {
            let t = (i as i32) << 25;
            let expected = model.velocity(t.min(ONE), x, c);
            assert_eq!(mlp.velocity(t.min(ONE), *x, *c).to_vec(), expected, "{A:?}", A = A::KIND);
            assert_eq!(mlp.given(*c).velocity(t.min(ONE), *x, []).to_vec(), expected);
        }
        let solver = fixed::AdamsBashforth2::<3>::UNIFORM;
        let mut together = points.clone();
        solver.integrate_batch(&mlp, &mut together, &conditions);
        for ((x, c), together) in points.iter().zip(&conditions).zip(together.iter().copied()) {
            assert_eq!(solver.integrate(&mlp, *x, *c), together);
            assert_eq!(solver.integrate(&mlp.given(*c), *x, []), together);
        }
        #[cfg(feature = "alloc")]
        check_heap(&model, fingerprint(&mlp), [&points, &together], &conditions);
        #[cfg(not(feature = "alloc"))]
        fingerprint(&mlp);
    }
}

/// Holds the model on the heap against the ends of paths that the other one gave.
#[cfg(feature = "alloc")]
fn check_heap<const D: usize, const C: usize>(
    model: &Model,
    fingerprint: u64,
    [points, ends]: [&[[i32; D]]; 2],
    conditions: &[[i32; C]],
) {
    let heap = fixed::HeapMlp::try_from_safetensors(&model.file()).unwrap();
    assert_eq!(heap.fingerprint(), fingerprint);
    assert_eq!(heap.weight_bits() as usize, if model.dims[3] == 0 { 16 } else { model.bits });
    let kind = flowlet::SolverKind::AdamsBashforth2;
    let solver = fixed::HeapSolver::uniform(kind, 3.try_into().unwrap());
    let scratch = &mut heap.scratch();
    let mut together = points.as_flattened().to_vec();
    solver.integrate_batch(&heap, &mut together, conditions.as_flattened(), scratch);
    assert_eq!(together, ends.as_flattened());
    for ((x, c), end) in points.iter().zip(conditions).zip(ends) {
        let mut alone = *x;
        solver.integrate(&heap, &mut alone, c, scratch);
        assert_eq!(alone, *end);
    }
}

#[test]
fn velocities_are_those_of_the_contract_for_all_shapes_weights_and_activations() {
    check::<1, 0, 64, 1, Gelu, i16>(
        16,
        MlpOf::<1, 0, 64, 1, Gelu, i16>::fingerprint,
        MlpOf::<1, 0, 64, 1, Gelu, i16>::try_from_safetensors,
    );
    check::<3, 2, 33, 2, Silu, i8>(
        8,
        MlpOf::<3, 2, 33, 2, Silu, i8>::fingerprint,
        MlpOf::<3, 2, 33, 2, Silu, i8>::try_from_safetensors,
    );
    check::<2, 1, 17, 2, GeluTanh, I4<306>>(
        4,
        MlpOf::<2, 1, 17, 2, GeluTanh, I4<306>>::fingerprint,
        MlpOf::<2, 1, 17, 2, GeluTanh, I4<306>>::try_from_safetensors,
    );
    check::<2, 1, 48, 1, Gelu, I4<1152>>(
        4,
        MlpOf::<2, 1, 48, 1, Gelu, I4<1152>>::fingerprint,
        MlpOf::<2, 1, 48, 1, Gelu, I4<1152>>::try_from_safetensors,
    );
    check::<1, 3, 16, 0, Tanh, i16>(
        16,
        MlpOf::<1, 3, 16, 0, Tanh, i16>::fingerprint,
        MlpOf::<1, 3, 16, 0, Tanh, i16>::try_from_safetensors,
    );
    check::<5, 0, 1, 1, Elu, i8>(
        8,
        MlpOf::<5, 0, 1, 1, Elu, i8>::fingerprint,
        MlpOf::<5, 0, 1, 1, Elu, i8>::try_from_safetensors,
    );
    check::<18, 0, 20, 1, Selu, i16>(
        16,
        MlpOf::<18, 0, 20, 1, Selu, i16>::fingerprint,
        MlpOf::<18, 0, 20, 1, Selu, i16>::try_from_safetensors,
    );
    check::<1, 1, 32, 1, Mish, i16>(
        16,
        MlpOf::<1, 1, 32, 1, Mish, i16>::fingerprint,
        MlpOf::<1, 1, 32, 1, Mish, i16>::try_from_safetensors,
    );
    check::<1, 1, 31, 3, Relu, i8>(
        8,
        MlpOf::<1, 1, 31, 3, Relu, i8>::fingerprint,
        MlpOf::<1, 1, 31, 3, Relu, i8>::try_from_safetensors,
    );
}

type Small = MlpOf<2, 1, 6, 1, Gelu, i16>;

fn small() -> Model {
    Model::random([2, 1, 6, 1], 16, ActivationKind::Gelu, false)
}

fn error(model: &Model) -> LoadError {
    Small::try_from_safetensors(&model.file()).unwrap_err()
}

#[test]
fn a_file_past_the_bound_is_refused() {
    let mut model = small();
    let weights = &mut model.weights[1][3];
    weights.fill(0);
    (weights[0], weights[1]) = (32_767, -32_767);
    // Σ|w| · 2¹⁵ = 2³¹ − 2¹⁶.
    model.biases[1][3] = (1 << 16) - 1;
    assert!(Small::try_from_safetensors(&model.file()).is_ok());
    model.biases[1][3] = -(1 << 16);
    let tensor = TensorName::Weight { layer: 1 };
    assert_eq!(error(&model), LoadError::SumOverflows { tensor, output: 3 });
    let text = "tensor net.2.weight: output 3 could exceed 32 bits: \
                the sum of its weights, or its bias, is too large";
    assert_eq!(error(&model).message().as_str(), text);
}

#[test]
fn numbers_outside_their_ranges_are_refused() {
    let of = |change: fn(&mut Model)| {
        let mut model = small();
        change(&mut model);
        error(&model).message().as_str().to_owned()
    };
    for (found, expected) in [
        (
            of(|m| m.shifts[0][2] = 0),
            "tensor net.0.shift: element 2 is 0, expected a number from 1 to 31",
        ),
        (
            of(|m| m.shifts[2][1] = -21),
            "tensor net.4.shift: element 1 is -21, expected a number from -20 to 31",
        ),
        (
            of(|m| m.unit_bits[1] = 12),
            "tensor units.bits: element 1 is 12, expected a number from 0 to 11",
        ),
        (
            of(|m| m.data[1][1] = -1),
            "tensor data.scale: element 1 is -1, expected a number from 0 to 2147483647",
        ),
        (
            of(|m| m.input_bits[0] = 16),
            "tensor input.bits: element 0 is 16, expected a number from 0 to 15",
        ),
        (of(|m| m.bits = 8), "tensor net.2.weight: expected dtype `I16`, found `I8`"),
    ] {
        assert!(found.starts_with(expected), "{found}");
    }
}

#[test]
fn float_and_integer_models_are_told_apart() {
    let float = include_bytes!("../examples/swirl.safetensors");
    let error = fixed::Mlp::<2, 0, 32, 1, Silu>::try_from_safetensors(float).unwrap_err();
    let text = "tensor net.2.weight: expected dtype `I16`, found `F32`: \
                `flowlet quantize` makes an integer model of this one";
    assert_eq!(error.message().as_str(), text);
    let error = flowlet::Mlp::<2, 1, 6, 1>::try_from_safetensors(&small().file()).unwrap_err();
    let text = "tensor net.0.weight: expected dtype `F32`, found `I16`: \
                integer models are read by `flowlet::fixed`";
    assert_eq!(error.message().as_str(), text);
}

#[test]
fn truncated_files_are_errors_and_a_failed_load_leaves_an_empty_model() {
    let file = small().file();
    for length in 0..file.len() {
        assert!(Small::try_from_safetensors(&file[..length]).is_err());
    }
    let mut model = Small::zero();
    model.load(&file).unwrap();
    assert_ne!(model.fingerprint(), Small::zero().fingerprint());
    assert!(model.load(&file[..file.len() - 1]).is_err());
    assert_eq!(model.fingerprint(), Small::zero().fingerprint());
    assert_eq!(model.velocity(5, [9, -9], [3]), [0, 0]);
    assert_eq!(model.to_data_units([5, 6]), [0, 0]);
}

#[test]
fn each_part_changes_the_fingerprint() {
    let of = |model: &Model| Small::try_from_safetensors(&model.file()).unwrap().fingerprint();
    let original = of(&small());
    let changes: [fn(&mut Model); 10] = [
        |m| m.weights[0][1][0] += 1,
        |m| m.weights[0][1][2] += 1,
        |m| m.weights[0][1][3] += 1,
        |m| m.weights[1][5][5] += 1,
        |m| m.weights[2][1][4] += 1,
        |m| m.biases[1][0] += 1,
        |m| m.shifts[2][0] += 1,
        |m| m.unit_bits[1] -= 1,
        |m| m.data[0][3] += 1,
        |m| m.conditions[0][0] += 1,
    ];
    for (k, change) in changes.iter().enumerate() {
        let mut model = small();
        change(&mut model);
        assert_ne!(of(&model), original, "change {k}");
    }
}

#[test]
fn units_are_converted_in_64_bits_and_saturate() {
    let mut model = small();
    // So large that both ends saturate.
    model.data[0] = [2_000_000_000, 2_100_000_000, 19, 30_000, 10];
    let mlp = Small::try_from_safetensors(&model.file()).unwrap();
    for x in [i32::MIN, -5_000_000, -1, 0, 1, 7_654_321, i32::MAX] {
        let [mean, scale, shift, inverse, inverse_shift] = model.data[0];
        let round = |x: i64, shift: i64| (x + (1 << (shift - 1))) >> shift;
        let limit = |x: i64| x.clamp(i32::MIN.into(), i32::MAX.into());
        let data = limit(round(i64::from(x) * scale, shift) + mean);
        assert_eq!(i64::from(mlp.to_data_units([x, 0])[0]), data);
        let flow = limit(round(limit(i64::from(x) - mean) * inverse, inverse_shift));
        assert_eq!(i64::from(mlp.to_flow_units([x, 0])[0]), flow);
    }
    assert_eq!(i64::from(mlp.null_condition()[0]), model.conditions[0][0]);
}

#[test]
fn guidance_strengthens_the_condition() {
    let mlp = Small::try_from_safetensors(&small().file()).unwrap();
    let guided = fixed::Guided {
        field: &mlp,
        weight: 3 << (fixed::WEIGHT_BITS - 1),
        unconditional: mlp.null_condition(),
    };
    let (x, c) = ([1 << 19, -(1 << 20)], [77_000]);
    let (v, u) = (mlp.velocity(0, x, c), mlp.velocity(0, x, mlp.null_condition()));
    let expected = [0, 1].map(|k| {
        let twice = 3 * (i64::from(v[k]) - i64::from(u[k])) + 1;
        (i64::from(u[k]) + (twice >> 1)) as i32
    });
    assert_eq!(guided.velocity(0, x, c), expected);
    let mut points = [x; 20];
    fixed::Euler::<2>::UNIFORM.integrate_batch(&guided, &mut points, &[c]);
    assert_eq!(points, [fixed::Euler::<2>::UNIFORM.integrate(&guided, x, c); 20]);
}

/// The model on the heap against the one whose sizes are known at compile time.
#[cfg(feature = "alloc")]
mod heap {
    use super::*;
    use crate::front_ends::Case;
    use flowlet::fixed::{HeapMlp, HeapSolver, Noise, Solver};
    use flowlet::{GridError, Method, SolverKind, method};

    fn models() -> (Small, HeapMlp) {
        let file = small().file();
        (Small::try_from_safetensors(&file).unwrap(), HeapMlp::try_from_safetensors(&file).unwrap())
    }

    fn case<'a>(field: &'a Small, mlp: &'a HeapMlp) -> Case<'a, Small, HeapMlp, i32> {
        let x_0 = Noise::new(1).samples(0).take(41).collect();
        // The noise is small beside this model's unit of conditions.
        let c = Noise::new(2).samples(0).take(41).map(|c: [i32; 1]| c.map(|c| c / 8)).collect();
        let guidance = (7 << (fixed::WEIGHT_BITS - 2), field.null_condition());
        Case { field, mlp, x_0, c, guidance }
    }

    fn uniform(kind: SolverKind) -> HeapSolver {
        HeapSolver::uniform(kind, 5.try_into().unwrap())
    }

    fn check<S: Method>() {
        let (field, mlp) = models();
        let (case, scratch) = (case(&field, &mlp), &mut mlp.scratch());
        case.check(&Solver::<S, 5>::UNIFORM, &uniform(S::KIND), scratch);
        let times = [0, 1 << 24, 1 << 28, 1 << 29, 1_000_000_000, ONE];
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
    fn velocities_and_units_are_those_of_the_const_model() {
        let (field, mlp) = models();
        let scratch = &mut mlp.scratch();
        let (x, c) = ([1 << 19, -(1 << 20)], [77_000]);
        assert_eq!(mlp.velocity(5, &x, &c, scratch), field.velocity(5, x, c));
        assert_eq!(mlp.null_condition(), field.null_condition());
        let mut converted = x;
        mlp.to_data_units(&mut converted);
        assert_eq!(converted, field.to_data_units(x));
        converted = x;
        mlp.to_flow_units(&mut converted);
        assert_eq!(converted, field.to_flow_units(x));
    }

    fn of_another_width() -> HeapMlp {
        let model = Model::random([2, 1, 7, 1], 16, ActivationKind::Gelu, false);
        HeapMlp::try_from_safetensors(&model.file()).unwrap()
    }

    #[test]
    fn batches_of_wrong_sizes_are_errors() {
        let (field, mlp) = models();
        let mut other = of_another_width().scratch();
        let solver = uniform(SolverKind::Euler);
        case(&field, &mlp).check_errors(&solver, &mut mlp.scratch(), &mut other);
    }

    #[test]
    #[should_panic(expected = "the scratch must be made for a model of these sizes")]
    fn velocity_panics_on_the_scratch_of_another_model() {
        models().1.velocity(5, &[0; 2], &[0], &mut of_another_width().scratch());
    }

    #[test]
    fn invalid_times_are_errors() {
        let error =
            |times: &[i32]| HeapSolver::try_from_times(SolverKind::Heun, times).unwrap_err();
        assert_eq!(error(&[0]), GridError::Count { found: 1 });
        assert_eq!(error(&[0, 5, 5]), GridError::NotIncreasing { index: 2 });
        assert_eq!(error(&[-1, 5]), GridError::OutOfRange { index: 0 });
        assert_eq!(error(&[0, i32::MAX]), GridError::OutOfRange { index: 1 });
        let steps = ((1 << 24) + 1).try_into().unwrap();
        let error = HeapSolver::try_uniform(SolverKind::Heun, steps).unwrap_err();
        assert_eq!(error, GridError::Count { found: (1 << 24) + 2 });
    }

    #[test]
    fn a_file_without_a_grid_gives_no_solver() {
        let error = HeapSolver::try_from_safetensors(&small().file()).unwrap_err();
        assert_eq!(error, LoadError::MissingTensor { tensor: TensorName::Grid });
    }
}

/// The exact activations, in f64.
fn exact(kind: ActivationKind, z: f64) -> f64 {
    let softplus = if z > 30.0 { z } else { z.exp().ln_1p() };
    match kind {
        ActivationKind::Gelu => 0.5 * z * libm::erfc(-z * core::f64::consts::FRAC_1_SQRT_2),
        ActivationKind::GeluTanh => {
            let inner = (2.0 / core::f64::consts::PI).sqrt() * (z + 0.044_715 * z * z * z);
            0.5 * z * (1.0 + inner.tanh())
        }
        ActivationKind::Silu => z / (1.0 + (-z).exp()),
        ActivationKind::Selu if z < 0.0 => 1.758_099_340_847_376_6 * z.exp_m1(),
        ActivationKind::Selu => 1.050_700_987_355_480_5 * z,
        ActivationKind::Tanh => z.tanh(),
        ActivationKind::Relu => z.max(0.0),
        ActivationKind::Elu => {
            if z < 0.0 {
                z.exp_m1()
            } else {
                z
            }
        }
        ActivationKind::Mish => z * softplus.tanh(),
        _ => unreachable!("a new activation needs its function here"),
    }
}

#[test]
fn activations_are_within_one_unit_and_unbiased() {
    for &kind in ActivationKind::ALL {
        let (mut worst, mut sum) = (0.0f64, 0.0);
        // From −20 to 20, beyond all tables. The mean is over −8 to 8: a constant far out may be off by half a unit.
        for z in -40_960..=40_960 {
            let error =
                f64::from(fixed::activation(kind, z)) - exact(kind, f64::from(z) / 2048.0) * 2048.0;
            worst = worst.max(error.abs());
            sum += if z.abs() <= 16_384 { error } else { 0.0 };
        }
        let mean = sum / 32_769.0;
        assert!(worst <= 1.0 && mean.abs() <= 0.05, "{kind}: worst {worst}, mean {mean}");
        // At the ends the function is a straight line or constant.
        for z in [1 << 30, -(1 << 30)] {
            let value = f64::from(fixed::activation(kind, z));
            let exact = exact(kind, f64::from(z) / 2048.0) * 2048.0;
            assert!((value - exact).abs() <= 1.0, "{kind} at {z}: {value}, {exact}");
        }
    }
}
