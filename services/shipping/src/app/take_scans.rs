//! What a carrier saw of parcels takes effect.

use messaging::{Cause, Caused, Outcome, UnitOfWork, react};

use super::Error;
use crate::Shipping;
use crate::domain::fact::Fact;
use crate::domain::scan::{Ending, Scan};
use crate::domain::world::Place;

/// What a carrier saw of a parcel of ours.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// Who saw it.
    pub carrier: &'a str,
    /// The parcel.
    pub place: Place,
    /// What was seen.
    pub scan: Scan,
}

/// Lets scans take effect, and answers in their order what became of each, for an operator to read. A scan that no parcel
/// can have any more, because it ended otherwise, changes nothing.
pub async fn take_scans(unit: &mut UnitOfWork, seen: &[Seen<'_>]) -> Result<Vec<String>, Error> {
    let facts: Vec<_> = seen.iter().filter_map(caused).collect();
    let mut outcomes = react(&Shipping, unit, &facts).await?.into_iter();
    let told = |seen: &Seen<'_>| match seen.scan.ending() {
        Some(_) => outcomes.next().map_or_else(String::new, |outcome| words(&outcome)),
        None => "it goes on".to_owned(),
    };
    Ok(seen.iter().map(told).collect())
}

/// What a scan that ends a parcel says of it.
fn caused(seen: &Seen<'_>) -> Option<Caused<Fact>> {
    let (order_id, shipment_id, parcel_id) = seen.place;
    let fact = match seen.scan.ending()? {
        Ending::Delivered => Fact::DeliveryReported { order_id, shipment_id, parcel_id },
        Ending::Failed(failure) => Fact::FailureReported { order_id, shipment_id, parcel_id, failure },
    };
    Some(Caused { fact, cause: Cause::command(format!("carrier:{}", seen.carrier)) })
}

fn words(outcome: &Outcome<crate::domain::error::ShippingError>) -> String {
    match outcome {
        Outcome::Applied => "taken".to_owned(),
        Outcome::AlreadyApplied => "known".to_owned(),
        Outcome::Ignored(why) => format!("ignored: {why}"),
        Outcome::Refused(refusal) => format!("refused: {refusal}"),
    }
}
