//! A model of floats or of whole numbers, its solver, and its self-test.

use std::num::NonZeroUsize;

use flowlet_runtime::fixed::{self, INTEGER_CONTRACT};
use flowlet_runtime::{
    CONTRACT, GridError, HeapColumns, HeapMlp, HeapSolver, HeapSolverOf, LoadError, Scalar,
    SolverKind,
};
use safetensors::{Dtype, SafeTensors};

use crate::status::{
    FLOWLET_ARGUMENT, FLOWLET_KIND, FLOWLET_NOT_A_MODEL, FLOWLET_OTHER_BITS, FLOWLET_SIZE, Failure,
};

/// A model and its solver.
pub(crate) struct Loaded {
    pub(crate) network: Network,
    columns: Columns,
    steps: Vec<Step>,
    test: Option<Test>,
}

/// What the data columns can hold.
#[derive(Clone)]
enum Columns {
    Float(HeapColumns),
    Integer(fixed::HeapColumns),
}

#[derive(Clone)]
pub(crate) enum Network {
    Float(HeapMlp, HeapSolver),
    Integer(fixed::HeapMlp, fixed::HeapSolver),
}

/// A solver of one step of the grid.
enum Step {
    Float(HeapSolver),
    Integer(fixed::HeapSolver),
}

/// Golden steps of Euler's method, as bits.
#[derive(Clone)]
struct Test {
    t: Vec<u32>,
    dt: Vec<u32>,
    x: Vec<u32>,
    condition: Vec<u32>,
    next: Vec<u32>,
}

/// The number of steps if neither the file nor the caller says one.
const STEPS: NonZeroUsize = NonZeroUsize::new(50).unwrap();

fn not_a_model(error: LoadError) -> Failure {
    Failure(FLOWLET_NOT_A_MODEL, error.to_string())
}

/// Returns a model's own solver with another kind or number of steps, if there is one.
fn chosen<T: Scalar>(
    own: Result<HeapSolverOf<T>, LoadError>,
    kind: Option<SolverKind>,
    steps: Option<NonZeroUsize>,
    uniform: fn(SolverKind, NonZeroUsize) -> Result<HeapSolverOf<T>, GridError>,
) -> Result<HeapSolverOf<T>, Failure> {
    let own = match own {
        Err(LoadError::MissingTensor { .. }) => None,
        own => Some(own.map_err(not_a_model)?),
    };
    match (own, kind, steps) {
        (Some(own), None, None) => Ok(own),
        (own, kind, steps) => {
            let own_kind = own.as_ref().map(HeapSolverOf::kind);
            let own_steps = own.and_then(|own| NonZeroUsize::new(own.steps()));
            let kind = kind.or(own_kind).unwrap_or(SolverKind::Euler);
            uniform(kind, steps.or(own_steps).unwrap_or(STEPS)).map_err(bad_grid)
        }
    }
}

/// Adds guidance to a solver: a weight and the null condition.
fn guided<T: Scalar>(solver: HeapSolverOf<T>, guidance: Option<(T, &[T])>) -> HeapSolverOf<T> {
    match guidance {
        Some((weight, null)) => solver.guided(weight, null.to_vec()),
        None => solver,
    }
}

/// Returns a solver of each step. Adams-Bashforth's method has a memory, so its steps do not stand alone.
fn single_steps<T: Scalar>(
    solver: &HeapSolverOf<T>,
    guidance: Option<(T, &[T])>,
    of_times: fn(SolverKind, &[T]) -> Result<HeapSolverOf<T>, GridError>,
) -> Result<Vec<HeapSolverOf<T>>, Failure> {
    if solver.kind() == SolverKind::AdamsBashforth2 {
        return Ok(Vec::new());
    }
    let times: Vec<T> = solver.times().collect();
    let step = |pair| of_times(solver.kind(), pair).map_err(bad_grid);
    times.windows(2).map(|pair| Ok(guided(step(pair)?, guidance))).collect()
}

impl Loaded {
    /// Reads a model. `kind` and `steps` replace its own solver.
    pub(crate) fn open(
        bytes: &[u8],
        kind: Option<SolverKind>,
        steps: Option<NonZeroUsize>,
    ) -> Result<Self, Failure> {
        // A file of whole numbers is no file of floats, whose error is then the one to show.
        let network = match (
            HeapMlp::try_from_safetensors(bytes),
            fixed::HeapMlp::try_from_safetensors(bytes),
        ) {
            (Ok(mlp), _) => {
                let own = HeapSolver::try_from_safetensors(bytes);
                Network::Float(mlp, chosen(own, kind, steps, HeapSolver::try_uniform)?)
            }
            (_, Ok(mlp)) => {
                let own = fixed::HeapSolver::try_from_safetensors(bytes);
                Network::Integer(mlp, chosen(own, kind, steps, fixed::HeapSolver::try_uniform)?)
            }
            (Err(float), Err(integer)) => {
                let is_integer = SafeTensors::deserialize(bytes).is_ok_and(|file| {
                    file.tensor("net.0.weight").is_ok_and(|tensor| tensor.dtype() == Dtype::I16)
                });
                return Err(not_a_model(if is_integer { integer } else { float }));
            }
        };
        let columns = match &network {
            Network::Float(..) => HeapColumns::try_from_safetensors(bytes).map(Columns::Float),
            Network::Integer(..) => {
                fixed::HeapColumns::try_from_safetensors(bytes).map(Columns::Integer)
            }
        };
        Self::new(network, columns.map_err(not_a_model)?, None, Test::read(bytes))
    }

    /// The same model with classifier-free guidance.
    pub(crate) fn guided(&self, weight: f32) -> Result<Self, Failure> {
        if self.conditions() == 0 {
            return Err(Failure(
                FLOWLET_ARGUMENT,
                "the model has no conditions to guide by".into(),
            ));
        }
        if !weight.is_finite() || weight.abs() >= 32_768.0 {
            return Err(Failure(
                FLOWLET_ARGUMENT,
                format!("guidance weight {weight}: expected a number below 32768 in magnitude"),
            ));
        }
        Self::new(self.network.clone(), self.columns.clone(), Some(weight), self.test.clone())
    }

    /// Adds guidance to the solver, and makes a solver of each step.
    fn new(
        network: Network,
        columns: Columns,
        weight: Option<f32>,
        test: Option<Test>,
    ) -> Result<Self, Failure> {
        let (network, steps) = match network {
            Network::Float(mlp, solver) => {
                let guidance = weight.map(|weight| (weight, mlp.null_condition()));
                let steps = single_steps(&solver, guidance, HeapSolver::try_from_times)?;
                let solver = guided(solver, guidance);
                (Network::Float(mlp, solver), steps.into_iter().map(Step::Float).collect())
            }
            Network::Integer(mlp, solver) => {
                let guidance = weight.map(|weight| {
                    let weight = (weight * (1 << fixed::WEIGHT_BITS) as f32).round() as i32;
                    (weight, mlp.null_condition())
                });
                let steps = single_steps(&solver, guidance, fixed::HeapSolver::try_from_times)?;
                let solver = guided(solver, guidance);
                (Network::Integer(mlp, solver), steps.into_iter().map(Step::Integer).collect())
            }
        };
        Ok(Self { network, columns, steps, test })
    }

    pub(crate) fn data(&self) -> usize {
        match &self.network {
            Network::Float(mlp, _) => mlp.data_dim(),
            Network::Integer(mlp, _) => mlp.data_dim(),
        }
    }

    pub(crate) fn conditions(&self) -> usize {
        match &self.network {
            Network::Float(mlp, _) => mlp.condition_dim(),
            Network::Integer(mlp, _) => mlp.condition_dim(),
        }
    }

    pub(crate) fn solver(&self) -> (SolverKind, usize) {
        match &self.network {
            Network::Float(_, solver) => (solver.kind(), solver.steps()),
            Network::Integer(_, solver) => (solver.kind(), solver.steps()),
        }
    }

    /// Evaluations of the network for a path. Guidance takes two for each.
    pub(crate) fn evaluations(&self) -> usize {
        match &self.network {
            Network::Float(_, solver) => solver.evaluations(),
            Network::Integer(_, solver) => solver.evaluations(),
        }
    }

    /// The numeric contract's version.
    pub(crate) fn contract(&self) -> u32 {
        match &self.network {
            Network::Float(..) => CONTRACT,
            Network::Integer(..) => INTEGER_CONTRACT,
        }
    }

    /// Checks the lengths of points and conditions. Returns the number of points.
    fn check(&self, x: usize, c: usize) -> Result<usize, Failure> {
        let (data, conditions) = (self.data(), self.conditions());
        if !x.is_multiple_of(data) {
            return Err(Failure(
                FLOWLET_SIZE,
                format!(
                    "{x} numbers of points: expected a multiple of {data}, the model's data dimensions"
                ),
            ));
        }
        let points = x / data;
        if c != conditions && Some(c) != points.checked_mul(conditions) {
            return Err(Failure(
                FLOWLET_SIZE,
                format!(
                    "{c} numbers of conditions: expected {conditions} for all points, or {conditions} for each of \
                     {points}"
                ),
            ));
        }
        Ok(points)
    }

    /// The error of a function of the other kind.
    pub(crate) fn kind(&self) -> Failure {
        let (of, other) = match self.network {
            Network::Float(..) => ("floats", "f32"),
            Network::Integer(..) => ("whole numbers", "i32"),
        };
        Failure(
            FLOWLET_KIND,
            format!("the model is of {of}: call the function that ends in _{other}"),
        )
    }

    pub(crate) fn sample_f32(&self, c: &[f32], x: &mut [f32]) -> Result<(), Failure> {
        let Network::Float(mlp, solver) = &self.network else { return Err(self.kind()) };
        self.check(x.len(), c.len())?;
        let sampled = solver.try_sample_batch(mlp, x, c, &mut mlp.scratch());
        sampled.map_err(|error| Failure(FLOWLET_SIZE, error.to_string()))
    }

    pub(crate) fn sample_i32(&self, c: &[i32], x: &mut [i32]) -> Result<(), Failure> {
        let Network::Integer(mlp, solver) = &self.network else { return Err(self.kind()) };
        self.check(x.len(), c.len())?;
        let sampled = solver.try_sample_batch(mlp, x, c, &mut mlp.scratch());
        sampled.map_err(|error| Failure(FLOWLET_SIZE, error.to_string()))
    }

    fn step(&self, step: usize) -> Result<&Step, Failure> {
        let (kind, steps) = self.solver();
        if kind == SolverKind::AdamsBashforth2 {
            return Err(Failure(
                FLOWLET_ARGUMENT,
                "single steps of ab2 need a memory: open the model with another solver, such as heun".into(),
            ));
        }
        let found = self.steps.get(step);
        found.ok_or_else(|| {
            Failure(FLOWLET_ARGUMENT, format!("step {step}: expected one of 0 to {}", steps - 1))
        })
    }

    pub(crate) fn step_f32(&self, step: usize, c: &[f32], x: &mut [f32]) -> Result<(), Failure> {
        let Network::Float(mlp, _) = &self.network else { return Err(self.kind()) };
        self.check(x.len(), c.len())?;
        let Step::Float(solver) = self.step(step)? else { return Err(self.kind()) };
        let taken = solver.try_integrate_batch(mlp, x, c, &mut mlp.scratch());
        taken.map_err(|error| Failure(FLOWLET_SIZE, error.to_string()))
    }

    pub(crate) fn step_i32(&self, step: usize, c: &[i32], x: &mut [i32]) -> Result<(), Failure> {
        let Network::Integer(mlp, _) = &self.network else { return Err(self.kind()) };
        self.check(x.len(), c.len())?;
        let Step::Integer(solver) = self.step(step)? else { return Err(self.kind()) };
        let taken = solver.try_integrate_batch(mlp, x, c, &mut mlp.scratch());
        taken.map_err(|error| Failure(FLOWLET_SIZE, error.to_string()))
    }

    /// Converts points to data units, or back.
    pub(crate) fn convert_f32(&self, x: &mut [f32], to_data: bool) -> Result<(), Failure> {
        let Network::Float(mlp, _) = &self.network else { return Err(self.kind()) };
        self.check(x.len(), self.conditions())?;
        for x in x.chunks_exact_mut(self.data()) {
            if to_data { mlp.to_data_units(x) } else { mlp.to_flow_units(x) }
        }
        Ok(())
    }

    /// Converts points to data units, or back.
    pub(crate) fn convert_i32(&self, x: &mut [i32], to_data: bool) -> Result<(), Failure> {
        let Network::Integer(mlp, _) = &self.network else { return Err(self.kind()) };
        self.check(x.len(), self.conditions())?;
        for x in x.chunks_exact_mut(self.data()) {
            if to_data { mlp.to_data_units(x) } else { mlp.to_flow_units(x) }
        }
        Ok(())
    }

    /// Makes points in data units such as the columns can hold.
    pub(crate) fn apply_columns_f32(&self, x: &mut [f32]) -> Result<(), Failure> {
        let Columns::Float(columns) = &self.columns else { return Err(self.kind()) };
        self.check(x.len(), self.conditions())?;
        columns.apply(x);
        Ok(())
    }

    /// Makes points in data units such as the columns can hold.
    pub(crate) fn apply_columns_i32(&self, x: &mut [i32]) -> Result<(), Failure> {
        let Columns::Integer(columns) = &self.columns else { return Err(self.kind()) };
        self.check(x.len(), self.conditions())?;
        columns.apply(x);
        Ok(())
    }

    /// Takes the golden steps of the model's file, and compares the bits.
    pub(crate) fn self_test(&self) -> Result<(), Failure> {
        let missing =
            || Failure(FLOWLET_NOT_A_MODEL, "the model's file has no golden steps".to_string());
        let test = self.test.as_ref().ok_or_else(missing)?;
        let (d, c) = (self.data(), self.conditions());
        let count = test.t.len();
        let fits = test.dt.len() == count
            && test.x.len() == count * d
            && test.next.len() == count * d
            && test.condition.len() == count * c;
        if count == 0 || !fits {
            return Err(missing());
        }
        for step in 0..count {
            let row = |values: &[u32], width: usize| values[step * width..][..width].to_vec();
            let x = row(&test.x, d);
            let condition = row(&test.condition, c);
            let (t, dt) = (test.t[step], test.dt[step]);
            let next: Vec<u32> = match &self.network {
                Network::Float(mlp, _) => {
                    let floats =
                        |bits: &[u32]| bits.iter().map(|&x| f32::from_bits(x)).collect::<Vec<_>>();
                    let x = floats(&x);
                    let mut scratch = mlp.scratch();
                    let v = mlp.velocity(f32::from_bits(t), &x, &floats(&condition), &mut scratch);
                    x.iter().zip(v).map(|(x, v)| (x + v * f32::from_bits(dt)).to_bits()).collect()
                }
                Network::Integer(mlp, _) => {
                    let signed = |bits: &[u32]| bits.iter().map(|&x| x as i32).collect::<Vec<_>>();
                    let x = signed(&x);
                    let mut scratch = mlp.scratch();
                    let v = mlp.velocity(t as i32, &x, &signed(&condition), &mut scratch);
                    let moved = |(&x, &v): (&i32, &i32)| {
                        let change =
                            (i64::from(v) * i64::from(dt as i32) + (1 << 29)) >> fixed::TIME_BITS;
                        (i64::from(x) + change).clamp(i32::MIN.into(), i32::MAX.into()) as i32
                            as u32
                    };
                    x.iter().zip(v).map(moved).collect()
                }
            };
            if next != row(&test.next, d) {
                return Err(Failure(
                    FLOWLET_OTHER_BITS,
                    format!(
                        "golden step {step}: this machine computes other bits than the model was verified with"
                    ),
                ));
            }
        }
        Ok(())
    }
}

impl Test {
    /// Reads the golden steps of a file, if it has all of them.
    fn read(bytes: &[u8]) -> Option<Self> {
        let file = SafeTensors::deserialize(bytes).ok()?;
        let read = |name: &str| -> Option<Vec<u32>> {
            let tensor = file.tensor(&format!("self_test.{name}")).ok()?;
            let words = tensor.data().as_chunks::<4>().0;
            Some(words.iter().map(|word| u32::from_le_bytes(*word)).collect())
        };
        Some(Self {
            t: read("t")?,
            dt: read("dt")?,
            x: read("x")?,
            condition: read("condition").unwrap_or_default(),
            next: read("next")?,
        })
    }
}

fn bad_grid(error: impl std::fmt::Display) -> Failure {
    Failure(FLOWLET_ARGUMENT, error.to_string())
}
