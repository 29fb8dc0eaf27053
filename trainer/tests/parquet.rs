//! Parquet files that pandas and pyarrow wrote (`tests/parquet/make.py`).

mod desk;

use std::path::Path;

use desk::{Desk, SHORT, text};

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &to);
        } else {
            std::fs::copy(&path, &to).unwrap();
        }
    }
}

/// A desk with the files.
fn desk() -> Desk {
    let desk = Desk::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parquet");
    copy(&folder, &desk.path("."));
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

#[test]
fn a_data_set_of_lerobot_is_read_as_it_is() {
    let desk = desk();
    let windows = "--window 4 --history 2";
    let said = |target: &str| {
        let output = desk.run(&format!("train {target} {windows} {SHORT} --out run --force"));
        assert!(output.status.success(), "{target}: {}", text(&output.stderr));
        text(&output.stderr)
    };
    let sample = || {
        desk.succeed(
            "sample run -n 5 --condition observation.state-1=1,0.5,observation.state-0=1,0.5",
        )
    };
    let found = said("lerobot.parquet");
    assert!(
        found.contains("a data set of LeRobot: the data are action, the conditions"),
        "{found}"
    );
    assert!(
        found.contains("left out 1 of 4 episodes") && found.contains("episode 1 with 3"),
        "{found}"
    );
    let expected = sample();
    assert!(expected.starts_with("action+0.0,action+0.1,action+0.2,action+1.0,"), "{expected}");
    for directory in ["lerobot-v2", "lerobot-v3/"] {
        said(directory);
        assert_eq!(sample(), expected, "{directory}");
        let config = std::fs::read_to_string(desk.path("run/config.toml")).unwrap();
        assert!(config.contains("source = \"../lerobot-v"), "{config}");
        desk.succeed("evaluate run --steps 1");
    }
    // The same by hand.
    let by_hand = "--data action --condition observation.state --group episode_index";
    said(&format!("lerobot.parquet {by_hand}"));
    assert_eq!(sample(), expected);
    desk.fail(
        &format!("train lerobot-gap.parquet {windows} {SHORT}"),
        "row 5 (counted from 0): frame_index is 6 after 4: expected the frames of an episode without gaps",
    );
    desk.fail(&format!("train run {windows}"), "a directory: expected a data set of LeRobot");
    std::fs::copy(
        desk.path("mixed-plain.parquet"),
        desk.path("lerobot-v3/data/chunk-000/file-002.parquet"),
    )
    .unwrap();
    desk.fail(&format!("train lerobot-v3 {windows}"), "file-002.parquet: expected the columns of");
}
