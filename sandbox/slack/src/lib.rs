//! A Slack simulator.
