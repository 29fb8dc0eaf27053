//! Parsers of options whose values are names that the runtime defines. Help, shell completions and the error for
//! a wrong name list them.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use flowlet::{ActivationKind, SolverKind};

use crate::model::description::{activation, solver};

/// Parses the name of a solver.
pub(super) fn solver_parser() -> impl TypedValueParser<Value = SolverKind> {
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

/// Parses the name of an activation. PyTorch's users know `silu` as `swish` too.
pub(super) fn activation_parser() -> impl TypedValueParser<Value = ActivationKind> {
    let values = ActivationKind::ALL.iter().map(|&kind| {
        let value = PossibleValue::new(kind.name());
        if kind == ActivationKind::Silu { value.alias("swish") } else { value }
    });
    PossibleValuesParser::new(values).try_map(|name| activation(&name))
}
