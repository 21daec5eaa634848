//! cargo-deny: compiled once, in the background, and kept in the cache.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::{JoinHandle, spawn};

use anyhow::{Result, anyhow, bail};

use crate::cache::once;
use crate::command;
use crate::places::Places;

/// The version that deny.toml is written for. Ready-made binaries in package registries are older.
const VERSION: &str = "0.20.2";

/// cargo-deny, installed or about to be.
pub struct Deny {
    program: PathBuf,
    installing: JoinHandle<Result<()>>,
}

impl Deny {
    /// Begins to install unless the cache has it.
    pub fn install(places: &Places) -> Result<Self> {
        std::fs::create_dir_all(&places.cache)?;
        let folder = places.cache.join(format!("cargo-deny-{VERSION}"));
        let program = folder.join("bin/cargo-deny");
        let log = places.state.join("build/cargo-deny.log");
        let installing = spawn(move || once(&folder, |unfinished| compile(unfinished, &log)));
        Ok(Self { program, installing })
    }

    /// Waits for the installation, then checks the workspace against deny.toml.
    pub fn check(self, places: &Places) -> Result<()> {
        if !self.installing.is_finished() {
            eprintln!("cargo-deny is still being compiled.");
        }
        self.installing.join().map_err(|_| anyhow!("compiling cargo-deny panicked"))??;
        let mut deny = Command::new(self.program);
        deny.current_dir(&places.checkout).args(["--workspace", "check", "bans", "licenses", "sources"]);
        if !command::visible(&deny)? {
            bail!("a dependency is not as deny.toml wants it; it said above which");
        }
        Ok(())
    }
}

fn compile(folder: &Path, log: &Path) -> Result<()> {
    let target = folder.join("target");
    // Gently: it runs beside what somebody is waiting for.
    let mut cargo = Command::new("nice");
    cargo.args(["-n", "10"]).arg(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["install", "cargo-deny", "--version", VERSION, "--locked", "--root"]).arg(folder);
    command::logged(cargo.env("CARGO_TARGET_DIR", &target), log)?;
    std::fs::remove_dir_all(&target)?;
    Ok(())
}
