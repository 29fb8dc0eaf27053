//! Code that the images share: the committed models, their golden starting points, and the machine.

#![cfg_attr(any(target_os = "none", target_arch = "wasm32"), no_std)]

#[cfg(target_os = "none")]
pub mod cost;
pub mod machine;
pub mod models;

/// The golden files' starting points, conditions and digests.
pub mod goldens {
    include!(concat!(env!("OUT_DIR"), "/goldens.rs"));
}
