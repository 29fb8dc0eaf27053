//! A 32-bit RISC-V under QEMU or, with the feature `cycles`, a real one.

use core::arch::asm;

/// Defines the program's start, which calls `run` and exits with 0 if it returns `true`, else with 1.
#[macro_export]
macro_rules! entry {
    ($run:path) => {
        #[riscv_rt::entry]
        fn start() -> ! {
            semihosting::process::exit(if $run() { 0 } else { 1 })
        }
    };
}

/// Returns the instructions that `f` takes or, with the feature `cycles`, the cycles.
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

/// Returns `false`: a RISC-V has no mode that flushes subnormals.
pub fn flush_subnormals(_: bool) -> bool {
    false
}

/// Switches the floating-point unit off, if there is one: a float instruction is then an exception.
pub fn switch_float_unit_off() {
    // SAFETY: clears the field FS of `mstatus`, on which no integer instruction depends.
    unsafe { asm!("csrc mstatus, {}", in(reg) 3 << 13) };
}

/// Defines what an exception does: it ends the program with 102.
#[macro_export]
macro_rules! exit_on_fault {
    () => {
        #[unsafe(export_name = "ExceptionHandler")]
        extern "C" fn exception() -> ! {
            semihosting::process::exit(102)
        }
    };
}
