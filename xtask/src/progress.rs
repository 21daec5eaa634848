//! Says on standard error what takes long, and for how long already.

use std::io::{IsTerminal, Write, stderr};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{JoinHandle, spawn};
use std::time::{Duration, Instant};

/// How often a terminal's line is redrawn.
const TICK: Duration = Duration::from_secs(1);
/// How often a log gets a line while a step goes on.
const LOG_EVERY: u64 = 20;

/// The steps that are going on. Steps may overlap and be reported from several threads.
pub struct Progress {
    board: Arc<Mutex<Board>>,
    /// Dropping it ends the ticker.
    stop: Option<Sender<()>>,
    ticker: Option<JoinHandle<()>>,
}

/// One step; it counts as failed unless [`Step::done`] is called.
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
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(TICK) {
                lock(&ticking).tick();
            }
        });
        Self { board, stop: Some(stop), ticker: Some(ticker) }
    }

    /// Begins a step, named as in `building Kubernetes`.
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
            // A ticker that panicked has nothing more to report.
            let _ = ticker.join();
        }
    }
}

impl Step {
    /// Says what the step is at.
    pub fn now(&self, what: &str) {
        lock(&self.board).update(self.id, &format!("{}: {what}", self.title));
    }

    /// Ends the step well.
    pub fn done(mut self) {
        self.finished = true;
        lock(&self.board).end(self.id, &format!("done  {} ({})", self.title, seconds(self.started.elapsed())));
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if !self.finished {
            let line = format!("FAILED {} after {}", self.title, seconds(self.started.elapsed()));
            lock(&self.board).end(self.id, &line);
        }
    }
}

impl Board {
    fn begin(&mut self, title: &str, started: Instant) -> usize {
        self.next += 1;
        self.active.push(Active { id: self.next, text: title.to_owned(), started });
        self.changed(title);
        self.next
    }

    fn update(&mut self, id: usize, text: &str) {
        let Some(active) = self.active.iter_mut().find(|active| active.id == id) else { return };
        if active.text != text {
            text.clone_into(&mut active.text);
            self.changed(text);
        }
    }

    fn end(&mut self, id: usize, line: &str) {
        self.active.retain(|active| active.id != id);
        let clear = if self.terminal { "\r\x1b[K" } else { "" };
        say(&format!("{clear}{line}\n"));
        if self.terminal {
            self.draw();
        }
    }

    /// A log gets one line for each change; a terminal's line just shows it.
    fn changed(&self, text: &str) {
        if self.terminal {
            self.draw();
        } else {
            say(&format!("..    {text}\n"));
        }
    }

    fn tick(&mut self) {
        self.ticks += 1;
        if self.terminal {
            self.draw();
        } else if self.ticks.is_multiple_of(LOG_EVERY) && !self.active.is_empty() {
            say(&format!("..    {}\n", self.line()));
        }
    }

    fn draw(&self) {
        let line = self.line();
        say(&format!("\r\x1b[K{line}"));
    }

    fn line(&self) -> String {
        let steps = self.active.iter().map(|active| format!("{} ({})", active.text, seconds(active.started.elapsed())));
        steps.collect::<Vec<_>>().join(" | ")
    }
}

/// A duration as people read it: `48 s`, `6 min 05 s`.
#[must_use]
pub fn seconds(duration: Duration) -> String {
    let whole = duration.as_secs();
    if whole < 60 { format!("{whole} s") } else { format!("{} min {:02} s", whole / 60, whole % 60) }
}

fn say(text: &str) {
    // Without a standard error there is nobody to tell.
    let _ = stderr().write_all(text.as_bytes());
}

fn lock(board: &Mutex<Board>) -> MutexGuard<'_, Board> {
    board.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_like_a_person_says_them() {
        let texts = [0, 59, 60, 365].map(|whole| seconds(Duration::from_secs(whole)));
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
