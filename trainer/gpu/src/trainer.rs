//! Training on a machine: memory for a batch's way through the network and back, and the work of an iteration.

use std::ffi::c_void;

use flowlet::ActivationKind;

use crate::layout::Layout;
use crate::machine::{
    ActivateArguments, AdamArguments, Address, AdvanceArguments, Arguments, ChainArguments,
    DrawArguments, Error, ErrorArguments, Factor, FinishArguments, Machine, Product, Result,
    SlopeArguments, SquaresArguments, Tiles,
};

/// The most iterations whose losses are read together.
pub const AT_ONCE: usize = 64;

/// What is trained.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Data dimensions, `D`.
    pub data: usize,
    /// Condition dimensions, `C`.
    pub conditions: usize,
    /// `[inputs, outputs]` of each linear layer. The first has `1 + D + C` inputs, the last `D` outputs.
    pub layers: Vec<[usize; 2]>,
    /// The activation between the layers.
    pub activation: ActivationKind,
    /// What the network learns.
    pub task: Task,
    /// Rows in a batch.
    pub batch: usize,
    /// The largest norm of the gradient, if it is limited.
    pub gradient_clip: Option<f64>,
    /// Whether an average of the weights is kept.
    pub averages: bool,
    /// The seed of the batches that are drawn on the machine.
    pub seed: u64,
}

/// What a network learns.
#[derive(Clone, Debug, PartialEq)]
pub enum Task {
    /// The velocity `x_1 − x_0` at the points `(1 − t)·x_0 + t·x_1`.
    Velocity,
    /// The endpoint `x_1` of Euler's steps from `x_0` over these times, `[N + 1]`.
    Endpoint(Vec<f32>),
}

/// A batch, or rows for batches, in flow units. Matrices are row by row.
#[derive(Clone, Copy, Debug)]
pub struct Given<'a> {
    /// Noise, `[B, D]`.
    pub x_0: &'a [f32],
    /// Data, `[B, D]`.
    pub x_1: &'a [f32],
    /// Conditions, `[B, C]`.
    pub c: &'a [f32],
    /// Times, `[B]`; none for endpoints.
    pub t: &'a [f32],
}

/// The rows from which batches are drawn on the machine, with replacement.
#[derive(Clone, Copy, Debug)]
pub struct Pools<'a> {
    /// Data, `[N, D]`.
    pub x: &'a [f32],
    /// Conditions, `[N, C]`.
    pub c: &'a [f32],
    /// Rows of the source, `[N, D]`; none for normal noise.
    pub source: Option<&'a [f32]>,
    /// The distribution of times.
    pub times: &'a Times,
    /// The share of samples whose conditions become zeros.
    pub dropout: f32,
}

/// A distribution of times.
#[derive(Clone, Debug)]
pub enum Times {
    /// Uniform on [0, 1).
    Uniform,
    /// The logistic function of a normal number.
    LogitNormal {
        /// Its mean.
        mean: f32,
        /// Its standard deviation.
        deviation: f32,
    },
    /// One of these.
    Rows(Vec<f32>),
}

/// The numbers of one of Adam's steps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// The learning rate divided by `1 − β₁ᵏ`.
    pub rate: f32,
    /// `1 ÷ (1 − β₂ᵏ)`.
    pub scale_v: f32,
    /// What the weights are multiplied by before the step.
    pub decay: f32,
    /// The decay of the weights' average.
    pub average: f32,
}

/// The state of a training, of each weight in the order of the layers, weights before biases.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// The weights.
    pub weights: Vec<f32>,
    /// Adam's first moments.
    pub m: Vec<f32>,
    /// Adam's second moments.
    pub v: Vec<f32>,
    /// The average of the weights; empty if none is kept.
    pub average: Vec<f32>,
}

/// Trains a network on a machine.
#[derive(Debug)]
pub struct Trainer {
    machine: Box<dyn Machine>,
    settings: Settings,
    layout: Layout,
    /// The distance from one row of the first layer's inputs to the next.
    stride: usize,
    tiles: Tiles,
    memory: Memory,
    draw: DrawArguments,
    /// Whether an iteration's work is recorded.
    recorded: bool,
    /// Iterations begun since [`Self::begin`].
    begun: usize,
}

/// Addresses in the machine's memory.
#[derive(Debug)]
struct Memory {
    weights: Address,
    gradients: Address,
    m: Address,
    v: Address,
    average: Address,
    /// Of each solver step, the inputs of each layer: `[B, stride]`.
    inputs: Vec<Vec<Address>>,
    /// Of each solver step, what each hidden layer gives its activation: `[B, outputs]`.
    arguments: Vec<Vec<Address>>,
    /// Gradients with respect to those, of two layers in turns.
    back: [Address; 2],
    /// The network's answer, `[B, D]`, and afterwards the gradient with respect to it.
    answer: Address,
    wanted: Address,
    /// With respect to the points of a solver's path, `[B, D]`.
    gradient: Address,
    /// With respect to a step's starting points, `[B, D]`.
    through: Address,
    /// Of the errors and the squares, a sum for each block.
    errors: Address,
    squares: Address,
    /// Of the biases' gradients, a sum for each chunk of rows: `[chunks, biases]`.
    sums: Address,
    /// `struct Now`, and behind it the table of steps.
    now: Address,
    /// Of each iteration, and behind them the norms.
    losses: Address,
    given: [Address; 4],
}

/// 32-bit words of `struct Now` in `kernels.c`.
const NOW_WORDS: usize = 10;

impl Trainer {
    pub(crate) fn new(
        mut machine: Box<dyn Machine>,
        settings: Settings,
        pools: Option<Pools<'_>>,
    ) -> Result<Self> {
        let Settings { data, conditions, batch, .. } = settings;
        let layout = Layout::new(&settings.layers);
        // Rows begin at multiples of 16 bytes.
        let stride = (1 + data + conditions).next_multiple_of(4);
        let width = settings.layers.iter().map(|[_, outputs]| *outputs).max().unwrap_or(0);
        let widest = width.max(stride);
        if i32::try_from(batch.saturating_mul(widest)).is_err() {
            return Err(Error(format!(
                "a batch of {batch} rows {widest} wide is too large for the card's products: choose a smaller \
                 batch_size"
            )));
        }
        let tiles = machine.tiles(batch, width);
        let memory = Memory::new(machine.as_mut(), &settings, &layout, stride, tiles)?;
        let mut draw = DrawArguments {
            inputs: memory.inputs[0][0],
            wanted: memory.wanted,
            x_0: Address::NULL,
            x_1: Address::NULL,
            c: Address::NULL,
            t: Address::NULL,
            rows_x: Address::NULL,
            rows_c: Address::NULL,
            rows_source: Address::NULL,
            rows_t: Address::NULL,
            iteration: memory.now,
            seed: settings.seed,
            data: word(data),
            conditions: word(conditions),
            stride: word(stride),
            rows: 0,
            source_rows: 0,
            time_rows: 0,
            logit_normal: 0,
            time_mean: 0.0,
            time_deviation: 0.0,
            dropout: 0.0,
            first_time: match &settings.task {
                Task::Velocity => -1.0,
                Task::Endpoint(times) => times[0],
            },
        };
        match pools {
            None => {
                let [x_0, x_1, c, t] = memory.given;
                draw = DrawArguments { x_0, x_1, c, t, ..draw };
            }
            Some(pools) => {
                let mut upload = |values: &[f32]| {
                    let address = machine.zeros(values.len())?;
                    machine.write(words(values), address).map(|()| address)
                };
                draw.rows_x = upload(pools.x)?;
                draw.rows_c = upload(pools.c)?;
                draw.rows = word(pools.x.len() / data);
                draw.dropout = pools.dropout;
                if let Some(source) = pools.source {
                    draw.rows_source = upload(source)?;
                    draw.source_rows = word(source.len() / data);
                }
                match pools.times {
                    Times::Uniform => {}
                    Times::LogitNormal { mean, deviation } => {
                        draw.logit_normal = 1;
                        draw.time_mean = *mean;
                        draw.time_deviation = *deviation;
                    }
                    Times::Rows(times) => {
                        draw.rows_t = upload(times)?;
                        draw.time_rows = word(times.len());
                    }
                }
            }
        }
        Ok(Self {
            machine,
            settings,
            layout,
            stride,
            tiles,
            memory,
            draw,
            recorded: false,
            begun: 0,
        })
    }

    /// Sets the state of the training.
    ///
    /// # Errors
    ///
    /// When the card fails.
    ///
    /// # Panics
    ///
    /// When a part of the state has another length than the weights.
    pub fn set(&mut self, state: &State) -> Result<()> {
        let Memory { weights, m, v, average, .. } = self.memory;
        for (values, address) in [(&state.weights, weights), (&state.m, m), (&state.v, v)] {
            self.machine.write(words(&self.layout.pack(values)), address)?;
        }
        if self.settings.averages {
            self.machine.write(words(&self.layout.pack(&state.average)), average)?;
        }
        Ok(())
    }

    /// Returns the state of the training after all iterations that were begun.
    ///
    /// # Errors
    ///
    /// When the card fails.
    pub fn state(&mut self) -> Result<State> {
        let Memory { weights, m, v, average, .. } = self.memory;
        let average = if self.settings.averages { self.unpacked(average)? } else { Vec::new() };
        Ok(State {
            weights: self.unpacked(weights)?,
            m: self.unpacked(m)?,
            v: self.unpacked(v)?,
            average,
        })
    }

    /// Returns the weights alone.
    ///
    /// # Errors
    ///
    /// When the card fails.
    pub fn weights(&mut self) -> Result<Vec<f32>> {
        self.unpacked(self.memory.weights)
    }

    fn unpacked(&mut self, address: Address) -> Result<Vec<f32>> {
        let packed = self.floats(address, self.layout.floats())?;
        Ok(self.layout.unpack(&packed))
    }

    fn floats(&mut self, address: Address, count: usize) -> Result<Vec<f32>> {
        let mut bits = vec![0; count];
        self.machine.read(address, &mut bits)?;
        Ok(bits.into_iter().map(f32::from_bits).collect())
    }

    /// Prepares up to [`AT_ONCE`] iterations with these steps. The number of the first one, from 0, chooses the
    /// random numbers of its batch.
    ///
    /// # Errors
    ///
    /// When the card fails.
    pub fn begin(&mut self, first: u64, steps: &[Step]) -> Result<()> {
        assert!(steps.len() <= AT_ONCE, "{} steps at once", steps.len());
        let mut now = [0; NOW_WORDS].to_vec();
        (now[0], now[1]) = (first as u32, (first >> 32) as u32);
        for step in steps {
            let step = [step.rate, step.scale_v, step.decay, step.average];
            now.extend(step.map(f32::to_bits));
        }
        self.machine.write(&now, self.memory.now)?;
        self.begun = 0;
        Ok(())
    }

    /// Begins an iteration: on a batch that is drawn on the machine, or on `given`. It may still run when this
    /// returns.
    ///
    /// # Errors
    ///
    /// When the card fails.
    pub fn iterate(&mut self, given: Option<Given<'_>>) -> Result<()> {
        if let Some(given) = given {
            self.upload(given)?;
        }
        self.begun += 1;
        if self.recorded {
            return self.machine.replay();
        }
        // The first time, libraries allocate memory, which cannot be recorded.
        self.iteration()?;
        if self.machine.begin_recording()? {
            let recorded = self.iteration();
            self.machine.end_recording()?;
            recorded?;
            self.recorded = true;
        }
        Ok(())
    }

    /// Waits for the iterations since [`Self::begin`]. Returns the loss of each, and the norm of its gradient before it
    /// was clipped.
    ///
    /// # Errors
    ///
    /// When the card fails.
    pub fn finish(&mut self) -> Result<Vec<[f32; 2]>> {
        let known = self.floats(self.memory.losses, 2 * AT_ONCE)?;
        let (losses, norms) = known.split_at(AT_ONCE);
        Ok(losses.iter().zip(norms).take(self.begun).map(|(&loss, &norm)| [loss, norm]).collect())
    }

    /// Returns the weights that would be exported: their average, if one is kept.
    ///
    /// # Errors
    ///
    /// When the card fails.
    pub fn exported(&mut self) -> Result<Vec<f32>> {
        self.unpacked(self.exported_at())
    }

    fn exported_at(&self) -> Address {
        if self.settings.averages { self.memory.average } else { self.memory.weights }
    }

    /// Returns the loss of a batch of any size under the weights that would be exported.
    ///
    /// # Errors
    ///
    /// When the card fails.
    pub fn loss(&mut self, given: Given<'_>) -> Result<f64> {
        let Settings { data, conditions, batch, .. } = self.settings;
        let rows = given.x_1.len() / data;
        let [x_0, x_1, c, t] = self.memory.given;
        let draw = DrawArguments { x_0, x_1, c, t, ..self.draw };
        let weights = self.exported_at();
        let mut sum = 0.0;
        for first in (0..rows).step_by(batch) {
            let n = batch.min(rows - first);
            self.upload(Given {
                x_0: rows_of(given.x_0, first, n, data),
                x_1: rows_of(given.x_1, first, n, data),
                c: rows_of(given.c, first, n, conditions),
                t: rows_of(given.t, first, n, 1),
            })?;
            let blocks = self.forward(n, draw, weights)?;
            let mut bits = vec![0; 2 * blocks as usize];
            self.machine.read(self.memory.errors, &mut bits)?;
            let (sums, _) = bits.as_chunks::<2>();
            sum += sums
                .iter()
                .map(|[low, high]| f64::from_bits(u64::from(*high) << 32 | u64::from(*low)))
                .sum::<f64>();
        }
        Ok(sum / (rows * data) as f64)
    }

    /// Integrates the velocities of the weights that would be exported by Euler's steps over `times` (`[N + 1]`), from each row of
    /// `x_0` (`[n, D]`) under that of `c` (`[n, C]`). Returns the endpoints, `[n, D]`.
    ///
    /// # Errors
    ///
    /// When the card fails.
    pub fn integrate(&mut self, times: &[f32], x_0: &[f32], c: &[f32]) -> Result<Vec<f32>> {
        let Settings { data, conditions, batch, .. } = self.settings;
        let [given_x_0, given_x_1, given_c, t] = self.memory.given;
        let (stride, inputs) = (self.stride, self.memory.inputs[0][0]);
        let rows = x_0.len() / data;
        let weights = self.exported_at();
        let mut reached = Vec::with_capacity(x_0.len());
        for first in (0..rows).step_by(batch) {
            let n = batch.min(rows - first);
            let x_0 = rows_of(x_0, first, n, data);
            self.upload(Given { x_0, x_1: x_0, c: rows_of(c, first, n, conditions), t: &[] })?;
            let draw = DrawArguments {
                x_0: given_x_0,
                x_1: given_x_1,
                c: given_c,
                t,
                first_time: times[0],
                ..self.draw
            };
            self.run((n * data.div_ceil(4)) as u64, draw)?;
            for times in times.windows(2) {
                self.answer(0, n, weights)?;
                let advance = AdvanceArguments {
                    inputs,
                    y: self.memory.answer,
                    bias: self.bias(weights, self.layout.layers.len() - 1),
                    next: inputs,
                    data: word(data),
                    stride: word(stride),
                    t: times[1],
                    dt: times[1] - times[0],
                };
                self.run((n * stride) as u64, advance)?;
            }
            let ends = self.floats(inputs, n * stride)?;
            reached.extend(ends.chunks(stride).flat_map(|row| &row[1..=data]));
        }
        Ok(reached)
    }

    fn upload(&mut self, given: Given<'_>) -> Result<()> {
        let Given { x_0, x_1, c, t } = given;
        for (values, to) in [x_0, x_1, c, t].into_iter().zip(self.memory.given) {
            if !values.is_empty() {
                self.machine.write(words(values), to)?;
            }
        }
        Ok(())
    }

    /// An iteration's work.
    fn iteration(&mut self) -> Result<()> {
        let Settings { data, batch, gradient_clip, .. } = self.settings;
        let error_sums = self.forward(batch, self.draw, self.memory.weights)?;
        for step in (0..self.settings.task.steps()).rev() {
            self.backward(step)?;
            if step > 0 {
                let chain = ChainArguments {
                    gradient: self.memory.gradient,
                    through: self.memory.through,
                    y: self.memory.answer,
                    sums: self.sums_of(self.layout.layers.len() - 1),
                    data: word(data),
                    biases: word(self.layout.biases),
                    dt: self.settings.task.time_step(step - 1),
                };
                self.run_over_rows(batch, data, chain)?;
            }
        }
        let Memory {
            weights, gradients, m, v, average, errors, squares, sums, losses, now, ..
        } = self.memory;
        let tiles = word(self.layout.biases.div_ceil(self.tiles.columns));
        let square_sums = tiles + self.machine.blocks(self.layout.weights as u64);
        let finished = SquaresArguments {
            gradient: gradients,
            sums,
            squares,
            biases: word(self.layout.biases),
            chunks: self.tiles.chunks,
            tiles,
        };
        self.run_in(self.layout.weights as u64, [square_sums, 1], finished)?;
        let finish = FinishArguments {
            errors,
            squares,
            table: now.floats(NOW_WORDS),
            losses,
            norms: losses.floats(AT_ONCE),
            now,
            square_sums,
            clip: gradient_clip.unwrap_or(0.0) as f32,
            scale: 1.0 / (batch * data) as f64,
        };
        self.run_in(u64::from(error_sums), [1, 1], finish)?;
        let average = if self.settings.averages { average } else { Address::NULL };
        let adam = AdamArguments { weights, gradient: gradients, m, v, average, now };
        self.run(self.layout.floats() as u64, adam)
    }

    /// The way of `n` samples from noise to the error, with the gradient with respect to the last answer. Returns
    /// the number of the error's sums.
    fn forward(&mut self, n: usize, draw: DrawArguments, weights: Address) -> Result<u32> {
        let Settings { data, .. } = self.settings;
        let groups = data.div_ceil(4);
        self.run((n * groups) as u64, draw)?;
        let steps = self.settings.task.steps();
        for step in 0..steps {
            self.answer(step, n, weights)?;
            if step + 1 < steps {
                let advance = AdvanceArguments {
                    inputs: self.memory.inputs[step][0],
                    y: self.memory.answer,
                    bias: self.bias(weights, self.layout.layers.len() - 1),
                    next: self.memory.inputs[step + 1][0],
                    data: word(data),
                    stride: word(self.stride),
                    t: self.settings.task.time(step + 1),
                    dt: self.settings.task.time_step(step),
                };
                self.run((n * self.stride) as u64, advance)?;
            }
        }
        let endpoint = matches!(self.settings.task, Task::Endpoint(_));
        let null_unless = |kept: bool, address: Address| if kept { address } else { Address::NULL };
        let last = self.layout.layers.len() - 1;
        let error = ErrorArguments {
            y: self.memory.answer,
            bias: self.bias(weights, last),
            wanted: self.memory.wanted,
            inputs: null_unless(endpoint, self.memory.inputs[steps - 1][0]),
            gradient: null_unless(steps > 1, self.memory.gradient),
            errors: self.memory.errors,
            sums: self.sums_of(last),
            data: word(data),
            biases: word(self.layout.biases),
            stride: word(self.stride),
            dt: self.settings.task.time_step(steps - 1),
            scale: 2.0 / (n * data) as f32,
        };
        self.run_over_rows(n, data, error)
    }

    /// The biases of a layer.
    fn bias(&self, weights: Address, layer: usize) -> Address {
        weights.floats(self.layout.weights + self.layout.layers[layer].bias)
    }

    /// The first sums of the gradients of a layer's biases.
    fn sums_of(&self, layer: usize) -> Address {
        self.memory.sums.floats(self.layout.layers[layer].bias)
    }

    /// The distance from one row of a layer's inputs to the next.
    fn stride_of(&self, layer: usize) -> usize {
        if layer == 0 { self.stride } else { self.layout.layers[layer].inputs }
    }

    /// The network's answer for the inputs of a solver's step, without the last layer's biases.
    fn answer(&mut self, step: usize, n: usize, weights: Address) -> Result<()> {
        let last = self.layout.layers.len() - 1;
        for (k, layer) in self.layout.layers.clone().into_iter().enumerate() {
            let out = if k == last { self.memory.answer } else { self.memory.arguments[step][k] };
            let product = Product {
                a: plain(self.memory.inputs[step][k], self.stride_of(k)),
                b: transposed(weights.floats(layer.weights), layer.inputs),
                out,
                stride: layer.outputs,
                rows: n,
                inner: layer.inputs,
                columns: layer.outputs,
                add: false,
            };
            // SAFETY: the memory is made for these sizes and n ≤ B.
            unsafe { self.machine.multiply(&product)? };
            if k < last {
                let activate = ActivateArguments {
                    z: out,
                    bias: self.bias(weights, k),
                    h: self.memory.inputs[step][k + 1],
                    width: word(layer.outputs),
                    kind: kind(self.settings.activation),
                };
                self.run((n * layer.outputs) as u64, activate)?;
            }
        }
        Ok(())
    }

    /// The gradients with respect to the weights, from that with respect to the answer of a solver's step; they are
    /// added to those of later steps. Before the first step, also that with respect to the step's starting points.
    fn backward(&mut self, step: usize) -> Result<()> {
        let Settings { data, batch, .. } = self.settings;
        let add = step + 1 < self.settings.task.steps();
        let mut above = self.memory.answer;
        for (k, layer) in self.layout.layers.clone().into_iter().enumerate().rev() {
            let product = Product {
                a: transposed(above, layer.outputs),
                b: plain(self.memory.inputs[step][k], self.stride_of(k)),
                out: self.memory.gradients.floats(layer.weights),
                stride: layer.inputs,
                rows: layer.outputs,
                inner: batch,
                columns: layer.inputs,
                add,
            };
            // SAFETY: the memory is made for these sizes.
            unsafe { self.machine.multiply(&product)? };
            let (out, first, columns) = match k {
                0 if step == 0 => break,
                0 => (self.memory.through, 1, data),
                _ => (self.memory.back[k % 2], 0, layer.inputs),
            };
            let product = Product {
                a: plain(above, layer.outputs),
                b: plain(self.memory.weights.floats(layer.weights + first), layer.inputs),
                out,
                stride: columns,
                rows: batch,
                inner: layer.outputs,
                columns,
                add: false,
            };
            // SAFETY: as above.
            unsafe { self.machine.multiply(&product)? };
            if k > 0 {
                let slopes = SlopeArguments {
                    z: self.memory.arguments[step][k - 1],
                    bias: self.bias(self.memory.weights, k - 1),
                    gradient: out,
                    sums: self.sums_of(k - 1),
                    width: word(columns),
                    biases: word(self.layout.biases),
                    kind: kind(self.settings.activation),
                    add: u32::from(add),
                };
                self.run_over_rows(batch, columns, slopes)?;
            }
            above = out;
        }
        Ok(())
    }

    /// Runs a kernel for `n` elements.
    fn run<A: Arguments>(&mut self, n: u64, arguments: A) -> Result<()> {
        self.run_in(n, [self.machine.blocks(n), 1], arguments)
    }

    /// Runs a kernel that sums over the rows of a matrix. Returns in how many blocks.
    fn run_over_rows<A: Arguments>(
        &mut self,
        rows: usize,
        columns: usize,
        arguments: A,
    ) -> Result<u32> {
        let blocks = [word(columns.div_ceil(self.tiles.columns)), self.tiles.chunks];
        self.run_in(rows as u64, blocks, arguments)?;
        Ok(blocks[0] * blocks[1])
    }

    fn run_in<A: Arguments>(&mut self, n: u64, blocks: [u32; 2], arguments: A) -> Result<()> {
        let arguments = (&raw const arguments).cast::<c_void>();
        // SAFETY: the arguments are those of the kernel, and the memory is made for these sizes.
        unsafe { self.machine.launch(A::KERNEL, n, blocks, arguments) }
    }
}

impl Memory {
    fn new(
        machine: &mut dyn Machine,
        settings: &Settings,
        layout: &Layout,
        stride: usize,
        tiles: Tiles,
    ) -> Result<Self> {
        let Settings { data, conditions, batch, .. } = *settings;
        let Layout { ref layers, biases, .. } = *layout;
        let floats = layout.floats();
        let error_blocks = data.div_ceil(tiles.columns) * tiles.chunks as usize;
        let square_blocks =
            biases.div_ceil(tiles.columns) + machine.blocks(layout.weights as u64) as usize;
        let mut zeros = |words: usize| machine.zeros(words);
        let mut inputs = Vec::new();
        let mut arguments = Vec::new();
        for _ in 0..settings.task.steps() {
            let hidden = || layers[..layers.len() - 1].iter().map(|layer| layer.outputs);
            let of = [stride].into_iter().chain(hidden()).map(|columns| zeros(batch * columns));
            inputs.push(of.collect::<Result<Vec<_>>>()?);
            let of = hidden().map(|columns| zeros(batch * columns));
            arguments.push(of.collect::<Result<Vec<_>>>()?);
        }
        let widest = layers[1..].iter().map(|layer| layer.inputs).max().unwrap_or(0);
        Ok(Self {
            weights: zeros(floats)?,
            gradients: zeros(floats)?,
            m: zeros(floats)?,
            v: zeros(floats)?,
            average: zeros(if settings.averages { floats } else { 0 })?,
            inputs,
            arguments,
            back: [zeros(batch * widest)?, zeros(batch * widest)?],
            answer: zeros(batch * data)?,
            wanted: zeros(batch * data)?,
            gradient: zeros(batch * data)?,
            through: zeros(batch * data)?,
            errors: zeros(2 * error_blocks)?,
            squares: zeros(2 * square_blocks)?,
            sums: zeros(tiles.chunks as usize * biases)?,
            now: zeros(NOW_WORDS + 4 * AT_ONCE)?,
            losses: zeros(2 * AT_ONCE)?,
            given: [
                zeros(batch * data)?,
                zeros(batch * data)?,
                zeros(batch * conditions)?,
                zeros(batch)?,
            ],
        })
    }
}

impl Task {
    /// The solver's steps through which an iteration goes.
    fn steps(&self) -> usize {
        match self {
            Self::Velocity => 1,
            Self::Endpoint(times) => times.len() - 1,
        }
    }

    fn time(&self, step: usize) -> f32 {
        match self {
            Self::Velocity => 0.0,
            Self::Endpoint(times) => times[step],
        }
    }

    /// What a step's answer is multiplied by.
    fn time_step(&self, step: usize) -> f32 {
        match self {
            Self::Velocity => 1.0,
            Self::Endpoint(times) => times[step + 1] - times[step],
        }
    }
}

/// `n` rows from the `first` on; nothing where a batch has no such part.
fn rows_of(values: &[f32], first: usize, n: usize, columns: usize) -> &[f32] {
    values.get(first * columns..(first + n) * columns).unwrap_or(&[])
}

fn plain(address: Address, stride: usize) -> Factor {
    Factor { address, stride, transposed: false }
}

fn transposed(address: Address, stride: usize) -> Factor {
    Factor { address, stride, transposed: true }
}

fn word(size: usize) -> u32 {
    u32::try_from(size).expect("sizes are checked when a trainer is made")
}

/// The activation's number in `kernels.c`.
fn kind(activation: ActivationKind) -> u32 {
    match activation {
        ActivationKind::Gelu => 0,
        ActivationKind::GeluTanh => 1,
        ActivationKind::Silu => 2,
        ActivationKind::Selu => 3,
        ActivationKind::Tanh => 4,
        ActivationKind::Relu => 5,
        ActivationKind::Elu => 6,
        ActivationKind::Mish => 7,
        _ => unreachable!("the trainer does not know the activation {activation}"),
    }
}

/// The bits of floats.
fn words(values: &[f32]) -> &[u32] {
    // SAFETY: both have 4 bytes and the same alignment, and any bits are valid.
    unsafe { std::slice::from_raw_parts(values.as_ptr().cast(), values.len()) }
}

#[cfg(all(test, feature = "emulated"))]
mod tests;
