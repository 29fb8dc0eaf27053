//! The Rust code that embeds a model, and a crate with it.

use std::path::PathBuf;

use anyhow::Result;
use flowlet::{ActivationKind, SolverKind};

use super::choice::{Exported, SolverChoice};
use super::name::Name;
use crate::disk::names::MODEL_FILE;
use crate::model::Model;
use crate::network::Shape;
use crate::quantize::Weights;
use crate::quantize::file::{AnyModel, IntegerFile};

/// With more weights than this, rustc's lint against long constant evaluation may stop the build. Rust 1.95 accepts
/// 300,000 and stops at 400,000.
const LONG_CONST_EVAL: usize = 250_000;

/// Returns the Rust code that embeds a float model, for a person to copy.
///
/// # Errors
///
/// Returns an error if the model's grid has no steps, which does not occur for an opened model.
pub fn embed(model: &Model) -> Result<String> {
    Ok(Code::of(model, model.has_grid_of_its_own()?, &FLOATS, SolverChoice::default()).to_copy())
}

/// Returns the Rust code that embeds an integer model.
///
/// # Errors
///
/// As [`embed`].
pub fn embed_integer(file: &IntegerFile) -> Result<String> {
    let own_grid = file.has_grid_of_its_own();
    Ok(Code::of(&file.floats, own_grid, &Form::of(file), SolverChoice::default()).to_copy())
}

/// What to put into the manifest of the program that embeds a model.
pub const PROFILES: &str = "\
profiles, for Cargo.toml
  # A game's debug build samples hundreds of times slower without:
  [profile.dev.package.flowlet]
  opt-level = 3

  # Firmware at s or z: saves a few per cent, as opt s+3 above. Not needed.
  [profile.release.package.flowlet]
  opt-level = 3

  For the web, build at opt-level 3 with -C target-feature=+simd128: four to six times as fast.";

/// Returns a crate that embeds a model and prints samples. `bytes` are those of the model's file.
///
/// # Errors
///
/// As [`embed`].
pub fn to_rust(
    model: &AnyModel,
    name: &Name,
    solver: SolverChoice,
    bytes: &[u8],
) -> Result<Vec<Exported>> {
    let floats = model.floats();
    let mut code = match model {
        AnyModel::Float(model) => Code::of(model, model.has_grid_of_its_own()?, &FLOATS, solver),
        AnyModel::Integer(file) => {
            Code::of(floats, file.has_grid_of_its_own(), &Form::of(file), solver)
        }
    };
    code.rename_file(MODEL_FILE);
    let manifest = MANIFEST.replace("NAME", &package(name));
    Ok(vec![
        (PathBuf::from("Cargo.toml"), manifest.into_bytes()),
        (PathBuf::from("src/main.rs"), code.to_main(name).into_bytes()),
        (PathBuf::from("src").join(MODEL_FILE), bytes.to_vec()),
    ])
}

/// Returns the name of the package. Cargo refuses the names of its build directories, and a package called `flowlet` cannot
/// depend on the runtime of that name.
fn package(name: &Name) -> String {
    let name = name.lower().to_ascii_lowercase();
    match name.as_str() {
        "build" | "deps" | "examples" | "incremental" | "flowlet" => format!("model_{name}"),
        _ => name,
    }
}

const MANIFEST: &str = "\
[package]
name = \"NAME\"
version = \"0.1.0\"
edition = \"2024\"
publish = false

[dependencies]
# The features: std for the widest vectors of a PC, none for firmware. From a checkout of flowlet's repository instead of
# the registry: flowlet = { path = \"../flowlet/runtime\", features = [\"std\"] }
flowlet = { version = \"0.1\", features = [\"std\"] }

# A debug build samples hundreds of times slower without.
[profile.dev.package.flowlet]
opt-level = 3

# This is its own workspace, so that Cargo does not search for one in the directories above.
[workspace]
";

/// What differs between the code for floats and for whole numbers.
struct Form {
    module: &'static str,
    /// The type of the model.
    mlp: &'static str,
    /// Its parameter after the sizes.
    bytes: String,
    /// The type of a coordinate.
    number: &'static str,
    /// The fraction bits of data units.
    data_bits: i32,
}

const FLOATS: Form =
    Form { module: "flowlet", mlp: "Mlp", bytes: String::new(), number: "f32", data_bits: 0 };

impl Form {
    fn of(file: &IntegerFile) -> Self {
        let Shape { hidden_width, hidden_layers, .. } = file.floats.shape();
        let (mlp, bytes) = match file.model.weights {
            Weights::I16 => ("Mlp", None),
            Weights::I8 => ("Mlp8", None),
            Weights::I4 => ("Mlp4", Some(hidden_layers * hidden_width * hidden_width.div_ceil(2))),
        };
        let bytes = bytes.map_or(String::new(), |bytes| format!(", {bytes}"));
        let data_bits = file.mlp.data_bits();
        Self { module: "flowlet::fixed", mlp, bytes, number: "i32", data_bits }
    }
}

/// The code that embeds a model.
struct Code {
    module: &'static str,
    /// The names to import from the module.
    names: Vec<String>,
    /// An activation that is imported from the crate's root.
    activation: Option<String>,
    /// The model, the solver, and what the columns can hold if the file says so, a definition each.
    definitions: Vec<String>,
    lint: bool,
    /// The file in the definitions.
    file: String,
    /// How a starting point is made.
    start: String,
    noise: bool,
    number: &'static str,
    data_dim: usize,
    condition_dim: usize,
    data_bits: i32,
    has_columns: bool,
}

impl Code {
    fn of(model: &Model, own_grid: bool, form: &Form, choice: SolverChoice) -> Self {
        let Form { module, mlp, bytes, number, data_bits } = form;
        let Shape { data_dim, condition_dim, hidden_width, hidden_layers, activation } =
            model.shape();
        let (import, parameter) = match activation {
            ActivationKind::Gelu => (None, String::new()),
            _ => {
                let name = format!("{activation:?}");
                let parameter = format!(", {name}");
                (Some(name), parameter)
            }
        };
        let (own_kind, own_steps) = (model.solver_kind(), model.own_steps());
        let (kind, steps) = (choice.kind.unwrap_or(own_kind), choice.steps.unwrap_or(own_steps));
        let file = model.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let solver = match kind {
            SolverKind::Euler => "Euler",
            SolverKind::Midpoint => "Midpoint",
            SolverKind::Heun => "Heun",
            SolverKind::Rk4 => "Rk4",
            SolverKind::AdamsBashforth2 => "AdamsBashforth2",
            kind => unreachable!("the trainer does not know the method {kind}"),
        };
        let grid = if own_grid && (kind, steps) == (own_kind, own_steps) {
            format!("from_safetensors(include_bytes!(\"{file}\"))")
        } else {
            "UNIFORM".to_string()
        };
        let mut names = [*mlp, solver].map(String::from).to_vec();
        let mut definitions = vec![
            format!(
                "static MODEL: {mlp}<{data_dim}, {condition_dim}, {hidden_width}, {hidden_layers}{bytes}{parameter}> =\n    \
                 {mlp}::from_safetensors(include_bytes!(\"{file}\"));"
            ),
            format!("static SOLVER: {solver}<{steps}> = {solver}::{grid};"),
        ];
        let has_columns = !model.columns.is_empty();
        if has_columns {
            names.push("Columns".to_string());
            definitions.push(format!(
                "/// What the data's columns can hold.\n\
                 static COLUMNS: Columns<{data_dim}> = Columns::from_safetensors(include_bytes!(\"{file}\"));"
            ));
        }
        let start = match &model.description.source {
            None => {
                names.push("Noise".to_string());
                "Noise::new(seed).sample(index);".to_string()
            }
            // The runtime can draw only noise.
            Some(source) => format!(
                "MODEL.to_flow_units(start); // `start`: [{number}; {data_dim}], a point of {source} in data units"
            ),
        };
        // The activations are those of the float side.
        let apart = import.clone().filter(|_| *module != "flowlet");
        names.extend(import.filter(|_| apart.is_none()));
        Self {
            module,
            names,
            activation: apart,
            definitions,
            has_columns,
            lint: model.shape().parameters() > LONG_CONST_EVAL,
            file,
            start,
            noise: model.description.source.is_none(),
            number,
            data_dim,
            condition_dim,
            data_bits: *data_bits,
        }
    }

    /// Gives the model's file another name in the code.
    fn rename_file(&mut self, name: &str) {
        let (from, to) = (format!("!(\"{}\")", self.file), format!("!(\"{name}\")"));
        for definition in &mut self.definitions {
            *definition = definition.replace(&from, &to);
        }
    }

    /// The lines before the program's own.
    fn head(&self, names: &[String]) -> String {
        let mut names = names.to_vec();
        names.sort();
        let mut head = format!("use {}::{{{}}};\n", self.module, names.join(", "));
        if let Some(name) = &self.activation {
            head.push_str(&format!("use flowlet::{name};\n"));
        }
        if self.lint {
            head.push_str(
                "\n// The compiler takes some seconds for so many weights, and its lint must allow that.\n\
                 #[allow(long_running_const_eval)]",
            );
        }
        format!("{head}\n{}\n", self.definitions.join("\n"))
    }

    /// The lines for a program of the user's, indented.
    fn to_copy(&self) -> String {
        let c = if self.condition_dim == 0 { "[]" } else { "c" };
        let text = format!(
            "{}\nlet x_0 = {}\nlet sample: [{}; {}] = {};",
            self.head(&self.names),
            self.start,
            self.number,
            self.data_dim,
            self.sample("x_0", c)
        );
        let lines = text.lines().map(|line| match line {
            "" => String::new(),
            line => format!("  {line}"),
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    /// A sample from the starting point `x_0` under the condition `c`.
    fn sample(&self, x_0: &str, c: &str) -> String {
        let sample = format!("SOLVER.sample(&MODEL, {x_0}, {c})");
        if self.has_columns { format!("COLUMNS.apply({sample})") } else { sample }
    }

    /// A whole program.
    fn to_main(&self, name: &Name) -> String {
        let Self { number, data_dim, condition_dim, data_bits, .. } = self;
        let zero = if *number == "f32" { "0.0" } else { "0" };
        let mut names = self.names.clone();
        names.push("SelfTest".to_string());
        let mut constants = String::new();
        if *condition_dim > 0 {
            constants.push_str(&format!(
                "\n/// Your condition, in the order of the model's columns.\n\
                 const CONDITION: [{number}; {condition_dim}] = [{zero}; {condition_dim}];\n"
            ));
        }
        if !self.noise {
            constants.push_str(&format!(
                "\n/// Your starting point, in data units.\nconst START: [{number}; {data_dim}] = [{zero}; {data_dim}];\n"
            ));
        }
        let start =
            if self.noise { "Noise::new(7).sample(index)" } else { "MODEL.to_flow_units(START)" };
        let index = if self.noise { "index" } else { "_" };
        let condition = if *condition_dim == 0 { "[]" } else { "CONDITION" };
        let sample = self.sample(start, condition);
        let value = match number {
            &"f32" => "x".to_string(),
            _ => format!("f64::from(x) / {:?}", 2.0_f64.powi(*data_bits)),
        };
        format!(
            "//! Prints ten samples of the model `{}`. `flowlet export` wrote this crate.\n\n\
             {}\
             /// Golden steps, which find a machine or a compiler that computes other bits.\n\
             static SELF_TEST: SelfTest<{data_dim}, {condition_dim}> =\n    \
             SelfTest::from_safetensors(include_bytes!(\"{MODEL_FILE}\"));\n\
             {constants}\n\
             fn main() {{\n    \
             if let Err(error) = SELF_TEST.run(&MODEL) {{\n        \
             panic!(\"{{error}}\");\n    \
             }}\n    \
             for {index} in 0..10 {{\n        \
             let sample = {sample};\n        \
             println!(\"{{:?}}\", sample.map(|x| {value}));\n    \
             }}\n\
             }}\n",
            name.lower(),
            self.head(&names)
        )
    }
}
