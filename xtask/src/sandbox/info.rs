//! `sandbox.json`: the paths and the address of a running sandbox.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::paths::Paths;

/// The information that tests and people need to use the sandbox. All paths are absolute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Info {
    /// The kubeconfig of the administrator.
    pub kubeconfig: PathBuf,
    /// The API server's address, `https://127.0.0.1:PORT`.
    pub api_server: String,
    /// kubectl of the cluster's version.
    pub kubectl: PathBuf,
    /// Helm for the cluster's version.
    pub helm: PathBuf,
    /// A folder that pods may mount by `hostPath` under the same path, writable for everyone. It is absent in a cluster of
    /// the user's own, because its nodes are other machines.
    pub data: Option<PathBuf>,
    /// The chart of the sample application.
    pub chart: PathBuf,
    /// Whether this is a cluster of the user's own, named by `LOCKKEEPER_KUBECONFIG`.
    pub own_cluster: bool,
}

impl Info {
    /// The file about this checkout's own sandbox.
    #[must_use]
    pub fn path(paths: &Paths) -> PathBuf {
        paths.state.join("sandbox.json")
    }

    /// The file about the user's own cluster.
    #[must_use]
    pub fn own_cluster_path(paths: &Paths) -> PathBuf {
        paths.state.join("users-cluster.json")
    }

    /// Reads what [`Info::write`] wrote.
    pub fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_str(&text)
            .with_context(|| format!("{} is damaged; run `cargo xtask sandbox down`", path.display()))
    }

    /// Replaces the file at `path` in one step: a reader sees the old text or the new one.
    pub fn write(&self, path: &Path) -> Result<()> {
        let next = path.with_extension("json.next");
        fs::write(&next, self.json()?).with_context(|| format!("cannot write {}", next.display()))?;
        fs::rename(&next, path).with_context(|| format!("cannot write {}", path.display()))
    }

    /// The text of the file.
    pub fn json(&self) -> Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// The text that tells people how to use the sandbox.
    #[must_use]
    pub fn describe(&self) -> String {
        format!(
            "Kubernetes answers at {}\n  export KUBECONFIG={}\n  kubectl: {}\n  helm:    {}",
            self.api_server,
            self.kubeconfig.display(),
            self.kubectl.display(),
            self.helm.display()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_has_the_field_names_that_tests_in_other_packages_read() {
        let info = Info {
            kubeconfig: "/s/kubeconfig".into(),
            api_server: "https://127.0.0.1:1".to_owned(),
            kubectl: "/b/kubectl".into(),
            helm: "/b/helm".into(),
            data: Some("/s/data".into()),
            chart: "/c/sandbox/chart".into(),
            own_cluster: false,
        };
        let value: serde_json::Value = serde_json::from_str(&info.json().unwrap()).unwrap();
        let expected = serde_json::json!({
            "kubeconfig": "/s/kubeconfig", "apiServer": "https://127.0.0.1:1", "kubectl": "/b/kubectl", "helm": "/b/helm",
            "data": "/s/data", "chart": "/c/sandbox/chart", "ownCluster": false,
        });
        assert_eq!(value, expected);
    }
}
