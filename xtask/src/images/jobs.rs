//! The sample job's jars: one Maven run makes one for each version.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::inputs::{Key, sorted};
use super::tool::run;
use super::{Places, keep};

/// The jar of one version.
pub(super) struct Job {
    /// As in the jar's manifest, for example `1.0.0`.
    pub(super) version: String,
    /// Where the jar is.
    pub(super) jar: PathBuf,
}

/// What the jars are made of. Tests are not: they change no jar.
pub(super) fn key(places: &Places) -> Result<Key> {
    let job = places.checkout.join("sandbox/job");
    Key::new("jobs").and_path("pom", &job.join("pom.xml"))?.and_path("main", &job.join("src/main"))
}

/// Where the jars are kept.
pub(super) fn kept(places: &Places, key: &Key) -> PathBuf {
    places.cache.join(format!("jobs-{}", key.name()))
}

/// The jars, built if they are not there, by version.
pub(super) fn jars(places: &Places, key: &Key, progress: &dyn Fn(&str)) -> Result<Vec<Job>> {
    let kept = kept(places, key);
    if !kept.exists() {
        progress("building the sample job with Maven");
        keep(&build(places)?, &kept)?;
    }
    let jobs = sorted(&kept)?.into_iter().filter_map(|name| {
        let version = name.strip_prefix("orders-1-")?.strip_suffix(".jar")?.to_owned();
        Some(Job { version, jar: kept.join(name) })
    });
    let jobs: Vec<Job> = jobs.collect();
    if jobs.is_empty() {
        bail!("Maven made no jar named orders-1-<version>.jar; see the executions in sandbox/job/pom.xml");
    }
    Ok(jobs)
}

/// Builds in a copy, so that nothing is left in the checkout and what is built is what was hashed.
fn build(places: &Places) -> Result<PathBuf> {
    let job = places.checkout.join("sandbox/job");
    let copy = places.work.join("job");
    copy_folder(&job.join("src/main"), &copy.join("src/main"))?;
    fs::copy(job.join("pom.xml"), copy.join("pom.xml")).context("cannot copy the job's pom.xml")?;
    let mut maven = Command::new("mvn");
    maven.args(["--batch-mode", "--quiet", "-DskipTests", "package"]).current_dir(&copy);
    run(&mut maven, "building the sample job")?;
    let jars = places.work.join("jars");
    fs::create_dir_all(&jars)?;
    for name in sorted(&copy.join("target"))? {
        if Path::new(&name).extension().is_some_and(|extension| extension == "jar") {
            fs::rename(copy.join("target").join(&name), jars.join(&name))?;
        }
    }
    Ok(jars)
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("cannot make {}", to.display()))?;
    for name in sorted(from)? {
        let (from, to) = (from.join(&name), to.join(&name));
        if from.is_dir() {
            copy_folder(&from, &to)?;
        } else {
            fs::copy(&from, &to).with_context(|| format!("cannot copy {}", from.display()))?;
        }
    }
    Ok(())
}
