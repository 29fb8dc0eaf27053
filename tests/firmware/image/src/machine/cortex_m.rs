//! A Cortex-M under QEMU or, with the feature `cycles`, a real one.

#[cfg(feature = "cycles")]
mod dwt;
#[cfg(not(feature = "cycles"))]
mod systick;

#[cfg(feature = "cycles")]
pub use dwt::instructions;
#[cfg(not(feature = "cycles"))]
pub use systick::instructions;

/// Defines the program's start, which calls `run` and exits with 0 if it returns `true`, else with 1.
#[macro_export]
macro_rules! entry {
    ($run:path) => {
        #[cortex_m_rt::entry]
        fn start() -> ! {
            semihosting::process::exit(if $run() { 0 } else { 1 })
        }
    };
}

/// Sets whether the floating-point unit flushes subnormals to zero. Returns `false` if there is no such unit.
pub fn flush_subnormals(flush: bool) -> bool {
    #[cfg(target_abi = "eabihf")]
    {
        const FLUSH_TO_ZERO: u32 = 1 << 24;
        // SAFETY: this changes the program's floating-point arithmetic only, which the caller asks for.
        unsafe {
            let control: u32;
            core::arch::asm!("vmrs {}, fpscr", out(reg) control);
            let control = if flush { control | FLUSH_TO_ZERO } else { control & !FLUSH_TO_ZERO };
            core::arch::asm!("vmsr fpscr, {}", in(reg) control);
        }
        true
    }
    #[cfg(not(target_abi = "eabihf"))]
    {
        let _ = flush;
        false
    }
}

/// Switches the floating-point unit off, if there is one: a float instruction is then a fault.
pub fn switch_float_unit_off() {
    const CPACR: *mut u32 = 0xe000_ed88 as *mut u32;
    // SAFETY: the register of the coprocessors' access, which Cortex-M without a float unit ignores.
    unsafe {
        CPACR.write_volatile(0);
        core::arch::asm!("dsb", "isb");
    }
}

/// Defines what a fault does: it ends the program with 102.
#[macro_export]
macro_rules! exit_on_fault {
    () => {
        #[cortex_m_rt::exception]
        unsafe fn HardFault(_: &cortex_m_rt::ExceptionFrame) -> ! {
            semihosting::process::exit(102)
        }
    };
}
