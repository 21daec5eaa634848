//! Builds the layer that all images share: a small Debian, Java, Flink, and the entry point.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail};

use super::key::{Key, read_lines};
use super::layer::{self, FILE_TIME, FLINK_USER};
use super::tool::{find_java_home, run_tool};
use super::{BuildPaths, flink, move_into_cache};

/// Increase this number when this module builds the layer differently, so that a cached one is built again.
const RECIPE: &str = "2";

/// The class data sharing archive of the Java programs that Flink's scripts run.
const SCRIPT_CLASS_ARCHIVE: &str = "/opt/java/lib/server/flink-scripts.jsa";

/// The options of every Java process in the image.
///
/// Flink's scripts run three short Java programs before Flink itself. These options halve their time. The two log options
/// keep a process quiet whose classes are not in the archive.
const JAVA_OPTIONS: &str = "-XX:TieredStopAtLevel=1 -Xlog:cds=off -Xlog:cds+dynamic=off -XX:SharedArchiveFile=";

/// The Debian release.
const SUITE: &str = "bookworm";

/// The key of the layer.
pub(super) fn cache_key(paths: &BuildPaths) -> Result<Key> {
    let home = find_java_home()?;
    let key = Key::new("flink").with("recipe", RECIPE).with("suite", SUITE).with("arch", std::env::consts::ARCH);
    key.with("flink", flink::read_version(paths)?)
        .with("java", read_java_version(&home)?)
        .with_path("sandbox/flink", &paths.checkout.join("sandbox/flink"))
}

/// The path of the layer's tar file in the cache.
pub(super) fn cached_path(paths: &BuildPaths, key: &Key) -> PathBuf {
    paths.cache.join(format!("flink-{}.tar", key.name()))
}

/// Returns the layer's tar file. Builds it unless it is cached.
pub(super) fn build_layer(paths: &BuildPaths, key: &Key, progress: &dyn Fn(&str)) -> Result<PathBuf> {
    let cached = cached_path(paths, key);
    if cached.exists() {
        return Ok(cached);
    }
    let root = paths.work.join("root");
    fs::create_dir_all(&root)?;
    progress("installing a small Debian for the images");
    install_debian(paths, &root)?;
    progress("linking a Java runtime for the images");
    link_java(paths, &root)?;
    progress("fetching Flink from PyPI");
    flink::install(paths, &root)?;
    add_system_files(paths, &root)?;
    archive_script_classes(paths, &root)?;
    progress("packing the images' common layer");
    let unfinished = paths.work.join("flink.tar");
    layer::write_folder(&unfinished, &root)?;
    move_into_cache(&unfinished, &cached)?;
    Ok(cached)
}

fn install_debian(paths: &BuildPaths, root: &Path) -> Result<()> {
    let packages = read_lines(&paths.checkout.join("sandbox/flink/packages"))?.join(",");
    let mut bootstrap = Command::new("mmdebstrap");
    bootstrap.args(["--quiet", "--variant=extract", "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr"]);
    bootstrap.arg(format!("--include={packages}")).arg(SUITE).arg(root);
    run_tool(&mut bootstrap, "installing a Debian for the images")?;
    for folder in ["usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/info", "var/lib/apt", "var/cache"] {
        let folder = root.join(folder);
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
        }
    }
    Ok(())
}

fn link_java(paths: &BuildPaths, root: &Path) -> Result<()> {
    let home = find_java_home()?;
    let modules = read_lines(&paths.checkout.join("sandbox/flink/java-modules"))?.join(",");
    fs::create_dir_all(root.join("opt"))?;
    let runtime = root.join("opt/java");
    let mut jlink = Command::new(home.join("bin/jlink"));
    jlink.arg("--module-path").arg(home.join("jmods")).arg("--add-modules").arg(modules);
    jlink.arg("--add-options").arg(format!("{JAVA_OPTIONS}{SCRIPT_CLASS_ARCHIVE}"));
    jlink.args(["--strip-java-debug-attributes", "--no-header-files", "--no-man-pages", "--output"]).arg(&runtime);
    run_tool(&mut jlink, "linking a Java runtime")?;
    // jlink does not write the default class archive. Without it each start takes half a second longer.
    let base = runtime.join("lib/server/classes.jsa");
    let mut dump = Command::new(runtime.join("bin/java"));
    dump.arg("-Xshare:dump").arg(format!("-XX:SharedArchiveFile={}", base.display()));
    run_tool(&mut dump, "preparing the Java runtime's classes")
}

/// Writes the class archive of Flink's scripts: runs their Java program inside the image and dumps its classes.
fn archive_script_classes(paths: &BuildPaths, root: &Path) -> Result<()> {
    let utilities = "/opt/flink/bin/bash-java-utils.jar";
    let flink = format!("/opt/flink/lib/flink-dist-{}.jar", flink::read_version(paths)?);
    for jar in [utilities, &flink] {
        let file = File::options().append(true).open(root.join(&jar[1..]));
        let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(FILE_TIME);
        file.and_then(|file| file.set_modified(modified))
            .with_context(|| format!("cannot touch {jar} of the image"))?;
    }
    // Java finds its libraries through /proc. The mount ends with the namespace.
    let mut java = Command::new("unshare");
    java.args(["--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--root"]).arg(root);
    java.arg("/opt/java/bin/java").arg(format!("-XX:ArchiveClassesAtExit={SCRIPT_CLASS_ARCHIVE}"));
    // JAVA_OPTIONS name the archive that does not exist yet, so the default one is named here.
    java.arg("-XX:SharedArchiveFile=/opt/java/lib/server/classes.jsa");
    java.arg("-classpath").arg(format!("{utilities}:{flink}"));
    java.args(["org.apache.flink.runtime.util.bash.BashJavaUtils", "GET_TM_RESOURCE_PARAMS"]);
    java.args(["--configDir", "/opt/flink/conf"]).env("JAVA_HOME", "/opt/java");
    run_tool(&mut java, "preparing the classes of Flink's scripts")
}

/// Reads the `release` file of the JDK. It must be a JDK 17, the default Java of Flink 2.
fn read_java_version(home: &Path) -> Result<String> {
    let path = home.join("release");
    let release = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    if release.lines().any(|line| line.starts_with("JAVA_VERSION=\"17")) {
        return Ok(release);
    }
    bail!("the JDK in {} is not a JDK 17; install one and set JAVA_HOME to it", home.display())
}

/// Adds the entry point, and the files that the scripts of Debian's packages would write. mmdebstrap only extracts here.
fn add_system_files(paths: &BuildPaths, root: &Path) -> Result<()> {
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
    let entrypoint = paths.checkout.join("sandbox/flink/entrypoint.sh");
    fs::copy(&entrypoint, root.join("docker-entrypoint.sh"))
        .with_context(|| format!("cannot copy {}", entrypoint.display()))?;
    Ok(())
}
