//! A 32-bit RISC-V: under QEMU, or, with the feature `cycles`, a real one.

use core::arch::asm;

/// A program's start: `run` says whether it went well.
#[macro_export]
macro_rules! entry {
    ($run:path) => {
        #[riscv_rt::entry]
        fn start() -> ! {
            semihosting::process::exit(if $run() { 0 } else { 1 })
        }
    };
}

/// Instructions that `f` takes; cycles with that feature.
pub fn instructions(f: impl FnOnce()) -> u64 {
    let count = || -> u32 {
        let count;
        // SAFETY: reads a counter.
        #[cfg(not(feature = "cycles"))]
        unsafe {
            asm!("csrr {}, minstret", out(reg) count)
        };
        // SAFETY: reads a counter.
        #[cfg(feature = "cycles")]
        unsafe {
            asm!("csrr {}, mcycle", out(reg) count)
        };
        count
    };
    let start = count();
    f();
    u64::from(count().wrapping_sub(start))
}

/// Whether the floating-point unit was told what to do with subnormals: this machine has no such
/// switch.
pub fn flush_subnormals(_: bool) -> bool {
    false
}
