//! Implementations of other crates' traits, for the features `defmt` and `serde`.

#[cfg(feature = "defmt")]
mod defmt;
#[cfg(feature = "serde")]
mod serde;
