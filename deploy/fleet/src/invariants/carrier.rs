//! The carrier's own books against ours.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use sandbox_carrier::SoldLabel;
use serde::Deserialize;
use sqlx::PgConnection;
use uuid::Uuid;

use super::Counts;
use crate::fleet::Fleet;
use crate::topology::CARRIER;

#[derive(Deserialize)]
struct Sold {
    labels: Vec<SoldLabel>,
}

/// Compares the labels that the carrier sold for the way back with the returns that are awaited, and with the labels that shipping shows. One that
/// was sold when nothing more was awaited is not shown, and nobody uses it.
pub(super) async fn labels_back(fleet: &Fleet, connection: &mut PgConnection) -> Result<Counts> {
    let awaited: Vec<(Uuid, Uuid)> = sqlx::query_as(
        "SELECT return_id, jsonb_object_keys(awaited)::uuid FROM shipping.goods_return WHERE refund_number IS NOT NULL",
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut awaited: BTreeSet<String> = awaited.into_iter().map(key).collect();
    let shown: Vec<(Uuid, Uuid, String)> = sqlx::query_as(
        "SELECT return_id, warehouse_id, tracking_number FROM shipping.return_label WHERE carrier = 'sandbox'",
    )
    .fetch_all(connection)
    .await?;
    let mut shown: BTreeMap<String, String> =
        shown.into_iter().map(|(return_id, warehouse_id, number)| (key((return_id, warehouse_id)), number)).collect();

    let sold = sold(fleet).await?.into_iter().filter(|label| label.return_to.is_some());
    let (mut examined, mut wrong) = (0, Vec::new());
    for label in sold {
        examined += 1;
        // A key that is there twice is not awaited twice.
        let is_awaited = awaited.remove(&label.key);
        let is_shown = shown.remove(&label.key).is_none_or(|number| number == label.tracking_number);
        if !is_awaited || !is_shown {
            wrong.push(label.key);
        }
    }
    wrong.extend(shown.into_keys());
    Ok(Counts { examined, broken: wrong.len() as i64, example: wrong.into_iter().next() })
}

/// By which shipping asks for a label.
fn key((return_id, warehouse_id): (Uuid, Uuid)) -> String {
    format!("return:{return_id}:{warehouse_id}")
}

async fn sold(fleet: &Fleet) -> Result<Vec<SoldLabel>> {
    let url = format!("{}/v1/labels", fleet.endpoint(CARRIER));
    // reqwest wants one even for plain HTTP; somebody else in this process may have installed it already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let answer = reqwest::get(url).await.context("asking the carrier for its labels")?;
    Ok(answer.json::<Sold>().await?.labels)
}
