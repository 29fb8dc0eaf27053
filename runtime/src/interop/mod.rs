//! Other crates' traits: the features `defmt` and `serde`.

#[cfg(feature = "defmt")]
mod defmt;
#[cfg(feature = "serde")]
mod serde;
