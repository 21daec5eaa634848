//! Links in the folder of a chart. Helm's loader follows them wherever they lead.

use std::{fs, io, path::Path};

use super::{
    error::BakeError,
    package::{is_dependency, refuse_links_in_package},
};

/// Most files and folders of a chart's folder. Large charts have hundreds.
const MAX_FILES: usize = 10_000;

/// Refuses links that leave the folder `root`, which is a path without links. The volume of a ConfigMap shows its files through links
/// that stay inside.
pub(super) fn refuse_links_in_folder(root: &Path) -> Result<(), BakeError> {
    let mut folders = vec![root.to_owned()];
    let mut count = 0;
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).map_err(|error| unreadable(&folder, &error))?;
        for entry in entries {
            let entry = entry.map_err(|error| unreadable(&folder, &error))?;
            count += 1;
            if count > MAX_FILES {
                return Err(BakeError::TooMuch(format!("its folder has more than {MAX_FILES} files")));
            }
            let path = entry.path();
            let kind = entry.file_type().map_err(|error| unreadable(&path, &error))?;
            let name = path.strip_prefix(root).unwrap_or(&path);
            if kind.is_dir() {
                folders.push(path);
                continue;
            }
            if kind.is_symlink() {
                refuse_link(root, name)?;
            } else if !kind.is_file() {
                return Err(BakeError::Chart(format!(
                    "{} is neither a file nor a folder: take it out",
                    name.display()
                )));
            }
            if is_dependency(&name.to_string_lossy()) {
                refuse_links_in_package(&path)?;
            }
        }
    }
    Ok(())
}

fn refuse_link(root: &Path, name: &Path) -> Result<(), BakeError> {
    let what = match root.join(name).canonicalize() {
        Ok(target) if target.starts_with(root) => return Ok(()),
        Ok(_) => "leaves the chart",
        Err(_) => "leads nowhere",
    };
    Err(BakeError::Chart(format!(
        "the link {} {what}: put the file itself into the chart in its place",
        name.display()
    )))
}

fn unreadable(path: &Path, error: &io::Error) -> BakeError {
    BakeError::Chart(format!("{} cannot be read: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn chart() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("chart/templates")).unwrap();
        fs::write(folder.path().join("chart/Chart.yaml"), "name: chart\n").unwrap();
        folder
    }

    fn check(folder: &tempfile::TempDir) -> Result<(), String> {
        let root = folder.path().join("chart").canonicalize().unwrap();
        refuse_links_in_folder(&root).map_err(|error| error.to_string())
    }

    #[test]
    fn links_that_leave_the_chart_or_lead_nowhere_are_refused() {
        for target in ["/proc/self/environ", "../../Chart.yaml", "../..", "nowhere", "/"] {
            let folder = chart();
            fs::write(folder.path().join("Chart.yaml"), "name: outside\n").unwrap();
            symlink(target, folder.path().join("chart/templates/leak")).unwrap();
            let why = check(&folder).unwrap_err();
            assert!(why.contains("the link templates/leak lea"), "{target}: {why}");
        }
    }

    #[test]
    fn the_links_of_a_config_map_volume_stay_inside() {
        let folder = chart();
        let volume = folder.path().join("chart");
        fs::create_dir(volume.join("..2026_11_28")).unwrap();
        fs::write(volume.join("..2026_11_28/values.yaml"), "a: 1\n").unwrap();
        symlink("..2026_11_28", volume.join("..data")).unwrap();
        symlink("..data/values.yaml", volume.join("values.yaml")).unwrap();
        assert_eq!(check(&folder), Ok(()));
    }

    #[test]
    fn a_socket_in_a_chart_is_refused() {
        let folder = chart();
        let _socket = std::os::unix::net::UnixListener::bind(folder.path().join("chart/socket")).unwrap();
        assert!(check(&folder).unwrap_err().contains("socket is neither a file nor a folder"));
    }

    #[test]
    fn a_folder_with_very_many_files_is_refused() {
        let folder = chart();
        for number in 0..MAX_FILES {
            fs::write(folder.path().join(format!("chart/{number}")), "").unwrap();
        }
        assert!(check(&folder).unwrap_err().contains("more than 10000 files"));
    }
}
