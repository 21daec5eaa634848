//! Which keys have secret values.

/// What stands in the place of a secret value.
pub const MASK: &str = "***";

/// Parts of such keys, with dashes between words. The first eleven are `GlobalConfiguration.SENSITIVE_KEYS` of Flink 2.2.1. The others
/// are access keys, and names that Java, Hadoop and HTTP use.
const SENSITIVE: [&str; 18] = [
    "password",
    "secret",
    "fs-azure-account-key",
    "apikey",
    "api-key",
    "auth-params",
    "service-key",
    "token",
    "basic-auth",
    "jaas-config",
    "http-headers",
    "access-key",
    "accesskey",
    "private-key",
    "privatekey",
    "passwd",
    "passphrase",
    "authorization",
];

/// Whether the value of a key is secret. Dots and underscores count as dashes, and both cases of a letter are the same.
#[must_use]
pub fn is_sensitive(key: &str) -> bool {
    let key = key.to_ascii_lowercase().replace(['.', '_'], "-");
    SENSITIVE.iter().any(|part| key.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_flink_hadoop_and_the_environment_are_known() {
        for key in [
            "s3.secret-key",
            "s3.access-key",
            "fs.s3a.access.key",
            "fs.azure.account.key.x.blob.core.windows.net",
            "security.ssl.rest.key-password",
            "properties.sasl.jaas.config",
            "metrics.reporter.x.apikey",
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "DB_PASSWORD",
            "API_KEY",
            "accessKey",
        ] {
            assert!(is_sensitive(key), "{key}");
        }
        for key in ["s3.endpoint", "high-availability.storageDir", "KAFKA_BOOTSTRAP", "kubernetes.cluster-id", "key"] {
            assert!(!is_sensitive(key), "{key}");
        }
    }
}
