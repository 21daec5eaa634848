//! Installs cargo-deny in the background, once, and runs it.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::{JoinHandle, spawn};

use anyhow::{Result, anyhow, bail};

use crate::cache::build_once;
use crate::command;
use crate::paths::Paths;

/// The version that deny.toml is written for. Ready-made binaries in package registries are older.
const VERSION: &str = "0.20.2";

/// A cargo-deny that is installed or being installed.
pub struct CargoDeny {
    program: PathBuf,
    installing: JoinHandle<Result<()>>,
}

impl CargoDeny {
    /// Starts the installation unless it is cached.
    pub fn install(paths: &Paths) -> Result<Self> {
        std::fs::create_dir_all(&paths.cache)?;
        let folder = paths.cache.join(format!("cargo-deny-{VERSION}"));
        let program = folder.join("bin/cargo-deny");
        let log = paths.state.join("build/cargo-deny.log");
        let installing = spawn(move || build_once(&folder, |unfinished| compile(unfinished, &log)));
        Ok(Self { program, installing })
    }

    /// Waits for the installation, then checks the workspace against deny.toml.
    pub fn check(self, paths: &Paths) -> Result<()> {
        if !self.installing.is_finished() {
            eprintln!("Waiting until cargo-deny is compiled.");
        }
        self.installing.join().map_err(|_| anyhow!("compiling cargo-deny panicked"))??;
        let mut deny = Command::new(self.program);
        deny.current_dir(&paths.checkout).args(["--workspace", "check", "bans", "licenses", "sources"]);
        if !command::run_visible(&deny)? {
            bail!("deny.toml does not allow a dependency; the output above names it");
        }
        Ok(())
    }
}

fn compile(folder: &Path, log: &Path) -> Result<()> {
    let target = folder.join("target");
    // It runs with low priority, because somebody waits for the other steps.
    let mut cargo = Command::new("nice");
    cargo.args(["-n", "10"]).arg(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["install", "cargo-deny", "--version", VERSION, "--locked", "--root"]).arg(folder);
    command::run_logged(cargo.env("CARGO_TARGET_DIR", &target), log)?;
    std::fs::remove_dir_all(&target)?;
    Ok(())
}
