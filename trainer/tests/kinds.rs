//! What the data columns can hold: samples of every command keep to it.

mod desk;

use desk::{Desk, SHORT, text};

/// Ages in years, shares, and prices; the last column is like none of them.
fn table() -> String {
    let mut lines = "age,share,price,other\n".to_string();
    for k in 0_u32..80 {
        let share = f64::from(k * 37 % 21) / 20.0;
        let price = 0.25 + f64::from(k * 53 % 17) * 0.5;
        let other = f64::from(k * 29 % 31) / 7.0 - 2.0;
        lines += &format!("{},{share},{price},{other}\n", 20 + k * 13 % 7);
    }
    lines
}

const KINDS: &str = "--integer age --bounds share=0,1 --positive price";

/// The rows of a table of samples.
fn rows(text: &str) -> Vec<[f64; 4]> {
    let lines = text.lines().skip(1);
    let row = |line: &str| {
        let cells: Vec<f64> = line.split(',').map(|cell| cell.parse().unwrap()).collect();
        cells.try_into().unwrap()
    };
    lines.map(row).collect()
}

#[track_caller]
fn keeps(samples: &str) {
    let rows = rows(samples);
    assert!(!rows.is_empty());
    for [age, share, price, _] in rows {
        assert!(age.fract() == 0.0 && (20.0..=26.0).contains(&age), "age {age}");
        assert!((0.0..=1.0).contains(&share), "share {share}");
        assert!(price >= 0.25, "price {price}");
    }
}

#[test]
fn samples_are_such_as_the_columns_hold() {
    let desk = Desk::new();
    desk.write("table.csv", table());
    desk.succeed(&format!("train table.csv {SHORT} --out plain"));
    let plain = rows(&desk.succeed("sample plain -n 200 --seed 1"));
    assert!(plain.iter().any(|row| row[0].fract() != 0.0));
    assert!(plain.iter().any(|row| !(0.0..=1.0).contains(&row[1])));

    let said = desk.run(&format!("train table.csv {SHORT} {KINDS} --out run"));
    assert!(said.status.success(), "{}", text(&said.stderr));
    let samples = desk.succeed("sample run -n 200 --seed 1");
    keeps(&samples);
    // Training does not depend on the kinds, so that the last column is the same.
    assert!(rows(&samples).iter().zip(&plain).all(|(row, plain)| row[3] == plain[3]));

    desk.succeed("quantize run --out whole.safetensors");
    let whole = desk.succeed("sample whole.safetensors -n 200 --seed 1");
    keeps(&whole);
    let same = rows(&samples).iter().zip(rows(&whole)).filter(|(a, b)| a[0] == b[0]).count();
    assert!(same > 190, "{same} of 200 ages are those of the float model");

    desk.succeed("tune run --steps 4 --out tuned.safetensors");
    keeps(&desk.succeed("sample tuned.safetensors -n 50"));
    let inspected = desk.succeed("inspect run");
    assert!(
        inspected.contains("columns.kind") && inspected.contains("COLUMNS.apply("),
        "{inspected}"
    );
    desk.succeed("export run --to c --out c");
    let header = std::fs::read_to_string(desk.path("c/run.h")).unwrap();
    assert!(header.contains("int run_columns(float *x);"), "{header}");
    desk.succeed("evaluate run --data table.csv");
    desk.succeed("verify run");

    // The configuration of the run has the kinds, so that a resumed run has them too.
    let config = std::fs::read_to_string(desk.path("run/config.toml")).unwrap();
    assert!(config.contains("bounds = [\"share=0,1\"]"), "{config}");
    desk.succeed("train run/config.toml --out again");
    let model = |run: &str| std::fs::read(desk.path(run).join("model.safetensors")).unwrap();
    assert!(model("run") == model("again"));
}

#[test]
fn a_category_of_the_data_comes_back_as_its_values() {
    let desk = Desk::new();
    let mut lines = "colour,x,code\n".to_string();
    for k in 0_u32..90 {
        let colour = ["red", "\"sea, blue\"", "green"][k as usize % 3];
        lines += &format!("{colour},{},{}\n", f64::from(k * 37 % 89) / 10.0, 10 * (1 + k * 7 % 2));
    }
    desk.write("table.csv", &lines);
    let output = desk.run(&format!("train table.csv {SHORT} --out run"));
    assert!(text(&output.stderr).contains("--categorical colour"), "{}", text(&output.stderr));
    desk.succeed(&format!("train table.csv {SHORT} --categorical colour,code --out run"));
    desk.succeed("quantize run --out whole.safetensors");
    for model in ["run", "whole.safetensors"] {
        let samples = desk.succeed(&format!("sample {model} -n 60"));
        let mut lines = samples.lines();
        assert_eq!(lines.next(), Some("x,colour,code"));
        for line in lines {
            let (_, rest) = line.split_once(',').unwrap();
            let (colour, code) = rest.rsplit_once(',').unwrap();
            assert!(["red", "\"sea, blue\"", "green"].contains(&colour), "{line}");
            assert!(["10", "20"].contains(&code), "{line}");
        }
    }
    // An array has a column for each value.
    desk.succeed("sample run -n 5 --out samples.npy");
    assert_eq!(std::fs::metadata(desk.path("samples.npy")).unwrap().len(), 128 + 5 * 6 * 4);

    let evaluated = desk.succeed("evaluate run");
    assert!(evaluated.contains("whole numbers and categories have no density"), "{evaluated}");
    desk.succeed("evaluate run --data table.csv");
    // The samples are a table of the same form.
    desk.succeed("sample run -n 200 --out samples.csv");
    desk.succeed("evaluate run --data samples.csv");
    desk.write("other.csv", lines.replace("red", "pink"));
    let output = desk.run("evaluate run --data other.csv");
    let expected =
        "other.csv: column colour: the model has no category pink: expected green, red, sea, blue";
    assert!(text(&output.stderr).contains(expected), "{}", text(&output.stderr));
    desk.succeed("report run");
}

#[test]
fn kinds_are_proposed_and_wrong_ones_are_refused() {
    let desk = Desk::new();
    desk.write("table.csv", table());
    let output = desk.run(&format!("train table.csv {SHORT} --out run"));
    let said = text(&output.stderr);
    assert!(said.contains("--integer age") && said.contains("--bounds share=0,1"), "{said}");
    for (arguments, expected) in [
        ("--integer price", "table.csv: --integer price: expected whole numbers, found "),
        ("--bounds share=0,0.5", "--bounds share: the data have "),
        ("--bounds share=1", "expected COLUMN=LEAST,MOST"),
        ("--positive other", "--positive other: expected values above 0, found -2"),
        (
            "--integer years",
            "there is no such data column: expected one of age, share, price, other",
        ),
        ("--condition age --integer age", "there is no such data column"),
    ] {
        let output = desk.run(&format!("train table.csv {SHORT} {arguments} --out wrong"));
        assert_eq!(output.status.code(), Some(2), "{arguments}");
        let said = text(&output.stderr);
        assert!(said.contains(expected), "{arguments}: {said}");
        assert!(!desk.path("wrong").exists());
    }
    let output = desk.run("train mixture --integer x --iterations 10");
    assert!(text(&output.stderr).contains("integer is about a file's rows"));
}
