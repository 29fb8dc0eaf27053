//! Models by number. A number is never used again, so that a closed model is noticed.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use crate::model::Loaded;
use crate::status::{FLOWLET_CLOSED, Failure};

#[derive(Default)]
struct Registry {
    models: HashMap<u64, Arc<Loaded>>,
    last: u64,
}

fn registry() -> &'static RwLock<Registry> {
    static REGISTRY: OnceLock<RwLock<Registry>> = OnceLock::new();
    REGISTRY.get_or_init(RwLock::default)
}

/// Adds a model, and returns its number. 0 is no model's.
pub(crate) fn add(model: Loaded) -> u64 {
    let mut registry = registry().write().unwrap_or_else(PoisonError::into_inner);
    registry.last += 1;
    let number = registry.last;
    registry.models.insert(number, Arc::new(model));
    number
}

/// Returns the model with this number.
pub(crate) fn get(number: u64) -> Result<Arc<Loaded>, Failure> {
    let registry = registry().read().unwrap_or_else(PoisonError::into_inner);
    registry.models.get(&number).cloned().ok_or_else(|| closed(number))
}

/// Removes the model with this number. Calls that are still using it go on.
pub(crate) fn remove(number: u64) -> Result<(), Failure> {
    let mut registry = registry().write().unwrap_or_else(PoisonError::into_inner);
    registry.models.remove(&number).map(|_| ()).ok_or_else(|| closed(number))
}

fn closed(number: u64) -> Failure {
    Failure(
        FLOWLET_CLOSED,
        format!("no model has the number {number}: it was closed, or never opened"),
    )
}
