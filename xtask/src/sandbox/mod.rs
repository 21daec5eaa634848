//! `cargo xtask sandbox up | down | status`: a Kubernetes with one node in its own Linux namespaces.
//!
//! The Go module in sandbox/kubernetes is the sandbox itself. Its process `node run` holds the namespaces, and everything
//! inside ends when that process ends. These modules build it, start it, import images, print its paths, and end it.

mod build;
mod cgroups;
mod down;
mod import;
mod info;
mod own_cluster;
mod process;
mod requirements;
mod status;
mod up;

use std::fs::{self, File, TryLockError};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Subcommand;

use crate::paths::Paths;

pub use down::down;
pub use own_cluster::OwnCluster;
pub use up::{Running, UpOptions, up};

/// The arguments of `cargo xtask sandbox`.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Builds what is missing and starts the sandbox unless it runs.
    Up {
        /// Install missing Debian packages without asking.
        #[arg(long, short)]
        yes: bool,
    },
    /// Ends the sandbox. Builds stay in the cache.
    Down,
    /// Prints whether the sandbox runs, and how to use it.
    Status {
        /// Print the content of `sandbox.json`.
        #[arg(long)]
        json: bool,
    },
}

/// Runs the chosen action.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let paths = Paths::for_this_checkout()?;
    match arguments.action {
        Action::Up { yes } => {
            let running = up(&paths, UpOptions::from_environment(yes))?;
            println!("{}", running.info.describe());
            Ok(ExitCode::SUCCESS)
        }
        Action::Down => down(&paths).map(|()| ExitCode::SUCCESS),
        Action::Status { json } => status::print_status(&paths, json),
    }
}

/// Creates the state folder and takes the lock that `up` and `down` of this checkout share. Dropping the file releases it.
fn lock_checkout(paths: &Paths) -> Result<File> {
    fs::create_dir_all(&paths.state).with_context(|| format!("cannot make the folder {}", paths.state.display()))?;
    let path = paths.state.join("xtask.lock");
    let lock = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => {
            bail!("another `cargo xtask` is starting or ending this checkout's sandbox; wait for it, then try again")
        }
        Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("cannot lock {}", path.display())),
    }
}
