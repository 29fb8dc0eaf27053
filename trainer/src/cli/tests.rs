//! Tests of all commands' help, completions and manual pages.

use std::fs;
use std::process::Command;

use clap::ValueEnum;
use clap_complete::Shell;
use flowlet::{ActivationKind, SolverKind};

use super::command;
use super::completions::script;
use super::man::{Page, pages, write};
use super::output::Force;

/// Returns the name and the long help of each command, wrapped at `width` columns.
fn helps(width: usize) -> Vec<(String, String)> {
    let commands: Vec<String> =
        command().get_subcommands().map(|command| command.get_name().to_string()).collect();
    let help = |arguments: &[&str]| {
        let whole = command().term_width(width);
        let error = whole.try_get_matches_from(arguments).expect_err("--help ends the parsing");
        error.render().to_string()
    };
    let mut helps = vec![("flowlet".to_string(), help(&["flowlet", "--help"]))];
    for name in commands {
        let text = help(&["flowlet", &name, "--help"]);
        helps.push((name, text));
    }
    helps
}

#[test]
fn the_definition_of_the_command_line_is_valid() {
    command().debug_assert();
}

#[test]
fn help_wraps_at_the_width_of_the_terminal() {
    for (name, help) in helps(80) {
        for line in help.lines() {
            assert!(line.chars().count() <= 80, "{name}: {line}");
        }
    }
    let widest = |width| {
        let (_, help) = helps(width).swap_remove(1);
        help.lines().map(|line| line.chars().count()).max()
    };
    assert!(widest(100) > widest(80));
}

#[test]
fn each_command_has_examples_and_each_option_has_help() {
    for (name, help) in helps(80) {
        assert!(help.contains("Examples:"), "{name}");
    }
    for command in command().get_subcommands() {
        for argument in command.get_arguments() {
            let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
            assert!(!help.is_empty(), "{} {}", command.get_name(), argument.get_id());
        }
    }
}

#[test]
fn the_error_for_a_wrong_name_lists_the_valid_ones() {
    let refuse = |line: &str| {
        let error = command().try_get_matches_from(line.split(' ')).unwrap_err();
        error.render().to_string()
    };
    for command in ["sample m", "trace m", "tune m --steps 3", "evaluate m", "bench m"] {
        let error = refuse(&format!("flowlet {command} --solver dopri5"));
        assert!(error.contains("possible values"), "{command}: {error}");
        for kind in SolverKind::ALL.iter() {
            assert!(error.contains(kind.name()), "{command}: {error}");
        }
    }
    let error = refuse("flowlet import a.pt --out b.safetensors --activation sin");
    for kind in ActivationKind::ALL.iter() {
        assert!(error.contains(kind.name()), "{error}");
    }
    let parse = |line: &str| command().try_get_matches_from(line.split(' '));
    let matches = parse("flowlet import a.pt --out b.safetensors --activation swish").unwrap();
    let (_, matches) = matches.subcommand().unwrap();
    assert_eq!(matches.get_one("activation"), Some(&ActivationKind::Silu));
}

#[test]
fn each_script_names_every_command_and_value() {
    for &shell in Shell::value_variants() {
        let script = script(shell, command()).unwrap();
        for subcommand in command().get_subcommands() {
            assert!(script.contains(subcommand.get_name()), "{shell}: {subcommand}");
        }
        // The scripts for PowerShell and Elvish do not complete values.
        if matches!(shell, Shell::PowerShell | Shell::Elvish) {
            continue;
        }
        let solvers = SolverKind::ALL.iter().map(|kind| kind.name());
        let activations = ActivationKind::ALL.iter().map(|kind| kind.name());
        for value in solvers.chain(activations) {
            assert!(script.contains(value), "{shell}: {value}");
        }
    }
}

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

#[test]
fn pages_name_flowlet_and_refer_to_pages_that_exist() {
    let pages = pages(command()).unwrap();
    for page in &pages {
        let head = page.text.lines().find(|line| line.starts_with(".TH")).unwrap();
        let version = concat!("\"flowlet ", env!("CARGO_PKG_VERSION"), "\"");
        assert!(head.contains(version), "{}: {head}", page.name);
    }
    let listed = pages[0].text.lines().filter_map(|line| line.strip_suffix("(1)"));
    let listed: Vec<String> = listed.map(|name| name.replace('\\', "")).collect();
    assert_eq!(listed, pages[1..].iter().map(|page| page.name.clone()).collect::<Vec<_>>());
}

/// If `man` is installed, it formats each page without a warning.
#[test]
fn pages_are_formatted_without_warnings() {
    let directory = tempfile::tempdir().unwrap();
    let pages = pages(command()).unwrap();
    write(&pages, directory.path(), &Force { force: false }).unwrap();
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
