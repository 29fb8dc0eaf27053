//! An aarch64 under QEMU.

use core::arch::{asm, global_asm};

/// A program's start: `run` says whether it went well.
#[macro_export]
macro_rules! entry {
    ($run:path) => {
        #[unsafe(no_mangle)]
        extern "C" fn start() -> ! {
            semihosting::process::exit(if $run() { 0 } else { 1 })
        }
    };
}

// Switches the floating-point unit on and begins.
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

/// Instructions that `f` takes, to within sixteen: the timer ticks at 62.5 MHz.
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

/// Sets whether the floating-point unit takes subnormals for zero; whether there is one that can.
pub fn flush_subnormals(flush: bool) -> bool {
    const FLUSH_TO_ZERO: u64 = 1 << 24;
    // SAFETY: changes how this program rounds, which is what it is for.
    unsafe {
        let control: u64;
        asm!("mrs {}, fpcr", out(reg) control);
        let control = if flush { control | FLUSH_TO_ZERO } else { control & !FLUSH_TO_ZERO };
        asm!("msr fpcr, {}", in(reg) control);
    }
    true
}
