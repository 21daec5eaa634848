//! Builds the images of the sandbox: one shared layer with Flink, and a small layer for each version of the sample job.
//!
//! The system comes from Debian, Flink from `PyPI`, the job's dependencies from Maven Central, Java from the machine's JDK.
//! Each built file is cached under the hash of its inputs, so unchanged inputs build nothing.

mod archive;
mod flink;
mod jobs;
mod key;
mod layer;
mod system;
mod tool;

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use archive::Image;
use key::Key;

use crate::cache;

/// The name of the sample application's images, without the version.
pub const REPOSITORY: &str = "sandbox.invalid/orders";

/// The folders that a build of images uses.
struct BuildPaths<'a> {
    /// The project's sources.
    checkout: &'a Path,
    /// Finished builds.
    cache: PathBuf,
    /// Unfinished builds. It is emptied at the start of each build.
    work: PathBuf,
}

/// Builds what is missing and returns the docker-archive files to import.
///
/// The files are below `cache`. `progress` is called at the start of each slow step. Two builds in the same cache wait for
/// each other.
pub fn build(cache: &Path, checkout: &Path, progress: &dyn Fn(&str)) -> Result<Vec<PathBuf>> {
    let cache = cache.join("images");
    fs::create_dir_all(&cache).with_context(|| format!("cannot make the folder {}", cache.display()))?;
    let work = cache.join("work");
    let _lock = lock_file(&cache.join("lock"))?;
    remove_folder(&work)?;
    let paths = BuildPaths { checkout, cache, work };
    let archives = build_archive(&paths, progress);
    remove_folder(&paths.work)?;
    archives.map(|path| vec![path])
}

fn build_archive(paths: &BuildPaths, progress: &dyn Fn(&str)) -> Result<PathBuf> {
    let base_key = system::cache_key(paths)?;
    let jobs_key = jobs::cache_key(paths)?;
    let key =
        Key::new("archive").with("format", archive::FORMAT).with("base", base_key.name()).with("jobs", jobs_key.name());
    let archive = paths.cache.join(format!("orders-{}.tar", key.name()));
    // The layer and the jars count as used too: if only one of them changes, the other is needed again.
    let (base, jars) = (system::cached_path(paths, &base_key), jobs::cached_path(paths, &jobs_key));
    if [&archive, &base, &jars].map(|part| cache::mark_used(part))[0] {
        return Ok(archive);
    }
    let base = system::build_layer(paths, &base_key, progress)?;
    let mut images = Vec::new();
    for job in jobs::build_jars(paths, &jobs_key, progress)? {
        let layer = paths.work.join(format!("{}.tar", job.version));
        layer::write_file(&layer, "opt/flink/usrlib/orders.jar", &job.jar)?;
        images.push(Image { tag: format!("{REPOSITORY}:{}", job.version), layers: vec![base.clone(), layer] });
    }
    progress("writing the images' archive");
    let unfinished = paths.work.join("archive.tar");
    archive::write(&unfinished, &images)?;
    move_into_cache(&unfinished, &archive)?;
    Ok(archive)
}

/// Moves a finished file or folder into the cache in one step, and removes old parts of the same kind.
fn move_into_cache(finished: &Path, cached: &Path) -> Result<()> {
    fs::rename(finished, cached)
        .with_context(|| format!("cannot move {} to {}", finished.display(), cached.display()))?;
    cache::prune(cached);
    Ok(())
}

fn lock_file(path: &Path) -> Result<File> {
    let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
    file.lock().with_context(|| format!("cannot lock {}", path.display()))?;
    Ok(file)
}

fn remove_folder(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove the unfinished build in {}", folder.display()))
        }
        _ => Ok(()),
    }
}
