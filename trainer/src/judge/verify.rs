//! The runtime held against golden outputs.

use std::fmt;

use anyhow::Result;
use flowlet::SolverKind;

use crate::judge::golden::{Answers, Golden, digest};
use crate::model::Model;
use crate::model::self_test;

/// Where candle's own error is smaller, this much is allowed all the same.
const FLOOR: f64 = 1e-6;

/// And so many standard deviations of what rounding does to sums in order, as the contract has them, at
/// the worst point: candle adds in several parts, which rounds less, and in a network of large weights
/// much less.
const DEVIATIONS: f64 = 3.0;

/// What was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The points of all paths.
    pub path: Quantity,
    /// The velocities on the grid.
    pub velocity: Quantity,
    /// Each method whose digest the golden file has, and the digest of its bits now.
    pub methods: Vec<Method>,
    /// Whether the golden steps in the model's own file give their bits; `None` if it has none.
    pub self_test: Option<bool>,
}

/// The worst absolute errors of one quantity, against the f64 reference.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantity {
    /// The runtime's.
    pub runtime: f64,
    /// candle's, in f32.
    pub candle: f64,
    /// What rounding alone does, as a standard deviation: see [`Golden::rounding`].
    pub rounding: f64,
    /// The digest of the runtime's bits that the golden file has.
    pub expected_digest: u64,
    /// The digest of the bits now.
    pub found_digest: u64,
}

/// The bits of paths by one method.
#[derive(Clone, Debug, PartialEq)]
pub struct Method {
    /// The method.
    pub kind: SolverKind,
    /// The digest that the golden file has.
    pub expected_digest: u64,
    /// The digest of the bits now.
    pub found_digest: u64,
}

impl Quantity {
    fn new(runtime: &[f32], answers: &Answers, rounding: f64, found_digest: u64) -> Self {
        Self {
            runtime: worst(runtime, &answers.reference),
            candle: worst(&answers.candle, &answers.reference),
            rounding,
            expected_digest: answers.digest,
            found_digest,
        }
    }

    /// The largest error that is allowed: twice candle's, three standard deviations of what rounding
    /// does, or 1e-6, whichever is largest.
    pub fn tolerance(&self) -> f64 {
        (2.0 * self.candle).max(DEVIATIONS * self.rounding).max(FLOOR)
    }

    /// Whether the error is within tolerance and the bits are the golden ones.
    pub fn passes(&self) -> bool {
        // Where candle's error is infinite, so is the tolerance.
        self.runtime.is_finite()
            && self.runtime <= self.tolerance()
            && self.expected_digest == self.found_digest
    }
}

impl Report {
    /// Whether everything is as it must be.
    pub fn passes(&self) -> bool {
        self.path.passes()
            && self.velocity.passes()
            && self.methods.iter().all(|method| method.expected_digest == method.found_digest)
            && self.self_test != Some(false)
    }

    /// The runtime's worst error of all.
    pub fn worst(&self) -> f64 {
        self.path.runtime.max(self.velocity.runtime)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "worst error against f64    runtime     candle f32  allowed")?;
        for (name, quantity) in
            [("points of all paths", &self.path), ("velocities", &self.velocity)]
        {
            let Quantity { runtime, candle, expected_digest, found_digest, .. } = quantity;
            let tolerance = quantity.tolerance();
            writeln!(f, "{name:<26} {runtime:<11.3e} {candle:<11.3e} {tolerance:.3e}")?;
            if expected_digest == found_digest {
                writeln!(f, "  bits                     {found_digest:016x}, as expected")?;
            } else {
                writeln!(
                    f,
                    "  bits                     {found_digest:016x}, expected {expected_digest:016x}"
                )?;
            }
        }
        let (right, wrong): (Vec<_>, Vec<_>) =
            self.methods.iter().partition(|method| method.expected_digest == method.found_digest);
        if !right.is_empty() {
            let names: Vec<&str> = right.iter().map(|method| method.kind.name()).collect();
            writeln!(f, "bits of each method        as expected: {}", names.join(", "))?;
        }
        for Method { kind, expected_digest, found_digest } in wrong {
            writeln!(
                f,
                "OTHER BITS by {kind:<12} {found_digest:016x}, expected {expected_digest:016x}"
            )?;
        }
        match self.self_test {
            Some(true) => writeln!(f, "self-test                  as the model file has it")?,
            Some(false) => {
                writeln!(f, "self-test                  OTHER BITS than the model file has")?
            }
            None => writeln!(f, "self-test                  none in the model file")?,
        }
        f.write_str(if self.passes() { "passed" } else { "FAILED" })
    }
}

/// Runs the runtime on a golden file's inputs.
///
/// # Errors
///
/// When the file belongs to a model of another size, or the model's self-test does.
pub fn verify(model: &Model, golden: &Golden) -> Result<Report> {
    let (path, velocity) = golden.runtime(model)?;
    let path_digest = golden.path_digest(&path);
    let (path_rounding, velocity_rounding) = golden.rounding(model)?;
    let methods = golden.methods.iter().map(|&(kind, expected_digest)| {
        Ok(Method { kind, expected_digest, found_digest: golden.method_digest(model, kind)? })
    });
    Ok(Report {
        path: Quantity::new(&path, &golden.path, path_rounding, path_digest),
        velocity: {
            let found = digest(&velocity);
            Quantity::new(&velocity, &golden.velocity, velocity_rounding, found)
        },
        methods: methods.collect::<Result<_>>()?,
        self_test: self_test::passes(&model.file, &model.mlp)?,
    })
}

/// The worst absolute error; infinite when a value is none, or when there are not as many.
fn worst(values: &[f32], reference: &[f64]) -> f64 {
    if values.len() != reference.len() {
        return f64::INFINITY;
    }
    let errors =
        values.iter().zip(reference).map(|(&value, expected)| (f64::from(value) - expected).abs());
    errors.fold(0.0, |worst, error| if error.is_nan() { f64::INFINITY } else { worst.max(error) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quantity(rounding: f64, candle: f64, runtime: f64) -> Quantity {
        Quantity { runtime, candle, rounding, expected_digest: 0, found_digest: 0 }
    }

    #[test]
    fn the_tolerance_is_the_largest_of_three() {
        assert!(quantity(1e-8, 1e-7, 0.9e-6).passes());
        assert!(!quantity(1e-8, 1e-7, 1.1e-6).passes());
        assert!(quantity(1e-6, 1e-7, 2.9e-6).passes());
        assert!(!quantity(1e-6, 1e-7, 3.1e-6).passes());
        assert!(quantity(1e-6, 1e-5, 1.9e-5).passes());
        assert!(!quantity(1e-6, 1e-5, 2.1e-5).passes());
        assert!(!quantity(1e-8, f64::INFINITY, f64::INFINITY).passes());
    }
}
