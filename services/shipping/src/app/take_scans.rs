//! What a carrier saw of parcels takes effect.

use messaging::{Cause, Caused, Outcome, UnitOfWork, react};

use super::Error;
use crate::Shipping;
use crate::domain::fact::Fact;
use crate::domain::scan::{Ending, Scan};
use crate::domain::world::Tracked;

/// What a carrier saw of a parcel of ours, on either way.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// Who saw it.
    pub carrier: &'a str,
    /// The parcel.
    pub tracked: Tracked,
    /// What was seen.
    pub scan: Scan,
}

/// Lets scans take effect, and answers in their order what became of each, for an operator to read. A scan that no parcel
/// can have any more, because it ended otherwise, changes nothing.
pub async fn take_scans(unit: &mut UnitOfWork, seen: &[Seen<'_>]) -> Result<Vec<String>, Error> {
    let told: Vec<_> = seen.iter().map(|seen| fact(seen.tracked, seen.scan)).collect();
    let caused = |(seen, fact): (&Seen<'_>, &Option<Fact>)| {
        let cause = Cause::command(format!("carrier:{}", seen.carrier));
        Some(Caused { fact: fact.clone()?, cause })
    };
    let facts: Vec<_> = seen.iter().zip(&told).filter_map(caused).collect();
    let mut outcomes = react(&Shipping, unit, &facts).await?.into_iter();
    let became = |fact: &Option<Fact>| match fact {
        Some(_) => outcomes.next().map_or_else(String::new, |outcome| words(&outcome)),
        None => "it goes on".to_owned(),
    };
    Ok(told.iter().map(became).collect())
}

/// What a scan says of a parcel; nothing of one to a buyer that goes on.
fn fact(tracked: Tracked, scan: Scan) -> Option<Fact> {
    match tracked {
        Tracked::Parcel((order_id, shipment_id, parcel_id)) => Some(match scan.ending()? {
            Ending::Delivered => Fact::DeliveryReported { order_id, shipment_id, parcel_id },
            Ending::Failed(failure) => Fact::FailureReported { order_id, shipment_id, parcel_id, failure },
        }),
        Tracked::Return((order_id, return_id, warehouse_id)) => {
            let status = scan.on_the_way_back();
            Some(Fact::ReturnParcelSeen { order_id, return_id, warehouse_id, status })
        }
    }
}

fn words(outcome: &Outcome<crate::domain::error::ShippingError>) -> String {
    match outcome {
        Outcome::Applied => "taken".to_owned(),
        Outcome::AlreadyApplied => "known".to_owned(),
        Outcome::Ignored(why) => format!("ignored: {why}"),
        Outcome::Refused(refusal) => format!("refused: {refusal}"),
    }
}
