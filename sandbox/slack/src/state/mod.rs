//! The state of a running simulator. These files import no handlers.

mod calls;
mod faults;
mod rate_limits;
mod response_urls;
mod shared;
mod sockets;
mod tokens;

pub use calls::ApiCall;
pub use faults::{Failure, Outage};
pub(crate) use rate_limits::Limit;
pub(crate) use response_urls::{Origin, ResponseUrl};
pub(crate) use shared::Shared;
pub(crate) use sockets::{Acknowledgement, Envelope, Order};
pub(crate) use tokens::TokenKind;
