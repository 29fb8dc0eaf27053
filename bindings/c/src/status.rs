//! The results of functions.

use std::cell::RefCell;

/// Done.
pub const FLOWLET_OK: i32 = 0;
/// A pointer is null or not aligned.
pub const FLOWLET_NULL: i32 = -1;
/// A length is not what the model needs.
pub const FLOWLET_SIZE: i32 = -2;
/// The bytes are not a model's file.
pub const FLOWLET_NOT_A_MODEL: i32 = -3;
/// The model is of whole numbers and the function of floats, or the other way round.
pub const FLOWLET_KIND: i32 = -4;
/// No model has this number: it was closed, or never opened.
pub const FLOWLET_CLOSED: i32 = -5;
/// An argument has a value that is not allowed.
pub const FLOWLET_ARGUMENT: i32 = -6;
/// This machine computes other bits than the model's golden ones.
pub const FLOWLET_OTHER_BITS: i32 = -7;
/// A mistake in this library. Please report it.
pub const FLOWLET_BUG: i32 = -8;

/// A status that is not [`FLOWLET_OK`], and what was wrong.
#[derive(Debug)]
pub(crate) struct Failure(pub(crate) i32, pub(crate) String);

thread_local! {
    static MESSAGE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Runs a function's body. Keeps its message, and turns a panic into a status.
pub(crate) fn guarded(body: impl FnOnce() -> Result<(), Failure>) -> i32 {
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body));
    let failure = match result {
        Ok(Ok(())) => return FLOWLET_OK,
        Ok(Err(failure)) => failure,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| text.to_string()));
            Failure(FLOWLET_BUG, text.unwrap_or_else(|| "a panic".to_string()))
        }
    };
    // Not at the end of a thread, when its message is gone.
    let _ = MESSAGE.try_with(|message| *message.borrow_mut() = failure.1);
    failure.0
}

/// Calls `read` with the message of the last failure on this thread.
pub(crate) fn with_message<T>(read: impl FnOnce(&str) -> T) -> T {
    MESSAGE
        .try_with(|message| read(&message.borrow()))
        .unwrap_or_else(|_| unreachable!("the thread runs"))
}
