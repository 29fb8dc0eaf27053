//! Measures stack by painting it beforehand and looking for overwritten words afterwards.

use core::hint::black_box;
use core::ptr::{read_volatile, write_volatile};

const PAINT: u32 = 0xa5c3_96e1;

/// Bytes of stack that are painted.
const DEPTH: usize = 6 * 1024;

/// Returns the bytes of stack that `f` takes, with the functions that it calls; at most [`DEPTH`] + 256.
#[inline(never)]
pub fn stack(f: impl FnOnce()) -> usize {
    let mark = 0_u32;
    let top = black_box(&raw const mark) as usize & !3;
    // Leaves out what this function itself may keep on the stack.
    let first = top - 256;
    // SAFETY: this stack is not in use yet, and the images' stacks are larger than `DEPTH`.
    unsafe {
        for at in (first - DEPTH..first).step_by(4) {
            write_volatile(at as *mut u32, PAINT);
        }
        f();
        let lowest =
            (first - DEPTH..first).step_by(4).find(|&at| read_volatile(at as *const u32) != PAINT);
        top - lowest.unwrap_or(first)
    }
}
