//! Parquet files that pandas and pyarrow wrote (`tests/parquet/make.py`).

mod desk;

use std::path::Path;

use desk::{Desk, SHORT, text};

/// A desk with the files.
fn desk() -> Desk {
    let desk = Desk::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parquet");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_string();
        desk.write(&name, std::fs::read(&path).unwrap());
    }
    desk
}

#[track_caller]
fn train(desk: &Desk, arguments: &str) -> Vec<u8> {
    desk.succeed(&format!("train {arguments} {SHORT} --out run --force"));
    std::fs::read(desk.path("run/model.safetensors")).unwrap()
}

#[test]
fn a_table_gives_the_model_of_its_csv_file_whatever_compressed_it() {
    let desk = desk();
    for columns in ["--data x,y,small,half,ok", "--data x,y --condition kind,ok,small"] {
        let expected = train(&desk, &format!("mixed.csv {columns}"));
        for codec in ["snappy", "zstd", "gzip", "plain"] {
            assert!(
                train(&desk, &format!("mixed-{codec}.parquet {columns}")) == expected,
                "{codec}"
            );
        }
    }
    desk.succeed("evaluate run --data mixed-zstd.parquet --steps 1");
    desk.succeed("sample run --conditions mixed-plain.parquet");
    desk.succeed("sample run -n 2 --condition kind=a,ok=True,small=3");
    let output = desk.run(&format!("train index.parquet {SHORT} --out index"));
    let said = text(&output.stderr);
    assert!(said.contains("left out the first column, __index_level_0__, the index"), "{said}");
    assert!(desk.succeed("sample index -n 1").starts_with("x,y\n"));
}

#[test]
fn lists_of_one_length_are_blocks_of_columns() {
    let desk = desk();
    train(&desk, "lists.parquet --data action --condition observation.state --group episode_index");
    let condition = "observation.state=1,2,3";
    let found = desk.succeed(&format!("sample run -n 2 --condition {condition}"));
    assert!(found.starts_with("action.0,action.1\n"), "{found}");
    // Several row groups.
    let found = desk.succeed("distance fixed.parquet lists.parquet --columns action");
    assert!(found.contains("\"dimensions\":2") && found.contains("\"w2\":0.0,"), "{found}");
    for (name, expected) in [
        (
            "ragged",
            "column action: row 17 (counted from 0) has a list of 1 values, but row 0 has 2",
        ),
        ("empty", "column action: row 17 (counted from 0) has a list of 0 values, but row 0 has 2"),
        ("missing", "row 17 (counted from 0), column action.1: expected a finite number"),
        ("nested", "column a: lists within lists: expected lists of numbers"),
    ] {
        desk.fail(&format!("train {name}.parquet"), expected);
    }
    train(&desk, "nested.parquet --data x");
}

#[test]
fn damaged_files_are_refused() {
    let desk = desk();
    let whole = std::fs::read(desk.path("mixed-snappy.parquet")).unwrap();
    for length in [0, 3, 4, 11, 100, whole.len() / 2, whole.len() - 1] {
        desk.write("cut.parquet", &whole[..length]);
        desk.fail("train cut.parquet --data x", "cut.parquet: not a Parquet file");
    }
}
