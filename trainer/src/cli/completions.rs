//! `flowlet completions`: completion scripts for shells.

use std::process::ExitCode;

use anyhow::Result;
use clap::Command;
use clap_complete::Shell;

use super::output::print;

const EXAMPLES: &str = "\
Examples:
  flowlet completions bash > ~/.local/share/bash-completion/completions/flowlet
  flowlet completions zsh > ~/.zfunc/_flowlet
  flowlet completions fish > ~/.config/fish/completions/flowlet.fish";

/// Print a script that completes flowlet's commands in a shell
///
/// Write it where the shell looks for completions, and start a new shell. zsh looks in the directories of fpath: add
/// `fpath+=~/.zfunc` to ~/.zshrc, before compinit.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Shell that reads the script
    shell: Shell,
}

pub(super) fn run(args: &Args, command: Command) -> Result<ExitCode> {
    print(&script(args.shell, command)?)?;
    Ok(ExitCode::SUCCESS)
}

/// Returns the script that completes `command` in `shell`.
pub(super) fn script(shell: Shell, mut command: Command) -> Result<String> {
    let name = command.get_name().to_string();
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, name, &mut script);
    Ok(String::from_utf8(script)?)
}
