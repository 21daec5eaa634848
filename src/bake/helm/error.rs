//! Why a chart has no objects to apply.

use thiserror::Error;

/// Why a chart has no objects to apply.
#[derive(Debug, Error)]
pub enum BakeError {
    /// The operator of the bot must repair this, not the author of the chart.
    #[error("helm could not be run: {0}; check the --helm flag")]
    Helm(String),
    /// The operator of the bot must repair this, too.
    #[error("the folder of charts cannot be read: {0}; check the --charts flag")]
    Charts(String),
    #[error("the chart cannot be used: {0}")]
    Chart(String),
    #[error("the chart does not render: {0}")]
    Render(String),
    #[error("the chart needs too much to be rendered: {0}; make it smaller or simpler")]
    TooMuch(String),
    /// Two runs differ. The message has no values, because a random value is often a password.
    #[error("the chart renders differently each time, first in {0}; take out what is random or depends on the time")]
    Differs(String),
    #[error("the chart renders something that is not a Kubernetes object: {0}")]
    NotObjects(String),
}
