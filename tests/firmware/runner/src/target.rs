//! The targets and the machines that run them.

/// A target, and how its images are built and run.
#[derive(Debug)]
pub(crate) struct Target {
    /// rustc's name.
    pub(crate) triple: &'static str,
    pub(crate) machine: Machine,
    /// Optimisation levels that each run takes.
    pub(crate) levels: &'static [&'static str],
    /// Further levels, for `--all`.
    pub(crate) further_levels: &'static [&'static str],
    /// Sets of target features. Each is built, and run if this machine can.
    pub(crate) features: &'static [&'static str],
    /// The target features under which the runtime's cargo feature `assembly` has assembly for this target.
    pub(crate) assembly: Option<&'static str>,
}

/// The machine that runs an image.
#[derive(Debug)]
pub(crate) enum Machine {
    /// QEMU's system emulation: the program, the machine, further arguments, and the image's cargo feature for
    /// the length of the timer's tick.
    Qemu(&'static str, &'static str, &'static [&'static str], &'static str),
    /// A JavaScript engine.
    Node,
    /// This machine.
    Host,
    /// This machine without vector registers, whose floats are those of an x87: outside the numeric contract, so that only
    /// the models in whole numbers run.
    X87,
}

impl Machine {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Qemu(_, machine, ..) => machine,
            Self::Node => "Node",
            Self::Host => "host",
            Self::X87 => "host, x87",
        }
    }
}

const LEVELS: &[&str] = &["3", "s"];
/// `s+3`: s, and 3 for the package flowlet.
const FURTHER_LEVELS: &[&str] = &["z", "s+3"];
const NO_BIOS: &[&str] = &["-bios", "none"];

const fn arm(
    triple: &'static str,
    machine: &'static str,
    tick: &'static str,
    assembly: Option<&'static str>,
) -> Target {
    let machine = Machine::Qemu("qemu-system-arm", machine, &[], tick);
    let (levels, further_levels) = (LEVELS, FURTHER_LEVELS);
    Target { triple, machine, levels, further_levels, features: &[""], assembly }
}

const fn riscv(triple: &'static str) -> Target {
    let machine = Machine::Qemu("qemu-system-riscv32", "virt", NO_BIOS, "");
    let (levels, further_levels) = (LEVELS, FURTHER_LEVELS);
    Target { triple, machine, levels, further_levels, features: &[""], assembly: None }
}

/// All targets.
pub(crate) static TARGETS: [Target; 11] = [
    arm("thumbv6m-none-eabi", "microbit", "microbit", Some("")),
    arm("thumbv7m-none-eabi", "mps2-an385", "", None),
    arm("thumbv7em-none-eabihf", "mps2-an386", "", Some("")),
    arm("thumbv8m.main-none-eabihf", "mps2-an505", "an505", Some("+dsp")),
    riscv("riscv32imc-unknown-none-elf"),
    riscv("riscv32imac-unknown-none-elf"),
    riscv("riscv32imafc-unknown-none-elf"),
    Target {
        triple: "aarch64-unknown-none",
        machine: Machine::Qemu("qemu-system-aarch64", "virt", &["-cpu", "cortex-a53"], ""),
        levels: LEVELS,
        further_levels: FURTHER_LEVELS,
        features: &[""],
        assembly: None,
    },
    Target {
        triple: "wasm32-unknown-unknown",
        machine: Machine::Node,
        levels: LEVELS,
        further_levels: &["z"],
        features: &["", "+simd128"],
        assembly: None,
    },
    Target {
        triple: "x86_64-unknown-linux-gnu",
        machine: Machine::Host,
        levels: &["3", "0"],
        further_levels: &["s", "z"],
        features: &["", "+avx2,+fma", "+avx512f"],
        assembly: None,
    },
    Target {
        triple: "i586-unknown-linux-gnu",
        machine: Machine::X87,
        levels: LEVELS,
        further_levels: &["z"],
        features: &[""],
        assembly: None,
    },
];
