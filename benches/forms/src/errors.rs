//! Worst errors of all forms over all inputs or a sample of them, measured on all cores.

use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use forms::{Errors, FORMS, Truth, Worst};

/// Inputs in a slice, and slices in a block; a thread takes one block at a time.
const CHUNK: u32 = 4096;

/// Blocks in all inputs.
const BLOCKS: u32 = ((1_u64 << 32) / (CHUNK as u64 * CHUNK as u64)) as u32;

/// Returns the errors of every form, over all inputs or a 64th of them.
pub(crate) fn measure(all: bool) -> Vec<Errors> {
    // The sample takes a 64th of each block's slices; the odd stride spreads their bits over all inputs.
    let (slices, stride) = if all { (CHUNK, 1) } else { (CHUNK / 64, 16_411 * 64 + 1) };
    let next = AtomicU32::new(0);
    let work = || {
        let mut worst: Vec<Vec<Worst>> =
            FORMS.iter().map(|forms| vec![Worst::default(); forms.len()]).collect();
        loop {
            let block = next.fetch_add(1, Ordering::Relaxed);
            if block >= BLOCKS {
                return worst.iter().flatten().map(Worst::errors).collect();
            }
            for slice in 0..slices {
                let first = (block * slices + slice) * CHUNK;
                let bits: Vec<u32> = (0..CHUNK).map(|k| (first + k).wrapping_mul(stride)).collect();
                take(&bits, &mut worst);
            }
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let found: Vec<Vec<Errors>> = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().map(|worker| worker.join().expect("no worker panics")).collect()
    });
    let worse = |a: Errors, b: Errors| Errors {
        of_result: a.of_result.max(b.of_result),
        of_input: a.of_input.max(b.of_input),
    };
    found
        .into_iter()
        .reduce(|a, b| a.into_iter().zip(b).map(|(a, b)| worse(a, b)).collect())
        .expect("there is a thread")
}

/// Takes the errors at `bits` into `worst`, which has one entry for each form. The reference is computed once
/// for all forms of a function.
fn take(bits: &[u32], worst: &mut [Vec<Worst>]) {
    let mut found = vec![0.0; bits.len()];
    for (forms, worst) in FORMS.iter().zip(worst) {
        let function = forms[0].function;
        let truths: Vec<Truth> = bits.iter().map(|&bits| Truth::new(function, bits)).collect();
        for (form, worst) in forms.iter().zip(worst) {
            (form.slice)(bits, &mut found);
            worst.take(&found, &truths);
        }
    }
}
