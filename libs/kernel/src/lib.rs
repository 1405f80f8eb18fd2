//! The values that every Tradewind service shares: small, immutable, valid by construction.
//!
//! | module | holds |
//! | --- | --- |
//! | `id` | [`Id`]: a UUIDv7 that knows what it identifies |
//! | `timestamp` | [`Timestamp`]: an instant in microseconds; no clock |
//! | `currency` | [`Currency`]: an ISO 4217 code and its number of minor digits |
//! | `money` | [`Money`]: whole minor units of one currency, with checked arithmetic and lossless allocation |
//! | `rate` | [`Rate`] and [`Rounding`]: a tax, a commission, a discount as a decimal fraction |
//! | `quantity` | [`Quantity`]: how many pieces, from 1 to 1,000,000 |
//! | `region_code` | [`RegionCode`]: a country or region by its two letters |
//! | `sku` | [`Sku`]: the code of a sellable variant |
//! | `text` | [`Text`]: a line of text with a limit on its length |
//! | `decision` | [`Decision`]: what a domain answers to a fact |
//! | `crash_point` | [`CrashPoint`]: places at which a process of a test build can be told to die |
//! | `mutant` | [`Mutant`]: deliberate faults of a test build |
//! | `error_kind` | [`ErrorKind`], [`Classified`], [`FieldViolation`]: what went wrong, for callers and consumers |
//!
//! Nothing here does IO, reads a clock, or knows the words of any one service. A value that exists is valid: every
//! constructor that can be given nonsense returns an error whose text may be shown to the caller. Arithmetic that could
//! overflow returns an error or says that it saturates; there is no floating-point number in this crate.

mod crash_point;
mod currency;
mod decision;
mod error_kind;
mod excerpt;
mod id;
mod money;
mod mutant;
mod quantity;
mod rate;
mod region_code;
mod serde_text;
mod sku;
mod text;
mod timestamp;

pub use crash_point::CrashPoint;
pub use currency::{Currency, UnknownCurrency};
pub use decision::Decision;
pub use error_kind::{Classified, ErrorKind, FieldViolation};
pub use id::{Id, InvalidId};
pub use money::{Money, MoneyError};
pub use mutant::Mutant;
pub use quantity::{InvalidQuantity, Quantity};
pub use rate::{InvalidRate, Rate, Rounding};
pub use region_code::{InvalidRegionCode, RegionCode};
pub use sku::{InvalidSku, Sku};
pub use text::{InvalidText, Text};
pub use timestamp::{InvalidTimestamp, Timestamp};
