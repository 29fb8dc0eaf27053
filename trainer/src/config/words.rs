//! Names that options have as values: couplings, activations, solvers, devices.

use anyhow::{Context, Result, ensure};
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use flowlet::{ActivationKind, SolverKind};
use serde::{Deserialize, Serialize};

/// The source distribution of noise.
pub const NORMAL: &str = "normal";

/// How `x_0` and `x_1` are paired within a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum CouplingKind {
    /// Pairs as they were drawn
    #[default]
    Independent,
    /// Minibatch optimal transport: the permutation of least squared distance (Tong et al. 2024)
    Transport,
    /// Optimal transport within each class and among similar conditions, so that every condition
    /// keeps its source distribution (C²OT: Cheng & Schwing 2025)
    ConditionalTransport,
}

/// Where tensors live and are computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum DeviceKind {
    /// CUDA if there is a GPU, the CPU otherwise
    #[default]
    Auto,
    /// The CPU; the same run gives the same bytes
    Cpu,
    /// An NVIDIA GPU; needs a build with the feature `cuda`
    Cuda,
}

/// The activation called `name`.
///
/// # Errors
///
/// When there is none; the message lists those that there are.
pub fn activation(name: &str) -> Result<ActivationKind> {
    ActivationKind::from_name(name.as_bytes()).with_context(|| {
        let names = ActivationKind::ALL.map(ActivationKind::name).join(", ");
        format!("no activation is called {name:?}: expected one of {names}")
    })
}

/// The solver called `name`.
///
/// # Errors
///
/// When there is none; the message lists those that there are.
pub fn solver(name: &str) -> Result<SolverKind> {
    SolverKind::from_name(name.as_bytes()).with_context(|| {
        let names = SolverKind::ALL.map(SolverKind::name).join(", ");
        format!("no solver is called {name:?}: expected one of {names}")
    })
}

/// The parser of an argument that names an activation: help and errors list the names. PyTorch's users
/// know `silu` as `swish`, too.
pub fn activation_parser() -> impl TypedValueParser<Value = ActivationKind> {
    let values = ActivationKind::ALL.iter().map(|&kind| {
        let value = PossibleValue::new(kind.name());
        if kind == ActivationKind::Silu { value.alias("swish") } else { value }
    });
    PossibleValuesParser::new(values).try_map(|name| activation(&name))
}

/// The parser of an argument that names a solver: help and errors list the names.
pub fn solver_parser() -> impl TypedValueParser<Value = SolverKind> {
    let values = SolverKind::ALL.iter().map(|kind| {
        let plural = if kind.evaluations() == 1 { "" } else { "s" };
        PossibleValue::new(kind.name()).help(format!(
            "Order {}, {} evaluation{plural} of the network a step",
            kind.order(),
            kind.evaluations()
        ))
    });
    PossibleValuesParser::new(values).try_map(|name| solver(&name))
}

/// Refuses a number of steps that no grid can have.
///
/// # Errors
///
/// When it is 0 or beyond 2²⁴.
pub fn check_steps(steps: usize) -> Result<()> {
    ensure!(
        (1..=1 << 24).contains(&steps),
        "steps is {steps}: expected at least 1 and at most 16777216"
    );
    Ok(())
}

/// An activation in a configuration file: its name.
pub(super) mod activation_name {
    use flowlet::ActivationKind;
    use serde::de::{Deserialize, Deserializer, Error};
    use serde::ser::Serializer;

    pub(in crate::config) fn serialize<S: Serializer>(
        kind: &ActivationKind,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(kind.name())
    }

    pub(in crate::config) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<ActivationKind, D::Error> {
        super::activation(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}
