//! Asks the carrier about parcels of which nothing final was heard, on either way: a webhook may be lost, or never sent.

use std::time::Duration;

use futures::future::join_all;
use messaging::EventStore;

use crate::adapters::carriers::{CarrierApi, SANDBOX};
use crate::adapters::postgres::carrier;
use crate::app::Error;
use crate::app::take_scans::{Seen, take_scans};
use crate::domain::scan::Scan;
use crate::domain::world::Tracked;

/// Parcels of either way that are asked about at once, at most.
const BATCH_MAX: i64 = 16;

/// Asks about all that were not asked about for `silence`, and answers of how many the end was heard. One about which there is no answer
/// is asked about again after that time.
pub async fn ask_carrier(store: &EventStore, api: &impl CarrierApi, silence: Duration) -> Result<usize, Error> {
    let mut ended = 0;
    let before = store.now() - silence;
    loop {
        let mut parcels = carrier::to_ask_about(store.pool(), SANDBOX, before, store.now(), BATCH_MAX).await?;
        let returns = carrier::returns_to_ask_about(store.pool(), SANDBOX, before, store.now(), BATCH_MAX).await?;
        let is_last = parcels.len().max(returns.len()) < BATCH_MAX as usize;
        parcels.extend(returns);
        let answers = join_all(parcels.iter().map(|parcel| api.scans(&parcel.tracking_number))).await;
        let mut seen = Vec::new();
        for (parcel, answer) in parcels.iter().zip(answers) {
            match answer {
                Ok(scans) => {
                    let telling = telling(parcel.tracked, scans);
                    seen.extend(telling.map(|scan| Seen { carrier: SANDBOX, tracked: parcel.tracked, scan }));
                }
                Err(error) => {
                    tracing::warn!(tracking_number = parcel.tracking_number, %error, "the carrier does not say where it is");
                }
            }
        }
        if !seen.is_empty() {
            let mut unit = store.begin().await?;
            take_scans(&mut unit, &seen).await?;
            unit.commit().await?;
            ended += seen.iter().filter(|seen| is_end(seen.tracked, seen.scan)).count();
        }
        if is_last {
            return Ok(ended);
        }
    }
}

/// The scan that says all that there is to know: that which ends a parcel to a buyer, or that which a parcel on its way back is farthest by.
fn telling(tracked: Tracked, scans: Vec<Scan>) -> Option<Scan> {
    match tracked {
        Tracked::Parcel(_) => scans.into_iter().find(|scan| scan.ending().is_some()),
        Tracked::Return(_) => scans.into_iter().max_by_key(|scan| scan.on_the_way_back()),
    }
}

fn is_end(tracked: Tracked, scan: Scan) -> bool {
    match tracked {
        Tracked::Parcel(_) => scan.ending().is_some(),
        Tracked::Return(_) => scan.on_the_way_back().has_ended(),
    }
}
