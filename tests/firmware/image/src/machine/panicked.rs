//! The end of a program that panics.

use core::panic::PanicInfo;

/// Prints the panic's message and exits with 101.
pub fn panicked(info: &PanicInfo<'_>) -> ! {
    semihosting::println!("{info}");
    semihosting::process::exit(101)
}
