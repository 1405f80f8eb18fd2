use messaging::{Envelope, Outgoing, Undecodable};
use prost::{Message, Name};
use uuid::Uuid;

use super::domain::{Flowed, Turned};

/// Topic of the taps, another service.
pub(crate) const TAPS: &str = "tradewind.taps.v1";
/// Topic of the meters.
pub(crate) const METERS: &str = "tradewind.meters.v1";

/// A tap was turned. The tap is the aggregate.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct TapTurned {
    #[prost(int64, tag = "1")]
    pub(crate) amount: i64,
}

/// A meter shows a new total. Its tap is the aggregate.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct MeterRead {
    #[prost(int64, tag = "1")]
    pub(crate) total: i64,
    /// Only to make an event large.
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) padding: Vec<u8>,
}

impl Name for TapTurned {
    const NAME: &'static str = "TapTurned";
    const PACKAGE: &'static str = TAPS;
}

impl Name for MeterRead {
    const NAME: &'static str = "MeterRead";
    const PACKAGE: &'static str = METERS;
}

pub(crate) fn decode(event: &Envelope) -> Result<Option<Turned>, Undecodable> {
    let TapTurned { amount } = event.decode()?;
    Ok(Some(Turned { tap_id: event.aggregate_id, amount }))
}

pub(crate) fn encode(flowed: &Flowed) -> Outgoing {
    meter_read(flowed.tap_id, &MeterRead { total: flowed.total, padding: Vec::new() })
}

pub(crate) fn meter_read(tap_id: Uuid, event: &MeterRead) -> Outgoing {
    Outgoing::new("meter", tap_id, event)
}
