//! What the kubelet's message about a failed pull says about the image.

/// Parts of containerd's messages which say that the registry has no such image, or none for this platform.
const MISSING: [&str; 4] = ["not found", "manifest unknown", "manifest_unknown", "no match for platform"];

/// Parts of messages that also say "not found", although another answer is possible later.
const UNCLEAR: [&str; 5] = ["denied", "unauthorized", "authorization", "forbidden", "no such host"];

/// Whether the registry said that the image does not exist. Every other answer can change without a new image.
///
/// A registry that needs credentials answers "denied" for what it does not show, so that says nothing about the image.
#[must_use]
pub(super) fn is_missing_image(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    let says = |parts: &[&str]| parts.iter().any(|part| message.contains(part));
    says(&MISSING) && !says(&UNCLEAR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_clear_answer_means_that_the_image_is_missing() {
        for missing in [
            "failed to pull and unpack image \"127.0.0.1:5000/orders:1.4.0\": failed to resolve reference \"127.0.0.1:5000/orders:1.4.0\": 127.0.0.1:5000/orders:1.4.0: not found",
            "manifest unknown: manifest unknown",
            "no match for platform in manifest: not found",
        ] {
            assert!(is_missing_image(missing), "{missing}");
        }
        for unclear in [
            "pull access denied, repository does not exist or may require authorization: server message: insufficient_scope",
            "failed to do request: Head \"https://r/v2/orders/manifests/1\": dial tcp: lookup r: no such host",
            "unexpected status from HEAD request to https://r/v2/orders/manifests/1: 429 Too Many Requests",
            "unexpected status from HEAD request to https://r/v2/orders/manifests/1: 503 Service Unavailable",
            "dial tcp 10.0.0.1:443: i/o timeout",
        ] {
            assert!(!is_missing_image(unclear), "{unclear}");
        }
    }
}
