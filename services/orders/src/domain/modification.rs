//! What was agreed, divided: units are taken away from an order, or become orders of their own.
//!
//! Nothing gets lost: what is left and what is taken add up to what there was, units and amounts to the minor unit. Prices never change.

use kernel::{Money, MoneyError, Quantity, Sku};

use super::error::OrderError;
use super::ids::OrderId;
use super::refund::Units;
use super::snapshot::{Line, Snapshot, Terms};

impl Terms {
    /// Units of a SKU in all lines.
    pub fn units_of(&self, sku: &Sku) -> i64 {
        self.lines.iter().filter(|line| line.sku == *sku).map(|line| i64::from(line.quantity)).sum()
    }

    /// What is agreed once so many units of these SKUs are left. Shipping stays as it was agreed.
    ///
    /// # Errors
    /// A SKU is not in the order, or has fewer units; nothing would be left, or nothing to pay.
    pub fn with_units_left(&self, left: &Units) -> Result<Snapshot, OrderError> {
        let order_id = self.order_id;
        let mut taken = Units::new();
        for (sku, &left) in left {
            let ordered = self.units_of(sku);
            if ordered == 0 {
                return Err(OrderError::NotInOrder { order_id, sku: sku.clone() });
            }
            if left > ordered {
                return Err(OrderError::UnitsAdded { order_id, sku: sku.clone(), left, ordered });
            }
            if left < ordered {
                taken.insert(sku.clone(), ordered - left);
            }
        }
        let [rest, _] = divided(&self.lines, &[taken]).try_into().expect("what is taken and the rest");
        if rest.is_empty() {
            return Err(OrderError::NothingLeft(order_id));
        }
        self.about(order_id, rest, self.shipping)
    }

    /// What is agreed once these units are orders of their own: about the order itself, and about each of them. Shipping is spread over all by
    /// their units.
    ///
    /// # Errors
    /// A SKU is not in the order, or has fewer units; nothing would be left, or nothing to pay for one of them.
    pub fn split_off(&self, parts: &[(OrderId, Units)]) -> Result<(Snapshot, Vec<Snapshot>), OrderError> {
        let order_id = self.order_id;
        for sku in parts.iter().flat_map(|(_, units)| units.keys()) {
            let asked = parts.iter().filter_map(|(_, units)| units.get(sku)).sum();
            let left = self.units_of(sku);
            if left == 0 {
                return Err(OrderError::NotInOrder { order_id, sku: sku.clone() });
            }
            if asked > left {
                return Err(OrderError::MoreThanOrdered { order_id, sku: sku.clone(), asked, left });
            }
        }
        let units: Vec<_> = parts.iter().map(|(_, units)| units.clone()).collect();
        let lines = divided(&self.lines, &units);
        if lines[0].is_empty() {
            return Err(OrderError::NothingLeft(order_id));
        }
        let weight = |lines: &Vec<Line>| lines.iter().map(|line| i64::from(line.quantity).unsigned_abs()).sum();
        let weights: Vec<u64> = lines.iter().map(weight).collect();
        let shipping =
            self.shipping.allocate(&weights).expect("each has units, and shares are not more than the whole");
        let ids = std::iter::once(order_id).chain(parts.iter().map(|(id, _)| *id));
        let mut agreed = ids.zip(lines).zip(shipping).map(|((id, lines), shipping)| self.about(id, lines, shipping));
        let rest = agreed.next().expect("the order itself")?;
        Ok((rest, agreed.collect::<Result<_, _>>()?))
    }

    /// The same agreement about other lines.
    fn about(&self, order_id: OrderId, lines: Vec<Line>, shipping: Money) -> Result<Snapshot, OrderError> {
        let summed = sums(&lines, shipping).expect("parts of amounts that fit do, too");
        let [subtotal, tax, total] = summed;
        if !total.is_positive() {
            return Err(OrderError::NothingToPay(self.order_id));
        }
        let terms = Self { order_id, lines, subtotal, shipping, tax, total, ..self.clone() };
        Ok(Snapshot::freeze(terms).expect("it adds up: that is how it was made"))
    }
}

/// Subtotal, tax and total.
pub(super) fn sums(lines: &[Line], shipping: Money) -> Result<[Money; 3], MoneyError> {
    let currency = shipping.currency();
    let subtotal = Money::sum(lines.iter().map(|line| line.line_subtotal), currency)?;
    let tax = Money::sum(lines.iter().map(|line| line.tax), currency)?;
    Ok([subtotal, tax, Money::sum([subtotal, shipping, tax], currency)?])
}

/// The lines that are left, and then those of each part, of which there are enough units. Where several lines name a SKU the first are taken first.
fn divided(lines: &[Line], parts: &[Units]) -> Vec<Vec<Line>> {
    let mut wanted = parts.to_vec();
    let mut divided = vec![Vec::new(); 1 + parts.len()];
    for line in lines {
        let mut shares = vec![i64::from(line.quantity)];
        for units in &mut wanted {
            let taken = units.get_mut(&line.sku).map_or(0, |wanted| {
                let taken = shares[0].min(*wanted);
                *wanted -= taken;
                taken
            });
            shares[0] -= taken;
            shares.push(taken);
        }
        for (lines, share) in divided.iter_mut().zip(shared(line, &shares)) {
            lines.extend(share);
        }
    }
    divided
}

/// A line over so many units each, which are its units in all; none where there are none.
fn shared(line: &Line, shares: &[i64]) -> Vec<Option<Line>> {
    let weights: Vec<u64> = shares.iter().map(|units| units.unsigned_abs()).collect();
    let taxes = line.tax.allocate(&weights).expect("a line has units, and shares are not more than the whole");
    let share = |(&units, tax): (&i64, Money)| {
        let quantity = Quantity::new(units).ok()?;
        let line_subtotal = line.unit_price.checked_mul(quantity).expect("less than for the whole line");
        Some(Line { quantity, line_subtotal, tax, ..line.clone() })
    };
    shares.iter().zip(taxes).map(share).collect()
}

#[cfg(test)]
mod tests;
