//! The state that all handlers share: the workspace, the sockets, the requested faults, the log of calls.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::calls::CallLog;
use super::faults::{Faults, Outage};
use super::rate_limits::RateLimits;
use super::response_urls::ResponseUrls;
use super::sockets::Sockets;
use super::tokens::Tokens;
use crate::config::Config;
use crate::world::{Channel, User, UserGroup, World};

pub(crate) struct Shared {
    pub(crate) config: Config,
    /// The address, such as `http://127.0.0.1:4010`, without a slash at the end.
    pub(crate) base_url: String,
    pub(crate) tokens: Tokens,
    pub(crate) sockets: Sockets,
    pub(crate) outage: watch::Sender<Option<Outage>>,
    world: Mutex<World>,
    /// Counts changes, so that pages and tests can wait for the next one.
    changes: watch::Sender<u64>,
    faults: Mutex<Faults>,
    limits: Mutex<RateLimits>,
    calls: Mutex<CallLog>,
    response_urls: Mutex<ResponseUrls>,
}

impl Shared {
    pub(crate) fn new(config: Config, base_url: String) -> Self {
        let world = World::new(config.world.clone(), config.manifest.app_name(), config.manifest.bot_name());
        Self {
            tokens: Tokens::new(),
            sockets: Sockets::default(),
            outage: watch::Sender::new(None),
            world: Mutex::new(world),
            changes: watch::Sender::new(0),
            faults: Mutex::default(),
            limits: Mutex::new(RateLimits::new(config.rate_limit_speedup)),
            calls: Mutex::default(),
            response_urls: Mutex::new(ResponseUrls::new(config.response_url_lifetime)),
            config,
            base_url,
        }
    }

    /// Locks the workspace for reading.
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        lock(&self.world)
    }

    /// Changes the workspace and notifies everyone who waits for a change.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        let result = change(&mut self.world());
        self.notify();
        result
    }

    /// Notifies everyone who waits for a change.
    pub(crate) fn notify(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    pub(crate) fn faults(&self) -> MutexGuard<'_, Faults> {
        lock(&self.faults)
    }

    pub(crate) fn limits(&self) -> MutexGuard<'_, RateLimits> {
        lock(&self.limits)
    }

    pub(crate) fn calls(&self) -> MutexGuard<'_, CallLog> {
        lock(&self.calls)
    }

    pub(crate) fn response_urls(&self) -> MutexGuard<'_, ResponseUrls> {
        lock(&self.response_urls)
    }

    pub(crate) fn current_outage(&self) -> Option<Outage> {
        *self.outage.borrow()
    }

    pub(crate) fn go_away(&self, outage: Outage) {
        self.outage.send_replace(Some(outage));
        self.sockets.close_all();
        self.notify();
    }

    pub(crate) fn come_back(&self) {
        self.outage.send_replace(None);
        self.notify();
    }

    pub(crate) fn put_user(&self, user: User) {
        self.change(|world| match world.users.iter_mut().find(|known| known.id == user.id) {
            Some(known) => *known = user,
            None => world.users.push(user),
        });
    }

    pub(crate) fn put_channel(&self, channel: Channel) {
        self.change(|world| match world.channels.iter_mut().find(|known| known.id == channel.id) {
            Some(known) => *known = channel,
            None => world.channels.push(channel),
        });
    }

    pub(crate) fn put_group(&self, group: UserGroup) {
        self.change(|world| match world.groups.iter_mut().find(|known| known.id == group.id) {
            Some(known) => *known = group,
            None => world.groups.push(group),
        });
    }
}

/// Locks a mutex. A poisoned one is usable, because every change is complete in one step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
