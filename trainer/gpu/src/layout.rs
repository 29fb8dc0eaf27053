//! Where a network's weights are in a machine's memory: those of all layers, and behind them all biases.

/// A linear layer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layer {
    pub inputs: usize,
    pub outputs: usize,
    /// Where its weights begin, `[outputs, inputs]`.
    pub weights: usize,
    /// Where its biases begin, `[outputs]`, among all biases.
    pub bias: usize,
}

/// A network's layers.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub layers: Vec<Layer>,
    /// Weights without biases.
    pub weights: usize,
    pub biases: usize,
}

impl Layout {
    /// The layout of a network whose layers have these `[inputs, outputs]`.
    pub fn new(sizes: &[[usize; 2]]) -> Self {
        let (mut weights, mut biases) = (0, 0);
        let layers = sizes
            .iter()
            .map(|&[inputs, outputs]| {
                let layer = Layer { inputs, outputs, weights, bias: biases };
                weights += inputs * outputs;
                biases += outputs;
                layer
            })
            .collect();
        Self { layers, weights, biases }
    }

    /// Weights and biases.
    pub fn floats(&self) -> usize {
        self.weights + self.biases
    }

    /// Returns weights as they are stored on the machine, from each layer's weights and then its biases.
    pub fn pack(&self, values: &[f32]) -> Vec<f32> {
        let (mut packed, mut biases) = (Vec::with_capacity(values.len()), Vec::<f32>::new());
        let mut rest = values;
        for layer in &self.layers {
            let (weights, after) = rest.split_at(layer.inputs * layer.outputs);
            let (bias, after) = after.split_at(layer.outputs);
            packed.extend(weights);
            biases.extend(bias);
            rest = after;
        }
        packed.extend(biases);
        packed
    }

    /// The inverse of [`Self::pack`].
    pub fn unpack(&self, packed: &[f32]) -> Vec<f32> {
        let (weights, biases) = packed.split_at(self.weights);
        let mut values = Vec::with_capacity(packed.len());
        for layer in &self.layers {
            values.extend(&weights[layer.weights..][..layer.inputs * layer.outputs]);
            values.extend(&biases[layer.bias..][..layer.outputs]);
        }
        values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_come_back_as_they_were() {
        let layout = Layout::new(&[[3, 2], [2, 5], [5, 1]]);
        let values: Vec<f32> = (0..8 + 15 + 6).map(|k| k as f32).collect();
        let packed = layout.pack(&values);
        assert_eq!(packed.len(), layout.floats());
        // The second layer's weights follow the first one's, and the biases come last.
        assert_eq!(packed[5..8], [5.0, 8.0, 9.0]);
        assert_eq!(packed[21..], [6.0, 7.0, 18.0, 19.0, 20.0, 21.0, 22.0, 28.0]);
        assert_eq!(layout.unpack(&packed), values);
    }
}
