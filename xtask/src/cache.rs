//! The cache of built parts, such as the Kubernetes programs and the images.
//!
//! A part appears in one step, so nobody reads half of it. A part that was not used for two weeks is removed.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};

/// A part that was not used for this long is removed when a newer part of its kind is built.
const MAX_UNUSED: Duration = Duration::from_hours(14 * 24);

/// Builds `folder` unless it exists. `fill` fills a temporary folder, which is then renamed.
pub fn build_once(folder: &Path, fill: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    if mark_used(folder) {
        return Ok(());
    }
    let name = file_name(folder);
    let prefix = format!("unfinished-{name}-");
    remove_abandoned_builds(folder, &prefix)?;
    let unfinished = folder.with_file_name(format!("{prefix}{}", std::process::id()));
    fs::create_dir_all(&unfinished).with_context(|| format!("cannot make the folder {}", unfinished.display()))?;
    let filled = fill(&unfinished);
    if filled.is_err() {
        // The error of the build says more than an error of the clean-up would.
        let _ = fs::remove_dir_all(&unfinished);
        return filled;
    }
    match fs::rename(&unfinished, folder) {
        Ok(()) => {
            prune(folder);
            Ok(())
        }
        // Another checkout has built the same part in the meantime.
        Err(_) if folder.exists() => {
            fs::remove_dir_all(&unfinished).with_context(|| format!("cannot remove {}", unfinished.display()))
        }
        Err(error) => Err(error).with_context(|| format!("cannot make the folder {}", folder.display())),
    }
}

/// Marks a part as used now by setting its modification time. Returns whether the part exists.
pub fn mark_used(part: &Path) -> bool {
    let Ok(file) = File::open(part) else { return false };
    // The cache of another user cannot be written. It is not pruned either.
    let _ = file.set_modified(SystemTime::now());
    true
}

/// Removes parts that have the kind of the part just built and were not used for a long time.
///
/// The kind is the text before the first hyphen. A part that cannot be removed stays; this is not an error.
pub fn prune(built: &Path) {
    let Some(folder) = built.parent() else { return };
    let (kind, running_sandboxes) = (kind_of(built), read_running_sandboxes(folder));
    let Ok(parts) = fs::read_dir(folder) else { return };
    for part in parts.filter_map(Result::ok).map(|entry| entry.path()) {
        let running = running_sandboxes.iter().any(|text| text.contains(&file_name(&part)));
        if part != built && kind_of(&part) == kind && !running && is_unused(&part) {
            let _ = remove(&part);
        }
    }
}

/// Reads the command lines and `sandbox.json` files of the sandboxes that use this cache. They name the parts in use.
fn read_running_sandboxes(cache: &Path) -> Vec<String> {
    let checkouts = fs::read_dir(cache.join("checkouts")).into_iter().flatten().filter_map(Result::ok);
    let texts = checkouts.map(|checkout| checkout.path()).flat_map(|state| {
        let holder = fs::read_to_string(state.join("run.lock")).unwrap_or_default();
        let command_line = Path::new("/proc").join(holder.trim()).join("cmdline");
        [command_line, state.join("sandbox.json"), state.join("users-cluster.json")]
    });
    texts.filter_map(|file| fs::read(file).ok()).map(|text| String::from_utf8_lossy(&text).into_owned()).collect()
}

fn is_unused(part: &Path) -> bool {
    let Ok(about) = fs::symlink_metadata(part) else { return false };
    let age = about.modified().ok().and_then(|modified| modified.elapsed().ok());
    // A link points into the cache of another checkout.
    !about.is_symlink() && age.is_some_and(|age| age > MAX_UNUSED)
}

/// Renames a part before it is removed, so that nobody reads half of it.
fn remove(part: &Path) -> std::io::Result<()> {
    let renamed: PathBuf = part.with_file_name(format!("unfinished-{}-{}", file_name(part), std::process::id()));
    fs::rename(part, &renamed)?;
    if renamed.is_dir() { fs::remove_dir_all(renamed) } else { fs::remove_file(renamed) }
}

fn kind_of(part: &Path) -> String {
    file_name(part).split('-').next().unwrap_or_default().to_owned()
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Removes the unfinished folders of builds whose process no longer exists.
fn remove_abandoned_builds(folder: &Path, prefix: &str) -> Result<()> {
    let Some(siblings) = folder.parent().and_then(|parent| fs::read_dir(parent).ok()) else { return Ok(()) };
    for sibling in siblings.filter_map(Result::ok) {
        let name = sibling.file_name();
        let Some(process) = name.to_str().and_then(|name| name.strip_prefix(prefix)) else { continue };
        if !Path::new("/proc").join(process).exists() {
            let path = sibling.path();
            fs::remove_dir_all(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use anyhow::bail;

    use super::*;

    #[test]
    fn a_failed_build_leaves_nothing_and_a_finished_part_is_not_built_again() {
        let folder = std::env::temp_dir().join(format!("lockkeeper-build-{}", std::process::id())).join("part-v1");
        let failed = build_once(&folder, |unfinished| {
            fs::write(unfinished.join("half"), "")?;
            bail!("no compiler")
        });
        assert_eq!(failed.unwrap_err().to_string(), "no compiler");
        assert_eq!(fs::read_dir(folder.parent().unwrap()).unwrap().count(), 0);
        // No process has an id this high.
        fs::create_dir(folder.with_file_name("unfinished-part-v1-99999999")).unwrap();
        build_once(&folder, |unfinished| Ok(fs::write(unfinished.join("program"), "1")?)).unwrap();
        build_once(&folder, |_| bail!("built again")).unwrap();
        assert_eq!(fs::read_dir(folder.parent().unwrap()).unwrap().count(), 1);
        assert_eq!(fs::read_to_string(folder.join("program")).unwrap(), "1");
        fs::remove_dir_all(folder.parent().unwrap()).unwrap();
    }

    #[test]
    fn only_old_unused_parts_of_the_same_kind_are_removed() {
        let cache = std::env::temp_dir().join(format!("lockkeeper-prune-{}", std::process::id()));
        let long_ago = SystemTime::now() - MAX_UNUSED - Duration::from_hours(1);
        let state = cache.join("checkouts/one");
        fs::create_dir_all(&state).unwrap();
        for part in ["part-old", "part-used", "part-running", "part-named", "part-young", "other-old"] {
            fs::create_dir(cache.join(part)).unwrap();
            if part != "part-young" {
                File::open(cache.join(part)).unwrap().set_modified(long_ago).unwrap();
            }
        }
        std::os::unix::fs::symlink("other-old", cache.join("part-linked")).unwrap();
        assert!(mark_used(&cache.join("part-used")) && !mark_used(&cache.join("part-absent")));
        // A sandbox has run for long. The command line of its holder names one part, its sandbox.json another.
        let holder = std::process::Command::new("sh")
            .args(["-c", "echo runs; read wait", "part-running"])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn();
        let mut holder = holder.unwrap();
        // Until the holder prints something, the kernel may not show its command line yet.
        std::io::Read::read_exact(holder.stdout.as_mut().unwrap(), &mut [0; 5]).unwrap();
        fs::write(state.join("run.lock"), format!("{}\n", holder.id())).unwrap();
        fs::write(state.join("sandbox.json"), r#"{"kubectl": "/cache/part-named/kubectl"}"#).unwrap();

        build_once(&cache.join("part-new"), |_| Ok(())).unwrap();
        holder.kill().unwrap();
        holder.wait().unwrap();

        let mut left: Vec<_> = fs::read_dir(&cache).unwrap().map(|part| file_name(&part.unwrap().path())).collect();
        left.sort();
        let wanted = [
            "checkouts",
            "other-old",
            "part-linked",
            "part-named",
            "part-new",
            "part-running",
            "part-used",
            "part-young",
        ];
        assert_eq!(left, wanted);
        fs::remove_dir_all(&cache).unwrap();
    }
}
