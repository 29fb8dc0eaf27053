//! Code that the images share: the committed models, their golden starting points, and the machine.

#![cfg_attr(any(target_os = "none", target_arch = "wasm32"), no_std)]

#[cfg(feature = "assembly")]
pub mod assembly;
#[cfg(target_os = "none")]
pub mod cost;
pub mod integers;
pub mod machine;
pub mod models;

/// The golden files' starting points, conditions and digests.
pub mod goldens {
    include!(concat!(env!("OUT_DIR"), "/goldens.rs"));
}

/// Defines a panic handler that calls a function which does not exist: an image from which the optimiser could not
/// remove every panic does not link.
#[macro_export]
macro_rules! refuse_panics {
    () => {
        #[panic_handler]
        fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
            unsafe extern "C" {
                fn flowlet_has_a_way_to_panic() -> !;
            }
            // SAFETY: no program with this call links.
            unsafe { flowlet_has_a_way_to_panic() }
        }
    };
}
