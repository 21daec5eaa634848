//! Builds the jars of the sample job. One Maven run builds the jars of all versions.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::key::{Key, sorted_names};
use super::tool::run_tool;
use super::{BuildPaths, move_into_cache};

/// The jar of one version.
pub(super) struct Job {
    /// The version in the jar's manifest, for example `1.0.0`.
    pub(super) version: String,
    /// The path of the jar.
    pub(super) jar: PathBuf,
}

/// The key of the jars. The job's tests are no input, because they change no jar.
pub(super) fn cache_key(paths: &BuildPaths) -> Result<Key> {
    let job = paths.checkout.join("sandbox/job");
    Key::new("jobs").with_path("pom", &job.join("pom.xml"))?.with_path("main", &job.join("src/main"))
}

/// The folder that holds the jars in the cache.
pub(super) fn cached_path(paths: &BuildPaths, key: &Key) -> PathBuf {
    paths.cache.join(format!("jobs-{}", key.name()))
}

/// Returns the jars, sorted by version. Builds them unless they are cached.
pub(super) fn build_jars(paths: &BuildPaths, key: &Key, progress: &dyn Fn(&str)) -> Result<Vec<Job>> {
    let cached = cached_path(paths, key);
    if !cached.exists() {
        progress("building the sample job with Maven");
        move_into_cache(&build(paths)?, &cached)?;
    }
    let jobs = sorted_names(&cached)?.into_iter().filter_map(|name| {
        let version = name.strip_prefix("orders-1-")?.strip_suffix(".jar")?.to_owned();
        Some(Job { version, jar: cached.join(name) })
    });
    let jobs: Vec<Job> = jobs.collect();
    if jobs.is_empty() {
        bail!("Maven built no jar named orders-1-<version>.jar; see the executions in sandbox/job/pom.xml");
    }
    Ok(jobs)
}

/// Builds in a copy. The checkout stays clean, and the build uses only the files that the key covers.
fn build(paths: &BuildPaths) -> Result<PathBuf> {
    let job = paths.checkout.join("sandbox/job");
    let copy = paths.work.join("job");
    copy_folder(&job.join("src/main"), &copy.join("src/main"))?;
    fs::copy(job.join("pom.xml"), copy.join("pom.xml")).context("cannot copy the job's pom.xml")?;
    let mut maven = Command::new("mvn");
    maven.args(["--batch-mode", "--quiet", "-DskipTests", "package"]).current_dir(&copy);
    run_tool(&mut maven, "building the sample job")?;
    let jars = paths.work.join("jars");
    fs::create_dir_all(&jars)?;
    for name in sorted_names(&copy.join("target"))? {
        if Path::new(&name).extension().is_some_and(|extension| extension == "jar") {
            fs::rename(copy.join("target").join(&name), jars.join(&name))?;
        }
    }
    Ok(jars)
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("cannot make {}", to.display()))?;
    for name in sorted_names(from)? {
        let (from, to) = (from.join(&name), to.join(&name));
        if from.is_dir() {
            copy_folder(&from, &to)?;
        } else {
            fs::copy(&from, &to).with_context(|| format!("cannot copy {}", from.display()))?;
        }
    }
    Ok(())
}
