//! Goods on their way back to the warehouses that they left: those that a buyer sends back, or a parcel that was refused or could not
//! be delivered. They are taken in at once or in several receipts.
//!
//! ```text
//! OPEN -> RECEIVED
//! ```

use std::collections::BTreeMap;

use kernel::Sku;
use serde::{Deserialize, Serialize};

use super::contents::Contents;
use super::error::ShippingError;
use super::ids::{ParcelId, ReceiptId, RefundNumber, ReturnId, WarehouseId};
use super::return_label::ReturnLabel;

/// A return.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Return {
    /// Its id, which follows from the order and the origin.
    pub id: ReturnId,
    /// Why goods come back.
    pub origin: ReturnOrigin,
    /// What is to come back, and where to. It never changes.
    pub awaited: BTreeMap<WarehouseId, Contents>,
    /// What came back, by the ids of the receipts, which is oldest first.
    pub receipts: BTreeMap<ReceiptId, Received>,
    /// The labels that were bought for it, by the warehouses that they lead to.
    pub labels: BTreeMap<WarehouseId, ReturnLabel>,
    /// Where it stands.
    pub status: ReturnStatus,
}

/// Why goods come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReturnOrigin {
    /// The buyer sends them back, and this refund waits for them.
    Refund(RefundNumber),
    /// They are what is in a parcel that failed.
    Parcel(ParcelId),
}

/// Where a return stands. It goes one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReturnStatus {
    /// Something is awaited.
    Open,
    /// Everything that comes back was received. Final.
    Received,
}

/// In what condition goods came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReturnCondition {
    /// As good as new.
    Resalable,
    /// Damaged, and not by the buyer's fault.
    Damaged,
    /// Not what was sent, or spoilt by the buyer: the goods stay the buyer's.
    NotAccepted,
}

/// Goods that came back, by their condition.
pub type Goods = BTreeMap<ReturnCondition, Contents>;

/// Goods that came back, by the warehouse that they left.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Received(BTreeMap<WarehouseId, Goods>);

impl Return {
    /// Goods that are awaited from now on.
    pub fn new(id: ReturnId, origin: ReturnOrigin, awaited: BTreeMap<WarehouseId, Contents>) -> Self {
        let (receipts, labels) = (BTreeMap::new(), BTreeMap::new());
        Self { id, origin, awaited, receipts, labels, status: ReturnStatus::Open }
    }

    /// What is to come back, wherever to.
    pub fn asked(&self) -> Contents {
        Contents::sum(self.awaited.values())
    }

    /// What came back so far.
    pub fn received(&self) -> Received {
        Received::sum(self.receipts.values())
    }

    /// Units of a warehouse that are not the buyer's any more, or will not be when they arrive: those that are awaited, and once
    /// nothing more is, those that were accepted.
    pub fn taken(&self, warehouse_id: WarehouseId) -> Contents {
        match self.status {
            ReturnStatus::Open => self.awaited.get(&warehouse_id).cloned().unwrap_or_default(),
            ReturnStatus::Received => self.received().accepted_at(warehouse_id),
        }
    }

    /// What a receipt adds to each warehouse: of each SKU what the first warehouse misses, then what the next one does.
    ///
    /// # Errors
    /// Nothing more is awaited; or not that, or not that much.
    pub fn sort_in(&self, goods: &Goods) -> Result<Received, ShippingError> {
        match self.status {
            ReturnStatus::Received => return Err(ShippingError::ReturnComplete(self.id)),
            ReturnStatus::Open => {}
        }
        let (asked, mut left) = (self.asked(), self.left());
        let mut sorted = Received::default();
        for (condition, contents) in goods {
            for (sku, units) in contents.lines() {
                if asked.units(sku) == 0 {
                    return Err(ShippingError::NotInReturn { return_id: self.id, sku: sku.clone() });
                }
                let shares = share_out(&left, sku, units).map_err(|left| {
                    let (return_id, sku) = (self.id, sku.clone());
                    ShippingError::MoreThanReturned { return_id, sku, came: units, left }
                })?;
                for (warehouse_id, share) in shares {
                    let awaited = left.entry(warehouse_id).or_default();
                    *awaited = awaited.without(&share);
                    sorted.put(warehouse_id, *condition, &share);
                }
            }
        }
        Ok(sorted)
    }

    /// The refund that waits for what a label to that warehouse brings.
    ///
    /// # Errors
    /// The goods come back without a label; or nothing more is awaited, at all or there.
    pub fn awaits_by_label(&self, warehouse_id: WarehouseId) -> Result<RefundNumber, ShippingError> {
        let refund_number = match self.origin {
            ReturnOrigin::Refund(refund_number) => refund_number,
            ReturnOrigin::Parcel(_) => return Err(ShippingError::ComesBackByItself(self.id)),
        };
        match self.status {
            ReturnStatus::Received => return Err(ShippingError::ReturnComplete(self.id)),
            ReturnStatus::Open => {}
        }
        if self.left().get(&warehouse_id).is_none_or(Contents::is_empty) {
            return Err(ShippingError::NotAwaitedThere { return_id: self.id, warehouse_id });
        }
        Ok(refund_number)
    }

    /// Whether the carrier of a label is asked where the parcel is, if it does not say so by itself.
    pub fn follows(&self, label: &ReturnLabel) -> bool {
        match self.status {
            ReturnStatus::Open => !label.has_ended(),
            ReturnStatus::Received => false,
        }
    }

    /// Whether nothing is missing.
    pub fn is_whole(&self) -> bool {
        self.left().values().all(Contents::is_empty)
    }

    /// What has not come back, by warehouse.
    fn left(&self) -> BTreeMap<WarehouseId, Contents> {
        let received = self.received();
        let left = |(id, awaited): (&WarehouseId, &Contents)| (*id, awaited.without(&received.at(*id)));
        self.awaited.iter().map(left).collect()
    }
}

/// Takes units of a SKU from these warehouses: all that the first has, then from the next, in the order given.
///
/// # Errors
/// There are fewer: so many.
pub fn share_out<'a>(
    warehouses: impl IntoIterator<Item = (&'a WarehouseId, &'a Contents)>,
    sku: &Sku,
    units: i64,
) -> Result<Vec<(WarehouseId, Contents)>, i64> {
    let mut shares = Vec::new();
    let mut rest = units;
    for (warehouse_id, there) in warehouses {
        let share = rest.min(there.units(sku));
        if share > 0 {
            shares.push((*warehouse_id, Contents::from_units([(sku.clone(), share)])));
            rest -= share;
        }
    }
    if rest > 0 { Err(units - rest) } else { Ok(shares) }
}

impl Received {
    /// What came back by all of these together.
    pub fn sum<'a>(all: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut sum = Self::default();
        for (warehouse_id, sorted) in all.into_iter().flat_map(|received| &received.0) {
            for (condition, contents) in sorted {
                sum.put(*warehouse_id, *condition, contents);
            }
        }
        sum
    }

    /// One line for each warehouse, condition and SKU.
    pub fn lines(&self) -> impl Iterator<Item = (WarehouseId, ReturnCondition, &Sku, i64)> {
        self.0.iter().flat_map(|(warehouse_id, sorted)| {
            sorted.iter().flat_map(|(condition, contents)| {
                contents.lines().map(|(sku, units)| (*warehouse_id, *condition, sku, units))
            })
        })
    }

    /// What of it is accepted, in whatever condition otherwise.
    pub fn accepted(&self) -> Contents {
        self.units_if(|_, condition| condition.is_accepted())
    }

    /// What of it is accepted in one warehouse.
    pub fn accepted_at(&self, warehouse_id: WarehouseId) -> Contents {
        self.units_if(|id, condition| id == warehouse_id && condition.is_accepted())
    }

    /// What came to one warehouse.
    fn at(&self, warehouse_id: WarehouseId) -> Contents {
        self.units_if(|id, _| id == warehouse_id)
    }

    fn units_if(&self, is_meant: impl Fn(WarehouseId, ReturnCondition) -> bool) -> Contents {
        let lines = self.lines().filter(|(warehouse_id, condition, ..)| is_meant(*warehouse_id, *condition));
        Contents::from_units(lines.map(|(.., sku, units)| (sku.clone(), units)))
    }

    fn put(&mut self, warehouse_id: WarehouseId, condition: ReturnCondition, contents: &Contents) {
        let there = self.0.entry(warehouse_id).or_default().entry(condition).or_default();
        *there = Contents::sum([&*there, contents]);
    }
}

impl ReturnCondition {
    /// Every condition.
    pub const ALL: [Self; 3] = [Self::Resalable, Self::Damaged, Self::NotAccepted];

    /// Whether the goods are taken back.
    pub const fn is_accepted(self) -> bool {
        match self {
            Self::Resalable | Self::Damaged => true,
            Self::NotAccepted => false,
        }
    }
}

impl ReturnStatus {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Open, Self::Received];

    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "OPEN",
            Self::Received => "RECEIVED",
        }
    }

    /// The status of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures::{contents, order_id, parcel_id, sku, warehouse};
    use crate::domain::ids::return_of_parcel;

    /// Two cups and a pot to the first warehouse, and three cups to the second.
    fn goods_return() -> Return {
        let awaited = [(warehouse(1), contents(&[("CUP", 2), ("POT", 1)])), (warehouse(2), contents(&[("CUP", 3)]))];
        let parcel_id = parcel_id(1);
        let id = return_of_parcel(order_id(), parcel_id);
        Return::new(id, ReturnOrigin::Parcel(parcel_id), awaited.into_iter().collect())
    }

    fn take_in(goods_return: &mut Return, goods: &[(ReturnCondition, &[(&str, i64)])]) -> Received {
        let goods = goods.iter().map(|(condition, lines)| (*condition, contents(lines))).collect();
        let received = goods_return.sort_in(&goods).unwrap();
        goods_return.receipts.insert(ReceiptId::generate(), received.clone());
        received
    }

    fn lines(received: &Received) -> Vec<(WarehouseId, ReturnCondition, &str, i64)> {
        received.lines().map(|(id, condition, sku, units)| (id, condition, sku.as_str(), units)).collect()
    }

    #[test]
    fn what_comes_back_fills_one_warehouse_after_the_other() {
        use ReturnCondition::{Damaged, NotAccepted, Resalable};
        let mut goods_return = goods_return();
        let first = take_in(&mut goods_return, &[(Resalable, &[("CUP", 1)]), (Damaged, &[("CUP", 2)])]);
        let (here, there) = (warehouse(1), warehouse(2));
        assert_eq!(lines(&first), [(here, Resalable, "CUP", 1), (here, Damaged, "CUP", 1), (there, Damaged, "CUP", 1)]);
        let second = take_in(&mut goods_return, &[(NotAccepted, &[("CUP", 2), ("POT", 1)])]);
        assert_eq!(lines(&second), [(here, NotAccepted, "POT", 1), (there, NotAccepted, "CUP", 2)]);
        assert!(goods_return.is_whole());
        assert_eq!(goods_return.received().accepted(), contents(&[("CUP", 3)]));
        assert_eq!(goods_return.received().accepted_at(there), contents(&[("CUP", 1)]));
    }

    #[test]
    fn more_than_is_missing_is_refused_whatever_its_condition() {
        use ReturnCondition::{Damaged, Resalable};
        let mut goods_return = goods_return();
        take_in(&mut goods_return, &[(Resalable, &[("CUP", 3)])]);
        let goods = [(Resalable, contents(&[("CUP", 1)])), (Damaged, contents(&[("CUP", 2)]))];
        let id = goods_return.id;
        let refused = ShippingError::MoreThanReturned { return_id: id, sku: sku("CUP"), came: 2, left: 1 };
        assert_eq!(goods_return.sort_in(&goods.into_iter().collect()), Err(refused));
        let pan = [(Resalable, contents(&[("PAN", 1)]))];
        let refused = ShippingError::NotInReturn { return_id: id, sku: sku("PAN") };
        assert_eq!(goods_return.sort_in(&pan.into_iter().collect()), Err(refused));
    }

    #[test]
    fn what_is_not_accepted_stays_the_buyers_once_nothing_more_is_awaited() {
        use ReturnCondition::{NotAccepted, Resalable};
        let mut goods_return = goods_return();
        take_in(&mut goods_return, &[(Resalable, &[("CUP", 1)]), (NotAccepted, &[("CUP", 1), ("POT", 1)])]);
        assert_eq!(goods_return.taken(warehouse(1)), contents(&[("CUP", 2), ("POT", 1)]));
        goods_return.status = ReturnStatus::Received;
        assert_eq!(goods_return.taken(warehouse(1)), contents(&[("CUP", 1)]));
        assert!(goods_return.taken(warehouse(2)).is_empty() && goods_return.taken(warehouse(3)).is_empty());
        let refused = Err(ShippingError::ReturnComplete(goods_return.id));
        assert_eq!(goods_return.sort_in(&Goods::new()), refused);
    }

    #[test]
    fn json_holds_the_units_by_warehouse_condition_and_sku() {
        let mut goods_return = goods_return();
        let received = take_in(&mut goods_return, &[(ReturnCondition::NotAccepted, &[("POT", 1)])]);
        let json = serde_json::to_string(&received).unwrap();
        assert_eq!(json, format!(r#"{{"{}":{{"NOT_ACCEPTED":{{"POT":1}}}}}}"#, warehouse(1)));
        assert_eq!(serde_json::from_str::<Received>(&json).unwrap(), received);
    }
}
