//! The sandbox's images: one layer with a real Flink, and a thin layer for each version of the sample job.
//!
//! Everything comes from package registries: the system from Debian, Flink from `PyPI`, what the job needs from Maven
//! Central, Java from the machine's own JDK. What was built once is kept in the cache under a name made of the hash of
//! its inputs, so unchanged inputs build nothing.

mod archive;
mod flink;
mod inputs;
mod jobs;
mod layer;
mod system;
mod tool;

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use archive::Image;
use inputs::Key;

use crate::cache;

/// The name of the sample application's images, without the version.
pub const REPOSITORY: &str = "sandbox.invalid/orders";

/// Where things are while images are built.
struct Places<'a> {
    /// The project's sources.
    checkout: &'a Path,
    /// What was built, kept.
    cache: PathBuf,
    /// For what is being built; emptied at the start of each build.
    work: PathBuf,
}

/// Builds what is missing and returns the docker-archive files to import, each of them whole once it is there.
///
/// The files are kept below `cache`; `progress` is told about each step that takes more than a moment. Two builds in the
/// same cache wait for each other.
pub fn build(cache: &Path, checkout: &Path, progress: &dyn Fn(&str)) -> Result<Vec<PathBuf>> {
    let cache = cache.join("images");
    fs::create_dir_all(&cache).with_context(|| format!("cannot make the folder {}", cache.display()))?;
    let work = cache.join("work");
    let _lock = lock(&cache.join("lock"))?;
    clear(&work)?;
    let places = Places { checkout, cache, work };
    let archives = build_archive(&places, progress);
    clear(&places.work)?;
    archives.map(|path| vec![path])
}

fn build_archive(places: &Places, progress: &dyn Fn(&str)) -> Result<PathBuf> {
    let base_key = system::key(places)?;
    let jobs_key = jobs::key(places)?;
    let key =
        Key::new("archive").and("format", archive::FORMAT).and("base", base_key.name()).and("jobs", jobs_key.name());
    let archive = places.cache.join(format!("orders-{}.tar", key.name()));
    // What the archive was made of is used as well: a change of the one needs the other again.
    let (base, jars) = (system::kept(places, &base_key), jobs::kept(places, &jobs_key));
    if [&archive, &base, &jars].map(|part| cache::used(part))[0] {
        return Ok(archive);
    }
    let base = system::layer(places, &base_key, progress)?;
    let mut images = Vec::new();
    for job in jobs::jars(places, &jobs_key, progress)? {
        let layer = places.work.join(format!("{}.tar", job.version));
        layer::with_file(&layer, "opt/flink/usrlib/orders.jar", &job.jar)?;
        images.push(Image { tag: format!("{REPOSITORY}:{}", job.version), layers: vec![base.clone(), layer] });
    }
    progress("writing the images' archive");
    let unfinished = places.work.join("archive.tar");
    archive::write(&unfinished, &images)?;
    keep(&unfinished, &archive)?;
    Ok(archive)
}

/// Moves a finished file or folder to the place where it is kept, in one step. What it takes the place of goes some day.
fn keep(finished: &Path, kept: &Path) -> Result<()> {
    fs::rename(finished, kept).with_context(|| format!("cannot move {} to {}", finished.display(), kept.display()))?;
    cache::prune(kept);
    Ok(())
}

fn lock(path: &Path) -> Result<File> {
    let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
    file.lock().with_context(|| format!("cannot lock {}", path.display()))?;
    Ok(file)
}

fn clear(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove the unfinished build in {}", folder.display()))
        }
        _ => Ok(()),
    }
}
