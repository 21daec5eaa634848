//! Prints whether this checkout's sandbox runs, and how to use it.

use std::process::ExitCode;

use anyhow::Result;

use super::info::Info;
use super::{own_cluster, process};
use crate::paths::Paths;

/// Prints the state. The exit code is 0 only if the sandbox is ready.
pub fn print_status(paths: &Paths, json: bool) -> Result<ExitCode> {
    if let Some(cluster) = own_cluster::OwnCluster::from_environment()? {
        eprintln!("LOCKKEEPER_KUBECONFIG is set: {}", cluster.describe());
        if let Some(info) = cluster.read_info(paths)? {
            return print_info(&info, json);
        }
        eprintln!(
            "This cluster was not checked yet. Run `cargo xtask sandbox up`: it checks the cluster and builds the tools."
        );
        return Ok(ExitCode::FAILURE);
    }
    if is_ready(paths)? {
        return print_info(&Info::read(&Info::path(paths))?, json);
    }
    if process::is_running(paths)? {
        let phase = process::read_report(paths)?.map_or_else(|| "preparing".to_owned(), |report| report.phase);
        eprintln!("The sandbox is starting: {phase}.");
    } else {
        match process::read_report(paths)?.filter(|report| !report.error.is_empty()) {
            Some(report) => eprintln!("The sandbox has ended: {}", report.error),
            None => eprintln!("The sandbox is down. Start it with `cargo xtask sandbox up`."),
        }
    }
    Ok(ExitCode::FAILURE)
}

/// Whether the sandbox runs and is ready for use.
pub fn is_ready(paths: &Paths) -> Result<bool> {
    if !Info::path(paths).exists() || !process::is_running(paths)? {
        return Ok(false);
    }
    Ok(process::read_report(paths)?.is_some_and(|report| report.ready))
}

fn print_info(info: &Info, json: bool) -> Result<ExitCode> {
    if json {
        print!("{}", info.json()?);
    } else {
        println!("{}", info.describe());
    }
    Ok(ExitCode::SUCCESS)
}
