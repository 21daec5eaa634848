//! Charts that must render although helm is confined.

use std::{fs, os::unix::fs::symlink, path::Path, process::Command};

use crate::chart::{Charts, helm};

fn package(chart: &Path, into: &Path) {
    let mut command = Command::new(helm());
    command.args(["package", "--destination"]).arg(into).arg(chart);
    assert!(command.output().unwrap().status.success());
}

#[tokio::test]
async fn a_chart_is_named_by_its_path_below_the_folder_or_an_absolute_one() {
    let charts = Charts::with("version: {{ .Values.version | quote }}");
    for path in ["orders", charts.orders().to_str().unwrap()] {
        let objects = charts.by_the_bot(path).await.unwrap();
        assert_eq!(objects[0].data["data"]["version"], "1.0.0");
    }
}

#[tokio::test]
async fn a_package_with_a_packaged_dependency_renders() {
    let charts = Charts::with("a: b");
    charts.write("library", "c: d");
    let orders = charts.orders();
    fs::create_dir(orders.join("charts")).unwrap();
    package(&charts.folder().join("library"), &orders.join("charts"));
    let more = "apiVersion: v2\nname: orders\nversion: 1.0.0\ndependencies: [{name: library, version: 1.0.0}]\n";
    fs::write(orders.join("Chart.yaml"), more).unwrap();
    package(&orders, &charts.folder());
    for path in ["orders", "orders-1.0.0.tgz"] {
        assert_eq!(charts.by_the_bot(path).await.unwrap().len(), 2, "{path}");
    }
}

/// Kubernetes shows the files of a ConfigMap through two links.
#[tokio::test]
async fn a_package_in_the_volume_of_a_config_map_renders() {
    let charts = Charts::with("a: b");
    let volume = charts.folder();
    fs::create_dir(volume.join("..2026_11_28_12_00_00.1")).unwrap();
    package(&charts.orders(), &volume.join("..2026_11_28_12_00_00.1"));
    symlink("..2026_11_28_12_00_00.1", volume.join("..data")).unwrap();
    symlink("..data/orders-1.0.0.tgz", volume.join("orders.tgz")).unwrap();
    assert_eq!(charts.by_the_bot("orders.tgz").await.unwrap().len(), 1);
    let absolute = volume.join("orders.tgz");
    assert_eq!(charts.by_the_bot(absolute.to_str().unwrap()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn the_sample_chart_renders() {
    let charts = Charts::with("a: b");
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("sandbox/chart");
    let copied = Command::new("cp").arg("--recursive").arg(sample).arg(charts.folder().join("sample")).status();
    assert!(copied.unwrap().success());
    assert!(charts.by_the_bot("sample").await.unwrap().len() > 3);
}

#[tokio::test]
async fn a_missing_helm_is_the_operators_to_repair() {
    let charts = Charts::with("a: b");
    let mut command = Command::new(env!("CARGO_BIN_EXE_lockkeeper"));
    command.args(["render", "--helm", "/nowhere/helm", "--home", "/tmp", "--chart"]).arg(charts.orders());
    let output = command.args(["--", "template"]).output().unwrap();
    assert_eq!(output.status.code(), Some(125));
    assert!(crate::chart::text(&output).contains("/nowhere/helm: No such file"), "{output:?}");
}
