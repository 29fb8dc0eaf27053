//! The machine that a program runs on: how the program starts, prints, counts instructions and ends.

#[cfg(not(any(target_os = "none", target_arch = "wasm32")))]
mod host;
#[cfg(target_os = "none")]
mod panicked;
#[cfg(target_os = "none")]
mod say;
#[cfg(target_os = "none")]
mod stack;
#[cfg_attr(target_arch = "aarch64", path = "aarch64.rs")]
#[cfg_attr(target_arch = "arm", path = "cortex_m.rs")]
#[cfg_attr(target_arch = "riscv32", path = "riscv.rs")]
#[cfg(target_os = "none")]
mod this;

#[cfg(not(any(target_os = "none", target_arch = "wasm32")))]
pub use {host::flush_subnormals, std::println};
#[cfg(target_os = "none")]
pub use {
    panicked::panicked, say::say, semihosting::println, stack::stack, this::flush_subnormals,
    this::instructions, this::switch_float_unit_off,
};
