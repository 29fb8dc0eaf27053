//! `include/flowlet.h` is what cbindgen writes for the sources.

use std::path::Path;

/// `FLOWLET_WRITE=1 cargo test --test header` writes the header anew.
#[test]
fn the_header_is_that_of_the_sources() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = cbindgen::Config::from_file(here.join("cbindgen.toml")).unwrap();
    let bindings = cbindgen::Builder::new()
        .with_config(config)
        .with_src(here.join("src/status.rs"))
        .with_src(here.join("src/border.rs"))
        .generate()
        .unwrap();
    let mut header = Vec::new();
    bindings.write(&mut header);
    // The safety of Rust's side is for Rust; the header says what buffers hold above.
    let header = String::from_utf8(header).unwrap();
    let path = here.join("include/flowlet.h");
    if std::env::var_os("FLOWLET_WRITE").is_some() {
        std::fs::write(&path, &header).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == header,
        "include/flowlet.h is not current: FLOWLET_WRITE=1 cargo test --test header"
    );
}
