//! A machine with an operating system.

/// Defines the program's start, which calls `run` and fails if it returns `false`.
#[macro_export]
macro_rules! entry {
    ($run:path) => {
        fn main() -> std::process::ExitCode {
            if $run() { std::process::ExitCode::SUCCESS } else { std::process::ExitCode::FAILURE }
        }
    };
}

/// Returns `false`: safe code cannot set whether this machine flushes subnormals.
pub fn flush_subnormals(_: bool) -> bool {
    false
}
