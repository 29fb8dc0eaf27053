//! The command `flowlet`.

fn main() -> std::process::ExitCode {
    flowlet_trainer::cli::main()
}
