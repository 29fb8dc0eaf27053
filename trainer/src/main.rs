//! The `flowlet` command.

/// mimalloc keeps freed memory. Each training step frees tensors of about 100 kB and allocates the next
/// ones at once. The system's allocator may return such memory to the kernel in between, which then
/// clears each page again.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    flowlet_trainer::cli::main()
}
