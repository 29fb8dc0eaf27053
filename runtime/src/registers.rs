//! Properties of the target's registers, as far as the compiler reports them.

/// Whether the target has vector registers that can be loaded from any address aligned for an f32.
///
/// Bare-metal aarch64 counts as a target without vectors. Its compiler must not use unaligned loads, and
/// takes ten instructions to load a vector.
pub(crate) const VECTORS: bool = cfg!(any(
    target_feature = "sse",
    target_feature = "simd128",
    all(target_feature = "neon", not(target_os = "none")),
));

/// Whether float arithmetic compiles to instructions rather than to library calls. A RISC-V without an FPU
/// counts as one with an FPU, because stable Rust cannot tell them apart.
pub(crate) const FLOAT_UNIT: bool = cfg!(any(not(target_arch = "arm"), target_abi = "eabihf"));

/// Whether the target is a RISC-V.
pub(crate) const RISC_V: bool = cfg!(any(target_arch = "riscv32", target_arch = "riscv64"));

/// Whether sums of whole numbers come from the crate `flowlet-assembly`.
pub(crate) const ASSEMBLY: bool = cfg!(all(
    feature = "assembly",
    target_arch = "arm",
    target_os = "none",
    any(target_abi = "eabihf", not(target_has_atomic = "32"))
));

/// Whether the target is a Cortex-M0 or M0+, the only ARM without compare-and-swap. Its loads of halfwords do not extend
/// the sign, except from the sum of two registers.
pub(crate) const CORTEX_M0: bool = cfg!(all(target_arch = "arm", not(target_has_atomic = "32")));
