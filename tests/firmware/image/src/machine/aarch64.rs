//! An aarch64 under QEMU.

use core::arch::{asm, global_asm};

/// Defines the program's start, which calls `run` and exits with 0 if it returns `true`, else with 1.
#[macro_export]
macro_rules! entry {
    ($run:path) => {
        #[unsafe(no_mangle)]
        extern "C" fn start() -> ! {
            semihosting::process::exit(if $run() { 0 } else { 1 })
        }
    };
}

// Sets the stack pointer, switches the floating-point unit on and calls `start`.
global_asm!(
    ".section .text.start, \"ax\"",
    ".global _start",
    "_start:",
    "ldr x0, =_stack_start",
    "mov sp, x0",
    "mov x0, #(3 << 20)",
    "msr cpacr_el1, x0",
    "isb",
    "b start",
);

/// Returns the instructions that `f` takes, to within 16: the timer ticks at 62.5 MHz, every 16 ns.
pub fn instructions(f: impl FnOnce()) -> u64 {
    let count = || -> u64 {
        let count;
        // SAFETY: reads a counter.
        unsafe { asm!("isb", "mrs {}, cntvct_el0", out(reg) count) };
        count
    };
    let start = count();
    f();
    (count() - start) * 16
}

/// Sets whether the floating-point unit flushes subnormals to zero. Returns `false` if it has no such mode.
pub fn flush_subnormals(flush: bool) -> bool {
    const FLUSH_TO_ZERO: u64 = 1 << 24;
    // SAFETY: this changes the program's floating-point arithmetic only, which the caller asks for.
    unsafe {
        let control: u64;
        asm!("mrs {}, fpcr", out(reg) control);
        let control = if flush { control | FLUSH_TO_ZERO } else { control & !FLUSH_TO_ZERO };
        asm!("msr fpcr, {}", in(reg) control);
    }
    true
}

/// Does nothing: the compiler moves whole numbers through the float unit's registers.
pub fn switch_float_unit_off() {}

/// Defines nothing.
#[macro_export]
macro_rules! exit_on_fault {
    () => {};
}
