//! Renders a chart with `helm template`, twice. People cannot approve a plan for a chart that renders differently each time.
//!
//! A chart is a program that somebody else wrote. It sees nothing of the bot and cannot exhaust it: `chart.rs` says which charts are
//! taken, and `confine.rs` what helm may reach and use.

mod chart;
mod confine;
mod error;
mod links;
mod objects;
mod package;
mod run;

use std::path::PathBuf;

use kube::core::DynamicObject;
use serde_json::Value;
use tokio::sync::Semaphore;

pub use self::{
    confine::{Confinement, become_helm},
    error::BakeError,
    run::Renderer,
};
use objects::first_difference;
pub(crate) use objects::{parse_objects, with_version};

/// One chart at a time, in all namespaces together, so that helm's memory fits into the pod's limit beside the bot.
static RENDERING: Semaphore = Semaphore::const_new(1);

/// A release to render.
#[derive(Debug, Clone)]
pub struct Release<'a> {
    pub name: &'a str,
    pub namespace: &'a str,
    /// Path of the chart's folder or package: below the folder of charts, or absolute.
    pub chart: &'a str,
    /// The content of a values file.
    pub values: &'a Value,
}

/// Helm, and the facts about the cluster that it needs.
#[derive(Debug, Clone)]
pub struct Helm {
    pub renderer: Renderer,
    /// `--kube-version`.
    pub kube_version: String,
    /// `--api-versions`.
    pub api_versions: Vec<String>,
}

impl Helm {
    /// Renders a release twice and returns its objects.
    pub async fn template(&self, release: &Release<'_>) -> Result<Vec<DynamicObject>, BakeError> {
        // Nothing closes the semaphore, so this cannot fail.
        let _alone = RENDERING.acquire().await;
        let first = match self.render(release).await {
            // A node that is short of memory can end helm too, so the first time may be chance.
            Err(BakeError::TooMuch(_)) => self.render(release).await?,
            other => other?,
        };
        let second = self.render(release).await?;
        match first_difference(&first, &second) {
            Some(place) => Err(BakeError::Differs(place)),
            None => parse_objects(&first),
        }
    }

    async fn render(&self, release: &Release<'_>) -> Result<String, BakeError> {
        let chart = self.check_chart(release.chart).await?;
        let api_versions = self.api_versions.join(",");
        // Arguments as a list and values on standard input: neither a shell nor --set may parse text that a person typed.
        let mut arguments: Vec<_> =
            ["template", "--namespace", release.namespace, "--kube-version", &self.kube_version, "--no-hooks"].into();
        arguments.extend(["--api-versions", &api_versions, "--values", "-", "--", release.name]);
        run::run_helm(&self.renderer, &chart, &arguments, &release.values.to_string()).await
    }

    /// Checks the chart again before each rendering, because the volume of a ConfigMap can change between two.
    async fn check_chart(&self, path: &str) -> Result<PathBuf, BakeError> {
        let (charts, path) = (self.renderer.charts.clone(), path.to_owned());
        let checked = tokio::task::spawn_blocking(move || {
            let chart = chart::find_chart(&charts, &path)?;
            chart::refuse_links(&chart)?;
            Ok(chart)
        });
        checked.await.map_err(|error| BakeError::Chart(format!("it could not be checked: {error}")))?
    }
}
