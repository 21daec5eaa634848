//! Starts this checkout's sandbox: builds what is missing, starts it, imports the images, waits until pods can run.

use std::env;
use std::iter;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};

use super::build::{self, Kubernetes};
use super::info::Info;
use super::{down, exclusive, import, process, requirements, status, users};
use crate::places::Places;
use crate::progress::{Progress, Step};
use crate::{command, images};

const POLL: Duration = Duration::from_millis(100);
/// The sandbox has deadlines of its own; this one only catches a sandbox that says nothing at all.
const DEADLINE: Duration = Duration::from_mins(10);

/// How to start.
#[derive(Debug, Clone, Copy)]
pub struct UpOptions {
    /// Missing Debian packages are installed without asking.
    pub yes: bool,
    /// A sandbox that is started now ends with this process, however that ends.
    pub tied: bool,
}

/// A sandbox that can be used.
pub struct Running {
    /// Where everything is.
    pub info: Info,
    /// The file with the same.
    pub file: PathBuf,
    /// Whether it was there before, and is not for the caller to end.
    pub was_up: bool,
    /// Keeps a tied sandbox running.
    _holder: Option<Child>,
}

impl UpOptions {
    /// In CI nobody can answer, so `CI=true` means yes.
    #[must_use]
    pub fn from_environment(yes: bool) -> Self {
        let ci = env::var("CI").is_ok_and(|value| value == "true" || value == "1");
        Self { yes: yes || ci, tied: false }
    }
}

/// Makes sure that the sandbox runs with all images, and says where everything is. What a failed start began is ended.
pub fn up(places: &Places, options: UpOptions) -> Result<Running> {
    let _lock = exclusive(places)?;
    if let Some(cluster) = users::Cluster::from_environment()? {
        requirements::ensure_go()?;
        let info = cluster.use_it(places)?;
        return Ok(Running { info, file: Info::users_path(places), was_up: true, _holder: None });
    }
    requirements::ensure(options.yes)?;
    let progress = Progress::new();
    if status::is_up(places)? {
        let archives = build_images(places, &progress)?;
        import_images(places, &archives, &progress)?;
        let file = Info::path(places);
        return Ok(Running { info: Info::read(&file)?, file, was_up: true, _holder: None });
    }
    // Also after a crash: nothing may be left of the former run when the next begins.
    down::end(places)?;
    start(places, options.tied, &progress).inspect_err(|_| {
        // The failure says why; what ending it says would only hide that.
        let _ = down::end(places);
    })
}

fn start(places: &Places, tied: bool, progress: &Progress) -> Result<Running> {
    let (kubernetes, archives) = thread::scope(|scope| {
        let archives = scope.spawn(|| build_images(places, progress));
        let kubernetes = build::kubernetes(places, progress);
        let tools = build::tools(places, progress);
        let archives = archives.join().map_err(|_| anyhow!("building the images panicked"))?;
        anyhow::Ok(((kubernetes?, tools?), archives?))
    })?;
    let (kubernetes, tools) = kubernetes;
    let mut sandbox = process::start(places, &kubernetes)?;
    fill(places, &mut sandbox, &kubernetes, &archives, progress)?;
    let info = Info {
        kubeconfig: places.state.join("kubeconfig"),
        api_server: server(&tools.kubectl, &places.state.join("kubeconfig"))?,
        kubectl: tools.kubectl,
        helm: tools.helm,
        data: Some(places.state.join("data")),
        chart: places.chart(),
        own_cluster: false,
    };
    let file = Info::path(places);
    info.write(&file)?;
    if !tied {
        process::release(&mut sandbox)?;
    }
    Ok(Running { info, file, was_up: false, _holder: Some(sandbox) })
}

/// Imports the images while the sandbox starts, and waits until pods can run.
fn fill(
    places: &Places,
    sandbox: &mut Child,
    kubernetes: &Kubernetes,
    archives: &[PathBuf],
    progress: &Progress,
) -> Result<()> {
    let step = progress.step("starting Kubernetes");
    let socket = import::socket(places);
    wait(places, sandbox, &step, |_| socket.exists())?;
    let needed: Vec<_> = iter::once(&kubernetes.pause_image).chain(archives).cloned().collect();
    import_images(places, &needed, progress)?;
    wait(places, sandbox, &step, |report| report.ready)?;
    step.done();
    Ok(())
}

/// Waits until what the sandbox says of itself is as wanted; its end is a failure.
fn wait(places: &Places, sandbox: &mut Child, step: &Step, wanted: impl Fn(&process::Report) -> bool) -> Result<()> {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let ended = sandbox.try_wait().context("the sandbox's process cannot be watched")?;
        let report = process::report(places)?;
        if let Some(report) = &report {
            if !report.error.is_empty() {
                bail!("the sandbox ended while it started: {}", report.error);
            }
            if wanted(report) {
                return Ok(());
            }
            step.now(&report.phase);
        }
        if let Some(status) = ended {
            bail!("the sandbox ended while it started ({status}); {} says why", places.state.join("run.log").display());
        }
        if Instant::now() > deadline {
            let phase = report.map_or_else(|| "nothing".to_owned(), |report| report.phase);
            bail!("the sandbox is not ready after {} min; last it said: {phase}", DEADLINE.as_secs() / 60);
        }
        thread::sleep(POLL);
    }
}

fn build_images(places: &Places, progress: &Progress) -> Result<Vec<PathBuf>> {
    let step = progress.step("building the images");
    let archives = images::build(&places.cache, &places.checkout, &|what| step.now(what))?;
    step.done();
    Ok(archives)
}

fn import_images(places: &Places, archives: &[PathBuf], progress: &Progress) -> Result<()> {
    let step = progress.step("importing the images");
    import::import(places, archives, &|archive| step.now(archive))?;
    step.done();
    Ok(())
}

fn server(kubectl: &Path, kubeconfig: &Path) -> Result<String> {
    let mut view = std::process::Command::new(kubectl);
    view.arg("--kubeconfig").arg(kubeconfig);
    view.args(["config", "view", "--minify", "--output", "jsonpath={.clusters[0].cluster.server}"]);
    command::output(&mut view)
}
