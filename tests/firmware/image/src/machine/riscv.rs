//! A 32-bit RISC-V under QEMU.

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

/// Instructions that `f` takes.
pub fn instructions(f: impl FnOnce()) -> u64 {
    let count = || -> u32 {
        let count;
        // SAFETY: reads a counter.
        unsafe { asm!("csrr {}, minstret", out(reg) count) };
        count
    };
    let start = count();
    f();
    u64::from(count().wrapping_sub(start))
}
