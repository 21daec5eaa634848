//! Flink out of the Python package index: the wheels hold its jars, scripts and default configuration.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::Places;
use super::inputs::{lines, sorted};
use super::tool::run;

/// The version of Flink, which is written once: in the job's `pom.xml`.
pub(super) fn version(places: &Places) -> Result<String> {
    let pom = places.checkout.join("sandbox/job/pom.xml");
    let text = fs::read_to_string(&pom).with_context(|| format!("cannot read {}", pom.display()))?;
    let property = text.split_once("<flink.version>").and_then(|(_, rest)| rest.split_once("</flink.version>"));
    let (version, _) = property.with_context(|| format!("{} has no <flink.version>", pom.display()))?;
    Ok(version.to_owned())
}

/// Puts Flink under `/opt/flink` of the system in `root`.
pub(super) fn install(places: &Places, root: &Path) -> Result<()> {
    let unpacked = unpack(places, &version(places)?)?;
    let home = root.join("opt/flink");
    for folder in ["lib", "log", "plugins", "usrlib", "opt"] {
        fs::create_dir_all(home.join(folder))?;
    }
    for folder in ["bin", "conf"] {
        fs::rename(unpacked.join(folder), home.join(folder))
            .with_context(|| format!("the wheels of Flink have no folder {folder}"))?;
    }
    executable(&home.join("bin"))?;
    let jars = sorted(&unpacked.join("lib"))?;
    for prefix in lines(&places.checkout.join("sandbox/flink/flink-jars"))? {
        let Some(jar) = jars.iter().find(|jar| jar.starts_with(&prefix)) else {
            bail!("Flink has no jar {prefix}*.jar; sandbox/flink/flink-jars names it");
        };
        fs::rename(unpacked.join("lib").join(jar), home.join("lib").join(jar))?;
    }
    fs::remove_dir_all(&unpacked)?;
    Ok(())
}

fn unpack(places: &Places, version: &str) -> Result<PathBuf> {
    let wheels = places.work.join("wheels");
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]);
    // Only scripts and jars are taken, so any Python's wheel will do; the machine's own may have none.
    pip.args(["--only-binary=:all:", "--python-version=3.11", "--implementation=cp", "--abi=cp311"]);
    pip.args(["--platform=manylinux2014_x86_64", "--platform=any"]).arg("--dest").arg(&wheels);
    pip.arg(format!("apache-flink-libraries=={version}")).arg(format!("apache-flink=={version}"));
    run(&mut pip, "the download of Flink from PyPI")?;
    let flink = places.work.join("wheel");
    for wheel in sorted(&wheels)? {
        let mut unzip = Command::new("python3");
        unzip.args(["-m", "zipfile", "--extract"]).arg(wheels.join(wheel)).arg(&flink);
        run(&mut unzip, "unpacking Flink")?;
    }
    Ok(flink.join("pyflink"))
}

fn executable(folder: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    for name in sorted(folder)? {
        if Path::new(&name).extension().is_none_or(|extension| extension != "jar") {
            fs::set_permissions(folder.join(&name), fs::Permissions::from_mode(0o755))?;
        }
    }
    Ok(())
}
