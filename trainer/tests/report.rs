//! `flowlet report` as its users meet it: a page that needs nothing beside it, whose numbers are those of
//! the model and the data.

mod desk;

use std::fs;
use std::path::Path;

use flowlet_trainer::disk::tensor_file::{Block, TensorFile};
use resvg::usvg::roxmltree::{Document, ParsingOptions};
use serde_json::Value;

use desk::{Desk, text, weights};

/// The page as a tree: it is well-formed XML.
#[track_caller]
fn parse(page: &str) -> Document<'_> {
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    Document::parse_with_options(page, options).unwrap_or_else(|error| {
        let line = page.lines().nth(error.pos().row as usize - 1).unwrap_or_default();
        let shown: String = line.chars().take(300).collect();
        panic!("{error}: {shown}")
    })
}

/// Runs what must succeed, and gives what it noted.
#[track_caller]
fn report(desk: &Desk, arguments: &str) -> String {
    let output = desk.run(&format!("report {arguments}"));
    let notes = text(&output.stderr);
    assert!(output.status.success(), "{arguments}: {notes}");
    notes
}

fn read(desk: &Desk, name: &str) -> String {
    fs::read_to_string(desk.path(name)).unwrap()
}

/// A copy of a committed model and its configuration.
fn with_weights(name: &str) -> Desk {
    let desk = Desk::new();
    fs::create_dir(desk.path("run")).unwrap();
    for file in ["model.safetensors", "config.toml"] {
        fs::copy(Path::new(&weights(name)).join(file), desk.path("run").join(file)).unwrap();
    }
    desk
}

/// The figures of a page, in order.
fn names(page: &str) -> Vec<String> {
    let tree = parse(page);
    let sections = tree.descendants().filter(|node| node.has_tag_name("section"));
    sections.map(|node| node.attribute("id").unwrap().to_string()).collect()
}

/// The numbers of a figure.
fn numbers(page: &str, name: &str) -> Value {
    let tree = parse(page);
    let section = tree
        .descendants()
        .find(|node| node.has_tag_name("section") && node.attribute("id") == Some(name))
        .unwrap_or_else(|| panic!("no figure {name}"));
    let script = section
        .descendants()
        .find(|node| node.attribute("class") == Some("numbers"))
        .unwrap_or_else(|| panic!("no numbers of {name}"));
    serde_json::from_str(script.text().unwrap()).unwrap()
}

fn sum(counts: &Value) -> f64 {
    counts.as_array().unwrap().iter().map(|count| count.as_f64().unwrap()).sum()
}

/// Nothing is loaded, everything has something in it, and both widths are there.
#[track_caller]
fn check(page: &str) {
    assert!(page.len() < 5_000_000, "{} bytes", page.len());
    let tree = parse(page);
    for node in tree.descendants() {
        for attribute in node.attributes() {
            let loads = matches!(attribute.name(), "src" | "href" | "action" | "data");
            let value = attribute.value();
            assert!(
                !loads
                    || value.starts_with('#')
                    || value.starts_with("data:")
                    || !value.contains(':'),
                "{} {}",
                node.tag_name().name(),
                &value[..value.len().min(80)]
            );
        }
        assert!(!node.has_tag_name("link") && !node.has_tag_name("iframe"));
    }
    for style in tree.descendants().filter(|node| node.has_tag_name("style")) {
        let text = style.text().unwrap();
        assert!(!text.contains("url(") && !text.contains("@import"), "{text}");
    }
    assert!(!page.contains("http://") && !page.contains("https://"));
    assert!(page.contains("prefers-color-scheme: dark"));
    for figure in tree.descendants().filter(|node| node.has_tag_name("figure")) {
        let has = |name: &str| figure.descendants().any(|node| node.has_tag_name(name));
        let name = figure.parent().unwrap().attribute("id").unwrap();
        assert!(has("figcaption"), "{name}");
        if has("table") {
            continue;
        }
        let svgs: Vec<_> = figure.descendants().filter(|node| node.has_tag_name("svg")).collect();
        assert_eq!(svgs.len(), 2, "{name}");
        for svg in svgs {
            let marks = svg.children().filter(|node| node.is_element()).count();
            assert!(marks > 10, "{name}: {marks} marks");
            for number in svg.descendants().flat_map(|node| node.attributes()) {
                let is_picture = number.value().starts_with("data:");
                assert!(
                    is_picture || !number.value().contains("NaN"),
                    "{name}: {}",
                    number.value()
                );
            }
        }
        assert_eq!(has("button"), figure.attribute("data-moves").is_some(), "{name}");
    }
}

/// Every figure of the article, and what goes beyond it.
const LINE: [&str; 12] = [
    "densities",
    "reference-paths",
    "target-velocity",
    "average-field",
    "loss",
    "learned-field",
    "field-error",
    "trace",
    "path",
    "samples",
    "path-density",
    "steps",
];

#[test]
fn a_line_has_all_figures_with_the_numbers_of_its_run() {
    let desk = Desk::new();
    let short = "--iterations 400 --hidden-width 16";
    let summary = desk.succeed(&format!("train mixture {short} --out run --report"));
    assert!(summary.contains("run/report.html"), "{summary}");
    let page = read(&desk, "run/report.html");
    check(&page);
    assert_eq!(names(&page), LINE);

    for (figure, sides) in [
        ("reference-paths", ["noise", "data"]),
        ("average-field", ["noise", "data"]),
        ("learned-field", ["noise", "samples"]),
        ("path-density", ["noise", "samples"]),
    ] {
        let numbers = numbers(&page, figure);
        for side in sides {
            let histogram = &numbers[side];
            assert_eq!(histogram["counts"].as_array().unwrap().len(), 100, "{figure} {side}");
            assert_eq!(sum(&histogram["counts"]), 100_000.0, "{figure} {side}");
            assert_eq!(histogram["total"], 100_000, "{figure} {side}");
        }
    }
    let samples = &numbers(&page, "samples")["samples"];
    assert_eq!((sum(&samples["counts"]), &samples["total"]), (100_000.0, &100_000.into()));
    // Nearly all paths are in view at every time.
    for (figure, times) in [("reference-paths", 101), ("path-density", 201)] {
        let in_view = numbers(&page, figure)["paths_in_view"].clone();
        let in_view = in_view.as_array().unwrap();
        assert_eq!(in_view.len(), times, "{figure}");
        for count in in_view.iter().map(|count| count.as_f64().unwrap()) {
            assert!((97_000.0..=100_000.0).contains(&count), "{figure}: {count}");
        }
    }

    // The loss is that of the metrics.
    let metrics = fs::read_to_string(desk.path("run/metrics.csv")).unwrap();
    let losses = numbers(&page, "loss")["loss"][0].clone();
    let rows: Vec<&str> = metrics.lines().skip(1).collect();
    assert_eq!(losses.as_array().unwrap().len(), rows.len());
    for (row, drawn) in rows.iter().zip(losses.as_array().unwrap()) {
        let cells: Vec<&str> = row.split(',').collect();
        assert_eq!(drawn[0].to_string(), cells[1]);
        let [a, b] = [drawn[1].as_f64().unwrap(), cells[2].parse().unwrap()];
        // JSON's reader may be a last digit off.
        assert!((a - b).abs() < 1e-12, "{a} {b}");
    }
}

#[test]
fn the_path_table_matches_flowlet_trace() {
    let desk = with_weights("mixture");
    desk.succeed("report run");
    let page = read(&desk, "run/report.html");
    let tree = parse(&page);
    let table = tree.descendants().find(|node| node.has_tag_name("tbody")).unwrap();
    let drawn: Vec<[String; 2]> = table
        .children()
        .map(|row| {
            let cells: Vec<&str> = row.children().map(|cell| cell.text().unwrap()).collect();
            [cells[1].to_string(), cells[2].to_string()]
        })
        .collect();
    let traced = desk.succeed("trace run --x0 0.85 --steps 15");
    let printed: Vec<[String; 2]> = traced
        .lines()
        .skip(1)
        .map(|line| {
            let mut cells = line.split_whitespace().map(String::from);
            [cells.next().unwrap(), cells.next().unwrap()]
        })
        .collect();
    assert_eq!(drawn.len(), 16);
    assert_eq!(drawn, printed);
}

#[test]
fn two_reports_of_one_model_are_identical() {
    let desk = with_weights("moons");
    desk.succeed("report run");
    let first = read(&desk, "run/report.html");
    desk.succeed("report run --force");
    assert!(first == read(&desk, "run/report.html"));
}

#[test]
fn distances_match_flowlet_evaluate() {
    let desk = with_weights("mixture");
    desk.succeed("report run");
    let numbers = numbers(&read(&desk, "run/report.html"), "steps");
    let json = desk.succeed("evaluate run --format json");
    let evaluated: Value = serde_json::from_str(&json).unwrap();
    for (row, distance) in
        evaluated["rows"].as_array().unwrap().iter().zip(numbers["distances"].as_array().unwrap())
    {
        let [a, b] = [&row["distances"]["w1"], distance].map(|value| value.as_f64().unwrap());
        assert!((a - b).abs() < 1e-9, "{row} {distance}");
    }
    // In more dimensions and with conditions, the energy distance without bias is compared.
    let desk = with_weights("8gaussians");
    desk.succeed("report run");
    let numbers = self::numbers(&read(&desk, "run/report.html"), "steps");
    let json = desk.succeed("evaluate run --steps 4 --format json");
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(numbers["measure"], "energy");
    // Four steps are the third panel.
    let pair = [&json["rows"][0]["energy"]["value"], &numbers["distances"][2]];
    let [a, b] = pair.map(|value| value.as_f64().unwrap());
    assert!((a - b).abs() < 1e-9, "{a} {b}");
}

#[test]
fn a_plane_has_its_figures_and_their_files() {
    let desk = with_weights("8gaussians");
    desk.succeed("report run --out figures");
    let page = read(&desk, "figures/report.html");
    check(&page);
    let expected = ["field", "field-error", "flow", "trajectories", "samples", "classes", "steps"];
    assert_eq!(names(&page), expected);
    assert!(!desk.path("run/report.html").exists());
    for name in expected {
        let svg = read(&desk, &format!("figures/{name}.svg"));
        let tree = resvg::usvg::Tree::from_str(&svg, &resvg::usvg::Options::default()).unwrap();
        assert_eq!(tree.size().width(), 960.0, "{name}");
        let png = fs::read(desk.path(&format!("figures/{name}.png"))).unwrap();
        let decoder = png::Decoder::new(std::io::Cursor::new(png));
        let mut reader = decoder.read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        assert_eq!(info.width, 1920, "{name}");
        let coloured = pixels.chunks_exact(4).filter(|p| p[0].abs_diff(p[2]) > 60).count();
        assert!(coloured > 1000, "{name}: {coloured} coloured pixels");
        for ending in ["svg", "png"] {
            assert!(page.contains(&format!("href=\"{name}.{ending}\"")), "{name}.{ending}");
        }
    }
    // It moves: as many frames, and no two neighbours on the way alike.
    let bytes = fs::read(desk.path("figures/flow.gif")).unwrap();
    let mut options = gif::DecodeOptions::new();
    options.set_color_output(gif::ColorOutput::RGBA);
    let mut decoder = options.read_info(bytes.as_slice()).unwrap();
    let mut moved = Vec::new();
    while let Some(frame) = decoder.read_next_frame().unwrap() {
        let changed = frame.buffer.chunks_exact(4).filter(|pixel| pixel[3] != 0).count();
        moved.push(changed);
    }
    assert_eq!(moved.len(), 53);
    assert!(moved[1..41].iter().all(|&changed| changed > 500), "{moved:?}");
}

/// 300 points in three dimensions under a kind and a number.
fn points() -> String {
    let mut text = "height,weight,age,kind,speed\n".to_string();
    for k in 0..300_u32 {
        let (kind, at) = [("cat", 0.0), ("dog", 3.0), ("b<i>rd", 6.0)][k as usize % 3];
        let angle = f64::from(k) * 2.399;
        let (sin, cos) = angle.sin_cos();
        text += &format!("{},{},{},{kind},{}\n", at + cos, at - sin, sin * cos, k % 7);
    }
    text
}

#[test]
fn three_dimensions_and_two_conditions_have_their_figures() {
    let desk = Desk::new();
    fs::write(desk.path("points.csv"), points()).unwrap();
    let short = "--iterations 60 --batch-size 32 --hidden-width 8";
    desk.succeed(&format!(
        "train points.csv --data height,weight,age --condition kind,speed {short} --out run"
    ));
    desk.succeed("report run --condition dog,2");
    let page = read(&desk, "run/report.html");
    check(&page);
    let expected =
        ["loss", "flow", "trajectories", "samples", "marginals", "pairs", "classes", "steps"];
    assert_eq!(names(&page), expected);
    // A name with a sign of markup stays a name.
    assert!(page.contains("kind = b&lt;i&gt;rd") && !page.contains("<i>rd"));
    assert!(page.contains("under kind = dog, speed = 2"));
    let classes = numbers(&page, "classes")["classes"].clone();
    for class in classes.as_array().unwrap() {
        assert_eq!(class["real"], 100, "{class}");
    }
    for column in numbers(&page, "marginals")["target"].as_array().unwrap() {
        assert_eq!(column["total"], 300);
    }
    desk.fail("report run --force --condition fox,2", "fox");
    report(&desk, "run --force --condition b<i>rd,2");
    let page = read(&desk, "run/report.html");
    check(&page);
    assert!(page.contains("under kind = b&lt;i&gt;rd, speed = 2"));
    // Its line of text.
    let text = desk.succeed("report run --terminal");
    for expected in ["height", "weight", "age", "●", "█", "loss", "iteration"] {
        assert!(text.contains(expected), "{text}");
    }
}

#[test]
fn a_line_with_classes_has_a_figure_of_classes() {
    let desk = Desk::new();
    let short = "--iterations 60 --hidden-width 8";
    desk.succeed(&format!("train mixture --condition class {short} --out run"));
    desk.succeed("report run");
    let page = read(&desk, "run/report.html");
    check(&page);
    let mut expected = LINE.to_vec();
    expected.insert(11, "classes");
    assert_eq!(names(&page), expected);
    assert!(page.contains("under class = 0"));
}

#[test]
fn missing_data_and_losses_are_left_out_with_a_note() {
    let desk = Desk::new();
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/pytorch");
    let from = tests.join("torchcfm_mlp.safetensors");
    desk.succeed(&format!(
        "import {} --columns x,t --activation selu --out model.safetensors",
        from.display()
    ));
    let notes = report(&desk, "model.safetensors");
    let page = read(&desk, "report.html");
    check(&page);
    assert_eq!(names(&page), ["field", "flow", "trajectories", "samples", "steps"]);
    for text in [&notes, &page] {
        assert!(text.contains("config.toml") && text.contains("metrics.csv"), "{text}");
    }
    // With data that the user names there is more.
    desk.succeed("report model.safetensors --data 8gaussians --force");
    let page = read(&desk, "report.html");
    check(&page);
    assert!(numbers(&page, "steps")["distances"][0].as_f64().unwrap() > 0.0);
    desk.fail("report model.safetensors --data mixture --force", "--data mixture");
}

#[test]
fn data_that_cannot_be_read_are_left_out_or_refused() {
    let desk = Desk::new();
    fs::write(desk.path("points.csv"), points()).unwrap();
    let short = "--iterations 30 --batch-size 32 --hidden-width 8";
    desk.succeed(&format!("train points.csv --data height,weight {short} --out run"));
    let broken = points().replacen("cat", "cat\nNaN,1,2,cat,3\nx", 1);
    fs::write(desk.path("points.csv"), broken).unwrap();
    let notes = report(&desk, "run");
    assert!(notes.contains("points.csv") && notes.contains("left out"), "{notes}");
    let page = read(&desk, "run/report.html");
    check(&page);
    assert!(page.contains("could not be read"));
    // Asked for, they are refused.
    desk.fail("report run --force --data points.csv", "points.csv");
    desk.fail("report nowhere", "nowhere");
}

#[test]
fn a_model_whose_samples_overflow_is_refused() {
    let desk = with_weights("mixture");
    let path = desk.path("run/model.safetensors");
    let mut file = TensorFile::parse(&fs::read(&path).unwrap()).unwrap();
    let last = file.tensors.get_mut("net.4.weight").unwrap();
    // One step stays finite, the second does not.
    let values: Vec<f32> = last.to_f32().unwrap().iter().map(|w| w * 1e30).collect();
    *last = Block::f32(&[1, 64], &values);
    fs::write(&path, file.to_bytes().unwrap()).unwrap();
    for form in ["", "--terminal"] {
        let error = text(&desk.run(&format!("report run {form}")).stderr);
        let last = error.lines().last().unwrap();
        assert!(last.starts_with("error: ") && last.contains("not finite"), "{error}");
    }
    assert!(!desk.path("run/report.html").exists());
}

#[test]
fn fifty_dimensions_are_shown_in_part() {
    let desk = Desk::new();
    let names_: Vec<String> = (0..50).map(|k| format!("c{k}")).collect();
    let mut text = names_.join(",") + "\n";
    for row in 0..80_u32 {
        let cells: Vec<String> =
            (0..50_u32).map(|k| (f64::from(row * 7 + k * k) * 0.37).sin().to_string()).collect();
        text += &(cells.join(",") + "\n");
    }
    fs::write(desk.path("wide.csv"), text).unwrap();
    let short = "--iterations 20 --batch-size 16 --hidden-width 8";
    desk.succeed(&format!("train wide.csv {short} --out run"));
    desk.succeed("report run");
    let page = read(&desk, "run/report.html");
    check(&page);
    assert!(page.contains("The first 12 of 50 are shown."));
    assert!(page.contains("The first 4 of 50 are shown."));
}

#[test]
fn an_existing_page_is_kept_without_force() {
    let desk = with_weights("moons");
    fs::write(desk.path("run/report.html"), "<p>thesis</p>").unwrap();
    desk.fail("report run", "run/report.html exists");
    assert_eq!(read(&desk, "run/report.html"), "<p>thesis</p>");
}

#[test]
fn a_run_with_a_report_can_be_replaced() {
    let desk = Desk::new();
    let short = "--iterations 20 --hidden-width 8";
    desk.succeed(&format!("train mixture {short} --out run --report"));
    desk.succeed(&format!("train mixture {short} --out run --force"));
    assert!(!desk.path("run/report.html").exists());
}

#[test]
fn resume_accepts_a_report_and_no_other_settings() {
    let desk = Desk::new();
    desk.succeed("train mixture --iterations 20 --hidden-width 8 --out run");
    let run = |arguments: &str| text(&desk.run(arguments).stderr);
    // It is whole: that is the error, not the flag.
    assert!(run("train --resume run --report").contains("complete run"));
    for other in ["--force", "--out there", "mixture"] {
        let error = run(&format!("train --resume run {other} --seed 1"));
        assert!(error.contains("cannot be used with"), "{other}: {error}");
    }
}
