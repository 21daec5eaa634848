//! Starts this checkout's sandbox: builds what is missing, starts it, imports the images, and waits until pods can run.

use std::env;
use std::iter;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};

use super::build::{self, Kubernetes};
use super::info::Info;
use super::{down, import, lock_checkout, own_cluster, process, requirements, status};
use crate::paths::Paths;
use crate::progress::{Progress, Step};
use crate::{command, images};

const POLL_INTERVAL: Duration = Duration::from_millis(100);
/// How long a start may take. The sandbox has its own timeouts; this one catches a sandbox that reports nothing.
const START_TIMEOUT: Duration = Duration::from_mins(10);

/// How to start the sandbox.
#[derive(Debug, Clone, Copy)]
pub struct UpOptions {
    /// Install missing Debian packages without asking.
    pub yes: bool,
    /// End a sandbox that is started now together with this process.
    pub ends_with_caller: bool,
}

/// A sandbox that is ready for use.
pub struct Running {
    /// How to use the sandbox.
    pub info: Info,
    /// The file with the same information.
    pub file: PathBuf,
    /// Whether the sandbox ran before. If so, the caller does not end it.
    pub is_reused: bool,
    /// Keeps a sandbox running that ends with this process.
    _holder: Option<Child>,
}

impl UpOptions {
    /// Sets `yes` if `CI=true`, because nobody can answer in CI.
    #[must_use]
    pub fn from_environment(yes: bool) -> Self {
        let ci = env::var("CI").is_ok_and(|value| value == "true" || value == "1");
        Self { yes: yes || ci, ends_with_caller: false }
    }
}

/// Makes sure that the sandbox runs and has all images. A start that fails is cleaned up.
pub fn up(paths: &Paths, options: UpOptions) -> Result<Running> {
    let _lock = lock_checkout(paths)?;
    if let Some(cluster) = own_cluster::OwnCluster::from_environment()? {
        requirements::ensure_go()?;
        let info = cluster.prepare(paths)?;
        return Ok(Running { info, file: Info::own_cluster_path(paths), is_reused: true, _holder: None });
    }
    requirements::ensure(options.yes)?;
    let progress = Progress::new();
    if status::is_ready(paths)? {
        let archives = build_images(paths, &progress)?;
        import_images(paths, &archives, &progress)?;
        let file = Info::path(paths);
        return Ok(Running { info: Info::read(&file)?, file, is_reused: true, _holder: None });
    }
    // After a crash, the rest of the former run must be removed before the next start.
    down::end(paths)?;
    start(paths, options.ends_with_caller, &progress).inspect_err(|_| {
        // An error of the clean-up would hide the error of the start.
        let _ = down::end(paths);
    })
}

fn start(paths: &Paths, ends_with_caller: bool, progress: &Progress) -> Result<Running> {
    let (kubernetes, archives) = thread::scope(|scope| {
        let archives = scope.spawn(|| build_images(paths, progress));
        let kubernetes = build::build_kubernetes(paths, progress);
        let tools = build::build_tools(paths, progress);
        let archives = archives.join().map_err(|_| anyhow!("building the images panicked"))?;
        anyhow::Ok(((kubernetes?, tools?), archives?))
    })?;
    let (kubernetes, tools) = kubernetes;
    let mut sandbox = process::start(paths, &kubernetes)?;
    import_and_wait(paths, &mut sandbox, &kubernetes, &archives, progress)?;
    let info = Info {
        kubeconfig: paths.state.join("kubeconfig"),
        api_server: read_server(&tools.kubectl, &paths.state.join("kubeconfig"))?,
        kubectl: tools.kubectl,
        helm: tools.helm,
        data: Some(paths.state.join("data")),
        chart: paths.chart(),
        own_cluster: false,
    };
    let file = Info::path(paths);
    info.write(&file)?;
    if !ends_with_caller {
        process::detach(&mut sandbox)?;
    }
    Ok(Running { info, file, is_reused: false, _holder: Some(sandbox) })
}

/// Imports the images while the sandbox starts, and waits until pods can run.
fn import_and_wait(
    paths: &Paths,
    sandbox: &mut Child,
    kubernetes: &Kubernetes,
    archives: &[PathBuf],
    progress: &Progress,
) -> Result<()> {
    let step = progress.step("starting Kubernetes");
    let socket = import::socket(paths);
    wait_until(paths, sandbox, &step, |_| socket.exists())?;
    let needed: Vec<_> = iter::once(&kubernetes.pause_image).chain(archives).cloned().collect();
    import_images(paths, &needed, progress)?;
    wait_until(paths, sandbox, &step, |report| report.ready)?;
    step.finish();
    Ok(())
}

/// Waits until the report of the sandbox meets `condition`. Fails if the sandbox ends.
fn wait_until(
    paths: &Paths,
    sandbox: &mut Child,
    step: &Step,
    condition: impl Fn(&process::Report) -> bool,
) -> Result<()> {
    let deadline = Instant::now() + START_TIMEOUT;
    loop {
        let ended = sandbox.try_wait().context("cannot wait for the sandbox's process")?;
        let report = process::read_report(paths)?;
        if let Some(report) = &report {
            if !report.error.is_empty() {
                bail!("the sandbox ended while it started: {}", report.error);
            }
            if condition(report) {
                return Ok(());
            }
            step.show(&report.phase);
        }
        if let Some(status) = ended {
            bail!("the sandbox ended while it started ({status}); see {}", paths.state.join("run.log").display());
        }
        if Instant::now() > deadline {
            let phase = report.map_or_else(|| "nothing".to_owned(), |report| report.phase);
            bail!("the sandbox is not ready after {} min; its last report: {phase}", START_TIMEOUT.as_secs() / 60);
        }
        thread::sleep(POLL_INTERVAL);
    }
}

fn build_images(paths: &Paths, progress: &Progress) -> Result<Vec<PathBuf>> {
    let step = progress.step("building the images");
    let archives = images::build(&paths.cache, &paths.checkout, &|what| step.show(what))?;
    step.finish();
    Ok(archives)
}

fn import_images(paths: &Paths, archives: &[PathBuf], progress: &Progress) -> Result<()> {
    let step = progress.step("importing the images");
    import::import(paths, archives, &|archive| step.show(archive))?;
    step.finish();
    Ok(())
}

fn read_server(kubectl: &Path, kubeconfig: &Path) -> Result<String> {
    let mut view = std::process::Command::new(kubectl);
    view.arg("--kubeconfig").arg(kubeconfig);
    view.args(["config", "view", "--minify", "--output", "jsonpath={.clusters[0].cluster.server}"]);
    command::read_output(&mut view)
}
