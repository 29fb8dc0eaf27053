//! What the target's registers hold, as far as the compiler says.

/// Whether a register holds several numbers, and is loaded from wherever weights lie.
///
/// A bare-metal aarch64 has such registers, but its compiler must not load vectors from addresses that are
/// aligned for one number only: it would take ten instructions for each vector.
pub(crate) const VECTORS: bool = cfg!(any(
    target_feature = "sse",
    target_feature = "simd128",
    all(target_feature = "neon", not(target_os = "none")),
));

/// Whether arithmetic on numbers is instructions, rather than calls of a library. A RISC-V without an FPU is
/// taken for one that has it: stable Rust does not tell them apart.
pub(crate) const FLOAT_UNIT: bool = cfg!(any(not(target_arch = "arm"), target_abi = "eabihf"));

/// Whether this is a RISC-V.
pub(crate) const RISC_V: bool = cfg!(any(target_arch = "riscv32", target_arch = "riscv64"));
