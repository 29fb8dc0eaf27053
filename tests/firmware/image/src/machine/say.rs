//! Prints to the debugger's console without `core::fmt`, whose code is larger than a sampler.

use semihosting::sys::arm_compat::sys_writec;

/// Prints a line with the word and the number in hexadecimal.
pub fn say(word: &str, number: u64) {
    for byte in word.bytes() {
        sys_writec(byte);
    }
    sys_writec(b' ');
    for shift in (0..16).rev() {
        let digit = (number >> (4 * shift)) as u8 & 15;
        sys_writec(if digit < 10 { b'0' + digit } else { b'a' - 10 + digit });
    }
    sys_writec(b'\n');
}
