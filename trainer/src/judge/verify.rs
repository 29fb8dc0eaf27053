//! Compares the runtime with golden outputs.

use std::fmt;

use anyhow::Result;
use flowlet::SolverKind;

use crate::judge::golden::{Answers, Golden, digest};
use crate::model::Model;
use crate::model::self_test;

/// The least error that is always allowed, however small candle's own error is.
const FLOOR: f64 = 1e-6;

/// The error that is always allowed, in standard deviations of the rounding error at the worst point. The
/// contract adds the terms of a sum in order; candle adds several partial sums, whose rounding error is smaller,
/// and much smaller in a network of large weights.
const DEVIATIONS: f64 = 3.0;

/// The result of a verification.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The points of all paths.
    pub path: Quantity,
    /// The velocities on the grid.
    pub velocity: Quantity,
    /// The methods whose digests the golden file has, with the digests of their bits now.
    pub methods: Vec<Method>,
    /// Whether the self-test in the model's own file passes; `None` if the file has none.
    pub self_test: Option<bool>,
}

/// The worst absolute errors of one quantity against the f64 reference, and its digests.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantity {
    /// The runtime's error.
    pub runtime: f64,
    /// The error of candle's f32.
    pub candle: f64,
    /// The standard deviation of the error by rounding alone: see [`Golden::rounding`].
    pub rounding: f64,
    /// The digest in the golden file.
    pub expected_digest: u64,
    /// The digest of the runtime's bits now.
    pub found_digest: u64,
}

/// The digests of paths by one method.
#[derive(Clone, Debug, PartialEq)]
pub struct Method {
    /// The method.
    pub kind: SolverKind,
    /// The digest in the golden file.
    pub expected_digest: u64,
    /// The digest of the runtime's bits now.
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

    /// Returns the largest error that is allowed: twice candle's, three standard deviations of the rounding
    /// error, or 1e-6, whichever is largest.
    pub fn tolerance(&self) -> f64 {
        (2.0 * self.candle).max(DEVIATIONS * self.rounding).max(FLOOR)
    }

    /// Returns whether the error is within tolerance and the bits are those of the golden file.
    pub fn passes(&self) -> bool {
        // If candle's error is infinite, so is the tolerance; the runtime's must be finite even then.
        self.runtime.is_finite()
            && self.runtime <= self.tolerance()
            && self.expected_digest == self.found_digest
    }
}

impl Report {
    /// Returns whether all errors are within tolerance, all bits are the expected ones, and the self-test passes.
    pub fn passes(&self) -> bool {
        self.path.passes()
            && self.velocity.passes()
            && self.methods.iter().all(|method| method.expected_digest == method.found_digest)
            && self.self_test != Some(false)
    }

    /// Returns the runtime's worst error over paths and velocities.
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
            Some(true) => writeln!(f, "self-test                  as expected")?,
            Some(false) => {
                writeln!(f, "self-test                  OTHER BITS than in the model file")?
            }
            None => writeln!(f, "self-test                  none in the model file")?,
        }
        f.write_str(if self.passes() { "passed" } else { "FAILED" })
    }
}

/// Runs the runtime on a golden file's inputs, and compares the results.
///
/// # Errors
///
/// When the golden file or the model's self-test belongs to a model of another size.
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

/// Returns the worst absolute error: ∞ when a value is NaN or when the lengths differ.
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
    fn the_tolerance_is_the_largest_of_candles_error_rounding_and_the_floor() {
        assert!(quantity(1e-8, 1e-7, 0.9e-6).passes());
        assert!(!quantity(1e-8, 1e-7, 1.1e-6).passes());
        assert!(quantity(1e-6, 1e-7, 2.9e-6).passes());
        assert!(!quantity(1e-6, 1e-7, 3.1e-6).passes());
        assert!(quantity(1e-6, 1e-5, 1.9e-5).passes());
        assert!(!quantity(1e-6, 1e-5, 2.1e-5).passes());
        assert!(!quantity(1e-8, f64::INFINITY, f64::INFINITY).passes());
    }
}
