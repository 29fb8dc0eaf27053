//! Builds model files by hand, so that tests can make each part wrong.

/// The type of the models here: 2 data dimensions, 1 condition, 3 wide, 1 hidden-to-hidden layer.
pub type Tiny = flowlet::Mlp<2, 1, 3, 1>;

/// A tensor of a file.
#[derive(Clone)]
pub struct Tensor {
    pub name: &'static str,
    pub dtype: &'static str,
    pub shape: Vec<usize>,
    pub values: Vec<f32>,
}

/// The tensors of a [`Tiny`].
pub fn tensors() -> Vec<Tensor> {
    let tensor = |name, shape: &[usize]| {
        let values = (0..shape.iter().product()).map(|k| k as f32 * 0.25 - 1.0).collect();
        Tensor { name, dtype: "F32", shape: shape.to_vec(), values }
    };
    vec![
        tensor("net.0.weight", &[3, 4]),
        tensor("net.0.bias", &[3]),
        tensor("net.2.weight", &[3, 3]),
        tensor("net.2.bias", &[3]),
        tensor("net.4.weight", &[2, 3]),
        tensor("net.4.bias", &[2]),
    ]
}

/// A vector with these values.
#[allow(dead_code, reason = "not every test file that uses this module needs it")]
pub fn tensor(name: &'static str, values: &[f32]) -> Tensor {
    Tensor { name, dtype: "F32", shape: vec![values.len()], values: values.to_vec() }
}

/// The header entries of tensors, and the data that they point to.
pub fn entries(tensors: &[Tensor]) -> (Vec<String>, Vec<u8>) {
    let mut data = Vec::new();
    let entries = tensors
        .iter()
        .map(|Tensor { name, dtype, shape, values }| {
            let begin = data.len();
            data.extend(values.iter().flat_map(|value| value.to_le_bytes()));
            let end = data.len();
            format!(
                r#""{name}":{{"dtype":"{dtype}","shape":{shape:?},"data_offsets":[{begin},{end}]}}"#
            )
        })
        .collect();
    (entries, data)
}

/// A file with this header and this data.
pub fn file(header: &str, data: &[u8]) -> Vec<u8> {
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend_from_slice(header.as_bytes());
    file.extend_from_slice(data);
    file
}

/// A file with these tensors, with or without `__metadata__`.
pub fn file_of(tensors: &[Tensor], metadata: Option<&str>) -> Vec<u8> {
    let (mut entries, data) = entries(tensors);
    if let Some(metadata) = metadata {
        entries.insert(0, format!(r#""__metadata__":{metadata}"#));
    }
    file(&format!("{{{}}}", entries.join(",")), &data)
}
