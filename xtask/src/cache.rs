//! The cache of built parts: each is there as a whole or not at all, and goes when it has not been used for long.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};

/// A part that nobody has used for so long is removed when a newer one of its kind was built.
const KEPT: Duration = Duration::from_hours(14 * 24);

/// Makes `folder` by letting `fill` fill another one and renaming it; nothing happens if it is there.
pub fn once(folder: &Path, fill: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    if used(folder) {
        return Ok(());
    }
    let name = file_name(folder);
    let prefix = format!("unfinished-{name}-");
    remove_abandoned(folder, &prefix)?;
    let unfinished = folder.with_file_name(format!("{prefix}{}", std::process::id()));
    fs::create_dir_all(&unfinished).with_context(|| format!("cannot make the folder {}", unfinished.display()))?;
    let filled = fill(&unfinished);
    if filled.is_err() {
        // The reason of the failure says more than one of the cleaning up.
        let _ = fs::remove_dir_all(&unfinished);
        return filled;
    }
    match fs::rename(&unfinished, folder) {
        Ok(()) => {
            prune(folder);
            Ok(())
        }
        // Another checkout has built the same meanwhile.
        Err(_) if folder.exists() => {
            fs::remove_dir_all(&unfinished).with_context(|| format!("cannot remove {}", unfinished.display()))
        }
        Err(error) => Err(error).with_context(|| format!("cannot make the folder {}", folder.display())),
    }
}

/// Notes that a part is used now, by its own time; whether it is there.
pub fn used(part: &Path) -> bool {
    let Ok(file) = File::open(part) else { return false };
    // Another user's cache cannot be noted in, nor pruned.
    let _ = file.set_modified(SystemTime::now());
    true
}

/// Removes what lies beside a part that was just built, is of its kind, and has not been used for long. A kind is what
/// stands before the first hyphen. What cannot be removed stays: it is no reason to fail.
pub fn prune(built: &Path) {
    let Some(folder) = built.parent() else { return };
    let (kind, in_use) = (kind(built), in_use(folder));
    let Ok(parts) = fs::read_dir(folder) else { return };
    for part in parts.filter_map(Result::ok).map(|entry| entry.path()) {
        let running = in_use.iter().any(|text| text.contains(&file_name(&part)));
        if part != built && self::kind(&part) == kind && !running && unused_for_long(&part) {
            let _ = remove(&part);
        }
    }
}

/// What the sandboxes of all checkouts of this cache were started with, and what they tell people to use.
fn in_use(cache: &Path) -> Vec<String> {
    let checkouts = fs::read_dir(cache.join("checkouts")).into_iter().flatten().filter_map(Result::ok);
    let texts = checkouts.map(|checkout| checkout.path()).flat_map(|state| {
        let holder = fs::read_to_string(state.join("run.lock")).unwrap_or_default();
        let command_line = Path::new("/proc").join(holder.trim()).join("cmdline");
        [command_line, state.join("sandbox.json"), state.join("users-cluster.json")]
    });
    texts.filter_map(|file| fs::read(file).ok()).map(|text| String::from_utf8_lossy(&text).into_owned()).collect()
}

fn unused_for_long(part: &Path) -> bool {
    let Ok(about) = fs::symlink_metadata(part) else { return false };
    let age = about.modified().ok().and_then(|modified| modified.elapsed().ok());
    // A link leads into somebody else's cache.
    !about.is_symlink() && age.is_some_and(|age| age > KEPT)
}

/// Moves a part away first, so that nobody meets half of it.
fn remove(part: &Path) -> std::io::Result<()> {
    let going: PathBuf = part.with_file_name(format!("unfinished-{}-{}", file_name(part), std::process::id()));
    fs::rename(part, &going)?;
    if going.is_dir() { fs::remove_dir_all(going) } else { fs::remove_file(going) }
}

fn kind(part: &Path) -> String {
    file_name(part).split('-').next().unwrap_or_default().to_owned()
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Removes what builds of the same part left whose process is gone.
fn remove_abandoned(folder: &Path, prefix: &str) -> Result<()> {
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
    fn a_failed_build_leaves_nothing_and_a_good_one_is_made_once() {
        let folder = std::env::temp_dir().join(format!("lockkeeper-build-{}", std::process::id())).join("part-v1");
        let failed = once(&folder, |unfinished| {
            fs::write(unfinished.join("half"), "")?;
            bail!("no compiler")
        });
        assert_eq!(failed.unwrap_err().to_string(), "no compiler");
        assert_eq!(fs::read_dir(folder.parent().unwrap()).unwrap().count(), 0);
        // No process has a number this high.
        fs::create_dir(folder.with_file_name("unfinished-part-v1-99999999")).unwrap();
        once(&folder, |unfinished| Ok(fs::write(unfinished.join("program"), "1")?)).unwrap();
        once(&folder, |_| bail!("built again")).unwrap();
        assert_eq!(fs::read_dir(folder.parent().unwrap()).unwrap().count(), 1);
        assert_eq!(fs::read_to_string(folder.join("program")).unwrap(), "1");
        fs::remove_dir_all(folder.parent().unwrap()).unwrap();
    }

    #[test]
    fn only_what_is_old_unused_and_of_the_same_kind_goes() {
        let cache = std::env::temp_dir().join(format!("lockkeeper-prune-{}", std::process::id()));
        let long_ago = SystemTime::now() - KEPT - Duration::from_hours(1);
        let state = cache.join("checkouts/one");
        fs::create_dir_all(&state).unwrap();
        for part in ["part-old", "part-used", "part-runs", "part-told", "part-young", "other-old"] {
            fs::create_dir(cache.join(part)).unwrap();
            if part != "part-young" {
                File::open(cache.join(part)).unwrap().set_modified(long_ago).unwrap();
            }
        }
        std::os::unix::fs::symlink("other-old", cache.join("part-linked")).unwrap();
        assert!(used(&cache.join("part-used")) && !used(&cache.join("part-gone")));
        // A sandbox runs since long ago, whose holder's command line names one part and whose file another.
        let holder = std::process::Command::new("sh")
            .args(["-c", "echo runs; read wait", "part-runs"])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn();
        let mut holder = holder.unwrap();
        // Before it says something, the kernel may not have its command line yet.
        std::io::Read::read_exact(holder.stdout.as_mut().unwrap(), &mut [0; 5]).unwrap();
        fs::write(state.join("run.lock"), format!("{}\n", holder.id())).unwrap();
        fs::write(state.join("sandbox.json"), r#"{"kubectl": "/cache/part-told/kubectl"}"#).unwrap();

        once(&cache.join("part-new"), |_| Ok(())).unwrap();
        holder.kill().unwrap();
        holder.wait().unwrap();

        let mut left: Vec<_> = fs::read_dir(&cache).unwrap().map(|part| file_name(&part.unwrap().path())).collect();
        left.sort();
        let wanted =
            ["checkouts", "other-old", "part-linked", "part-new", "part-runs", "part-told", "part-used", "part-young"];
        assert_eq!(left, wanted);
        fs::remove_dir_all(&cache).unwrap();
    }
}
