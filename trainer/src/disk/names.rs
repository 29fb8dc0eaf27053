//! The names of the files in a run's directory.

/// The trained model.
pub const MODEL_FILE: &str = "model.safetensors";

/// The golden outputs that the runtime must reproduce.
pub const GOLDEN_FILE: &str = "golden.safetensors";

/// The whole configuration of the run, with every default filled in.
pub const CONFIG_FILE: &str = "config.toml";

/// The losses and speed of training, a line per logged step.
pub const METRICS_FILE: &str = "metrics.csv";

/// The report: a page with the figures of the run.
pub const REPORT_FILE: &str = "report.html";

/// The checkpoint from which a stopped run resumes.
pub const CHECKPOINT_FILE: &str = "checkpoint.safetensors";

/// The teacher of a few-step model, kept while the student is trained.
pub const TEACHER_FILE: &str = "teacher.safetensors";

/// The lock file, which keeps a second run out of the directory of a running one.
pub(super) const LOCK_FILE: &str = ".lock";

/// A file in `NAME.new` that marks it as a run that will replace `NAME`. It holds `NAME`.
pub(super) const REPLACES_FILE: &str = ".replaces";

/// The files that a run without a checkpoint or a model may have: one that has just started, or has failed.
pub(super) const STARTED_FILES: [&str; 4] = [CONFIG_FILE, METRICS_FILE, LOCK_FILE, REPLACES_FILE];

/// All files that a run may have in its directory.
pub(super) const RUN_FILES: [&str; 9] = [
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
