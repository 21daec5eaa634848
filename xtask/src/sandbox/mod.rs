//! `cargo xtask sandbox up | down | status`: a real Kubernetes with one node, in namespaces of its own.
//!
//! The Go module in sandbox/kubernetes is the sandbox itself: its `node run` holds the namespaces and everything in them,
//! and whatever ends it ends all. These modules build it, start it, fill it with images, say where it is, and end it.

mod build;
mod cgroups;
mod down;
mod import;
mod info;
mod process;
mod requirements;
mod status;
mod up;
mod users;

use std::fs::{self, File, TryLockError};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Subcommand;

use crate::places::Places;

pub use down::down;
pub use up::{Running, UpOptions, up};
pub use users::Cluster;

/// What to do with this checkout's sandbox.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Builds what is missing, and starts the sandbox unless it runs already.
    Up {
        /// Install missing Debian packages without asking.
        #[arg(long, short)]
        yes: bool,
    },
    /// Ends the sandbox. What was built stays in the cache.
    Down,
    /// Says whether the sandbox runs, and where everything is.
    Status {
        /// Print the same as `sandbox.json`.
        #[arg(long)]
        json: bool,
    },
}

/// Runs one of the three.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let places = Places::of_this_checkout()?;
    match arguments.action {
        Action::Up { yes } => {
            let running = up(&places, UpOptions::from_environment(yes))?;
            println!("{}", running.info.describe());
            Ok(ExitCode::SUCCESS)
        }
        Action::Down => down(&places).map(|()| ExitCode::SUCCESS),
        Action::Status { json } => status::print(&places, json),
    }
}

/// Makes the state folder and keeps other `up` and `down` of this checkout out until it is dropped.
fn exclusive(places: &Places) -> Result<File> {
    fs::create_dir_all(&places.state).with_context(|| format!("cannot make the folder {}", places.state.display()))?;
    let path = places.state.join("xtask.lock");
    let lock = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => {
            bail!("another `cargo xtask` is starting or ending this checkout's sandbox; wait for it, then try again")
        }
        Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("cannot lock {}", path.display())),
    }
}
