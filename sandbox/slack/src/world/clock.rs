//! Issues message ids (ts). Slack uses the Unix time in seconds and microseconds. No two in a channel are equal.

use std::time::{SystemTime, UNIX_EPOCH};

/// Issues strictly increasing ids, even if the machine's clock goes back.
#[derive(Debug, Default)]
pub(crate) struct TsClock {
    last_micros: u64,
}

impl TsClock {
    pub(crate) fn next(&mut self) -> String {
        self.last_micros = micros_now().max(self.last_micros + 1);
        format_ts(self.last_micros)
    }
}

fn micros_now() -> u64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_epoch.as_micros()).unwrap_or(u64::MAX)
}

fn format_ts(micros: u64) -> String {
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_increase_as_text_even_within_one_microsecond() {
        let mut clock = TsClock::default();
        let ids: Vec<String> = (0..1000).map(|_| clock.next()).collect();
        assert!(ids.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_repeat_ids() {
        let mut clock = TsClock { last_micros: 9_000_000_000_000_000 };
        assert_eq!(clock.next(), "9000000000.000001");
    }

    #[test]
    fn microseconds_are_padded() {
        assert_eq!(format_ts(1_764_000_000_000_100), "1764000000.000100");
    }
}
