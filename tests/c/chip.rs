//! The chips: how a program is compiled for each, and what runs it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, Result, bail, ensure};

use crate::root;
use crate::subject::Subject;

/// A chip and a compiler for it.
pub(crate) struct Chip {
    pub(crate) name: &'static str,
    pub(crate) compiler: &'static str,
    flags: &'static [&'static str],
    /// Sources in `machine/`, for the chip and not for the model.
    sources: &'static [&'static str],
    /// Flags that only the test program and the linking need.
    link: &'static [&'static str],
    machine: Machine,
    /// Whether it also runs float models.
    pub(crate) floats: bool,
    /// Whether it is part of the short run.
    pub(crate) short: bool,
    /// How many golden paths it runs: an AVR and a chip without a floating-point unit are slow to emulate.
    pub(crate) paths: usize,
    /// The target in `trainer/src/model/cost/measured.csv`, to show Rust's cost.
    pub(crate) rust: Option<&'static str>,
    /// The first lines of the disassembly's size: the prefix of `size`, such as `arm-none-eabi-`.
    tools: &'static str,
}

enum Machine {
    Host,
    /// QEMU's system emulation: the program and its arguments.
    Qemu(&'static str, &'static [&'static str]),
    Simavr(&'static str),
}

/// What a program printed.
#[derive(Debug)]
pub(crate) struct Run {
    text: String,
    /// Bytes of the model's functions.
    pub(crate) code: usize,
}

impl Run {
    /// The value of the line that begins with `word`.
    pub(crate) fn value(&self, word: &str) -> Result<u64> {
        let value = self.text.lines().find_map(|line| {
            // simavr prints colours and an arrow.
            let at = line.find(word)?;
            let digits = line[at..].strip_prefix(word)?.strip_prefix(' ')?.get(..16)?;
            u64::from_str_radix(digits, 16).ok()
        });
        value.with_context(|| format!("the program printed no {word}, but:\n{}", self.text))
    }
}

const BARE: &[&str] = &["-ffreestanding", "-ffunction-sections", "-fdata-sections", "-fno-builtin"];

/// The linker's flags for a Cortex-M.
macro_rules! cortex {
    ($flash:literal, $ram:literal, $length:literal) => {
        &[
            "-nostdlib",
            "-nostartfiles",
            "-Wl,--gc-sections",
            concat!("-Wl,--defsym=flash_origin=", $flash),
            "-Wl,--defsym=flash_length=4M",
            concat!("-Wl,--defsym=ram_origin=", $ram),
            concat!("-Wl,--defsym=ram_length=", $length),
            "-T",
            "cortex_m.ld",
        ]
    };
}

const RISCV_LINK: &[&str] = &[
    "-nostdlib",
    "-nostartfiles",
    "-Wl,--gc-sections",
    "-Wl,--no-warn-rwx-segments",
    "-T",
    "riscv.ld",
];
const CORTEX_M: &[&str] = &["cortex_m.c", "memory.c", "stack.c"];
const RISCV: &[&str] = &["riscv.c", "memory.c", "stack.c"];

const ON_CORTEX_M: Chip = Chip {
    name: "",
    compiler: "arm-none-eabi-gcc",
    flags: &[],
    sources: CORTEX_M,
    link: &[],
    machine: Machine::Host,
    floats: true,
    short: true,
    paths: 64,
    rust: None,
    tools: "arm-none-eabi-",
};

const ON_RISCV: Chip = Chip {
    compiler: "riscv64-unknown-elf-gcc",
    sources: RISCV,
    link: RISCV_LINK,
    machine: Machine::Qemu("qemu-system-riscv32", &["-machine", "virt", "-bios", "none"]),
    tools: "riscv64-unknown-elf-",
    ..ON_CORTEX_M
};

/// This machine and its C compiler.
pub(crate) const HOST: Chip = Chip {
    name: "x86-64",
    compiler: "cc",
    sources: &["host.c"],
    machine: Machine::Host,
    tools: "",
    ..ON_CORTEX_M
};

/// All chips.
pub(crate) static CHIPS: [Chip; 10] = [
    Chip { name: "host gcc", compiler: "gcc", ..HOST },
    Chip { name: "host clang", compiler: "clang", short: false, ..HOST },
    Chip {
        name: "Cortex-M0",
        flags: &["-mthumb", "-mcpu=cortex-m0", "-DHALF_NANOSECONDS=125"],
        link: cortex!("0", "0x20000000", "16K"),
        machine: Machine::Qemu("qemu-system-arm", &["-machine", "microbit"]),
        paths: 4,
        rust: Some("thumbv6m-none-eabi"),
        ..ON_CORTEX_M
    },
    Chip {
        name: "Cortex-M3",
        flags: &["-mthumb", "-mcpu=cortex-m3"],
        link: cortex!("0", "0x20000000", "4M"),
        machine: Machine::Qemu("qemu-system-arm", &["-machine", "mps2-an385"]),
        paths: 4,
        short: false,
        rust: Some("thumbv7m-none-eabi"),
        ..ON_CORTEX_M
    },
    Chip {
        name: "Cortex-M4F",
        flags: &["-mthumb", "-mcpu=cortex-m4", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"],
        link: cortex!("0", "0x20000000", "4M"),
        machine: Machine::Qemu("qemu-system-arm", &["-machine", "mps2-an386"]),
        rust: Some("thumbv7em-none-eabihf"),
        ..ON_CORTEX_M
    },
    Chip {
        name: "Cortex-M33",
        flags: &[
            "-mthumb",
            "-mcpu=cortex-m33",
            "-mfloat-abi=hard",
            "-mfpu=fpv5-sp-d16",
            "-DHALF_NANOSECONDS=100",
        ],
        link: cortex!("0x10000000", "0x38000000", "2M"),
        machine: Machine::Qemu("qemu-system-arm", &["-machine", "mps2-an505"]),
        short: false,
        rust: Some("thumbv8m.main-none-eabihf"),
        ..ON_CORTEX_M
    },
    Chip {
        name: "RV32IMAC",
        flags: &["-march=rv32imac", "-mabi=ilp32"],
        paths: 4,
        rust: Some("riscv32imac-unknown-none-elf"),
        ..ON_RISCV
    },
    Chip {
        name: "RV32IMAFC",
        flags: &["-march=rv32imafc", "-mabi=ilp32f"],
        short: false,
        rust: Some("riscv32imafc-unknown-none-elf"),
        ..ON_RISCV
    },
    Chip {
        name: "ATmega1284P",
        compiler: "avr-gcc",
        flags: &["-mmcu=atmega1284p"],
        sources: &["avr.c", "stack.c"],
        link: &["-Wl,--gc-sections"],
        machine: Machine::Simavr("atmega1284p"),
        floats: false,
        paths: 1,
        tools: "avr-",
        ..ON_CORTEX_M
    },
    Chip {
        name: "Cortex-M4F clang",
        compiler: "clang",
        flags: &["--target=thumbv7em-none-eabihf", "-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16"],
        link: &[],
        machine: Machine::Qemu("qemu-system-arm", &["-machine", "mps2-an386"]),
        short: false,
        rust: Some("thumbv7em-none-eabihf"),
        ..ON_CORTEX_M
    },
];

/// Runs a command, whose failure is an error with what it printed.
fn output(command: &mut Command) -> Result<Output> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("cannot run {program}"))?;
    ensure!(
        output.status.success(),
        "{program} failed:\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(output)
}

impl Chip {
    fn is_bare(&self) -> bool {
        matches!(self.machine, Machine::Qemu(..))
    }

    fn command(&self, subject: &Subject) -> Command {
        let mut command = Command::new(self.compiler);
        command.args(self.flags).arg("-I").arg(subject.path()).arg("-I").arg(machine(""));
        if !matches!(self.machine, Machine::Host) {
            command.args(if self.is_bare() { BARE } else { &BARE[1..3] });
        }
        command
    }

    /// Compiles the model with `flags`, and the test program, and runs both.
    pub(crate) fn run(&self, subject: &Subject, flags: &[&str]) -> Result<Run> {
        let object = subject.path().join("subject.o");
        let source = subject.path().join("subject.c");
        output(self.command(subject).args(flags).arg("-c").arg(source).arg("-o").arg(&object))?;
        let code = if self.name == HOST.name { 0 } else { self.code(&object)? };
        let program = subject.path().join("program");
        if self.name.ends_with("clang") && self.is_bare() {
            return self
                .beside_gcc()
                .link(subject, &object, &program, &[])
                .and_then(|()| Ok(Run { text: self.execute(&program)?, code }));
        }
        let sanitizers: Vec<&str> =
            flags.iter().copied().filter(|flag| flag.starts_with("-fsanitize")).collect();
        self.link(subject, &object, &program, &sanitizers)?;
        Ok(Run { text: self.execute(&program)?, code })
    }

    /// The chip whose compiler links for this one.
    fn beside_gcc(&self) -> &'static Self {
        let gcc =
            CHIPS.iter().find(|chip| chip.rust == self.rust && chip.compiler.ends_with("gcc"));
        gcc.unwrap_or(&CHIPS[0])
    }

    fn link(&self, subject: &Subject, object: &Path, program: &Path, flags: &[&str]) -> Result<()> {
        let mut command = self.command(subject);
        command.arg("-O2").args(flags).arg(object).arg(root().join("tests/c/program.c"));
        command.args(self.sources.iter().map(|source| machine(source)));
        for flag in self.link {
            // The linker's script is in the machine's directory.
            if flag.ends_with(".ld") {
                command.arg(machine(flag))
            } else {
                command.arg(flag)
            };
        }
        if self.is_bare() {
            command.arg("-lgcc");
        }
        output(command.arg("-o").arg(program))?;
        Ok(())
    }

    /// Compiles the model as C++, without running it.
    pub(crate) fn compile_as_cpp(&self, subject: &Subject, flags: &[&str]) -> Result<()> {
        let object = subject.path().join("subject.o");
        let mut command = self.command(subject);
        command.args(["-x", "c++", "-std=c++11"]).args(flags).arg("-c");
        let compiled = output(command.arg(subject.path().join("subject.c")).arg("-o").arg(object));
        match compiled {
            // A C compiler may be alone.
            Err(error) if format!("{error:#}").contains("cc1plus") => Ok(()),
            compiled => compiled.map(|_| ()),
        }
    }

    /// Returns the bytes of the functions in an object file.
    fn code(&self, object: &Path) -> Result<usize> {
        let listed =
            output(Command::new(format!("{}size", self.tools)).args(["-A", "-d"]).arg(object))?;
        let text = String::from_utf8_lossy(&listed.stdout).into_owned();
        let sizes = text.lines().filter(|line| line.starts_with(".text")).map(|line| {
            let size = line.split_whitespace().nth(1).and_then(|size| size.parse::<usize>().ok());
            size.with_context(|| line.to_string())
        });
        sizes.sum()
    }

    fn execute(&self, program: &Path) -> Result<String> {
        let mut command = match &self.machine {
            Machine::Host => Command::new(program),
            Machine::Qemu(qemu, arguments) => {
                let mut command = Command::new(qemu);
                command.args(*arguments);
                command.args(["-nographic", "-monitor", "none", "-serial", "none", "-nic", "none"]);
                command.args(["-semihosting-config", "enable=on,target=native"]);
                command.args(["-icount", "shift=0", "-kernel"]).arg(program);
                command
            }
            Machine::Simavr(chip) => {
                let mut command = Command::new("simavr");
                command.args(["-m", chip, "-f", "16000000"]).arg(program);
                command
            }
        };
        let output = command.output().with_context(|| format!("cannot run {}", self.name))?;
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        if !text.contains("right ") {
            bail!("{}: the program did not end:\n{text}", self.name);
        }
        Ok(text)
    }
}

fn machine(file: &str) -> PathBuf {
    root().join("tests/c/machine").join(file)
}
