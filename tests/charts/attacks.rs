//! Attacks of a chart on the bot.

use std::{
    collections::BTreeSet,
    fs,
    io::Read as _,
    net::TcpListener,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use crate::chart::{Charts, by_helm_alone, helm, text};

/// A template that renders a file of the chart.
const LEAK: &str = "leak: {{ .Files.Get \"files/leak\" | b64enc | quote }}";

fn link_to(target: &Path) -> Charts {
    let charts = Charts::with(LEAK);
    symlink(target, charts.orders().join("files/leak")).unwrap();
    charts
}

/// `echo -n xoxb-secret | base64`, as it is found in a longer text at each of three offsets.
fn shows_the_secret(text: &str) -> bool {
    ["eG94Yi1zZWNyZX", "hveGItc2VjcmV0", "4b3hiLXNlY3JldA"].iter().any(|part| text.contains(part))
}

#[tokio::test]
async fn a_link_to_the_environment_renders_no_token() {
    let charts = link_to(Path::new("/proc/self/environ"));
    assert!(shows_the_secret(&by_helm_alone(&charts.orders())), "the attack is not real any more");
    let confined = charts.confined(&charts.orders());
    assert!(!confined.status.success() && !shows_the_secret(&text(&confined)), "{}", text(&confined));
    let why = charts.refusal("orders").await;
    assert_eq!(
        why,
        "the chart cannot be used: the link files/leak leaves the chart: put the file itself into the chart in its place"
    );
}

#[tokio::test]
async fn a_link_to_a_file_of_the_bot_renders_nothing() {
    let secrets = tempfile::tempdir().unwrap();
    let token = secrets.path().join("token");
    fs::write(&token, "xoxb-secret").unwrap();
    let charts = link_to(&token);
    assert!(shows_the_secret(&by_helm_alone(&charts.orders())), "the attack is not real any more");
    let confined = text(&charts.confined(&charts.orders()));
    assert!(confined.contains("permission denied"), "{confined}");
    let why = charts.refusal("orders").await;
    assert!(why.contains("leaves the chart"), "{why}");
}

/// The kernel follows `/proc/PARENT/environ`, which helm could name if it ran as before.
#[tokio::test]
async fn a_confined_helm_cannot_read_the_environment_of_another_process() {
    let mut other = Command::new("sleep").arg("60").env("TOKEN", "xoxb-secret").spawn().unwrap();
    let charts = link_to(Path::new(&format!("/proc/{}/environ", other.id())));
    assert!(shows_the_secret(&by_helm_alone(&charts.orders())), "the attack is not real any more");
    let confined = charts.confined(&charts.orders());
    other.kill().unwrap();
    other.wait().unwrap();
    assert!(!shows_the_secret(&text(&confined)) && !confined.status.success(), "{}", text(&confined));
}

#[tokio::test]
async fn the_bot_fetches_no_chart() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/orders.tgz", server.local_addr().unwrap());
    let mut alone = Command::new(helm()).args(["template", "orders", &address]).spawn().unwrap();
    let (mut asked, mut request) = (server.accept().unwrap().0, [0; 16]);
    asked.read_exact(&mut request).unwrap();
    assert!(request.starts_with(b"GET /orders.tgz"), "the attack is not real any more");
    drop(asked);
    alone.wait().unwrap();
    server.set_nonblocking(true).unwrap();
    let charts = Charts::with("a: b");
    let why = charts.refusal(&address).await;
    assert!(why.contains("is an address, and the bot fetches no charts"), "{why}");
    let confined = charts.confined(Path::new(&address));
    assert!(!confined.status.success());
    assert!(server.accept().is_err(), "a confined helm reached the network");
}

#[tokio::test]
async fn a_chart_outside_of_the_folder_is_not_rendered() {
    let charts = Charts::with("a: b");
    let outside = charts.0.path().join("outside");
    fs::rename(charts.orders(), &outside).unwrap();
    assert!(by_helm_alone(&outside).contains("kind: ConfigMap"), "the attack is not real any more");
    for path in [outside.to_str().unwrap(), "../outside", "bitnami/redis", "oci://example.com/orders"] {
        let why = charts.refusal(path).await;
        assert!(why.contains("into chart.path"), "{why}");
    }
}

#[tokio::test]
async fn a_chart_that_uses_up_memory_is_refused() {
    let charts = Charts::with("{{ $s := \"0123456789abcdef\" }}{{ range until 40 }}{{ $s = print $s $s }}{{ end }}");
    let why = charts.refusal("orders").await;
    assert_eq!(
        why,
        "the chart needs too much to be rendered: helm would use more than 256 MiB of memory; make it smaller or simpler"
    );
}

#[tokio::test]
async fn a_chart_that_renders_without_end_is_refused() {
    let charts =
        Charts::with("{{ range until 100000 }}{{ range until 100000 }}{{ $_ := len \"a\" }}{{ end }}{{ end }}");
    let why = charts.refusal("orders").await;
    // On a busy machine it does not get so much processor time before the other limit.
    let limits = ["more than 10 s of processor time", "did not end within 60 s"];
    assert!(limits.iter().any(|limit| why.contains(limit)), "{why}");
}

/// The text fits into helm's memory and not into the bot's.
#[tokio::test]
async fn a_chart_that_renders_very_much_is_refused() {
    let charts = Charts::with("a: {{ repeat 9000000 \"x\" }}");
    assert!(by_helm_alone(&charts.orders()).len() > 9_000_000, "the attack is not real any more");
    let why = charts.refusal("orders").await;
    assert!(why.contains("it renders more than 8 MiB"), "{why}");
}

/// 600 kB of text become more values than are read.
#[tokio::test]
async fn a_chart_that_renders_very_many_values_is_refused() {
    let charts = Charts::with("a: [{{ repeat 300000 \"1,\" }}1]");
    let why = charts.refusal("orders").await;
    assert!(why.contains("is not a Kubernetes object"), "{why}");
}

/// The homes of all helms on this machine.
fn homes() -> BTreeSet<PathBuf> {
    let paths = fs::read_dir(std::env::temp_dir()).unwrap().map(|entry| entry.unwrap().path());
    paths.filter(|path| path.to_string_lossy().contains("/lockkeeper-helm-")).collect()
}

#[tokio::test]
async fn no_home_stays_after_a_rendering() {
    let charts = Charts::with("a: {{ fail \"on purpose\" }}");
    let before = homes();
    let why = charts.refusal("orders").await;
    assert!(why.contains("on purpose"), "{why}");
    let new = &homes() - &before;
    // The other tests render too, and their homes go in the end.
    let began = Instant::now();
    while new.iter().any(|home| home.exists()) {
        assert!(began.elapsed() < Duration::from_secs(180), "a home stayed: {new:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
