//! A cluster of the user's own, named by `LOCKKEEPER_KUBECONFIG`: nothing is started there, and nothing is built but the
//! two tools.

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
use crate::places::Places;
use crate::progress::Progress;

/// What the user's kubeconfig points at.
pub struct Cluster {
    kubeconfig: PathBuf,
}

impl Cluster {
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

    /// Which file decides.
    #[must_use]
    pub fn describe(&self) -> String {
        format!("the cluster of {} is used, and no sandbox is started", self.kubeconfig.display())
    }

    /// Fails where what needs a node of our own is asked for: nothing was touched yet.
    pub fn refuse(&self, what: &str) -> Result<()> {
        bail!(
            "{what} cannot use the cluster of {}, which LOCKKEEPER_KUBECONFIG names: its nodes have neither the sample \
             application's images ({}:...) nor a folder that this machine sees too; unset LOCKKEEPER_KUBECONFIG, and \
             it runs in a sandbox on this machine",
            self.kubeconfig.display(),
            images::REPOSITORY
        )
    }

    /// What [`Cluster::use_it`] wrote about this very cluster, if it was run for it.
    pub fn known(&self, places: &Places) -> Result<Option<Info>> {
        let path = Info::users_path(places);
        if !path.exists() {
            return Ok(None);
        }
        let info = Info::read(&path)?;
        if !info.kubectl.exists() || !info.helm.exists() {
            return Ok(None);
        }
        let target = self.target(&info.kubectl)?;
        Ok((info.kubeconfig == self.kubeconfig && info.api_server == target.server).then_some(info))
    }

    /// Builds the tools, says which cluster will be touched, and checks that it answers.
    pub fn use_it(&self, places: &Places) -> Result<Info> {
        eprintln!("LOCKKEEPER_KUBECONFIG is set: {}.", self.describe());
        let progress = Progress::new();
        let tools = build::tools(places, &progress)?;
        drop(progress);
        let target = self.target(&tools.kubectl)?;
        eprintln!("This cluster will be touched: {} (context `{}`)", target.server, target.context);
        command::output(Command::new(&tools.kubectl).arg("--kubeconfig").arg(&self.kubeconfig).arg("version"))
            .with_context(|| format!("the cluster at {} does not answer", target.server))?;
        let info = Info {
            kubeconfig: self.kubeconfig.clone(),
            api_server: target.server,
            kubectl: tools.kubectl,
            helm: tools.helm,
            data: None,
            chart: places.chart(),
            own_cluster: true,
        };
        info.write(&Info::users_path(places))?;
        Ok(info)
    }

    fn target(&self, kubectl: &Path) -> Result<Target> {
        let mut view = Command::new(kubectl);
        view.arg("--kubeconfig").arg(&self.kubeconfig).args(["config", "view", "--minify", "--output", "json"]);
        Target::parse(&command::output(&mut view)?)
            .with_context(|| format!("{} names no cluster to use", self.kubeconfig.display()))
    }
}

/// What a kubeconfig's current context points at.
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
    fn the_server_and_the_context_are_read_from_what_kubectl_shows() {
        let shown = r#"{"clusters":[{"name":"c","cluster":{"server":"https://example.test:6443"}}],"current-context":"staging"}"#;
        let expected = Target { server: "https://example.test:6443".to_owned(), context: "staging".to_owned() };
        assert_eq!(Target::parse(shown).unwrap(), expected);
    }

    /// A folder with a kubectl that always shows the given server.
    fn with_kubectl(name: &str, server: &str) -> (Places, PathBuf) {
        let folder = env::temp_dir().join(format!("lockkeeper-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let shown = format!(r#"{{"clusters":[{{"cluster":{{"server":"{server}"}}}}],"current-context":"c"}}"#);
        let kubectl = folder.join("kubectl");
        fs::write(&kubectl, format!("#!/bin/sh\necho '{shown}'\n")).unwrap();
        fs::set_permissions(&kubectl, fs::Permissions::from_mode(0o755)).unwrap();
        let state = folder.clone();
        (Places { checkout: state.clone(), cache: state.clone(), state, name: String::new() }, kubectl)
    }

    #[test]
    fn what_is_known_of_one_cluster_is_not_said_of_another() {
        let (places, kubectl) = with_kubectl("users-cluster", "https://one.test");
        let cluster = |kubeconfig: &str| Cluster { kubeconfig: kubeconfig.into() };
        assert_eq!(cluster("/one").known(&places).unwrap(), None);
        let info = Info {
            kubeconfig: "/one".into(),
            api_server: "https://one.test".to_owned(),
            kubectl: kubectl.clone(),
            helm: kubectl,
            data: None,
            chart: places.chart(),
            own_cluster: true,
        };
        info.write(&Info::users_path(&places)).unwrap();
        assert_eq!(cluster("/one").known(&places).unwrap(), Some(info.clone()));
        assert_eq!(cluster("/two").known(&places).unwrap(), None, "another file");
        // The same file, whose current context was changed meanwhile.
        Info { api_server: "https://two.test".to_owned(), ..info }.write(&Info::users_path(&places)).unwrap();
        assert_eq!(cluster("/one").known(&places).unwrap(), None, "another server");
        fs::remove_dir_all(&places.state).unwrap();
    }

    #[test]
    fn a_refusal_is_one_sentence_that_says_what_is_missing_and_the_way_out() {
        let refusal = Cluster { kubeconfig: "/one".into() }.refuse("the demo").unwrap_err().to_string();
        assert!(refusal.contains(images::REPOSITORY) && refusal.contains("unset LOCKKEEPER_KUBECONFIG"), "{refusal}");
        assert!(!refusal.contains('\n') && !refusal.contains(". "), "{refusal}");
    }

    #[test]
    fn a_kubeconfig_without_a_cluster_is_refused() {
        assert!(Target::parse(r#"{"clusters":[],"current-context":""}"#).is_err());
        assert!(Target::parse(r#"{"clusters":null,"current-context":""}"#).is_err());
    }
}
