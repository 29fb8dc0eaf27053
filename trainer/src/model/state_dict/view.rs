//! The tensors in a pickle: views of storages, which are outside of it.

use anyhow::{Result, bail, ensure};

use super::pickle::{Id, Pickle, Value};

/// A tensor as the pickle describes it: a view of a storage.
#[derive(Debug)]
pub(super) struct View<'a> {
    /// The class of its storage, such as `torch.FloatStorage`.
    pub(super) class: &'a str,
    pub(super) key: &'a str,
    /// The number of its first element in the storage.
    pub(super) offset: usize,
    pub(super) shape: Vec<usize>,
    /// The elements from one index to the next, for each axis.
    pub(super) strides: Vec<usize>,
}

/// The most axes of a tensor.
const MOST_AXES: usize = 16;

/// The functions of PyTorch whose result is a tensor.
const TENSORS: [&str; 2] = ["torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor"];

/// The functions of PyTorch whose first argument is a tensor, and whose result is the same tensor as a parameter.
const PARAMETERS: [&str; 2] =
    ["torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state"];

/// Whether a value is a tensor with at least `axes` axes.
pub(super) fn is_tensor(pickle: &Pickle, id: Id, axes: usize) -> bool {
    let is_one = pickle
        .class(id)
        .is_some_and(|class| TENSORS.contains(&class) || PARAMETERS.contains(&class));
    // A damaged tensor counts as one, so that reading it names the damage.
    is_one && view(pickle, id).map_or(true, |view| view.shape.len() >= axes)
}

/// Returns the function and the arguments of a call.
fn call(pickle: &Pickle, id: Id) -> Result<(&str, &[Id])> {
    let (Some(function), Value::Call { arguments, .. }) = (pickle.class(id), pickle.get(id)) else {
        bail!("expected a tensor")
    };
    Ok((function, pickle.tuple(*arguments)?))
}

/// Returns the tensor that a call in the pickle describes.
pub(super) fn view(pickle: &Pickle, id: Id) -> Result<View<'_>> {
    let (function, arguments) = match call(pickle, id)? {
        (function, [data, ..]) if PARAMETERS.contains(&function) => call(pickle, *data)?,
        other => other,
    };
    let (true, [storage, offset, shape, strides, ..]) = (TENSORS.contains(&function), arguments)
    else {
        bail!("expected a tensor, found the result of {function}");
    };
    let Value::Persistent(storage) = pickle.get(*storage) else { bail!("expected a storage") };
    let &[kind, class, key, ..] = pickle.tuple(*storage)? else { bail!("expected a storage") };
    ensure!(pickle.text(kind)? == "storage", "expected a storage");
    let Value::Global(class) = pickle.get(class) else { bail!("expected the type of a storage") };
    let (shape, strides) = (pickle.sizes(*shape)?, pickle.sizes(*strides)?);
    ensure!(
        shape.len() == strides.len() && shape.len() <= MOST_AXES,
        "expected at most {MOST_AXES} axes with a stride each, found {} axes and {} strides",
        shape.len(),
        strides.len()
    );
    Ok(View { class, key: pickle.text(key)?, offset: pickle.size(*offset)?, shape, strides })
}
