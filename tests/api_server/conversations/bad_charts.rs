//! Charts that cannot or may not be deployed. Each is refused at Plan with what to do next, and leaves nothing behind.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{
    bot::Bot,
    fixtures::{
        chart::{Charts, STANDALONE, both, deployment},
        flink_application::flink_application,
        flink_rollout::deploy_request,
    },
    refused_rollouts::{list_objects, wait_until_released, wait_until_untouched},
    sandbox::Sandbox,
    simulator::start_simulator,
};

/// Planning runs helm twice for each chart, and all rollouts start at once.
const BAKE_TIMEOUT: Duration = Duration::from_secs(240);

/// The two Deployments and one more template.
fn with(more: &str) -> Vec<(&'static str, String)> {
    let mut templates = both();
    templates.push(("more.yaml", more.to_owned()));
    templates
}

/// The two Deployments, with a changed JobManager.
fn job_manager(container: &str, pod: &str) -> Vec<(&'static str, String)> {
    let mut templates = both();
    templates[0].1 = deployment("jobmanager", container, pod);
    templates
}

/// Text that does not compress below three quarters of its size.
fn noise(bytes: usize, mut seed: u64) -> String {
    const DIGITS: &[u8; 64] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-";
    let next = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        char::from(DIGITS[usize::try_from(seed >> 58).unwrap()])
    };
    std::iter::repeat_with(next).take(bytes).collect()
}

/// Each object fits into the API server, but together they do not fit into a revision record.
fn large() -> Vec<(&'static str, String)> {
    let object = |number: u64| {
        format!(
            "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: dictionary-{number}}}\ndata: {{words: \"{}\"}}\n",
            noise(500_000, number + 1)
        )
    };
    with(&(0..3).map(object).collect::<String>())
}

/// The two Deployments, and a configuration file that the JobManager mounts.
fn flink_conf(text: &str) -> Vec<(&'static str, String)> {
    let mut templates = job_manager(STANDALONE, "volumes: [{name: conf, configMap: {name: conf}}]");
    let map =
        format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: conf}}\ndata:\n  config.yaml: |\n    {text}\n");
    templates.push(("conf.yaml", map));
    templates
}

fn cases() -> Vec<(&'static str, Vec<(&'static str, String)>)> {
    let config = |metadata: &str| format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: extra{metadata}}}\n");
    vec![
        ("fails", with("{{ required \"set .Values.region to north or south\" .Values.region }}")),
        ("syntax", with("apiVersion: v1\nkind: {{ .Values.kind \n")),
        ("no-yaml", with("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: [extra\n")),
        ("no-object", with("just: words\n")),
        ("random", with(&config(", annotations: {salt: {{ randAlphaNum 12 }}}"))),
        ("elsewhere", with(&config(", namespace: kube-system"))),
        ("cluster", with("apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: extra}\n")),
        ("unserved", with("apiVersion: shop.example/v1\nkind: Basket\nmetadata: {name: extra}\n")),
        ("twice", with(&format!("{}---\n{}", config(""), config("")))),
        ("hostpath", job_manager(STANDALONE, "volumes: [{name: disk, hostPath: {path: /}}]")),
        ("privileged", job_manager(&format!("{STANDALONE}\nsecurityContext: {{privileged: true}}"), "")),
        ("host-network", job_manager(STANDALONE, "hostNetwork: true")),
        ("no-jobmanager", both().into_iter().skip(1).collect()),
        (
            "shell",
            job_manager(
                "command: [sh, -c, \"exec /docker-entrypoint.sh standalone-job --job-classname shop.Job\"]",
                "",
            ),
        ),
        ("swallows", job_manager("args: [standalone-job, --host, 0.0.0.0, --job-classname, shop.Job]", "")),
        ("unmounted", job_manager(STANDALONE, "volumes: [{name: conf, configMap: {name: nowhere}}]")),
        ("neighbours-id", flink_conf("kubernetes:\n      cluster-id: neighbour")),
        ("neighbours-storage", flink_conf("high-availability.cluster-id: neighbour")),
        ("refused", job_manager("args: [standalone-job]\nports: [{containerPort: 99999}]", "")),
        ("large", large()),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_chart_is_refused_and_leaves_nothing_behind() {
    let (sandbox, charts) = (Sandbox::get(), Charts::new("charts"));
    let namespace = sandbox.namespace("charts");
    let before = list_objects(&sandbox, &namespace);
    let slack = start_simulator().await;
    let bot = Bot::start(&sandbox, &namespace.name, &slack).await;
    let mut names = vec!["missing"];
    sandbox.apply(&namespace.name, &flink_application("missing", "/nowhere/chart", &json!({})));
    for (name, templates) in cases() {
        sandbox.apply(&namespace.name, &flink_application(name, charts.write(name, &templates), &json!({})));
        names.push(name);
    }
    let requests: Vec<Value> =
        names.iter().map(|name| deploy_request(&sandbox, &format!("{name}-1"), name, "1.0.0")).collect();
    sandbox.apply(&namespace.name, &json!({"apiVersion": "v1", "kind": "List", "items": requests}));
    let mut messages = Vec::new();
    for name in names {
        let message = wait_until_untouched(&sandbox, &namespace, &format!("{name}-1"), BAKE_TIMEOUT).await;
        wait_until_released(&sandbox, &namespace, name).await;
        messages.push(format!("{name}: {message}"));
    }
    assert_eq!(list_objects(&sandbox, &namespace), before);
    let folder = charts.folder().to_str().unwrap().to_owned();
    insta::with_settings!({filters => vec![
        (folder.as_str(), "[charts]"), (r"charts-\d+", "[namespace]"), (r"is \d{6,} bytes", "is [size] bytes"),
    ]}, { insta::assert_snapshot!(messages.join("\n\n")) });
    bot.stop().await;
}
