//! Slack's rate limits as token buckets that refill at the documented pace. There is one bucket for each method, and for
//! `chat.postMessage` one for each channel.

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// How often a method may be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limit {
    /// About 1 per minute. Bursts are allowed.
    Tier1,
    /// 20 per minute.
    Tier2,
    /// 50 per minute.
    Tier3,
    /// 100 per minute.
    Tier4,
    /// About 1 per second and channel. Short bursts are allowed.
    PostPerChannel,
    /// Hundreds per minute.
    Special,
}

impl Limit {
    /// The calls that are allowed at once, and the calls that are added per minute.
    fn burst_and_rate(self) -> (f64, f64) {
        match self {
            // Slack lets an app open its ten sockets at once, and then one per minute.
            Self::Tier1 => (10.0, 1.0),
            Self::Tier2 => (20.0, 20.0),
            Self::Tier3 => (50.0, 50.0),
            Self::Tier4 => (100.0, 100.0),
            Self::PostPerChannel => (5.0, 60.0),
            Self::Special => (300.0, 300.0),
        }
    }
}

#[derive(Debug)]
struct Bucket {
    calls_left: f64,
    updated: Instant,
}

#[derive(Debug)]
pub(crate) struct RateLimits {
    speedup: f64,
    buckets: HashMap<String, Bucket>,
    /// Until when a method is blocked by an injected fault.
    retry_after: HashMap<String, Instant>,
}

impl RateLimits {
    pub(crate) fn new(speedup: f64) -> Self {
        Self {
            speedup: if speedup.is_finite() { speedup.max(1.0) } else { 1.0 },
            buckets: HashMap::new(),
            retry_after: HashMap::new(),
        }
    }

    /// Blocks a method for some seconds, whatever its bucket holds.
    pub(crate) fn set_retry_after(&mut self, method: &str, seconds: u64, now: Instant) {
        self.retry_after.insert(method.to_owned(), now + Duration::from_secs(seconds));
    }

    /// Returns the seconds to wait if a method is blocked. Such a call starts the waiting time again.
    pub(crate) fn check_retry_after(&mut self, method: &str, now: Instant) -> Option<u64> {
        let until = self.retry_after.get_mut(method)?;
        let left = until.checked_duration_since(now).filter(|left| !left.is_zero())?;
        let seconds = left.as_secs() + 1;
        *until = now + Duration::from_secs(seconds);
        Some(seconds)
    }

    /// Takes one call from the bucket. An error holds the seconds after which to retry.
    pub(crate) fn take(&mut self, key: &str, limit: Limit, now: Instant) -> Result<(), u64> {
        let (burst, per_minute) = limit.burst_and_rate();
        let (burst, per_second) = (burst * self.speedup, per_minute * self.speedup / 60.0);
        let bucket = self.buckets.entry(key.to_owned()).or_insert(Bucket { calls_left: burst, updated: now });
        let refilled = now.saturating_duration_since(bucket.updated).as_secs_f64() * per_second;
        bucket.calls_left = (bucket.calls_left + refilled).min(burst);
        bucket.updated = now;
        if bucket.calls_left >= 1.0 {
            bucket.calls_left -= 1.0;
            return Ok(());
        }
        let wait = Duration::from_secs_f64((1.0 - bucket.calls_left) / per_second);
        Err(wait.as_secs() + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn posts_to_one_channel_are_limited_to_a_burst_and_then_one_per_second() {
        let mut limits = RateLimits::new(1.0);
        let start = Instant::now();
        for _ in 0..5 {
            assert_eq!(limits.take("post:C1", Limit::PostPerChannel, start), Ok(()));
        }
        assert_eq!(limits.take("post:C1", Limit::PostPerChannel, start), Err(2));
        assert_eq!(limits.take("post:C2", Limit::PostPerChannel, start), Ok(()), "each channel has its own");
        let later = start + Duration::from_secs(1);
        assert_eq!(limits.take("post:C1", Limit::PostPerChannel, later), Ok(()));
        assert!(limits.take("post:C1", Limit::PostPerChannel, later).is_err());
    }

    #[test]
    fn a_speedup_changes_the_pace_and_never_turns_the_limit_off() {
        let mut limits = RateLimits::new(10.0);
        let now = Instant::now();
        let accepted = (0..1000).filter(|_| limits.take("chat.update", Limit::Tier3, now).is_ok()).count();
        assert_eq!(accepted, 500);
    }

    #[test]
    fn a_call_before_retry_after_has_to_wait_again() {
        let mut limits = RateLimits::new(1.0);
        let now = Instant::now();
        assert_eq!(limits.check_retry_after("chat.update", now), None);
        limits.set_retry_after("chat.update", 3, now);
        let second = Duration::from_secs(1);
        assert_eq!(limits.check_retry_after("chat.update", now + second), Some(3));
        assert_eq!(limits.check_retry_after("chat.postMessage", now + second), None);
        assert_eq!(limits.check_retry_after("chat.update", now + second * 4), None);
    }

    #[test]
    fn an_invalid_speedup_means_slacks_own_pace() {
        let now = Instant::now();
        for speedup in [0.0, -3.0, f64::NAN, f64::INFINITY] {
            let mut limits = RateLimits::new(speedup);
            let accepted = (0..100).filter(|_| limits.take("m", Limit::Tier2, now).is_ok()).count();
            assert_eq!(accepted, 20);
        }
    }
}
