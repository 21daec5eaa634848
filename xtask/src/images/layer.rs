//! Writes image layers as tar files. Entries are sorted, have one fixed time and belong to root, so that the same files
//! always give the same bytes.

use std::fs::{self, File};
use std::io::{BufWriter, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, Result};
use tar::{Builder, EntryType, Header, HeaderMode};

use super::key::sorted_names;

/// The user that Flink runs as in the image.
pub(super) const FLINK_USER: u64 = 9999;

/// The time of all files, in seconds of the epoch. It is fixed because Java's class archive records the times of the jars.
pub(super) const FILE_TIME: u64 = 1_767_225_600;

/// Folders that others than root may write to, with owner and mode.
const SPECIAL_FOLDERS: [(&str, u64, u32); 3] =
    [("tmp", 0, 0o1777), ("var/tmp", 0, 0o1777), ("opt/flink/log", FLINK_USER, 0o755)];

/// Folders that the container runtime fills. They are empty in the image.
const MOUNT_POINTS: [&str; 4] = ["dev", "proc", "sys", "run"];

type Tar = Builder<BufWriter<File>>;

/// Writes a layer with everything below `root`.
pub(super) fn write_folder(layer: &Path, root: &Path) -> Result<()> {
    let mut tar = create(layer)?;
    add_folder(&mut tar, root, "").with_context(|| format!("cannot pack {}", root.display()))?;
    finish(tar, layer)
}

/// Writes a layer with one file, at `path` in the image.
pub(super) fn write_file(layer: &Path, path: &str, file: &Path) -> Result<()> {
    let mut content = Vec::new();
    File::open(file)
        .and_then(|mut file| file.read_to_end(&mut content))
        .with_context(|| format!("cannot read {}", file.display()))?;
    let mut tar = create(layer)?;
    add_bytes(&mut tar, path, &content)?;
    finish(tar, layer)
}

/// Starts a tar file whose entries do not depend on time or machine.
pub(super) fn create(path: &Path) -> Result<Tar> {
    let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
    let mut tar = Builder::new(BufWriter::with_capacity(1 << 20, file));
    tar.mode(HeaderMode::Deterministic);
    tar.follow_symlinks(false);
    Ok(tar)
}

/// Writes the end of a tar file and flushes it.
pub(super) fn finish(tar: Tar, path: &Path) -> Result<()> {
    let written = tar.into_inner().and_then(|mut out| out.flush());
    written.with_context(|| format!("cannot write {}", path.display()))
}

/// Adds a file with this content.
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
    header.set_mtime(FILE_TIME);
    header.set_size(0);
    header
}

fn add_folder(tar: &mut Tar, root: &Path, within: &str) -> Result<()> {
    let folder = root.join(within);
    if MOUNT_POINTS.contains(&within) {
        return Ok(());
    }
    for name in sorted_names(&folder)? {
        let path = if within.is_empty() { name } else { format!("{within}/{name}") };
        let file = root.join(&path);
        let metadata = fs::symlink_metadata(&file)?;
        let kind = metadata.file_type();
        if kind.is_dir() {
            let special = SPECIAL_FOLDERS.iter().find(|(folder, ..)| *folder == path);
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
