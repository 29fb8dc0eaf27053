//! `flowlet train --pairs`: a student learns from the samples of a teacher that another program made.

mod desk;

use std::fmt::Write;

use desk::{Desk, npy, text};
use flowlet_trainer::solve::sampling::noise;

const ROWS: usize = 600;

/// A small student: it learns a teacher that is a straight line.
const SMALL: &str = "--hidden-width 16 --hidden-layers 1 --iterations 400 --batch-size 64";

/// A teacher's pairs: x_1 = 3 x_0 + 2 c + 10 in both columns, with x_0 times `deviation`.
fn pairs(deviation: f32) -> Vec<[f32; 5]> {
    let starts = noise(7, ROWS, 2);
    let row = |k: usize| {
        let ([a, b], c) = ([starts.row(k)[0], starts.row(k)[1]], (k % 5) as f32 - 2.0);
        [a * deviation, b * deviation, c, 3.0 * a + 2.0 * c + 10.0, 3.0 * b + 2.0 * c + 10.0]
    };
    (0..ROWS).map(row).collect()
}

fn table(names: &str, rows: &[[f32; 5]]) -> String {
    let mut text = format!("{names}\n");
    for [a, b, c, x, y] in rows {
        writeln!(text, "{a},{b},{c},{x},{y}").unwrap();
    }
    text
}

const NAMES: &str = "x_0.0,x_0.1,c,x_1.0,x_1.1";

/// The error on held-out pairs that a run's summary tells.
#[track_caller]
fn error_of(summary: &str) -> f64 {
    let line = summary.lines().find(|line| line.starts_with("  teacher")).expect(summary);
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn a_student_comes_near_its_teacher_in_one_step_and_in_several() {
    let desk = Desk::new();
    desk.write("teacher.csv", table(NAMES, &pairs(1.0)));
    let said = desk.succeed(&format!("train --pairs teacher.csv {SMALL}"));
    assert!(error_of(&said) < 0.05, "{said}");
    assert!(said.contains("400 iterations") && said.contains("in 1 step"), "{said}");
    let samples = desk.succeed("sample runs/teacher -n 2 --condition 1");
    assert!(samples.starts_with("x,y\n"), "{samples}");

    let said =
        desk.succeed(&format!("train --pairs teacher.csv --few-steps 3 --out three {SMALL}"));
    assert!(error_of(&said) < 0.05, "{said}");
    assert!(desk.succeed("inspect three").contains('3'));
    // Its own data are the teacher's samples; others can be named.
    desk.succeed("evaluate runs/teacher --steps 1");
    desk.write("real.csv", table("a,b,c,x,y", &pairs(1.0)[..200]));
    desk.succeed("evaluate runs/teacher --steps 1 --data real.csv");
}

#[test]
fn pairs_are_chosen_by_name_and_by_number() {
    let desk = Desk::new();
    let rows = pairs(1.0);
    desk.write("named.csv", table("e0,e1,weather,price,size", &rows));
    let named = "--x-0 e0,e1 --x-1 price,size --condition weather";
    let said = desk.succeed(&format!("train --pairs named.csv {named} {SMALL}"));
    assert!(
        desk.succeed("sample runs/named -n 1 --condition weather=1").starts_with("price,size\n")
    );

    desk.write("numbered.npy", npy(&format!("{ROWS}, 5"), rows.as_flattened()));
    let numbered = "--x-0 0..2 --x-1 3..5 --condition 2";
    let other = desk.succeed(&format!("train --pairs numbered.npy {numbered} {SMALL}"));
    assert_eq!(error_of(&said), error_of(&other));
    let [named, numbered] = ["named", "numbered"].map(|run| {
        let samples = desk.succeed(&format!("sample runs/{run} -n 3 --condition 1"));
        samples.lines().skip(1).collect::<Vec<_>>().join("\n")
    });
    assert_eq!(named, numbered);
}

#[test]
fn beside_data_the_students_endpoints_are_matched_to_them() {
    let desk = Desk::new();
    let rows = pairs(1.0);
    desk.write("teacher.csv", table(NAMES, &rows));
    desk.write("data.csv", table("a,b,c,x,y", &rows[..200]));
    desk.write(
        "run.toml",
        "[data]\nsource = \"data.csv\"\ncolumns = [\"x\", \"y\"]\ncondition = [\"c\"]\n\
         [model]\nhidden_width = 16\nhidden_layers = 1\n\
         [few_steps]\npairs = \"teacher.csv\"\niterations = 400\nbatch_size = 64\nown_iterations = 20\n\
         transport_size = 64\n",
    );
    let said = desk.succeed("train run.toml --out run");
    assert!(said.contains("400 of distillation, 20 of own endpoints"), "{said}");
    assert!(error_of(&said) < 0.1, "{said}");
    assert!(desk.succeed("sample run -n 1 --condition 1").starts_with("x,y\n"));
}

#[test]
fn a_start_that_is_not_the_runtimes_noise_is_said() {
    let desk = Desk::new();
    for (deviation, noted) in [(1.0, false), (80.0, true)] {
        desk.write("teacher.csv", table(NAMES, &pairs(deviation)));
        let output = desk.run(&format!("train --pairs teacher.csv {SMALL} --force"));
        let said = text(&output.stderr);
        assert!(output.status.success(), "{said}");
        assert_eq!(said.contains("x_0, column 0 has the mean"), noted, "{said}");
    }
}

#[test]
fn what_does_not_suit_pairs_is_one_error() {
    let desk = Desk::new();
    let rows = pairs(1.0);
    desk.write("teacher.csv", table(NAMES, &rows));
    desk.write("data.csv", table("a,b,c,x,y", &rows));
    desk.write("none.csv", table("x_0.0,x_0.1,e,x_1.0,x_1.1", &rows));
    desk.write("one.csv", table("x_0,e,c,x_1.0,x_1.1", &rows));
    desk.write("old.toml", "[data]\nsource = \"moons\"\n[few_steps]\npairs = 500\n");
    let label_dropout = "[few_steps]\npairs = \"teacher.csv\"\n[train]\nlabel_dropout = 0.1\n";
    desk.write("dropout.toml", label_dropout);
    let columns = "[few_steps]\npairs = \"teacher.csv\"\n[data]\ncolumns = [\"x_1\"]\n";
    desk.write("columns.toml", columns);
    for (command, expected) in [
        ("--pairs gone.csv", "gone.csv"),
        ("--pairs data.csv", "there is no column x_0"),
        ("--pairs data.csv", "with --x-0"),
        ("--pairs one.csv", "as many columns of starting points as of samples, found 1 and 2"),
        ("--pairs -", "write them into a file"),
        ("--pairs teacher.csv --coupling transport", "--coupling is about training on data"),
        (
            "--pairs teacher.csv --teacher-hidden-width 8",
            "--teacher-hidden-width is about a teacher",
        ),
        ("--pairs teacher.csv --source moons", "leave the source out"),
        ("--pairs teacher.csv --seconds 5", "state --iterations instead"),
        ("dropout.toml", "label_dropout is about a teacher that is trained here"),
        ("columns.toml", "name the columns of the samples in x_1"),
        ("moons --x-0 a", "--x-0 names columns of the file of --pairs"),
        ("old.toml", "is called `teacher_samples`"),
        (
            "data.csv --data a,x,y --pairs teacher.csv",
            "expected 3 columns of samples, as in the data",
        ),
        (
            "data.csv --data x,y --condition a --pairs none.csv",
            "expected the conditions of the data, in columns called a or c",
        ),
    ] {
        let output = desk.run(&format!("train {command} --out run"));
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{command}: {error}");
        assert!(error.contains(expected), "{command}: {error}");
        assert!(!desk.path("run").exists(), "{command}");
    }
}

#[test]
fn a_run_notices_other_pairs() {
    let desk = Desk::new();
    let mut rows = pairs(1.0);
    desk.write("teacher.csv", table(NAMES, &rows));
    desk.succeed(&format!("train --pairs teacher.csv {SMALL}"));
    // Only a starting point differs.
    rows[3][0] += 0.5;
    desk.write("teacher.csv", table(NAMES, &rows));
    let output = desk.run("evaluate runs/teacher --steps 1");
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(error.contains("teacher.csv are not those"), "{error}");
}
