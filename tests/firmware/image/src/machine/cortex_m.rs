//! A Cortex-M: under QEMU, or, with the feature `cycles`, a real one.

#[cfg(feature = "cycles")]
mod dwt;
#[cfg(not(feature = "cycles"))]
mod systick;

#[cfg(feature = "cycles")]
pub use dwt::instructions;
#[cfg(not(feature = "cycles"))]
pub use systick::instructions;

/// A program's start: `run` says whether it went well.
#[macro_export]
macro_rules! entry {
    ($run:path) => {
        #[cortex_m_rt::entry]
        fn start() -> ! {
            semihosting::process::exit(if $run() { 0 } else { 1 })
        }
    };
}
