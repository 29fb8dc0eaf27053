//! Reads the part of the pickle format that checkpoints use. No code is run: a class or a function is only a name, and
//! the result of calling it is its name with the arguments.
//!
//! A pickle is a program for a stack machine. It may use a value many times, nest values to any depth, or contain
//! itself. Here a value is an index into one list, and each instruction adds at most one entry. So memory and time
//! grow linearly with the pickle, and there is no recursion.

use std::collections::HashMap;

use anyhow::{Context, Result, bail, ensure};

/// A value, as its index in [`Pickle`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Id(usize);

/// A value. It holds the indices of the values inside it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    /// None, a boolean, a float, bytes, a list or a set: never part of a tensor.
    Other,
    Int(i64),
    Text(String),
    /// A class or a function, such as `torch.FloatStorage`.
    Global(String),
    Tuple(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    /// An object outside the pickle, a tensor's storage, with the value that identifies it.
    Persistent(Id),
    /// The result of calling a function or a class with a tuple of arguments.
    Call {
        function: Id,
        arguments: Id,
    },
}

/// The values of a pickle.
pub(super) struct Pickle {
    values: Vec<Value>,
    root: Id,
}

/// The classes whose instances are dictionaries.
const DICTIONARIES: [&str; 2] = ["collections.OrderedDict", "collections.defaultdict"];

impl Pickle {
    /// Reads a pickle.
    ///
    /// # Errors
    ///
    /// Returns an error if it is damaged, or has an instruction that pickles of protocols 2 to 5 do not have.
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
    pub(super) fn root(&self) -> Id {
        self.root
    }

    /// Returns the name of the function or the class whose call gave the value, or which the value is.
    pub(super) fn class(&self, id: Id) -> Option<&str> {
        match self.get(id) {
            Value::Global(name) => Some(name),
            Value::Call { function, .. } => match self.get(*function) {
                Value::Global(name) => Some(name),
                _ => None,
            },
            _ => None,
        }
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
            // POP, POP_MARK, DUP
            b'0' if self.available() > 0 => drop(self.pop()?),
            b'0' | b'1' => drop(self.since_mark()?),
            b'2' => {
                let id = self.peek()?;
                self.stack.push(id);
            }
            // BINFLOAT
            b'G' => {
                self.take::<8>()?;
                self.push(Value::Other);
            }
            // BINBYTES, SHORT_BINBYTES, BINBYTES8, BYTEARRAY8
            b'B' => {
                let length = u32::from_le_bytes(self.take()?);
                self.skip(length.into())?;
            }
            b'C' => {
                let [length] = self.take()?;
                self.skip(length.into())?;
            }
            0x8e | 0x96 => {
                let length = u64::from_le_bytes(self.take()?);
                self.skip(length)?;
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
                // The seed of a random generator may have more bits; a size never has.
                if bytes.len() > 8 {
                    self.push(Value::Other);
                    return Ok(None);
                }
                let negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
                let mut value = [if negative { 0xff } else { 0 }; 8];
                value[..bytes.len()].copy_from_slice(bytes);
                self.push(Value::Int(i64::from_le_bytes(value)));
            }
            // LONG4
            0x8b => {
                let length = u32::from_le_bytes(self.take()?);
                self.skip(length.into())?;
            }
            // BINUNICODE, SHORT_BINUNICODE, BINUNICODE8
            b'X' => {
                let length = u32::from_le_bytes(self.take()?);
                self.text(length as usize)?;
            }
            0x8c => {
                let [length] = self.take()?;
                self.text(length.into())?;
            }
            0x8d => {
                let length = u64::from_le_bytes(self.take()?);
                self.text(usize::try_from(length)?)?;
            }
            // GLOBAL, STACK_GLOBAL
            b'c' => {
                let (module, name) = (self.line()?, self.line()?);
                self.push(Value::Global(format!("{module}.{name}")));
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                let text = |id: Id| match &self.values[id.0] {
                    Value::Text(text) => Ok(text.clone()),
                    _ => bail!("expected the name of a class"),
                };
                let global = format!("{}.{}", text(module)?, text(name)?);
                self.push(Value::Global(global));
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
            // EMPTY_LIST, LIST, APPEND, APPENDS, EMPTY_SET, FROZENSET, ADDITEMS: the values of lists and sets are dropped
            b']' | 0x8f => self.push(Value::Other),
            b'l' | 0x91 => {
                self.since_mark()?;
                self.push(Value::Other);
            }
            b'a' => drop((self.pop()?, self.peek()?)),
            b'e' | 0x90 => drop((self.since_mark()?, self.peek()?)),
            // EMPTY_DICT, DICT, SETITEM, SETITEMS
            b'}' => self.push(Value::Dict(Vec::new())),
            b'd' => {
                let items = self.since_mark()?;
                self.push(Value::Dict(Vec::new()));
                self.set(&items)?;
            }
            b's' => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.set(&[key, value])?;
            }
            b'u' => {
                let items = self.since_mark()?;
                self.set(&items)?;
            }
            // BINPERSID, REDUCE, NEWOBJ, NEWOBJ_EX, BUILD
            b'Q' => {
                let id = self.pop()?;
                self.push(Value::Persistent(id));
            }
            b'R' | 0x81 => {
                let (arguments, function) = (self.pop()?, self.pop()?);
                self.call(function, arguments)?;
            }
            0x92 => {
                let (_, arguments, function) = (self.pop()?, self.pop()?, self.pop()?);
                self.call(function, arguments)?;
            }
            // Attributes of an object, such as the versions of modules in a state dict: no tensors.
            b'b' => drop((self.pop()?, self.peek()?)),
            code => bail!(
                "instruction {code:#04x} is not part of a checkpoint: write the file with \
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

    /// Skips bytes, which stand for a value that is never part of a tensor.
    fn skip(&mut self, length: u64) -> Result<()> {
        self.bytes(usize::try_from(length).unwrap_or(usize::MAX))?;
        self.push(Value::Other);
        Ok(())
    }

    /// Pushes the result of a call. Nothing is called: of unknown functions only the name is kept.
    fn call(&mut self, function: Id, arguments: Id) -> Result<()> {
        let value = match &self.values[function.0] {
            Value::Global(name) if DICTIONARIES.contains(&name.as_str()) => Value::Dict(Vec::new()),
            Value::Global(_) | Value::Call { .. } => Value::Call { function, arguments },
            _ => bail!("expected a function or a class to call"),
        };
        self.push(value);
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
        match &mut self.values[id.0] {
            Value::Dict(dict) => dict.extend(pairs.iter().map(|[key, value]| (*key, *value))),
            // An object of a class of its own that is a dictionary too, such as the settings of a run.
            Value::Call { .. } => {}
            _ => bail!("expected a dictionary"),
        }
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
        let Value::Dict(items) = pickle.get(pickle.root()) else { panic!("no dictionary") };
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
            let pickle = Pickle::read(bytes).unwrap();
            assert_eq!(*pickle.get(pickle.root()), Value::Int(expected));
        }
        let long = Pickle::read(b"\x8a\x09\0\0\0\0\0\0\0\0\0.").unwrap();
        assert_eq!(*long.get(long.root()), Value::Other);
    }

    #[test]
    fn a_pickle_that_would_run_code_only_gives_its_name() {
        let pickle = Pickle::read(b"cos\nsystem\n(X\x02\x00\x00\x00lstR.").unwrap();
        assert_eq!(pickle.class(pickle.root()), Some("os.system"));
    }

    /// An object with attributes, a set, bytes, a long integer and an object that is a dictionary.
    #[test]
    fn values_of_other_kinds_are_skipped() {
        let bytes = b"\x80\x04}(X\x01\0\0\0acmine\nPart\n)\x81}X\x01\0\0\0kK\x01sb\
                      X\x01\0\0\0b\x8f(K\x01K\x02\x90\
                      X\x01\0\0\0cC\x02xy\
                      X\x01\0\0\0dcmine\nMap\n)R(K\x01K\x02u\
                      X\x01\0\0\0e(K\x01K\x02lu.";
        let pickle = Pickle::read(bytes).unwrap();
        let Value::Dict(items) = pickle.get(pickle.root()) else { panic!("no dictionary") };
        let names: Vec<&str> = items.iter().map(|(name, _)| pickle.text(*name).unwrap()).collect();
        assert_eq!(names, ["a", "b", "c", "d", "e"]);
        assert_eq!(pickle.class(items[0].1), Some("mine.Part"));
        assert_eq!(pickle.class(items[3].1), Some("mine.Map"));
    }

    #[test]
    fn a_damaged_pickle_is_refused() {
        for (bytes, expected) in [
            (&b""[..], "truncated"),
            (b"C\x02a", "truncated"),
            (b"\x8e\xff\xff\xff\xff\xff\xff\xff\xff", "truncated"),
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
            let pickle = Pickle::read(&bytes).unwrap();
            assert!(matches!(pickle.get(pickle.root()), Value::Tuple(_)));
        }
    }
}
