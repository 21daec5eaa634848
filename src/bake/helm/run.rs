//! Starts `lockkeeper render`, and reads no more of helm's output than the bot has room for.

use std::{
    env, io,
    os::unix::process::ExitStatusExt as _,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    process::{Child, ChildStderr, ChildStdout, Command},
};

use super::{
    confine::{self, Confinement},
    error::BakeError,
};
use crate::text::truncate;

const HELM_TIMEOUT: Duration = Duration::from_secs(60);
/// Most bytes that a chart renders. A revision record has at most 1 MiB, in which about this much YAML fits compressed.
const MAX_OUTPUT: u64 = 8 << 20;
/// Most bytes of helm's errors that are kept.
const MAX_ERRORS: u64 = 64 << 10;
/// Helm starts its advice for people at a terminal with this text.
const DEBUG_HINT: &str = "Use --debug flag";
/// A program of Go ends with this code when it cannot go on.
const GO_FATAL: i32 = 2;

/// The programs that render charts, and where the charts are.
#[derive(Debug, Clone)]
pub struct Renderer {
    /// Lockkeeper's own program. Its subcommand `render` confines itself and then becomes helm.
    pub lockkeeper: PathBuf,
    /// Path or name of the helm program.
    pub helm: PathBuf,
    /// The folder below which every chart must be.
    pub charts: PathBuf,
}

/// Runs helm with these arguments and the chart's path behind them. Returns what it prints.
pub(super) async fn run_helm(
    renderer: &Renderer,
    chart: &Path,
    arguments: &[&str],
    values: &str,
) -> Result<String, BakeError> {
    let could_not_run = |error: io::Error| BakeError::Helm(error.to_string());
    // It is removed when the function ends, however it ends.
    let home = tempfile::Builder::new().prefix("lockkeeper-helm-").tempdir().map_err(could_not_run)?;
    let confinement = Confinement {
        helm: find_program(&renderer.helm)?,
        chart: chart.to_owned(),
        home: home.path().to_owned(),
        arguments: arguments.iter().map(Into::into).collect(),
    };
    let mut command = Command::new(&renderer.lockkeeper);
    command
        .arg("render")
        .args(confinement.to_arguments())
        .env_clear()
        .current_dir(home.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let mut child = command.spawn().map_err(could_not_run)?;
    let ended = tokio::time::timeout(HELM_TIMEOUT, talk(&mut child, values)).await;
    // It must not write into its folder any more when that is removed.
    child.kill().await.map_err(could_not_run)?;
    let timeout = |_| BakeError::Render(format!("helm did not end within {} s", HELM_TIMEOUT.as_secs()));
    let (status, output, errors) = ended.map_err(timeout)?.map_err(could_not_run)?;
    if output.len() as u64 > MAX_OUTPUT {
        return Err(BakeError::TooMuch(format!("it renders more than {} MiB", MAX_OUTPUT >> 20)));
    }
    if !status.success() {
        return Err(explain(status, &String::from_utf8_lossy(&errors)));
    }
    String::from_utf8(output).map_err(|_| BakeError::NotObjects("the output is not UTF-8".to_owned()))
}

/// A program that is found by its name. The process that becomes helm has no PATH, and must know what it may read.
fn find_program(program: &Path) -> Result<PathBuf, BakeError> {
    let found = if program.components().count() > 1 {
        program.canonicalize().ok()
    } else {
        let path = env::var_os("PATH").unwrap_or_default();
        env::split_paths(&path)
            .find_map(|folder| folder.join(program).canonicalize().ok().filter(|file| file.is_file()))
    };
    found.ok_or_else(|| BakeError::Helm(format!("there is no program {}", program.display())))
}

/// Gives helm the values while its output is read. Too much output ends the reading early, with one byte more than allowed.
async fn talk(child: &mut Child, values: &str) -> io::Result<(ExitStatus, Vec<u8>, Vec<u8>)> {
    let (mut input, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let give = async {
        if let Some(mut input) = input.take() {
            // A helm that ended early does not read them. Its exit status and its errors say why.
            _ = input.write_all(values.as_bytes()).await;
        }
    };
    let (output, errors, ()) = tokio::join!(read_output(stdout, MAX_OUTPUT + 1), read_errors(stderr, MAX_ERRORS), give);
    let (output, errors) = (output?, errors?);
    Ok((child.wait().await?, output, errors))
}

/// Reads at most so many bytes of the output, and then closes the pipe, which ends helm.
async fn read_output(pipe: Option<ChildStdout>, max: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(pipe) = pipe {
        pipe.take(max).read_to_end(&mut bytes).await?;
    }
    Ok(bytes)
}

/// Reads all errors and keeps the first. A closed pipe would end a helm that only warns a lot.
async fn read_errors(pipe: Option<ChildStderr>, max: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(mut pipe) = pipe {
        (&mut pipe).take(max).read_to_end(&mut bytes).await?;
        tokio::io::copy(&mut pipe, &mut tokio::io::sink()).await?;
    }
    Ok(bytes)
}

/// Says why helm failed.
fn explain(status: ExitStatus, errors: &str) -> BakeError {
    if status.code() == Some(confine::COULD_NOT_RUN) {
        return BakeError::Helm(truncate(errors.trim(), 600));
    }
    if status.code() == Some(GO_FATAL) && errors.starts_with("fatal error: ") && errors.contains("memory") {
        return BakeError::TooMuch(format!("helm would use more than {} MiB of memory", confine::MAX_MEMORY >> 20));
    }
    if status.signal().is_some() {
        return BakeError::TooMuch(format!(
            "helm was ended because it used more than {} s of processor time, or because the node has no memory left",
            confine::MAX_CPU_SECONDS
        ));
    }
    let lines = errors.trim().trim_start_matches("Error: ").lines().map(str::trim);
    let reason = lines.filter(|line| !line.is_empty() && !line.starts_with(DEBUG_HINT)).collect::<Vec<_>>().join(" ");
    BakeError::Render(truncate(&reason, 600))
}
