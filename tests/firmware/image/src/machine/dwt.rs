//! The cycle counter of a real Cortex-M3 or later. QEMU does not have it: there it stays 0.

use core::ptr::{read_volatile, write_volatile};

const DEMCR: *mut u32 = 0xe000_edfc as *mut u32;
const TRCENA: u32 = 1 << 24;
const CONTROL: *mut u32 = 0xe000_1000 as *mut u32;
const CYCCNTENA: u32 = 1;
const CYCCNT: *mut u32 = 0xe000_1004 as *mut u32;
const LOCK: *mut u32 = 0xe000_1fb0 as *mut u32;
const KEY: u32 = 0xc5ac_ce55;

/// Returns the cycles that `f` takes, fewer than 2³².
pub fn instructions(f: impl FnOnce()) -> u64 {
    // SAFETY: the trace unit's registers, which nothing else here uses.
    unsafe {
        write_volatile(DEMCR, read_volatile(DEMCR) | TRCENA);
        // On some Cortex-M7 the counter is locked after power-on; the key unlocks it.
        write_volatile(LOCK, KEY);
        write_volatile(CONTROL, read_volatile(CONTROL) | CYCCNTENA);
        let start = read_volatile(CYCCNT);
        f();
        u64::from(read_volatile(CYCCNT).wrapping_sub(start))
    }
}
