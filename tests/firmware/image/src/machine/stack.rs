//! How deep the stack goes, by painting it.

use core::hint::black_box;
use core::ptr::{read_volatile, write_volatile};

const PAINT: u32 = 0xa5c3_96e1;

/// Bytes below this frame that are painted.
const DEPTH: usize = 6 * 1024;

/// Bytes of stack that `f` takes, calls included.
#[inline(never)]
pub fn stack(f: impl FnOnce()) -> usize {
    let mark = 0_u32;
    let top = black_box(&raw const mark) as usize & !3;
    // What this function itself may have there.
    let first = top - 256;
    // SAFETY: unused stack; the images' stacks are larger than this.
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
