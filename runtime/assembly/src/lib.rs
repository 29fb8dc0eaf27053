//! Layers in whole numbers, in assembly, for the models in whole numbers of the crate `flowlet`: sums of products, and units
//! from sums.
//!
//! A program does not use this crate itself: it gives `flowlet` the feature `assembly`. The crate `flowlet` has no
//! unsafe code, so the assembly stands here, with the plain Rust that gives the same numbers.
//!
//! | core | what the assembly does |
//! |---|---|
//! | Cortex-M4, M7, M33 and others with the DSP extension | loads four pairs of weights with one `ldm`, and multiplies and adds a pair with one `smlad`; computes a line of an activation's table with one `smladx` |
//! | Cortex-M0, M0+, M1 | keeps eight sums in registers, six of them in the high ones, which only additions can use; computes the units of GELU |
//!
//! Both are for a target without an operating system. The numbers are the same on every core: a sum wraps, so that the
//! order of the additions is free.

#![no_std]

/// Sums and units with the DSP extension: a target with an FPU in its ABI counts as one, because stable Rust does not tell.
#[cfg(all(target_arch = "arm", target_abi = "eabihf", target_os = "none"))]
pub mod dsp;
/// Sums and units for cores without instructions of 32 bits.
#[cfg(all(target_arch = "arm", target_os = "none", not(target_has_atomic = "32")))]
pub mod thumb;
