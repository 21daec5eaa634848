//! The simulator as a separate program.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::DEADLINE;

/// Ends the program even if a test fails.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[tokio::test]
async fn it_prints_its_addresses_once_it_answers() {
    let folder = std::env::temp_dir().join(format!("slack-simulator-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (world, ready) = (folder.join("world.json"), folder.join("ready.json"));
    let definition =
        r#"{"team": {"id": "T1", "name": "Elsewhere", "domain": "elsewhere"}, "users": [], "channels": []}"#;
    std::fs::write(&world, definition).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_lockkeeper-slack-simulator"));
    command.arg("--world").arg(&world).arg("--ready-file").arg(&ready).stdout(Stdio::null());
    let _running = Running(command.spawn().unwrap());

    let started = Instant::now();
    let ready: Value = loop {
        assert!(started.elapsed() < DEADLINE, "no ready file");
        match std::fs::read(&ready) {
            Ok(text) => break serde_json::from_slice(&text).unwrap(),
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    };
    std::fs::remove_dir_all(&folder).unwrap();
    let url = format!("{}/auth.test", ready["api"].as_str().unwrap());
    let request = reqwest::Client::new().get(url).bearer_auth(ready["botToken"].as_str().unwrap());
    let answer: Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["team"], "Elsewhere");
}

#[test]
fn it_refuses_to_listen_beyond_this_machine() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lockkeeper-slack-simulator"));
    let output = command.args(["--listen", "0.0.0.0:0"]).output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("listens on loopback only"));
}
