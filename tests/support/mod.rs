//! What both test binaries need: the sandbox, a namespace with the bot's Role, the bot in process.

#![allow(dead_code, unreachable_pub)] // each test binary uses a part of it

pub mod application;
pub mod asked;
pub mod bot;
pub mod chart;
pub mod footprint;
pub mod kubernetes_users;
pub mod ledger;
pub mod page;
pub mod records;
pub mod refusals;
pub mod sandbox;
