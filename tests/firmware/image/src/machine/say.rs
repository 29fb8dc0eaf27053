//! Prints to the debugger's console without `core::fmt`, whose code is larger than a sampler.

use semihosting::sys::arm_compat::sys_writec;

/// Prints a line with the word and the number in hexadecimal.
pub fn say(word: &str, mut number: u64) {
    for byte in word.bytes() {
        sys_writec(byte);
    }
    sys_writec(b' ');
    for _ in 0..16 {
        // By a constant: a chip of 32 bits has a routine for other shifts.
        let digit = (number >> 60) as u8;
        number <<= 4;
        sys_writec(if digit < 10 { b'0' + digit } else { b'a' - 10 + digit });
    }
    sys_writec(b'\n');
}
