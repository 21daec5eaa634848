//! The layer that all images share: a small Debian, Java, Flink, and the entry point.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail};

use super::inputs::{Key, lines};
use super::layer::{self, FLINK_USER, MODIFIED};
use super::tool::{java_home, run};
use super::{Places, flink, keep};

/// Goes up when this module puts the layer together in another way.
const RECIPE: &str = "2";

/// Classes that Flink's scripts load, ready-made.
const SCRIPT_CLASSES: &str = "/opt/java/lib/server/flink-scripts.jsa";

/// What every Java of the image is started with. Flink's scripts start three short ones before the one that counts; these
/// options halve what they cost, and one whose classes are not in the archive says nothing of it.
const JAVA_OPTIONS: &str = "-XX:TieredStopAtLevel=1 -Xlog:cds=off -Xlog:cds+dynamic=off -XX:SharedArchiveFile=";

/// The Debian release.
const SUITE: &str = "bookworm";

/// What the layer is made of.
pub(super) fn key(places: &Places) -> Result<Key> {
    let home = java_home()?;
    let key = Key::new("flink").and("recipe", RECIPE).and("suite", SUITE).and("arch", std::env::consts::ARCH);
    key.and("flink", flink::version(places)?)
        .and("java", java_version(&home)?)
        .and_path("sandbox/flink", &places.checkout.join("sandbox/flink"))
}

/// Where the layer's tar file is kept.
pub(super) fn kept(places: &Places, key: &Key) -> PathBuf {
    places.cache.join(format!("flink-{}.tar", key.name()))
}

/// The layer's tar file, built if it is not there.
pub(super) fn layer(places: &Places, key: &Key, progress: &dyn Fn(&str)) -> Result<PathBuf> {
    let kept = kept(places, key);
    if kept.exists() {
        return Ok(kept);
    }
    let root = places.work.join("root");
    fs::create_dir_all(&root)?;
    progress("installing a small Debian for the images");
    debian(places, &root)?;
    progress("linking a Java runtime for the images");
    java(places, &root)?;
    progress("fetching Flink from PyPI");
    flink::install(places, &root)?;
    finish(places, &root)?;
    script_classes(places, &root)?;
    progress("packing the images' common layer");
    let unfinished = places.work.join("flink.tar");
    layer::of_folder(&unfinished, &root)?;
    keep(&unfinished, &kept)?;
    Ok(kept)
}

fn debian(places: &Places, root: &Path) -> Result<()> {
    let packages = lines(&places.checkout.join("sandbox/flink/packages"))?.join(",");
    let mut bootstrap = Command::new("mmdebstrap");
    bootstrap.args(["--quiet", "--variant=extract", "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr"]);
    bootstrap.arg(format!("--include={packages}")).arg(SUITE).arg(root);
    run(&mut bootstrap, "installing a Debian for the images")?;
    for folder in ["usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/info", "var/lib/apt", "var/cache"] {
        let folder = root.join(folder);
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
        }
    }
    Ok(())
}

fn java(places: &Places, root: &Path) -> Result<()> {
    let home = java_home()?;
    let modules = lines(&places.checkout.join("sandbox/flink/java-modules"))?.join(",");
    fs::create_dir_all(root.join("opt"))?;
    let runtime = root.join("opt/java");
    let mut jlink = Command::new(home.join("bin/jlink"));
    jlink.arg("--module-path").arg(home.join("jmods")).arg("--add-modules").arg(modules);
    jlink.arg("--add-options").arg(format!("{JAVA_OPTIONS}{SCRIPT_CLASSES}"));
    jlink.args(["--strip-java-debug-attributes", "--no-header-files", "--no-man-pages", "--output"]).arg(&runtime);
    run(&mut jlink, "linking a Java runtime")?;
    // jlink leaves out the archive of ready-made classes, without which each start takes half a second longer.
    let base = runtime.join("lib/server/classes.jsa");
    let mut dump = Command::new(runtime.join("bin/java"));
    dump.arg("-Xshare:dump").arg(format!("-XX:SharedArchiveFile={}", base.display()));
    run(&mut dump, "preparing the Java runtime's classes")
}

/// Makes the class archive of Flink's scripts, by running inside the image what they run.
fn script_classes(places: &Places, root: &Path) -> Result<()> {
    let utilities = "/opt/flink/bin/bash-java-utils.jar";
    let flink = format!("/opt/flink/lib/flink-dist-{}.jar", flink::version(places)?);
    for jar in [utilities, &flink] {
        let file = File::options().append(true).open(root.join(&jar[1..]));
        let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(MODIFIED);
        file.and_then(|file| file.set_modified(modified))
            .with_context(|| format!("cannot touch {jar} of the image"))?;
    }
    // Java finds its libraries by way of /proc; what is mounted ends with the namespace.
    let mut java = Command::new("unshare");
    java.args(["--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--root"]).arg(root);
    java.arg("/opt/java/bin/java").arg(format!("-XX:ArchiveClassesAtExit={SCRIPT_CLASSES}"));
    // Not the archive that is yet to be made.
    java.arg("-XX:SharedArchiveFile=/opt/java/lib/server/classes.jsa");
    java.arg("-classpath").arg(format!("{utilities}:{flink}"));
    java.args(["org.apache.flink.runtime.util.bash.BashJavaUtils", "GET_TM_RESOURCE_PARAMS"]);
    java.args(["--configDir", "/opt/flink/conf"]).env("JAVA_HOME", "/opt/java");
    run(&mut java, "preparing the classes of Flink's scripts")
}

/// The JDK's own description of itself; only a JDK 17 will do, which is what Flink 2 runs on by default.
fn java_version(home: &Path) -> Result<String> {
    let path = home.join("release");
    let release = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    if release.lines().any(|line| line.starts_with("JAVA_VERSION=\"17")) {
        return Ok(release);
    }
    bail!("the JDK in {} is not a JDK 17; install one and set JAVA_HOME to it", home.display())
}

/// What Debian's packages would have set up had their scripts run, and the entry point.
fn finish(places: &Places, root: &Path) -> Result<()> {
    let user = format!("flink:x:{FLINK_USER}:");
    let files = [
        ("etc/passwd", format!("root:x:0:0:root:/root:/bin/bash\n{user}{FLINK_USER}:flink:/opt/flink:/bin/bash\n")),
        ("etc/group", format!("root:x:0:\n{user}\n")),
        ("etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n".to_owned()),
    ];
    for (path, text) in files {
        fs::write(root.join(path), text).with_context(|| format!("cannot write {path} of the image"))?;
    }
    let awk = root.join("usr/bin/awk");
    if !awk.exists() {
        symlink("gawk", &awk).context("cannot link awk in the image")?;
    }
    let entrypoint = places.checkout.join("sandbox/flink/entrypoint.sh");
    fs::copy(&entrypoint, root.join("docker-entrypoint.sh"))
        .with_context(|| format!("cannot copy {}", entrypoint.display()))?;
    Ok(())
}
