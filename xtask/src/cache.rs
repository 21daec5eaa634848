//! The cache of built parts: each is a folder that is there as a whole or not at all.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// Makes `folder` by letting `fill` fill another one and renaming it; nothing happens if it is there.
pub fn once(folder: &Path, fill: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    if folder.exists() {
        return Ok(());
    }
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
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
        Ok(()) => Ok(()),
        // Another checkout has built the same meanwhile.
        Err(_) if folder.exists() => {
            fs::remove_dir_all(&unfinished).with_context(|| format!("cannot remove {}", unfinished.display()))
        }
        Err(error) => Err(error).with_context(|| format!("cannot make the folder {}", folder.display())),
    }
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
}
