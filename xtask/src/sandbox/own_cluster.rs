//! Uses a cluster of the user's own instead of a sandbox. `LOCKKEEPER_KUBECONFIG` names it. Only kubectl and Helm are
//! built for it.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::build;
use super::info::Info;
use crate::command;
use crate::images;
use crate::paths::Paths;
use crate::progress::Progress;

/// The cluster of the user's kubeconfig.
pub struct OwnCluster {
    kubeconfig: PathBuf,
}

impl OwnCluster {
    /// The cluster that `LOCKKEEPER_KUBECONFIG` names, if it is set.
    pub fn from_environment() -> Result<Option<Self>> {
        let Some(path) = env::var_os("LOCKKEEPER_KUBECONFIG").filter(|path| !path.is_empty()) else { return Ok(None) };
        let kubeconfig = fs::canonicalize(&path).with_context(|| {
            format!(
                "LOCKKEEPER_KUBECONFIG names {}, which cannot be read; correct or unset it",
                Path::new(&path).display()
            )
        })?;
        Ok(Some(Self { kubeconfig }))
    }

    /// The sentence that says which cluster is used.
    #[must_use]
    pub fn describe(&self) -> String {
        format!("the cluster of {} is used, and no sandbox is started", self.kubeconfig.display())
    }

    /// Refuses `what`, because it needs nodes with our images. Nothing was changed before.
    pub fn refuse(&self, what: &str) -> Result<()> {
        bail!(
            "{what} cannot use the cluster of {}, which LOCKKEEPER_KUBECONFIG names: its nodes have neither the sample \
             application's images ({}:...) nor a folder that this machine shares; unset LOCKKEEPER_KUBECONFIG, and \
             it runs in a sandbox on this machine",
            self.kubeconfig.display(),
            images::REPOSITORY
        )
    }

    /// Reads what [`OwnCluster::prepare`] wrote, if it was about this cluster.
    pub fn read_info(&self, paths: &Paths) -> Result<Option<Info>> {
        let path = Info::own_cluster_path(paths);
        if !path.exists() {
            return Ok(None);
        }
        let info = Info::read(&path)?;
        if !info.kubectl.exists() || !info.helm.exists() {
            return Ok(None);
        }
        let target = self.read_target(&info.kubectl)?;
        Ok((info.kubeconfig == self.kubeconfig && info.api_server == target.server).then_some(info))
    }

    /// Builds the tools, prints which cluster will be changed, and checks that it answers.
    pub fn prepare(&self, paths: &Paths) -> Result<Info> {
        eprintln!("LOCKKEEPER_KUBECONFIG is set: {}.", self.describe());
        let progress = Progress::new();
        let tools = build::build_tools(paths, &progress)?;
        drop(progress);
        let target = self.read_target(&tools.kubectl)?;
        eprintln!("This cluster will be changed: {} (context `{}`)", target.server, target.context);
        command::read_output(Command::new(&tools.kubectl).arg("--kubeconfig").arg(&self.kubeconfig).arg("version"))
            .with_context(|| format!("the cluster at {} does not answer", target.server))?;
        let info = Info {
            kubeconfig: self.kubeconfig.clone(),
            api_server: target.server,
            kubectl: tools.kubectl,
            helm: tools.helm,
            data: None,
            chart: paths.chart(),
            own_cluster: true,
        };
        info.write(&Info::own_cluster_path(paths))?;
        Ok(info)
    }

    fn read_target(&self, kubectl: &Path) -> Result<Target> {
        let mut view = Command::new(kubectl);
        view.arg("--kubeconfig").arg(&self.kubeconfig).args(["config", "view", "--minify", "--output", "json"]);
        Target::parse(&command::read_output(&mut view)?)
            .with_context(|| format!("{} names no cluster to use", self.kubeconfig.display()))
    }
}

/// The server of a kubeconfig's current context.
#[derive(Debug, PartialEq, Eq)]
struct Target {
    server: String,
    context: String,
}

impl Target {
    fn parse(json: &str) -> Result<Self> {
        #[derive(Deserialize)]
        struct Config {
            clusters: Vec<Named>,
            #[serde(rename = "current-context")]
            context: String,
        }
        #[derive(Deserialize)]
        struct Named {
            cluster: Server,
        }
        #[derive(Deserialize)]
        struct Server {
            server: String,
        }
        let config: Config = serde_json::from_str(json)?;
        match config.clusters.into_iter().next() {
            Some(named) => Ok(Self { server: named.cluster.server, context: config.context }),
            None => bail!("there is no cluster in its current context"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_server_and_the_context_are_read_from_the_output_of_kubectl() {
        let json = r#"{"clusters":[{"name":"c","cluster":{"server":"https://example.test:6443"}}],"current-context":"staging"}"#;
        let expected = Target { server: "https://example.test:6443".to_owned(), context: "staging".to_owned() };
        assert_eq!(Target::parse(json).unwrap(), expected);
    }

    /// A folder with a kubectl that always shows the given server.
    fn paths_with_kubectl(name: &str, server: &str) -> (Paths, PathBuf) {
        let folder = env::temp_dir().join(format!("lockkeeper-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let json = format!(r#"{{"clusters":[{{"cluster":{{"server":"{server}"}}}}],"current-context":"c"}}"#);
        let kubectl = folder.join("kubectl");
        fs::write(&kubectl, format!("#!/bin/sh\necho '{json}'\n")).unwrap();
        fs::set_permissions(&kubectl, fs::Permissions::from_mode(0o755)).unwrap();
        let state = folder.clone();
        (Paths { checkout: state.clone(), cache: state.clone(), state, name: String::new() }, kubectl)
    }

    #[test]
    fn information_about_one_cluster_is_not_used_for_another() {
        let (paths, kubectl) = paths_with_kubectl("users-cluster", "https://one.test");
        let cluster = |kubeconfig: &str| OwnCluster { kubeconfig: kubeconfig.into() };
        assert_eq!(cluster("/one").read_info(&paths).unwrap(), None);
        let info = Info {
            kubeconfig: "/one".into(),
            api_server: "https://one.test".to_owned(),
            kubectl: kubectl.clone(),
            helm: kubectl,
            data: None,
            chart: paths.chart(),
            own_cluster: true,
        };
        info.write(&Info::own_cluster_path(&paths)).unwrap();
        assert_eq!(cluster("/one").read_info(&paths).unwrap(), Some(info.clone()));
        assert_eq!(cluster("/two").read_info(&paths).unwrap(), None, "another file");
        // The file is the same, but its current context has changed.
        Info { api_server: "https://two.test".to_owned(), ..info }.write(&Info::own_cluster_path(&paths)).unwrap();
        assert_eq!(cluster("/one").read_info(&paths).unwrap(), None, "another server");
        fs::remove_dir_all(&paths.state).unwrap();
    }

    #[test]
    fn a_refusal_is_one_sentence_that_says_what_is_missing_and_what_to_do() {
        let refusal = OwnCluster { kubeconfig: "/one".into() }.refuse("the demo").unwrap_err().to_string();
        assert!(refusal.contains(images::REPOSITORY) && refusal.contains("unset LOCKKEEPER_KUBECONFIG"), "{refusal}");
        assert!(!refusal.contains('\n') && !refusal.contains(". "), "{refusal}");
    }

    #[test]
    fn a_kubeconfig_without_a_cluster_is_refused() {
        assert!(Target::parse(r#"{"clusters":[],"current-context":""}"#).is_err());
        assert!(Target::parse(r#"{"clusters":null,"current-context":""}"#).is_err());
    }
}
