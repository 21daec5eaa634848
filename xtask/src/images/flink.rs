//! Installs Flink from the Python package index. Its wheels hold the jars, the scripts and the default configuration.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::BuildPaths;
use super::key::{read_lines, sorted_names};
use super::tool::run_tool;

/// Reads the version of Flink from the job's `pom.xml`, the only place where it is written.
pub(super) fn read_version(paths: &BuildPaths) -> Result<String> {
    let pom = paths.checkout.join("sandbox/job/pom.xml");
    let text = fs::read_to_string(&pom).with_context(|| format!("cannot read {}", pom.display()))?;
    let property = text.split_once("<flink.version>").and_then(|(_, rest)| rest.split_once("</flink.version>"));
    let (version, _) = property.with_context(|| format!("{} has no <flink.version>", pom.display()))?;
    Ok(version.to_owned())
}

/// Installs Flink in `/opt/flink` of the system in `root`.
pub(super) fn install(paths: &BuildPaths, root: &Path) -> Result<()> {
    let unpacked = unpack(paths, &read_version(paths)?)?;
    let home = root.join("opt/flink");
    for folder in ["lib", "log", "plugins", "usrlib", "opt"] {
        fs::create_dir_all(home.join(folder))?;
    }
    for folder in ["bin", "conf"] {
        fs::rename(unpacked.join(folder), home.join(folder))
            .with_context(|| format!("the wheels of Flink have no folder {folder}"))?;
    }
    make_executable(&home.join("bin"))?;
    let jars = sorted_names(&unpacked.join("lib"))?;
    for prefix in read_lines(&paths.checkout.join("sandbox/flink/flink-jars"))? {
        let Some(jar) = jars.iter().find(|jar| jar.starts_with(&prefix)) else {
            bail!("Flink has no jar {prefix}*.jar; sandbox/flink/flink-jars names it");
        };
        fs::rename(unpacked.join("lib").join(jar), home.join("lib").join(jar))?;
    }
    fs::remove_dir_all(&unpacked)?;
    Ok(())
}

fn unpack(paths: &BuildPaths, version: &str) -> Result<PathBuf> {
    let wheels = paths.work.join("wheels");
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]);
    // Only scripts and jars are used, so the Python version does not matter. There may be no wheel for the machine's own.
    pip.args(["--only-binary=:all:", "--python-version=3.11", "--implementation=cp", "--abi=cp311"]);
    pip.args(["--platform=manylinux2014_x86_64", "--platform=any"]).arg("--dest").arg(&wheels);
    pip.arg(format!("apache-flink-libraries=={version}")).arg(format!("apache-flink=={version}"));
    run_tool(&mut pip, "the download of Flink from PyPI")?;
    let flink = paths.work.join("wheel");
    for wheel in sorted_names(&wheels)? {
        let mut unzip = Command::new("python3");
        unzip.args(["-m", "zipfile", "--extract"]).arg(wheels.join(wheel)).arg(&flink);
        run_tool(&mut unzip, "unpacking Flink")?;
    }
    Ok(flink.join("pyflink"))
}

fn make_executable(folder: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    for name in sorted_names(folder)? {
        if Path::new(&name).extension().is_none_or(|extension| extension != "jar") {
            fs::set_permissions(folder.join(&name), fs::Permissions::from_mode(0o755))?;
        }
    }
    Ok(())
}
