//! `flowlet man`: manual pages.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Command;
use clap_mangen::Man;

use super::output::{Force, create_directory, print};
use crate::disk::output::write_all;

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
    #[command(flatten)]
    force: Force,
}

pub(super) fn run(args: &Args, command: Command) -> Result<ExitCode> {
    let pages = pages(command)?;
    match &args.out {
        Some(directory) => write(&pages, directory, &args.force)?,
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
            print(&page.text)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// One manual page, as roff.
pub(super) struct Page {
    pub(super) name: String,
    pub(super) text: String,
}

/// Returns the page of `command` and those of its subcommands.
pub(super) fn pages(command: Command) -> Result<Vec<Page>> {
    // `flowlet help` prints the same text as the pages, so it has no page.
    let mut command = command.disable_help_subcommand(true);
    // `build` sets the full name of each command and adds the inherited options.
    command.build();
    let mut pages = vec![page(command.clone())?];
    for subcommand in command.get_subcommands() {
        pages.push(page(subcommand.clone())?);
    }
    Ok(pages)
}

fn page(command: Command) -> Result<Page> {
    let name = command.get_display_name().unwrap_or(command.get_name()).to_string();
    let mut text = Vec::new();
    let version = concat!("flowlet ", env!("CARGO_PKG_VERSION"));
    Man::new(command).source(version).render(&mut text)?;
    Ok(Page { name, text: String::from_utf8(text)? })
}

pub(super) fn write(pages: &[Page], directory: &Path, force: &Force) -> Result<()> {
    create_directory(directory)?;
    let file = |page: &Page| directory.join(format!("{}.1", page.name));
    let files: Vec<_> = pages.iter().map(|page| (file(page), page.text.as_bytes())).collect();
    write_all(&files, force.force, &[])
}
