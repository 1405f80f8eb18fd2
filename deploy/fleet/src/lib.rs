//! Runs Tradewind on one machine: the servers it stands on, and the processes of the fleet.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`requirements`] | finds PostgreSQL, Java and Maven; installs them, or says how |
//! | [`workdir`] | one folder per run, held by a lock, cleaned before and after |
//! | [`ports`] | free ports that stay free |
//! | [`process`] | a child process: log, signals, death, and never an orphan |
//! | [`postgres`], [`kafka`] | one server each |
//! | [`servers`] | the two together, or those that the environment names |
//! | [`background`] | `fleet servers up` and `down`: a pair that outlives the command |
//! | [`foreground`] | `fleet servers run`: a pair for the length of one command |
//! | [`interrupt`] | the signals that ask this process to stop |
//! | [`progress`] | what the person at the terminal is told |

pub mod background;
pub mod foreground;
pub mod interrupt;
pub mod kafka;
pub mod ports;
pub mod postgres;
pub mod process;
pub mod progress;
pub mod requirements;
pub mod servers;
pub mod workdir;
