//! The colours of figures in the light and the dark theme. A colour means the same in every figure.

/// A colour, named by what it stands for. Source, target and samples can be told apart with colour
/// blindness too: where their hues look alike, their lightness differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// Text and axes.
    Ink,
    /// Less important things: construction lines, notes.
    Faint,
    /// Grid lines.
    Grid,
    /// The background.
    Paper,
    /// The source π₀: noise.
    Source,
    /// The target π₁: data.
    Target,
    /// Samples of the model.
    Samples,
    /// A velocity.
    Velocity,
    /// A path, if it has none of the colours above.
    Path,
    /// Lines and arrows over a heat map, whose colours are the same in both themes.
    OnPicture,
}

impl Colour {
    /// All colours.
    pub const ALL: [Self; 10] = [
        Self::Ink,
        Self::Faint,
        Self::Grid,
        Self::Paper,
        Self::Source,
        Self::Target,
        Self::Samples,
        Self::Velocity,
        Self::Path,
        Self::OnPicture,
    ];

    /// Returns the name of its CSS variable, without `--`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ink => "ink",
            Self::Faint => "faint",
            Self::Grid => "grid",
            Self::Paper => "paper",
            Self::Source => "source",
            Self::Target => "target",
            Self::Samples => "samples",
            Self::Velocity => "velocity",
            Self::Path => "path",
            Self::OnPicture => "on-picture",
        }
    }

    /// Returns its RGB value in the light theme. All are different, because a figure is drawn with them and
    /// the page then replaces each by its CSS variable.
    pub fn light(self) -> [u8; 3] {
        match self {
            Self::Ink => [0x1f, 0x23, 0x28],
            Self::Faint => [0x6e, 0x77, 0x81],
            Self::Grid => [0xe1, 0xe4, 0xe8],
            Self::Paper => [0xff, 0xff, 0xff],
            Self::Source => [0xe6, 0x86, 0x00],
            Self::Target => [0x6a, 0x1b, 0x8a],
            Self::Samples => [0x3d, 0x9b, 0xe9],
            Self::Velocity => [0xc6, 0x1a, 0x24],
            Self::Path => [0x2f, 0xa3, 0x6b],
            Self::OnPicture => [0x2b, 0x2b, 0x2b],
        }
    }

    /// Returns its RGB value in the dark theme.
    pub fn dark(self) -> [u8; 3] {
        match self {
            Self::Ink => [0xe6, 0xed, 0xf3],
            Self::Faint => [0x9a, 0xa4, 0xaf],
            Self::Grid => [0x30, 0x36, 0x3d],
            Self::Paper => [0x0d, 0x11, 0x17],
            Self::Source => [0xff, 0xb0, 0x3b],
            Self::Target => [0xe2, 0xb5, 0xff],
            Self::Samples => [0x3b, 0x82, 0xf6],
            Self::Velocity => [0xff, 0x6b, 0x62],
            Self::Path => [0x3d, 0xc9, 0x86],
            Self::OnPicture => [0x2b, 0x2b, 0x2b],
        }
    }
}

/// Formats a colour as `#RRGGBB`, as plotters does.
pub fn hex([r, g, b]: [u8; 3]) -> String {
    format!("#{r:02X}{g:02X}{b:02X}")
}

/// How values become colours in a heat map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ramp {
    /// From zero to large values: viridis (van der Walt & Smith 2015).
    Amount,
    /// Blue below zero, white at zero, red above: ColorBrewer's RdBu, whose ends can be told apart with
    /// colour blindness.
    Signed,
}

const AMOUNT: [[u8; 3]; 11] = [
    [68, 1, 84],
    [72, 36, 117],
    [65, 68, 135],
    [53, 95, 141],
    [42, 120, 142],
    [33, 145, 140],
    [34, 168, 132],
    [68, 191, 112],
    [122, 209, 81],
    [189, 223, 38],
    [253, 231, 37],
];

const SIGNED: [[u8; 3]; 11] = [
    [5, 48, 97],
    [33, 102, 172],
    [67, 147, 195],
    [146, 197, 222],
    [209, 229, 240],
    [255, 255, 255],
    [253, 219, 199],
    [244, 165, 130],
    [214, 96, 77],
    [178, 24, 43],
    [103, 0, 31],
];

impl Ramp {
    /// Returns the colour at `share`, from 0 to 1; the zero of [`Ramp::Signed`] is at ½.
    pub fn at(self, share: f64) -> [u8; 3] {
        let anchors = match self {
            Self::Amount => &AMOUNT,
            Self::Signed => &SIGNED,
        };
        let place = share.clamp(0.0, 1.0) * (anchors.len() - 1) as f64;
        let first = (place as usize).min(anchors.len() - 2);
        let part = place - first as f64;
        let between = |k: usize| {
            let (a, b) = (f64::from(anchors[first][k]), f64::from(anchors[first + 1][k]));
            (a + part * (b - a)).round() as u8
        };
        [between(0), between(1), between(2)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_colours_and_names_are_different() {
        for a in Colour::ALL {
            for b in Colour::ALL {
                assert!(a == b || a.light() != b.light(), "{a:?} {b:?}");
                assert!(a == b || a.name() != b.name(), "{a:?} {b:?}");
            }
        }
    }

    /// How a colour in linear light looks without one kind of cones: protanopia, deuteranopia, tritanopia
    /// (Machado, Oliveira & Fernandes 2009, severity 1).
    const BLINDNESS: [[[f64; 3]; 3]; 3] = [
        [
            [0.152_286, 1.052_583, -0.204_868],
            [0.114_503, 0.786_281, 0.099_216],
            [-0.003_882, -0.048_116, 1.051_998],
        ],
        [
            [0.367_322, 0.860_646, -0.227_968],
            [0.280_085, 0.672_501, 0.047_413],
            [-0.011_820, 0.042_940, 0.968_881],
        ],
        [
            [1.255_528, -0.076_749, -0.178_779],
            [-0.078_411, 0.930_809, 0.147_602],
            [0.004_733, 0.691_367, 0.303_900],
        ],
    ];

    fn times(matrix: &[[f64; 3]; 3], colour: [f64; 3]) -> [f64; 3] {
        matrix.map(|row| row.iter().zip(colour).map(|(a, b)| a * b).sum())
    }

    /// Converts linear light to CIE L*a*b*.
    fn lab(colour: [f64; 3]) -> [f64; 3] {
        const XYZ: [[f64; 3]; 3] =
            [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]];
        let f = |x: f64| if x > 0.008_856 { x.cbrt() } else { 7.787 * x + 16.0 / 116.0 };
        let [x, y, z] = times(&XYZ, colour.map(|c| c.clamp(0.0, 1.0)));
        let [x, y, z] = [f(x / 0.9505), f(y), f(z / 1.089)];
        [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
    }

    #[test]
    fn source_target_and_samples_differ_with_colour_blindness() {
        let linear = |c: u8| {
            let c = f64::from(c) / 255.0;
            if c <= 0.040_45 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        };
        let compared = [Colour::Source, Colour::Target, Colour::Samples];
        for shown in [Colour::light, Colour::dark] {
            for blindness in &BLINDNESS {
                let seen = compared.map(|c| lab(times(blindness, shown(c).map(linear))));
                for (a, b) in [(0, 1), (0, 2), (1, 2)] {
                    let squares = seen[a].iter().zip(seen[b]).map(|(a, b)| (a - b) * (a - b));
                    let distance = squares.sum::<f64>().sqrt();
                    // A distance of 2.3 is just noticeable.
                    assert!(distance > 25.0, "{:?} {:?}: {distance}", compared[a], compared[b]);
                }
            }
        }
    }

    #[test]
    fn zero_is_white_and_the_ends_are_blue_and_red() {
        assert_eq!(Ramp::Signed.at(0.5), [255, 255, 255]);
        let [low, high] = [0.0, 1.0].map(|share| Ramp::Signed.at(share));
        assert!(low[2] > low[0] && high[0] > high[2], "{low:?} {high:?}");
    }
}
