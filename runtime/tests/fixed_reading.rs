//! Reading integer models: the faults of a float file, those of whole numbers, and sums at the bound.

use flowlet::fixed::{self, Guided, Mlp, Mlp4, Mlp8, ONE};
use flowlet::{LoadError, Relu, Silu, VelocityField};

/// 2 data dimensions, 1 condition, 3 wide, 1 hidden-to-hidden layer.
type Small = Mlp<2, 1, 3, 1>;
type Small8 = Mlp8<2, 1, 3, 1>;
type Small4 = Mlp4<2, 1, 3, 1, 6>;

#[derive(Clone)]
struct Tensor {
    name: &'static str,
    dtype: &'static str,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

fn tensor(name: &'static str, dtype: &'static str, shape: &[usize], values: &[i32]) -> Tensor {
    let bytes = values.iter().flat_map(|value| match dtype {
        "I32" => value.to_le_bytes().to_vec(),
        "I16" => (*value as i16).to_le_bytes().to_vec(),
        _ => vec![*value as u8],
    });
    Tensor { name, dtype, shape: shape.to_vec(), bytes: bytes.collect() }
}

/// The tensors of a model whose weights between hidden layers have `bits`.
fn tensors(bits: usize) -> Vec<Tensor> {
    let hidden = match bits {
        4 => tensor("net.2.weight", "U8", &[3, 2], &[0x1f, 0x02, 0x7e, 0x0d, 0xc3, 0x05]),
        8 => tensor("net.2.weight", "I8", &[3, 3], &[9, -8, 7, -6, 5, -4, 3, -2, 1]),
        _ => tensor("net.2.weight", "I16", &[3, 3], &[900, -8, 7, -600, 5, -4, 3000, -2, 1]),
    };
    vec![
        tensor("net.0.weight", "I16", &[3, 4], &[9, -8, 7, -6, 5, -4, 3, -2, 1, 800, -900, 70]),
        tensor("net.0.bias", "I32", &[3], &[50_000, -70_000, 4]),
        tensor("net.0.shift", "I8", &[3], &[3, 5, 1]),
        hidden,
        tensor("net.2.bias", "I32", &[3], &[-5, 6, 7_000]),
        tensor("net.2.shift", "I8", &[3], &[1, 2, 3]),
        tensor("net.4.weight", "I16", &[2, 3], &[30, -400, 50, 6, -7000, 8]),
        tensor("net.4.bias", "I32", &[2], &[1, -1]),
        tensor("net.4.shift", "I8", &[2], &[2, -3]),
        tensor("units.bits", "I8", &[2], &[11, 9]),
        tensor("input.bits", "I8", &[2], &[12, 10]),
        tensor("data.mean", "I32", &[2], &[4, -5]),
        tensor("data.scale", "I32", &[2], &[70_000, 80_000]),
        tensor("data.shift", "I8", &[2], &[18, 19]),
        tensor("data.inverse", "I32", &[2], &[60_000, 50_000]),
        tensor("data.inverse_shift", "I8", &[2], &[9, 10]),
        tensor("data.bits", "I8", &[1], &[16]),
        tensor("condition.mean", "I32", &[1], &[77]),
        tensor("condition.scale", "I32", &[1], &[30_000]),
        tensor("condition.shift", "I8", &[1], &[14]),
        tensor("condition.bits", "I8", &[1], &[16]),
    ]
}

const INTEGER: &str = r#"{"flowlet.integer":"1","flowlet.activation":"gelu"}"#;

fn entries(tensors: &[Tensor]) -> (Vec<String>, Vec<u8>) {
    let mut data = Vec::new();
    let entry = |Tensor { name, dtype, shape, bytes }: &Tensor| {
        let begin = data.len();
        data.extend(bytes);
        let end = data.len();
        format!(
            r#""{name}":{{"dtype":"{dtype}","shape":{shape:?},"data_offsets":[{begin},{end}]}}"#
        )
    };
    (tensors.iter().map(entry).collect(), data)
}

fn file_with(metadata: &str, tensors: &[Tensor]) -> Vec<u8> {
    let (entries, data) = entries(tensors);
    let header = format!(r#"{{"__metadata__":{metadata},{}}}"#, entries.join(","));
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &data].concat()
}

fn file(tensors: &[Tensor]) -> Vec<u8> {
    file_with(INTEGER, tensors)
}

fn message(file: &[u8]) -> String {
    let error = Small::try_from_safetensors(file).unwrap_err();
    assert_eq!(error.message().as_str(), error.to_string());
    #[cfg(feature = "alloc")]
    assert!(fixed::HeapMlp::try_from_safetensors(file).is_err(), "{error}: accepted on the heap");
    error.to_string()
}

/// The message for a model with a changed tensor.
fn changed(name: &str, change: impl FnOnce(&mut Tensor)) -> String {
    let mut tensors = tensors(16);
    change(tensors.iter_mut().find(|tensor| tensor.name == name).unwrap());
    message(&file(&tensors))
}

#[test]
fn the_order_of_tensors_does_not_matter() {
    let plain = Small::try_from_safetensors(&file(&tensors(16))).unwrap();
    let mut others = tensors(16);
    others.reverse();
    let other = Small::try_from_safetensors(&file(&others)).unwrap();
    assert_eq!(plain.fingerprint(), other.fingerprint());
    Small8::try_from_safetensors(&file(&tensors(8))).unwrap();
    Small4::try_from_safetensors(&file(&tensors(4))).unwrap();
}

#[test]
fn errors_of_metadata_name_the_key() {
    for (metadata, expected) in [
        (r#"{"flowlet.integer":"2"}"#, "metadata `flowlet.integer`: expected `1`, found `2`"),
        (
            r#"{"flowlet.integer":"1","flowlet.format":"2"}"#,
            "metadata `flowlet.format`: expected `1`, found `2`",
        ),
        (
            r#"{"flowlet.integer":"1","flowlet.hidden_width":"4"}"#,
            "metadata `flowlet.hidden_width`: expected `3`, found `4`",
        ),
        (
            r#"{"flowlet.integer":"1","flowlet.integer":"1"}"#,
            "metadata `flowlet.integer` is in the file twice",
        ),
    ] {
        assert_eq!(message(&file_with(metadata, &tensors(16))), expected);
    }
    let file = file(&tensors(16));
    let error = Mlp::<2, 1, 3, 1, Silu>::try_from_safetensors(&file).unwrap_err();
    assert_eq!(error.to_string(), "metadata `flowlet.activation`: expected `silu`, found `gelu`");
}

/// Each tensor: missing, twice, of another type, of another length.
#[test]
fn every_tensor_is_needed_once_with_its_type_and_shape() {
    let all = tensors(16);
    for (k, own) in all.iter().enumerate() {
        let without: Vec<Tensor> = [&all[..k], &all[k + 1..]].concat();
        let found = message(&file(&without));
        assert!(
            found.contains("is missing") || found.contains("conditions"),
            "{}: {found}",
            own.name
        );

        let twice = [&all[..], &all[k..=k]].concat();
        assert_eq!(message(&file(&twice)), format!("tensor {} is in the file twice", own.name));

        for dtype in ["F32", "I32", "I16", "I8", "U8", "BOOL", "F16", "I64"] {
            // I8 is another type of model.
            if dtype == own.dtype || (own.name, dtype) == ("net.2.weight", "I8") {
                continue;
            }
            let found = changed(own.name, |tensor| {
                let size = match dtype {
                    "I64" => 8,
                    "F32" | "I32" => 4,
                    "I16" | "F16" => 2,
                    _ => 1,
                };
                tensor.dtype = dtype;
                tensor.bytes = vec![0; size * tensor.shape.iter().product::<usize>()];
            });
            // A type that no model has is an error of the format.
            let known = ["F32", "I32", "I16", "I8", "U8"].contains(&dtype);
            let dtype_of_own = if known { own.dtype } else { "F32, I32, I16, I8 or U8" };
            let expected = format!("tensor {}: expected dtype `{dtype_of_own}`", own.name);
            assert!(found.starts_with(&expected), "{found}");
            assert!(found.contains(&format!("found `{dtype}`")), "{found}");
        }

        let found = changed(own.name, |tensor| {
            tensor.shape[0] += 1;
            let row = tensor.bytes.len() / (tensor.shape[0] - 1);
            tensor.bytes.extend(vec![0; row]);
        });
        assert!(found.contains("expected"), "{}: {found}", own.name);
    }
    for (name, text) in
        [("net.6.bias", "net.6.bias"), ("net.6.shift", "net.6.shift"), ("head", "head")]
    {
        let more = [&all[..], &[tensor(name, "I32", &[2], &[1, 2])]].concat();
        let expected = format!("tensor `{text}` does not belong to a model of this shape");
        assert_eq!(message(&file(&more)), expected);
    }
}

/// A scale tensor of another length, and tensors that the network does not read.
#[test]
fn lengths_and_types_of_optional_tensors_are_checked() {
    let found = changed("data.scale", |tensor| {
        tensor.shape = vec![1];
        tensor.bytes.truncate(4);
    });
    assert_eq!(found, "tensor data.scale: expected shape [2], found [1]");
    let found = changed("net.2.shift", |tensor| {
        tensor.shape = vec![4];
        tensor.bytes.push(1);
    });
    assert_eq!(found, "tensor net.2.shift: expected shape [3], found [4]");
    for (name, dtype, shape, expected) in [
        ("grid", "F32", &[3][..], "tensor grid: expected dtype `I32`, found `F32`"),
        ("grid", "I32", &[3, 1], "tensor grid: expected shape [2], found [3, 1]"),
        ("self_test.t", "F32", &[4], "tensor self_test.t: expected dtype `I32`, found `F32`"),
        ("self_test.x", "I32", &[4, 3], "tensor self_test.x: expected shape [4, 2], found [4, 3]"),
    ] {
        let values = vec![0; shape.iter().product()];
        let mut added = tensor(name, "I32", shape, &values);
        added.dtype = dtype;
        let found = message(&file(&[&tensors(16)[..], &[added]].concat()));
        assert!(found.starts_with(expected), "{found}");
    }
}

/// Each range, one beyond its ends; the ends themselves are accepted.
#[test]
fn numbers_beyond_their_ranges_are_refused() {
    for (name, least, most) in [
        ("net.0.shift", 1, 31),
        ("net.2.shift", 1, 31),
        ("net.4.shift", -20, 31),
        ("units.bits", 0, 11),
        ("input.bits", 0, 15),
        ("data.shift", 0, 62),
        ("data.inverse_shift", 0, 62),
        ("data.bits", -64, 64),
        ("condition.shift", 0, 62),
        ("condition.bits", -64, 64),
    ] {
        let of = |value: i32| {
            let mut tensors = tensors(16);
            let own = tensors.iter_mut().find(|tensor| tensor.name == name).unwrap();
            *own.bytes.last_mut().unwrap() = value as u8;
            (file(&tensors), own_index(&tensors, name))
        };
        for value in [least, most] {
            Small::try_from_safetensors(&of(value).0).unwrap();
        }
        for value in [least - 1, most + 1, i8::MIN.into(), i8::MAX.into()] {
            let (file, index) = of(value);
            let expected = format!(
                "tensor {name}: element {index} is {value}, expected a number from {least} to {most}"
            );
            assert_eq!(message(&file), expected);
        }
    }
    for name in ["data.scale", "data.inverse", "condition.scale"] {
        let found = changed(name, |tensor| {
            let end = tensor.bytes.len();
            tensor.bytes[end - 4..].copy_from_slice(&(-1_i32).to_le_bytes());
        });
        assert!(found.contains("is -1, expected a number from 0 to 2147483647"), "{found}");
    }
    // With an odd width, the last four bits of a row of i4 belong to no weight.
    let mut tensors = tensors(4);
    tensors[3].bytes[1] = 0x12;
    let error = Small4::try_from_safetensors(&file(&tensors)).unwrap_err().to_string();
    assert_eq!(error, "tensor net.2.weight: element 1 is 18, expected a number from 0 to 15");
}

/// The index of the last element.
fn own_index(tensors: &[Tensor], name: &str) -> usize {
    tensors.iter().find(|tensor| tensor.name == name).unwrap().bytes.len() - 1
}

#[test]
fn weights_of_another_type_are_named() {
    let error = Small8::try_from_safetensors(&file(&tensors(16))).unwrap_err().to_string();
    assert!(error.starts_with("tensor net.2.weight: expected dtype `I8`, found `I16`"), "{error}");
    let error = Small4::try_from_safetensors(&file(&tensors(8))).unwrap_err().to_string();
    assert_eq!(error, "tensor net.2.weight: expected shape [3, 2], found [3, 3]");
}

#[test]
fn every_truncation_is_an_error_for_every_type_of_weights() {
    for bits in [4, 8] {
        let file = file(&tensors(bits));
        for length in 0..file.len() {
            assert!(Small8::try_from_safetensors(&file[..length]).is_err());
            assert!(Small4::try_from_safetensors(&file[..length]).is_err());
        }
    }
}

#[test]
fn offsets_must_cover_the_data_once() {
    let (entries, data) = entries(&tensors(16));
    let with = |from: &str, to: &str| {
        let header = format!(r#"{{"__metadata__":{INTEGER},{}}}"#, entries.join(","));
        let header = header.replace(from, to);
        assert!(header.contains(to), "{header}");
        let file = [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &data].concat();
        Small::try_from_safetensors(&file).unwrap_err()
    };
    // net.0.bias is at 24..36.
    assert!(matches!(with("[24,36]", "[36,24]"), LoadError::Offsets { .. }));
    assert!(matches!(with("[24,36]", "[24,32]"), LoadError::Offsets { .. }));
    assert!(matches!(with("[24,36]", "[25,37]"), LoadError::Layout { .. }));
}

/// Files with a few other bytes: the const models and the heap's accept the same ones, and nothing panics.
#[test]
fn files_with_changed_bytes_do_not_panic() {
    let mut state = 1_u32;
    let mut random = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as usize
    };
    let mut accepted = 0;
    for round in 0..20_000 {
        let mut bytes = file(&tensors([16, 8, 4][round % 3]));
        // Most changes are in the data.
        let header = bytes.len() - 202;
        for _ in 0..1 + random() % 3 {
            let at = match random() % 4 {
                0 => random() % bytes.len(),
                _ => header + random() % 202,
            };
            bytes[at] = match random() % 3 {
                0 => random() as u8,
                1 => bytes[random() % bytes.len()],
                _ => bytes[at].wrapping_add(1),
            };
        }
        let found = [
            Small::try_from_safetensors(&bytes).map(|mlp| (mlp.fingerprint(), ends(&mlp))),
            Small8::try_from_safetensors(&bytes).map(|mlp| (mlp.fingerprint(), ends(&mlp))),
            Small4::try_from_safetensors(&bytes).map(|mlp| (mlp.fingerprint(), ends(&mlp))),
        ];
        let found: Vec<(u64, [[i32; 2]; 2])> = found.into_iter().flatten().collect();
        accepted += found.len();
        #[cfg(feature = "alloc")]
        if let Ok(heap) = fixed::HeapMlp::try_from_safetensors(&bytes) {
            // A file that names no activation has the type's.
            if heap.activation() == flowlet::ActivationKind::Gelu {
                let [(fingerprint, ends)] = found[..] else { panic!("only accepted by the heap") };
                assert_eq!(heap.fingerprint(), fingerprint);
                assert_eq!(
                    heap.velocity(ONE, &[i32::MAX, i32::MIN], &[i32::MIN], &mut heap.scratch()),
                    ends[0]
                );
            }
        } else {
            assert!(found.is_empty(), "only accepted by a const model");
        }
    }
    assert!(accepted > 4_000, "{accepted}");
}

/// Velocities at the ends of all inputs.
fn ends(field: &impl VelocityField<2, 1, i32>) -> [[i32; 2]; 2] {
    [
        field.velocity(ONE, [i32::MAX, i32::MIN], [i32::MIN]),
        field.velocity(i32::MIN, [i32::MIN; 2], [i32::MAX]),
    ]
}

#[cfg(feature = "alloc")]
#[test]
fn a_file_cannot_make_the_heap_grow_beyond_its_own_size() {
    let width = 1 << 20;
    let zeros = |name, dtype, shape: &[usize]| {
        let mut tensor = tensor(name, dtype, &[], &[]);
        let size = if dtype == "I16" { 2 } else { 4 };
        tensor.shape = shape.to_vec();
        tensor.bytes = vec![0; size * shape.iter().product::<usize>()];
        tensor
    };
    // The wide first and last layers exist. The hidden layer would need 2⁴⁰ weights, but the file has one.
    let tensors = [
        zeros("net.0.weight", "I16", &[width, 2]),
        zeros("net.0.bias", "I32", &[width]),
        zeros("net.2.weight", "I16", &[1, 1]),
        zeros("net.2.bias", "I32", &[width]),
        zeros("net.4.weight", "I16", &[1, width]),
        zeros("net.4.bias", "I32", &[1]),
    ];
    let found = fixed::HeapMlp::try_from_safetensors(&file(&tensors)).unwrap_err();
    assert!(matches!(found, LoadError::Shape { .. }), "{found}");
    let header = r#"{"net.0.weight":{"dtype":"I16","shape":[1099511627776,2],"data_offsets":[0,0]},
        "net.2.weight":{"dtype":"I16","shape":[1,1099511627776],"data_offsets":[0,0]}}"#;
    let file = [&(header.len() as u64).to_le_bytes(), header.as_bytes()].concat();
    let found = fixed::HeapMlp::try_from_safetensors(&file).unwrap_err();
    assert!(matches!(found, LoadError::Offsets { .. }), "{found}");
}

/// A model of `relu` whose every sum reaches `±(2³¹ − 1)`: `Σ|w| · 2¹⁵ + |b|` is as large as a file may have it. The
/// sign of all weights and biases is `sign`.
fn at_the_bound(sign: i32) -> Vec<Tensor> {
    let row = |weights: &[i32]| weights.iter().map(|weight| sign * weight).collect::<Vec<_>>();
    let mut tensors = tensors(16);
    for tensor in &mut tensors {
        let values = match tensor.name {
            "net.0.weight" => row(&[32_767, 32_766, 1, 1]).repeat(3),
            "net.2.weight" => row(&[32_767, 32_766, 2]).repeat(3),
            "net.4.weight" => row(&[32_767, 32_766, 2]).repeat(2),
            "net.0.bias" | "net.2.bias" => row(&[32_767; 3]),
            "net.4.bias" => row(&[32_767; 2]),
            "net.0.shift" | "net.2.shift" => vec![1; 3],
            "net.4.shift" => vec![-20, 1],
            "units.bits" => vec![11; 2],
            "input.bits" => vec![15; 2],
            _ => continue,
        };
        *tensor = self::tensor(tensor.name, tensor.dtype, &tensor.shape, &values);
    }
    tensors
}

/// Debug assertions are on here: a sum that overflows panics.
#[test]
fn sums_at_the_very_bound_do_not_overflow() {
    const RELU: &str = r#"{"flowlet.integer":"1","flowlet.activation":"relu"}"#;
    for sign in [1, -1] {
        let tensors = at_the_bound(sign);
        let file = file_with(RELU, &tensors);
        let mlp = Mlp::<2, 1, 3, 1, Relu>::try_from_safetensors(&file).unwrap();
        // The ends of all inputs, in every combination.
        let ends = [i32::MIN, -1, 0, 1, i32::MAX];
        let mut points = Vec::new();
        let mut conditions = Vec::new();
        let mut reached = false;
        for t in [i32::MIN, 0, ONE, i32::MAX] {
            for (a, b) in ends.iter().flat_map(|&a| ends.map(|b| (a, b))) {
                for c in ends {
                    let v = mlp.velocity(t, [a, b], [c]);
                    reached |= v[0] == i32::MAX;
                    points.push([a, b]);
                    conditions.push([c]);
                }
            }
        }
        assert!(sign < 0 || reached, "the largest velocity is not reached");
        let each = |weight: Option<i32>| {
            let guide = Guided { field: &mlp, weight: weight.unwrap_or(0), unconditional: [0] };
            macro_rules! by {
                ($($method:ident)+) => {
                    [$({
                        let solver = fixed::$method::<3>::UNIFORM;
                        let alone = points.iter().zip(&conditions).map(|(x, c)| match weight {
                            Some(_) => solver.sample(&guide, *x, *c),
                            None => solver.sample(&mlp, *x, *c),
                        });
                        let alone: Vec<[i32; 2]> = alone.collect();
                        let mut together = points.clone();
                        match weight {
                            Some(_) => solver.sample_batch(&guide, &mut together, &conditions),
                            None => solver.sample_batch(&mlp, &mut together, &conditions),
                        }
                        assert_eq!(alone, together);
                        alone
                    }),+]
                };
            }
            by!(Euler Midpoint Heun Rk4 AdamsBashforth2)
        };
        let plain = each(None);
        for weight in [i32::MIN, i32::MAX] {
            each(Some(weight));
        }
        #[cfg(feature = "alloc")]
        {
            let heap = fixed::HeapMlp::try_from_safetensors(&file).unwrap();
            let solver =
                fixed::HeapSolver::try_uniform(flowlet::SolverKind::Euler, 3.try_into().unwrap());
            let mut together = points.clone();
            let solver = solver.unwrap();
            solver.sample_batch(
                &heap,
                together.as_flattened_mut(),
                conditions.as_flattened(),
                &mut heap.scratch(),
            );
            assert_eq!(together, plain[0]);
        }
        #[cfg(not(feature = "alloc"))]
        drop(plain);
    }
    // One unit more is refused, in each layer.
    for name in ["net.0.bias", "net.2.bias", "net.4.bias"] {
        let mut tensors = at_the_bound(1);
        let own = tensors.iter_mut().find(|tensor| tensor.name == name).unwrap();
        own.bytes[..4].copy_from_slice(&32_768_i32.to_le_bytes());
        let file = file_with(RELU, &tensors);
        let error = Mlp::<2, 1, 3, 1, Relu>::try_from_safetensors(&file).unwrap_err().to_string();
        assert!(error.contains("output 0 could exceed 32 bits"), "{error}");
    }
}
