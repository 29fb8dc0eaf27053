//! A machine with an operating system.

/// A program's start: `run` says whether it went well.
#[macro_export]
macro_rules! entry {
    ($run:path) => {
        fn main() -> std::process::ExitCode {
            if $run() { std::process::ExitCode::SUCCESS } else { std::process::ExitCode::FAILURE }
        }
    };
}

/// Whether the floating-point unit was told what to do with subnormals: this machine has no such
/// switch that safe code may touch.
pub fn flush_subnormals(_: bool) -> bool {
    false
}
