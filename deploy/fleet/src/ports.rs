//! Free ports that stay free.

use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Context, Result};

/// Below the range from which Linux takes the local ports of outgoing connections (32768 to 60999). A port that the
/// kernel picks for us lies in that range, and may be gone before the server listens on it, or when it is restarted.
const CANDIDATES: std::ops::Range<u16> = 20_000..32_000;

/// How many ports are tried before the machine is taken to have none.
const TRIES_MAX: usize = 200;

/// Ports on 127.0.0.1, held until [`ReservedPorts::release`] so that no other fleet finds them free meanwhile.
#[derive(Debug)]
pub struct ReservedPorts<const N: usize> {
    listeners: [(u16, TcpListener); N],
}

impl<const N: usize> ReservedPorts<N> {
    /// Takes `N` different free ports.
    pub fn reserve() -> Result<Self> {
        let mut listeners = Vec::with_capacity(N);
        for _ in 0..N {
            listeners.push(listen_on_any().context("no free port between 20000 and 32000 on 127.0.0.1")?);
        }
        Ok(Self { listeners: listeners.try_into().expect("one was pushed for each of N") })
    }

    /// The numbers, while they are still held.
    pub fn numbers(&self) -> [u16; N] {
        std::array::from_fn(|index| self.listeners[index].0)
    }

    /// Gives the ports up; call it just before the process that listens on them starts.
    pub fn release(self) -> [u16; N] {
        self.numbers()
    }
}

fn listen_on_any() -> Option<(u16, TcpListener)> {
    (0..TRIES_MAX).find_map(|_| {
        let port = rand::random_range(CANDIDATES);
        TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok().map(|listener| (port, listener))
    })
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn reserved_ports_differ_and_are_taken_until_released() {
        let reserved = ReservedPorts::<8>::reserve().unwrap();
        let numbers = reserved.numbers();
        let distinct: std::collections::BTreeSet<_> = numbers.into_iter().collect();
        assert_eq!(distinct.len(), 8);
        assert!(TcpListener::bind((Ipv4Addr::LOCALHOST, numbers[0])).is_err());
        reserved.release();
        // Another test that forks this moment holds a copy of the listener until its child becomes another program.
        let deadline = Instant::now() + Duration::from_secs(5);
        while TcpListener::bind((Ipv4Addr::LOCALHOST, numbers[0])).is_err() {
            assert!(Instant::now() < deadline, "port {} stays taken", numbers[0]);
        }
    }
}
