//! The names of the operations that more than one file needs.

/// The operation whose recorded intent is the point of no return.
pub(super) const STOP: &str = "stop-with-savepoint";
/// The operation that keeps further checkpoints from completing, where there is no savepoint.
pub(super) const HOLD: &str = "hold-task-manager";
