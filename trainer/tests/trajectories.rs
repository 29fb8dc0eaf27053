//! Trajectories: frames of episodes become windows, as `--window` says.

mod desk;

use desk::{Desk, SHORT, npy, text};

/// Episodes a, b, c, … of so many frames each. The action of a frame is its row, x is ten times the frame within the episode.
fn frames(lengths: &[usize]) -> String {
    let mut rows = "episode,x,act\n".to_string();
    let mut row = 0;
    for (episode, &length) in (b'a'..).zip(lengths) {
        for frame in 0..length {
            rows += &format!("{},{},{row}.5\n", char::from(episode), frame * 10);
            row += 1;
        }
    }
    rows
}

const WINDOWS: &str = "--data act --condition x --window 3 --history 2 --group episode";

fn train(desk: &Desk, arguments: &str) -> Vec<u8> {
    desk.succeed(&format!("train {arguments} {SHORT} --out run --force"));
    std::fs::read(desk.path("run/model.safetensors")).unwrap()
}

#[test]
fn windows_are_the_rows_that_a_user_would_cut() {
    let desk = Desk::new();
    desk.write("frames.csv", frames(&[5, 2, 4, 6]));
    // By hand: whole windows of one episode; the observation before its first frame is the first.
    let mut rows = "act+0,act+1,act+2,x-1,x-0,episode\n".to_string();
    for (episode, first, length) in [("a", 0, 5), ("c", 7, 4), ("d", 11, 6)] {
        for start in 0..length - 2 {
            let act = |k: usize| first + start + k;
            rows += &format!(
                "{}.5,{}.5,{}.5,{},{},{episode}\n",
                act(0),
                act(1),
                act(2),
                start.saturating_sub(1) * 10,
                start * 10
            );
        }
    }
    desk.write("rows.csv", rows);
    desk.succeed(&format!("train frames.csv {WINDOWS} {SHORT} --out frames"));
    desk.succeed(&format!("train rows.csv --condition x-1,x-0 --group episode {SHORT} --out rows"));
    let sample = |run: &str| desk.succeed(&format!("sample {run} -n 5 --condition x-1=0,x-0=10"));
    assert_eq!(sample("frames"), sample("rows"));
    assert!(sample("frames").starts_with("act+0,act+1,act+2\n"));
    let output = desk.run(&format!("train frames.csv {WINDOWS} {SHORT} --out again"));
    let said = text(&output.stderr);
    assert!(
        said.contains("left out 1 of 4 episodes") && said.contains("episode b with 2"),
        "{said}"
    );
    // Every third window.
    let model = train(&desk, &format!("frames.csv {WINDOWS} --stride 3 --holdout 0"));
    let kept = "act+0,act+1,act+2,x-1,x-0\n0.5,1.5,2.5,0,0\n7.5,8.5,9.5,0,0\n11.5,12.5,13.5,0,0\n\
                14.5,15.5,16.5,20,30\n";
    desk.write("kept.csv", kept);
    let expected = train(&desk, "kept.csv --condition x-1,x-0 --holdout 0");
    let weights = |model: &[u8]| model[model.len() - 800..].to_vec();
    assert_eq!(weights(&model), weights(&expected));
}

#[test]
fn arrays_have_their_episodes_in_a_file_and_samples_the_shape_of_a_window() {
    let desk = Desk::new();
    let numbers = |n: usize| (0..n).map(|k| (k * 37 % 11) as f32).collect::<Vec<f32>>();
    desk.write("act.npy", npy("24, 2", &numbers(48)));
    desk.write("obs.npy", npy("24, 1", &numbers(24)));
    desk.write("episode.npy", npy("24,", &(0..24).map(|k| (k / 6) as f32).collect::<Vec<f32>>()));
    let arguments = "--data act.npy --conditions obs.npy --group episode.npy --window 4";
    train(&desk, arguments);
    desk.succeed("sample run -n 3 --condition 1 --out s.npy");
    let header = String::from_utf8_lossy(&std::fs::read(desk.path("s.npy")).unwrap()).to_string();
    assert!(header.contains("'shape': (3, 4, 2)"), "{header}");
    // The run finds its files from its own folder, and reads the same windows.
    let config = std::fs::read_to_string(desk.path("run/config.toml")).unwrap();
    assert!(
        config.contains("group = \"../episode.npy\"") && config.contains("window = 4"),
        "{config}"
    );
    desk.succeed("evaluate run --steps 1");
    desk.write("short.npy", npy("23,", &[0.0; 23]));
    desk.fail(
        "train --data act.npy --group short.npy --window 4",
        "short.npy has 23 rows, but act.npy has 24: expected the group of each row",
    );
    desk.fail("train --data act.npy --group act.npy --window 4", "expected a file of one column");
    // Moved, the file of episodes can be named again, and other episodes are another run.
    std::fs::rename(desk.path("episode.npy"), desk.path("moved.npy")).unwrap();
    desk.fail("evaluate run --steps 1", "episode.npy");
}

#[test]
fn a_run_on_windows_is_resumed_and_judged_on_other_episodes() {
    let desk = Desk::new();
    desk.write("frames.csv", frames(&[20, 20, 20, 20]));
    desk.write("others.csv", frames(&[9, 14]));
    let whole = train(&desk, &format!("frames.csv {WINDOWS}"));
    desk.succeed("evaluate run --data others.csv --steps 1");
    let long = "--iterations 1000000 --batch-size 8 --hidden-width 8";
    let mut run = desk.begin(&format!("train frames.csv {WINDOWS} {long} --out long"));
    run.until(|| {
        let rows = std::fs::read_to_string(desk.path("long/metrics.csv")).unwrap_or_default();
        rows.lines().count() >= 2
    });
    run.signal("INT");
    run.output();
    desk.fail("train --resume long --window 4", "the command says --window 4 (the run has 3)");
    let mut resumed = desk.begin("train --resume long");
    resumed.signal("INT");
    resumed.output();
    // The episodes of another length are other rows.
    desk.write("frames.csv", frames(&[20, 20, 21, 20]));
    desk.fail("train --resume long", "the data files have changed");
    assert!(whole.len() > 1000);
}

#[test]
fn kinds_are_named_by_the_columns_of_a_frame() {
    let desk = Desk::new();
    desk.write("frames.csv", frames(&[8, 8, 8]));
    train(&desk, &format!("frames.csv {WINDOWS} --bounds act=0,30"));
    let found = desk.succeed("sample run -n 50 --condition x-1=0,x-0=0");
    let numbers = found.lines().skip(1).flat_map(|line| line.split(','));
    assert!(numbers.map(|x| x.parse::<f32>().unwrap()).all(|x| (0.0..=30.0).contains(&x)));
}

#[test]
fn frames_with_missing_values_are_in_no_window() {
    let desk = Desk::new();
    let text_of = frames(&[8, 8, 8]).replace(",20,2.5\n", ",20,\n");
    desk.write("frames.csv", text_of);
    desk.fail(&format!("train frames.csv {WINDOWS}"), "line 4, column act");
    let output = desk.run(&format!("train frames.csv {WINDOWS} --skip-invalid {SHORT} --out run"));
    let said = text(&output.stderr);
    // Windows from frame 0 to 3: the last has it in its history.
    assert!(said.contains("left out 4 windows with missing or non-finite values"), "{said}");
}

#[test]
fn frames_that_are_no_windows_are_refused_with_what_to_do() {
    let desk = Desk::new();
    desk.write("frames.csv", frames(&[5, 2, 4]));
    desk.write("mixed.csv", "episode,act\na,1\na,2\nb,3\nb,4\na,5\n");
    for (arguments, expected) in [
        (
            "frames.csv --data act --window 6 --group episode",
            "frames.csv: --window 6: expected episodes of at least 6 frames, but the longest, episode a, has 5",
        ),
        (
            "mixed.csv --data act --window 2 --group episode",
            "mixed.csv, line 6: a frame of episode a, whose other frames end at mixed.csv, line 3",
        ),
        ("frames.csv --data act --window 3 --history 2 --group episode", "have no conditions"),
        ("frames.csv --data act --history 2 --group episode", "add --window K"),
        ("frames.csv --data act --window 3 --stride 0 --group episode", "stride is 0"),
        ("moons --window 3", "window is about a file's rows"),
        (".", "a directory: expected a data set of LeRobot"),
    ] {
        desk.fail(&format!("train {arguments} {SHORT} --out run"), expected);
    }
    let output = desk.run(&format!("train frames.csv --data act --window 3 {SHORT} --out run"));
    assert!(text(&output.stderr).contains("no --group, so all rows are one episode"));
}
