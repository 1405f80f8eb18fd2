//! The signals by which a terminal, a supervisor or `fleet servers down` asks this process to stop.

use anyhow::Result;
use nix::sys::signal::Signal;
use tokio::signal::unix::{self, SignalKind};

/// Once made, these signals no longer end the process by themselves: whoever holds it must act on them.
#[derive(Debug)]
pub struct Interrupts {
    interrupt: unix::Signal,
    terminate: unix::Signal,
    hangup: unix::Signal,
}

impl Interrupts {
    /// Takes over SIGINT, SIGTERM and SIGHUP. Fails when the runtime has no signal driver.
    pub fn listen() -> Result<Self> {
        Ok(Self {
            interrupt: unix::signal(SignalKind::interrupt())?,
            terminate: unix::signal(SignalKind::terminate())?,
            hangup: unix::signal(SignalKind::hangup())?,
        })
    }

    /// Waits for the next one and says which it was.
    pub async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::SIGINT,
            _ = self.terminate.recv() => Signal::SIGTERM,
            _ = self.hangup.recv() => Signal::SIGHUP,
        }
    }
}
