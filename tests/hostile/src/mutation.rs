//! Changes a model file so that it stays close to a valid one: most changes affect one token of the header.

use rand::{Rng, RngExt};

use crate::seeds::{join, split};

/// Numbers at which readers fail.
const NUMBERS: [&str; 16] = [
    "0",
    "1",
    "2",
    "3",
    "4",
    "7",
    "8",
    "00",
    "-1",
    "1.0",
    "2147483648",
    "4294967296",
    "9223372036854775808",
    "18446744073709551612",
    "18446744073709551615",
    "18446744073709551616",
];

/// Strings with a meaning in a model file, and some without.
const STRINGS: [&str; 34] = [
    "__metadata__",
    "dtype",
    "shape",
    "data_offsets",
    "F32",
    "F16",
    "F64",
    "I8",
    "U8",
    "I16",
    "I32",
    "net.0.shift",
    "units.bits",
    "input.bits",
    "data.inverse_shift",
    "flowlet.integer",
    "net.0.weight",
    "net.0.bias",
    "net.2.weight",
    "net.1.weight",
    "net.6.weight",
    "net.130.bias",
    "net.132.bias",
    "data.scale",
    "grid",
    "self_test.x",
    "self_test.next",
    "flowlet.format",
    "flowlet.activation",
    "flowlet.hidden_layers",
    "relu",
    "gelu",
    "",
    r"\ud800\udc00\u006eet.0.weight",
];

/// Whole entries to add to the header.
const ENTRIES: [&str; 4] = [
    r#""grid":{"dtype":"F32","shape":[0],"data_offsets":[4,4]}"#,
    r#""self_test.x":{"dtype":"F32","shape":[1,1,1,1,2],"data_offsets":[0,8]}"#,
    r#""net.8.bias":{"dtype":"F32","shape":[],"data_offsets":[0,4]}"#,
    r#""__metadata__":{"flowlet.format":"1","flowlet.format":"1"}"#,
];

/// Bits of floats at which arithmetic fails: infinities, NaNs, the largest, the smallest subnormal, ±0.
const FLOATS: [u32; 8] =
    [0x7f80_0000, 0xff80_0000, 0x7fc0_0000, 0xffff_ffff, 0x7f7f_ffff, 0x0000_0001, 0x8000_0000, 0];

/// Returns `file` with one to four changes, and sometimes with a random byte or a cut end.
pub fn mutated(file: &[u8], random: &mut impl Rng) -> Vec<u8> {
    let (header, data) = split(file);
    let (mut tokens, mut data) = (tokens(header), data.to_vec());
    for _ in 0..random.random_range(1..=4) {
        match random.random_range(0..10) {
            0..7 => change_header(&mut tokens, random),
            _ => change_data(&mut data, random),
        }
    }
    let mut file = join(&tokens.concat(), &data);
    if random.random_ratio(1, 20) {
        let at = random.random_range(0..file.len());
        file[at] = random.random();
    }
    if random.random_ratio(1, 50) {
        file.truncate(random.random_range(0..file.len()));
    }
    file
}

/// Splits JSON into strings, runs of digits, and single other bytes.
fn tokens(mut text: &[u8]) -> Vec<Vec<u8>> {
    let mut tokens = Vec::new();
    while let Some(first) = text.first() {
        let length = match first {
            b'"' => string_length(text),
            b'0'..=b'9' => text.iter().take_while(|byte| byte.is_ascii_digit()).count(),
            _ => 1,
        };
        let (token, rest) = text.split_at(length);
        tokens.push(token.to_vec());
        text = rest;
    }
    tokens
}

fn string_length(text: &[u8]) -> usize {
    let mut escaped = false;
    for (at, byte) in text.iter().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

fn change_header(tokens: &mut Vec<Vec<u8>>, random: &mut impl Rng) {
    if tokens.is_empty() {
        tokens.push(b"{".to_vec());
    }
    let at = random.random_range(0..tokens.len());
    let other = tokens[random.random_range(0..tokens.len())].clone();
    let is_number = tokens[at][0].is_ascii_digit();
    let is_string = tokens[at][0] == b'"';
    match random.random_range(0..12) {
        0 => drop(tokens.remove(at)),
        1 => tokens.insert(at, other),
        2 => tokens[at] = other,
        3 => tokens.insert(at, pick(&[" ", "\n", "\t", "\r", "\u{a0}", "\0"], random)),
        4 => tokens.insert(at, pick(&["{", "}", "[", "]", ",", ":", ",1", "null", "1e3"], random)),
        5 => {
            // One more entry, after the `{` of the header.
            let entry = [pick(&ENTRIES, random), b",".to_vec()].concat();
            tokens.insert(1.min(tokens.len()), entry);
        }
        6 => repeat_part(tokens, at, random),
        7 if is_string && tokens[at].len() > 2 => {
            let inside = random.random_range(1..tokens[at].len() - 1);
            let escape = format!("\\u{:04x}", tokens[at][inside]);
            tokens[at].splice(inside..=inside, escape.into_bytes());
        }
        8 | 9 => change_number(tokens, random),
        _ if is_number => tokens[at] = pick(&NUMBERS, random),
        _ if is_string => {
            tokens[at] =
                format!("\"{}\"", STRINGS[random.random_range(0..STRINGS.len())]).into_bytes()
        }
        _ => {
            let at_byte = random.random_range(0..tokens[at].len());
            tokens[at][at_byte] = random.random();
        }
    }
}

/// Adds a small number to a number, so that offsets are slightly wrong.
fn change_number(tokens: &mut [Vec<u8>], random: &mut impl Rng) {
    let numbers: Vec<usize> =
        (0..tokens.len()).filter(|&at| tokens[at][0].is_ascii_digit()).collect();
    let Some(&at) = numbers.get(random.random_range(0..numbers.len().max(1))) else { return };
    let Ok(number) = String::from_utf8_lossy(&tokens[at]).parse::<u64>() else { return };
    let add = [1, 2, 4, 8, u64::MAX, u64::MAX - 3][random.random_range(0..6)];
    tokens[at] = number.wrapping_add(add).to_string().into_bytes();
}

/// Copies up to 39 tokens to another place.
fn repeat_part(tokens: &mut Vec<Vec<u8>>, at: usize, random: &mut impl Rng) {
    let end = (at + random.random_range(1..40)).min(tokens.len());
    let part = tokens[at..end].to_vec();
    let to = random.random_range(0..=tokens.len());
    if tokens.len() < 4_000 {
        tokens.splice(to..to, part);
    }
}

fn change_data(data: &mut Vec<u8>, random: &mut impl Rng) {
    let floats = data.len() / 4;
    match random.random_range(0..8) {
        0 => data.extend([0; 4]),
        1 => data.truncate(data.len().saturating_sub(random.random_range(1..9))),
        2 if !data.is_empty() => {
            let at = random.random_range(0..data.len());
            data[at] = random.random();
        }
        _ if floats > 0 => {
            let at = 4 * random.random_range(0..floats);
            let bits = FLOATS[random.random_range(0..FLOATS.len())];
            data[at..at + 4].copy_from_slice(&bits.to_le_bytes());
        }
        _ => {}
    }
}

fn pick(choices: &[&str], random: &mut impl Rng) -> Vec<u8> {
    choices[random.random_range(0..choices.len())].as_bytes().to_vec()
}
