//! The timer SysTick. It counts instructions where QEMU runs with `-icount shift=0`, so that each instruction
//! takes one nanosecond.

use core::ptr::{read_volatile, write_volatile};

const CONTROL: *mut u32 = 0xe000_e010 as *mut u32;
const RELOAD: *mut u32 = 0xe000_e014 as *mut u32;
const CURRENT: *mut u32 = 0xe000_e018 as *mut u32;

/// Twice the nanoseconds in a tick: QEMU's microbit runs at 16 MHz, its mps2 boards at 25 MHz, the AN505 at 20.
const HALF_NANOSECONDS: u64 = if cfg!(feature = "microbit") {
    125
} else if cfg!(feature = "an505") {
    100
} else {
    80
};

/// Returns the instructions that `f` takes, to within a tick.
pub fn instructions(f: impl FnOnce()) -> u64 {
    // SAFETY: SysTick's registers, which nothing else here uses.
    let ticks = unsafe {
        write_volatile(RELOAD, 0x00ff_ffff);
        write_volatile(CURRENT, 0);
        write_volatile(CONTROL, 0b101);
        let start = read_volatile(CURRENT);
        f();
        start.wrapping_sub(read_volatile(CURRENT)) & 0x00ff_ffff
    };
    u64::from(ticks) * HALF_NANOSECONDS / 2
}
