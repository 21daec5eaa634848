//! Hashes as text, for the names of cached builds and of the sandbox.

use std::fmt::Write;

use sha2::{Digest, Sha256};

/// The first 12 hexadecimal digits of the SHA-256 of `text`.
#[must_use]
pub fn short_hash(text: &[u8]) -> String {
    hex(&Sha256::digest(text))[..12].to_owned()
}

/// Lower-case hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
