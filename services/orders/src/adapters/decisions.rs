//! Which entry of an order's history others act on.

use contracts::orders::v1 as wire;
use messaging::journal::Record;
use prost::{Message, Name};

use crate::domain::refund::RefundNumber;
use crate::domain::stuck::Said;

/// The entry in which orders said that.
pub fn entry_of(history: &[Record], said: Said) -> Option<&Record> {
    let is_of = |record: &&Record| match said {
        Said::Created => is::<wire::OrderCreated>(record),
        Said::Modified => is::<wire::OrderModified>(record),
        Said::Confirmed => is::<wire::OrderConfirmed>(record),
        Said::CancellationRequested => is::<wire::OrderCancellationRequested>(record),
        Said::RefundRequested(number) => {
            is_about_refund::<wire::RefundRequested>(record, number, |requested| requested.refund_number)
        }
        Said::RefundApproved(number) => {
            is_about_refund::<wire::RefundApproved>(record, number, |approved| approved.refund_number)
        }
        Said::Failed => is::<wire::OrderFailed>(record),
        Said::Cancelled => is::<wire::OrderCancelled>(record),
        Said::Refunded => is::<wire::OrderRefunded>(record),
    };
    // A cancellation that was refused may have been asked for again.
    history.iter().rev().find(is_of)
}

fn is<E: Name>(record: &Record) -> bool {
    record.event_type == E::full_name()
}

/// Of before there were several, a refund has no number: it is the first.
fn is_about_refund<E: Message + Name + Default>(
    record: &Record,
    number: RefundNumber,
    number_of: impl Fn(&E) -> RefundNumber,
) -> bool {
    is::<E>(record) && E::decode(record.payload.as_slice()).is_ok_and(|event| number_of(&event).max(1) == number)
}
