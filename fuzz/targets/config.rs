//! Parses a configuration, writes it, and parses it again: both must be equal.

#![no_main]

use flowlet_fuzz::bounded;
use flowlet_trainer::config::Config;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let Ok(config) = bounded(1_000 * text.len() + 2_000_000, || Config::parse(text)) else {
        return;
    };
    if let Ok(written) = config.to_toml() {
        let again = Config::parse(&written).expect("a written configuration is valid");
        assert_eq!(again.to_toml().ok(), Some(written));
    }
});
