//! The command `flowlet`.

/// A training step frees its tensors of some 100 kB and asks for the next ones at once: the system's
/// allocator may give such memory back in between, and each page is cleared anew.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    flowlet_trainer::cli::main()
}
