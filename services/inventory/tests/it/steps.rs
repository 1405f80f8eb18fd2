//! What inventory does on each journey of an order, and what undoes it. [`testkit::steps`] plays the table.

use std::fmt::Write as _;

use inventory::adapters::events::SUBSCRIPTIONS;
use inventory::app::change_stock::{ChangeStock, change_stock};
use inventory::app::create_warehouse::{CreateWarehouse, create_warehouse};
use inventory::app::set_stock_policy::{SetStockPolicy, set_stock_policy};
use inventory::domain::address::Place;
use inventory::domain::allocation::Returned;
use inventory::domain::fact::{Dispatch, Fact, Modification, PartStop, Receipt, StockChangeKind};
use inventory::domain::ids::{OrderId, ParcelId, ReturnId, SellerId, ShipmentId, StockItemId, WarehouseId};
use inventory::domain::policy::{SkuPolicy, SkuPolicyChange};
use inventory::domain::stock::StockItem;
use inventory::domain::warehouse::{Priority, WarehouseCode};
use inventory::domain::world::World;
use inventory::{Inventory, SERVICE};
use kernel::{Id, Mutant, Quantity, Text, Timestamp};
use messaging::{Subscription, UnitOfWork};
use testkit::steps::{Broken, Journey, Step, Table, output_of_broken};

use crate::marketplace::{TTL, WAIT, inventory, levels, sku};

const ORDERS: &str = "orders";
const PAYMENTS: &str = "payments";
const SHIPPING: &str = "shipping";
const CLOCK: &str = "the clock";

const RESERVED: &str = "InventoryReserved";
const BACKORDERED: &str = "InventoryBackordered";
const REJECTED: &str = "InventoryRejected";
const COMMITTED: &str = "InventoryCommitted";
const MODIFIED: &str = "ReservationModified";
const REFUSED: &str = "InventoryCommitRefused";
const EXPIRED: &str = "ReservationExpired";
const RELEASED: &str = "InventoryReleased";
const REMOVED: &str = "StockRemoved";
const ADDED: &str = "StockAdded";
const WRITTEN_OFF: &str = "StockWrittenOff";

/// What is on hand of each SKU.
const ON_HAND: i64 = 10;

/// For how many cups orders may wait, where they ask for more than there are.
const MAY_WAIT: i64 = 20;

/// An order of three cups and a pot, from a seller who has ten of each.
struct Checkout {
    order_id: OrderId,
    shipment_id: ShipmentId,
    parcels: [ParcelId; 2],
    return_id: ReturnId,
    seller_id: SellerId,
    warehouse_id: WarehouseId,
    stock: [(&'static str, StockItemId); 2],
}

impl Checkout {
    fn created(&self, cups: i64) -> Step<Fact> {
        let line = |code, pieces| (sku(code), Quantity::new(pieces).unwrap());
        let lines = vec![line("CUP", cups), line("POT", 1)];
        let fact =
            Fact::OrderCreated { order_id: self.order_id, seller_id: self.seller_id, lines, ship_to: Place::UNKNOWN };
        Step::new(ORDERS, "OrderCreated", fact)
    }

    /// So many cups are left of it.
    fn modified(&self, terms_version: i32, cups: i64) -> Step<Fact> {
        let modification = Modification {
            order_id: self.order_id,
            terms_version,
            seller_id: self.seller_id,
            ship_to: Place::UNKNOWN,
            demand: [(sku("CUP"), cups), (sku("POT"), 1)].into(),
            split_off: Vec::new(),
        };
        Step::new(ORDERS, "OrderModified", Fact::OrderModified(modification))
    }

    fn looked_at(&self) -> Step<Fact> {
        Step::new(CLOCK, "a look at those who wait", Fact::BackorderDue(self.order_id)).needs(&[BACKORDERED])
    }

    fn authorized(&self) -> Step<Fact> {
        Step::new(PAYMENTS, "PaymentAuthorized", Fact::PaymentAuthorized(self.order_id)).needs(&[RESERVED])
    }

    fn failed(&self) -> Step<Fact> {
        Step::new(ORDERS, "OrderFailed", Fact::OrderEnded(self.order_id))
    }

    fn cancelled(&self) -> Step<Fact> {
        Step::new(ORDERS, "OrderCancelled", Fact::OrderEnded(self.order_id))
    }

    fn refunded(&self) -> Step<Fact> {
        let fact = Fact::PaymentRefunded { order_id: self.order_id, order_ended: true };
        Step::new(PAYMENTS, "PaymentRefunded", fact).needs(&[COMMITTED])
    }

    /// Orders approved a refund: shipping has stopped all of it, or all or a part has left.
    fn refund_approved(&self) -> Step<Fact> {
        let fact = Fact::PaymentRefunded { order_id: self.order_id, order_ended: false };
        Step::new(PAYMENTS, "PaymentRefunded", fact).needs(&[COMMITTED])
    }

    fn stopped(&self) -> Step<Fact> {
        Step::new(SHIPPING, "ShipmentCancelled", Fact::ShipmentCancelled(self.order_id)).needs(&[COMMITTED])
    }

    /// A part is stopped, and with it so many cups and pots are.
    fn part_stopped(&self, so_far: &[(&str, i64)]) -> Step<Fact> {
        let line = |(code, units): &(&str, i64)| ((self.warehouse_id, sku(code)), Quantity::new(*units).unwrap());
        let stop = PartStop { order_id: self.order_id, stopped: so_far.iter().map(line).collect() };
        Step::new(SHIPPING, "ShipmentCancelled", Fact::PartStopped(stop)).needs(&[COMMITTED])
    }

    /// Nothing of it arrived, and it was to be paid at the door.
    fn not_delivered(&self) -> Step<Fact> {
        Step::new(ORDERS, "OrderCancelled", Fact::DeliveryFailed(self.order_id)).needs(&[COMMITTED])
    }

    /// Goods come back, and with them so many cups have: those that can be sold, are damaged, are not accepted.
    fn received(&self, resalable: i64, damaged: i64, not_accepted: i64) -> Step<Fact> {
        let cups = (self.warehouse_id, sku("CUP"));
        let receipt = Receipt {
            order_id: self.order_id,
            return_id: self.return_id,
            received: [(cups, Returned { resalable, damaged, not_accepted })].into(),
        };
        Step::new(SHIPPING, "ReturnReceived", Fact::ReturnReceived(receipt)).needs(&[REMOVED])
    }

    /// A parcel leaves, and with it so many cups and pots have left.
    fn dispatched(&self, parcel: usize, so_far: &[(&str, i64)]) -> Step<Fact> {
        let dispatch = Dispatch {
            order_id: self.order_id,
            shipment_id: self.shipment_id,
            parcel_id: self.parcels[parcel],
            warehouse_id: self.warehouse_id,
            dispatched: so_far.iter().map(|(code, units)| (sku(code), Quantity::new(*units).unwrap())).collect(),
        };
        Step::new(SHIPPING, "ShipmentDispatched", Fact::ShipmentDispatched(dispatch)).needs(&[COMMITTED])
    }

    fn time_passed(&self) -> Step<Fact> {
        Step::new(CLOCK, "the reservation's time", Fact::ReservationDue(self.order_id)).at(TTL).needs(&[RESERVED])
    }
}

impl Table for Checkout {
    type Participant = Inventory;

    const SUBSCRIPTIONS: &'static [Subscription] = SUBSCRIPTIONS;
    const SLATE: &'static [&'static str] = &[
        "SELECT * FROM stock_item",
        "SELECT * FROM stock_movement",
        "SELECT order_id FROM reservation WHERE status IN ('active', 'committed')",
    ];

    fn service() -> &'static chassis::Service {
        &SERVICE
    }

    fn participant() -> Inventory {
        inventory()
    }

    fn about_a_new_order(_: Timestamp) -> Self {
        let stock = ["CUP", "POT"].map(|code| (code, Id::generate()));
        Self {
            order_id: Id::generate(),
            shipment_id: Id::generate(),
            parcels: [Id::generate(), Id::generate()],
            return_id: Id::generate(),
            seller_id: Id::generate(),
            warehouse_id: Id::generate(),
            stock,
        }
    }

    fn world(&self) -> World {
        let mut world = World::default();
        for (code, id) in self.stock {
            let levels = levels(ON_HAND, 0, 0);
            world.add_stock_item(StockItem::new(id, sku(code), self.warehouse_id, self.seller_id, levels));
        }
        let policy = SkuPolicy { backorder_limit: Some(MAY_WAIT), ..SkuPolicy::default() };
        world.set_sku_policy(self.seller_id, sku("CUP"), policy, 0);
        world
    }

    async fn begin(&mut self, unit: &mut UnitOfWork) -> anyhow::Result<()> {
        let command = CreateWarehouse {
            seller_id: self.seller_id,
            code: WarehouseCode::new("MAIN").unwrap(),
            name: Text::new("Main").unwrap(),
            priority: Priority::new(0).unwrap(),
            address: None,
        };
        let warehouse = create_warehouse(unit, command).await?;
        self.warehouse_id = warehouse.id;
        for (code, _) in self.stock {
            let kind = StockChangeKind::Add(Quantity::new(ON_HAND).unwrap());
            let command = ChangeStock { warehouse_id: warehouse.id, sku: sku(code), kind, reason: String::new() };
            change_stock(unit, &inventory(), &warehouse, command, "seller:test".to_owned()).await?;
        }
        let cups = SkuPolicyChange { backorder_limit: Some(MAY_WAIT), ..SkuPolicyChange::default() };
        let sku_policies = [(sku("CUP"), cups)].into();
        let command = SetStockPolicy { seller_id: self.seller_id, strategy: None, sku_policies };
        set_stock_policy(unit, command).await?;
        Ok(())
    }

    #[rustfmt::skip]
    fn journeys(&self) -> Vec<Journey<Fact>> {
        let given_back = || [self.cancelled().tells(&[RELEASED])];
        let expires = || self.time_passed().tells(&[EXPIRED, RELEASED]);
        let held = || self.created(3).tells(&[RESERVED]).undone_by(given_back());
        // Orders cancels no order of which something leaves.
        let committed = || self.authorized().tells(&[COMMITTED]).not_undone_by([self.time_passed().is_ignored()]);
        let two_cups = || self.dispatched(0, &[("CUP", 2)]);
        let the_rest = || self.dispatched(1, &[("CUP", 3), ("POT", 1)]);
        let two_leave = || two_cups().tells(&[REMOVED]).not_undone_by([self.authorized().is_known()]);
        let all_has_left = || the_rest().tells(&[REMOVED, REMOVED]).not_undone_by([self.authorized().is_known()]);
        vec![
            Journey::new("an order that is paid for")
                // Leaves a tombstone, which refuses a later reserve.
                .undone_by([self.cancelled()])
                .then(self.created(3).tells(&[RESERVED])
                    .undone_by(given_back())
                    .or_by([self.failed().tells(&[RELEASED])])
                    .or_by([expires(), self.cancelled().is_ignored()])
                    .or_by([expires(), self.authorized().tells(&[REFUSED]), self.failed().is_ignored()]))
                .then(self.authorized().tells(&[COMMITTED])
                    .undone_by(given_back())
                    .or_by([self.refunded().tells(&[RELEASED])])
                    // Before anything has left, in cash and by card.
                    .or_by([self.stopped().tells(&[RELEASED]), self.cancelled().is_known()])
                    .or_by([self.stopped().tells(&[RELEASED]), self.refund_approved().is_known()])
                    .or_by([self.refund_approved().is_ignored(), self.stopped().tells(&[RELEASED])])
                    // The money came in while the order was cancelled: both are told, on two topics.
                    .or_by([self.refunded().tells(&[RELEASED]), self.cancelled().is_known()])
                    .or_by([self.cancelled().tells(&[RELEASED]), self.refunded().is_known()])
                    .but_not_by([self.time_passed().is_ignored()])),
            Journey::new("an order of which units are taken away before and after its stock is committed")
                .undone_by([self.cancelled()])
                .then(held())
                .then(self.modified(2, 2).needs(&[RESERVED]).tells(&[MODIFIED])
                    .undone_by(given_back())
                    .or_by([expires(), self.cancelled().is_ignored()])
                    .but_not_by([self.modified(3, 4).is_refused()]))
                .then(self.authorized().tells(&[COMMITTED])
                    .undone_by(given_back()))
                .then(self.modified(3, 1).needs(&[COMMITTED]).tells(&[MODIFIED])
                    .undone_by(given_back())
                    .but_not_by([self.modified(2, 2).is_known()])),
            Journey::new("an order that asks for more than there is")
                .undone_by([self.failed()])
                .then(self.created(MAY_WAIT + 1).tells(&[REJECTED])
                    .undone_by([self.failed().is_ignored()])
                    .or_by([self.cancelled().is_ignored()])),
            Journey::new("an order that waits for stock that does not come")
                .undone_by([self.failed()])
                .then(self.created(ON_HAND + 1).tells(&[BACKORDERED])
                    .undone_by([self.cancelled()])
                    .or_by([self.failed()])
                    // It waits for less.
                    .or_by([self.modified(2, ON_HAND - 1), self.failed()])
                    .or_by([self.looked_at().at(WAIT).tells(&[REJECTED]), self.failed().is_ignored()])
                    .but_not_by([self.looked_at().is_ignored(), self.authorized().is_refused()])),
            Journey::new("an order that leaves in two parcels")
                .undone_by([self.cancelled()])
                .then(held())
                .then(committed())
                .then(two_cups().tells(&[REMOVED])
                    .not_undone_by([self.authorized().is_known(), self.time_passed().is_ignored()]))
                .then(the_rest().tells(&[REMOVED, REMOVED])
                    .not_undone_by([two_cups().is_known(), self.authorized().is_known()])),
            Journey::new("an order that ends although a part of it has left")
                .undone_by([self.cancelled()])
                .then(held())
                .then(committed())
                .then(two_cups().tells(&[REMOVED])
                    .not_undone_by([self.authorized().is_known()]))
                // What is still there goes back, and nothing more may leave.
                .then(self.cancelled().needs(&[REMOVED]).tells(&[RELEASED])
                    .not_undone_by([two_cups().is_known(), the_rest().is_refused()])),
            Journey::new("an order of which a part goes back while the rest leaves")
                .undone_by([self.cancelled()])
                .then(held())
                .then(committed())
                .then(two_leave())
                // The money of a parcel that failed; the rest of the order is still to leave.
                .then(self.refund_approved().is_ignored().not_undone_by([self.authorized().is_known()]))
                .then(all_has_left()),
            Journey::new("an order of which parts are stopped before the rest leaves")
                .undone_by([self.cancelled()])
                .then(held())
                .then(committed())
                .then(self.part_stopped(&[("CUP", 1)]).tells(&[RELEASED])
                    .undone_by([self.stopped().tells(&[RELEASED])])
                    .or_by([self.part_stopped(&[("CUP", 3), ("POT", 1)]).tells(&[RELEASED])])
                    .but_not_by([self.part_stopped(&[("CUP", 4)]).is_refused(), the_rest().is_refused()]))
                .then(self.part_stopped(&[("CUP", 1), ("POT", 1)]).tells(&[RELEASED])
                    .undone_by([self.stopped().tells(&[RELEASED])])
                    .but_not_by([self.part_stopped(&[("CUP", 1)]).is_known()]))
                .then(two_cups().tells(&[REMOVED])
                    .not_undone_by([self.part_stopped(&[("CUP", 2)]).is_refused(), self.cancelled().is_ignored()])),
            Journey::new("an order of which all leaves and comes back in two receipts")
                .undone_by([self.cancelled()])
                .then(held())
                .then(committed())
                .then(all_has_left())
                .then(self.received(1, 0, 0).tells(&[ADDED]).not_undone_by([
                    self.not_delivered().is_ignored(),
                    self.received(3, 1, 0).is_refused(),
                ]))
                .then(self.received(1, 1, 1).tells(&[WRITTEN_OFF])
                    .not_undone_by([self.received(1, 0, 0).is_known(), self.refunded().is_ignored()])),
        ]
    }

    /// What is reserved and committed of each SKU.
    fn slate(&self, world: &World) -> String {
        let mut slate = String::new();
        for (code, id) in self.stock {
            write!(slate, "{code} {:?} ", world.stock_item(id).map(StockItem::levels)).unwrap();
        }
        slate
    }
}

#[test]
fn every_step_of_a_checkout_can_be_repeated_and_undone() -> Result<(), Broken> {
    println!("inventory: {}", testkit::steps::decisions::<Checkout>()?);
    Ok(())
}

#[tokio::test]
async fn every_step_of_a_checkout_leaves_its_rows_once_or_not_at_all() -> Result<(), Broken> {
    println!("inventory: {}", testkit::steps::transactions::<Checkout>().await?);
    Ok(())
}

#[test]
fn a_step_that_is_broken_on_purpose_is_caught() {
    for (mutant, words) in [
        (Mutant::NoTombstone, "after nothing: OrderCancelled takes effect and tells nothing"),
        (
            Mutant::ReserveAfterExpiry,
            "the reservation's time, OrderCancelled, PaymentAuthorized: the slate is not clean",
        ),
        (Mutant::ReleaseOnPartialRefund, "PaymentRefunded takes effect and tells InventoryReleased"),
        (Mutant::ReleasePartsWithoutSums, "ShipmentCancelled takes effect and tells InventoryReleased"),
        (Mutant::WaitAfterEnd, "OrderCancelled is ignored"),
        (Mutant::RestockWithoutSums, "ReturnReceived takes effect and tells StockAdded and becomes"),
    ] {
        let told = output_of_broken(mutant, "steps::every_step_of_a_checkout_can_be_repeated_and_undone");
        assert!(told.contains(words), "{} is told as\n{told}", mutant.name());
    }
}
