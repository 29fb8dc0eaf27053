//! Option values that are names: couplings, activations, solvers, devices.

use anyhow::{Context, Result, ensure};
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use flowlet::{ActivationKind, SolverKind};
use serde::{Deserialize, Serialize};

/// The name of the standard normal source distribution.
pub const NORMAL: &str = "normal";

/// How `x_0` and `x_1` are paired within a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum CouplingKind {
    /// Random pairs, as drawn
    #[default]
    Independent,
    /// Minibatch optimal transport: the permutation with the least squared distance (Tong et al. 2024)
    Transport,
    /// Optimal transport within each class and among similar conditions, so that every condition
    /// keeps its source distribution (C²OT: Cheng & Schwing 2025)
    ConditionalTransport,
}

/// Which weights of a run become the model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Keep {
    /// Those of the lowest held-out loss
    Best,
    /// Those of the last iteration
    #[default]
    Last,
}

/// The device that stores and computes tensors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum DeviceKind {
    /// CUDA if there is a GPU, the CPU otherwise; the run records which
    Auto,
    /// The CPU; the same configuration gives the same bytes
    #[default]
    Cpu,
    /// An NVIDIA GPU; needs a build with the feature `cuda`
    Cuda,
}

impl DeviceKind {
    /// Returns the device called `name`.
    ///
    /// # Errors
    ///
    /// Returns an error that lists the valid names if there is none.
    pub fn from_name(name: &str) -> Result<Self> {
        let all = [Self::Auto, Self::Cpu, Self::Cuda];
        all.into_iter().find(|kind| kind.name() == name).with_context(|| {
            let names = all.map(Self::name).join(", ");
            format!("no device is called {name:?}: expected one of {names}")
        })
    }

    /// Returns the name in configurations and in the metadata of models.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Cpu => "cpu",
            Self::Cuda => "cuda",
        }
    }
}

/// Returns the activation called `name`.
///
/// # Errors
///
/// Returns an error that lists the valid names if there is none.
pub fn activation(name: &str) -> Result<ActivationKind> {
    ActivationKind::from_name(name.as_bytes()).with_context(|| {
        let names: Vec<_> = ActivationKind::ALL.iter().map(|kind| kind.name()).collect();
        let names = names.join(", ");
        format!("no activation is called {name:?}: expected one of {names}")
    })
}

/// Returns the solver called `name`.
///
/// # Errors
///
/// Returns an error that lists the valid names if there is none.
pub fn solver(name: &str) -> Result<SolverKind> {
    SolverKind::from_name(name.as_bytes()).with_context(|| {
        let names: Vec<_> = SolverKind::ALL.iter().map(|kind| kind.name()).collect();
        let names = names.join(", ");
        format!("no solver is called {name:?}: expected one of {names}")
    })
}

/// Returns the parser of an argument that names an activation. Help and errors list the names. `swish` is
/// another name of `silu`.
pub fn activation_parser() -> impl TypedValueParser<Value = ActivationKind> {
    let values = ActivationKind::ALL.iter().map(|&kind| {
        let value = PossibleValue::new(kind.name());
        if kind == ActivationKind::Silu { value.alias("swish") } else { value }
    });
    PossibleValuesParser::new(values).try_map(|name| activation(&name))
}

/// Returns the parser of an argument that names a solver. Help and errors list the names.
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

/// The most steps of a time grid.
pub const MOST_STEPS: usize = 1 << 24;

/// Checks the number of steps of a time grid.
///
/// # Errors
///
/// Returns an error if it is 0 or above 2²⁴.
pub fn check_steps(steps: usize) -> Result<()> {
    ensure!(
        (1..=MOST_STEPS).contains(&steps),
        "steps is {steps}: expected at least 1 and at most {MOST_STEPS}"
    );
    Ok(())
}

/// Serialises an activation as its name.
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
