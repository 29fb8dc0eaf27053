//! One colour for one thing in every figure, in the light and in the dark.

/// What a colour stands for. Source, target and samples stay apart for the colour-blind: their hues are
/// those of Okabe & Ito, and their lightness differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// Text and axes.
    Ink,
    /// Second thoughts: construction lines, notes.
    Faint,
    /// Lines behind the data.
    Grid,
    /// The page.
    Paper,
    /// π₀, noise.
    Source,
    /// π₁, data.
    Target,
    /// What the model makes.
    Samples,
    /// A velocity.
    Velocity,
    /// A path, where it is neither of the above.
    Path,
    /// Lines and arrows over a picture, which is the same in the light and in the dark.
    OnPicture,
}

impl Colour {
    /// All of them.
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

    /// Its name in style sheets.
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

    /// In the light. No two are the same: a figure is drawn in these, and a page finds them again.
    pub fn light(self) -> [u8; 3] {
        match self {
            Self::Ink => [0x1f, 0x23, 0x28],
            Self::Faint => [0x6e, 0x77, 0x81],
            Self::Grid => [0xe1, 0xe4, 0xe8],
            Self::Paper => [0xff, 0xff, 0xff],
            Self::Source => [0xe6, 0x86, 0x00],
            Self::Target => [0x7b, 0x2d, 0x9b],
            Self::Samples => [0x1c, 0x7e, 0xd6],
            Self::Velocity => [0xd6, 0x27, 0x28],
            Self::Path => [0x00, 0x8f, 0x6b],
            Self::OnPicture => [0x2b, 0x2b, 0x2b],
        }
    }

    /// In the dark.
    pub fn dark(self) -> [u8; 3] {
        match self {
            Self::Ink => [0xe6, 0xed, 0xf3],
            Self::Faint => [0x9a, 0xa4, 0xaf],
            Self::Grid => [0x30, 0x36, 0x3d],
            Self::Paper => [0x0d, 0x11, 0x17],
            Self::Source => [0xff, 0xb0, 0x3b],
            Self::Target => [0xc7, 0x92, 0xea],
            Self::Samples => [0x58, 0xa6, 0xff],
            Self::Velocity => [0xff, 0x7b, 0x72],
            Self::Path => [0x3f, 0xd0, 0xa4],
            Self::OnPicture => [0x2b, 0x2b, 0x2b],
        }
    }
}

/// `#RRGGBB`, as plotters writes it.
pub fn hex([r, g, b]: [u8; 3]) -> String {
    format!("#{r:02X}{g:02X}{b:02X}")
}

/// How numbers become colours in a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ramp {
    /// From nothing to much: viridis (van der Walt & Smith 2015).
    Amount,
    /// Blue below zero, white at zero, red above: ColorBrewer's RdBu, whose ends the colour-blind
    /// tell apart.
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
    /// The colour at `share`, from 0 to 1; zero of [`Ramp::Signed`] is at ½.
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
    fn no_two_things_have_one_colour() {
        for a in Colour::ALL {
            for b in Colour::ALL {
                assert!(a == b || a.light() != b.light(), "{a:?} {b:?}");
                assert!(a == b || a.name() != b.name(), "{a:?} {b:?}");
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
