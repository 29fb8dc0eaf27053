//! Tables in the forms in which people have them: each is read, or refused with one sentence that mends it.

mod desk;

use std::io::Write;

use desk::{Desk, SHORT, text};
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder};
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

const ROWS: usize = 60;

/// Rows of two numbers, which are exact in 16 bits.
fn values() -> Vec<[f32; 2]> {
    (0..ROWS).map(|k| [(k * 37 % 101) as f32 / 8.0 - 5.0, (k * 53 % 97) as f32 / 16.0]).collect()
}

/// The rows as text, in lines of `line`.
fn lines(line: impl Fn(usize, [f32; 2]) -> String) -> String {
    values().into_iter().enumerate().map(|(k, row)| line(k, row) + "\n").collect()
}

fn csv() -> String {
    "x,y\n".to_string() + &lines(|_, [x, y]| format!("{x},{y}"))
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// An array as numpy writes it. `values` are its bytes.
fn npy(dtype: &str, order: &str, shape: &str, values: &[u8]) -> Vec<u8> {
    let header =
        format!("{{'descr': '{dtype}', 'fortran_order': {order}, 'shape': ({shape}), }}\n");
    let mut array = b"\x93NUMPY\x01\x00".to_vec();
    array.extend((header.len() as u16).to_le_bytes());
    array.extend(header.into_bytes());
    array.extend(values);
    array
}

fn floats(values: impl IntoIterator<Item = f32>) -> Vec<u8> {
    values.into_iter().flat_map(f32::to_le_bytes).collect()
}

/// An archive as numpy.savez and, if `deflated`, numpy.savez_compressed write it.
fn npz(arrays: &[(&str, Vec<u8>)], deflated: bool) -> Vec<u8> {
    let (mut archive, mut central) = (Vec::new(), Vec::new());
    for (name, array) in arrays {
        let name = format!("{name}.npy");
        let mut packed = array.clone();
        if deflated {
            let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(array).unwrap();
            packed = encoder.finish().unwrap();
        }
        let mut checksum = flate2::Crc::new();
        checksum.update(array);
        let mut about = Vec::new();
        let method = if deflated { 8_u16 } else { 0 };
        for half in [20, 0, method, 0, 0x21] {
            about.extend(half.to_le_bytes());
        }
        for word in [checksum.sum(), packed.len() as u32, array.len() as u32] {
            about.extend(word.to_le_bytes());
        }
        about.extend((name.len() as u16).to_le_bytes());
        about.extend(0_u16.to_le_bytes());
        central.extend(b"PK\x01\x02\x14\x00");
        central.extend(&about);
        central.extend([0; 10]);
        central.extend((archive.len() as u32).to_le_bytes());
        central.extend(name.as_bytes());
        archive.extend(b"PK\x03\x04");
        archive.extend(&about);
        archive.extend(name.as_bytes());
        archive.extend(packed);
    }
    let start = archive.len() as u32;
    let count = arrays.len() as u16;
    archive.extend(&central);
    archive.extend(b"PK\x05\x06\0\0\0\0");
    archive.extend([count.to_le_bytes(), count.to_le_bytes()].concat());
    archive.extend((central.len() as u32).to_le_bytes());
    archive.extend(start.to_le_bytes());
    archive.extend([0, 0]);
    archive
}

/// Trains on `name`. Returns the model's bytes, and what the command said on standard error.
#[track_caller]
fn train(desk: &Desk, name: &str, options: &str) -> (Vec<u8>, String) {
    let output = desk.run(&format!("train {name} {options} {SHORT} --out run --force"));
    let error = text(&output.stderr);
    assert!(output.status.success(), "{name}: {error}");
    (std::fs::read(desk.path("run/model.safetensors")).unwrap(), error)
}

#[test]
fn the_same_rows_in_any_form_give_the_same_model() {
    let desk = Desk::new();
    desk.write("plain.csv", csv());
    let (expected, said) = train(&desk, "plain.csv", "");
    assert!(!said.contains("plain.csv"), "{said}");
    let comma = |x: f32| x.to_string().replace('.', ",");
    let tabs = csv().replace(',', "\t");
    let semicolons = "x;y\n".to_string() + &lines(|_, [x, y]| format!("{};{}", comma(x), comma(y)));
    let le = floats(values().into_iter().flatten());
    let be: Vec<u8> = values().into_iter().flatten().flat_map(f32::to_be_bytes).collect();
    // Numbers of eighths and sixteenths are halves exactly.
    let half = |x: f32| {
        let bits = x.to_bits();
        let exponent = ((bits >> 23) & 0xff) as i32 - 112;
        let half = ((bits >> 13) & 0x3ff) | ((exponent.max(0) as u32) << 10);
        (if x == 0.0 { 0 } else { half } | ((bits >> 16) & 0x8000)) as u16
    };
    let halves: Vec<u8> =
        values().into_iter().flatten().flat_map(|x| half(x).to_le_bytes()).collect();
    let columns: Vec<u8> =
        floats(values().iter().map(|row| row[0]).chain(values().iter().map(|row| row[1])));
    let shape = format!("{ROWS}, 2");
    let array = npy("<f4", "False", &shape, &le);
    let utf16 = |start: [u8; 2], bytes: fn(u16) -> [u8; 2]| {
        [start.to_vec(), csv().encode_utf16().flat_map(bytes).collect()].concat()
    };
    let index = lines(|k, [x, y]| format!("{k},{x},{y}"));
    let forms: Vec<(&str, Vec<u8>, &str)> = vec![
        ("index.csv", (",x,y\n".to_string() + &index).into(), "left out the nameless first column"),
        ("unnamed.csv", ("Unnamed: 0,x,y\n".to_string() + &index).into(), "Unnamed: 0, the index"),
        ("numbered.csv", (",0,1\n".to_string() + &index).into(), "left out the nameless first"),
        ("semicolons.csv", semicolons.clone().into(), "semicolons, decimal commas"),
        ("points.csv", csv().replace(',', ";").into(), "separated by semicolons"),
        ("tabs.csv", tabs.clone().into(), "separated by tabs"),
        ("tabs.tsv", tabs.clone().into(), ""),
        ("commas.tsv", semicolons.replace(';', "\t").into(), "decimal commas"),
        ("bars.csv", csv().replace(',', "|").into(), "separated by bars (|)"),
        ("spaces.txt", lines(|_, [x, y]| format!("  {x:9.4} {y:9.4}")).into(), "by spaces"),
        ("header.txt", csv().replace(',', " ").replace("x y", "# x y").into(), "by spaces"),
        ("header.csv", csv().replace("x,y", "# x,y").into(), ""),
        (
            "two.dat",
            csv().replace(',', " ").replace("x y", "# by me\n# x y").into(),
            "up to line 1",
        ),
        ("plain.csv.gz", gzip(csv().as_bytes()), ""),
        ("renamed.csv", gzip(csv().as_bytes()), ""),
        ("plain.csv.zst", compress_to_vec(csv().as_bytes(), CompressionLevel::Fastest), ""),
        ("semicolons.csv.gz", gzip(semicolons.as_bytes()), "decimal commas"),
        ("le.csv", utf16([0xff, 0xfe], u16::to_le_bytes), ""),
        ("be.csv", utf16([0xfe, 0xff], u16::to_be_bytes), ""),
        ("objects.jsonl", lines(|_, [x, y]| format!("{{\"x\":{x},\"y\":{y}}}")).into(), ""),
        ("arrays.ndjson", lines(|_, [x, y]| format!("[{x}, {y}]")).into(), ""),
        ("a.npy", array.clone(), ""),
        ("big.npy", npy(">f4", "False", &shape, &be), ""),
        ("half.npy", npy("<f2", "False", &shape, &halves), ""),
        ("columns.npy", npy("<f4", "True", &shape, &columns), ""),
        ("a.npy.gz", gzip(&array), ""),
        ("columns.npy.gz", gzip(&npy("<f4", "True", &shape, &columns)), ""),
        ("one.npz", npz(&[("arr_0", array.clone())], false), ""),
        ("deflated.npz", npz(&[("arr_0", array)], true), ""),
    ];
    for (name, bytes, note) in forms {
        desk.write(name, bytes);
        let (model, said) = train(&desk, name, "");
        assert!(model == expected, "{name}");
        assert!(said.contains(note), "{name}: {said}");
    }
}

#[test]
fn an_index_is_kept_by_option_and_by_name_and_every_reader_agrees() {
    let desk = Desk::new();
    let rows = lines(|k, [x, y]| format!("{k},{x},{y}"));
    desk.write("index.csv", ",x,y\n".to_string() + &rows);
    train(&desk, "index.csv", "--index keep");
    assert!(desk.succeed("sample run -n 1").starts_with(",x,y\n"));
    // The run's own reading, and its resumption, read the same columns.
    desk.succeed("evaluate run --steps 1");
    desk.succeed("evaluate run --data index.csv --steps 1");
    train(&desk, "index.csv", "");
    assert!(desk.succeed("sample run -n 1").starts_with("x,y\n"));
    desk.succeed("evaluate run --steps 1");
    desk.succeed("evaluate run --data index.csv --steps 1");
    desk.succeed("sample run --x0 index.csv");
    let found = desk.succeed("distance index.csv index.csv");
    assert!(found.contains("\"dimensions\":2"), "{found}");
    // Numbers in the first column that are no index stay.
    for (names, row) in [("t,x,y", ""), (",x,y", "7,1,2\n"), ("Unnamed: 0,x,y", "0.5,1,2\n")] {
        desk.write("time.csv", format!("{names}\n{rows}{row}"));
        let (_, said) = train(&desk, "time.csv", "--data 0..3");
        assert!(!said.contains("left out the nameless first column,x"), "{said}");
        if row.starts_with("0.5") || names == "t,x,y" {
            train(&desk, "time.csv", "");
            assert!(desk.succeed("sample run -n 1").contains(&format!("{names}\n")));
        }
    }
    // As conditions.
    desk.write("labels.csv", ",k\n".to_string() + &lines(|k, _| format!("{k},{}", k % 3)));
    desk.write("plain.csv", csv());
    train(&desk, "plain.csv", "--conditions labels.csv");
    desk.succeed("sample run --conditions labels.csv");
    desk.succeed("sample run -n 1 --condition k=2");
}

#[test]
fn text_with_several_readings_is_refused_and_the_flags_decide() {
    let desk = Desk::new();
    for (name, contents, expected) in [
        ("thousands.csv", "x;y\n1.234,5;2,5\n1,5;3,5\n", "\"1.234,5\" has marks for thousands"),
        (
            "ambiguous.csv",
            "x;y\n1,234;2,500\n1,555;3,500\n",
            "say --decimal , if commas are decimal",
        ),
        ("mixed.csv", "x;y\n1,5;2.5\n1,5;3.5\n", "say which are decimal with --decimal"),
        ("text.csv", "name;x\nDoe, John;1,5\nRoe;2,5\n", "with --separator and --decimal"),
        ("both.txt", "1,5 2,5\n3,5 4,5\n", "by commas or by spaces: say which with --separator"),
        ("quoted.csv", "x,y\n\"1,5\",\"2,5\"\n\"3,5\",\"4,5\"\n", "say --decimal ,"),
        ("long.csv", "x\n1,2\n", "say what separates them with --separator"),
    ] {
        desk.write(name, contents);
        desk.fail(&format!("train {name}"), expected);
        desk.fail(&format!("distance {name} {name}"), expected);
    }
    let read = |arguments: &str, expected: &str| {
        let found = desk.succeed(&format!("distance {arguments}"));
        assert!(found.contains(expected), "{arguments}: {found}");
    };
    read("ambiguous.csv ambiguous.csv --decimal ,", "\"dimensions\":2");
    read("both.txt both.txt --separator space --decimal ,", "\"dimensions\":2");
    read("quoted.csv quoted.csv --decimal ,", "\"dimensions\":2");
    read("text.csv text.csv --separator ; --decimal , --columns x", "\"dimensions\":1");
    desk.fail("distance mixed.csv mixed.csv --decimal ,", "line 2, column y: found \"2.5\"");
    // The run's configuration keeps the flags for those who read its data again.
    let rows = "x;y\n".to_string() + &lines(|k, _| format!("{},{:03};1,125", 1 + k % 7, 125 + k));
    desk.write("kept.csv", rows);
    train(&desk, "kept.csv", "--decimal ,");
    desk.succeed("evaluate run --steps 1");
}

#[test]
fn other_encodings_are_named() {
    let desk = Desk::new();
    let latin: Vec<u8> = "größe,y\n1,2\n3,4\n".chars().map(|c| c as u8).collect();
    desk.write("latin.csv", &latin);
    desk.fail(
        "train latin.csv",
        "line 1: expected text in UTF-8, found the byte 0xf6: probably Latin-1",
    );
    desk.write("windows.csv", b"x,y\n1,2\n3,\x80\n");
    desk.fail("train windows.csv", "line 3: expected text in UTF-8, found the byte 0x80: probably");
    desk.fail("train windows.csv", "iconv -f WINDOWS-1252 -t UTF-8");
    let bare =
        |bytes: fn(u16) -> [u8; 2]| csv().encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
    desk.write("le.csv", bare(u16::to_le_bytes));
    desk.write("be.csv", bare(u16::to_be_bytes));
    desk.fail("train le.csv", "iconv -f UTF-16LE -t UTF-8");
    desk.fail("train be.csv", "iconv -f UTF-16BE -t UTF-8");
    desk.write("half.csv", [&[0xff, 0xfe], &bare(u16::to_le_bytes)[..21]].concat());
    desk.fail("train half.csv", "half.csv: ");
}

#[test]
fn packed_files_are_refused_if_they_are_damaged_and_arrays_are_chosen_by_name() {
    let desk = Desk::new();
    let whole = gzip(csv().as_bytes());
    desk.write("cut.csv.gz", &whole[..whole.len() / 2]);
    desk.fail("train cut.csv.gz", "cut.csv.gz: the gzip file is damaged or ends early");
    desk.write("x.csv.xz", b"\xfd7zXZ\0\0\x04\0\0\0\0");
    desk.fail("train x.csv.xz", "compressed by xz");
    desk.write("x.csv.zip", npz(&[("a", vec![1])], false));
    desk.fail("train x.csv.zip", "a zip archive: expected .csv");
    let short = npy("<f4", "False", "3, 2", &[0; 20]);
    let long = npy("<f4", "False", "3, 2", &[0; 28]);
    for (name, array, expected) in [
        ("short.npy", short.clone(), "truncated: expected 3 rows of 2 values, found 5"),
        ("long.npy", long.clone(), "goes on for 4 bytes after the array's 3 rows"),
        ("short.npy.gz", gzip(&short), "truncated: the file ends within the values"),
        ("long.npy.gz", gzip(&long), "goes on after the values"),
    ] {
        desk.write(name, array);
        desk.fail(&format!("train {name}"), expected);
    }
    // A header may claim any number of rows.
    desk.write("bomb.npy.gz", gzip(&npy("<f4", "False", "1000000000000, 100", &[])));
    desk.fail("train bomb.npy.gz", "of memory, but");
    let rows: String = (0..40).map(|_| "x".repeat(1 << 20)).collect();
    desk.write("row.csv.gz", gzip(("x,y\n1,\"".to_string() + &rows).as_bytes()));
    desk.fail("train row.csv.gz", "a row of more than 16777216 bytes");

    let numbers =
        |columns: usize, rows: usize| floats((0..rows * columns).map(|k| (k * k % 17) as f32));
    let array = |columns: usize, rows: usize| {
        npy("<f4", "False", &format!("{rows}, {columns}"), &numbers(columns, rows))
    };
    let names = npy("<U3", "False", "2, ", &[0; 24]);
    let arrays =
        [("action", array(2, 50)), ("obs", array(3, 50)), ("meta", array(1, 4)), ("names", names)];
    for deflated in [false, true] {
        let archive = npz(&arrays, deflated);
        desk.write("d.npz", &archive);
        desk.fail(
            "train d.npz",
            "the archive holds the arrays action [50, 2], obs [50, 3], meta [4, 1]",
        );
        desk.fail("train d.npz --data acton", "Did you mean action.");
        desk.fail("train d.npz --data action,meta", "array meta has 4 rows, but action has 50");
        desk.fail("train d.npz --data names", "there is no column names");
        train(&desk, "d.npz", "--data action --condition obs");
        desk.succeed("sample run --condition obs=1,2,3 -n 2");
        let mut damaged = archive.clone();
        damaged[if deflated { 60 } else { 200 }] ^= 0x10;
        desk.write("damaged.npz", damaged);
        let output = desk.run(&format!("train damaged.npz --data action {SHORT} --out damaged"));
        assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
        desk.write("cut.npz", &archive[..archive.len() - 30]);
        desk.fail("train cut.npz", "the archive is damaged or truncated");
    }
}

#[test]
fn words_and_dates_are_said_to_be_what_they_are() {
    let desk = Desk::new();
    let flags = lines(|k, [x, _]| {
        format!("{x},{},{}", ["True", "False"][k % 2], ["TRUE", "FALSE"][k / 2 % 2])
    });
    desk.write("flags.csv", "x,ok,up\n".to_string() + &flags);
    train(&desk, "flags.csv", "--data x,ok --condition up");
    for condition in ["TRUE", "true", "1"] {
        let found = desk.succeed(&format!("sample run -n 3 --condition {condition}"));
        assert_eq!(found, desk.succeed("sample run -n 3 --condition TRUE"), "{condition}");
    }
    desk.fail(
        "sample run -n 3 --condition maybe",
        "is not a category: expected one of FALSE, TRUE",
    );
    let digits = flags.replace("True", "1").replace("False", "0");
    desk.write("digits.csv", "x,ok,up\n".to_string() + &digits);
    let (flags, digits) =
        (train(&desk, "flags.csv", "--data x,ok").0, train(&desk, "digits.csv", "--data x,ok").0);
    assert!(flags == digits);
    let dates = lines(|k, [x, _]| format!("{x},2024-01-{:02} 10:00:00+01:00", 1 + k % 28));
    desk.write("dates.csv", "x,t\n".to_string() + &dates);
    desk.fail(
        "train dates.csv",
        "line 2, column t: expected a number, found \"2024-01-01 10:00:00+01:00\", a date",
    );
    desk.fail("train dates.csv", "total_seconds()");
    desk.fail("train dates.csv --condition t", "all values of condition t are dates. Convert them");
    train(&desk, "dates.csv", "--condition t --categorical t");
    train(&desk, "dates.csv", "--group t");
}

#[test]
fn columns_whose_digits_are_lost_are_refused_and_constant_ones_come_out_exactly() {
    let desk = Desk::new();
    let far = |k: usize| 100_000_000.0 + ((k * 29 % 31) as f64 / 10.0 - 1.5);
    desk.write("far.csv", "x,t\n".to_string() + &lines(|k, [x, _]| format!("{x},{}", far(k))));
    let expected = "column t: its values lie near 100000000 with a standard deviation of 0.8";
    desk.fail("train far.csv", expected);
    desk.fail("train far.csv --condition t", expected);
    desk.fail("train far.csv", "32-bit floats, which are 8 apart there: subtract an offset");
    let wide: Vec<u8> = (0..ROWS).flat_map(|k| far(k).to_le_bytes()).collect();
    desk.write("far.npy", npy("<f8", "False", &format!("{ROWS}, 1"), &wide));
    desk.fail("train far.npy", "column 0: its values lie near 100000000");

    let rows = lines(|_, [x, _]| format!("{x},0.1,4096,-0.0"));
    desk.write("flat.csv", "x,a,b,c\n".to_string() + &rows);
    let (_, said) = train(&desk, "flat.csv", "");
    assert!(
        said.contains("columns a, b, c are constant: every sample has the same value"),
        "{said}"
    );
    let samples = desk.succeed("sample run -n 200");
    assert!(samples.lines().skip(1).all(|row| row.ends_with(",0.1,4096,0")), "{samples}");
    desk.succeed("verify run");
    let found = desk.succeed("evaluate run --steps 1,2");
    assert!(
        found.contains("constant columns have no density") && !found.contains("NaN"),
        "{found}"
    );
    desk.succeed("quantize run --out flat.q.safetensors");
    let samples = desk.succeed("sample flat.q.safetensors -n 50");
    let near = |row: &str| {
        let cells: Vec<f32> = row.split(',').map(|cell| cell.parse().unwrap()).collect();
        (cells[1] - 0.1).abs() < 1.0 && cells[2] == 4096.0 && cells[3] == 0.0
    };
    assert!(samples.lines().skip(1).all(near), "{samples}");
}

/// The first bytes of a file, with its header.
fn start(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(128)]).into_owned()
}

#[test]
fn arrays_of_several_axes_come_back_in_their_shape() {
    let desk = Desk::new();
    let values = || (0..ROWS * 8).map(|k| (k * 31 % 47) as f32 / 4.0);
    desk.write("three.npy", npy("<f4", "False", &format!("{ROWS}, 4, 2"), &floats(values())));
    desk.write("flat.npy", npy("<f4", "False", &format!("{ROWS}, 8"), &floats(values())));
    train(&desk, "three.npy", "");
    desk.succeed("sample run -n 5 --out s.npy");
    let samples = std::fs::read(desk.path("s.npy")).unwrap();
    assert!(start(&samples).contains("'shape': (5, 4, 2)"));
    desk.succeed("sample run -n 5 --out s.safetensors");
    let samples = std::fs::read(desk.path("s.safetensors")).unwrap();
    assert!(start(&samples).contains("\"shape\":[5,4,2]"));
    for data in ["three.npy", "flat.npy", "s.npy"] {
        desk.succeed(&format!("evaluate run --data {data} --steps 1 -n 5"));
    }
    desk.succeed("sample run --x0 three.npy");
    desk.succeed("quantize run --out q.safetensors");
    desk.succeed("sample q.safetensors -n 5 --out q.npy");
    let samples = std::fs::read(desk.path("q.npy")).unwrap();
    assert!(start(&samples).contains("'shape': (5, 4, 2)"));
    train(&desk, "flat.npy", "");
    desk.succeed("sample run -n 5 --out flat-samples.npy");
    let samples = std::fs::read(desk.path("flat-samples.npy")).unwrap();
    assert!(start(&samples).contains("'shape': (5, 8)"));
}

#[test]
fn a_row_of_conditions_may_stand_for_several_samples() {
    let desk = Desk::new();
    let rows = lines(|k, [x, y]| format!("{x},{y},{}", k % 3));
    desk.write("d.csv", "x,obs.0,obs.1\n".to_string() + &rows);
    train(&desk, "d.csv", "--condition obs");
    desk.write("one.csv", "obs.0,obs.1\n1.5,2\n");
    desk.write("two.csv", "obs.0,obs.1\n1.5,2\n0.5,1\n");
    desk.write("six.csv", "obs.0,obs.1\n1.5,2\n1.5,2\n1.5,2\n0.5,1\n0.5,1\n0.5,1\n");
    let sample = |arguments: &str| desk.succeed(&format!("sample run {arguments}"));
    let expected = sample("-n 5 --condition 1.5,2");
    assert_eq!(sample("-n 5 --conditions one.csv"), expected);
    assert_eq!(sample("-n 5 --condition obs=1.5,2"), expected);
    assert_eq!(sample("-n 5 --condition obs.1=2,obs.0=1.5"), expected);
    assert_eq!(sample("-n 6 --conditions two.csv"), sample("--conditions six.csv"));
    let parts = [0, 1].map(|part| sample(&format!("-n 6 --conditions two.csv --shard {part}/2")));
    let rows = |text: &str| text.lines().skip(1).map(str::to_string).collect::<Vec<_>>();
    assert_eq!([rows(&parts[0]), rows(&parts[1])].concat(), rows(&sample("--conditions six.csv")));
    desk.fail("sample run -n 5 --conditions two.csv", "--conditions gives 2: expected one row");
    desk.fail("sample run -n 5 --condition obs=1.5", "obs takes 2 values, found 1");
    desk.fail("sample run -n 5 --condition obs.0=1.5", "no value for obs.1");
}
