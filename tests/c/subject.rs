//! A model as C, the inputs of its test program, and what the runtime computes for them.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use flowlet::{Digest, HeapSolver, SolverKind, fixed};
use flowlet_trainer::coupling::dataset::Units;
use flowlet_trainer::coupling::source::Source;
use flowlet_trainer::data::Standardization;
use flowlet_trainer::data::random::{Stream, generator};
use flowlet_trainer::export::layout::Layout;
use flowlet_trainer::export::name::Name;
use flowlet_trainer::export::{SolverChoice, to_c};
use flowlet_trainer::judge::golden::Golden;
use flowlet_trainer::model::description::Description;
use flowlet_trainer::model::{self, Model};
use flowlet_trainer::network::{Network, Shape};
use flowlet_trainer::quantize::calibration::Calibration;
use flowlet_trainer::quantize::file::{AnyModel, IntegerFile};
use flowlet_trainer::quantize::golden::{IntegerGolden, path_digest};
use flowlet_trainer::quantize::{self, Weights};

use crate::chip::Run;
use crate::root;

/// A model in C, in a directory of its own.
pub(crate) struct Subject {
    pub(crate) name: String,
    pub(crate) directory: tempfile::TempDir,
    pub(crate) expected: Expected,
    /// Whether it computes in floats.
    pub(crate) float: bool,
}

/// Digests of what the test program computes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Expected {
    pub(crate) fingerprint: u64,
    pub(crate) path: u64,
    samples: u64,
    units: u64,
    guided: Option<u64>,
}

/// Starting points and conditions as bits: of floats, or whole numbers.
pub(crate) struct Inputs {
    x_0: Vec<u32>,
    /// A condition for each starting point.
    condition: Vec<u32>,
    rows: usize,
}

/// The names of the committed models.
pub(crate) fn committed() -> Vec<String> {
    let entries = fs::read_dir(root().join("weights")).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("model.safetensors").exists())
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

pub(crate) fn open(name: &str) -> AnyModel {
    AnyModel::open(&root().join("weights").join(name)).unwrap()
}

fn golden(name: &str) -> PathBuf {
    root().join("weights").join(name).join("golden.safetensors")
}

/// Whether a committed model is of whole numbers.
fn is_whole(name: &str) -> bool {
    matches!(open(name), AnyModel::Integer(_))
}

/// The golden digest of a method's paths, in 8 steps from the first 8 starting points.
pub(crate) fn golden_method(name: &str, kind: SolverKind) -> u64 {
    let methods = if is_whole(name) {
        IntegerGolden::read(&golden(name)).unwrap().answers.methods
    } else {
        Golden::read(&golden(name)).unwrap().methods
    };
    methods.into_iter().find(|(found, _)| *found == kind).unwrap().1
}

/// The golden digest of a model's paths.
pub(crate) fn golden_path(name: &str) -> u64 {
    if is_whole(name) {
        let IntegerGolden { data_dim, questions, answers, .. } =
            IntegerGolden::read(&golden(name)).unwrap();
        path_digest(&answers.path, questions.times.len(), data_dim)
    } else {
        Golden::read(&golden(name)).unwrap().path.digest
    }
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|x| x.to_bits()).collect()
}

fn unsigned(values: &[i32]) -> Vec<u32> {
    values.iter().map(|&x| x as u32).collect()
}

fn signed(values: &[u32]) -> Vec<i32> {
    values.iter().map(|&x| x as i32).collect()
}

fn floats(values: &[u32]) -> Vec<f32> {
    values.iter().map(|&x| f32::from_bits(x)).collect()
}

impl Inputs {
    /// Those of a committed model's golden file: all, or the first `rows`.
    pub(crate) fn golden(name: &str, rows: Option<usize>) -> Self {
        let (x_0, condition, all) = if is_whole(name) {
            let golden = IntegerGolden::read(&golden(name)).unwrap();
            let rows = golden.questions.x_0.len() / golden.data_dim;
            (unsigned(&golden.questions.x_0), unsigned(&golden.questions.condition), rows)
        } else {
            let golden = Golden::read(&golden(name)).unwrap();
            (bits(golden.x_0.values()), bits(golden.condition.values()), golden.x_0.rows())
        };
        let rows = rows.unwrap_or(all).min(all);
        let cut = |values: Vec<u32>| values[..values.len() / all * rows].to_vec();
        Self { x_0: cut(x_0), condition: cut(condition), rows }
    }

    /// Noise, also as conditions.
    pub(crate) fn drawn(model: &AnyModel) -> Self {
        let shape = model.floats().shape();
        let rows = 4;
        let draw = |seed: u64, columns: usize| -> Vec<u32> {
            let mut all = Vec::new();
            for row in 0..rows as u64 {
                match model {
                    AnyModel::Float(_) => {
                        let mut x = vec![0.0; columns];
                        flowlet::Noise::new(seed).fill(row, &mut x);
                        all.extend(bits(&x));
                    }
                    AnyModel::Integer(_) => {
                        let mut x = vec![0; columns];
                        fixed::Noise::new(seed).fill(row, &mut x);
                        all.extend(unsigned(&x));
                    }
                }
            }
            all
        };
        Self { x_0: draw(1, shape.data_dim), condition: draw(2, shape.condition_dim), rows }
    }
}

/// A model with random weights, units and a solver of its own.
pub(crate) fn random(shape: Shape) -> AnyModel {
    let network = Network::initialize(shape, &mut generator(1, Stream::Weights));
    let units = Units {
        data: Standardization {
            mean: (0..shape.data_dim).map(|k| k as f32 - 1.5).collect(),
            scale: (0..shape.data_dim).map(|k| 0.5 + k as f32).collect(),
        },
        condition: Standardization {
            mean: (0..shape.condition_dim).map(|k| 0.25 * k as f32).collect(),
            scale: (0..shape.condition_dim).map(|k| 1.5 + k as f32).collect(),
        },
    };
    let description = Description { steps: Some(5), ..Description::default() };
    let mut file = model::export(&network, &units, &description).unwrap();
    let times = [0.0_f32, 0.1, 0.35, 0.5, 0.9, 1.0];
    let grid = flowlet_trainer::disk::tensor_file::Block::f32(&[6], &times);
    file.tensors.insert("grid".to_string(), grid);
    if shape.data_dim > 4 {
        // A whole number, one within bounds, and a category of two columns. The last column is constant.
        let mut insert = |name: &str, values: [f32; 5]| {
            let block = flowlet_trainer::disk::tensor_file::Block::f32(&[5], &values);
            file.tensors.insert(name.to_string(), block);
        };
        insert("columns.kind", [1.0, 0.0, 3.0, 3.0, 0.0]);
        insert("columns.least", [-2.0, -0.25, f32::MIN, f32::MIN, f32::MIN]);
        insert("columns.most", [f32::MAX, 0.5, f32::MAX, f32::MAX, f32::MAX]);
        insert("data.scale", [0.5, 1.5, 2.5, 3.5, 0.0]);
    }
    let model = Model::parse(&file.to_bytes().unwrap(), "random".into()).unwrap();
    AnyModel::Float(Box::new(model))
}

/// The integer model of a float one.
pub(crate) fn whole(model: &AnyModel, weights: Weights) -> AnyModel {
    let AnyModel::Float(model) = model else { panic!("expected floats") };
    let calibration = Calibration::run(model, &Source::Normal, 50, 0).unwrap();
    let integer = quantize::round(model, &Source::Normal, &calibration, weights).unwrap();
    let bytes = quantize::export::export(model, &integer).unwrap().to_bytes().unwrap();
    AnyModel::Integer(Box::new(IntegerFile::parse(&bytes, "random".into()).unwrap()))
}

/// The runtime's side, with numbers as bits.
enum Runtime<'a> {
    Float(&'a Model, HeapSolver),
    Integer(&'a IntegerFile, fixed::HeapSolver),
}

/// The guidance weight of the test, 1.5, as bits.
fn weight(float: bool) -> u32 {
    if float { 1.5_f32.to_bits() } else { 3 << (fixed::WEIGHT_BITS - 1) }
}

impl Runtime<'_> {
    fn new(model: &AnyModel, choice: SolverChoice) -> Result<Runtime<'_>> {
        Ok(match model {
            AnyModel::Float(model) => {
                Runtime::Float(model, model.solver(choice.kind, choice.steps)?)
            }
            AnyModel::Integer(file) => {
                Runtime::Integer(file, file.solver(choice.kind, choice.steps)?)
            }
        })
    }

    fn guided(self) -> Self {
        match self {
            Self::Float(model, solver) => {
                Self::Float(model, solver.guided(1.5, model.mlp.null_condition().to_vec()))
            }
            Self::Integer(file, solver) => {
                let weight = weight(false) as i32;
                Self::Integer(file, solver.guided(weight, file.mlp.null_condition().to_vec()))
            }
        }
    }

    /// The points after each step.
    fn path(&self, x: &[u32], c: &[u32]) -> Vec<u32> {
        match self {
            Self::Float(model, solver) => {
                let scratch = &mut model.mlp.scratch();
                let path = solver.trajectory(&model.mlp, &floats(x), &floats(c), scratch);
                bits(&path[x.len()..])
            }
            Self::Integer(file, solver) => {
                let scratch = &mut file.mlp.scratch();
                let path = solver.trajectory(&file.mlp, &signed(x), &signed(c), scratch);
                unsigned(&path[x.len()..])
            }
        }
    }

    fn noise(&self, seed: u64, index: u64, columns: usize) -> Vec<u32> {
        match self {
            Self::Float(..) => {
                let mut x = vec![0.0; columns];
                flowlet::Noise::new(seed).fill(index, &mut x);
                bits(&x)
            }
            Self::Integer(..) => {
                let mut x = vec![0; columns];
                fixed::Noise::new(seed).fill(index, &mut x);
                unsigned(&x)
            }
        }
    }

    /// Converts to data units, or back.
    fn convert(&self, x: &[u32], to_data: bool) -> Vec<u32> {
        match self {
            Self::Float(model, _) => {
                let mut x = floats(x);
                if to_data {
                    model.mlp.to_data_units(&mut x)
                } else {
                    model.mlp.to_flow_units(&mut x)
                }
                bits(&x)
            }
            Self::Integer(file, _) => {
                let mut x = signed(x);
                if to_data {
                    file.mlp.to_data_units(&mut x)
                } else {
                    file.mlp.to_flow_units(&mut x)
                }
                unsigned(&x)
            }
        }
    }

    /// Makes a point in data units one that the columns can hold.
    fn within_columns(&self, x: &[u32]) -> Vec<u32> {
        match self {
            Self::Float(model, _) => {
                let mut x = floats(x);
                model.columns.apply(&mut x);
                bits(&x)
            }
            Self::Integer(file, _) => {
                let mut x = signed(x);
                file.columns.apply(&mut x);
                unsigned(&x)
            }
        }
    }

    fn samples(&self, seed: u64, first: u64, c: &[u32], columns: usize) -> Vec<u32> {
        let ends = (first..first + 3).flat_map(|index| {
            let path = self.path(&self.noise(seed, index, columns), c);
            self.within_columns(&self.convert(&path[path.len() - columns..], true))
        });
        ends.collect()
    }
}

fn digest(values: &[u32]) -> u64 {
    let mut digest = Digest::new();
    for value in values {
        digest.update_bytes(&value.to_le_bytes());
    }
    digest.value()
}

impl Subject {
    /// Exports a model and writes the inputs of its test program.
    pub(crate) fn new(
        name: &str,
        model: &AnyModel,
        choice: SolverChoice,
        inputs: &Inputs,
    ) -> Result<Self> {
        let directory = tempfile::tempdir()?;
        for (path, bytes) in to_c(model, &Name::new("subject")?, Layout::Plain, choice)? {
            fs::write(directory.path().join(path), bytes)?;
        }
        let float = matches!(model, AnyModel::Float(_));
        fs::write(directory.path().join("golden.h"), inputs.header(float))?;
        let shape = model.floats().shape();
        let (d, c) = (shape.data_dim, shape.condition_dim);
        let runtime = Runtime::new(model, choice)?;
        let rows = (0..inputs.rows)
            .flat_map(|k| runtime.path(&inputs.x_0[k * d..][..d], &inputs.condition[k * c..][..c]));
        let path = digest(&rows.collect::<Vec<_>>());
        let first = &inputs.condition[..c];
        let samples = digest(&runtime.samples(7, 0xffff_ffff, first, d));
        let noise = runtime.noise(7, 0x1_0000_0000, d);
        let back = runtime.convert(&runtime.convert(&noise, true), false);
        let units = digest(&[noise, back].concat());
        let guided = (c > 0).then(|| -> Result<u64> {
            let guided = Runtime::new(model, choice)?.guided();
            let samples = guided.samples(7, 5, first, d);
            Ok(digest(&[samples, guided.path(&inputs.x_0[..d], first)].concat()))
        });
        let fingerprint = match model {
            AnyModel::Float(model) => model.mlp.fingerprint(),
            AnyModel::Integer(file) => file.mlp.fingerprint(),
        };
        let expected = Expected { fingerprint, path, samples, units, guided: guided.transpose()? };
        Ok(Self { name: name.to_string(), directory, expected, float })
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Compares what a test program printed with the runtime's outputs.
    pub(crate) fn compare(&self, run: &Run) -> Result<()> {
        let found = Expected {
            fingerprint: run.value("fingerprint")?,
            path: run.value("path")?,
            samples: run.value("samples")?,
            units: run.value("units")?,
            guided: run.value("guided").ok(),
        };
        ensure!(
            found == self.expected,
            "{}: expected {:x?}, found {found:x?}",
            self.name,
            self.expected
        );
        let right = run.value("right").context("the program did not end")?;
        ensure!(right == 1, "{}: the self-test or the answer to bad input is wrong", self.name);
        Ok(())
    }
}

impl Inputs {
    /// The inputs as a C header.
    fn header(&self, float: bool) -> String {
        let list = |values: &[u32]| -> String {
            values.iter().map(|value| format!("{value:#010x}, ")).collect()
        };
        let (number, half) = if float {
            ("float", 0.5_f32.to_bits())
        } else {
            ("int32_t", 1 << (fixed::TIME_BITS - 1))
        };
        let mut text = format!(
            "#include <stdint.h>\n\
             #if defined(__AVR__)\n#include <avr/pgmspace.h>\n#define GOLDEN_FLASH PROGMEM\n\
             #define GOLDEN_READ(at) pgm_read_dword(at)\n#else\n#define GOLDEN_FLASH\n\
             #define GOLDEN_READ(at) (*(at))\n#endif\n\
             #define SUBJECT_NUMBER {number}\n#define GOLDEN_PATHS {}\n#define GOLDEN_TIME {half:#x}u\n\
             static const uint32_t golden_x_0[] GOLDEN_FLASH = {{{}}};\n",
            self.rows,
            list(&self.x_0)
        );
        if !self.condition.is_empty() {
            let _ = writeln!(
                text,
                "static const uint32_t golden_condition[] GOLDEN_FLASH = {{{}}};\n#define GOLDEN_WEIGHT {:#x}u",
                list(&self.condition),
                weight(float)
            );
        }
        text
    }
}
