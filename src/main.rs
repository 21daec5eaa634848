//! Flags, configuration and wiring.

fn main() {}
