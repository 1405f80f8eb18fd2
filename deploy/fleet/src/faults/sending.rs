//! Warehouses and carriers of a campaign: what buyers ordered is handed over in two parcels, arrives or fails, and is paid for at the
//! door. They too try again, each thing under its own name, until they are answered. What may follow is in [`super::afterwards`].

use std::time::{Duration, Instant};

use anyhow::Result;
use contracts::google::r#type::Money;
use contracts::orders::v1::{Order, OrderStatus};
use contracts::shipping::v1::{ParcelFailure, ReturnCondition, Shipment, ShipmentLine};
use rand::RngExt;
use rand::rngs::StdRng;
use tokio::time::sleep;
use tonic::Code;

use super::buyers::Ledger;
use crate::depot::Depot;
use crate::load::persist::{perhaps_not_there_yet, persist};
use crate::shopper::{Shopper, cents, request_id, usd};

/// How often an order is looked at until its goods may leave, and how long.
const LOOK_EVERY: Duration = Duration::from_millis(150);
const WAIT_MAX: Duration = Duration::from_mins(2);

/// What becomes of goods that are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// They arrive, and stay.
    Arrive,
    /// The last parcel does not arrive.
    OneFails(ParcelFailure),
    /// No parcel arrives.
    AllFail(ParcelFailure),
    /// They arrive, and the buyer sends so many SKUs of them back. Each comes back in a condition of its own.
    SentBack(usize, [ReturnCondition; 2]),
    /// The same, and the buyer wants the same again.
    Exchanged(usize, [ReturnCondition; 2]),
    /// They arrive, and some of the money is given back for the trouble.
    Goodwill,
}

impl Fate {
    /// Of a hundred orders that are sent, twenty-two lose a parcel or both, twenty-five come back in part or whole, of those half in
    /// exchange, thirteen are given goodwill.
    pub fn random(random: &mut StdRng) -> Self {
        let failure = [ParcelFailure::Lost, ParcelFailure::Refused, ParcelFailure::ReturnedToSender];
        let failure = failure[random.random_range(0..failure.len())];
        let conditions = [(); 2].map(|()| match random.random_range(0..10) {
            0..6 => ReturnCondition::Resalable,
            6..9 => ReturnCondition::Damaged,
            _ => ReturnCondition::NotAccepted,
        });
        match random.random_range(0..100) {
            0..15 => Self::OneFails(failure),
            15..22 => Self::AllFail(failure),
            22..31 => Self::SentBack(1, conditions),
            31..35 => Self::SentBack(2, conditions),
            35..43 => Self::Exchanged(1, conditions),
            43..47 => Self::Exchanged(2, conditions),
            47..60 => Self::Goodwill,
            _ => Self::Arrive,
        }
    }

    /// What becomes of the n-th of so many parcels; none if it arrives.
    fn of_parcel(self, n: usize, parcels: usize) -> Option<ParcelFailure> {
        match self {
            Self::AllFail(failure) => Some(failure),
            Self::OneFails(failure) if n + 1 == parcels => Some(failure),
            Self::OneFails(_) | Self::Arrive | Self::SentBack(..) | Self::Exchanged(..) | Self::Goodwill => None,
        }
    }
}

/// An order that is to be sent, and those who see to it.
pub struct Sending<'a, F> {
    /// Who sends it.
    pub depot: &'a Depot,
    /// Who bought it.
    pub buyer: &'a Shopper,
    /// The order.
    pub order_id: &'a str,
    /// Where what was answered is written down.
    pub ledger: &'a Ledger,
    /// Is told of every failure of a request by its code.
    pub failed: F,
}

impl<F: Fn(Code) + Copy> Sending<'_, F> {
    /// Sends the order as soon as its goods may leave; one that ends before, or is stopped, is let be.
    pub async fn send(&self, fate: Fate) -> Result<(), String> {
        let Some(order) = self.until_it_may_leave().await? else { return Ok(()) };
        let shipments = persist(self.failed, || self.depot.shipments(self.order_id)).await?;
        let mut due = order.total.as_ref().map_or(0, cents);
        for shipment in &shipments {
            let Some(failed) = self.hand_over(shipment, fate).await? else { return Ok(()) };
            due -= failed.iter().map(|line| price(&order, &line.sku)).sum::<i64>();
        }
        if order.cash_on_delivery && !matches!(fate, Fate::AllFail(_)) {
            let due = &usd(due);
            persist(self.failed, || self.remit(due)).await?;
        }
        self.see_off(&order, fate).await
    }

    async fn until_it_may_leave(&self) -> Result<Option<Order>, String> {
        let deadline = Instant::now() + WAIT_MAX;
        loop {
            let order = self.look().await?;
            match order.status() {
                OrderStatus::Paid => return Ok(Some(order)),
                OrderStatus::Confirmed if order.cash_on_delivery => return Ok(Some(order)),
                OrderStatus::Failed | OrderStatus::Cancelled | OrderStatus::Refunded | OrderStatus::Closed => {
                    return Ok(None);
                }
                OrderStatus::Unspecified
                | OrderStatus::Created
                | OrderStatus::Confirmed
                | OrderStatus::Shipped
                | OrderStatus::Delivered => {}
            }
            if Instant::now() > deadline {
                return Err(format!("its goods may not leave after {} s", WAIT_MAX.as_secs()));
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// The order as it is now.
    pub(super) async fn look(&self) -> Result<Order, String> {
        let look = || async { Ok(self.buyer.order(self.order_id).await.map_err(perhaps_not_there_yet)?) };
        persist(self.failed, look).await
    }

    /// One SKU in a parcel of its own, and the rest in another. Answers what of it failed; nothing if the shipment was stopped.
    async fn hand_over(&self, shipment: &Shipment, fate: Fate) -> Result<Option<Vec<ShipmentLine>>, String> {
        let shipment_id = shipment.shipment_id.as_str();
        let (first, rest) = shipment.lines.split_at(shipment.lines.len().min(1));
        let parcels: Vec<_> = [first, rest].into_iter().filter(|lines| !lines.is_empty()).collect();
        let mut failed = Vec::new();
        for (n, lines) in parcels.iter().enumerate() {
            let name = &request_id();
            let contents: &Vec<_> = &lines.iter().map(|line| (line.sku.as_str(), line.quantity)).collect();
            let dispatch = || async move {
                match self.depot.dispatch(shipment_id, contents, name).await {
                    Ok(parcel_id) => Ok(Some(parcel_id)),
                    Err(status) if status.code() == Code::FailedPrecondition => Ok(None),
                    Err(status) => Err(status.into()),
                }
            };
            let Some(parcel_id) = persist(self.failed, dispatch).await? else { return Ok(None) };
            self.ledger.acknowledged().dispatched(&parcel_id).map_err(|error| error.to_string())?;
            let parcel_id = parcel_id.as_str();
            match fate.of_parcel(n, parcels.len()) {
                None => persist(self.failed, || self.deliver(shipment_id, parcel_id)).await?,
                Some(failure) => {
                    persist(self.failed, || self.fail(shipment_id, parcel_id, failure)).await?;
                    self.ledger.acknowledged().failed(parcel_id).map_err(|error| error.to_string())?;
                    failed.extend(lines.iter().cloned());
                }
            }
        }
        Ok(Some(failed))
    }

    async fn deliver(&self, shipment_id: &str, parcel_id: &str) -> Result<()> {
        Ok(self.depot.deliver(shipment_id, parcel_id).await?)
    }

    async fn fail(&self, shipment_id: &str, parcel_id: &str, failure: ParcelFailure) -> Result<()> {
        Ok(self.depot.fail(shipment_id, parcel_id, failure).await?)
    }

    async fn remit(&self, due: &Money) -> Result<()> {
        Ok(self.depot.remit(self.order_id, due).await?)
    }
}

/// What all units of a SKU cost, with tax.
fn price(order: &Order, sku: &str) -> i64 {
    let lines = order.lines.iter().filter(|line| line.sku == sku);
    lines.flat_map(|line| [&line.line_subtotal, &line.tax]).flatten().map(cents).sum()
}
