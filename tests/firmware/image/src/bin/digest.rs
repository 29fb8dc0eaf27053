//! Samples the golden paths of every committed model and prints the digest of all output bits. Also checks
//! every method on the first few paths, a model that is read at run time, the fast GELU, and the models'
//! self-tests, which must fail where subnormals are flushed. The models in whole numbers must give their bits there too.

#![cfg_attr(any(target_os = "none", target_arch = "wasm32"), no_std, no_main)]

use image::models::outcome;

#[cfg(not(target_arch = "wasm32"))]
image::entry!(run);

#[cfg(not(target_arch = "wasm32"))]
fn run() -> bool {
    let mut right = cfg!(feature = "whole-numbers") || floats_agree();
    #[cfg(feature = "assembly")]
    {
        let agrees = image::assembly::agrees();
        image::machine::println!("assembly {agrees}");
        right &= agrees;
    }
    for model in 0..image::integers::MODELS {
        let outcome = image::integers::outcome(model);
        image::machine::println!("digest {} {:016x}", outcome.name, outcome.found);
        right &= outcome.found == outcome.expected;
        let methods = image::integers::methods_agree(model);
        image::machine::println!("methods {} {methods}", outcome.name);
        right &= methods;
    }
    right
}

/// Whether the float models agree, and the models in whole numbers where subnormals are flushed.
#[cfg(not(target_arch = "wasm32"))]
fn floats_agree() -> bool {
    let mut right = image::models::load_agrees();
    right &= image::models::empty_stands_still();
    let fast = image::models::fast_digest();
    image::machine::println!("fast {fast:016x}");
    right &= fast == image::models::FAST_DIGEST;
    right &= image::models::self_tests_pass();
    if image::machine::flush_subnormals(true) {
        right &= !image::models::self_tests_pass();
        let integers = integers_hold();
        image::machine::println!("subnormals flushed: whole numbers {integers}");
        right &= integers;
        image::machine::flush_subnormals(false);
    }
    for model in 0..image::models::MODELS {
        let outcome = outcome(model);
        image::machine::println!("digest {} {:016x}", outcome.name, outcome.found);
        right &= outcome.found == outcome.expected;
        let methods = image::models::methods_agree(model);
        image::machine::println!("methods {} {methods}", outcome.name);
        right &= methods;
    }
    right
}

/// Whether all models in whole numbers give their golden bits.
#[cfg(not(target_arch = "wasm32"))]
fn integers_hold() -> bool {
    (0..image::integers::MODELS).all(|model| {
        let outcome = image::integers::outcome(model);
        outcome.found == outcome.expected && image::integers::methods_agree(model)
    })
}

#[cfg(target_os = "none")]
#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    image::machine::panicked(info)
}

/// Returns the digest of a model's golden paths; the runner compares it.
#[cfg(target_arch = "wasm32")]
#[unsafe(no_mangle)]
pub extern "C" fn digest(model: u32) -> u64 {
    match model.checked_sub(image::models::MODELS) {
        Some(model) => image::integers::outcome(model).found,
        None => outcome(model).found,
    }
}

/// Returns whether every method gives its golden bits.
#[cfg(target_arch = "wasm32")]
#[unsafe(no_mangle)]
pub extern "C" fn methods_agree(model: u32) -> bool {
    match model.checked_sub(image::models::MODELS) {
        Some(model) => image::integers::methods_agree(model),
        None => image::models::methods_agree(model),
    }
}

#[cfg(target_arch = "wasm32")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
