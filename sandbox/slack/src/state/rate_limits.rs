//! Slack's rate limits, each a bucket that refills at the documented pace: tiers per method, `chat.postMessage` per channel.

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// How often a method may be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limit {
    /// About 1 per minute; bursts are tolerated.
    Tier1,
    /// 20 per minute.
    Tier2,
    /// 50 per minute.
    Tier3,
    /// 100 per minute.
    Tier4,
    /// About one per second and channel, with short bursts.
    PostPerChannel,
    /// Hundreds per minute.
    Special,
}

impl Limit {
    /// (calls that may come at once, calls that come back per minute)
    fn shape(self) -> (f64, f64) {
        match self {
            // Slack lets an app open its ten sockets at once; after that, one a minute.
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
    left: f64,
    at: Instant,
}

#[derive(Debug)]
pub(crate) struct RateLimits {
    speedup: f64,
    buckets: HashMap<String, Bucket>,
    /// Until when methods were told to wait by a fault.
    told_to_wait: HashMap<String, Instant>,
}

impl RateLimits {
    pub(crate) fn new(speedup: f64) -> Self {
        Self {
            speedup: if speedup.is_finite() { speedup.max(1.0) } else { 1.0 },
            buckets: HashMap::new(),
            told_to_wait: HashMap::new(),
        }
    }

    /// Notes that a method was answered to come back after some seconds, whatever is left in its bucket.
    pub(crate) fn tell_to_wait(&mut self, method: &str, seconds: u64, now: Instant) {
        self.told_to_wait.insert(method.to_owned(), now + Duration::from_secs(seconds));
    }

    /// Whether a method is called before the time that it was told; if so, that time begins anew.
    pub(crate) fn too_early(&mut self, method: &str, now: Instant) -> Option<u64> {
        let until = self.told_to_wait.get_mut(method)?;
        let left = until.checked_duration_since(now).filter(|left| !left.is_zero())?;
        let seconds = left.as_secs() + 1;
        *until = now + Duration::from_secs(seconds);
        Some(seconds)
    }

    /// Takes one call out of the bucket, or says after how many whole seconds to come back.
    pub(crate) fn take(&mut self, key: &str, limit: Limit, now: Instant) -> Result<(), u64> {
        let (burst, per_minute) = limit.shape();
        let (burst, per_second) = (burst * self.speedup, per_minute * self.speedup / 60.0);
        let bucket = self.buckets.entry(key.to_owned()).or_insert(Bucket { left: burst, at: now });
        let refilled = now.saturating_duration_since(bucket.at).as_secs_f64() * per_second;
        bucket.left = (bucket.left + refilled).min(burst);
        bucket.at = now;
        if bucket.left >= 1.0 {
            bucket.left -= 1.0;
            return Ok(());
        }
        let wait = Duration::from_secs_f64((1.0 - bucket.left) / per_second);
        Err(wait.as_secs() + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn posts_to_one_channel_are_limited_after_a_burst_and_come_back_one_a_second() {
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
    fn who_comes_back_too_early_is_sent_away_again() {
        let mut limits = RateLimits::new(1.0);
        let now = Instant::now();
        assert_eq!(limits.too_early("chat.update", now), None);
        limits.tell_to_wait("chat.update", 3, now);
        let second = Duration::from_secs(1);
        assert_eq!(limits.too_early("chat.update", now + second), Some(3));
        assert_eq!(limits.too_early("chat.postMessage", now + second), None);
        assert_eq!(limits.too_early("chat.update", now + second * 4), None);
    }

    #[test]
    fn nonsense_speedups_mean_slacks_own_pace() {
        let now = Instant::now();
        for speedup in [0.0, -3.0, f64::NAN, f64::INFINITY] {
            let mut limits = RateLimits::new(speedup);
            let accepted = (0..100).filter(|_| limits.take("m", Limit::Tier2, now).is_ok()).count();
            assert_eq!(accepted, 20);
        }
    }
}
