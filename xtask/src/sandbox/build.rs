//! Builds the programs of Kubernetes from the Go module in sandbox/kubernetes. Unchanged sources are not built again.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::cache::build_once;
use crate::command;
use crate::hash::{hex, short_hash};
use crate::paths::Paths;
use crate::progress::Progress;

/// The programs that make up the sandbox.
pub struct Kubernetes {
    /// Creates the namespaces and runs everything inside them.
    pub node: PathBuf,
    /// All servers of Kubernetes in one program.
    pub kube: PathBuf,
    /// The archive of the pause image, which every pod needs.
    pub pause_image: PathBuf,
}

/// The programs that people and tests use.
pub struct Tools {
    /// kubectl of the sandbox's Kubernetes version.
    pub kubectl: PathBuf,
    /// Helm, built with the libraries of the same Kubernetes version.
    pub helm: PathBuf,
}

/// Builds the servers unless they are cached.
pub fn build_kubernetes(paths: &Paths, progress: &Progress) -> Result<Kubernetes> {
    let module = Module::read(&paths.kubernetes())?;
    let folder = module.cache_folder(&paths.cache, "kubernetes", &module.sources_hash()?)?;
    let built = |folder: &Path| Kubernetes {
        node: folder.join("node"),
        kube: folder.join("kube"),
        pause_image: folder.join(format!("pause-{}.tar", file_name(folder))),
    };
    build_once(&folder, |unfinished| {
        let step = progress.step("building Kubernetes");
        module.build(paths, unfinished, &["./cmd/node", "./cmd/pause", "./cmd/kube"])?;
        let image = unfinished.join(file_name(&built(&folder).pause_image));
        command::read_output(
            Command::new(unfinished.join("node")).arg("pause-image").arg(unfinished.join("pause")).arg(&image),
        )?;
        step.finish();
        Ok(())
    })?;
    Ok(built(&folder))
}

/// Builds kubectl and Helm unless they are cached.
pub fn build_tools(paths: &Paths, progress: &Progress) -> Result<Tools> {
    let module = Module::read(&paths.kubernetes())?;
    let folder = module.cache_folder(&paths.cache, "tools", &module.versions_hash())?;
    build_once(&folder, |unfinished| {
        let step = progress.step("building kubectl and helm");
        module.build(paths, unfinished, &["k8s.io/kubernetes/cmd/kubectl", "helm.sh/helm/v3/cmd/helm"])?;
        step.finish();
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
        let version = |module: &str| {
            pinned_version(&requirements, module).with_context(|| format!("go.mod does not pin {module}"))
        };
        Ok(Self {
            folder: folder.to_owned(),
            kubernetes: version("k8s.io/kubernetes")?,
            helm: version("helm.sh/helm/v3")?,
            pins: requirements.clone() + &read("go.sum")?,
        })
    }

    /// The cache folder of a build. It exists only once the build is complete.
    fn cache_folder(&self, cache: &Path, name: &str, hash: &str) -> Result<PathBuf> {
        let go = command::read_output(Command::new("go").args(["env", "GOVERSION"]))?;
        let hash = short_hash(format!("{go}\n{}\n{hash}", self.link_flags()).as_bytes());
        Ok(cache.join(format!("{name}-{}-{hash}", self.kubernetes)))
    }

    fn versions_hash(&self) -> String {
        hex(&Sha256::digest(&self.pins))
    }

    fn sources_hash(&self) -> Result<String> {
        let mut files = Vec::new();
        list_files(&self.folder, &mut files)?;
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

    /// Builds Go packages into `folder`, each under its own name.
    fn build(&self, paths: &Paths, folder: &Path, packages: &[&str]) -> Result<()> {
        let mut go = Command::new("go");
        go.current_dir(&self.folder).env("CGO_ENABLED", "0").env("GOFLAGS", "-mod=readonly").env("GOWORK", "off");
        go.args(["build", "-trimpath", "-buildvcs=false", "-ldflags", &self.link_flags(), "-o"])
            .arg(folder)
            .args(packages);
        command::run_logged(&go, &paths.state.join("build").join(format!("{}.log", file_name(folder))))
    }

    /// Links the versions in. Without them the node reports a development version, which the `kubeVersion` of charts refuses.
    fn link_flags(&self) -> String {
        let (major, minor) = split_version(&self.kubernetes);
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

fn list_files(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let path = entry.with_context(|| format!("cannot read {}", folder.display()))?.path();
        if path.is_dir() {
            list_files(&path, files)?;
        } else if ![".md", "_test.go"].iter().any(|end| file_name(&path).ends_with(end)) {
            files.push(path);
        }
    }
    Ok(())
}

/// Finds the version of a module that go.mod requires.
fn pinned_version(requirements: &str, module: &str) -> Option<String> {
    let words = requirements.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    words.filter(|words| !words.contains(&"=>")).find_map(|words| match words.as_slice() {
        [name, version, ..] | ["require", name, version, ..] if *name == module => Some((*version).to_owned()),
        _ => None,
    })
}

fn split_version(version: &str) -> (String, String) {
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
    fn versions_are_read_from_requirements_and_not_from_replacements() {
        assert_eq!(pinned_version(GO_MOD, "k8s.io/kubernetes").as_deref(), Some("v1.37.2"));
        assert_eq!(pinned_version(GO_MOD, "helm.sh/helm/v3").as_deref(), Some("v3.22.0"));
        assert_eq!(pinned_version(GO_MOD, "k8s.io/api"), None);
    }

    #[test]
    fn all_modules_of_kubernetes_have_the_same_version() {
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
    fn the_dockerfile_uses_the_versions_that_the_tests_use() {
        let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let read = |name: &str| fs::read_to_string(checkout.join(name)).unwrap();
        let (image, go_mod, cargo) = (read("Dockerfile"), read("sandbox/kubernetes/go.mod"), read("Cargo.toml"));
        let helm = pinned_version(&go_mod, "helm.sh/helm/v3").unwrap();
        assert!(image.contains(&format!("ARG HELM_VERSION={helm}\n")), "the Dockerfile does not build Helm {helm}");
        let rust = cargo.lines().find_map(|line| line.strip_prefix("rust-version = ")).unwrap().trim_matches('"');
        assert!(image.contains(&format!("/rust:{rust}-")), "the Dockerfile does not use Rust {rust}");
    }

    #[test]
    fn the_linked_versions_are_pinned_in_go_mod() {
        let module = Module::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../sandbox/kubernetes")).unwrap();
        let flags = module.link_flags();
        assert!(flags.contains(&format!("component-base/version.gitVersion={}", module.kubernetes)), "{flags}");
        assert!(!module.helm.is_empty());
    }
}
