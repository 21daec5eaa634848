//! SHA-256 digests over JSON.

use serde::Serialize;
use sha2::{Digest as _, Sha256};

/// The SHA-256 of a value's JSON, in hex. `serde_json` sorts the keys, so the order of entries and fields has no effect.
#[must_use]
pub fn digest_of<T: Serialize + ?Sized>(value: &T) -> String {
    hex(&sha256(value))
}

/// The SHA-256 of some bytes, in hex.
#[must_use]
pub fn digest_of_bytes(bytes: &[u8]) -> String {
    hex(Sha256::digest(bytes).as_slice())
}

/// The first `digits` hex digits of [`digest_of`], for names and ids with a length limit.
#[must_use]
pub fn short_digest_of<T: Serialize + ?Sized>(value: &T, digits: usize) -> String {
    digest_of(value).chars().take(digits).collect()
}

/// The first 128 bits of [`digest_of`], as a number.
#[must_use]
pub fn digest_number<T: Serialize + ?Sized>(value: &T) -> u128 {
    let bytes = sha256(value);
    bytes.iter().take(16).fold(0, |number, byte| number << 8 | u128::from(*byte))
}

fn sha256<T: Serialize + ?Sized>(value: &T) -> [u8; 32] {
    // A `Value` keeps its keys sorted, a struct its fields in order of declaration.
    let value = serde_json::to_value(value).unwrap_or_default();
    Sha256::digest(value.to_string()).into()
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
