//! Image layers as tar files: sorted, without times, owned by root, so that the same files give the same bytes.

use std::fs::{self, File};
use std::io::{BufWriter, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, Result};
use tar::{Builder, EntryType, Header, HeaderMode};

use super::inputs::sorted;

/// The user that Flink runs as in the image.
pub(super) const FLINK_USER: u64 = 9999;

/// The time that all files bear, in seconds of the epoch. Java's class archives are tied to the times of the jars.
pub(super) const MODIFIED: u64 = 1_767_225_600;

/// Folders that are not root's alone, with owner and mode.
const FOLDERS: [(&str, u64, u32); 3] =
    [("tmp", 0, 0o1777), ("var/tmp", 0, 0o1777), ("opt/flink/log", FLINK_USER, 0o755)];

/// Folders that the container runtime fills; they stay empty in the image.
const MOUNT_POINTS: [&str; 4] = ["dev", "proc", "sys", "run"];

type Tar = Builder<BufWriter<File>>;

/// Writes a layer of all that is below `root`.
pub(super) fn of_folder(layer: &Path, root: &Path) -> Result<()> {
    let mut tar = create(layer)?;
    add_folder(&mut tar, root, "").with_context(|| format!("cannot pack {}", root.display()))?;
    finish(tar, layer)
}

/// Writes a layer of one file, under the given path in the image.
pub(super) fn with_file(layer: &Path, path: &str, file: &Path) -> Result<()> {
    let mut content = Vec::new();
    File::open(file)
        .and_then(|mut file| file.read_to_end(&mut content))
        .with_context(|| format!("cannot read {}", file.display()))?;
    let mut tar = create(layer)?;
    add_bytes(&mut tar, path, &content)?;
    finish(tar, layer)
}

/// Starts a tar file in which every entry looks the same whenever and wherever it is written.
pub(super) fn create(path: &Path) -> Result<Tar> {
    let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
    let mut tar = Builder::new(BufWriter::with_capacity(1 << 20, file));
    tar.mode(HeaderMode::Deterministic);
    tar.follow_symlinks(false);
    Ok(tar)
}

/// Ends a tar file and makes sure that all of it is written.
pub(super) fn finish(tar: Tar, path: &Path) -> Result<()> {
    let written = tar.into_inner().and_then(|mut out| out.flush());
    written.with_context(|| format!("cannot write {}", path.display()))
}

/// Adds a file of these bytes.
pub(super) fn add_bytes(tar: &mut Tar, path: &str, content: &[u8]) -> Result<()> {
    let mut header = header(EntryType::Regular, 0, 0o644);
    header.set_size(content.len() as u64);
    tar.append_data(&mut header, path, content).with_context(|| format!("cannot pack {path}"))
}

fn header(kind: EntryType, owner: u64, mode: u32) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_uid(owner);
    header.set_gid(owner);
    header.set_mode(mode);
    header.set_mtime(MODIFIED);
    header.set_size(0);
    header
}

fn add_folder(tar: &mut Tar, root: &Path, within: &str) -> Result<()> {
    let folder = root.join(within);
    if MOUNT_POINTS.contains(&within) {
        return Ok(());
    }
    for name in sorted(&folder)? {
        let path = if within.is_empty() { name } else { format!("{within}/{name}") };
        let file = root.join(&path);
        let metadata = fs::symlink_metadata(&file)?;
        let kind = metadata.file_type();
        if kind.is_dir() {
            let special = FOLDERS.iter().find(|(folder, ..)| *folder == path);
            let (owner, mode) = special.map_or((0, 0o755), |(_, owner, mode)| (*owner, *mode));
            tar.append_data(&mut header(EntryType::Directory, owner, mode), &path, std::io::empty())?;
            add_folder(tar, root, &path)?;
        } else if kind.is_symlink() {
            tar.append_link(&mut header(EntryType::Symlink, 0, 0o777), &path, fs::read_link(&file)?)?;
        } else if kind.is_file() {
            let executable = metadata.permissions().mode() & 0o100 != 0;
            let mut header = header(EntryType::Regular, 0, if executable { 0o755 } else { 0o644 });
            header.set_size(metadata.len());
            tar.append_data(&mut header, &path, File::open(&file)?)?;
        }
    }
    Ok(())
}
