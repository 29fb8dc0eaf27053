//! Reading model files: valid ones are read, wrong ones are errors, and nothing panics.

mod model_file;

use flowlet::{Columns, LoadError, Mlp, Silu, VelocityField};
use model_file::{Tiny, entries, file, file_of, tensor, tensors};

fn error(bytes: &[u8]) -> LoadError {
    Tiny::try_from_safetensors(bytes).expect_err("a wrong file")
}

fn message(bytes: &[u8]) -> String {
    error(bytes).to_string()
}

fn velocity(bytes: &[u8]) -> [f32; 2] {
    Tiny::try_from_safetensors(bytes).unwrap().velocity(0.5, [0.1, -0.2], [0.3])
}

#[test]
fn key_order_white_space_and_escapes_do_not_matter() {
    let plain = velocity(&file_of(&tensors(), None));
    let (mut entries, data) = entries(&tensors());
    entries.reverse();
    entries[0] = entries[0].replace("net.4.bias", r"\u006eet.4\u002ebias");
    entries[1] = entries[1]
        .replace(r#""dtype":"F32","shape":[2, 3]"#, r#""shape" :[ 2,3 ],"dtype":"F\u00332""#);
    let header = format!("{{\n{}\t}}   ", entries.join(" ,\r\n"));
    assert_eq!(velocity(&file(&header, &data)), plain);
}

#[test]
fn metadata_that_do_not_contradict_the_model_are_accepted() {
    let plain = velocity(&file_of(&tensors(), None));
    for metadata in [
        "{}",
        r#"{"format":"pt","x":"é \" \\ \ud83d\ude00"}"#,
        r#"{"flowlet.format":"1","flowlet.data_dim":"2","flowlet.condition_dim":"1",
            "flowlet.hidden_width":"3","flowlet.hidden_layers":"1","flowlet.activation":"gelu",
            "flowlet.something_new":"?"}"#,
    ] {
        assert_eq!(velocity(&file_of(&tensors(), Some(metadata))), plain);
    }
}

#[test]
fn errors_of_metadata_name_the_key() {
    for (metadata, expected) in [
        (r#"{"flowlet.format":"2"}"#, "metadata `flowlet.format`: expected `1`, found `2`"),
        (r#"{"flowlet.data_dim":"3"}"#, "metadata `flowlet.data_dim`: expected `2`, found `3`"),
        (
            r#"{"flowlet.activation":"silu"}"#,
            "metadata `flowlet.activation`: expected `gelu`, found `silu`",
        ),
        (
            r#"{"flowlet.data_dim":"2","flowlet.data_dim":"2"}"#,
            "metadata `flowlet.data_dim` is in the file twice",
        ),
    ] {
        assert_eq!(message(&file_of(&tensors(), Some(metadata))), expected);
    }
}

#[test]
fn a_file_with_another_activation_than_the_type_is_an_error() {
    let bytes = file_of(&tensors(), Some(r#"{"flowlet.activation":"gelu"}"#));
    let error = Mlp::<2, 1, 3, 1, Silu>::try_from_safetensors(&bytes).unwrap_err();
    assert_eq!(error.to_string(), "metadata `flowlet.activation`: expected `silu`, found `gelu`");
}

#[test]
fn errors_of_tensors_have_the_name_the_expected_and_the_found() {
    let changed = |change: fn(&mut Vec<model_file::Tensor>)| {
        let mut tensors = tensors();
        change(&mut tensors);
        message(&file_of(&tensors, None))
    };
    for (found, expected) in [
        (
            changed(|t| {
                t[2].shape = vec![9];
            }),
            "tensor net.2.weight: expected shape [3, 3], found [9]",
        ),
        (
            changed(|t| t[0].shape = vec![4, 3]),
            "tensor net.0.weight: expected shape [3, 4], found [4, 3]",
        ),
        (
            changed(|t| t[1].dtype = "F64"),
            "tensor net.0.bias: expected dtype `F32, I32, I16, I8 or U8`, found `F64`",
        ),
        (changed(|t| drop(t.remove(3))), "tensor net.2.bias is missing"),
        (
            changed(|t| t.push(model_file::Tensor { name: "net.6.bias", ..t[5].clone() })),
            "tensor `net.6.bias` does not belong to a model of this shape",
        ),
        (
            changed(|t| t.push(model_file::Tensor { name: "head", ..t[5].clone() })),
            "tensor `head` does not belong to a model of this shape",
        ),
        (changed(|t| t.push(t[5].clone())), "tensor net.4.bias is in the file twice"),
        (
            changed(|t| t[4].values[5] = f32::NAN),
            "tensor net.4.weight: element 5 is NaN or infinite, expected a finite number",
        ),
        (
            changed(|t| t[0].values[7] = f32::INFINITY),
            "tensor net.0.weight: element 7 is NaN or infinite, expected a finite number",
        ),
        (
            changed(|t| {
                let scale = vec![1.0, -0.5];
                t.push(model_file::Tensor { name: "data.scale", values: scale, ..t[5].clone() });
            }),
            "tensor data.scale: element 1 is negative, expected a scale of at least 0",
        ),
        (
            changed(|t| t.push(tensor("condition.scale", &[0.0]))),
            "tensor condition.scale: element 0 is zero or negative, expected a positive scale",
        ),
    ] {
        assert_eq!(found, expected);
    }
}

#[test]
fn a_column_with_the_scale_0_is_constant() {
    let mut tensors = tensors();
    tensors.push(tensor("data.mean", &[1.0, 0.1]));
    tensors.push(tensor("data.scale", &[3.0, 0.0]));
    let model = Tiny::try_from_safetensors(&file_of(&tensors, None)).unwrap();
    for x in [0.0, -0.0, 1.5, -1e30] {
        assert_eq!(model.to_data_units([0.0, x]), [1.0, 0.1]);
        assert_eq!(model.to_flow_units([1.0, x]), [0.0, 0.0]);
    }
}

#[test]
fn conditions_and_data_are_converted_by_mean_and_scale() {
    let plain = Tiny::try_from_safetensors(&file_of(&tensors(), None)).unwrap();
    let mut tensors = tensors();
    tensors.push(tensor("condition.mean", &[10.0]));
    tensors.push(tensor("condition.scale", &[4.0]));
    tensors.push(tensor("data.mean", &[1.0, 2.0]));
    tensors.push(tensor("data.scale", &[3.0, 0.5]));
    let scaled = Tiny::try_from_safetensors(&file_of(&tensors, None)).unwrap();
    let x = [0.1, 0.2];
    assert_eq!(scaled.velocity(0.5, x, [12.0]), plain.velocity(0.5, x, [0.5]));
    assert_eq!(scaled.to_data_units([2.0, -1.0]), [7.0, 1.5]);
    assert_eq!(plain.to_data_units([2.0, -1.0]), [2.0, -1.0]);
}

#[test]
fn offsets_must_cover_the_data_once() {
    let (good, data) = entries(&tensors());
    let with = |from: &str, to: &str| {
        let header = format!("{{{}}}", good.join(",")).replace(from, to);
        assert!(header.contains(to));
        error(&file(&header, &data))
    };
    // net.0.bias is at 48..60, net.2.weight at 60..96, net.2.bias at 96..108.
    assert!(matches!(with("[48,60]", "[60,48]"), LoadError::Offsets { .. }));
    assert!(matches!(with("[48,60]", "[48,56]"), LoadError::Offsets { .. }));
    assert!(matches!(with("[48,60]", "[96,108]"), LoadError::Layout { .. }));
    assert!(matches!(with("[48,60]", "[50,62]"), LoadError::Layout { .. }));
    assert!(matches!(
        with("[48,60]", "[18446744073709551603,18446744073709551615]"),
        LoadError::Truncated { .. }
    ));
    let mut longer = data.clone();
    longer.extend([0; 4]);
    assert!(matches!(
        error(&file(&format!("{{{}}}", good.join(",")), &longer)),
        LoadError::Layout { .. }
    ));
}

#[test]
fn a_tensor_without_bytes_lies_between_tensors() {
    let bias = |offsets: &str, shape: &str| {
        let (mut all, data) = entries(&tensors());
        all.push(format!(
            r#""net.6.bias":{{"dtype":"F32","shape":{shape},"data_offsets":{offsets}}}"#
        ));
        error(&file(&format!("{{{}}}", all.join(",")), &data))
    };
    // The only error is that the model has no such layer: net.0.bias is at 48..60.
    for between in ["[0,0]", "[48,48]", "[60,60]"] {
        let found = bias(between, "[0]");
        assert!(matches!(found, LoadError::UnexpectedTensor { .. }), "{between}: {found}");
    }
    for inside in ["[4,4]", "[52,52]", "[59,59]"] {
        let found = bias(inside, "[0]");
        assert!(matches!(found, LoadError::Layout { .. }), "{inside}: {found}");
    }
}

#[test]
fn shapes_whose_product_overflows_are_errors() {
    for shape in ["[4294967296,4294967296,4]", "[4294967296,4294967296,0]"] {
        let header =
            format!(r#"{{"net.0.weight":{{"dtype":"F32","shape":{shape},"data_offsets":[0,0]}}}}"#);
        assert!(matches!(error(&file(&header, &[])), LoadError::Offsets { .. }), "{shape}");
    }
}

#[test]
fn every_dimension_of_a_shape_counts() {
    let with = |shape: &[usize], values: usize| {
        let mut tensors = tensors();
        tensors.push(model_file::Tensor {
            name: "self_test.x",
            dtype: "F32",
            shape: shape.to_vec(),
            values: vec![0.0; values],
        });
        message(&file_of(&tensors, None))
    };
    let offsets = "tensor self_test.x: the data offsets 140 to 144 do not fit its shape";
    assert_eq!(with(&[1, 1, 1, 1, 7], 1), offsets);
    let shape = "tensor self_test.x: expected shape [4, 2], found [1, 1, 1, 1, ...]";
    assert_eq!(with(&[1, 1, 1, 1, 8], 8), shape);
    let shape = "tensor self_test.x: expected shape [4, 2], found [4, 2, 1]";
    assert_eq!(with(&[4, 2, 1], 8), shape);
}

#[test]
fn tensors_that_the_network_does_not_read_are_finite_too() {
    for (name, values) in [("grid", 3), ("self_test.t", 4), ("self_test.dt", 4)] {
        let mut tensors = tensors();
        let mut values = vec![0.5; values];
        values[1] = f32::NAN;
        let shape = vec![values.len()];
        tensors.push(model_file::Tensor { name, dtype: "F32", shape, values });
        assert_eq!(
            message(&file_of(&tensors, None)),
            format!("tensor {name}: element 1 is NaN or infinite, expected a finite number")
        );
    }
}

#[test]
fn no_key_of_flowlet_occurs_in_the_metadata_twice() {
    let twice = |key: &str| format!(r#"{{"{key}":"1","other":"a","{key}":"2"}}"#);
    assert_eq!(
        message(&file_of(&tensors(), Some(&twice("flowlet.config")))),
        "metadata `flowlet.config` is in the file twice"
    );
    // Keys without `flowlet.` are not read, so they may occur twice.
    velocity(&file_of(&tensors(), Some(&twice("format"))));
    let many: Vec<_> = (0..65).map(|key| format!(r#""flowlet.{key}":"""#)).collect();
    velocity(&file_of(&tensors(), Some(&format!("{{{}}}", many[1..].join(",")))));
    let found = message(&file_of(&tensors(), Some(&format!("{{{}}}", many.join(",")))));
    assert!(found.ends_with("expected at most 64 metadata keys that begin with `flowlet.`"));
}

#[test]
fn the_headers_length_is_checked_before_it_is_used() {
    assert!(matches!(error(&[]), LoadError::Truncated { expected: 8, found: 0 }));
    assert!(matches!(error(&[2, 0, 0, 0, 0, 0, 0]), LoadError::Truncated { .. }));
    let mut bytes = (1_u64 << 63).to_le_bytes().to_vec();
    bytes.extend(b"{}");
    assert!(matches!(error(&bytes), LoadError::HeaderTooLong { found } if found == 1 << 63));
    bytes[..8].copy_from_slice(&3_u64.to_le_bytes());
    assert!(matches!(error(&bytes), LoadError::Truncated { expected: 11, found: 10 }));
}

#[test]
fn headers_that_are_not_of_the_prescribed_json_are_errors() {
    for header in [
        "",
        " {}",
        "[]",
        "{",
        r#"{"a"}"#,
        r#"{"a":{}}"#,
        r#"{"a":{"dtype":"F32"}}"#,
        r#"{"a":{"dtype":"F32","dtype":"F32","shape":[],"data_offsets":[0,0]}}"#,
        r#"{"net.0.bias":{"dtype":"F32","shape":[-1],"data_offsets":[0,0]}}"#,
        r#"{"net.0.bias":{"dtype":"F32","shape":[01],"data_offsets":[0,4]}}"#,
        r#"{"net.0.bias":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}}"#,
        r#"{"__metadata__":{"a":1}}"#,
        r#"{"__metadata__":{},"__metadata__":{}}"#,
        r#"{"\x":{}}"#,
        r#"{"\ud800":{}}"#,
        "{\"\n\":{}}",
        r#"{"__metadata__":{}} x"#,
    ] {
        let found = error(&file(header, &[]));
        assert!(matches!(found, LoadError::HeaderSyntax { .. }), "{header}: {found}");
    }
    assert_eq!(error(&file("{}", &[])), LoadError::LayerCount { found: 0 });
    let mut bytes = file(r#"{"é":0}"#, &[]);
    bytes[10] = 0xff;
    assert_eq!(error(&bytes), LoadError::HeaderNotUtf8);
}

#[test]
fn every_truncation_is_an_error() {
    let bytes = file_of(&tensors(), Some(r#"{"flowlet.format":"1"}"#));
    for length in 0..bytes.len() {
        error(&bytes[..length]);
    }
}

#[test]
fn files_with_changed_bytes_do_not_panic() {
    let good = file_of(&tensors(), Some(r#"{"flowlet.format":"1","a":"\u00e9"}"#));
    let mut state = 1_u32;
    let mut random = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as usize
    };
    for _ in 0..100_000 {
        let mut bytes = good.clone();
        for _ in 0..1 + random() % 4 {
            let at = random() % bytes.len();
            bytes[at] = match random() % 3 {
                0 => random() as u8,
                1 => bytes[random() % bytes.len()],
                _ => bytes[at].wrapping_add(1),
            };
        }
        // Both `Ok` and `Err` are correct; a panic is not.
        let _ = Tiny::try_from_safetensors(&bytes);
        #[cfg(feature = "alloc")]
        let _ = flowlet::HeapMlp::try_from_safetensors(&bytes);
    }
}

#[cfg(feature = "alloc")]
#[test]
fn many_duplicates_of_a_tensor_are_an_error_at_the_second() {
    // All of them overlap. Looking up each one would take time that grows with the square of their number.
    let entry = r#""net.0.bias":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}"#;
    let header = format!("{{{}}}", vec![entry; 10_000].join(","));
    let found = flowlet::HeapMlp::try_from_safetensors(&file(&header, &[0; 4])).unwrap_err();
    let tensor = flowlet::TensorName::Bias { layer: 0 };
    assert_eq!(found, LoadError::DuplicateTensor { tensor });
}

#[cfg(feature = "alloc")]
#[test]
fn a_file_cannot_make_the_heap_grow_beyond_its_own_size() {
    // Huge shapes that fit each other, but without data.
    let header = r#"{"net.0.weight":{"dtype":"F32","shape":[1099511627776,2],"data_offsets":[0,0]},
        "net.2.weight":{"dtype":"F32","shape":[1,1099511627776],"data_offsets":[0,0]}}"#;
    let found = flowlet::HeapMlp::try_from_safetensors(&file(header, &[])).unwrap_err();
    assert!(matches!(found, LoadError::Offsets { .. }), "{found}");

    // The wide first and last layers exist. The hidden layer would need 2⁴⁰ floats, but the file has one.
    let width = 1 << 20;
    let tensor = |name, shape: &[usize]| model_file::Tensor {
        name,
        dtype: "F32",
        shape: shape.to_vec(),
        values: vec![0.0; shape.iter().product()],
    };
    let tensors = [
        tensor("net.0.weight", &[width, 2]),
        tensor("net.0.bias", &[width]),
        tensor("net.2.weight", &[1, 1]),
        tensor("net.2.bias", &[width]),
        tensor("net.4.weight", &[1, width]),
        tensor("net.4.bias", &[1]),
    ];
    let found = flowlet::HeapMlp::try_from_safetensors(&file_of(&tensors, None)).unwrap_err();
    assert!(matches!(found, LoadError::Shape { .. }), "{found}");
}

#[test]
fn message_equals_display_and_any_layer_can_be_printed() {
    let error = error(&[]);
    assert_eq!(error.message().as_str(), error.to_string());
    let tensor = flowlet::TensorName::Weight { layer: usize::MAX };
    assert!(tensor.to_string().starts_with("net."), "{tensor}");
    assert!(LoadError::MissingTensor { tensor }.to_string().ends_with("is missing"));
}

#[test]
fn the_velocity_of_an_empty_model_is_0_under_any_condition() {
    let empty = Mlp::<2, 1, 5, 2>::zero();
    for c in [0.0, -3.5, f32::MAX, f32::INFINITY, f32::NAN] {
        let v = empty.velocity(0.3, [0.4, -0.9], [c]);
        assert_eq!(v.map(f32::to_bits), [0; 2], "{c}");
    }
    assert_eq!(empty.to_data_units([1.0, 2.0]), [0.0; 2]);
    assert_eq!(empty.to_flow_units([1.0, 2.0]), [0.0; 2]);
}

#[test]
fn the_kinds_of_columns_are_read_with_a_model() {
    let with = |kind: [f32; 2], least: [f32; 2], most: [f32; 2]| {
        let mut tensors = tensors();
        tensors.push(tensor("columns.kind", &kind));
        tensors.push(tensor("columns.least", &least));
        tensors.push(tensor("columns.most", &most));
        file_of(&tensors, None)
    };
    let none = Columns::<2>::try_from_safetensors(&file_of(&tensors(), None)).unwrap();
    assert!(none.is_empty());
    assert_eq!(none.apply([0.4, -1e30]), [0.4, -1e30]);
    let bytes = with([1.0, 0.0], [f32::MIN, 0.0], [7.0, f32::MAX]);
    assert_eq!(velocity(&bytes), velocity(&file_of(&tensors(), None)));
    let columns = Columns::<2>::try_from_safetensors(&bytes).unwrap();
    assert_eq!(columns.apply([7.6, -0.5]), [7.0, 0.0]);
    assert_eq!(columns.apply([2.5, 0.5]), [2.0, 0.5]);

    let error = |bytes: &[u8]| {
        Columns::<2>::try_from_safetensors(bytes).expect_err("wrong columns").to_string()
    };
    for (kind, least, most, expected) in [
        (
            [0.5, 0.0],
            [0.0; 2],
            [1.0; 2],
            "columns.kind: element 0 is 0, expected a number from 0 to 65535",
        ),
        ([0.0, -1.0], [0.0; 2], [1.0; 2], "columns.kind: element 1 is -1"),
        (
            [0.0, 1.0],
            [0.0, 2.0],
            [1.0; 2],
            "element 1 of columns.least is above that of columns.most",
        ),
        ([0.0, 1.0], [0.0, f32::NAN], [1.0; 2], "columns.least: element 1 is NaN or infinite"),
    ] {
        let found = error(&with(kind, least, most));
        assert!(found.contains(expected), "{found}");
    }
    let mut some = tensors();
    some.push(tensor("columns.least", &[0.0; 2]));
    assert_eq!(error(&file_of(&some, None)), "tensor columns.kind is missing");
    let mut wrong = tensors();
    wrong.push(tensor("columns.most", &[0.0; 3]));
    assert!(
        message(&file_of(&wrong, None)).contains("columns.most: expected shape [2], found [3]")
    );
}
