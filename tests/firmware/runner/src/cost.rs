//! The measured cost of a target: the sampler of the `mixture` model, the activations, and the committed models.

use std::fmt::Display;
use std::path::Path;
use std::str::FromStr;

use anyhow::{Context, Result, ensure};
use object::{Object, ObjectSection, ObjectSymbol, SectionFlags, SectionKind, SymbolKind, elf};

/// The cost of a target's images.
#[derive(Debug)]
pub(crate) struct Cost {
    /// Bytes of the sampler's code, without weights, the compiler's support code and the board's start-up code.
    pub(crate) code: u64,
    /// Bytes of the whole image without the weights.
    pub(crate) image: u64,
    /// Bytes of static RAM.
    pub(crate) ram: u64,
    /// Bytes of stack of a sample.
    pub(crate) stack: u64,
    /// Instructions of one evaluation of the network.
    pub(crate) instructions: u64,
    /// Each activation's name and its instructions for one number.
    pub(crate) activations: Vec<(String, f64)>,
    /// The cost of each committed model.
    pub(crate) models: Vec<ModelCost>,
    /// What each entry point takes.
    pub(crate) entries: Vec<EntryCost>,
}

/// What one entry point of the library takes.
#[derive(Debug)]
pub(crate) struct EntryCost {
    pub(crate) name: String,
    /// Bytes of stack, with all that it calls.
    pub(crate) stack: u64,
    /// Bytes of code beside an evaluation's.
    pub(crate) code: u64,
}

/// The cost of one model.
#[derive(Debug)]
pub(crate) struct ModelCost {
    pub(crate) name: String,
    /// Multiply-adds in an evaluation.
    pub(crate) multiply_adds: u64,
    /// Activations in an evaluation.
    pub(crate) activations: u64,
    /// Instructions of an evaluation.
    pub(crate) instructions: u64,
    /// Bytes of stack of a sample.
    pub(crate) stack: u64,
}

/// Multiply-adds in an evaluation of the `mixture` model, which `sample` measures.
const MULTIPLY_ADDS: f64 = 4288.0;

/// Activations in an evaluation of the `mixture` model, all of them GELU.
const ACTIVATIONS: f64 = 128.0;

impl Cost {
    /// Takes the cost from the images `sample` and `costs`, and from what they printed.
    pub(crate) fn measured(
        (sample, said): (&Path, &str),
        (costs, said_of_costs): (&Path, &str),
    ) -> Result<Self> {
        let (code, image, ram) = sizes(sample, "7MIXTURE")?;
        let (stack, instructions) = (reported(said, "stack")?, reported(said, "evaluation")?);
        let (mut activations, mut models, mut entries) = (Vec::new(), Vec::new(), Vec::new());
        for line in said_of_costs.lines() {
            match line.split_whitespace().collect::<Vec<_>>()[..] {
                ["activation", name, hundredths] => {
                    activations.push((name.to_string(), number::<f64>(hundredths)? / 100.0));
                }
                ["model", name, multiply_adds, activations, instructions, stack] => {
                    models.push(ModelCost {
                        name: name.to_string(),
                        multiply_adds: number(multiply_adds)?,
                        activations: number(activations)?,
                        instructions: number(instructions)?,
                        stack: number(stack)?,
                    });
                }
                ["entry", name, stack] => {
                    entries.push((name.to_string(), number(stack)?));
                }
                _ => {}
            }
        }
        ensure!(
            activations.iter().any(|(name, _)| name == "gelu")
                && !models.is_empty()
                && !entries.is_empty(),
            "the image `costs` printed no line `activation gelu`, `model` or `entry`, but:\n{said_of_costs}"
        );
        let entries = entry_costs(costs, entries)?;
        Ok(Self { code, image, ram, stack, instructions, activations, models, entries })
    }

    /// Instructions of GELU, the committed models' activation, for one number.
    fn per_gelu(&self) -> f64 {
        let gelu = self.activations.iter().find(|(name, _)| name == "gelu");
        gelu.map_or(f64::NAN, |(_, instructions)| *instructions)
    }

    /// Instructions per multiply-add, with everything else that is not an activation.
    pub(crate) fn per_multiply_add(&self) -> f64 {
        (self.instructions as f64 - ACTIVATIONS * self.per_gelu()) / MULTIPLY_ADDS
    }

    /// Estimates the instructions of a model's evaluation from those of the `mixture` model.
    pub(crate) fn estimate(&self, model: &ModelCost) -> f64 {
        model.multiply_adds as f64 * self.per_multiply_add()
            + model.activations as f64 * self.per_gelu()
    }
}

fn number<T: FromStr<Err: Display>>(text: &str) -> Result<T> {
    text.parse().map_err(|error| anyhow::anyhow!("the image printed {text}: {error}"))
}

/// A number that an image printed in hexadecimal after a word.
pub(crate) fn reported(said: &str, word: &str) -> Result<u64> {
    let line = said.lines().find_map(|line| line.strip_prefix(word));
    let number = line.and_then(|line| u64::from_str_radix(line.trim(), 16).ok());
    number.with_context(|| format!("the image printed no line `{word}`, but:\n{said}"))
}

/// The code of entry points, of which the names and the bytes of stack are known.
fn entry_costs(image: &Path, entries: Vec<(String, u64)>) -> Result<Vec<EntryCost>> {
    let bytes = std::fs::read(image)?;
    let file = object::File::parse(&*bytes).with_context(|| image.display().to_string())?;
    let code = |is_counted: &dyn Fn(&str) -> bool| -> u64 {
        let symbols = file.symbols().filter(|symbol| symbol.kind() == SymbolKind::Text);
        symbols.filter(|s| s.name().is_ok_and(is_counted)).map(|s| s.size()).sum()
    };
    let reader = code(&|name| READER.iter().any(|part| name.contains(part)));
    let costs = entries.into_iter().map(|(name, stack)| {
        // As rustc mangles it, with the length before the name and `17h` after it.
        let function = format!("entry_{name}");
        let function = format!("{}{function}17h", function.len());
        let own = code(&|name| name.contains(&function));
        let code = if name == "load" { own + reader } else { own };
        EntryCost { name, stack, code }
    });
    Ok(costs.collect())
}

/// The library's modules that read a file, in symbols: `load` alone calls them.
const READER: [&str; 4] =
    ["7flowlet11safetensors", "7flowlet10model_file", "7flowlet6tensor", "7flowlet4text"];

/// Returns the bytes of the sampler's code, of the image without the weights, and of static RAM.
pub(crate) fn sizes(image: &Path, weights_symbol: &str) -> Result<(u64, u64, u64)> {
    let bytes = std::fs::read(image)?;
    let file = object::File::parse(&*bytes).with_context(|| image.display().to_string())?;
    let (mut code, mut weights) = (0, 0);
    for symbol in file.symbols() {
        let name = symbol.name().unwrap_or("");
        // Matches `flowlet::…`, `<flowlet::… as …>`, and the program's own function `sample`.
        let is_sampler = name.contains("flowlet") || name.contains("4bare6sample");
        match symbol.kind() {
            SymbolKind::Text if is_sampler => code += symbol.size(),
            SymbolKind::Data if name.contains(weights_symbol) => weights = symbol.size(),
            _ => {}
        }
    }
    ensure!(weights > 0, "{}: found no symbol of the weights, {weights_symbol}", image.display());
    let (mut loaded, mut ram) = (0, 0);
    for section in file.sections() {
        let SectionFlags::Elf { sh_flags } = section.flags() else { continue };
        let flags = sh_flags;
        if flags & u64::from(elf::SHF_ALLOC) == 0 || [".stack", ".heap"].contains(&section.name()?)
        {
            continue;
        }
        if section.kind() != SectionKind::UninitializedData {
            loaded += section.size();
        }
        if flags & u64::from(elf::SHF_WRITE) != 0 {
            ram += section.size();
        }
    }
    Ok((code, loaded - weights, ram))
}

/// Fails unless the symbol whose name contains `name` lies where all bytes are zero.
pub(crate) fn check_takes_no_flash(image: &Path, name: &str) -> Result<()> {
    let bytes = std::fs::read(image)?;
    let file = object::File::parse(&*bytes).with_context(|| image.display().to_string())?;
    let mut symbols = file.symbols();
    let symbol = symbols.find(|symbol| symbol.name().is_ok_and(|found| found.contains(name)));
    let symbol = symbol.with_context(|| format!("{}: no {name}", image.display()))?;
    let index = symbol.section_index().with_context(|| format!("{name} is in no section"))?;
    let section = file.section_by_index(index)?;
    ensure!(
        section.kind() == SectionKind::UninitializedData,
        "{}: {name} is in {}, not in .bss",
        image.display(),
        section.name()?
    );
    Ok(())
}
