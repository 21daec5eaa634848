//! Starts a second sandbox beside the one of `cargo xtask test`. It must not disturb the first one, must start again after
//! a crash, and must leave nothing behind.

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
fn a_second_sandbox_does_not_disturb_the_first_restarts_after_a_crash_and_leaves_nothing() {
    let Some(first) = read_first_sandbox() else {
        eprintln!("skipped: LOCKKEEPER_SANDBOX names no sandbox of this machine; `cargo xtask test` sets it");
        return;
    };
    let second = SecondSandbox::new_beside(&first);

    let info = second.up();
    assert_ne!(read_cluster_id(&info), read_cluster_id(&first), "two sandboxes are one cluster");
    let holder = second.read_holder();
    assert_eq!(second.up(), info, "a second `up` changes something");
    assert_eq!(second.read_holder(), holder, "a second `up` restarts the sandbox");
    check_pods_and_services(&info);

    let namespace = find_network_namespace(&holder);
    assert!(list_processes(&namespace).len() > 10, "the namespace of {holder} is not the sandbox's");
    read_success(&run("kill", &["-9", &holder]));
    wait_until("every process of the killed sandbox has ended", || list_processes(&namespace).is_empty());
    assert_eq!(second.find_traces(), Vec::<String>::new());
    assert!(!second.xtask(&["status"]).status.success(), "status reports a killed sandbox as running");
    assert_eq!(kubectl(&first, &["get", "--raw", "/readyz"]), "ok", "the first sandbox suffered");

    let restarted = second.up();
    assert_eq!(
        kubectl(&restarted, &["get", "pods", "--all-namespaces", "--output", "name"]),
        "",
        "pods of the former run"
    );
    check_pods_and_services(&restarted);

    read_success(&second.xtask(&["down"]));
    assert_eq!(second.find_traces(), Vec::<String>::new());
    assert_eq!(second.find_cgroups(), Vec::<PathBuf>::new());
    read_success(&second.xtask(&["down"]));
    assert_eq!(kubectl(&first, &["get", "--raw", "/readyz"]), "ok", "the first sandbox suffered");
}

/// A pod must start from an imported image, resolve names, reach a service, and answer logs and exec.
fn check_pods_and_services(info: &Value) {
    kubectl(info, &["run", "probe", "--image", IMAGE, "--command", "--", "bash", "-c", "echo started; sleep 600"]);
    kubectl(info, &["wait", "--for=condition=Ready", "--timeout=60s", "pod/probe"]);
    // A container may be ready before its first command has run.
    wait_until("the probe's log says that it started", || kubectl(info, &["logs", "probe"]) == "started");
    let reach = "exec 3<>/dev/tcp/kubernetes.default.svc/443 && echo reached";
    assert_eq!(kubectl(info, &["exec", "probe", "--", "bash", "-c", reach]), "reached");
}

/// A sandbox of the same checkout with its own cache folder. It shares the builds of the first one.
struct SecondSandbox {
    cache: PathBuf,
}

impl SecondSandbox {
    fn new_beside(first: &Value) -> Self {
        let cache = std::env::temp_dir().join(format!("lockkeeper-{}", std::process::id()));
        fs::create_dir(&cache).unwrap();
        let built = read_path(first, "kubectl").parent().unwrap().parent().unwrap().to_owned();
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
        read_success(&self.xtask(&["up"]));
        serde_json::from_str(&read_success(&self.xtask(&["status", "--json"]))).unwrap()
    }

    fn state(&self) -> PathBuf {
        fs::read_dir(self.cache.join("checkouts")).unwrap().next().unwrap().unwrap().path()
    }

    /// The id of the process that holds the sandbox.
    fn read_holder(&self) -> String {
        fs::read_to_string(self.state().join("run.lock")).unwrap().trim().to_owned()
    }

    /// The processes, mounts and network devices of this sandbox on the machine.
    fn find_traces(&self) -> Vec<String> {
        let state = self.state().to_string_lossy().into_owned();
        let processes = list_pids().into_iter().filter_map(|pid| {
            let line = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
            let line = String::from_utf8_lossy(&line).replace('\0', " ");
            line.contains(&state).then(|| format!("process {pid}: {line}"))
        });
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
        let mounts: Vec<_> = mounts.lines().filter(|line| line.contains(&state)).map(str::to_owned).collect();
        let device = Path::new("/sys/class/net/node0");
        processes.chain(mounts).chain(device.exists().then(|| device.display().to_string())).collect()
    }

    /// The cgroup folders of this sandbox. Its kubelet configuration names them.
    fn find_cgroups(&self) -> Vec<PathBuf> {
        let config = fs::read_to_string(self.state().join("config/kubelet.yaml")).unwrap();
        let root = config.lines().find_map(|line| line.strip_prefix("cgroupRoot: ")).unwrap();
        let name = root.trim_matches('"').trim_start_matches('/').to_owned();
        assert!(name.starts_with("lockkeeper-"), "{root}");
        let hierarchies = fs::read_dir("/sys/fs/cgroup").unwrap().map(|entry| entry.unwrap().path());
        let all = hierarchies.map(|folder| folder.join(&name)).chain([Path::new("/sys/fs/cgroup").join(&name)]);
        all.filter(|folder| folder.exists()).collect()
    }
}

impl Drop for SecondSandbox {
    fn drop(&mut self) {
        self.xtask(&["down"]);
        fs::remove_dir_all(&self.cache).unwrap();
    }
}

fn read_first_sandbox() -> Option<Value> {
    let file = std::env::var("LOCKKEEPER_SANDBOX").ok()?;
    let info: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    (info["ownCluster"] == false).then_some(info)
}

fn read_cluster_id(info: &Value) -> String {
    kubectl(info, &["get", "namespace", "kube-system", "--output", "jsonpath={.metadata.uid}"])
}

fn kubectl(info: &Value, arguments: &[&str]) -> String {
    let kubeconfig = read_path(info, "kubeconfig");
    let kubectl = Command::new(read_path(info, "kubectl")).arg("--kubeconfig").arg(kubeconfig).args(arguments).output();
    read_success(&kubectl.unwrap())
}

fn read_path(info: &Value, name: &str) -> PathBuf {
    info[name].as_str().unwrap_or_else(|| panic!("sandbox.json lacks {name}")).into()
}

/// The network namespace of the sandbox. The holder itself is outside; its child is inside.
fn find_network_namespace(holder: &str) -> PathBuf {
    let children = fs::read_to_string(format!("/proc/{holder}/task/{holder}/children")).unwrap();
    read_namespace(children.split_whitespace().next().unwrap()).unwrap()
}

fn list_processes(namespace: &Path) -> BTreeSet<String> {
    list_pids().into_iter().filter(|pid| read_namespace(pid).is_some_and(|found| found == namespace)).collect()
}

fn read_namespace(pid: &str) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{pid}/ns/net")).ok()
}

fn list_pids() -> Vec<String> {
    let names = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names.filter(|name| name.bytes().all(|digit| digit.is_ascii_digit())).collect()
}

fn run(program: &str, arguments: &[&str]) -> Output {
    Command::new(program).args(arguments).output().unwrap()
}

fn read_success(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}\n{errors}", output.status);
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !condition() {
        assert!(Instant::now() < deadline, "this did not happen in time: {what}");
        sleep(Duration::from_millis(50));
    }
}
