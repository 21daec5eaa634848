//! Charts written by a test: two plausible Deployments, and whatever is wrong with them.

use std::path::{Path, PathBuf};

/// A folder of charts, removed at the end.
pub struct Charts(PathBuf);

impl Drop for Charts {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

impl Charts {
    /// An empty folder of a test's own.
    pub fn new(purpose: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("lockkeeper-{purpose}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.0
    }

    /// Writes a chart with these templates; its path.
    pub fn write(&self, name: &str, templates: &[(&str, String)]) -> String {
        let chart = self.0.join(name);
        std::fs::create_dir_all(chart.join("templates")).unwrap();
        std::fs::write(chart.join("Chart.yaml"), format!("apiVersion: v2\nname: {name}\nversion: 1.0.0\n")).unwrap();
        for (file, text) in templates {
            std::fs::write(chart.join("templates").join(file), text).unwrap();
        }
        chart.to_str().unwrap().to_owned()
    }
}

/// A Deployment named after release and component; `pod` is indented into its pod's spec, beside the container.
pub fn deployment(component: &str, container: &str, pod: &str) -> String {
    let indented =
        |text: &str, by: usize| text.lines().map(|line| format!("{}{line}\n", " ".repeat(by))).collect::<String>();
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {{{{ .Release.Name }}}}-{component}\nspec:\n  replicas: 1\n  \
         selector:\n    matchLabels: {{component: {component}}}\n  template:\n    metadata:\n      labels: {{component: {component}}}\n    \
         spec:\n{}      containers:\n        - name: main\n          image: registry.invalid/app:{{{{ .Values.version }}}}\n{}",
        indented(pod, 6),
        indented(container, 10),
    )
}

/// What a good JobManager is started with.
pub const STANDALONE: &str = "args: [standalone-job, --job-classname, shop.Job]";

/// Both Deployments, as they should be.
pub fn both() -> Vec<(&'static str, String)> {
    vec![
        ("jobmanager.yaml", deployment("jobmanager", STANDALONE, "")),
        ("taskmanager.yaml", deployment("taskmanager", "args: [taskmanager]", "")),
    ]
}
