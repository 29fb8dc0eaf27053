//! Tests of all commands' help: width, examples, options and values.

use flowlet::{ActivationKind, SolverKind};

use super::command;

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
