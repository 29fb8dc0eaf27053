//! The names of the files in a run's directory.

/// The model.
pub const MODEL_FILE: &str = "model.safetensors";

/// The golden outputs that the runtime is held against.
pub const GOLDEN_FILE: &str = "golden.safetensors";

/// The resolved configuration, beside the weights.
pub const CONFIG_FILE: &str = "config.toml";

/// How training went.
pub const METRICS_FILE: &str = "metrics.csv";

/// The pictures of a run.
pub const REPORT_FILE: &str = "report.html";

/// The checkpoint that a stopped run continues from.
pub const CHECKPOINT_FILE: &str = "checkpoint.safetensors";

/// The teacher of a few-step model, while its student learns.
pub const TEACHER_FILE: &str = "teacher.safetensors";

/// What keeps a second run out while the first goes on.
pub(super) const LOCK_FILE: &str = ".lock";

/// What marks `NAME.new` as a run that takes the place of `NAME`.
pub(super) const REPLACES_FILE: &str = ".replaces";

/// What a run that has begun may have in its directory, or one that has failed.
pub(super) const BEGINNING: [&str; 4] = [CONFIG_FILE, METRICS_FILE, LOCK_FILE, REPLACES_FILE];

/// What a run may have in its directory.
pub(super) const WHOLE: [&str; 9] = [
    CONFIG_FILE,
    METRICS_FILE,
    LOCK_FILE,
    REPLACES_FILE,
    CHECKPOINT_FILE,
    TEACHER_FILE,
    GOLDEN_FILE,
    MODEL_FILE,
    REPORT_FILE,
];
