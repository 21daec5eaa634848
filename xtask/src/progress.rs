//! Prints the running steps and their duration on standard error.

use std::io::{IsTerminal, Write, stderr};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{JoinHandle, spawn};
use std::time::{Duration, Instant};

/// How often a terminal's line is redrawn.
const REDRAW_INTERVAL: Duration = Duration::from_secs(1);
/// After how many ticks a log gets another line about the running steps.
const LOG_INTERVAL_TICKS: u64 = 20;

/// The running steps. Steps may overlap and may run in several threads.
pub struct Progress {
    board: Arc<Mutex<Board>>,
    /// The ticker ends when this is dropped.
    stop: Option<Sender<()>>,
    ticker: Option<JoinHandle<()>>,
}

/// One step. It counts as failed if it is dropped without [`Step::finish`].
pub struct Step {
    board: Arc<Mutex<Board>>,
    id: usize,
    title: String,
    started: Instant,
    finished: bool,
}

#[derive(Default)]
struct Board {
    active: Vec<Active>,
    next: usize,
    terminal: bool,
    ticks: u64,
}

struct Active {
    id: usize,
    text: String,
    started: Instant,
}

impl Progress {
    /// Starts reporting.
    #[must_use]
    pub fn new() -> Self {
        let board = Arc::new(Mutex::new(Board { terminal: stderr().is_terminal(), ..Board::default() }));
        let (stop, stopped) = channel();
        let ticking = Arc::clone(&board);
        let ticker = spawn(move || {
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(REDRAW_INTERVAL) {
                lock(&ticking).tick();
            }
        });
        Self { board, stop: Some(stop), ticker: Some(ticker) }
    }

    /// Starts a step. A title is a phrase such as `building Kubernetes`.
    #[must_use]
    pub fn step(&self, title: &str) -> Step {
        let started = Instant::now();
        let id = lock(&self.board).begin(title, started);
        Step { board: Arc::clone(&self.board), id, title: title.to_owned(), started, finished: false }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(ticker) = self.ticker.take() {
            // A panic of the ticker is already on standard error.
            let _ = ticker.join();
        }
    }
}

impl Step {
    /// Shows what the step does now.
    pub fn show(&self, what: &str) {
        lock(&self.board).update(self.id, &format!("{}: {what}", self.title));
    }

    /// Ends the step as successful.
    pub fn finish(mut self) {
        self.finished = true;
        lock(&self.board).end(self.id, &format!("done  {} ({})", self.title, format_duration(self.started.elapsed())));
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if !self.finished {
            let line = format!("FAILED {} after {}", self.title, format_duration(self.started.elapsed()));
            lock(&self.board).end(self.id, &line);
        }
    }
}

impl Board {
    fn begin(&mut self, title: &str, started: Instant) -> usize {
        self.next += 1;
        self.active.push(Active { id: self.next, text: title.to_owned(), started });
        self.print_change(title);
        self.next
    }

    fn update(&mut self, id: usize, text: &str) {
        let Some(active) = self.active.iter_mut().find(|active| active.id == id) else { return };
        if active.text != text {
            text.clone_into(&mut active.text);
            self.print_change(text);
        }
    }

    fn end(&mut self, id: usize, line: &str) {
        self.active.retain(|active| active.id != id);
        let clear = if self.terminal { "\r\x1b[K" } else { "" };
        print(&format!("{clear}{line}\n"));
        if self.terminal {
            self.draw();
        }
    }

    /// Prints a change: a log gets a new line, a terminal redraws its line.
    fn print_change(&self, text: &str) {
        if self.terminal {
            self.draw();
        } else {
            print(&format!("..    {text}\n"));
        }
    }

    fn tick(&mut self) {
        self.ticks += 1;
        if self.terminal {
            self.draw();
        } else if self.ticks.is_multiple_of(LOG_INTERVAL_TICKS) && !self.active.is_empty() {
            print(&format!("..    {}\n", self.line()));
        }
    }

    fn draw(&self) {
        let line = self.line();
        print(&format!("\r\x1b[K{line}"));
    }

    fn line(&self) -> String {
        let steps =
            self.active.iter().map(|active| format!("{} ({})", active.text, format_duration(active.started.elapsed())));
        steps.collect::<Vec<_>>().join(" | ")
    }
}

/// Formats a duration for people: `48 s`, `6 min 05 s`.
#[must_use]
pub fn format_duration(duration: Duration) -> String {
    let whole = duration.as_secs();
    if whole < 60 { format!("{whole} s") } else { format!("{} min {:02} s", whole / 60, whole % 60) }
}

fn print(text: &str) {
    // Without a standard error nobody can read the text.
    let _ = stderr().write_all(text.as_bytes());
}

fn lock(board: &Mutex<Board>) -> MutexGuard<'_, Board> {
    board.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_minutes_and_seconds() {
        let texts = [0, 59, 60, 365].map(|whole| format_duration(Duration::from_secs(whole)));
        assert_eq!(texts, ["0 s", "59 s", "1 min 00 s", "6 min 05 s"]);
    }

    #[test]
    fn steps_that_overlap_share_one_line_until_they_end() {
        let mut board = Board::default();
        let started = Instant::now();
        let first = board.begin("building Kubernetes", started);
        let second = board.begin("building the images", started);
        board.update(second, "building the images: jlink");
        assert_eq!(board.line(), "building Kubernetes (0 s) | building the images: jlink (0 s)");
        board.end(first, "done");
        assert_eq!(board.line(), "building the images: jlink (0 s)");
    }
}
