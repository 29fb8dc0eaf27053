//! What `flowlet evaluate` and the summary of `flowlet train` say of models that are not good, and of data that are too
//! few to say anything.

mod desk;

use desk::{Desk, Random, SHORT, text};

/// Normal draws in two classes, with a number beside them: `x,y,label,speed`.
fn gaussians(rows: usize, seed: u64) -> String {
    let mut random = Random::new(seed);
    let mut normal = || (0..12).map(|_| random.share()).sum::<f64>() - 6.0;
    let mut table = "x,y,label,speed\n".to_string();
    for k in 0..rows {
        let (label, x, y) = if k % 3 == 0 { ("cat", -2.0, 0.5) } else { ("dog", 2.0, 1.0) };
        let (a, b) = (normal(), normal());
        table.push_str(&format!("{},{},{label},{}\n", x + a, y * b, k % 11));
    }
    table
}

/// Few iterations give one step that ends near the mean of each class, and 50 that are near the data.
const TRAIN: &str = "--hidden-width 32 --iterations 1000";

fn evaluated(desk: &Desk, arguments: &str) -> serde_json::Value {
    serde_json::from_str(&desk.succeed(&format!("evaluate {arguments} --format json"))).unwrap()
}

#[test]
fn a_sampler_that_shrinks_to_the_mean_is_not_advised() {
    let desk = Desk::new();
    desk.write("points.csv", gaussians(600, 1));
    for options in ["--condition label", ""] {
        desk.succeed(&format!("train points.csv --data x,y {options} {TRAIN} --out run --force"));
        let json = evaluated(&desk, "run");
        let rows = json["rows"].as_array().unwrap();
        let advised = &rows[json["advice"]["row"].as_u64().unwrap() as usize];
        let auc = |row: &serde_json::Value| row["told_apart"]["auc"].as_f64().unwrap();
        let least = rows.iter().map(auc).fold(1.0, f64::min);
        assert!(auc(advised) <= least + 0.02 && auc(&rows[0]) > 0.9, "{options}: {json}");
        assert!(advised["steps"].as_u64().unwrap() >= 8, "{options}: {json}");
        assert!(advised["deviation"][0].as_f64().unwrap() > 0.85, "{options}: {json}");
    }
}

/// Class labels and normal draws hold nothing to repeat, so no run must be accused.
#[test]
fn fresh_gaussians_are_no_memory_and_a_wide_network_on_few_rows_is() {
    let desk = Desk::new();
    for seed in 0..5 {
        desk.write("points.csv", gaussians(400, 100 + seed));
        let train =
            format!("train points.csv --data x,y --condition label {TRAIN} --out run --force");
        let summary = desk.succeed(&format!("{train} --seed {seed}"));
        assert!(summary.contains("nearest-row ratio"), "{summary}");
        assert!(!summary.contains("repeats its"), "{seed}: {summary}");
    }
    // A dozen held-out rows are enough to see it, and the losses say it, too.
    let mut random = Random::new(7);
    let mut row =
        || (0..6).map(|_| random.share().to_string()).collect::<Vec<_>>().join(",") + "\n";
    let rows: String = (0..60).map(|_| row()).collect();
    desk.write("few.csv", "a,b,c,d,e,f\n".to_string() + &rows);
    let train = "train few.csv --holdout 0.2 --hidden-width 128 --iterations 4000";
    let summary = desk.succeed(&format!("{train} --keep last --out few"));
    assert!(summary.contains("repeats its"), "{summary}");
    assert!(summary.contains("the run overfits: "), "{summary}");
    let said = desk.succeed("evaluate few --steps 50");
    assert!(said.contains("the run overfits") && said.contains("the model repeats"), "{said}");
    let output = desk.run("report few");
    assert!(text(&output.stderr).contains("the run overfits"), "{}", text(&output.stderr));
    // The default keeps the weights from before.
    let summary = desk.succeed(&format!("{train} --out kept"));
    assert!(summary.contains("  kept        iteration "), "{summary}");
    assert!(!summary.contains("repeats its") && !summary.contains("overfits"), "{summary}");
    let said = desk.succeed("evaluate kept --steps 50");
    assert!(said.contains("the weights of the lowest held-out loss were kept: "), "{said}");
}

#[test]
fn too_few_held_out_rows_are_no_advice() {
    let desk = Desk::new();
    desk.write("points.csv", gaussians(120, 2));
    for (holdout, rows, reason) in [
        ("0", 120, "no rows are held out: hold out rows with --holdout"),
        ("0.005", 1, "1 held-out row are too few"),
        ("0.015", 2, "2 held-out rows are too few to compare by, expected 15"),
        ("0.1", 12, "12 held-out rows are too few to compare by, expected 15"),
    ] {
        for condition in ["", "--condition label,speed"] {
            let train =
                format!("train points.csv --data x,y {condition} {SHORT} --out run --force");
            desk.succeed(&format!("{train} --holdout {holdout}"));
            let said = desk.succeed("evaluate run --steps 1,4");
            assert!(said.contains(&format!("no advice: {reason}")), "{holdout}: {said}");
            assert!(!said.contains("fewest evaluations"), "{holdout}: {said}");
            let json = evaluated(&desk, "run --steps 1,4");
            assert_eq!(json["real_rows"], rows, "{json}");
            assert!(json["advice"]["row"].is_null(), "{json}");
            assert_eq!(json["rows"][0]["energy"].is_null(), rows == 1, "{json}");
        }
    }
    // A file with a single row is nothing to compare with.
    desk.write("one.csv", "x,y,label,speed\n1,2,cat,3\n");
    desk.fail("evaluate run --data one.csv", "expected at least 2 valid rows");
}

#[test]
fn constant_columns_and_a_missing_class_are_evaluated() {
    let desk = Desk::new();
    let table = gaussians(200, 3).replace("x,y,", "x,flat,");
    let rows = table.lines().map(|line| {
        let mut cells: Vec<&str> = line.split(',').collect();
        if cells[0] != "x" {
            cells[1] = "7";
        }
        // The last rows alone are judged: none of them is a cat.
        cells.join(",") + "\n"
    });
    let rows: Vec<String> = rows.collect();
    desk.write("points.csv", rows.concat());
    desk.write(
        "dogs.csv",
        rows.iter().filter(|row| !row.contains("cat")).cloned().collect::<String>(),
    );
    desk.succeed(&format!("train points.csv --data x,flat --condition label {SHORT} --out run"));
    let json = evaluated(&desk, "run --steps 4 --data dogs.csv");
    let classes = json["rows"][0]["by_class"].as_array().unwrap();
    assert_eq!(classes.len(), 1, "{json}");
    assert_eq!(classes[0]["class"], "label dog");
    assert!(json["rows"][0]["deviation"].is_array(), "{json}");
    // Only constant columns leave no ratio.
    desk.succeed(&format!("train points.csv --data flat {SHORT} --out flat"));
    let said = desk.succeed("evaluate flat --steps 4");
    assert!(said.contains("flat") && !said.contains("NaN") && !said.contains("inf"), "{said}");
}

#[test]
fn a_run_that_learned_nothing_says_so() {
    let desk = Desk::new();
    desk.write("points.csv", gaussians(300, 4));
    let train = "train points.csv --data x,y --hidden-width 16 --iterations 300";
    let bad = desk.run(&format!("{train} --learning-rate 50 --out bad"));
    let said = text(&bad.stdout) + &text(&bad.stderr);
    let diverged = said.contains("training diverged");
    assert!(diverged || said.contains("the model learned nothing"), "{said}");
    if !diverged {
        let said = desk.succeed("evaluate bad --steps 50");
        assert!(said.contains("no advice: the model learned nothing"), "{said}");
    }
    assert!(!desk.succeed(&format!("{train} --out good")).contains("learned nothing"));
}

#[test]
fn conditions_that_training_did_not_see_are_named() {
    let desk = Desk::new();
    desk.write("points.csv", gaussians(200, 5));
    desk.succeed(&format!("train points.csv --data x,y --condition label,speed {SHORT} --out run"));
    let warned = |arguments: &str| {
        let output = desk.run(arguments);
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stderr)
    };
    let far = warned("sample run -n 3 --condition cat,99");
    let expected =
        "warning: condition speed is 99, but training saw 0 to 10, so samples are guesses";
    assert!(far.contains(expected), "{far}");
    assert_eq!(warned("sample run -n 3 --condition cat,10.5"), "");
    desk.write("c.csv", "label,speed\ncat,5\ndog,-30\n");
    assert!(warned("sample run --conditions c.csv").contains("in 1 of 2 rows, -30 for one"));

    let constant: String = gaussians(200, 5)
        .lines()
        .map(|line| match line.rsplit_once(',') {
            Some((start, "speed")) => format!("{start},speed\n"),
            Some((start, _)) => format!("{start},7\n"),
            None => String::new(),
        })
        .collect();
    desk.write("constant.csv", constant);
    let said =
        warned(&format!("train constant.csv --data x,y --condition speed {SHORT} --out seven"));
    assert!(said.contains("condition speed is 7 in all training rows"), "{said}");
    let two = std::fs::read_to_string(desk.path("constant.csv")).unwrap();
    desk.write("two.csv", two.replace(",7\n", ",7,x\n").replace("speed\n", "speed,kind\n"));
    let said =
        warned(&format!("train two.csv --data x,y --condition speed,kind {SHORT} --out two"));
    assert!(said.contains("conditions speed (7), kind (x) are the same in all"), "{said}");
    let said = warned("sample seven -n 3 --condition 9");
    assert!(said.contains("condition speed is 9, but all training rows had 7"), "{said}");
}
