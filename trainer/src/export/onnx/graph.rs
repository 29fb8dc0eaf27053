//! A graph of ONNX: operations on named tensors, and the constant ones among them.

use std::collections::HashMap;

use super::protobuf::Message;

/// The version of the operations: the oldest that has all of them in their present form, so that old programs read it.
const OPERATIONS: u64 = 13;

/// The version of the format that belongs to it (ONNX 1.8).
const FORMAT: u64 = 7;

/// The numbers that ONNX gives to types: a tensor's elements, an attribute.
const FLOAT: u64 = 1;
const ATTRIBUTE_INT: u64 = 2;

/// A graph under construction. Each operation gets its inputs by name, and returns the name of its output.
#[derive(Debug, Default)]
pub(super) struct Graph {
    nodes: Vec<Message>,
    constants: Vec<Message>,
    /// The names of the numbers among the constants, by their bits.
    numbers: HashMap<u32, String>,
    inputs: Vec<Message>,
    outputs: Vec<Message>,
}

impl Graph {
    /// Adds an input `[n, columns]` and returns its name.
    pub(super) fn input(&mut self, name: &str, columns: usize, described: &str) -> String {
        self.inputs.push(value(name, columns, described));
        name.to_string()
    }

    /// Makes the tensor `from` the output `name` `[n, columns]`.
    pub(super) fn output(&mut self, from: &str, name: &str, columns: usize, described: &str) {
        let node = node("Identity", &[from], name, name);
        self.nodes.push(node);
        self.outputs.push(value(name, columns, described));
    }

    /// Adds a constant, whose name must be new, and returns its name.
    pub(super) fn constant(&mut self, name: &str, shape: &[usize], values: &[f32]) -> String {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let tensor = Message::default();
        let tensor = shape.iter().fold(tensor, |tensor, &size| tensor.int(1, size as u64));
        self.constants.push(tensor.int(2, FLOAT).text(8, name).bytes(9, &bytes));
        name.to_string()
    }

    /// Returns the name of a number without axes, which is added when it is first needed.
    pub(super) fn number(&mut self, value: f64) -> String {
        let value = value as f32;
        if let Some(name) = self.numbers.get(&value.to_bits()) {
            return name.clone();
        }
        let name = format!("number.{}", self.numbers.len());
        self.numbers.insert(value.to_bits(), name.clone());
        self.constant(&name, &[], &[value])
    }

    /// Adds an operation.
    pub(super) fn apply(&mut self, operation: &str, inputs: &[&str]) -> String {
        self.apply_with(operation, inputs, &[])
    }

    /// Adds an operation on a tensor and a number.
    pub(super) fn apply_to_number(&mut self, operation: &str, x: &str, number: f64) -> String {
        let number = self.number(number);
        self.apply(operation, &[x, &number])
    }

    /// Adds an operation with attributes that are integers.
    pub(super) fn apply_with(
        &mut self,
        operation: &str,
        inputs: &[&str],
        attributes: &[(&str, u64)],
    ) -> String {
        let output = format!("{}.{}", operation.to_lowercase(), self.nodes.len());
        let mut found = node(operation, inputs, &output, &output);
        for (name, value) in attributes {
            let attribute = Message::default().text(1, name).int(3, *value).int(20, ATTRIBUTE_INT);
            found = found.message(5, &attribute);
        }
        self.nodes.push(found);
        output
    }

    /// Returns the file of a model with this graph.
    pub(super) fn into_file<'a>(
        self,
        name: &str,
        described: &str,
        metadata: impl Iterator<Item = (&'a String, &'a String)>,
    ) -> Vec<u8> {
        let graph = Message::default()
            .messages(1, &self.nodes)
            .text(2, name)
            .messages(5, &self.constants)
            .text(10, described)
            .messages(11, &self.inputs)
            .messages(12, &self.outputs);
        let entry =
            |(key, value): (&String, &String)| Message::default().text(1, key).text(2, value);
        let metadata: Vec<Message> = metadata.map(entry).collect();
        Message::default()
            .int(1, FORMAT)
            .text(2, "flowlet")
            .text(3, env!("CARGO_PKG_VERSION"))
            .text(6, described)
            .message(7, &graph)
            .message(8, &Message::default().text(1, "").int(2, OPERATIONS))
            .messages(14, &metadata)
            .into_bytes()
    }
}

fn node(operation: &str, inputs: &[&str], output: &str, name: &str) -> Message {
    let node = inputs.iter().fold(Message::default(), |node, input| node.text(1, input));
    node.text(2, output).text(3, name).text(4, operation)
}

/// The description of an input or an output: floats `[n, columns]`, for any n.
fn value(name: &str, columns: usize, described: &str) -> Message {
    let axes = [Message::default().text(2, "n"), Message::default().int(1, columns as u64)];
    let shape = Message::default().messages(1, &axes);
    let tensor = Message::default().int(1, FLOAT).message(2, &shape);
    let kind = Message::default().message(1, &tensor);
    Message::default().text(1, name).message(2, &kind).text(3, described)
}
