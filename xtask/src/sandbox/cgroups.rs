//! Removes the cgroup folders that outlast a sandbox: the kernel ends its processes, mounts and devices, but not these.

use std::fs;
use std::io;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

const ROOT: &str = "/sys/fs/cgroup";
/// A process that was killed leaves its cgroup a little after it is gone otherwise: until then the folder is busy.
const BUSY_DEADLINE: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(50);

/// Removes the folders called `name` from every hierarchy, with all below them. They are empty once the sandbox ended.
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

/// Removes folders only, from the innermost out: the files in a cgroup are the kernel's.
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
    match once_free(Instant::now() + BUSY_DEADLINE, || fs::remove_dir(folder)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("the cgroup {} cannot be removed", folder.display()))
        }
        _ => Ok(()),
    }
}

fn once_free(deadline: Instant, mut remove: impl FnMut() -> io::Result<()>) -> io::Result<()> {
    loop {
        match remove() {
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy && Instant::now() < deadline => sleep(POLL),
            other => return other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_folders_of_the_given_name_go_from_both_kinds_of_hierarchy() {
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
    fn a_folder_that_is_busy_is_tried_again_until_the_deadline() {
        let busy = || io::Error::from(io::ErrorKind::ResourceBusy);
        let mut tries = 0;
        let freed = once_free(Instant::now() + BUSY_DEADLINE, || {
            tries += 1;
            if tries < 3 { Err(busy()) } else { Ok(()) }
        });
        assert!(freed.is_ok() && tries == 3);
        assert_eq!(once_free(Instant::now(), || Err(busy())).unwrap_err().kind(), io::ErrorKind::ResourceBusy);
    }
}
