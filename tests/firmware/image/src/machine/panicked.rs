//! The end of a program that panics.

use core::panic::PanicInfo;

/// Says what went wrong, and ends.
pub fn panicked(info: &PanicInfo<'_>) -> ! {
    semihosting::println!("{info}");
    semihosting::process::exit(101)
}
