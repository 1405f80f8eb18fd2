//! The services that orders is compared with, and what they answer.

use std::collections::HashMap;
use std::time::Duration;

use chassis::auth::ServiceToken;
use chassis::grpc::{Peer, PeerError};
use contracts::convert::{InvalidField, id_from_wire, money_from_wire, timestamp_from_wire};
use contracts::inventory::v1 as inventory;
use contracts::inventory::v1::inventory_service_client::InventoryServiceClient;
use contracts::payments::v1 as payments;
use contracts::payments::v1::payments_service_client::PaymentsServiceClient;
use kernel::{Classified, ErrorKind};

use crate::domain::ids::OrderId;
use crate::domain::reconcile::{MoneyHeld, PaymentSeen, StockSeen};

/// Nobody waits for the answers but a job.
const TIMEOUT: Duration = Duration::from_secs(10);
const HELD_PER_PAGE: i32 = 500;

const PAYMENTS: &str = "payments";
const INVENTORY: &str = "inventory";

/// The services that orders is compared with, asked in the name of this service.
#[derive(Clone, Debug)]
pub struct Peers {
    payments: PaymentsServiceClient<Peer>,
    inventory: InventoryServiceClient<Peer>,
    token: ServiceToken,
}

/// Why a peer did not answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It does not answer, or refuses.
    #[error(transparent)]
    Peer(#[from] PeerError),
    /// It answers what makes no sense.
    #[error("{peer} answers what cannot be read")]
    Answer {
        /// Who.
        peer: &'static str,
        /// What is wrong with it.
        source: InvalidField,
    },
}

impl Classified for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Answer { .. } => ErrorKind::Internal,
            Self::Peer(error) => error.kind(),
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Answer { .. } => "PEER_ANSWER",
            Self::Peer(error) => error.reason(),
        }
    }
}

impl Peers {
    /// Connects when first asked.
    ///
    /// # Errors
    /// One of the arguments is no URL.
    pub fn new(payments_url: &str, inventory_url: &str, token: ServiceToken) -> anyhow::Result<Self> {
        Ok(Self {
            payments: PaymentsServiceClient::new(Peer::new(payments_url, TIMEOUT)?),
            inventory: InventoryServiceClient::new(Peer::new(inventory_url, TIMEOUT)?),
            token,
        })
    }

    /// What payments says about orders, at most 200; one that it knows nothing of is absent.
    pub async fn payments(&self, order_ids: &[OrderId]) -> Result<HashMap<OrderId, PaymentSeen>, Error> {
        let request = payments::BatchGetPaymentsRequest { order_ids: texts(order_ids) };
        let answer = self.payments.clone().batch_get_payments(self.token.request(request)).await;
        let found = answer.map_err(|status| PeerError::new(PAYMENTS, status))?.into_inner().payments;
        found.iter().map(payment_from_wire).collect::<Result<_, _>>().map_err(answered(PAYMENTS))
    }

    /// What inventory says about orders, at most 200; one that it knows nothing of is absent.
    pub async fn stock(&self, order_ids: &[OrderId]) -> Result<HashMap<OrderId, StockSeen>, Error> {
        let request = inventory::BatchGetReservationsRequest { order_ids: texts(order_ids) };
        let answer = self.inventory.clone().batch_get_reservations(self.token.request(request)).await;
        let found = answer.map_err(|status| PeerError::new(INVENTORY, status))?.into_inner().reservations;
        found.iter().map(stock_from_wire).collect::<Result<_, _>>().map_err(answered(INVENTORY))
    }

    /// A page of the orders that inventory holds stock for, and the token of the next page; empty on the last.
    pub async fn holding_stock(&self, page_token: String) -> Result<(Vec<OrderId>, String), Error> {
        let request = inventory::ListHeldReservationsRequest { page_size: HELD_PER_PAGE, page_token };
        let answer = self.inventory.clone().list_held_reservations(self.token.request(request)).await;
        let page = answer.map_err(|status| PeerError::new(INVENTORY, status))?.into_inner();
        let ids = page.reservations.iter().map(|held| id_from_wire("order_id", &held.order_id));
        Ok((ids.collect::<Result<_, _>>().map_err(answered(INVENTORY))?, page.next_page_token))
    }

    /// Has payments give back what it holds for an order that has ended.
    pub async fn undo_payment(&self, request_id: String, order_id: OrderId) -> Result<(), Error> {
        let request = payments::UndoPaymentRequest { request_id, order_id: order_id.to_string() };
        let answer = self.payments.clone().undo_payment(self.token.request(request)).await;
        answer.map(drop).map_err(|status| PeerError::new(PAYMENTS, status).into())
    }

    /// Has inventory give back what it holds for an order that is over or never was.
    pub async fn release_reservation(&self, request_id: String, order_id: OrderId) -> Result<(), Error> {
        let request = inventory::ReleaseReservationRequest { request_id, order_id: order_id.to_string() };
        let answer = self.inventory.clone().release_reservation(self.token.request(request)).await;
        answer.map(drop).map_err(|status| PeerError::new(INVENTORY, status).into())
    }
}

fn texts(order_ids: &[OrderId]) -> Vec<String> {
    order_ids.iter().map(OrderId::to_string).collect()
}

fn answered(peer: &'static str) -> impl Fn(InvalidField) -> Error {
    move |source| Error::Answer { peer, source }
}

fn payment_from_wire(payment: &payments::Payment) -> Result<(OrderId, PaymentSeen), InvalidField> {
    use payments::PaymentStatus as Wire;
    let holds = match Wire::try_from(payment.status) {
        Ok(Wire::Pending | Wire::Declined) if payment.exchange.is_some() => MoneyHeld::SetAside,
        Ok(Wire::Pending | Wire::Declined | Wire::Voided | Wire::Refunded | Wire::Closed) => MoneyHeld::Nothing,
        Ok(Wire::Authorized | Wire::CaptureFailed) => MoneyHeld::Authorization,
        Ok(Wire::Captured) => MoneyHeld::Captured,
        Ok(Wire::Authorizing | Wire::Capturing | Wire::Voiding | Wire::Refunding) => MoneyHeld::Asked,
        Ok(Wire::Unspecified) | Err(_) => {
            return Err(InvalidField::new("status", format!("{} is no status", payment.status)));
        }
    };
    let seen = PaymentSeen {
        holds,
        captured: money_from_wire("captured_amount", payment.captured_amount.as_ref())?,
        refunded: money_from_wire("refunded_amount", payment.refunded_amount.as_ref())?,
        changed_at: timestamp_from_wire("update_time", payment.update_time.as_ref())?,
    };
    Ok((id_from_wire("order_id", &payment.order_id)?, seen))
}

fn stock_from_wire(reservation: &inventory::Reservation) -> Result<(OrderId, StockSeen), InvalidField> {
    use inventory::ReservationStatus as Wire;
    let units = |allocations: &[inventory::Allocation]| allocations.iter().map(|each| each.quantity).sum::<i64>();
    let seen = match Wire::try_from(reservation.status) {
        Ok(Wire::Active) => StockSeen::Reserved,
        Ok(Wire::Committed) => {
            let gone = units(&reservation.dispatched) + units(&reservation.released);
            StockSeen::Committed { is_here: gone < units(&reservation.allocations) }
        }
        Ok(Wire::Backordered | Wire::Released | Wire::Expired | Wire::Rejected | Wire::Tombstone) => StockSeen::NotHeld,
        Ok(Wire::Unspecified) | Err(_) => {
            return Err(InvalidField::new("status", format!("{} is no status", reservation.status)));
        }
    };
    Ok((id_from_wire("order_id", &reservation.order_id)?, seen))
}
