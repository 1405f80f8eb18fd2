//! What happens in two shops, at random, through the real decisions.

use std::collections::BTreeMap;

use contracts::products::v1::{Product, ProductCreated, Variant};
use inventory::adapters::postgres;
use inventory::domain::address::Place;
use inventory::domain::allocation::{Allocation, Returned};
use inventory::domain::fact::{
    Dispatch, Fact, Modification, Receipt, StockChange, StockChangeKind, TransferDispatch, TransferReceipt,
};
use inventory::domain::ids::{OrderId, SellerId, TransferId};
use inventory::domain::reservation::{Reservation, Status};
use inventory::domain::strategy::Strategy;
use inventory::domain::warehouse::Warehouse;
use kernel::{Id, Quantity, Sku};
use messaging::{Cause, Caused, EventStore, react};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use testkit::Event;

use crate::marketplace::{Marketplace, TTL, inventory, sku};

/// Both sellers have cups.
const SKUS: [[&str; 3]; 2] = [["CUP", "POT", "PLATE"], ["CUP", "LAMP", "VASE"]];
const WAREHOUSES: usize = 3;

/// Facts happen in one transaction; those that are refused change nothing.
pub(super) async fn happen(store: &EventStore, facts: Vec<Fact>) {
    let caused = |fact| Caused { fact, cause: Cause::command("service:test") };
    let facts: Vec<_> = facts.into_iter().map(caused).collect();
    let mut unit = store.begin().await.unwrap();
    react(&inventory(), &mut unit, &facts).await.unwrap();
    unit.commit().await.unwrap();
}

pub(super) fn stock_change(warehouse: &Warehouse, sku: Sku, kind: StockChangeKind) -> Fact {
    Fact::StockChange(StockChange {
        new_stock_item_id: Id::generate(),
        movement_id: Id::generate(),
        warehouse_id: warehouse.id,
        seller_id: warehouse.seller_id,
        sku,
        kind,
        reason: String::new(),
        actor: "seller:test".to_owned(),
    })
}

/// A product of a seller is created, with one variant for each SKU.
pub(super) fn product_created(seller_id: SellerId, title: &str, skus: &[&str]) -> Event {
    let product_id = Id::<Product>::generate();
    let variant = |sku: &&str| Variant { sku: (*sku).to_owned(), ..Variant::default() };
    let product = Product {
        product_id: product_id.to_string(),
        seller_id: seller_id.to_string(),
        title: title.to_owned(),
        variants: skus.iter().map(variant).collect(),
        ..Product::default()
    };
    Event::new("products", "product", product_id.uuid(), 1, &ProductCreated { product: Some(product) })
}

/// Two sellers with three warehouses each.
pub(super) struct Business<'a> {
    marketplace: &'a Marketplace,
    rng: StdRng,
    /// By seller.
    warehouses: [Vec<Warehouse>; 2],
    transfers: Vec<TransferId>,
    /// Orders so far.
    pub(super) orders: Vec<OrderId>,
}

impl<'a> Business<'a> {
    pub(super) async fn open(marketplace: &'a Marketplace, seed: u64) -> Self {
        let mut warehouses = [Vec::new(), Vec::new()];
        for (of_seller, skus) in warehouses.iter_mut().zip(SKUS) {
            let seller_id = Id::generate();
            for number in 0..WAREHOUSES {
                // Not every SKU is in every warehouse from the start.
                let stock: Vec<_> = skus.iter().skip(number).map(|code| (*code, 40)).collect();
                let code = format!("W{number}");
                of_seller.push(marketplace.open_warehouse(seller_id, &code, number as i32, &stock).await);
            }
            marketplace.set_policy(seller_id, Strategy::FewestSplits, &[(skus[0], 20)]).await;
        }
        let rng = StdRng::seed_from_u64(seed);
        Self { marketplace, rng, warehouses, transfers: Vec::new(), orders: Vec::new() }
    }

    /// What products tells of the sellers' SKUs, in the order in which it does.
    pub(super) fn products(&self) -> Vec<Event> {
        let mut told = Vec::new();
        for (warehouses, skus) in self.warehouses.iter().zip(SKUS) {
            told.push(product_created(warehouses[0].seller_id, "Crockery", &skus[..2]));
            told.push(product_created(warehouses[0].seller_id, "The rest", &skus[2..]));
        }
        told
    }

    /// So many orders live, while goods come in, go wrong and move about.
    pub(super) async fn go_on(&mut self, orders: usize) {
        self.change_stock().await;
        let mut new = self.order(orders).await;
        self.modify(&mut new).await;
        self.move_goods().await;
        self.pay(&new).await;
        self.modify(&mut new).await;
        self.change_stock().await;
        self.dispatch(&new).await;
        self.move_goods().await;
        self.take_back(&new).await;
        self.orders.extend(new);
    }

    async fn happen(&self, facts: Vec<Fact>) {
        happen(&self.marketplace.store, facts).await;
    }

    fn any_place(&mut self) -> (Warehouse, Sku) {
        let seller = self.rng.random_range(0..2);
        let warehouse = self.warehouses[seller][self.rng.random_range(0..WAREHOUSES)].clone();
        (warehouse, sku(SKUS[seller][self.rng.random_range(0..3)]))
    }

    async fn change_stock(&mut self) {
        let mut facts = Vec::new();
        for _ in 0..12 {
            let (warehouse, sku) = self.any_place();
            let units = |units| Quantity::new(units).unwrap();
            let kind = match self.rng.random_range(0..5) {
                0 => StockChangeKind::WriteOff(units(self.rng.random_range(1..6))),
                1 => StockChangeKind::Adjust(-self.rng.random_range(1..9)),
                2 => StockChangeKind::Adjust(self.rng.random_range(1..4)),
                _ => StockChangeKind::Add(units(self.rng.random_range(1..25))),
            };
            facts.push(stock_change(&warehouse, sku, kind));
        }
        self.happen(facts).await;
    }

    async fn order(&mut self, orders: usize) -> Vec<OrderId> {
        let mut facts = Vec::new();
        for _ in 0..orders {
            let lines = self.rng.random_range(1..4);
            let (warehouse, _) = self.any_place();
            let skus = SKUS[usize::from(warehouse.seller_id != self.warehouses[0][0].seller_id)];
            let line =
                |rng: &mut StdRng| (sku(skus[rng.random_range(0..3)]), Quantity::new(rng.random_range(1..5)).unwrap());
            facts.push(Fact::OrderCreated {
                order_id: Id::generate(),
                seller_id: warehouse.seller_id,
                lines: (0..lines).map(|_| line(&mut self.rng)).collect(),
                ship_to: Place::UNKNOWN,
            });
        }
        let ids = facts.iter().filter_map(Fact::order_id).collect();
        self.happen(facts).await;
        ids
    }

    /// Of some that hold stock a unit is taken away, or becomes an order of its own.
    async fn modify(&mut self, orders: &mut Vec<OrderId>) {
        let (mut facts, mut new) = (Vec::new(), Vec::new());
        for reservation in self.holding(orders, &[Status::Active, Status::Committed]).await {
            let mut demand: BTreeMap<Sku, i64> = BTreeMap::new();
            for allocation in &reservation.allocations {
                *demand.entry(allocation.sku.clone()).or_default() += allocation.quantity;
            }
            let Some((several, units)) = demand.iter_mut().find(|(_, units)| **units > 1) else { continue };
            *units -= 1;
            let part = (Id::generate(), BTreeMap::from([(several.clone(), 1)]));
            let split_off = match self.rng.random_range(0..4) {
                0 => Vec::new(),
                1 => vec![part],
                _ => continue,
            };
            new.extend(split_off.iter().map(|(order_id, _)| *order_id));
            let warehouse_id = reservation.allocations[0].warehouse_id;
            let mut places = self.warehouses.iter().flatten();
            facts.push(Fact::OrderModified(Modification {
                order_id: reservation.order_id,
                terms_version: reservation.terms_version + 1,
                seller_id: places.find(|warehouse| warehouse.id == warehouse_id).unwrap().seller_id,
                ship_to: Place::UNKNOWN,
                demand,
                split_off,
            }));
        }
        self.happen(facts).await;
        orders.extend(new);
    }

    /// Most are paid for, some end, and of some the time passes: of these some are paid for too late.
    async fn pay(&mut self, orders: &[OrderId]) {
        let mut facts = Vec::new();
        for order_id in orders {
            match self.rng.random_range(0..10) {
                0 => facts.push(Fact::OrderEnded(*order_id)),
                1 | 2 => {}
                _ => facts.push(Fact::PaymentAuthorized(*order_id)),
            }
        }
        self.happen(facts).await;
        self.marketplace.clock.advance(TTL);
        self.happen(orders.iter().copied().map(Fact::ReservationDue).collect()).await;
        self.happen(orders.iter().copied().step_by(2).map(Fact::PaymentAuthorized).collect()).await;
    }

    async fn committed(&self, orders: &[OrderId]) -> Vec<Reservation> {
        self.holding(orders, &[Status::Committed]).await
    }

    async fn holding(&self, orders: &[OrderId], statuses: &[Status]) -> Vec<Reservation> {
        let found = postgres::find_reservations(self.marketplace.store.pool(), orders).await.unwrap();
        let mut reservations: Vec<_> = found.into_values().map(|(reservation, _)| reservation).collect();
        reservations.retain(|reservation| statuses.contains(&reservation.status));
        // For the same seed the same happens.
        reservations.sort_by_key(|reservation| orders.iter().position(|id| *id == reservation.order_id));
        reservations
    }

    /// Most leave, whole or in part, and of some that left in part the rest is given back; some are stopped, end or are refunded before.
    async fn dispatch(&mut self, orders: &[OrderId]) {
        let mut facts = Vec::new();
        let mut ends = Vec::new();
        for reservation in self.committed(orders).await {
            let order_id = reservation.order_id;
            match self.rng.random_range(0..10) {
                0 => facts.push(Fact::ShipmentCancelled(order_id)),
                1 => facts.push(Fact::OrderEnded(order_id)),
                2 => facts.push(Fact::PaymentRefunded { order_id, order_ended: true }),
                3 => {}
                kind => {
                    let parcels = reservation.allocations.iter().map(|allocation| self.parcel(order_id, allocation));
                    facts.extend(parcels);
                    ends.extend((kind < 6).then_some(Fact::OrderEnded(order_id)));
                }
            }
        }
        self.happen(facts).await;
        self.happen(ends).await;
    }

    fn parcel(&mut self, order_id: OrderId, allocation: &Allocation) -> Fact {
        let units = if self.rng.random_bool(0.6) { allocation.quantity } else { 1 };
        Fact::ShipmentDispatched(Dispatch {
            order_id,
            shipment_id: Id::generate(),
            parcel_id: Id::generate(),
            warehouse_id: allocation.warehouse_id,
            dispatched: [(allocation.sku.clone(), Quantity::new(units).unwrap())].into(),
        })
    }

    async fn take_back(&mut self, orders: &[OrderId]) {
        let mut facts = Vec::new();
        for reservation in self.committed(orders).await {
            for allocation in reservation.dispatched() {
                let resalable = self.rng.random_range(0..=allocation.quantity);
                let damaged = self.rng.random_range(0..=allocation.quantity - resalable);
                let returned = Returned { resalable, damaged, not_accepted: self.rng.random_range(0..2) };
                if self.rng.random_bool(0.5) && returned.units() > 0 {
                    facts.push(Fact::ReturnReceived(Receipt {
                        order_id: reservation.order_id,
                        return_id: Id::generate(),
                        received: [((allocation.warehouse_id, allocation.sku.clone()), returned)].into(),
                    }));
                }
            }
        }
        self.happen(facts).await;
    }

    /// Goods leave for other warehouses, and of what is on its way some arrives, or is lost.
    async fn move_goods(&mut self) {
        let mut facts = Vec::new();
        for _ in 0..3 {
            let (from, sku) = self.any_place();
            let others = self.warehouses.iter().flatten();
            let others: Vec<_> =
                others.filter(|to| to.seller_id == from.seller_id && to.id != from.id).map(|to| to.id).collect();
            let dispatch = TransferDispatch {
                transfer_id: Id::generate(),
                seller_id: from.seller_id,
                sku,
                from_warehouse_id: from.id,
                to_warehouse_id: others[self.rng.random_range(0..others.len())],
                quantity: Quantity::new(self.rng.random_range(1..6)).unwrap(),
                actor: "seller:test".to_owned(),
            };
            self.transfers.push(dispatch.transfer_id);
            facts.push(Fact::TransferDispatched(dispatch));
        }
        self.happen(facts).await;
        let mut facts = Vec::new();
        for _ in 0..3 {
            let complete = self.rng.random_bool(0.4);
            let units = self.rng.random_range(0..4);
            facts.push(Fact::TransferReceived(TransferReceipt {
                transfer_id: self.transfers[self.rng.random_range(0..self.transfers.len())],
                new_stock_item_id: Id::generate(),
                movement_id: Id::generate(),
                quantity: Quantity::new(units).ok(),
                complete,
                actor: "seller:test".to_owned(),
            }));
        }
        self.happen(facts).await;
    }
}
