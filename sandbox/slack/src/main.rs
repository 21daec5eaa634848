//! A Slack simulator.

fn main() {}
