//! `lockkeeper render`: gives up what a chart must not reach or use, and then becomes helm.
//!
//! The bot starts it as a process of its own, because a limit cannot be taken back, and holds for all threads.

use std::{
    ffi::OsString,
    fs, io,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, RestrictionStatus, Ruleset, RulesetAttr as _, RulesetCreatedAttr as _,
    RulesetError, Scope, path_beneath_rules,
};
use rustix::process::{Resource, Rlimit, setrlimit};

/// The exit code if helm was not started. Helm and Go use 1 and 2, a shell uses 126 and more.
pub(super) const COULD_NOT_RUN: i32 = 125;
/// Most bytes of memory that helm writes to. Helm 3.22 needs less than 96 MiB for a usual chart. The pod's limit holds it beside the bot.
pub(super) const MAX_MEMORY: u64 = 256 << 20;
/// From here on, Go collects garbage as often as it can.
const SOFT_MEMORY: &str = "192MiB";
/// Most seconds of processor time. A usual chart takes 0.1 s.
pub(super) const MAX_CPU_SECONDS: u64 = 10;
/// Most bytes of a file that helm writes in its home.
const MAX_FILE: u64 = 16 << 20;
/// Newest version of Landlock that is used: files, network, sockets and signals. An older kernel gives what it has.
const LANDLOCK: ABI = ABI::V6;
/// What a helm that is not linked statically loads.
const LIBRARIES: [&str; 4] = ["/lib", "/lib64", "/usr/lib", "/etc/ld.so.cache"];

/// What helm may use. These are the arguments of `lockkeeper render`.
#[derive(Debug, Clone, clap::Args)]
pub struct Confinement {
    /// Path of the helm program.
    #[arg(long)]
    pub helm: PathBuf,
    /// The only chart that it can read, a folder or a package.
    #[arg(long)]
    pub chart: PathBuf,
    /// An empty folder, the only one that it can write to.
    #[arg(long)]
    pub home: PathBuf,
    /// Helm's arguments. The chart's path is put behind them.
    #[arg(last = true)]
    pub arguments: Vec<OsString>,
}

impl Confinement {
    pub(super) fn to_arguments(&self) -> Vec<OsString> {
        let paths = [("--helm", &self.helm), ("--chart", &self.chart), ("--home", &self.home)];
        let mut arguments: Vec<OsString> =
            paths.into_iter().flat_map(|(name, path)| [name.into(), path.clone().into()]).collect();
        arguments.push("--".into());
        arguments.extend(self.arguments.iter().cloned());
        arguments
    }
}

/// Becomes helm. If that fails, says why on standard error and returns the exit code.
#[must_use]
pub fn become_helm(confinement: &Confinement) -> i32 {
    // If the node has no memory left, the kernel ends helm before the bot. Where that is forbidden, nothing is lost.
    _ = fs::write("/proc/self/oom_score_adj", "1000");
    let confined = limit_resources()
        .map_err(|error| format!("its limits cannot be set: {error}"))
        .and_then(|()| limit_access(confinement).map_err(|error| format!("its access cannot be limited: {error}")));
    let why = match confined {
        Ok(_) => start(confinement).to_string(),
        Err(why) => why,
    };
    eprintln!("{}: {why}", confinement.helm.display());
    COULD_NOT_RUN
}

fn limit_resources() -> io::Result<()> {
    let limits = [
        (Resource::Data, MAX_MEMORY),
        (Resource::Cpu, MAX_CPU_SECONDS),
        (Resource::Fsize, MAX_FILE),
        (Resource::Core, 0),
    ];
    for (resource, max) in limits {
        setrlimit(resource, Rlimit { current: Some(max), maximum: Some(max) })?;
    }
    Ok(())
}

/// Landlock, as far as the kernel has it. Without it, the check of the chart's links and the empty environment still hold.
fn limit_access(confinement: &Confinement) -> Result<RestrictionStatus, RulesetError> {
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    Ruleset::default()
        .handle_access(AccessFs::from_all(LANDLOCK))?
        .handle_access(AccessNet::from_all(LANDLOCK))?
        .scope(Scope::from_all(LANDLOCK))?
        .create()?
        .add_rules(path_beneath_rules([&confinement.helm], read | AccessFs::Execute))?
        .add_rules(path_beneath_rules(LIBRARIES.map(Path::new), read | AccessFs::Execute))?
        .add_rules(path_beneath_rules([&confinement.chart], read))?
        .add_rules(path_beneath_rules([&confinement.home], AccessFs::from_all(LANDLOCK) & !AccessFs::Execute))?
        .restrict_self()
}

/// Returns only if helm cannot be started.
fn start(confinement: &Confinement) -> io::Error {
    let home = &confinement.home;
    Command::new(&confinement.helm)
        .args(&confinement.arguments)
        .arg(&confinement.chart)
        .env_clear()
        .env("PATH", "")
        .env("HOME", home)
        .env("HELM_CACHE_HOME", home.join("cache"))
        .env("HELM_CONFIG_HOME", home.join("config"))
        .env("HELM_DATA_HOME", home.join("data"))
        .env("GOMEMLIMIT", SOFT_MEMORY)
        // Each processor costs memory, and nodes have up to hundreds.
        .env("GOMAXPROCS", "2")
        .current_dir(home)
        .exec()
}
