//! The float network, evaluated so that its units can be seen.

use anyhow::Result;
use flowlet::ActivationKind;

use crate::disk::tensor_file::TensorFile;
use crate::network::Shape;
use crate::network::products::{Panels, Part};

/// The layers of a float network.
#[derive(Clone, Debug)]
pub(super) struct FloatNetwork {
    pub(super) shape: Shape,
    pub(super) layers: Vec<FloatLayer>,
}

/// A linear layer.
#[derive(Clone, Debug)]
pub(super) struct FloatLayer {
    /// `[outputs][inputs]`.
    pub(super) weight: Vec<f32>,
    /// `[outputs]`.
    pub(super) bias: Vec<f32>,
}

impl FloatNetwork {
    /// Returns the network in a model's file.
    ///
    /// # Errors
    ///
    /// Returns an error if a tensor is missing or not of 32-bit floats.
    pub(super) fn new(file: &TensorFile, shape: Shape) -> Result<Self> {
        let layer = |k: usize| -> Result<FloatLayer> {
            let read = |part: &str| file.tensor(&format!("net.{}.{part}", 2 * k))?.to_f32();
            Ok(FloatLayer { weight: read("weight")?, bias: read("bias")? })
        };
        let layers = (0..shape.hidden_layers + 2).map(layer).collect::<Result<_>>()?;
        Ok(Self { shape, layers })
    }

    /// Packs the weights for [`Packed::velocity`].
    pub(super) fn packed(&self) -> Packed {
        let shapes = self.shape.layers();
        let panels = self.layers.iter().zip(&shapes);
        let panels = panels.map(|(FloatLayer { weight, bias }, &shape)| {
            let mut panels = Panels::new(shape);
            panels.parts_of_transpose(weight, bias).for_each(Part::pack);
            (panels, shape[1])
        });
        Packed { activation: self.shape.activation, layers: panels.collect() }
    }
}

/// A network that is evaluated at many points.
pub(super) struct Packed {
    activation: ActivationKind,
    /// Each layer and its number of outputs.
    layers: Vec<(Panels, usize)>,
}

impl Packed {
    /// Returns the velocities, `[n][D]`, at `inputs`, `[n][1 + D + C]` in flow units. `seen` gets the number of each
    /// layer but the last, and its units, `[n][H]`.
    pub(super) fn velocity(
        &self,
        inputs: &[f32],
        n: usize,
        mut seen: impl FnMut(usize, &[f32]),
    ) -> Vec<f32> {
        let mut values = Vec::new();
        for (k, (panels, outputs)) in self.layers.iter().enumerate() {
            let mut next = vec![0.0; n * outputs];
            panels.multiply(if k == 0 { inputs } else { &values }, &mut next);
            values = next;
            if k + 1 < self.layers.len() {
                self.activation.apply_slice(&mut values);
                seen(k, &values);
            }
        }
        values
    }
}
