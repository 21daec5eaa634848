//! SHA-256 digests over JSON.

use serde::Serialize;
use sha2::{Digest as _, Sha256};

/// The SHA-256 of a value's JSON, in hex. `serde_json` sorts the keys, so the order of entries and fields has no effect.
#[must_use]
pub fn digest_of<T: Serialize + ?Sized>(value: &T) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    hex(&Sha256::digest(value.to_string()))
}

/// The first `digits` hex digits of [`digest_of`], for names and ids with a length limit.
#[must_use]
pub fn short_digest_of<T: Serialize + ?Sized>(value: &T, digits: usize) -> String {
    digest_of(value).chars().take(digits).collect()
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
