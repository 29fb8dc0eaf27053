//! Digests in text.

use flowlet::Digest;

/// Returns the digest of `bytes`, as 16 hexadecimal digits.
pub fn digest(bytes: &[u8]) -> String {
    let mut digest = Digest::new();
    digest.update_bytes(bytes);
    format!("{:016x}", digest.value())
}
