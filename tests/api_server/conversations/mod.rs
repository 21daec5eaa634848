//! Conversations: a request by Slack or kubectl goes in, and people read an answer or a thread.

mod answers;
mod applications;
mod bad_charts;
mod bad_flink;
mod bad_requests;
mod decisions;
mod deleted_and_moved;
mod drift;
mod restarts;
mod retry_buttons;
mod slack_errors;
mod takeover;
