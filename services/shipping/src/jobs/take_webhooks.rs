//! Makes something of the webhooks that are kept: at once when one comes, and again later where that failed.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use messaging::EventStore;
use tokio::sync::Notify;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::adapters::postgres::carrier;
use crate::adapters::wire_scan::ScanTold;
use crate::app::Error;
use crate::app::take_scans::{Seen, take_scans};

/// Webhooks in one transaction, at most.
const BATCH_MAX: i64 = 100;

/// How often it is looked for webhooks that another replica kept, or that could not be taken.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Takes webhooks when they come, until it is stopped.
///
/// # Errors
/// None: it outlives its failures.
pub async fn run(store: EventStore, came: Arc<Notify>, stop: CancellationToken) -> Result<(), Infallible> {
    loop {
        if let Err(error) = take_webhooks(&store).await {
            tracing::warn!(%error, "webhooks wait: nothing could be made of them");
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = came.notified() => {}
            () = sleep(LOOK_EVERY) => {}
        }
    }
}

/// Takes all that are waiting, and answers how many.
pub async fn take_webhooks(store: &EventStore) -> Result<usize, Error> {
    let mut taken = 0;
    loop {
        let mut unit = store.begin().await?;
        let webhooks = carrier::waiting_webhooks(unit.tx(), BATCH_MAX).await?;
        if webhooks.is_empty() {
            return Ok(taken);
        }
        let told: Vec<_> = webhooks.iter().map(|webhook| ScanTold::read(&webhook.body)).collect();
        let numbers: Vec<&str> =
            told.iter().map(|told| told.as_ref().map_or("", |told| told.tracking_number.as_str())).collect();
        let carriers: Vec<&str> = webhooks.iter().map(|webhook| webhook.carrier.as_str()).collect();
        let places = carrier::places(unit.tx(), &carriers, &numbers).await?;

        let mut outcomes = Vec::with_capacity(webhooks.len());
        let mut seen: Vec<(usize, Seen<'_>)> = Vec::with_capacity(webhooks.len());
        for (index, (told, place)) in told.iter().zip(&places).enumerate() {
            outcomes.push(match (told, place) {
                (Err(error), _) => format!("malformed: {error}"),
                (Ok(told), None) => format!("no parcel has the number {:?}", told.tracking_number),
                (Ok(told), Some(tracked)) => {
                    seen.push((index, Seen { carrier: carriers[index], tracked: *tracked, scan: told.scan() }));
                    String::new()
                }
            });
        }
        let (indexes, scans): (Vec<usize>, Vec<Seen<'_>>) = seen.into_iter().unzip();
        for (index, outcome) in indexes.into_iter().zip(take_scans(&mut unit, &scans).await?) {
            outcomes[index] = outcome;
        }
        let now = unit.now();
        carrier::note_taken(unit.tx(), &webhooks, &outcomes, now).await?;
        unit.commit().await?;
        taken += webhooks.len();
    }
}
