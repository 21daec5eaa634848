//! Which chart a path means, and whether it is one of those that the operator put there.

use std::path::{Path, PathBuf};

use super::{error::BakeError, links::refuse_links_in_folder, package::refuse_links_in_package};

/// Finds the chart that `path` means below the folder `charts`. Returns its path without links.
///
/// Helm itself would fetch an address or a name of a repository. So it gets the path of what is here, and nothing else.
pub(super) fn find_chart(charts: &Path, path: &str) -> Result<PathBuf, BakeError> {
    let root = charts.canonicalize().map_err(|error| BakeError::Charts(format!("{}: {error}", charts.display())))?;
    if path.contains("://") {
        return Err(BakeError::Chart(format!(
            "{path} is an address, and the bot fetches no charts: put the chart below {}, and write its path there into chart.path",
            charts.display()
        )));
    }
    // An absolute path replaces the folder, so it must lie below it by itself.
    let Ok(chart) = root.join(path).canonicalize() else {
        return Err(BakeError::Chart(format!(
            "there is no {path} in {0}: put the chart there, and write its path below {0} into chart.path",
            charts.display()
        )));
    };
    if chart == root || !chart.starts_with(&root) {
        return Err(BakeError::Chart(format!(
            "{path} is not below {0}: put the chart there, and write its path below {0} into chart.path",
            charts.display()
        )));
    }
    Ok(chart)
}

/// Refuses a chart with links that leave it. Helm follows them, and renders what they name.
pub(super) fn refuse_links(chart: &Path) -> Result<(), BakeError> {
    if chart.is_dir() { refuse_links_in_folder(chart) } else { refuse_links_in_package(chart) }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    /// A folder with charts/orders, charts/linked -> outside, and outside.
    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("charts/orders")).unwrap();
        fs::create_dir(folder.path().join("outside")).unwrap();
        symlink(folder.path().join("outside"), folder.path().join("charts/linked")).unwrap();
        folder
    }

    #[test]
    fn a_chart_is_found_by_its_path_below_the_folder() {
        let folder = folder();
        let charts = folder.path().join("charts");
        let orders = charts.join("orders").canonicalize().unwrap();
        for path in ["orders", "./orders/", "orders/../orders", charts.join("orders").to_str().unwrap()] {
            assert_eq!(find_chart(&charts, path).unwrap(), orders, "{path}");
        }
    }

    #[test]
    fn a_chart_elsewhere_is_refused_with_what_to_write() {
        let folder = folder();
        let charts = folder.path().join("charts");
        let outside = folder.path().join("outside");
        let paths = [
            ".",
            "linked",
            "../outside",
            outside.to_str().unwrap(),
            "/",
            "stable/orders",
            "oci://registry/orders",
            "http://169.254.169.254/x.tgz",
        ];
        for path in paths {
            let error = find_chart(&charts, path).unwrap_err();
            assert!(matches!(error, BakeError::Chart(_)), "{path}: {error}");
            assert!(error.to_string().contains("into chart.path"), "{path}: {error}");
        }
    }

    #[test]
    fn a_missing_folder_of_charts_is_the_operators_to_repair() {
        let error = find_chart(Path::new("/nowhere/charts"), "orders").unwrap_err();
        assert!(error.to_string().contains("check the --charts flag"), "{error}");
    }
}
