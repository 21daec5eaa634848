//! Checks what the machine must have. One message lists everything that is missing. Debian packages can be installed.

use std::env;
use std::io::{IsTerminal, Write, stderr, stdin};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::command;

/// The oldest Go that works, as in sandbox/kubernetes/go.mod.
const MIN_GO: Version = Version(1, 26);
/// The default Java of Flink 2. The images contain it.
const JDK_VERSION: u32 = 17;

/// Programs and files, each with the Debian package that contains it.
const PACKAGES: [(&str, &str); 6] = [
    ("containerd", "containerd"),
    ("runc", "runc"),
    ("/usr/lib/cni/ptp", "containernetworking-plugins"),
    ("iptables", "iptables"),
    ("mmdebstrap", "mmdebstrap"),
    // The Slack simulator's page is tested in a real browser.
    ("chromium", "chromium"),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Version(u32, u32);

/// Checks everything that the sandbox needs. Installs missing Debian packages if `yes` is set or the person agrees.
pub fn ensure(yes: bool) -> Result<()> {
    let mut missing = missing_requirements();
    let packages: Vec<_> =
        PACKAGES.iter().filter(|(file, _)| !is_installed(file)).map(|(_, package)| *package).collect();
    let install = format!("apt-get install --no-install-recommends {}", packages.join(" "));
    if missing.is_empty() && packages.is_empty() {
        return Ok(());
    }
    if missing.is_empty() && is_installed("apt-get") && (yes || ask_to_install(&packages)?) {
        return install_packages(&packages);
    }
    if !packages.is_empty() {
        missing.push(format!("{}: `{install}`, or run this command with --yes", packages.join(", ")));
    }
    bail!(
        "this machine lacks what the sandbox needs, and nothing was installed. Missing:\n  - {}",
        missing.join("\n  - ")
    )
}

/// Checks what the build of kubectl and Helm needs.
pub fn ensure_go() -> Result<()> {
    match missing_go() {
        Some(missing) => bail!("the build of kubectl and helm needs {missing}"),
        None => Ok(()),
    }
}

/// Lists what is missing and is in none of the Debian packages.
fn missing_requirements() -> Vec<String> {
    let mut missing = Vec::new();
    if !cfg!(target_os = "linux") {
        missing.push(
            "Linux: a Kubernetes node runs on Linux only. Use a virtual machine with Debian 12 or newer".to_owned(),
        );
    }
    if !rustix::process::geteuid().is_root() {
        missing.push("root: the sandbox creates namespaces and mounts. Run this command with `sudo -E`".to_owned());
    }
    missing.extend(missing_go());
    let jdk = installed_version("javac", &["-version"]);
    if jdk.is_none_or(|found| found.0 != JDK_VERSION) || !is_installed("jlink") {
        missing.push("a JDK 17 with jlink, first on the path: `apt-get install openjdk-17-jdk-headless`".to_owned());
    }
    if !can_run("mvn", &["--version"]) {
        missing.push("Maven: `apt-get install maven`".to_owned());
    }
    if !can_run("python3", &["-m", "pip", "--version"]) {
        missing.push("Python with pip: `apt-get install python3-pip`".to_owned());
    }
    missing
}

fn missing_go() -> Option<String> {
    let found = installed_version("go", &["version"]);
    found
        .is_none_or(|found| found < MIN_GO)
        .then(|| format!("Go {}.{} or newer: see https://go.dev/doc/install", MIN_GO.0, MIN_GO.1))
}

fn install_packages(packages: &[&str]) -> Result<()> {
    eprintln!("Installing {} with apt-get.", packages.join(", "));
    let apt = |arguments: &[&str]| {
        let mut apt = Command::new("apt-get");
        apt.env("DEBIAN_FRONTEND", "noninteractive").args(arguments);
        command::read_output(&mut apt).map(drop)
    };
    // Old package lists name files that the mirrors no longer have.
    apt(&["update"])?;
    apt(&[&["install", "--yes", "--no-install-recommends"], packages].concat())
        .with_context(|| format!("{} could not be installed", packages.join(", ")))
}

fn ask_to_install(packages: &[&str]) -> Result<bool> {
    if !stdin().is_terminal() {
        return Ok(false);
    }
    eprint!("The sandbox needs the Debian packages {}. Install them now? [y/N] ", packages.join(", "));
    stderr().flush()?;
    let mut answer = String::new();
    stdin().read_line(&mut answer).context("cannot read the answer")?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

/// Whether a program is on the path, or an absolute path exists.
fn is_installed(file: &str) -> bool {
    if file.starts_with('/') {
        return Path::new(file).exists();
    }
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| folder.join(file).is_file())
}

fn can_run(program: &str, arguments: &[&str]) -> bool {
    command::read_output(Command::new(program).args(arguments)).is_ok()
}

fn installed_version(program: &str, arguments: &[&str]) -> Option<Version> {
    parse_version(&command::read_output(Command::new(program).args(arguments)).ok()?)
}

/// Finds the first version number in an output such as `go version go1.26.8 linux/amd64` or `javac 17.0.15`.
fn parse_version(text: &str) -> Option<Version> {
    let word =
        text.split_whitespace().map(|word| word.trim_start_matches("go")).find(|word| starts_with_digit(word))?;
    let mut numbers = word.split(|letter: char| !letter.is_ascii_digit()).map(str::parse);
    let major = numbers.next()?.ok()?;
    Some(Version(major, numbers.next().and_then(Result::ok).unwrap_or(0)))
}

fn starts_with_digit(word: &str) -> bool {
    word.starts_with(|letter: char| letter.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_the_programs_print_them() {
        for (text, expected) in [
            ("go version go1.26.8 linux/amd64", Some(Version(1, 26))),
            ("go version go1.27rc1 linux/amd64", Some(Version(1, 27))),
            ("javac 17.0.15", Some(Version(17, 0))),
            ("javac 21", Some(Version(21, 0))),
            ("no number", None),
        ] {
            assert_eq!(parse_version(text), expected, "{text}");
        }
        assert!(Version(1, 9) < MIN_GO && Version(1, 26) >= MIN_GO && Version(2, 0) > MIN_GO);
    }
}
