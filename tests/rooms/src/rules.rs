//! Finds the paths of a crate that break the rules.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::resolve::Place;
use crate::source::Crate;
use crate::tokens::{Brings, Macro};

/// A path from one module to another.
struct Taken {
    from: usize,
    to: usize,
    line: usize,
    text: String,
    /// Whether it is a re-export from the module's own folder.
    reexports: bool,
}

/// Returns all findings, a line each. The result is empty if the crate follows the list.
pub(crate) fn findings(krate: &Crate, rooms: &[&str]) -> Vec<String> {
    let taken = taken(krate);
    let mut found = against_the_list(krate, rooms);
    found.extend(taken.iter().filter_map(|path| runs_up(krate, rooms, path)));
    found.extend(circles(krate, &taken));
    found
}

fn against_the_list(krate: &Crate, rooms: &[&str]) -> Vec<String> {
    let root = &krate.modules[0];
    let file = root.file.display();
    let missing = root.children.keys().filter(|room| !rooms.contains(&room.as_str()));
    let empty = rooms.iter().filter(|room| !root.children.contains_key(**room));
    let missing = missing.map(|room| format!("{file}: the room {room} is not in the list"));
    missing
        .chain(empty.map(|room| format!("{file}: the list has {room}, but no such room")))
        .collect()
}

/// Returns every path of the crate that leads to a module or item of the crate.
fn taken(krate: &Crate) -> Vec<Taken> {
    let mut taken = Vec::new();
    for (from, module) in krate.modules.iter().enumerate() {
        for import in &module.imports {
            let Some(to) = krate.resolve(from, &import.segments) else { continue };
            let below = krate.modules[to.module()].path.starts_with(&module.path);
            let reexports = import.public && import.at_top && below;
            let mut text = import.segments.join("::");
            if import.brings == Brings::All {
                text += "::*";
            }
            taken.push(Taken { from, to: to.module(), line: import.line, text, reexports });
        }
        let globs = module.imports.iter().any(|import| import.brings == Brings::All);
        let public = module.imports.iter().filter(|import| import.public);
        let public: Vec<&Brings> = public.map(|import| &import.brings).collect();
        let called = module.calls.iter().flat_map(|(name, line)| {
            // The paths in a macro's body start at the module that calls it.
            bodies(krate, name)
                .into_iter()
                .flat_map(|body| &body.relative)
                .map(|m| (&m.segments, *line))
        });
        let mentioned = module.mentions.iter().map(|mention| (&mention.segments, mention.line));
        for (segments, line) in mentioned.chain(called) {
            // An imported single word was counted at its import, unless that is a re-export or a glob.
            if let [word] = segments.as_slice()
                && !(globs || public.contains(&&Brings::Name(word.clone())))
            {
                continue;
            }
            let Some(place) = krate.resolve(from, segments) else { continue };
            // A single word that equals a module's name is not a use of the module, but a coincidence.
            let chance = segments.len() == 1 && matches!(place, Place::Module(_));
            if !chance {
                let text = segments.join("::");
                taken.push(Taken { from, to: place.module(), line, text, reexports: false });
            }
        }
    }
    taken
}

/// Returns the macros called `name`, and those that they call.
fn bodies<'a>(krate: &'a Crate, name: &'a str) -> Vec<&'a Macro> {
    let mut bodies = Vec::new();
    let mut names = vec![name];
    let mut known = BTreeSet::from([name]);
    while let Some(name) = names.pop() {
        for body in krate.modules.iter().filter_map(|module| module.macros.get(name)) {
            names.extend(body.calls.iter().map(String::as_str).filter(|name| known.insert(*name)));
            bodies.push(body);
        }
    }
    bodies
}

fn runs_up(krate: &Crate, rooms: &[&str], path: &Taken) -> Option<String> {
    let [from, to] = [path.from, path.to].map(|module| &krate.modules[module]);
    let own = from.room()?;
    let place = format!("{}:{}: `{}`", from.file.display(), path.line, path.text);
    let Some(other) = to.room() else {
        return Some(format!("{place} takes the room {own} up to the root of the crate"));
    };
    let rank = |room: &str| rooms.iter().position(|known| *known == room);
    let (own_rank, other_rank) = (rank(own)?, rank(other)?);
    (other_rank > own_rank)
        .then(|| format!("{place} runs up, from the room {own} to the room {other}"))
}

/// Returns a finding for each group of files of a room that import each other, with the imports of one
/// circle. A circle through several rooms has a path to a higher room, which is found already.
fn circles(krate: &Crate, taken: &[Taken]) -> Vec<String> {
    let mut edges: BTreeMap<&PathBuf, BTreeMap<&PathBuf, &Taken>> = BTreeMap::new();
    for path in taken.iter().filter(|path| !path.reexports) {
        let [from, to] = [path.from, path.to].map(|module| &krate.modules[module]);
        if from.room() == to.room() && from.file != to.file {
            edges.entry(&from.file).or_default().entry(&to.file).or_insert(path);
        }
    }
    let mut found = Vec::new();
    let mut done: BTreeSet<&PathBuf> = BTreeSet::new();
    for &start in edges.keys() {
        if done.contains(start) {
            continue;
        }
        if let Some(way) = shortest_circle(&edges, start) {
            done.extend(way.iter().map(|path| &krate.modules[path.from].file));
            let steps = way.iter().map(|path| {
                let [from, to] = [path.from, path.to].map(|module| &krate.modules[module].file);
                format!(
                    "\n    {}:{}: `{}` takes from {}",
                    from.display(),
                    path.line,
                    path.text,
                    to.display()
                )
            });
            found
                .push(format!("files import each other in a circle:{}", steps.collect::<String>()));
        }
    }
    found
}

/// Returns the shortest chain of imports from a file back to itself.
fn shortest_circle<'a>(
    edges: &BTreeMap<&'a PathBuf, BTreeMap<&'a PathBuf, &'a Taken>>,
    start: &'a PathBuf,
) -> Option<Vec<&'a Taken>> {
    let mut reached: BTreeMap<&PathBuf, (&PathBuf, &Taken)> = BTreeMap::new();
    let mut front = vec![start];
    while !front.is_empty() && !reached.contains_key(start) {
        let mut next = Vec::new();
        for file in front {
            for (&to, &path) in edges.get(file).into_iter().flatten() {
                if let std::collections::btree_map::Entry::Vacant(entry) = reached.entry(to) {
                    entry.insert((file, path));
                    next.push(to);
                }
            }
        }
        front = next;
    }
    let mut way = Vec::new();
    let mut file = start;
    loop {
        let (before, path) = reached.get(file)?;
        way.push(*path);
        file = before;
        if file == start {
            way.reverse();
            return Some(way);
        }
    }
}
