//! A small browser driver: it speaks the Chrome `DevTools` Protocol over a pipe. Chromium ends when the pipe closes, so no
//! browser is left behind, even after a failed test.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Once;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::Mutex;

/// Only a real failure takes this long.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// How often a condition is checked.
const POLL: Duration = Duration::from_millis(20);

pub struct Browser {
    pipe: Mutex<Pipe>,
    /// The page's session with the browser.
    session: String,
    // Fields are dropped in order: Chromium ends when the pipe closes, and its folder is removed after that.
    _process: Process,
    _profile: Profile,
}

struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let started = Instant::now();
        while matches!(self.0.try_wait(), Ok(None)) && started.elapsed() < DEADLINE {
            std::thread::sleep(POLL);
        }
    }
}

struct Pipe {
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
    last_id: u64,
}

/// The browser's profile folder. It is removed when dropped.
struct Profile(PathBuf);

impl Drop for Profile {
    fn drop(&mut self) {
        // The browser may still write files while it ends.
        let started = Instant::now();
        while std::fs::remove_dir_all(&self.0).is_err() && self.0.exists() && started.elapsed() < DEADLINE {
            std::thread::sleep(POLL);
        }
    }
}

impl Browser {
    pub async fn open(url: &str) -> Self {
        static PROFILES: AtomicUsize = AtomicUsize::new(0);
        static PROVIDER: Once = Once::new();
        PROVIDER.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
        let number = PROFILES.fetch_add(1, Ordering::Relaxed);
        let profile = Profile(std::env::temp_dir().join(format!("slack-page-{}-{number}", std::process::id())));
        let mut process = start(&profile);
        let answers = BufReader::new(process.stdout.take().unwrap());
        let mut pipe = Pipe { requests: process.stdin.take().unwrap(), answers, last_id: 0 };
        let target = pipe.call(None, "Target.createTarget", json!({"url": url})).await["targetId"].clone();
        let attached = pipe.call(None, "Target.attachToTarget", json!({"targetId": target, "flatten": true})).await;
        let session = attached["sessionId"].as_str().unwrap().to_owned();
        let browser = Self { pipe: Mutex::new(pipe), session, _process: Process(process), _profile: profile };
        // The page must behave as if it has the focus.
        browser.command("Emulation.setFocusEmulationEnabled", json!({"enabled": true})).await;
        browser
    }

    pub async fn command(&self, method: &str, parameters: Value) -> Value {
        self.pipe.lock().await.call(Some(&self.session), method, parameters).await
    }

    /// Returns the value of a JavaScript expression.
    pub async fn evaluate(&self, expression: &str) -> Value {
        let parameters = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let result = self.command("Runtime.evaluate", parameters).await;
        assert_eq!(result.get("exceptionDetails"), None, "{expression}");
        result["result"]["value"].clone()
    }

    /// Waits until an expression is true.
    pub async fn until(&self, what: &str, expression: &str) {
        self.until_within(DEADLINE, what, expression).await;
    }

    /// Waits until an expression is true, with another deadline.
    pub async fn until_within(&self, deadline: Duration, what: &str, expression: &str) {
        let started = Instant::now();
        while self.evaluate(&format!("Boolean({expression})")).await != json!(true) {
            if started.elapsed() > deadline {
                let page = self.evaluate("document.body.innerText").await;
                panic!("waited in vain for {what}; the page shows:\n{}", page.as_str().unwrap_or_default());
            }
            tokio::time::sleep(POLL).await;
        }
    }

    pub async fn text(&self, selector: &str) -> String {
        let text = self.evaluate(&format!("document.querySelector({}).textContent", json!(selector))).await;
        text.as_str().unwrap().to_owned()
    }

    pub async fn press(&self, selector: &str) {
        self.evaluate(&format!("document.querySelector({}).click()", json!(selector))).await;
    }

    /// Types a line into an input and presses Enter.
    pub async fn type_line(&self, selector: &str, line: &str) {
        self.evaluate(&format!("document.querySelector({}).focus()", json!(selector))).await;
        self.command("Input.insertText", json!({"text": line})).await;
        let enter = json!({"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r"});
        for kind in ["keyDown", "keyUp"] {
            let mut event = enter.clone();
            event["type"] = json!(kind);
            self.command("Input.dispatchKeyEvent", event).await;
        }
    }

    /// Returns a screenshot of an element as a PNG image in base64.
    pub async fn screenshot(&self, selector: &str) -> String {
        let corner = format!("document.querySelector({}).getBoundingClientRect().toJSON()", json!(selector));
        let mut clip = self.evaluate(&corner).await;
        clip["scale"] = json!(1);
        let image = self.command("Page.captureScreenshot", json!({"format": "png", "clip": clip})).await;
        image["data"].as_str().unwrap().to_owned()
    }

    /// Changes the size of the window.
    pub async fn resize(&self, width: u64, height: u64) {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.command("Emulation.setDeviceMetricsOverride", size).await;
        self.until("the window's size", &format!("innerWidth === {width} && innerHeight === {height}")).await;
    }

    /// Selects the acting person.
    pub async fn act_as(&self, user: &str) {
        let choose = format!(
            "(chooser => {{ chooser.value = {}; chooser.dispatchEvent(new Event('change')) }})(document.querySelector('#acting'))",
            json!(user)
        );
        self.evaluate(&choose).await;
    }
}

impl Pipe {
    /// Sends a request and returns its answer. Events in between are ignored.
    async fn call(&mut self, session: Option<&str>, method: &str, parameters: Value) -> Value {
        self.last_id += 1;
        let mut request = json!({"id": self.last_id, "method": method, "params": parameters});
        if let Some(session) = session {
            request["sessionId"] = json!(session);
        }
        self.requests.write_all(format!("{request}\0").as_bytes()).await.unwrap();
        loop {
            let mut frame = Vec::new();
            let read = tokio::time::timeout(DEADLINE, self.answers.read_until(0, &mut frame));
            let length = read.await.expect("the browser is silent").unwrap();
            assert!(
                length > 0,
                "Chromium ended; is it installed? `apt-get install chromium`, or set CHROMIUM to its path"
            );
            frame.pop();
            let answer: Value = serde_json::from_slice(&frame).unwrap();
            if answer["id"] == self.last_id {
                assert_eq!(answer.get("error"), None, "{method}");
                return answer["result"].clone();
            }
        }
    }
}

fn start(profile: &Profile) -> Child {
    let program = std::env::var("CHROMIUM").unwrap_or_else(|_| "chromium".to_owned());
    // Chromium reads requests from file 3 and writes answers to file 4.
    let mut command = Command::new("sh");
    command.args(["-c", "exec \"$0\" \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>&1"]).arg(program).args([
        "--headless",
        // The tests run as root, and Chromium's own sandbox does not work as root.
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--window-size=1440,900",
        "--remote-debugging-pipe",
    ]);
    command.arg(format!("--user-data-dir={}", profile.0.display()));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap()
}
