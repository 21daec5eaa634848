//! Removes the cgroup folders of an ended sandbox. The kernel removes its processes, mounts and devices, but not these.

use std::fs;
use std::io;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

const ROOT: &str = "/sys/fs/cgroup";
/// How long to retry a busy folder: a killed process leaves its cgroup a moment after it disappears elsewhere.
const BUSY_TIMEOUT: Duration = Duration::from_secs(20);
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Removes the folder `name` and all folders below it from every hierarchy. No process may be left in them.
pub fn remove(name: &str) -> Result<()> {
    remove_below(Path::new(ROOT), name)
}

fn remove_below(root: &Path, name: &str) -> Result<()> {
    // Under cgroup v2 the folder is in the root itself, under v1 in each hierarchy.
    remove_tree(&root.join(name))?;
    let hierarchies = match fs::read_dir(root) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other.with_context(|| format!("cannot read {}", root.display()))?,
    };
    for hierarchy in hierarchies {
        remove_tree(&hierarchy.with_context(|| format!("cannot read {}", root.display()))?.path().join(name))?;
    }
    Ok(())
}

/// Removes folders only, the innermost first: the kernel owns the files in a cgroup.
fn remove_tree(folder: &Path) -> Result<()> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => return Ok(()),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", folder.display())),
    };
    for entry in entries {
        let entry = entry.with_context(|| format!("cannot read {}", folder.display()))?;
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_tree(&entry.path())?;
        }
    }
    match retry_while_busy(Instant::now() + BUSY_TIMEOUT, || fs::remove_dir(folder)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("the cgroup {} cannot be removed", folder.display()))
        }
        _ => Ok(()),
    }
}

fn retry_while_busy(deadline: Instant, mut remove: impl FnMut() -> io::Result<()>) -> io::Result<()> {
    loop {
        match remove() {
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy && Instant::now() < deadline => {
                sleep(POLL_INTERVAL);
            }
            other => return other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_folders_with_the_given_name_are_removed_under_cgroup_v1_and_v2() {
        let root = std::env::temp_dir().join(format!("lockkeeper-cgroups-{}", std::process::id()));
        for folder in ["memory/mine/kubepods/pod1", "memory/theirs/kubepods", "mine/kubepods"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        remove_below(&root, "mine").unwrap();
        assert!(!root.join("memory/mine").exists() && !root.join("mine").exists());
        assert!(root.join("memory/theirs/kubepods").exists());
        remove_below(&root, "mine").unwrap();
        fs::remove_dir_all(&root).unwrap();
    }

    #[test]
    fn a_busy_folder_is_retried_until_the_deadline() {
        let busy = || io::Error::from(io::ErrorKind::ResourceBusy);
        let mut tries = 0;
        let freed = retry_while_busy(Instant::now() + BUSY_TIMEOUT, || {
            tries += 1;
            if tries < 3 { Err(busy()) } else { Ok(()) }
        });
        assert!(freed.is_ok() && tries == 3);
        assert_eq!(retry_while_busy(Instant::now(), || Err(busy())).unwrap_err().kind(), io::ErrorKind::ResourceBusy);
    }
}
