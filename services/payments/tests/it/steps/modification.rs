//! The journeys of orders that are modified before they are confirmed.

use super::*;

impl Bill {
    /// Modified before and after it was authorized, and captured for what is due then. As much is authorized as is due when stock is held, so
    /// each journey says which of them comes first.
    #[rustfmt::skip]
    pub(super) fn modification_journeys(&self) -> Vec<Journey<Heard>> {
        vec![
            Journey::new("an order by card that is modified")
                .undone_by([self.cancelled()])
                .then(self.is_noted())
                .then(self.modified()
                    .undone_by([self.failed()])
                    .or_by([self.cancelled()])
                    .but_not_by([self.modified_to("OrderModified to more", 3, TOTAL).is_refused()]))
                .then(self.is_held_by(self.reserved().needs(&["OrderModified"])))
                .then(self.is_authorized())
                .then(self.modified_again().needs(&["OrderModified", AUTHORIZED])
                    .undone_by([self.cancelled(), self.voids().tells(&[VOIDED])]))
                .then(self.is_confirmed())
                .then(self.captures().tells(&[CAPTURED])
                    .undone_by([self.cancelled(), self.refunds().tells(&[REFUNDED])])
                    .or_by([self.approved(LEAST), self.refunds().tells(&[REFUNDED])])
                    .but_not_by([
                        self.approved(LESS).is_refused(),
                        // Orders modifies nothing that it has confirmed.
                        self.modified_to("OrderModified (4)", 4, 1).is_refused(),
                    ])),
            Journey::new("an order by card that is modified and fails")
                .undone_by([self.cancelled()])
                .then(self.is_noted())
                .then(self.is_held())
                .then(self.modified().needs(&["InventoryReserved"])
                    .undone_by([self.cancelled(), self.authorizes(), self.voids().tells(&[VOIDED])]))
                .then(self.declines().needs(&["OrderModified"]).tells(&[DECLINED]).undone_by([self.failed()])
                    .but_not_by([self.modified_again().is_ignored()])),
            Journey::new("an order to be paid at the door that is modified")
                .undone_by([self.cancelled()])
                .then(self.created(Method::CashOnDelivery)
                    .undone_by([self.failed()]))
                .then(self.modified()
                    .undone_by([self.failed()]))
                .then(self.reserved().needs(&["OrderModified"]).tells(&[AUTHORIZED])
                    .undone_by([self.cancelled().tells(&[VOIDED])]))
                .then(self.confirmed().is_ignored()
                    .undone_by([self.cancelled().tells(&[VOIDED])])
                    .but_not_by([self.collected(LESS + 1).is_refused()])),
        ]
    }
}
