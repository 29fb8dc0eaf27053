//! `flowlet man`: manual pages.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Command;
use clap_mangen::Man;

use super::output::write_text;
use crate::disk::files::write_whole;

const EXAMPLES: &str = "\
Examples:
  flowlet man train | man -l -
  flowlet man --out ~/.local/share/man/man1";

/// Print a manual page
///
/// Prints the page of flowlet, or of one command. With --out, writes all pages instead: flowlet.1, flowlet-train.1
/// and so on.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Command whose page is printed [default: flowlet itself]
    command: Option<String>,
    /// Output directory for all pages
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    out: Option<PathBuf>,
}

pub(super) fn run(args: &Args, command: Command) -> Result<ExitCode> {
    let pages = pages(command)?;
    match &args.out {
        Some(directory) => write(&pages, directory)?,
        None => {
            let name = match &args.command {
                Some(command) => format!("flowlet-{command}"),
                None => "flowlet".to_string(),
            };
            let page = pages.iter().find(|page| page.name == name).with_context(|| {
                let names: Vec<&str> =
                    pages.iter().filter_map(|page| page.name.strip_prefix("flowlet-")).collect();
                format!(
                    "there is no page {name}: expected one of the commands {}",
                    names.join(", ")
                )
            })?;
            write_text(None, &page.text)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// One manual page, as roff.
struct Page {
    name: String,
    text: String,
}

/// Returns the page of `command` and those of its subcommands.
fn pages(mut command: Command) -> Result<Vec<Page>> {
    // `build` sets the full name of each command and adds the inherited options.
    command.build();
    let mut pages = vec![page(command.clone())?];
    for subcommand in command.get_subcommands().filter(|command| command.get_name() != "help") {
        pages.push(page(subcommand.clone())?);
    }
    Ok(pages)
}

fn page(command: Command) -> Result<Page> {
    let name = command.get_display_name().unwrap_or(command.get_name()).to_string();
    let mut text = Vec::new();
    Man::new(command).render(&mut text)?;
    Ok(Page { name, text: String::from_utf8(text)? })
}

fn write(pages: &[Page], directory: &Path) -> Result<()> {
    fs::create_dir_all(directory)
        .with_context(|| format!("cannot create the directory {}", directory.display()))?;
    for Page { name, text } in pages {
        write_whole(&directory.join(format!("{name}.1")), text.as_bytes())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::cli::command;

    #[test]
    fn each_command_has_a_page_with_all_its_options() {
        let pages = pages(command()).unwrap();
        assert_eq!(pages[0].name, "flowlet");
        for command in command().get_subcommands() {
            let name = format!("flowlet-{}", command.get_name());
            let page = pages.iter().find(|page| page.name == name).expect(&name);
            assert!(page.text.contains(".TH"), "{name}");
            assert!(page.text.contains("Examples:"), "{name}");
            for option in command.get_arguments().filter_map(clap::Arg::get_long) {
                let option = option.replace('-', "\\-");
                assert!(page.text.contains(&format!("\\-\\-{option}")), "{name}: {option}");
            }
        }
    }

    /// If `man` is installed, it formats each page without a warning.
    #[test]
    fn pages_are_formatted_without_warnings() {
        let directory = tempfile::tempdir().unwrap();
        let pages = pages(command()).unwrap();
        write(&pages, directory.path()).unwrap();
        for Page { name, text } in &pages {
            let path = directory.path().join(format!("{name}.1"));
            assert_eq!(&fs::read_to_string(&path).unwrap(), text);
            let mut man = Command::new("man");
            man.args(["--warnings", "-E", "UTF-8", "-l"]).arg(&path).env("MANWIDTH", "80");
            let Ok(output) = man.output() else {
                eprintln!("skipped: man is not installed");
                return;
            };
            assert!(output.status.success(), "{name}");
            assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{name}");
            assert!(String::from_utf8_lossy(&output.stdout).contains("Examples:"), "{name}");
        }
    }
}
