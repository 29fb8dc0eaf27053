//! Numbers and comments as C.

use std::fmt::Write;

/// The most characters of a line.
const WIDTH: usize = 120;

/// Returns a float as a C constant that reads back exactly: nine significant digits.
pub(super) fn float(x: f32) -> String {
    if x != 0.0 && x.abs() < f32::MIN_POSITIVE {
        return subnormal(x);
    }
    let scientific = format!("{x:.8e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if !(-5..9).contains(&exponent) {
        return format!("{}e{exponent}f", trimmed(digits));
    }
    let decimals = usize::try_from(8 - exponent).unwrap_or(0);
    format!("{}f", trimmed(&format!("{x:.decimals$}")))
}

/// A compiler may warn of a constant below the normal numbers, so it is a product, which is exact.
fn subnormal(x: f32) -> String {
    let units = x.to_bits() & 0x007f_ffff;
    let sign = if x.is_sign_negative() { "-" } else { "" };
    // 2^-100 and 2^-49.
    format!("({sign}{units}.0f * 7.88860905e-31f * 1.77635684e-15f)")
}

/// Leaves out zeros at the end, but keeps a decimal point with a digit after it.
fn trimmed(digits: &str) -> String {
    let whole = if digits.contains('.') { digits.to_string() } else { format!("{digits}.0") };
    let short = whole.trim_end_matches('0');
    if short.ends_with('.') { format!("{short}0") } else { short.to_string() }
}

/// Returns an integer as a C constant.
pub(super) fn integer(x: i32) -> String {
    // `-2147483648` is the negative of a number that does not fit.
    if x == i32::MIN { "(-2147483647 - 1)".to_string() } else { x.to_string() }
}

/// Returns a definition of a constant array: `shape` are its sizes, outermost first.
pub(super) fn array(
    declaration: &str,
    shape: &[usize],
    mut numbers: impl ExactSizeIterator<Item = String>,
) -> String {
    debug_assert_eq!(shape.iter().product::<usize>(), numbers.len(), "{declaration}");
    let sizes: String = shape.iter().map(|size| format!("[{size}]")).collect();
    let mut out = format!("static const {declaration}{sizes} MODEL_FLASH = {{\n");
    block(&mut out, shape, &mut numbers, "    ");
    out.push_str("};\n");
    out
}

/// Writes the numbers of an array between its braces.
fn block(
    out: &mut String,
    shape: &[usize],
    numbers: &mut impl Iterator<Item = String>,
    indent: &str,
) {
    if let [size, inner @ ..] = shape
        && !inner.is_empty()
    {
        for _ in 0..*size {
            _ = writeln!(out, "{indent}{{");
            block(out, inner, numbers, &format!("{indent}    "));
            _ = writeln!(out, "{indent}}},");
        }
        return;
    }
    let mut line = indent.to_string();
    for number in numbers.take(shape.iter().product()) {
        if line.len() + number.len() + 2 > WIDTH {
            _ = writeln!(out, "{line}");
            line = indent.to_string();
        }
        if line.len() > indent.len() {
            line.push(' ');
        }
        line.push_str(&number);
        line.push(',');
    }
    _ = writeln!(out, "{line}");
}

/// Returns text that may stand in a comment, whatever it is: names come from the user's files.
pub(super) fn comment(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() || matches!(c, '*' | '/' | '\\' | '?' | '$') { ' ' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_have_nine_digits_and_read_back() {
        for (x, text) in [
            (0.0, "0.0f"),
            (-0.0, "-0.0f"),
            (1.0, "1.0f"),
            (0.1, "0.100000001f"),
            (-16_777_216.0, "-16777216.0f"),
            (1e9, "1.0e9f"),
            (123_456_789.0, "123456792.0f"),
            (f32::MAX, "3.40282347e38f"),
            (f32::MIN_POSITIVE, "1.17549435e-38f"),
        ] {
            assert_eq!(float(x), text);
        }
        let mut bits = 1_u32;
        for _ in 0..20_000 {
            bits = bits.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let x = f32::from_bits(bits);
            if x.is_normal() {
                let text = float(x);
                let back: f32 = text.trim_end_matches('f').parse().unwrap();
                assert_eq!(back.to_bits(), bits, "{text}");
            }
        }
    }

    #[test]
    fn the_product_of_a_subnormal_number_is_exact() {
        for bits in [1_u32, 2, 0x0040_0001, 0x007f_ffff] {
            let units = bits as f32;
            assert_eq!((units * 7.888_609e-31 * 1.776_356_8e-15).to_bits(), bits);
        }
        assert_eq!(float(-f32::from_bits(3)), "(-3.0f * 7.88860905e-31f * 1.77635684e-15f)");
    }

    #[test]
    fn arrays_have_braces_for_each_dimension() {
        let text = array("float model_x", &[2, 2], (0..4).map(|k| format!("{k}")));
        assert_eq!(
            text,
            "static const float model_x[2][2] MODEL_FLASH = {\n    {\n        0, 1,\n    },\n    {\n        2, 3,\n    },\n};\n"
        );
        let one = array("float model_x", &[2], (0..2).map(|k| format!("{k}")));
        assert_eq!(one, "static const float model_x[2] MODEL_FLASH = {\n    0, 1,\n};\n");
    }

    #[test]
    fn no_text_ends_a_comment() {
        let spaces = " ".repeat(6);
        assert_eq!(comment("a*/b\\\n??/ é"), format!("a  b{spaces}é"));
    }
}
