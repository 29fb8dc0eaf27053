//! The same model with sizes that come from the file: what a command line needs.

use alloc::vec;
use alloc::vec::Vec;
use core::mem;

use crate::activation::ActivationKind;
use crate::fingerprint::Fingerprint;
use crate::kernel;
use crate::lanes::{self, LANES, Start};
use crate::network::{self, Network};
use crate::safetensors::{
    Dims, File, LoadError, Shape, TensorName, check_convention, check_sizes, read_affine,
    read_columns, read_vector,
};
use crate::solver::{HeapStages, SolverKind, Steps};
use crate::walk::{AfterStep, Guide, Walk};

/// An [`Mlp`](crate::Mlp) whose sizes come from the file. Same kernels, same bits.
#[derive(Clone, Debug)]
pub struct HeapMlp {
    dims: Dims,
    activation: ActivationKind,
    first: First,
    /// The hidden layers, one after the other.
    hidden: Layers,
    last: Layers,
    data: Affine,
    condition: Affine,
}

#[derive(Clone, Debug)]
struct First {
    bias: Vec<f32>,
    condition: Vec<f32>,
    time: Vec<f32>,
    state: Vec<f32>,
}

#[derive(Clone, Debug)]
struct Layers {
    bias: Vec<f32>,
    /// In [panels](crate::panel).
    columns: Vec<f32>,
}

impl Layers {
    fn parts(&self) -> network::Layers<'_> {
        network::Layers { bias: &self.bias, columns: &self.columns }
    }
}

#[derive(Clone, Debug)]
struct Affine {
    mean: Vec<f32>,
    scale: Vec<f32>,
}

/// The buffers of an evaluation, from [`HeapMlp::scratch`]: one per thread.
#[derive(Clone, Debug)]
pub struct Scratch {
    pub(crate) prefix: Vec<f32>,
    /// That of the unconditional velocity, under guidance.
    pub(crate) unconditional_prefix: Vec<f32>,
    units: Vec<f32>,
    next: Vec<f32>,
    condition: Vec<f32>,
    x: Vec<f32>,
    /// The unconditional velocity, under guidance.
    u: Vec<f32>,
    pub(crate) stages: HeapStages,
    pub(crate) lanes: LaneScratch,
}

/// The buffers of [`LANES`] samples side by side.
#[derive(Clone, Debug)]
pub(crate) struct LaneScratch {
    pub(crate) x: Vec<[f32; LANES]>,
    pub(crate) v: Vec<[f32; LANES]>,
    pub(crate) stages: HeapStages,
    pub(crate) condition: Vec<[f32; LANES]>,
    prefix: Vec<[f32; LANES]>,
    units: Vec<[f32; LANES]>,
    next: Vec<[f32; LANES]>,
}

impl HeapMlp {
    /// Reads a model of any size. Without metadata its activation is the exact GELU, and the
    /// inputs past `t` and `x` are conditions.
    ///
    /// # Errors
    ///
    /// [`LoadError`], whatever the bytes.
    pub fn try_from_safetensors(bytes: &[u8]) -> Result<Self, LoadError> {
        let file = File::open(bytes)?;
        let layers = file.layers();
        if layers < 2 {
            return Err(LoadError::LayerCount { found: layers });
        }
        let dims = read_dims(&file, layers)?;
        let activation = read_activation(&file)?;
        check_convention(&file, activation, dims.hidden_layers)?;

        let Dims { data, condition, width, .. } = dims;
        let mut first = First {
            bias: vec![0.0; width],
            condition: vec![0.0; condition * width],
            time: vec![0.0; width],
            state: vec![0.0; data * width],
        };
        let tensor = TensorName::Weight { layer: 0 };
        let shape = (width, 1 + data + condition);
        read_columns(&file, tensor, shape, 0, &mut first.time)?;
        read_columns(&file, tensor, shape, 1, &mut first.state)?;
        read_columns(&file, tensor, shape, 1 + data, &mut first.condition)?;
        read_vector(&file, TensorName::Bias { layer: 0 }, &mut first.bias)?;
        let read = |layers: core::ops::Range<usize>, outputs: usize| {
            // Before the allocation: no file may ask for more memory than it has bytes.
            for layer in layers.clone() {
                file.required(TensorName::Weight { layer }, Shape::matrix(outputs, width))?;
            }
            let mut bias = vec![0.0; layers.len() * outputs];
            let mut columns = vec![0.0; layers.len() * outputs * width];
            let each =
                columns.chunks_exact_mut(outputs * width).zip(bias.chunks_exact_mut(outputs));
            for (layer, (columns, bias)) in layers.zip(each) {
                let tensor = TensorName::Weight { layer };
                read_columns(&file, tensor, (outputs, width), 0, columns)?;
                read_vector(&file, TensorName::Bias { layer }, bias)?;
            }
            Ok::<_, LoadError>(Layers { bias, columns })
        };
        let hidden = read(1..layers - 1, width)?;
        let last = read(layers - 1..layers, data)?;
        let affine = |names, k| {
            let mut affine = Affine { mean: vec![0.0; k], scale: vec![1.0; k] };
            read_affine(&file, names, &mut affine.mean, &mut affine.scale)?;
            Ok(affine)
        };
        let units = affine((TensorName::DataMean, TensorName::DataScale), data)?;
        let names = (TensorName::ConditionMean, TensorName::ConditionScale);
        let condition = affine(names, condition)?;
        file.check_extent(layers)?;
        check_sizes(&file, dims)?;
        Ok(Self { dims, activation, first, hidden, last, data: units, condition })
    }

    /// Data dimensions, `D`.
    pub fn data_dim(&self) -> usize {
        self.dims.data
    }

    /// Condition dimensions, `C`.
    pub fn condition_dim(&self) -> usize {
        self.dims.condition
    }

    /// Hidden width, `H`.
    pub fn hidden_width(&self) -> usize {
        self.dims.width
    }

    /// Hidden-to-hidden layers, `L`.
    pub fn hidden_layers(&self) -> usize {
        self.dims.hidden_layers
    }

    /// The activation between the layers.
    pub fn activation(&self) -> ActivationKind {
        self.activation
    }

    /// As [`Mlp::fingerprint`](crate::Mlp::fingerprint): the same number for the same file.
    pub fn fingerprint(&self) -> u64 {
        let Dims { data, condition, width, hidden_layers } = self.dims;
        let sizes = [data, condition, width, hidden_layers];
        let mut fingerprint = Fingerprint::new(self.activation.name(), sizes);
        let First { bias, condition, time, state } = &self.first;
        fingerprint.add(bias);
        for columns in [condition, time, state] {
            fingerprint.add_columns(columns, width);
        }
        for (bias, columns) in self.hidden.parts().each(width) {
            fingerprint.add(bias);
            fingerprint.add_columns(columns, width);
        }
        fingerprint.add(&self.last.bias);
        fingerprint.add_columns(&self.last.columns, data);
        for Affine { mean, scale } in [&self.data, &self.condition] {
            fingerprint.add(mean);
            fingerprint.add(scale);
        }
        fingerprint.value()
    }

    /// Buffers for this model's evaluations.
    pub fn scratch(&self) -> Scratch {
        let Dims { data, condition, width, .. } = self.dims;
        Scratch {
            prefix: vec![0.0; width],
            unconditional_prefix: vec![0.0; width],
            units: vec![0.0; width],
            next: vec![0.0; width],
            condition: vec![0.0; condition],
            x: vec![0.0; data],
            u: vec![0.0; data],
            stages: HeapStages::new(data),
            lanes: LaneScratch {
                x: vec![[0.0; LANES]; data],
                v: vec![[0.0; LANES]; data],
                stages: HeapStages::new(data * LANES),
                condition: vec![[0.0; LANES]; condition],
                prefix: vec![[0.0; LANES]; width],
                units: vec![[0.0; LANES]; width],
                next: vec![[0.0; LANES]; width],
            },
        }
    }

    /// The velocity at `t` and `x` (`[D]`, flow units) under `c` (`[C]`, the user's units).
    ///
    /// # Panics
    ///
    /// On slices of other lengths, or the scratch of a model of another size.
    pub fn velocity<'s>(
        &self,
        t: f32,
        x: &[f32],
        c: &[f32],
        scratch: &'s mut Scratch,
    ) -> &'s [f32] {
        self.condition_on(c, scratch);
        // Where a step of no length begins.
        let steps = Steps { kind: SolverKind::Euler, t: &[t], dt: &[0.0] };
        let mut x_after = mem::take(&mut scratch.x);
        x_after.clear();
        x_after.extend_from_slice(x);
        self.walk(steps, None, &mut x_after, scratch, None);
        scratch.x = x_after;
        &scratch.stages.v[0]
    }

    /// From flow units to data units, in place: `x · data.scale + data.mean`, `x` being `[D]`.
    pub fn to_data_units(&self, x: &mut [f32]) {
        assert_eq!(x.len(), self.dims.data, "x has one value per data dimension");
        kernel::to_data_units(x, &self.data.mean, &self.data.scale);
    }

    /// From data units to flow units, in place: `(x − data.mean) ÷ data.scale`, `x` being `[D]`.
    pub fn to_flow_units(&self, x: &mut [f32]) {
        assert_eq!(x.len(), self.dims.data, "x has one value per data dimension");
        kernel::to_flow_units(x, &self.data.mean, &self.data.scale);
    }

    /// As [`Mlp::null_condition`](crate::Mlp::null_condition), `[C]`.
    pub fn null_condition(&self) -> &[f32] {
        &self.condition.mean
    }

    /// The first layer's bias and condition terms, in this order.
    pub(crate) fn condition_on(&self, c: &[f32], scratch: &mut Scratch) {
        assert_eq!(c.len(), self.dims.condition, "c has one value per condition");
        let affine = self.condition.mean.iter().zip(&self.condition.scale);
        for ((out, &c), (&mean, &scale)) in scratch.condition.iter_mut().zip(c).zip(affine) {
            *out = kernel::standardize(c, mean, scale);
        }
        let Scratch { prefix, condition, .. } = scratch;
        kernel::affine(prefix, &self.first.bias, None, &self.first.condition, condition);
    }

    /// Goes `steps` from `x` (`[D]`) on, from the first layer's prefix on; under guidance of this weight, if
    /// of any, away from the unconditional prefix.
    pub(crate) fn walk<'a>(
        &'a self,
        steps: Steps<'a>,
        guidance: Option<f32>,
        x: &'a mut [f32],
        scratch: &'a mut Scratch,
        after_step: Option<AfterStep<'a>>,
    ) {
        assert_eq!(x.len(), self.dims.data, "x has one value per data dimension");
        let Scratch { prefix, unconditional_prefix, units, next, u, stages, .. } = scratch;
        self.activation.walk(&mut Walk {
            steps,
            network: Network {
                time: &self.first.time,
                state: &self.first.state,
                hidden: self.hidden.parts(),
                last: self.last.parts(),
                units: [units, next],
            },
            prefix,
            guidance: guidance.map(|weight| Guide { weight, prefix: unconditional_prefix, u }),
            x,
            stages: stages.parts(),
            after_step,
        });
    }

    /// [`Self::condition_on`] of the conditions in `lanes.condition`, which are in flow units after.
    pub(crate) fn condition_lanes_on(&self, lanes: &mut LaneScratch) {
        let affine = self.condition.mean.iter().zip(&self.condition.scale);
        for (c, (&mean, &scale)) in lanes.condition.iter_mut().zip(affine) {
            *c = c.map(|c| kernel::standardize(c, mean, scale));
        }
        let LaneScratch { prefix, condition, .. } = lanes;
        let start = Start::Same(&self.first.bias);
        lanes::affine(prefix, start, None, &self.first.condition, condition);
    }

    /// The velocities into `lanes.v`, from the first layer's prefix on: the lanes' own, or `all`'s.
    pub(crate) fn lane_velocity_after(
        &self,
        all: Option<&[f32]>,
        t: f32,
        x: &[[f32; LANES]],
        lanes: &mut LaneScratch,
    ) {
        let LaneScratch { prefix, units, next, v, .. } = lanes;
        let start = all.map_or(Start::Each(prefix), Start::Same);
        lanes::affine(units, start, Some((&self.first.time, t)), &self.first.state, x);
        self.activation.activate(units.as_flattened_mut());
        for (bias, columns) in self.hidden.parts().each(self.dims.width) {
            lanes::affine(next, Start::Same(bias), None, columns, units);
            self.activation.activate(next.as_flattened_mut());
            mem::swap(units, next);
        }
        lanes::affine(v, Start::Same(&self.last.bias), None, &self.last.columns, units);
        kernel::make_canonical(v.as_flattened_mut());
    }

    /// The first layer's bias: what its sums begin with where there are no conditions.
    pub(crate) fn bias(&self) -> &[f32] {
        &self.first.bias
    }
}

/// The sizes, from the shapes of the first and the last weight.
fn read_dims(file: &File<'_>, layers: usize) -> Result<Dims, LoadError> {
    let name = |layer| TensorName::Weight { layer };
    let (first, last) = (file.shape(name(0))?, file.shape(name(layers - 1))?);
    let mismatch =
        |layer, expected, found| LoadError::Shape { tensor: name(layer), expected, found };
    let Some((width, inputs)) = first.as_matrix() else {
        return Err(mismatch(0, Shape::matrix(1, 2), first));
    };
    let Some((data, last_inputs)) = last.as_matrix() else {
        return Err(mismatch(layers - 1, Shape::matrix(1, width), last));
    };
    // At least the columns t and x.
    let columns = data.saturating_add(1);
    if width == 0 || inputs < columns {
        return Err(mismatch(0, Shape::matrix(width.max(1), columns), first));
    }
    if data == 0 || last_inputs != width {
        return Err(mismatch(layers - 1, Shape::matrix(data.max(1), width), last));
    }
    Ok(Dims { data, condition: inputs - columns, width, hidden_layers: layers - 2 })
}

fn read_activation(file: &File<'_>) -> Result<ActivationKind, LoadError> {
    const KEY: &str = "flowlet.activation";
    let Some(found) = file.metadata(KEY)? else { return Ok(ActivationKind::Gelu) };
    match ActivationKind::from_name(found.as_bytes()) {
        Some(kind) if found.is(kind.name()) => Ok(kind),
        // `check_metadata` says it with the same words.
        _ => Ok(ActivationKind::Gelu),
    }
}
