//! The promises of the reader of integer models.

use flowlet::fixed::{self, Euler, HeapMlp, HeapSolver, ONE, SelfTest};
use flowlet::{Activation, Gelu, LoadError, SolverKind, VelocityField};
use safetensors::SafeTensors;
use safetensors::tensor::Dtype;

use crate::reader::{is_stricter, names};
use crate::seeds::{Whole4, Whole8, Whole16};

/// Reads a file in each way that the runtime has for integer models, and evaluates those that it accepts.
///
/// # Panics
///
/// Panics if a promise is broken:
/// - the const models and the heap's accept the same files, and give the same numbers, alone and side by side;
/// - no sum overflows, whatever the weights and the inputs (where overflows are checked);
/// - a file that they accept is a valid file of integers for the safetensors library, and no float model;
/// - a file that they refuse and the library accepts is refused for a reason;
/// - each error has a message, and nothing panics.
pub fn check(file: &[u8]) {
    let heap = HeapMlp::try_from_safetensors(file);
    check_library(file, heap.as_ref().err());
    let accepted = [
        check_const(file, &heap, 16, Whole16::try_from_safetensors(file), Whole16::fingerprint),
        check_const(file, &heap, 8, Whole8::try_from_safetensors(file), Whole8::fingerprint),
        check_const(file, &heap, 4, Whole4::try_from_safetensors(file), Whole4::fingerprint),
    ];
    assert!(accepted.iter().filter(|accepted| **accepted).count() <= 1);
    if let Ok(solver) = HeapSolver::try_from_safetensors(file) {
        let times: Vec<i32> = solver.times().collect();
        assert!(times.is_sorted_by(|a, b| a < b) && times[0] >= 0 && times[times.len() - 1] <= ONE);
    }
    let _ = fixed::Heun::<2>::try_from_safetensors(file);
}

fn check_library(file: &[u8], refused: Option<&LoadError>) {
    match (refused, SafeTensors::deserialize(file)) {
        (None, Err(error)) => panic!("accepted, but refused by the library: {error}"),
        (None, Ok(library)) => {
            let integers = [Dtype::I32, Dtype::I16, Dtype::I8, Dtype::U8];
            assert!(library.tensors().iter().all(|(_, tensor)| integers.contains(&tensor.dtype())));
            assert!(flowlet::HeapMlp::try_from_safetensors(file).is_err());
        }
        (Some(error), Ok(library)) => {
            let stricter = is_stricter(error) || names(file) > library.len();
            assert!(stricter, "only refused here: {error}");
        }
        (Some(_), Err(_)) => {}
    }
    if let Some(error) = refused {
        assert_eq!(error.message().as_str(), error.to_string());
    }
}

/// Returns whether the const model accepts the file.
fn check_const<M: VelocityField<2, 1, i32>>(
    file: &[u8],
    heap: &Result<HeapMlp, LoadError>,
    bits: u32,
    fixed: Result<M, LoadError>,
    fingerprint: fn(&M) -> u64,
) -> bool {
    match (&fixed, heap) {
        (Err(_), Err(_)) => {}
        (Err(error), Ok(heap)) => {
            let sizes =
                (heap.data_dim(), heap.condition_dim(), heap.hidden_width(), heap.hidden_layers());
            let same = sizes == (2, 1, 3, 1)
                && heap.activation() == Gelu::KIND
                && heap.weight_bits() == bits;
            assert!(!same, "only accepted by the heap's model: {error}");
        }
        (Ok(_), Err(error)) => panic!("only accepted by the const model: {error}"),
        // Without metadata, the type says what the activation is, and the heap's model takes GELU.
        (Ok(_), Ok(heap)) if heap.activation() != Gelu::KIND => {}
        (Ok(fixed), Ok(heap)) => {
            assert_eq!(fingerprint(fixed), heap.fingerprint());
            check_numbers(fixed, heap);
            if let Ok(test) = SelfTest::<2, 1>::try_from_safetensors(file) {
                // The weights may be any, so the self-test may fail. It must only end.
                let _ = test.run(fixed);
            }
        }
    }
    fixed.is_ok()
}

/// The ends of all inputs, alone, side by side and on the heap.
fn check_numbers(fixed: &impl VelocityField<2, 1, i32>, heap: &HeapMlp) {
    let ends = [i32::MIN, -70_000, 0, 900_000, i32::MAX];
    let points: Vec<[i32; 2]> = (0..19).map(|k| [ends[k % 5], ends[k / 5]]).collect();
    let conditions: Vec<[i32; 1]> = (0..19).map(|k| [ends[k * 2 % 5]]).collect();
    for (k, (x, c)) in points.iter().zip(&conditions).enumerate() {
        let t = [0, ONE, i32::MIN, i32::MAX][k % 4];
        assert_eq!(fixed.velocity(t, *x, *c).to_vec(), heap.velocity(t, x, c, &mut heap.scratch()));
    }
    let solver = Euler::<2>::UNIFORM;
    let mut together = points.clone();
    solver.sample_batch(fixed, &mut together, &conditions);
    let mut on_heap = points.clone();
    let of_heap = HeapSolver::try_uniform(SolverKind::Euler, 2.try_into().expect("not 0"));
    let of_heap = of_heap.expect("two steps");
    of_heap.sample_batch(
        heap,
        on_heap.as_flattened_mut(),
        conditions.as_flattened(),
        &mut heap.scratch(),
    );
    assert_eq!(together, on_heap);
    for ((x, c), together) in points.iter().zip(&conditions).zip(&together) {
        assert_eq!(solver.sample(fixed, *x, *c), *together);
    }
}
