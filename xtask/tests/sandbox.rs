//! A second sandbox beside the one that `cargo xtask test` starts: it must disturb nothing, survive a crash, and leave
//! nothing behind.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of a test fail it")]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

const DEADLINE: Duration = Duration::from_mins(2);
const IMAGE: &str = "sandbox.invalid/orders:1.0.0";

#[test]
fn a_second_sandbox_disturbs_nothing_survives_a_crash_and_leaves_nothing() {
    let Some(first) = first_sandbox() else {
        eprintln!("skipped: LOCKKEEPER_SANDBOX names no sandbox of this machine; `cargo xtask test` sets it");
        return;
    };
    let second = Second::beside(&first);

    let info = second.up();
    assert_ne!(cluster_id(&info), cluster_id(&first), "two sandboxes are one cluster");
    let holder = second.holder();
    assert_eq!(second.up(), info, "a second `up` changes something");
    assert_eq!(second.holder(), holder, "a second `up` starts a sandbox again");
    pods_run_and_reach_services(&info);

    let namespace = network_namespace(&holder);
    assert!(processes_in(&namespace).len() > 10, "the namespace of {holder} is not the sandbox's");
    succeeded(&run("kill", &["-9", &holder]));
    until("every process of the killed sandbox is gone", || processes_in(&namespace).is_empty());
    assert_eq!(second.traces(), Vec::<String>::new());
    assert!(!second.xtask(&["status"]).status.success(), "a killed sandbox counts as running");
    assert_eq!(kubectl(&first, &["get", "--raw", "/readyz"]), "ok", "the first sandbox suffered");

    let again = second.up();
    assert_eq!(kubectl(&again, &["get", "pods", "--all-namespaces", "--output", "name"]), "", "pods of the former run");
    pods_run_and_reach_services(&again);

    succeeded(&second.xtask(&["down"]));
    assert_eq!(second.traces(), Vec::<String>::new());
    assert_eq!(second.cgroups(), Vec::<PathBuf>::new());
    succeeded(&second.xtask(&["down"]));
    assert_eq!(kubectl(&first, &["get", "--raw", "/readyz"]), "ok", "the first sandbox suffered");
}

/// A pod must start from an imported image, resolve names, reach a service, and answer logs and exec.
fn pods_run_and_reach_services(info: &Value) {
    kubectl(info, &["run", "probe", "--image", IMAGE, "--command", "--", "bash", "-c", "echo started; sleep 600"]);
    kubectl(info, &["wait", "--for=condition=Ready", "--timeout=60s", "pod/probe"]);
    // A container is ready before its first command has run.
    until("the probe's log says that it started", || kubectl(info, &["logs", "probe"]) == "started");
    let reach = "exec 3<>/dev/tcp/kubernetes.default.svc/443 && echo reached";
    assert_eq!(kubectl(info, &["exec", "probe", "--", "bash", "-c", reach]), "reached");
}

/// A sandbox of the same checkout in a cache folder of its own, with what is built shared.
struct Second {
    cache: PathBuf,
}

impl Second {
    fn beside(first: &Value) -> Self {
        let cache = std::env::temp_dir().join(format!("lockkeeper-{}", std::process::id()));
        fs::create_dir(&cache).unwrap();
        let built = path(first, "kubectl").parent().unwrap().parent().unwrap().to_owned();
        for part in fs::read_dir(built).unwrap().map(Result::unwrap).filter(|part| part.file_name() != "checkouts") {
            symlink(part.path(), cache.join(part.file_name())).unwrap();
        }
        Self { cache }
    }

    fn xtask(&self, arguments: &[&str]) -> Output {
        let mut xtask = Command::new(env!("CARGO_BIN_EXE_xtask"));
        xtask.arg("sandbox").args(arguments).env("LOCKKEEPER_CACHE", &self.cache);
        xtask.output().unwrap()
    }

    fn up(&self) -> Value {
        succeeded(&self.xtask(&["up"]));
        serde_json::from_str(&succeeded(&self.xtask(&["status", "--json"]))).unwrap()
    }

    fn state(&self) -> PathBuf {
        fs::read_dir(self.cache.join("checkouts")).unwrap().next().unwrap().unwrap().path()
    }

    /// The process that holds the sandbox.
    fn holder(&self) -> String {
        fs::read_to_string(self.state().join("run.lock")).unwrap().trim().to_owned()
    }

    /// Processes, mounts and network devices of this sandbox that the machine sees.
    fn traces(&self) -> Vec<String> {
        let state = self.state().to_string_lossy().into_owned();
        let processes = pids().into_iter().filter_map(|pid| {
            let line = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
            let line = String::from_utf8_lossy(&line).replace('\0', " ");
            line.contains(&state).then(|| format!("process {pid}: {line}"))
        });
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
        let mounts: Vec<_> = mounts.lines().filter(|line| line.contains(&state)).map(str::to_owned).collect();
        let device = Path::new("/sys/class/net/node0");
        processes.chain(mounts).chain(device.exists().then(|| device.display().to_string())).collect()
    }

    /// The sandbox's cgroup folders: those that are not the first sandbox's have the name that its log shows.
    fn cgroups(&self) -> Vec<PathBuf> {
        let config = fs::read_to_string(self.state().join("config/kubelet.yaml")).unwrap();
        let root = config.lines().find_map(|line| line.strip_prefix("cgroupRoot: ")).unwrap();
        let name = root.trim_matches('"').trim_start_matches('/').to_owned();
        assert!(name.starts_with("lockkeeper-"), "{root}");
        let hierarchies = fs::read_dir("/sys/fs/cgroup").unwrap().map(|entry| entry.unwrap().path());
        let all = hierarchies.map(|folder| folder.join(&name)).chain([Path::new("/sys/fs/cgroup").join(&name)]);
        all.filter(|folder| folder.exists()).collect()
    }
}

impl Drop for Second {
    fn drop(&mut self) {
        self.xtask(&["down"]);
        fs::remove_dir_all(&self.cache).unwrap();
    }
}

fn first_sandbox() -> Option<Value> {
    let file = std::env::var("LOCKKEEPER_SANDBOX").ok()?;
    let info: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    (info["ownCluster"] == false).then_some(info)
}

fn cluster_id(info: &Value) -> String {
    kubectl(info, &["get", "namespace", "kube-system", "--output", "jsonpath={.metadata.uid}"])
}

fn kubectl(info: &Value, arguments: &[&str]) -> String {
    let kubeconfig = path(info, "kubeconfig");
    let kubectl = Command::new(path(info, "kubectl")).arg("--kubeconfig").arg(kubeconfig).args(arguments).output();
    succeeded(&kubectl.unwrap())
}

fn path(info: &Value, name: &str) -> PathBuf {
    info[name].as_str().unwrap_or_else(|| panic!("sandbox.json lacks {name}")).into()
}

/// What tells the sandbox's network namespace from all others. The holder itself stays outside; its child is inside.
fn network_namespace(holder: &str) -> PathBuf {
    let children = fs::read_to_string(format!("/proc/{holder}/task/{holder}/children")).unwrap();
    namespace_of(children.split_whitespace().next().unwrap()).unwrap()
}

fn processes_in(namespace: &Path) -> BTreeSet<String> {
    pids().into_iter().filter(|pid| namespace_of(pid).is_some_and(|found| found == namespace)).collect()
}

fn namespace_of(pid: &str) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{pid}/ns/net")).ok()
}

fn pids() -> Vec<String> {
    let names = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names.filter(|name| name.bytes().all(|digit| digit.is_ascii_digit())).collect()
}

fn run(program: &str, arguments: &[&str]) -> Output {
    Command::new(program).args(arguments).output().unwrap()
}

fn succeeded(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}\n{errors}", output.status);
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn until(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !condition() {
        assert!(Instant::now() < deadline, "still not so: {what}");
        sleep(Duration::from_millis(50));
    }
}
