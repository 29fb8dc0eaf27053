//! A float network, evaluated so that its units are seen.

use flowlet::ActivationKind;

use crate::network::Network;
use crate::network::products::{Panels, Part};

/// A network that is evaluated at many points.
pub(super) struct Packed {
    activation: ActivationKind,
    /// Each layer and its number of outputs.
    layers: Vec<(Panels, usize)>,
}

impl Packed {
    /// Packs the weights of `network`.
    pub(super) fn of(network: &Network) -> Self {
        let shape = network.shape();
        let layers = network.layers().into_iter().zip(shape.layers());
        let layers = layers.map(|([weight, bias], shape)| {
            let mut panels = Panels::new(shape);
            panels.parts_of_transpose(weight, bias).for_each(Part::pack);
            (panels, shape[1])
        });
        Self { activation: shape.activation, layers: layers.collect() }
    }

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
