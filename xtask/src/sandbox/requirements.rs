//! What the machine must have. Everything that is missing is said in one message; Debian packages can be installed.

use std::env;
use std::io::{IsTerminal, Write, stderr, stdin};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::command;

/// The oldest version that works: what sandbox/kubernetes/go.mod says.
const GO: Version = Version(1, 26);
/// The one Java that Flink 2 runs on by default, which goes into the images.
const JDK: u32 = 17;

/// Programs and files out of Debian packages, each with its package.
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

/// Checks everything that the sandbox needs, and installs missing Debian packages: at once if `yes`, otherwise if the
/// person at the terminal agrees.
pub fn ensure(yes: bool) -> Result<()> {
    let mut missing = unmet();
    let packages: Vec<_> = PACKAGES.iter().filter(|(file, _)| !is_there(file)).map(|(_, package)| *package).collect();
    let install = format!("apt-get install --no-install-recommends {}", packages.join(" "));
    if missing.is_empty() && packages.is_empty() {
        return Ok(());
    }
    if missing.is_empty() && is_there("apt-get") && (yes || agreed(&packages)?) {
        return install_packages(&packages);
    }
    if !packages.is_empty() {
        missing.push(format!("{}: `{install}`, or run this command with --yes", packages.join(", ")));
    }
    bail!("the sandbox needs what this machine does not have; nothing was installed:\n  - {}", missing.join("\n  - "))
}

/// Checks what building the tools alone needs.
pub fn ensure_go() -> Result<()> {
    match go() {
        Some(missing) => bail!("building kubectl and helm needs {missing}"),
        None => Ok(()),
    }
}

/// What is missing and no Debian package of the list gives.
fn unmet() -> Vec<String> {
    let mut missing = Vec::new();
    if !cfg!(target_os = "linux") {
        missing.push(
            "Linux: Kubernetes' node runs on nothing else. Use a virtual machine with Debian 12 or newer".to_owned(),
        );
    }
    if !rustix::process::geteuid().is_root() {
        missing.push("root: the sandbox makes namespaces and mounts. Run this command with `sudo -E`".to_owned());
    }
    missing.extend(go());
    let jdk = version_of("javac", &["-version"]);
    if jdk.is_none_or(|found| found.0 != JDK) || !is_there("jlink") {
        missing.push("a JDK 17 with jlink, first on the path: `apt-get install openjdk-17-jdk-headless`".to_owned());
    }
    if !runs("mvn", &["--version"]) {
        missing.push("Maven: `apt-get install maven`".to_owned());
    }
    if !runs("python3", &["-m", "pip", "--version"]) {
        missing.push("Python with pip: `apt-get install python3-pip`".to_owned());
    }
    missing
}

fn go() -> Option<String> {
    let found = version_of("go", &["version"]);
    found
        .is_none_or(|found| found < GO)
        .then(|| format!("Go {}.{} or newer: see https://go.dev/doc/install", GO.0, GO.1))
}

fn install_packages(packages: &[&str]) -> Result<()> {
    eprintln!("Installing {} by apt-get.", packages.join(", "));
    let apt = |arguments: &[&str]| {
        let mut apt = Command::new("apt-get");
        apt.env("DEBIAN_FRONTEND", "noninteractive").args(arguments);
        command::output(&mut apt).map(drop)
    };
    // Package lists of an older day name files that the mirrors have replaced.
    apt(&["update"])?;
    apt(&[&["install", "--yes", "--no-install-recommends"], packages].concat())
        .with_context(|| format!("{} could not be installed", packages.join(", ")))
}

fn agreed(packages: &[&str]) -> Result<bool> {
    if !stdin().is_terminal() {
        return Ok(false);
    }
    eprint!("The sandbox needs the Debian packages {}. Install them now? [y/N] ", packages.join(", "));
    stderr().flush()?;
    let mut answer = String::new();
    stdin().read_line(&mut answer).context("the answer cannot be read")?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

/// Whether a program is on the path, or a file is where it should be.
fn is_there(file: &str) -> bool {
    if file.starts_with('/') {
        return Path::new(file).exists();
    }
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| folder.join(file).is_file())
}

fn runs(program: &str, arguments: &[&str]) -> bool {
    command::output(Command::new(program).args(arguments)).is_ok()
}

fn version_of(program: &str, arguments: &[&str]) -> Option<Version> {
    parse(&command::output(Command::new(program).args(arguments)).ok()?)
}

/// The first version number in what a program says of itself: `go version go1.26.8 linux/amd64`, `javac 17.0.15`.
fn parse(text: &str) -> Option<Version> {
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
            assert_eq!(parse(text), expected, "{text}");
        }
        assert!(Version(1, 9) < GO && Version(1, 26) >= GO && Version(2, 0) > GO);
    }
}
