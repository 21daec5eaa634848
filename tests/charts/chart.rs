//! A folder of charts, and the three ways to render one: by helm alone, by helm as it is confined, and as the bot does it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use kube::core::DynamicObject;
use lockkeeper::bake::{BakeError, Helm, Release, Renderer};
use serde_json::json;
use tempfile::TempDir;

/// A folder with the folder `charts`, which has the chart `orders`.
pub struct Charts(pub TempDir);

pub fn helm() -> PathBuf {
    std::env::var_os("LOCKKEEPER_HELM")
        .expect("LOCKKEEPER_HELM is not set: run these tests by `cargo xtask test`, or set it to a helm program")
        .into()
}

impl Charts {
    /// The chart `orders` with one ConfigMap, whose data is this line.
    pub fn with(data: &str) -> Self {
        let charts = Self(tempfile::tempdir().unwrap());
        charts.write("orders", data);
        charts
    }

    pub fn write(&self, name: &str, data: &str) {
        let chart = self.folder().join(name);
        fs::create_dir_all(chart.join("templates")).unwrap();
        fs::create_dir_all(chart.join("files")).unwrap();
        fs::write(chart.join("Chart.yaml"), format!("apiVersion: v2\nname: {name}\nversion: 1.0.0\n")).unwrap();
        let template = format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{ {data} }}\n");
        fs::write(chart.join("templates/map.yaml"), template).unwrap();
    }

    pub fn folder(&self) -> PathBuf {
        self.0.path().join("charts")
    }

    pub fn orders(&self) -> PathBuf {
        self.folder().join("orders")
    }

    /// By `lockkeeper render`, without the checks before it.
    pub fn confined(&self, chart: &Path) -> Output {
        let home = self.0.path().join("home");
        fs::create_dir_all(&home).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_lockkeeper"));
        command.arg("render").arg("--helm").arg(helm()).arg("--chart").arg(chart).arg("--home").arg(home);
        command.args(["--", "template", "--namespace", "flink", "--", "orders"]);
        command.env("SLACK_BOT_TOKEN", "xoxb-secret").stdin(Stdio::null()).output().unwrap()
    }

    /// As the bot renders the chart at this path.
    pub async fn by_the_bot(&self, path: &str) -> Result<Vec<DynamicObject>, BakeError> {
        let helm = Helm {
            renderer: Renderer {
                lockkeeper: env!("CARGO_BIN_EXE_lockkeeper").into(),
                helm: helm(),
                charts: self.folder(),
            },
            kube_version: "v1.37.2".to_owned(),
            api_versions: vec!["v1".to_owned(), "apps/v1".to_owned()],
        };
        let values = json!({"version": "1.0.0"});
        helm.template(&Release { name: "orders", namespace: "flink", chart: path, values: &values }).await
    }

    pub async fn refusal(&self, path: &str) -> String {
        match self.by_the_bot(path).await {
            Ok(objects) => panic!("{path} rendered {} objects", objects.len()),
            Err(error) => error.to_string(),
        }
    }
}

/// Renders a chart as a person runs helm, with a secret in the environment.
pub fn by_helm_alone(chart: &Path) -> String {
    let mut command = Command::new(helm());
    command.args(["template", "orders"]).arg(chart).env("SLACK_BOT_TOKEN", "xoxb-secret");
    text(&command.output().unwrap())
}

/// What a program printed, output and errors.
pub fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}
