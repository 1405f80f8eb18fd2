//! What a carrier saw of parcels takes effect.

use messaging::{Cause, Caused, Outcome, UnitOfWork, react};

use super::Error;
use crate::Shipping;
use crate::domain::fact::Fact;
use crate::domain::scan::{Ending, Scan};
use crate::domain::world::Place;

/// What a carrier saw of a parcel of ours.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// The parcel.
    pub place: Place,
    /// What was seen.
    pub scan: Scan,
}

/// Lets scans of one carrier take effect, and answers in their order what became of each, for an operator to read. A scan that no parcel
/// can have any more, because it ended otherwise, changes nothing.
pub async fn take_scans(unit: &mut UnitOfWork, carrier: &str, seen: &[Seen]) -> Result<Vec<String>, Error> {
    let facts: Vec<Option<Fact>> = seen.iter().map(fact).collect();
    let cause = || Cause::command(format!("carrier:{carrier}"));
    let caused: Vec<_> = facts.iter().flatten().map(|fact| Caused { fact: fact.clone(), cause: cause() }).collect();
    let mut outcomes = react(&Shipping, unit, &caused).await?.into_iter();
    let told = |fact: &Option<Fact>| match fact {
        Some(_) => outcomes.next().map_or_else(String::new, |outcome| words(&outcome)),
        None => "it goes on".to_owned(),
    };
    Ok(facts.iter().map(told).collect())
}

fn fact(seen: &Seen) -> Option<Fact> {
    let (order_id, shipment_id, parcel_id) = seen.place;
    Some(match seen.scan.ending()? {
        Ending::Delivered => Fact::DeliveryReported { order_id, shipment_id, parcel_id },
        Ending::Failed(failure) => Fact::FailureReported { order_id, shipment_id, parcel_id, failure },
    })
}

fn words(outcome: &Outcome<crate::domain::error::ShippingError>) -> String {
    match outcome {
        Outcome::Applied => "taken".to_owned(),
        Outcome::AlreadyApplied => "known".to_owned(),
        Outcome::Ignored(why) => format!("ignored: {why}"),
        Outcome::Refused(refusal) => format!("refused: {refusal}"),
    }
}
