//! Runs Tradewind on one machine: the servers it stands on, and the processes of the fleet.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`load`], [`bench`] | many buyers at once; `fleet bench`: how fast, at what cost |
//! | [`topology`] | which processes there are, and what each is told |
//! | [`fleet`] | the running fleet |
//! | [`keys`] | the development key, until there is an accounts service |
//! | [`up`] | `fleet up`, `down`, `token` |
//! | [`operate`] | `fleet operate`: a service's own subcommands, for the fleet that is up |
//! | [`story`], [`statement`] | `fleet story`, `fleet statement`: an order's history and its ledger, for a person to read |
//! | [`databases`] | what they read: the databases of a fleet |
//! | [`demo`] | `fleet demo`: one morning of a marketplace |
//! | [`catalogue`], [`shopper`], [`depot`], [`provider`] | what is on sale, who buys it over gRPC, who sends it and takes it back, what the payment provider took |
//! | [`faults`] | `fleet faults`: everything goes wrong, and then the books |
//! | [`flash_sale`] | `fleet flash-sale`: ten thousand buyers, a hundred units |
//! | [`invariants`] | I1 to I7, read from the databases |
//! | [`witness`] | a consumer whose effect would show twice, for the proofs |
//! | [`choreography`] | `docs/choreography.md`, from the SUBSCRIPTIONS tables |
//! | [`protos`] | `buf lint` |
//! | [`requirements`] | finds PostgreSQL, Java, Maven and npm; installs them, or says how |
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
pub mod bench;
pub mod catalogue;
pub mod choreography;
pub mod databases;
pub mod demo;
pub mod depot;
pub mod faults;
pub mod flash_sale;
pub mod fleet;
pub mod foreground;
pub mod interrupt;
pub mod invariants;
pub mod kafka;
pub mod keys;
pub mod load;
pub mod operate;
pub mod ports;
pub mod postgres;
pub mod process;
pub mod progress;
pub mod protos;
pub mod provider;
pub mod requirements;
pub mod servers;
pub mod shopper;
pub mod statement;
pub mod story;
pub mod topology;
pub mod up;
pub mod witness;
pub mod workdir;
