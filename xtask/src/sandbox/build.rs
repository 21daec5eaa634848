//! Builds the parts of Kubernetes out of the Go module in sandbox/kubernetes, once for each state of its sources.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::cache::once;
use crate::command;
use crate::places::{Places, hex, short_hash};
use crate::progress::Progress;

/// The programs that make up the sandbox.
pub struct Kubernetes {
    /// Holds the namespaces and starts everything in them.
    pub node: PathBuf,
    /// Every server of Kubernetes.
    pub kube: PathBuf,
    /// The archive of the image that every pod's sandbox container runs.
    pub pause_image: PathBuf,
}

/// The programs that people and tests use.
pub struct Tools {
    /// kubectl of the sandbox's Kubernetes version.
    pub kubectl: PathBuf,
    /// Helm of the same version of Kubernetes' libraries.
    pub helm: PathBuf,
}

/// Builds the servers unless the cache has them.
pub fn kubernetes(places: &Places, progress: &Progress) -> Result<Kubernetes> {
    let module = Module::read(&places.kubernetes())?;
    let folder = module.part(&places.cache, "kubernetes", &module.sources_hash()?)?;
    let built = |folder: &Path| Kubernetes {
        node: folder.join("node"),
        kube: folder.join("kube"),
        pause_image: folder.join(format!("pause-{}.tar", file_name(folder))),
    };
    once(&folder, |unfinished| {
        let step = progress.step("building Kubernetes");
        module.build(places, unfinished, &["./cmd/node", "./cmd/pause", "./cmd/kube"])?;
        let image = unfinished.join(file_name(&built(&folder).pause_image));
        command::output(
            Command::new(unfinished.join("node")).arg("pause-image").arg(unfinished.join("pause")).arg(&image),
        )?;
        step.done();
        Ok(())
    })?;
    Ok(built(&folder))
}

/// Builds kubectl and Helm unless the cache has them.
pub fn tools(places: &Places, progress: &Progress) -> Result<Tools> {
    let module = Module::read(&places.kubernetes())?;
    let folder = module.part(&places.cache, "tools", &module.versions_hash())?;
    once(&folder, |unfinished| {
        let step = progress.step("building kubectl and helm");
        module.build(places, unfinished, &["k8s.io/kubernetes/cmd/kubectl", "helm.sh/helm/v3/cmd/helm"])?;
        step.done();
        Ok(())
    })?;
    Ok(Tools { kubectl: folder.join("kubectl"), helm: folder.join("helm") })
}

/// The Go module, and the versions that its go.mod pins.
struct Module {
    folder: PathBuf,
    /// go.mod and go.sum.
    pins: String,
    kubernetes: String,
    helm: String,
}

impl Module {
    fn read(folder: &Path) -> Result<Self> {
        let read = |name: &str| {
            let path = folder.join(name);
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
        };
        let requirements = read("go.mod")?;
        let version =
            |module: &str| pinned(&requirements, module).with_context(|| format!("go.mod does not pin {module}"));
        Ok(Self {
            folder: folder.to_owned(),
            kubernetes: version("k8s.io/kubernetes")?,
            helm: version("helm.sh/helm/v3")?,
            pins: requirements.clone() + &read("go.sum")?,
        })
    }

    /// Where a part is kept; it holds nothing until it is whole.
    fn part(&self, cache: &Path, name: &str, hash: &str) -> Result<PathBuf> {
        let go = command::output(Command::new("go").args(["env", "GOVERSION"]))?;
        let hash = short_hash(format!("{go}\n{}\n{hash}", self.link_flags()).as_bytes());
        Ok(cache.join(format!("{name}-{}-{hash}", self.kubernetes)))
    }

    fn versions_hash(&self) -> String {
        hex(&Sha256::digest(&self.pins))
    }

    fn sources_hash(&self) -> Result<String> {
        let mut files = Vec::new();
        list(&self.folder, &mut files)?;
        files.sort();
        let mut hash = Sha256::new();
        for file in files {
            let content = fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
            hash.update(file.strip_prefix(&self.folder).unwrap_or(&file).as_os_str().as_encoded_bytes());
            hash.update((content.len() as u64).to_le_bytes());
            hash.update(content);
        }
        Ok(hex(&hash.finalize()))
    }

    /// Builds packages into `folder`, each under its own name.
    fn build(&self, places: &Places, folder: &Path, packages: &[&str]) -> Result<()> {
        let mut go = Command::new("go");
        go.current_dir(&self.folder).env("CGO_ENABLED", "0").env("GOFLAGS", "-mod=readonly").env("GOWORK", "off");
        go.args(["build", "-trimpath", "-buildvcs=false", "-ldflags", &self.link_flags(), "-o"])
            .arg(folder)
            .args(packages);
        command::logged(&go, &places.state.join("build").join(format!("{}.log", file_name(folder))))
    }

    /// Without its version linked in, the node reports a development version, which charts' `kubeVersion` refuses.
    fn link_flags(&self) -> String {
        let (major, minor) = major_minor(&self.kubernetes);
        [
            "-s -w".to_owned(),
            format!("-X k8s.io/component-base/version.gitVersion={}", self.kubernetes),
            format!("-X k8s.io/component-base/version.gitMajor={major}"),
            format!("-X k8s.io/component-base/version.gitMinor={minor}"),
            "-X k8s.io/component-base/version.gitTreeState=clean".to_owned(),
            format!("-X helm.sh/helm/v3/internal/version.version={}", self.helm),
            format!("-X helm.sh/helm/v3/pkg/lint/rules.k8sVersionMajor={major}"),
            format!("-X helm.sh/helm/v3/pkg/lint/rules.k8sVersionMinor={minor}"),
            format!("-X helm.sh/helm/v3/pkg/chartutil.k8sVersionMajor={major}"),
            format!("-X helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor={minor}"),
        ]
        .join(" ")
    }
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let path = entry.with_context(|| format!("cannot read {}", folder.display()))?.path();
        if path.is_dir() {
            list(&path, files)?;
        } else if ![".md", "_test.go"].iter().any(|end| file_name(&path).ends_with(end)) {
            files.push(path);
        }
    }
    Ok(())
}

/// The version that go.mod requires of a module.
fn pinned(requirements: &str, module: &str) -> Option<String> {
    let words = requirements.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    words.filter(|words| !words.contains(&"=>")).find_map(|words| match words.as_slice() {
        [name, version, ..] | ["require", name, version, ..] if *name == module => Some((*version).to_owned()),
        _ => None,
    })
}

fn major_minor(version: &str) -> (String, String) {
    let mut numbers = version.trim_start_matches('v').split('.').map(str::to_owned);
    (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default())
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GO_MOD: &str = "module m\n\nrequire (\n\tk8s.io/kubernetes v1.37.2\n\thelm.sh/helm/v3 v3.22.0 // indirect\n)\n\n\
                          replace (\n\tk8s.io/api => k8s.io/api v0.37.2\n)\n";

    #[test]
    fn versions_come_from_the_requirements_and_not_from_replacements() {
        assert_eq!(pinned(GO_MOD, "k8s.io/kubernetes").as_deref(), Some("v1.37.2"));
        assert_eq!(pinned(GO_MOD, "helm.sh/helm/v3").as_deref(), Some("v3.22.0"));
        assert_eq!(pinned(GO_MOD, "k8s.io/api"), None);
    }

    #[test]
    fn the_parts_of_kubernetes_are_of_one_version() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sandbox/kubernetes");
        let kubernetes = Module::read(&folder).unwrap().kubernetes;
        let expected = kubernetes.replacen("v1.", "v0.", 1);
        let go_mod = fs::read_to_string(folder.join("go.mod")).unwrap();
        let replaced: Vec<_> = go_mod.lines().filter(|line| line.contains(" => ")).collect();
        assert!(replaced.len() > 20, "{replaced:?}");
        for line in replaced {
            assert!(line.ends_with(&expected), "{line} does not belong to Kubernetes {kubernetes}");
        }
    }

    #[test]
    fn the_bots_image_is_built_with_the_versions_that_the_tests_run_with() {
        let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let read = |name: &str| fs::read_to_string(checkout.join(name)).unwrap();
        let (image, go_mod, cargo) = (read("Dockerfile"), read("sandbox/kubernetes/go.mod"), read("Cargo.toml"));
        let helm = pinned(&go_mod, "helm.sh/helm/v3").unwrap();
        assert!(image.contains(&format!("ARG HELM_VERSION={helm}\n")), "the Dockerfile does not build Helm {helm}");
        let rust = cargo.lines().find_map(|line| line.strip_prefix("rust-version = ")).unwrap().trim_matches('"');
        assert!(image.contains(&format!("/rust:{rust}-")), "the Dockerfile does not use Rust {rust}");
    }

    #[test]
    fn this_project_pins_what_it_links_in() {
        let module = Module::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../sandbox/kubernetes")).unwrap();
        let flags = module.link_flags();
        assert!(flags.contains(&format!("component-base/version.gitVersion={}", module.kubernetes)), "{flags}");
        assert!(!module.helm.is_empty());
    }
}
