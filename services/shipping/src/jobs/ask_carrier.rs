//! Asks the carrier about parcels of which nothing final was heard: a webhook may be lost, or never sent.

use std::time::Duration;

use futures::future::join_all;
use messaging::EventStore;

use crate::adapters::carriers::{CarrierApi, SANDBOX};
use crate::adapters::postgres::carrier;
use crate::app::Error;
use crate::app::take_scans::{Seen, take_scans};

/// Parcels that are asked about at once, at most.
const BATCH_MAX: i64 = 16;

/// Asks about all that were not asked about for `silence`, and answers of how many the end was heard. One about which there is no answer
/// is asked about again after that time.
pub async fn ask_carrier(store: &EventStore, api: &impl CarrierApi, silence: Duration) -> Result<usize, Error> {
    let mut ended = 0;
    let before = store.now() - silence;
    loop {
        let parcels = carrier::to_ask_about(store.pool(), SANDBOX, before, store.now(), BATCH_MAX).await?;
        let is_last = parcels.len() < BATCH_MAX as usize;
        let answers = join_all(parcels.iter().map(|parcel| api.scans(&parcel.tracking_number))).await;
        let mut seen = Vec::new();
        for (parcel, answer) in parcels.iter().zip(answers) {
            match answer {
                Ok(scans) => {
                    let last = scans.into_iter().find(|scan| scan.ending().is_some());
                    seen.extend(last.map(|scan| Seen { carrier: SANDBOX, place: parcel.place, scan }));
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
            ended += seen.len();
        }
        if is_last {
            return Ok(ended);
        }
    }
}
