//! An estimate with its standard error.

use serde::Serialize;

use crate::judge::distance::Unbiased;

/// An estimate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// The estimate.
    pub value: f64,
    /// Its standard error.
    pub error: f64,
}

impl From<&Unbiased> for Estimate {
    fn from(found: &Unbiased) -> Self {
        Self { value: found.value, error: found.error }
    }
}
