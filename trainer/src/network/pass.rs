//! Both passes through the network, for the rows of a batch.

use super::mlp::Shape;
use super::packed::Packed;
use super::products::{BLOCK, add_outer_products};
use super::sharing::{WORTH_SHARING, share};
use super::slopes::multiply_by_slopes;

/// A forward pass, and all that its backward pass needs. The rows are split into tiles. Both passes take a tile
/// through all layers, so that cores meet once a pass, and what a layer computes is in the cache for the next.
#[derive(Debug)]
pub(crate) struct Pass {
    shape: Shape,
    rows: usize,
    tiles: Vec<Tile>,
}

/// The values of some rows.
#[derive(Debug)]
struct Tile {
    rows: usize,
    /// Each layer's inputs, `[n, I]`: the network's, then activations.
    inputs: Vec<Vec<f32>>,
    /// Each layer's outputs, `[n, O]`, before the activation. The backward pass replaces them by their gradients.
    outputs: Vec<Vec<f32>>,
    /// A gradient of inputs before it is multiplied by slopes; at the end, that of the network's inputs.
    scratch: Vec<f32>,
}

/// The fewest rows in a tile, even if more tiles would occupy more cores.
const FEWEST: usize = 16;

/// Rows of a weight's gradient that one core computes at a time. A multiple of the rows in the kernel's tiles.
const SHARE: usize = 64;

/// Numbers that stay in the L1 cache while they are copied and activated.
const CACHED: usize = 2048;

/// The width from which the kernel for outer products uses its vectors well.
const WIDE: usize = 64;

/// Returns the rows in a tile, where there are `rows`. The values do not depend on it.
fn tile_rows(shape: Shape, rows: usize) -> usize {
    if rows * shape.parameters() < WORTH_SHARING {
        return BLOCK;
    }
    rows.div_ceil(rayon::current_num_threads()).next_multiple_of(4).clamp(FEWEST, BLOCK)
}

impl Pass {
    /// Memory for passes of `rows` rows.
    pub(crate) fn new(shape: Shape, rows: usize) -> Self {
        let most = tile_rows(shape, rows);
        let tile = |at| Tile::new(shape, most.min(rows - at));
        Self { shape, rows, tiles: (0..rows).step_by(most).map(tile).collect() }
    }

    /// The number of rows.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// The network's inputs of each row, `[1 + D + C]`.
    pub(crate) fn inputs_mut(&mut self) -> impl Iterator<Item = &mut [f32]> {
        let width = self.shape.layers()[0][0];
        self.tiles.iter_mut().flat_map(move |tile| tile.inputs[0].chunks_exact_mut(width))
    }

    /// The network's outputs after [`Self::forward`], `[B, D]`, in parts.
    pub(crate) fn outputs(&self) -> impl Iterator<Item = &[f32]> {
        self.tiles.iter().map(|tile| &tile.outputs[tile.outputs.len() - 1][..])
    }

    /// The gradient of the network's inputs of each row, after a [`Self::backward`] that computes it.
    pub(crate) fn input_gradients(&self) -> impl Iterator<Item = &[f32]> {
        let width = self.shape.layers()[0][0];
        self.tiles
            .iter()
            .flat_map(move |tile| tile.scratch[..tile.rows * width].chunks_exact(width))
    }

    /// Computes the outputs for the inputs.
    pub(crate) fn forward(&mut self, packed: &Packed) {
        let work = self.rows * self.shape.parameters();
        share(work, self.tiles.iter_mut(), |tile| tile.forward(packed));
    }

    /// Computes the gradients of all layers' outputs, where `dy` (`[B, D]`) is that of the network's; if `of_inputs`,
    /// also that of the network's inputs.
    pub(crate) fn backward(&mut self, packed: &Packed, dy: &[f32], of_inputs: bool) {
        let mut rest = dy;
        for tile in &mut self.tiles {
            let own = tile.outputs.last_mut().expect("a network has layers");
            let (first, after) = rest.split_at(own.len());
            own.copy_from_slice(first);
            rest = after;
        }
        let work = self.rows * self.shape.parameters();
        share(work, self.tiles.iter_mut(), |tile| tile.backward(packed, of_inputs));
    }

    /// After [`Self::backward`], computes the gradient of all weights and biases, in the network's order. Writes it to
    /// `gradient`, or adds it if `adds`.
    pub(crate) fn weight_gradients(&self, gradient: &mut [f32], adds: bool) {
        let mut parts = Vec::new();
        let mut rest = gradient;
        for (layer, [inputs, outputs]) in self.shape.layers().into_iter().enumerate() {
            let (weight, after) = rest.split_at_mut(inputs * outputs);
            let (bias, after) = after.split_at_mut(outputs);
            rest = after;
            // The kernel's vectors run along columns. With few inputs, the transposed product has the wider
            // rows.
            let transposed = inputs < outputs && inputs < WIDE;
            let share = if transposed { outputs } else { SHARE };
            let pairs = weight.chunks_mut(share * inputs).zip(bias.chunks_mut(share));
            parts.extend(pairs.enumerate().map(|(k, (weight, bias))| Part {
                layer,
                shape: [inputs, outputs],
                at: k * share,
                transposed,
                weight,
                bias,
            }));
        }
        let work = self.rows * self.shape.parameters();
        share(work, parts.into_iter(), |part| part.compute(&self.tiles, adds));
    }
}

impl Tile {
    fn new(shape: Shape, rows: usize) -> Self {
        let layers = shape.layers();
        let values = |width: usize| vec![0.0; rows * width];
        Self {
            rows,
            inputs: layers.iter().map(|[inputs, _]| values(*inputs)).collect(),
            outputs: layers.iter().map(|[_, outputs]| values(*outputs)).collect(),
            scratch: values(layers.iter().map(|[inputs, _]| *inputs).max().unwrap_or(0)),
        }
    }

    fn forward(&mut self, packed: &Packed) {
        for (k, layer) in packed.layers.iter().enumerate() {
            let x = &mut self.inputs[k];
            if k > 0 {
                for (x, z) in x.chunks_mut(CACHED).zip(self.outputs[k - 1].chunks(CACHED)) {
                    x.copy_from_slice(z);
                    packed.activation().apply_slice(x);
                }
            }
            layer.forward(x, &mut self.outputs[k]);
        }
    }

    fn backward(&mut self, packed: &Packed, of_inputs: bool) {
        for (k, layer) in packed.layers.iter().enumerate().rev() {
            let dx = &mut self.scratch[..self.rows * layer.inputs];
            if k > 0 {
                let (before, dy) = self.outputs.split_at_mut(k);
                layer.backward(&dy[0], dx);
                let values = before[k - 1].chunks_mut(CACHED).zip(self.inputs[k].chunks(CACHED));
                for (dx, (z, h)) in dx.chunks_mut(CACHED).zip(values) {
                    multiply_by_slopes(packed.activation(), z, h, dx);
                    z.copy_from_slice(dx);
                }
            } else if of_inputs {
                layer.backward(&self.outputs[0], dx);
            }
        }
    }
}

/// Rows of a layer's weight gradient, and the same part of its bias gradient.
struct Part<'a> {
    layer: usize,
    shape: [usize; 2],
    /// The layer's output that the first row belongs to.
    at: usize,
    transposed: bool,
    weight: &'a mut [f32],
    bias: &'a mut [f32],
}

impl Part<'_> {
    fn compute(self, tiles: &[Tile], adds: bool) {
        let Part { layer: k, shape: [inputs, outputs], at, transposed, weight, bias } = self;
        let dy = || tiles.iter().map(|tile| &tile.outputs[k][..]);
        let x = || tiles.iter().map(|tile| &tile.inputs[k][..]);
        put(weight, adds, |sums| {
            if transposed {
                let mut columns = vec![0.0; sums.len()];
                add_outer_products(x().zip(dy()), [inputs, outputs], 0, &mut columns);
                for (row, sums) in sums.chunks_exact_mut(inputs).enumerate() {
                    for (sum, column) in sums.iter_mut().zip(columns.chunks_exact(outputs)) {
                        *sum = column[row];
                    }
                }
            } else {
                add_outer_products(dy().zip(x()), [outputs, inputs], at, sums);
            }
        });
        put(bias, adds, |sums| {
            for row in dy().flat_map(|dy| dy.chunks_exact(outputs)) {
                for (sum, dy) in sums.iter_mut().zip(&row[at..]) {
                    *sum += dy;
                }
            }
        });
    }
}

/// Calls `compute` on zeros. Writes the result to `out`, or adds it if `adds`.
fn put(out: &mut [f32], adds: bool, compute: impl FnOnce(&mut [f32])) {
    if adds {
        let mut sums = vec![0.0; out.len()];
        compute(&mut sums);
        for (out, sum) in out.iter_mut().zip(&sums) {
            *out += sum;
        }
    } else {
        out.fill(0.0);
        compute(out);
    }
}

/// Returns the network's outputs, `[B, D]`, for the inputs that `fill(row, inputs)` writes. Keeps nothing for a backward
/// pass.
pub(crate) fn outputs(
    packed: &Packed,
    rows: usize,
    fill: impl Fn(usize, &mut [f32]) + Send + Sync,
) -> Vec<f32> {
    let shape = packed.shape();
    let (width, most) = (shape.layers()[0][0], tile_rows(shape, rows));
    let mut y = vec![0.0; rows * shape.data_dim];
    let parts = y.chunks_mut(most * shape.data_dim).enumerate();
    share(rows * shape.parameters(), parts, |(k, y)| {
        let mut tile = Tile::new(shape, y.len() / shape.data_dim);
        for (row, inputs) in tile.inputs[0].chunks_exact_mut(width).enumerate() {
            fill(k * most + row, inputs);
        }
        tile.forward(packed);
        y.copy_from_slice(&tile.outputs[tile.outputs.len() - 1]);
    });
    y
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::by_candle::ByCandle;
    use crate::network::{Network, Passes};
    use candle_core::{Device, Tensor, Var};
    use flowlet::{ActivationKind, Noise};

    fn random(seed: u64, n: usize) -> Vec<f32> {
        let mut values = vec![0.0; n];
        Noise::new(seed).fill(0, &mut values);
        values
    }

    /// A network with random weights that keep the values of all layers near 1, also in wide networks.
    fn network(shape: Shape) -> Network {
        let mut weights = random(1, shape.parameters());
        let mut rest = &mut weights[..];
        for [inputs, outputs] in shape.layers() {
            let (own, after) = rest.split_at_mut((inputs + 1) * outputs);
            own.iter_mut().for_each(|weight| *weight /= (inputs as f32).sqrt());
            rest = after;
        }
        Network::new(shape, weights).unwrap()
    }

    /// The outputs, the weights' gradient and the inputs' gradient of the sum of outputs times `dy`.
    fn both_passes(network: &Network, inputs: &[f32], dy: &[f32]) -> [Vec<f32>; 3] {
        let shape = network.shape();
        let width = shape.layers()[0][0];
        let mut packed = Packed::new(shape, Passes::Both { inputs: true });
        packed.fill(network);
        let mut pass = Pass::new(shape, inputs.len() / width);
        for (own, row) in pass.inputs_mut().zip(inputs.chunks_exact(width)) {
            own.copy_from_slice(row);
        }
        pass.forward(&packed);
        let y = pass.outputs().flatten().copied().collect();
        pass.backward(&packed, dy, true);
        let mut weights = random(5, shape.parameters());
        pass.weight_gradients(&mut weights, false);
        let dx = pass.input_gradients().flatten().copied().collect();
        [y, weights, dx]
    }

    /// The largest error, relative to the largest expected number where that is above 1.
    fn worst(found: &[f32], expected: &[f32]) -> f32 {
        assert_eq!(found.len(), expected.len());
        let largest = expected.iter().fold(1.0_f32, |most, x| most.max(x.abs()));
        let errors = found.iter().zip(expected).map(|(a, b)| (a - b).abs() / largest);
        errors.fold(0.0, |worst, error| if error <= worst { worst } else { error })
    }

    #[test]
    fn values_and_gradients_are_those_of_candles_own_operations() {
        let sizes = [
            (1, [1, 0, 1, 0]),
            (3, [2, 3, 5, 1]),
            (37, [1, 0, 33, 2]),
            (70, [17, 2, 81, 1]),
            (130, [2, 0, 256, 1]),
            (70, [90, 0, 145, 1]),
        ];
        for &activation in ActivationKind::ALL {
            for (rows, [data_dim, condition_dim, hidden_width, hidden_layers]) in sizes {
                let shape =
                    Shape { data_dim, condition_dim, hidden_width, hidden_layers, activation };
                let network = network(shape);
                let width = shape.layers()[0][0];
                let (inputs, dy) = (random(2, rows * width), random(3, rows * data_dim));
                let found = both_passes(&network, &inputs, &dy);

                let candle = ByCandle::new(&network).unwrap();
                let device = Device::Cpu;
                let x = Var::from_slice(&inputs, (rows, width), &device).unwrap();
                let part = |at, n| x.narrow(1, at, n).unwrap();
                let (t, c) = (part(0, 1), part(1 + data_dim, condition_dim));
                let y = candle.velocity(&t, &part(1, data_dim), &c).unwrap();
                let dy = Tensor::from_slice(&dy, (rows, data_dim), &device).unwrap();
                let gradients = (&y * dy).unwrap().sum_all().unwrap().backward().unwrap();
                let flat = |x: &Tensor| x.flatten_all().unwrap().to_vec1::<f32>().unwrap();
                let of = |x: &Tensor| flat(gradients.get(x).unwrap());
                let weights: Vec<f32> =
                    candle.variables().flat_map(|variable| of(variable.as_tensor())).collect();
                for (found, expected) in found.iter().zip([flat(&y), weights, of(x.as_tensor())]) {
                    let error = worst(found, &expected);
                    assert!(error < 5e-5, "{shape:?}, {rows} rows: {error:e}");
                }
            }
        }
    }

    #[test]
    fn cores_do_not_change_a_byte() {
        for (rows, hidden_width, data_dim) in [(100, 160, 3), (64, 256, 2), (33, 300, 100)] {
            let activation = ActivationKind::Gelu;
            let shape =
                Shape { data_dim, condition_dim: 1, hidden_width, hidden_layers: 3, activation };
            assert!(rows * shape.parameters() >= WORTH_SHARING);
            let network = network(shape);
            let inputs = random(2, rows * (2 + data_dim));
            let dy = random(3, rows * data_dim);
            let by = |threads| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(|| both_passes(&network, &inputs, &dy))
            };
            let one = by(1);
            for threads in [2, 3, 7] {
                assert_eq!(by(threads), one, "{shape:?} on {threads} threads");
            }
            let width = shape.layers()[0][0];
            let fill = |row: usize, own: &mut [f32]| {
                own.copy_from_slice(&inputs[row * width..][..width]);
            };
            assert_eq!(outputs(&Packed::of(&network), rows, fill), one[0]);
        }
    }

    #[test]
    fn gradients_are_added_to_those_of_another_pass() {
        let activation = ActivationKind::Tanh;
        let shape =
            Shape { data_dim: 2, condition_dim: 0, hidden_width: 70, hidden_layers: 1, activation };
        let network = network(shape);
        let mut packed = Packed::new(shape, Passes::Both { inputs: false });
        packed.fill(&network);
        let mut pass = Pass::new(shape, 9);
        pass.inputs_mut().for_each(|row| row.copy_from_slice(&[0.1, -0.4, 0.8]));
        pass.forward(&packed);
        pass.backward(&packed, &random(3, 18), false);
        let mut once = vec![f32::NAN; shape.parameters()];
        pass.weight_gradients(&mut once, false);
        let mut twice = once.clone();
        pass.weight_gradients(&mut twice, true);
        assert!(once.iter().zip(&twice).all(|(once, twice)| once + once == *twice));
    }
}
