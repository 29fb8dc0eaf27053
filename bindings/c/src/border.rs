//! The functions of the C ABI.

use std::ffi::{CStr, c_char};
use std::num::NonZeroUsize;

use flowlet_runtime::{Noise, SolverKind, fixed};

use crate::model::{Loaded, Network};
use crate::registry;
use crate::status::{FLOWLET_ARGUMENT, FLOWLET_NULL, FLOWLET_SIZE, Failure, guarded, with_message};

/// What a model is.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(non_camel_case_types)]
pub struct flowlet_description {
    /// A digest of the weights. Programs with the same fingerprint compute the same bits.
    pub fingerprint: u64,
    /// Numbers in a point.
    pub data: u32,
    /// Numbers in a condition; 0 for none.
    pub conditions: u32,
    /// Steps of a path.
    pub steps: u32,
    /// Evaluations of the network for a path.
    pub evaluations: u32,
    /// 1 if the model is of whole numbers: it takes the functions that end in `_i32`.
    pub is_integer: u32,
    /// Fraction bits of data units, if it is.
    pub data_bits: i32,
    /// Fraction bits of conditions, if it is.
    pub condition_bits: i32,
    /// The version of the numeric contract.
    pub contract: u32,
}

/// Turns a pointer and a length into a slice.
///
/// # Safety
///
/// `at` must be null or point to `length` values that nobody writes meanwhile.
unsafe fn slice<'a, T>(at: *const T, length: usize, what: &str) -> Result<&'a [T], Failure> {
    if length == 0 {
        return Ok(&[]);
    }
    check(at, length, what)?;
    // SAFETY: not null, aligned, not longer than the address space; the caller promises the rest.
    Ok(unsafe { std::slice::from_raw_parts(at, length) })
}

/// Turns a pointer and a length into a slice to write.
///
/// # Safety
///
/// `at` must be null or point to `length` values that nobody else reads or writes meanwhile.
unsafe fn slice_mut<'a, T>(at: *mut T, length: usize, what: &str) -> Result<&'a mut [T], Failure> {
    if length == 0 {
        return Ok(&mut []);
    }
    check(at.cast_const(), length, what)?;
    // SAFETY: not null, aligned, not longer than the address space; the caller promises the rest.
    Ok(unsafe { std::slice::from_raw_parts_mut(at, length) })
}

fn check<T>(at: *const T, length: usize, what: &str) -> Result<(), Failure> {
    if at.is_null() {
        return Err(Failure(FLOWLET_NULL, format!("{what} is null")));
    }
    if !at.is_aligned() {
        return Err(Failure(
            FLOWLET_NULL,
            format!("{what} is not aligned to {} bytes", align_of::<T>()),
        ));
    }
    let fits =
        length.checked_mul(size_of::<T>()).is_some_and(|bytes| isize::try_from(bytes).is_ok());
    if !fits {
        return Err(Failure(
            FLOWLET_SIZE,
            format!("{what}: a length of {length} is more than memory can hold"),
        ));
    }
    Ok(())
}

/// Writes a result.
///
/// # Safety
///
/// `to` must be null or point to a value that nobody else reads or writes meanwhile.
unsafe fn write<T>(
    to: *mut T,
    value: impl FnOnce() -> Result<T, Failure>,
    what: &str,
) -> Result<(), Failure> {
    check(to.cast_const(), 1, what)?;
    let value = value()?;
    // SAFETY: not null and aligned; the caller promises the rest.
    unsafe { to.write(value) };
    Ok(())
}

/// Copies the message of the last function that failed on this thread to `buffer`, cut to `length` bytes with its closing
/// zero. Returns the bytes that the whole message needs. With a null buffer it only returns that.
///
/// # Safety
///
/// `buffer` is null or points to `length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flowlet_message(buffer: *mut c_char, length: usize) -> usize {
    with_message(|message| {
        let bytes = message.as_bytes();
        // SAFETY: as the caller promises.
        if let Ok(buffer) = unsafe { slice_mut(buffer.cast::<u8>(), length, "buffer") }
            && let Some(room) = buffer.len().checked_sub(1)
        {
            // Not in the middle of a character.
            let cut = (0..=room.min(bytes.len())).rev().find(|&cut| message.is_char_boundary(cut));
            let cut = cut.unwrap_or(0);
            buffer[..cut].copy_from_slice(&bytes[..cut]);
            buffer[cut] = 0;
        }
        bytes.len() + 1
    })
}

/// Opens a model from the bytes of its file, which are copied, and writes its number to `model`. `solver` is null for the
/// model's own, or euler, midpoint, heun, rk4 or ab2; `steps` is 0 for the model's own.
///
/// # Safety
///
/// `bytes` points to `length` bytes, `solver` is null or a string that ends with a zero, and `model` points to a number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flowlet_open(
    bytes: *const u8,
    length: usize,
    solver: *const c_char,
    steps: u32,
    model: *mut u64,
) -> i32 {
    guarded(|| {
        // SAFETY: as the caller promises.
        let bytes = unsafe { slice(bytes, length, "bytes") }?;
        let solver = if solver.is_null() {
            None
        } else {
            // SAFETY: not null; the caller promises the closing zero.
            let name = unsafe { CStr::from_ptr(solver) };
            let kind = SolverKind::from_name(name.to_bytes());
            Some(kind.ok_or_else(|| {
                let name: String = name.to_string_lossy().chars().take(40).collect();
                Failure(
                    FLOWLET_ARGUMENT,
                    format!("solver {name:?}: expected euler, midpoint, heun, rk4 or ab2"),
                )
            })?)
        };
        let steps = NonZeroUsize::new(steps as usize);
        // SAFETY: as the caller promises.
        unsafe { write(model, || Ok(registry::add(Loaded::open(bytes, solver, steps)?)), "model") }
    })
}

/// Writes the number of a model that is `model` with classifier-free guidance: each evaluation costs two. Both are to be
/// closed.
///
/// # Safety
///
/// `guided` points to a number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flowlet_guide(model: u64, weight: f32, guided: *mut u64) -> i32 {
    guarded(|| {
        let model = registry::get(model)?;
        // SAFETY: as the caller promises.
        unsafe { write(guided, || Ok(registry::add(model.guided(weight)?)), "guided") }
    })
}

/// Closes a model. Calls in other threads that are using it end as usual.
#[unsafe(no_mangle)]
pub extern "C" fn flowlet_close(model: u64) -> i32 {
    guarded(|| registry::remove(model))
}

/// Describes a model.
///
/// # Safety
///
/// `description` points to a description.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flowlet_describe(
    model: u64,
    description: *mut flowlet_description,
) -> i32 {
    guarded(|| {
        let model = registry::get(model)?;
        let (_, steps) = model.solver();
        let made = || {
            let mut made = flowlet_description {
                data: model.data() as u32,
                conditions: model.conditions() as u32,
                steps: steps as u32,
                evaluations: model.evaluations() as u32,
                contract: model.contract(),
                ..flowlet_description::default()
            };
            match &model.network {
                Network::Float(mlp, _) => made.fingerprint = mlp.fingerprint(),
                Network::Integer(mlp, _) => {
                    made.fingerprint = mlp.fingerprint();
                    made.is_integer = 1;
                    made.data_bits = mlp.data_bits();
                    made.condition_bits = mlp.condition_bits();
                }
            }
            Ok(made)
        };
        // SAFETY: as the caller promises.
        unsafe { write(description, made, "description") }
    })
}

/// Takes the golden steps in the model's file, and compares every bit. Call it when your program starts.
#[unsafe(no_mangle)]
pub extern "C" fn flowlet_self_test(model: u64) -> i32 {
    guarded(|| registry::get(model)?.self_test())
}

/// Fills starting points with noise.
fn fill<T>(
    model: u64,
    is_kind: fn(&Network) -> bool,
    x: &mut [T],
    fill: impl Fn(u64, &mut [T]),
) -> Result<(), Failure> {
    let model = registry::get(model)?;
    if !is_kind(&model.network) {
        return Err(model.kind());
    }
    let (length, data) = (x.len(), model.data());
    if !length.is_multiple_of(data) {
        return Err(Failure(
            FLOWLET_SIZE,
            format!("{length} numbers: expected a multiple of {data}"),
        ));
    }
    for (k, x) in (0..).zip(x.chunks_exact_mut(data)) {
        fill(k, x);
    }
    Ok(())
}

/// Writes starting points `first`, `first` + 1, ... of `seed` to `x`: noise, in flow units. Each is a pure function of its
/// index and the seed. `length` is the number of points times the model's data dimensions.
///
/// # Safety
///
/// `x` points to `length` numbers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flowlet_noise_f32(
    model: u64,
    seed: u64,
    first: u64,
    x: *mut f32,
    length: usize,
) -> i32 {
    guarded(|| {
        // SAFETY: as the caller promises.
        let x = unsafe { slice_mut(x, length, "x") }?;
        let is_kind = |network: &Network| matches!(network, Network::Float(..));
        fill(model, is_kind, x, |k, x| Noise::new(seed).fill(first.wrapping_add(k), x))
    })
}

/// Replaces the starting points in `x` by samples in data units: all steps. `condition` has the model's conditions once for
/// all points, or for each point; null and 0 for a model without conditions.
///
/// # Safety
///
/// `condition` points to `condition_length` numbers, `x` to `length` others.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flowlet_sample_f32(
    model: u64,
    condition: *const f32,
    condition_length: usize,
    x: *mut f32,
    length: usize,
) -> i32 {
    guarded(|| {
        // SAFETY: as the caller promises.
        let c = unsafe { slice(condition, condition_length, "condition") }?;
        // SAFETY: as the caller promises.
        let x = unsafe { slice_mut(x, length, "x") }?;
        registry::get(model)?.sample_f32(c, x)
    })
}

/// Takes step `step` (from 0) of the points in `x`, in flow units. A path goes through all steps in order; `x` is all its
/// state, so a copy is a snapshot.
///
/// # Safety
///
/// `condition` points to `condition_length` numbers, `x` to `length` others.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flowlet_step_f32(
    model: u64,
    step: u32,
    condition: *const f32,
    condition_length: usize,
    x: *mut f32,
    length: usize,
) -> i32 {
    guarded(|| {
        // SAFETY: as the caller promises.
        let c = unsafe { slice(condition, condition_length, "condition") }?;
        // SAFETY: as the caller promises.
        let x = unsafe { slice_mut(x, length, "x") }?;
        registry::get(model)?.step_f32(step as usize, c, x)
    })
}

/// Converts points in place, from flow units to data units.
///
/// # Safety
///
/// `x` points to `length` numbers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flowlet_to_data_f32(model: u64, x: *mut f32, length: usize) -> i32 {
    guarded(|| {
        // SAFETY: as the caller promises.
        let x = unsafe { slice_mut(x, length, "x") }?;
        registry::get(model)?.convert_f32(x, true)
    })
}

/// Makes samples, in place and in data units, such as the columns can hold: whole numbers are rounded, bounds kept, and of
/// a category's columns the largest becomes 1 and the others 0, as the model's file says.
///
/// # Safety
///
/// `x` points to `length` numbers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flowlet_apply_columns_f32(model: u64, x: *mut f32, length: usize) -> i32 {
    guarded(|| {
        // SAFETY: as the caller promises.
        let x = unsafe { slice_mut(x, length, "x") }?;
        registry::get(model)?.apply_columns_f32(x)
    })
}

/// Converts points in place, from data units to flow units.
///
/// # Safety
///
/// `x` points to `length` numbers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flowlet_from_data_f32(model: u64, x: *mut f32, length: usize) -> i32 {
    guarded(|| {
        // SAFETY: as the caller promises.
        let x = unsafe { slice_mut(x, length, "x") }?;
        registry::get(model)?.convert_f32(x, false)
    })
}

/// Writes starting points `first`, `first` + 1, ... of `seed` to `x`: noise, in flow units. Each is a pure function of its
/// index and the seed. `length` is the number of points times the model's data dimensions.
///
/// # Safety
///
/// `x` points to `length` numbers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flowlet_noise_i32(
    model: u64,
    seed: u64,
    first: u64,
    x: *mut i32,
    length: usize,
) -> i32 {
    guarded(|| {
        // SAFETY: as the caller promises.
        let x = unsafe { slice_mut(x, length, "x") }?;
        let is_kind = |network: &Network| matches!(network, Network::Integer(..));
        fill(model, is_kind, x, |k, x| fixed::Noise::new(seed).fill(first.wrapping_add(k), x))
    })
}

/// Replaces the starting points in `x` by samples in data units: all steps. `condition` has the model's conditions once for
/// all points, or for each point; null and 0 for a model without conditions.
///
/// # Safety
///
/// `condition` points to `condition_length` numbers, `x` to `length` others.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flowlet_sample_i32(
    model: u64,
    condition: *const i32,
    condition_length: usize,
    x: *mut i32,
    length: usize,
) -> i32 {
    guarded(|| {
        // SAFETY: as the caller promises.
        let c = unsafe { slice(condition, condition_length, "condition") }?;
        // SAFETY: as the caller promises.
        let x = unsafe { slice_mut(x, length, "x") }?;
        registry::get(model)?.sample_i32(c, x)
    })
}

/// Takes step `step` (from 0) of the points in `x`, in flow units. A path goes through all steps in order; `x` is all its
/// state, so a copy is a snapshot.
///
/// # Safety
///
/// `condition` points to `condition_length` numbers, `x` to `length` others.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flowlet_step_i32(
    model: u64,
    step: u32,
    condition: *const i32,
    condition_length: usize,
    x: *mut i32,
    length: usize,
) -> i32 {
    guarded(|| {
        // SAFETY: as the caller promises.
        let c = unsafe { slice(condition, condition_length, "condition") }?;
        // SAFETY: as the caller promises.
        let x = unsafe { slice_mut(x, length, "x") }?;
        registry::get(model)?.step_i32(step as usize, c, x)
    })
}

/// Converts points in place, from flow units to data units.
///
/// # Safety
///
/// `x` points to `length` numbers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flowlet_to_data_i32(model: u64, x: *mut i32, length: usize) -> i32 {
    guarded(|| {
        // SAFETY: as the caller promises.
        let x = unsafe { slice_mut(x, length, "x") }?;
        registry::get(model)?.convert_i32(x, true)
    })
}

/// Makes samples, in place and in data units, such as the columns can hold: whole numbers are rounded, bounds kept, and of
/// a category's columns the largest becomes 1 and the others 0, as the model's file says.
///
/// # Safety
///
/// `x` points to `length` numbers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flowlet_apply_columns_i32(model: u64, x: *mut i32, length: usize) -> i32 {
    guarded(|| {
        // SAFETY: as the caller promises.
        let x = unsafe { slice_mut(x, length, "x") }?;
        registry::get(model)?.apply_columns_i32(x)
    })
}

/// Converts points in place, from data units to flow units.
///
/// # Safety
///
/// `x` points to `length` numbers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flowlet_from_data_i32(model: u64, x: *mut i32, length: usize) -> i32 {
    guarded(|| {
        // SAFETY: as the caller promises.
        let x = unsafe { slice_mut(x, length, "x") }?;
        registry::get(model)?.convert_i32(x, false)
    })
}
