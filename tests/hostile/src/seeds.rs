//! Valid model files.

use flowlet::{Mlp, Relu, fixed};

/// The type of the first model: conditions, units, a grid and a self-test.
pub type Whole = Mlp<2, 1, 3, 1>;

/// The type of the second model: the smallest network.
pub type Bare = Mlp<1, 0, 2, 0, Relu>;

/// Returns a file of each type, [`Whole`] first.
pub fn seeds() -> [Vec<u8>; 2] {
    let whole = [
        ("net.0.weight", vec![3, 4]),
        ("net.0.bias", vec![3]),
        ("net.2.weight", vec![3, 3]),
        ("net.2.bias", vec![3]),
        ("net.4.weight", vec![2, 3]),
        ("net.4.bias", vec![2]),
        ("data.mean", vec![2]),
        ("data.scale", vec![2]),
        ("condition.mean", vec![1]),
        ("condition.scale", vec![1]),
        ("grid", vec![3]),
        ("self_test.t", vec![4]),
        ("self_test.dt", vec![4]),
        ("self_test.x", vec![4, 2]),
        ("self_test.condition", vec![4, 1]),
        ("self_test.next", vec![4, 2]),
    ];
    let metadata = r#"{"flowlet.format":"1","flowlet.activation":"gelu","flowlet.data_dim":"2",
        "flowlet.condition_dim":"1","flowlet.hidden_width":"3","flowlet.hidden_layers":"1",
        "flowlet.solver":"heun","flowlet.seed":"7","made by":"h\u00e4nd"}"#;
    let bare = [
        ("net.0.weight", vec![2, 2]),
        ("net.0.bias", vec![2]),
        ("net.2.weight", vec![1, 2]),
        ("net.2.bias", vec![1]),
    ];
    [file(&whole, metadata), file(&bare, r#"{"flowlet.activation":"relu"}"#)]
}

/// The types of the integer models, by the bits of their weights.
pub type Whole16 = fixed::Mlp<2, 1, 3, 1>;
/// The same with 8 bits.
pub type Whole8 = fixed::Mlp8<2, 1, 3, 1>;
/// The same with 4 bits.
pub type Whole4 = fixed::Mlp4<2, 1, 3, 1, 6>;

/// Returns a file of each type of integer model, [`Whole16`] first.
pub fn integer_seeds() -> [Vec<u8>; 3] {
    [("I16", vec![3, 3]), ("I8", vec![3, 3]), ("U8", vec![3, 2])].map(|(dtype, shape)| {
        let tensors = [
            ("net.0.weight", "I16", vec![3, 4]),
            ("net.0.bias", "I32", vec![3]),
            ("net.0.shift", "I8", vec![3]),
            ("net.2.weight", dtype, shape),
            ("net.2.bias", "I32", vec![3]),
            ("net.2.shift", "I8", vec![3]),
            ("net.4.weight", "I16", vec![2, 3]),
            ("net.4.bias", "I32", vec![2]),
            ("net.4.shift", "I8", vec![2]),
            ("units.bits", "I8", vec![2]),
            ("input.bits", "I8", vec![2]),
            ("data.mean", "I32", vec![2]),
            ("data.scale", "I32", vec![2]),
            ("data.shift", "I8", vec![2]),
            ("data.inverse", "I32", vec![2]),
            ("data.inverse_shift", "I8", vec![2]),
            ("data.bits", "I8", vec![1]),
            ("condition.mean", "I32", vec![1]),
            ("condition.scale", "I32", vec![1]),
            ("condition.shift", "I8", vec![1]),
            ("condition.bits", "I8", vec![1]),
            ("grid", "I32", vec![3]),
            ("self_test.t", "I32", vec![4]),
            ("self_test.dt", "I32", vec![4]),
            ("self_test.x", "I32", vec![4, 2]),
            ("self_test.condition", "I32", vec![4, 1]),
            ("self_test.next", "I32", vec![4, 2]),
        ];
        let metadata = r#"{"flowlet.format":"1","flowlet.integer":"1","flowlet.activation":"gelu",
            "flowlet.data_dim":"2","flowlet.hidden_width":"3","flowlet.solver":"heun"}"#;
        let mut header = format!(r#"{{"__metadata__":{metadata}"#);
        let mut data = Vec::new();
        for (name, dtype, shape) in tensors {
            let begin = data.len();
            // Increasing from 1, so that they serve as shifts and times too.
            for k in 1..=shape.iter().product::<usize>() as i32 {
                match dtype {
                    "I32" => data.extend((1000 * k).to_le_bytes()),
                    "I16" => data.extend((100 * k as i16 - 500).to_le_bytes()),
                    // The last four bits of a row belong to no weight.
                    "U8" if k % 2 == 0 => data.push(5),
                    "U8" => data.push(0x2f + k as u8),
                    _ => data.push(k as u8),
                }
            }
            let end = data.len();
            header.push_str(&format!(
                r#","{name}":{{"dtype":"{dtype}","shape":{shape:?},"data_offsets":[{begin},{end}]}}"#
            ));
        }
        header.push('}');
        join(header.as_bytes(), &data)
    })
}

fn file(tensors: &[(&str, Vec<usize>)], metadata: &str) -> Vec<u8> {
    let mut header = format!(r#"{{"__metadata__":{metadata}"#);
    let mut data = Vec::new();
    for (name, shape) in tensors {
        let begin = data.len();
        let elements: usize = shape.iter().product();
        // Increasing from 0.25, so that they serve as scales and times too.
        data.extend((1..=elements).flat_map(|k| (k as f32 * 0.25).to_le_bytes()));
        let end = data.len();
        header.push_str(&format!(
            r#","{name}":{{"dtype":"F32","shape":{shape:?},"data_offsets":[{begin},{end}]}}"#
        ));
    }
    header.push('}');
    join(header.as_bytes(), &data)
}

/// Returns the file with this header and these tensor data.
pub fn join(header: &[u8], data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header, data].concat()
}

/// Returns the header and the tensor data of a file. A header that would go beyond the file's end stops there.
pub fn split(file: &[u8]) -> (&[u8], &[u8]) {
    let Some((length, rest)) = file.split_first_chunk() else { return (file, &[]) };
    let length = u64::from_le_bytes(*length).min(rest.len() as u64);
    rest.split_at(length as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seeds_are_models_of_their_types() {
        let [whole, bare] = seeds();
        Whole::try_from_safetensors(&whole).unwrap();
        Bare::try_from_safetensors(&bare).unwrap();
        let [words, bytes, nibbles] = integer_seeds();
        Whole16::try_from_safetensors(&words).unwrap();
        Whole8::try_from_safetensors(&bytes).unwrap();
        Whole4::try_from_safetensors(&nibbles).unwrap();
    }
}
