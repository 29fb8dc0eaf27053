//! The promises of evaluating a model.

use std::num::NonZeroUsize;

use flowlet::{HeapMlp, HeapSolver, Mlp, SolverKind, VelocityField};

use crate::seeds::{Whole, join, seeds, split};

/// The only NaN that the runtime returns.
const NAN: u32 = 0x7fc0_0000;

/// Evaluates a model whose weights, points, condition and time are taken from `bytes`. Where these end, weights are
/// those of a seed file, and other numbers 0.5.
///
/// # Panics
///
/// Panics if a promise is broken: the const model and the heap's, one sample and many give the same bits, every NaN
/// is the same, and nothing panics.
pub fn check(bytes: &[u8]) {
    let seeds = seeds();
    let (header, data) = split(&seeds[0]);
    let mut data = data.to_vec();
    let count = bytes.len().min(data.len());
    data[..count].copy_from_slice(&bytes[..count]);
    let file = join(header, &data);
    let (Ok(fixed), Ok(heap)) =
        (Whole::try_from_safetensors(&file), HeapMlp::try_from_safetensors(&file))
    else {
        return;
    };
    let mut floats = bytes[count..].as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
    let mut next = || floats.next().unwrap_or(0.5);
    let (t, c) = (next(), [next()]);
    // More points than lanes, so that a batch has a full block and a remainder.
    let points: Vec<[f32; 2]> = (0..19).map(|_| [next(), next()]).collect();
    check_bits(&fixed, &heap, t, c, &points);
}

fn check_bits(fixed: &Mlp<2, 1, 3, 1>, heap: &HeapMlp, t: f32, c: [f32; 1], points: &[[f32; 2]]) {
    let mut scratch = heap.scratch();
    for &x in points {
        let velocity = fixed.velocity(t, x, c).map(f32::to_bits);
        let on_heap = heap.velocity(t, &x, &c, &mut scratch);
        assert!(velocity.iter().zip(on_heap).all(|(bits, v)| *bits == v.to_bits()));
        assert!(velocity.iter().all(|bits| !f32::from_bits(*bits).is_nan() || *bits == NAN));
    }
    for kind in SolverKind::ALL {
        let solver = HeapSolver::uniform(*kind, NonZeroUsize::MIN.saturating_add(2));
        let mut batch = points.as_flattened().to_vec();
        solver.sample_batch(heap, &mut batch, &c, &mut scratch);
        for (x, sampled) in points.iter().zip(batch.as_chunks::<2>().0) {
            let mut alone = *x;
            solver.sample(heap, &mut alone, &c, &mut scratch);
            assert_eq!(alone.map(f32::to_bits), sampled.map(f32::to_bits), "{kind:?}");
            assert!(alone.iter().all(|x| !x.is_nan() || x.to_bits() == NAN), "{kind:?}");
        }
    }
}
