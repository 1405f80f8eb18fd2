//! A carrier that is not real.
//!
//! It stands where a parcel service would: a process of its own behind HTTP, which sells labels, takes parcels, and tells by signed
//! webhooks what it scans, late, twice or in the wrong order if it is told to. Nothing is carried. What becomes of a parcel is chosen by
//! its test address ([`Script`]).
//!
//! | file | holds |
//! | --- | --- |
//! | `script.rs` | [`Script`]: how a test address makes it behave; what is scanned by when; pure |
//! | `book.rs` | [`Carrier`]: labels and parcels behind one lock, and the append-only file behind them |
//! | `webhook.rs` | [`Teller`]: scans go out, signed, until they are taken |
//! | `http.rs` | `POST /v1/labels`, `GET /v1/labels`, `POST /v1/parcels/{tracking_number}/handover`, `GET /v1/parcels/{tracking_number}`, `GET /health` |

mod book;
mod http;
mod script;
mod webhook;

pub use book::{Carrier, Label, LabelRequest, Parcel, SoldLabel};
pub use http::serve;
pub use script::{Scan, ScanKind, Script};
pub use webhook::{Subscriber, Teller, sign};
