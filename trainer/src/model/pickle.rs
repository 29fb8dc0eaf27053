//! Reads the part of the pickle format that state dicts use. No code is run.
//!
//! A pickle is a program for a stack machine. It may use a value many times, nest values to any depth, or contain
//! itself. Here a value is an index into one list, and each instruction adds at most one entry. So memory and time
//! grow linearly with the pickle, and there is no recursion.

use std::collections::HashMap;

use anyhow::{Context, Result, bail, ensure};

/// A value, as its index in [`Pickle`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Id(usize);

/// A value. It holds the indices of the values inside it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    /// None, a boolean, a float or a list: never part of a tensor.
    Other,
    Int(i64),
    Text(String),
    /// A class or a function, such as `torch.FloatStorage`.
    Global(&'static str),
    Tuple(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    /// An object outside the pickle, a tensor's storage, with the value that identifies it.
    Persistent(Id),
    /// The result of calling a function with a tuple of arguments.
    Call {
        function: &'static str,
        arguments: Id,
    },
}

/// The values of a pickle.
pub(super) struct Pickle {
    values: Vec<Value>,
    root: Id,
}

/// The classes and functions that torch.save names for a state dict. Nothing else can be part of one.
const GLOBALS: [&str; 18] = [
    "collections.OrderedDict",
    "collections.defaultdict",
    "torch._utils._rebuild_parameter",
    "torch._utils._rebuild_tensor",
    "torch._utils._rebuild_tensor_v2",
    "torch.BFloat16Storage",
    "torch.BoolStorage",
    "torch.ByteStorage",
    "torch.CharStorage",
    "torch.DoubleStorage",
    "torch.FloatStorage",
    "torch.HalfStorage",
    "torch.IntStorage",
    "torch.LongStorage",
    "torch.ShortStorage",
    "torch.Size",
    "torch.device",
    "torch.storage.UntypedStorage",
];

/// The classes whose instances are dictionaries.
const DICTIONARIES: [&str; 2] = ["collections.OrderedDict", "collections.defaultdict"];

impl Pickle {
    /// Reads a pickle.
    ///
    /// # Errors
    ///
    /// Returns an error if it is damaged, or has an instruction, a class or a function that a state dict does not
    /// have.
    pub(super) fn read(bytes: &[u8]) -> Result<Self> {
        let mut machine = Machine { rest: bytes, ..Machine::default() };
        loop {
            let at = bytes.len() - machine.rest.len();
            let done = machine.step().with_context(|| format!("byte {at} of the pickle"))?;
            if let Some(root) = done {
                return Ok(Self { values: machine.values, root });
            }
        }
    }

    /// Returns the value that the pickle encodes.
    pub(super) fn root(&self) -> &Value {
        self.get(self.root)
    }

    /// Returns a value.
    pub(super) fn get(&self, id: Id) -> &Value {
        &self.values[id.0]
    }

    /// Returns the values of a tuple.
    pub(super) fn tuple(&self, id: Id) -> Result<&[Id]> {
        match self.get(id) {
            Value::Tuple(values) => Ok(values),
            _ => bail!("expected a tuple"),
        }
    }

    /// Returns an integer of at least 0.
    pub(super) fn size(&self, id: Id) -> Result<usize> {
        match self.get(id) {
            Value::Int(value) => usize::try_from(*value).context("expected no negative number"),
            _ => bail!("expected an integer"),
        }
    }

    /// Returns a tuple of integers of at least 0.
    pub(super) fn sizes(&self, id: Id) -> Result<Vec<usize>> {
        self.tuple(id)?.iter().map(|&id| self.size(id)).collect()
    }

    /// Returns a string.
    pub(super) fn text(&self, id: Id) -> Result<&str> {
        match self.get(id) {
            Value::Text(text) => Ok(text),
            _ => bail!("expected a string"),
        }
    }
}

#[derive(Default)]
struct Machine<'a> {
    rest: &'a [u8],
    values: Vec<Value>,
    stack: Vec<Id>,
    /// Where the stack began at each mark.
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
}

impl<'a> Machine<'a> {
    /// Executes one instruction. Returns the pickle's value at the end of the pickle.
    fn step(&mut self) -> Result<Option<Id>> {
        let [code] = self.take()?;
        match code {
            // PROTO
            0x80 => {
                let [version] = self.take()?;
                ensure!(version <= 5, "expected protocol 5 at most, found {version}");
            }
            // FRAME, whose length is only for readers of streams
            0x95 => drop(self.take::<8>()?),
            b'.' => {
                ensure!(
                    self.marks.is_empty() && self.stack.len() == 1,
                    "the pickle ends in the middle of a value"
                );
                return Ok(self.stack.pop());
            }
            b'(' => self.marks.push(self.stack.len()),
            b'N' | 0x88 | 0x89 => self.push(Value::Other),
            // BINFLOAT
            b'G' => {
                self.take::<8>()?;
                self.push(Value::Other);
            }
            // BININT1, BININT2, BININT, LONG1
            b'K' => {
                let [value] = self.take()?;
                self.push(Value::Int(value.into()));
            }
            b'M' => {
                let value = u16::from_le_bytes(self.take()?);
                self.push(Value::Int(value.into()));
            }
            b'J' => {
                let value = i32::from_le_bytes(self.take()?);
                self.push(Value::Int(value.into()));
            }
            0x8a => {
                let [length] = self.take()?;
                let bytes = self.bytes(length.into())?;
                ensure!(bytes.len() <= 8, "expected an integer of at most 8 bytes, found {length}");
                let negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
                let mut value = [if negative { 0xff } else { 0 }; 8];
                value[..bytes.len()].copy_from_slice(bytes);
                self.push(Value::Int(i64::from_le_bytes(value)));
            }
            // BINUNICODE, SHORT_BINUNICODE
            b'X' => {
                let length = u32::from_le_bytes(self.take()?);
                self.text(length as usize)?;
            }
            0x8c => {
                let [length] = self.take()?;
                self.text(length.into())?;
            }
            // GLOBAL, STACK_GLOBAL
            b'c' => {
                let (module, name) = (self.line()?, self.line()?);
                self.global(&module, &name)?;
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                let text = |id: Id| match &self.values[id.0] {
                    Value::Text(text) => Ok(text.clone()),
                    _ => bail!("expected the name of a class"),
                };
                let (module, name) = (text(module)?, text(name)?);
                self.global(&module, &name)?;
            }
            // BINPUT, LONG_BINPUT, MEMOIZE, BINGET, LONG_BINGET
            b'q' => {
                let [key] = self.take()?;
                self.put(key.into())?;
            }
            b'r' => {
                let key = u32::from_le_bytes(self.take()?);
                self.put(key)?;
            }
            0x94 => self.put(u32::try_from(self.memo.len())?)?,
            b'h' => {
                let [key] = self.take()?;
                self.recall(key.into())?;
            }
            b'j' => {
                let key = u32::from_le_bytes(self.take()?);
                self.recall(key)?;
            }
            // EMPTY_TUPLE, TUPLE1 to TUPLE3, TUPLE
            b')' => self.push(Value::Tuple(Vec::new())),
            0x85..=0x87 => {
                let count = usize::from(code - 0x84);
                ensure!(self.available() >= count, "the stack is empty");
                let values = self.stack.split_off(self.stack.len() - count);
                self.push(Value::Tuple(values));
            }
            b't' => {
                let values = self.since_mark()?;
                self.push(Value::Tuple(values));
            }
            // EMPTY_LIST, APPEND, APPENDS: the values of lists are dropped
            b']' => self.push(Value::Other),
            b'a' => drop((self.pop()?, self.peek()?)),
            b'e' => drop((self.since_mark()?, self.peek()?)),
            // EMPTY_DICT, SETITEM, SETITEMS
            b'}' => self.push(Value::Dict(Vec::new())),
            b's' => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.set(&[key, value])?;
            }
            b'u' => {
                let items = self.since_mark()?;
                self.set(&items)?;
            }
            // BINPERSID, REDUCE, NEWOBJ, BUILD
            b'Q' => {
                let id = self.pop()?;
                self.push(Value::Persistent(id));
            }
            b'R' | 0x81 => {
                let (arguments, function) = (self.pop()?, self.pop()?);
                let Value::Global(function) = self.values[function.0] else {
                    bail!("expected a function or a class to call");
                };
                let is_dictionary = DICTIONARIES.contains(&function);
                self.push(if is_dictionary {
                    Value::Dict(Vec::new())
                } else {
                    Value::Call { function, arguments }
                });
            }
            // Attributes of an object, such as the versions of modules in a state dict: no tensors.
            b'b' => drop((self.pop()?, self.peek()?)),
            code => bail!(
                "instruction {code:#04x} is not part of a state dict: write the file with \
                 torch.save(model.state_dict(), FILE)"
            ),
        }
        Ok(None)
    }

    fn bytes(&mut self, count: usize) -> Result<&'a [u8]> {
        let (bytes, rest) = self.rest.split_at_checked(count).context("the pickle is truncated")?;
        self.rest = rest;
        Ok(bytes)
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N]> {
        Ok(self.bytes(N)?.try_into().expect("as many bytes"))
    }

    fn line(&mut self) -> Result<String> {
        let end =
            self.rest.iter().position(|byte| *byte == b'\n').context("the pickle is truncated")?;
        let line = str::from_utf8(self.bytes(end + 1)?)?;
        Ok(line.trim_end().to_string())
    }

    fn text(&mut self, length: usize) -> Result<()> {
        let text = str::from_utf8(self.bytes(length)?)?.to_string();
        self.push(Value::Text(text));
        Ok(())
    }

    fn global(&mut self, module: &str, name: &str) -> Result<()> {
        let known = GLOBALS.into_iter().find(|known| {
            known.strip_suffix(name).and_then(|rest| rest.strip_suffix('.')) == Some(module)
        });
        let Some(known) = known else {
            let shown: String = format!("{module}.{name}").chars().take(80).collect();
            bail!(
                "the file holds more than tensors: {shown}. Save the weights alone, with \
                 torch.save(model.state_dict(), FILE)"
            );
        };
        self.push(Value::Global(known));
        Ok(())
    }

    fn push(&mut self, value: Value) {
        self.stack.push(Id(self.values.len()));
        self.values.push(value);
    }

    /// Returns how many values lie above the last mark.
    fn available(&self) -> usize {
        self.stack.len() - self.marks.last().copied().unwrap_or(0)
    }

    fn pop(&mut self) -> Result<Id> {
        ensure!(self.available() > 0, "the stack is empty");
        self.stack.pop().context("the stack is empty")
    }

    fn peek(&self) -> Result<Id> {
        ensure!(self.available() > 0, "the stack is empty");
        self.stack.last().copied().context("the stack is empty")
    }

    fn since_mark(&mut self) -> Result<Vec<Id>> {
        let mark = self.marks.pop().context("the mark is missing")?;
        Ok(self.stack.split_off(mark))
    }

    fn put(&mut self, key: u32) -> Result<()> {
        let id = self.peek()?;
        self.memo.insert(key, id);
        Ok(())
    }

    fn recall(&mut self, key: u32) -> Result<()> {
        let id = self.memo.get(&key).with_context(|| format!("there is no value {key}"))?;
        self.stack.push(*id);
        Ok(())
    }

    fn set(&mut self, items: &[Id]) -> Result<()> {
        let id = self.peek()?;
        let (pairs, rest) = items.as_chunks::<2>();
        ensure!(rest.is_empty(), "a key without a value");
        let Value::Dict(dict) = &mut self.values[id.0] else { bail!("expected a dictionary") };
        dict.extend(pairs.iter().map(|[key, value]| (*key, *value)));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(bytes: &[u8]) -> String {
        format!("{:#}", Pickle::read(bytes).err().expect("an error"))
    }

    #[test]
    fn a_dictionary_is_read_with_its_memo() {
        // {'a': (1, -2, 70000), 'b': the same tuple}
        let bytes =
            b"\x80\x02}q\x00(X\x01\x00\x00\x00aK\x01J\xfe\xff\xff\xffJp\x11\x01\x00\x87q\x01\
                      X\x01\x00\x00\x00bh\x01u.";
        let pickle = Pickle::read(bytes).unwrap();
        let Value::Dict(items) = pickle.root() else { panic!("no dictionary") };
        let names: Vec<&str> = items.iter().map(|(name, _)| pickle.text(*name).unwrap()).collect();
        assert_eq!(names, ["a", "b"]);
        assert_eq!(items[0].1, items[1].1);
        let values = pickle.tuple(items[0].1).unwrap().iter().map(|&id| pickle.get(id).clone());
        let values: Vec<Value> = values.collect();
        assert_eq!(values, [1, -2, 70_000].map(Value::Int));
        assert!(pickle.sizes(items[0].1).unwrap_err().to_string().contains("negative"));
    }

    #[test]
    fn long_integers_keep_their_sign() {
        for (bytes, expected) in
            [(&b"\x8a\x00."[..], 0), (b"\x8a\x01\xff.", -1), (b"\x8a\x03\x00\x00\x01.", 1 << 16)]
        {
            assert_eq!(*Pickle::read(bytes).unwrap().root(), Value::Int(expected));
        }
        assert!(error(b"\x8a\x09\0\0\0\0\0\0\0\0\0.").contains("at most 8 bytes"));
    }

    #[test]
    fn a_pickle_that_runs_code_or_is_damaged_is_refused() {
        for (bytes, expected) in [
            (&b"cos\nsystem\n(X\x02\x00\x00\x00lstR."[..], "more than tensors: os.system"),
            (b"", "truncated"),
            (b"}", "truncated"),
            (b"X\xff\xff\xff\x7fa.", "truncated"),
            (b".", "in the middle"),
            (b"(.", "in the middle"),
            (b"\x85.", "the stack is empty"),
            (b"K\x01(\x85.", "the stack is empty"),
            (b"t.", "the mark is missing"),
            (b"}(K\x01u.", "without a value"),
            (b"K\x01K\x01K\x01s.", "expected a dictionary"),
            (b"h\x05.", "there is no value 5"),
            (b"K\x01)R.", "to call"),
            (b"\x80\x06.", "protocol"),
            (b"i", "instruction 0x69"),
        ] {
            let found = error(bytes);
            assert!(found.contains(expected), "{found}");
        }
    }

    /// Each doubling names the tuple before it twice: expanded, there would be 2⁶⁰ values.
    #[test]
    fn doublings_and_deep_nesting_take_linear_time() {
        let doubled = [b"K\x01".as_slice(), &b"q\x00h\x00\x86".repeat(100_000), b"."].concat();
        let nested = [b")".as_slice(), &b"\x85".repeat(1_000_000), b"."].concat();
        for bytes in [doubled, nested] {
            assert!(matches!(Pickle::read(&bytes).unwrap().root(), Value::Tuple(_)));
        }
    }
}
