//! Tests of the checker on small crates, most of which break the rules.

use std::fs;

/// Returns the findings for a crate of these files, whose rooms are `low` and `high`.
fn found(files: &[(&str, &str)]) -> String {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let root = directory.path().join("lib.rs");
    if !root.exists() {
        fs::write(&root, "mod low;\nmod high;\n").unwrap();
    }
    let found = super::check(&root, &["low", "high"]).err().unwrap_or_default();
    found.replace(&format!("{}/", directory.path().display()), "")
}

/// The room `high` with a struct, a function, a macro, a module and a re-export from that module.
const HIGH: (&str, &str) = (
    "high/mod.rs",
    "pub mod inner;\npub use inner::Deep;\npub struct Top;\npub fn f() {}\n#[macro_export]\nmacro_rules! m { () => {} }\n",
);
const INNER: (&str, &str) = ("high/inner.rs", "pub struct Deep;\npub fn g() {}\n");

#[test]
fn every_kind_of_path_to_a_higher_room_is_found_with_file_line_and_rooms() {
    for low in [
        "use crate::high::Top;",
        "pub use crate::high::Top;",
        "pub(crate) use crate::high::inner as other;",
        "use crate::{high::Top as Name};",
        "use crate::{high::{self}};",
        "use crate::high::{inner::{g, Deep}, f};",
        "use crate::high::*;",
        "use crate::high::Top as _;",
        "use super::high::Top;",
        "use self::super::high::Top;",
        "use crate as root; fn a() { root::high::f() }",
        "use super as root; use root::high::f;",
        "fn a() { crate::high::f() }",
        "fn a() { use super::high; }",
        "fn a() { println!(\"{:?}\", crate::high::inner::g()) }",
        "fn a() -> Vec<crate::high::Top> { Vec::new() }",
        "fn a() { Vec::<crate::high::Top>::new(); }",
        "impl Trait for super::high::Top {}",
        "fn a(x: <crate::high::Top as Trait>::Output) {}",
        "macro_rules! n { () => { $crate::high::f() } }",
        "#[cfg_attr(test, derive(crate::high::Derive))] struct A;",
        "mod tests { use super::super::high::Top; }",
        "mod tests { fn a() { super::super::high::f() } }",
        "struct A(pub (crate::high::Top, u8));",
        "fn a() { crate::r#high::f() }",
    ] {
        let found = found(&[("low.rs", &format!("\n{low}\n")), HIGH, INNER]);
        assert!(found.starts_with("low.rs:2: `"), "{low}\n{found}");
        assert!(found.contains("from the room low to the room high"), "{low}\n{found}");
    }
}

#[test]
fn the_paths_of_a_macro_start_at_its_caller() {
    let root = ("lib.rs", "#[macro_use]\nmod low;\nmod high;\n");
    let low = (
        "low.rs",
        "macro_rules! n { (x) => { use super::inner::Deep; super::Top }; () => { n!(x) } }\n",
    );
    let inner = ("high/inner.rs", "n!();\nmod below { n!(); }\n");
    assert_eq!(found(&[root, low, HIGH, inner]), "");
    let low = (
        "low.rs",
        "mod a { m!(); }\nmacro_rules! m { () => { n!() } }\nmacro_rules! n { () => { super::super::high::Top } }\n",
    );
    let found = found(&[low, HIGH, INNER]);
    assert!(found.starts_with("low.rs:1: `super::super::high::Top` runs up"), "{found}");
}

#[test]
fn an_item_reexported_by_the_root_belongs_to_the_room_that_defines_it() {
    let root = ("lib.rs", "mod low;\nmod high;\npub use high::Deep;\npub use low::Small;\n");
    let low = ("low.rs", "use crate::Deep;\npub struct Small;\n");
    let high = (HIGH.0, "pub mod inner;\npub use inner::Deep;\nuse crate::Small;\n");
    let found = found(&[root, low, high, INNER]);
    assert_eq!(found, "low.rs:1: `crate::Deep` runs up, from the room low to the room high");
}

#[test]
fn a_glob_imports_the_items_and_imports_of_the_other_module() {
    let low = ("low.rs", "mod tests { use super::*; fn a() { f() } }\nuse crate::high::f;\n");
    assert!(found(&[low, HIGH, INNER]).contains("low.rs:1: `f` runs up"));
}

#[test]
fn an_item_of_the_root_is_above_every_room() {
    let root = ("lib.rs", "mod low;\nmod high;\npub struct Here;\n");
    let found = found(&[root, ("low.rs", "use crate::Here;\n"), HIGH, INNER]);
    assert_eq!(found, "low.rs:1: `crate::Here` takes the room low up to the root of the crate");
}

#[test]
fn differences_between_the_list_and_the_rooms_are_found() {
    let root = ("lib.rs", "mod low;\nmod third;\n");
    assert_eq!(
        found(&[root, ("low.rs", ""), ("third.rs", "")]),
        "lib.rs: the room third is not in the list\nlib.rs: the list has high, but no such room"
    );
}

#[test]
fn lower_rooms_comments_strings_and_other_crates_are_not_found() {
    let low = (
        "low.rs",
        "//! See [`crate::high::Top`].\n/* crate::high::f() */\npub struct Small;\n\
         fn a(high: Small) { high.f(); std::high::f(); ::high::f(); \"crate::high::f()\"; }\n\
         pub(in crate::low) fn b<'high>() {}\n",
    );
    let high = (
        HIGH.0,
        "pub mod inner;\npub use inner::Deep;\nuse crate::low::Small;\nfn f() { super::low::b() }\n",
    );
    assert_eq!(found(&[low, high, INNER]), "");
}

#[test]
fn files_of_one_room_that_import_each_other_are_a_circle() {
    let mut files = vec![
        ("low.rs", ""),
        ("high/mod.rs", "mod a;\nmod b;\nmod c;\n"),
        ("high/a.rs", "use super::b::B;\npub struct A;\n"),
        ("high/b.rs", "pub struct B;\nfn b() { super::c::c() }\n"),
        ("high/c.rs", "pub fn c() { crate::high::a::A; }\n"),
    ];
    assert_eq!(
        found(&files),
        "files import each other in a circle:\n    \
         high/a.rs:1: `super::b::B` takes from high/b.rs\n    \
         high/b.rs:2: `super::c::c` takes from high/c.rs\n    \
         high/c.rs:1: `crate::high::a::A` takes from high/a.rs"
    );
    files[4].1 = "pub fn c() {}\n";
    assert_eq!(found(&files), "");
}

#[test]
fn a_folder_may_reexport_its_files_but_not_use_a_file_that_imports_it() {
    let inner = ("high/inner.rs", "use super::Top;\npub struct Deep;\n");
    let reexports = ("high/mod.rs", "mod inner;\npub use inner::Deep;\npub struct Top;\n");
    assert_eq!(found(&[("low.rs", ""), reexports, inner]), "");
    for text in [
        "mod inner;\nuse inner::Deep;\npub struct Top(Deep);\n",
        "mod inner;\npub use inner::Deep;\npub struct Top(Deep);\n",
        "mod inner;\npub use inner::*;\npub struct Top(Deep);\n",
        "mod inner;\npub struct Top(inner::Deep);\n",
    ] {
        assert!(found(&[("low.rs", ""), ("high/mod.rs", text), inner]).contains("in a circle"));
    }
}

#[test]
fn a_reexported_item_counts_as_an_import_of_the_file_that_defines_it() {
    let files = [
        ("low.rs", ""),
        ("high/mod.rs", "mod a;\nmod b;\npub use a::A;\n"),
        ("high/a.rs", "pub struct A;\nfn a() { super::b::b() }\n"),
        ("high/b.rs", "use crate::high::A;\npub fn b() {}\n"),
    ];
    assert!(found(&files).contains("high/b.rs:1: `crate::high::A` takes from high/a.rs"));
}

#[test]
fn module_files_are_found_where_the_compiler_finds_them() {
    let files = [
        ("lib.rs", "#[path = \"deep/ground.rs\"]\nmod low;\nmod high { pub mod inner; }\n"),
        ("deep/ground.rs", "use crate::high::inner::Deep;\n"),
        INNER,
    ];
    assert!(found(&files).starts_with("deep/ground.rs:1: `crate::high::inner::Deep`"));
    assert!(
        found(&[("low.rs", "mod none;"), HIGH, INNER])
            .contains("low.rs: found no file for mod none")
    );
}
