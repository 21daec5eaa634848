//! Whether this checkout's sandbox runs, and where everything is.

use std::process::ExitCode;

use anyhow::Result;

use super::info::Info;
use super::{process, users};
use crate::places::Places;

/// Prints the state; the exit code is 0 only for a sandbox that can be used.
pub fn print(places: &Places, json: bool) -> Result<ExitCode> {
    if let Some(cluster) = users::Cluster::from_environment()? {
        eprintln!("LOCKKEEPER_KUBECONFIG is set: {}", cluster.describe());
        if let Some(info) = cluster.known(places)? {
            return show(&info, json);
        }
        eprintln!(
            "Nothing is known about this cluster yet. `cargo xtask sandbox up` looks at it and builds the tools."
        );
        return Ok(ExitCode::FAILURE);
    }
    if is_up(places)? {
        return show(&Info::read(&Info::path(places))?, json);
    }
    if process::lives(places)? {
        let phase = process::report(places)?.map_or_else(|| "preparing".to_owned(), |report| report.phase);
        eprintln!("The sandbox is starting: {phase}.");
    } else {
        match process::report(places)?.filter(|report| !report.error.is_empty()) {
            Some(report) => eprintln!("The sandbox has ended: {}", report.error),
            None => eprintln!("The sandbox is down. `cargo xtask sandbox up` starts it."),
        }
    }
    Ok(ExitCode::FAILURE)
}

/// Whether the sandbox runs and can be used.
pub fn is_up(places: &Places) -> Result<bool> {
    if !Info::path(places).exists() || !process::lives(places)? {
        return Ok(false);
    }
    Ok(process::report(places)?.is_some_and(|report| report.ready))
}

fn show(info: &Info, json: bool) -> Result<ExitCode> {
    if json {
        print!("{}", info.json()?);
    } else {
        println!("{}", info.describe());
    }
    Ok(ExitCode::SUCCESS)
}
