//! The refund saga: who may want money back, what comes back for it, and invariants I1 to I3 of it. How it may end: [`ends`].

pub mod ends;

use kernel::{Currency, Id, Money};
use orders::domain::order::Order;
use orders::domain::refund::{Counting, Refund, RefundKind, RefundRequest, RefundStatus};
use payments::domain::ledger::Transaction;
use payments::domain::{Method, Payment, RefundStanding, commission};
use shipping::domain::contents::Contents;
use shipping::domain::fact::Receipt;
use shipping::domain::goods_return::{Return, ReturnCondition, ReturnOrigin, ReturnStatus};
use shipping::domain::ids::{OrderId, return_of_refund};
use uuid::Uuid;

use super::{Property, consignment, is_at_rest, is_stopped, payment};
use crate::action::{Action, Goodwill};
use crate::fleet::Fleet;
use crate::services::inventory::{released, returned};
use crate::services::shipping::received;
use crate::state::State;

/// What must hold in every state.
pub const PROPERTIES: &[Property] = &[
    ("I1: each refund goes back once, and all of them together are at most what was taken", refunds_are_covered),
    ("I1: in the end orders, payments and the provider agree on what went back, refund by refund", refunds_agree),
    ("I1: every transaction of the ledger sums to zero, and the ledger says what payments says", ledger_balances),
    ("I2: what is restocked came back, and in the end it is the same", what_came_back_is_there),
    ("I3: all of the money goes back before dispatch only if nothing has left, and then nothing will", nothing_left),
    (
        "I2: what is stopped in parts does not leave, and in the end it is on sale again and paid back",
        what_is_stopped_stays,
    ),
    ("I3: a return is paid for by what was accepted of it", returns_are_paid_for),
];

/// Wishes of buyers and sellers, what comes back, and what an operator does about a refund that was refused.
pub fn triggers(state: &State, actions: &mut Vec<Action>) {
    for order in state.orders.orders() {
        if state.left.refunds > 0 {
            actions.push(Action::RequestRefund(order.id));
        }
        let units = order.sku_totals.iter().map(|total| total.quantity).sum();
        if state.left.parts > 0 {
            actions.extend((1..=units).map(|units| Action::RequestPart(order.id, units)));
        }
        if state.left.returns > 0 {
            actions.extend((1..=units).map(|units| Action::RequestReturn(order.id, units)));
        }
        if state.left.goodwills > 0 {
            actions.extend([Goodwill::Little, Goodwill::Everything].map(|much| Action::GiveGoodwill(order.id, much)));
        }
        if state.left.retries > 0 {
            let refused = payment(state, order).into_iter().flat_map(|payment| {
                let refused = payment.refunds.iter().filter(|refund| refund.standing == RefundStanding::Failed);
                refused.map(|refund| Action::RetryRefund(payment.order_id, refund.told_number()))
            });
            actions.extend(refused);
        }
    }
    for consignment in state.shipping.consignments() {
        let open = consignment.returns.values().filter(|goods_return| goods_return.status == ReturnStatus::Open);
        for goods_return in open {
            let receive = |condition| Action::Receive(consignment.order_id, goods_return.id, condition);
            actions.extend(may_come(goods_return.origin).iter().copied().map(receive));
        }
    }
}

/// What may come next of a return. What a carrier brings back was never the buyer's, and all of it comes.
const fn may_come(origin: ReturnOrigin) -> &'static [Option<ReturnCondition>] {
    use ReturnCondition::{Damaged, NotAccepted, Resalable};
    match origin {
        ReturnOrigin::Refund(_) => &[Some(Resalable), Some(Damaged), Some(NotAccepted), None],
        ReturnOrigin::Parcel(_) => &[Some(Resalable), Some(Damaged)],
    }
}

/// So many units of what an order is to bring, that are not to leave.
pub fn part_of(order: &Order, units: i64) -> Option<RefundRequest> {
    let sku = order.sku_totals.first()?.sku.clone();
    Some(RefundRequest::PartBeforeDispatch([(sku, units)].into()))
}

/// So many units of what an order brought, to be sent back.
pub fn return_of(order: &Order, units: i64) -> Option<RefundRequest> {
    let sku = order.sku_totals.first()?.sku.clone();
    Some(RefundRequest::AfterReturn([(sku, units)].into()))
}

/// Money that is given back of somebody's own accord; none if there is nothing left.
pub fn goodwill_of(order: &Order, goodwill: Goodwill) -> Option<RefundRequest> {
    let amount = match goodwill {
        Goodwill::Little => Money::from_minor(100, Currency::EUR),
        Goodwill::Everything => order.refundable(Counting::Taken),
    };
    amount.is_positive().then_some(RefundRequest::Goodwill(amount))
}

/// What is taken in of a return next: a unit in that condition, or that nothing more is awaited.
pub fn receipt_of(order_id: OrderId, goods_return: &Return, condition: Option<ReturnCondition>) -> Option<Receipt> {
    let asked = goods_return.asked();
    let (sku, _) = asked.lines().next()?;
    let unit = Contents::from_units([(sku.clone(), 1)]);
    let number = goods_return.receipts.len() + 1;
    Some(Receipt {
        order_id,
        return_id: goods_return.id,
        receipt_id: Id::from_uuid(Uuid::from_u128(number as u128)),
        goods: condition.map(|condition| (condition, unit)).into_iter().collect(),
        complete: condition.is_none(),
    })
}

fn refunds_are_covered(_: &Fleet, state: &State) -> bool {
    state.orders.orders().all(|order| {
        let order_id = Id::from_uuid(order.id.uuid());
        let back = state.provider.refunds(order_id);
        let is_once = back.windows(2).all(|pair| pair[0].0 != pair[1].0);
        let at_provider = state.provider.given_back(order_id) <= state.provider.captured(order_id);
        let at_payments = payment(state, order).is_none_or(|payment| {
            let asked_back = payment.refunds.iter().map(|refund| refund.amount.minor()).sum::<i64>();
            payment.refunded.minor() <= asked_back && asked_back <= payment.captured.minor()
        });
        let at_orders = granted(order).map(|refund| refund.amount.minor()).sum::<i64>() <= captured(order);
        is_once && at_provider && at_payments && at_orders
    })
}

fn refunds_agree(fleet: &Fleet, state: &State) -> bool {
    let agree = |order: &Order, payment: &Payment| {
        let at_orders = granted(order).map(|refund| {
            let standing = match refund.status {
                RefundStatus::Refunded => RefundStanding::Done,
                RefundStatus::Failed => RefundStanding::Failed,
                RefundStatus::Requested | RefundStatus::Approved | RefundStatus::Rejected | RefundStatus::Waived => {
                    RefundStanding::Asked
                }
            };
            (refund.number, refund.amount.minor(), standing)
        });
        let approved = payment.refunds.iter().filter(|refund| !refund.follows_from_end);
        let at_payments = approved.map(|refund| (refund.number, refund.amount.minor(), refund.standing));
        let done = payment.refunds.iter().filter(|refund| refund.standing == RefundStanding::Done);
        let done = done.filter(|refund| !payment.goes_to_credit(refund));
        let done = done.map(|refund| (refund.number, refund.amount.minor()));
        let at_provider = state.provider.refunds(payment.order_id);
        sorted(at_orders) == sorted(at_payments) && sorted(done) == at_provider
    };
    !is_at_rest(fleet, state)
        || state.orders.orders().all(|order| match payment(state, order) {
            Some(payment) => agree(order, payment),
            None => granted(order).next().is_none(),
        })
}

fn ledger_balances(_: &Fleet, state: &State) -> bool {
    let sum = |transaction: &Transaction| transaction.postings().iter().map(|leg| leg.amount.minor()).sum::<i64>();
    state.payments.posted().all(|transaction| sum(transaction) == 0)
        && state.orders.orders().filter_map(|order| payment(state, order)).all(|payment| {
            let balance = |account: &str| {
                let of_order = state.payments.posted().filter(|posted| posted.key().order_id == payment.order_id);
                let legs = of_order.flat_map(Transaction::postings).filter(|leg| leg.account.as_str() == account);
                legs.map(|leg| leg.amount.minor()).sum::<i64>()
            };
            owed(payment).into_iter().all(|(account, amount)| balance(account) == amount)
        })
}

/// What the accounts must say of a payment. What was delivered and paid for is the seller's, less the commission.
fn owed(payment: &Payment) -> [(&'static str, i64); 6] {
    let (captured, refunded, kept) = (payment.captured.minor(), payment.refunded.minor(), payment.kept());
    let is_earned = payment.delivered && captured > 0;
    let earned = payment.commission_rate.filter(|_| is_earned).map_or(0, |rate| commission(kept, rate).minor());
    let done = payment.refunds.iter().filter(|refund| refund.standing == RefundStanding::Done);
    let to_credit: i64 = done.filter(|refund| payment.goes_to_credit(refund)).map(|refund| refund.amount.minor()).sum();
    let (by_card, in_cash, set_aside) = match payment.terms.method {
        Method::Card(_) => (captured, 0, 0),
        Method::CashOnDelivery => (0, captured, 0),
        Method::Exchange(_) => (0, 0, captured),
    };
    [
        ("provider_clearing", by_card - (refunded - to_credit)),
        ("carrier_clearing", in_cash),
        ("buyer_credit", set_aside - to_credit),
        ("escrow", if is_earned { 0 } else { -kept.minor() }),
        ("seller_balance", if is_earned { earned - kept.minor() } else { 0 }),
        ("commission", -earned),
    ]
}

fn what_came_back_is_there(fleet: &Fleet, state: &State) -> bool {
    state.orders.orders().all(|order| {
        let there = state.inventory.reservation(Id::from_uuid(order.id.uuid())).map(returned).unwrap_or_default();
        let came = consignment(state, order).map(|consignment| received(&consignment.received())).unwrap_or_default();
        there.max(came) == came && (there == came || !is_at_rest(fleet, state))
    })
}

fn nothing_left(_: &Fleet, state: &State) -> bool {
    let is_granted = |order: &&Order| {
        let before_dispatch = order.refund_before_dispatch();
        before_dispatch.is_some_and(|refund| refund.is_granted() || refund.status == RefundStatus::Refunded)
    };
    state.orders.orders().filter(is_granted).all(|order| {
        is_stopped(state, order) && consignment(state, order).is_some_and(|consignment| !consignment.has_begun())
    })
}

fn what_is_stopped_stays(fleet: &Fleet, state: &State) -> bool {
    state.orders.orders().all(|order| {
        let Some(consignment) = consignment(state, order) else { return true };
        let units = |contents: &Contents| contents.lines().map(|(_, units)| units).sum::<i64>();
        let stays = consignment
            .shipments
            .values()
            .all(|shipment| units(&shipment.dispatched()) + units(&shipment.stopped) <= units(&shipment.holds));
        let stopped = consignment.shipments.values().map(|shipment| units(&shipment.stopped)).sum::<i64>();
        let released = state.inventory.reservation(Id::from_uuid(order.id.uuid())).map_or(0, released);
        let parts = granted(order).filter(|refund| refund.kind == RefundKind::BeforeDispatch);
        let paid_back = parts.flat_map(|refund| &refund.lines).map(|line| line.quantity).sum::<i64>();
        let is_same = released == stopped && paid_back == stopped;
        stays && released <= stopped && paid_back <= stopped && (is_same || !is_at_rest(fleet, state))
    })
}

fn returns_are_paid_for(_: &Fleet, state: &State) -> bool {
    state.orders.orders().all(|order| {
        let is_return = |refund: &&Refund| matches!(refund.kind, RefundKind::AfterReturn | RefundKind::Exchange);
        let mut paid_for = granted(order).filter(is_return);
        paid_for.all(|refund| {
            let order_id = Id::from_uuid(order.id.uuid());
            let goods_return =
                consignment(state, order).and_then(|sent| sent.returns.get(&return_of_refund(order_id, refund.number)));
            let accepted = goods_return.map(|goods_return| goods_return.received().accepted());
            let units = refund.lines.iter().map(|line| line.quantity).sum::<i64>();
            accepted.is_some_and(|accepted| accepted.lines().map(|(_, units)| units).sum::<i64>() == units)
        })
    })
}

/// The refunds of an order that were granted, given back or not.
fn granted(order: &Order) -> impl Iterator<Item = &Refund> {
    let is_granted = |refund: &&Refund| refund.is_granted() || refund.status == RefundStatus::Refunded;
    order.refunds.iter().filter(is_granted)
}

/// What orders say was taken, in minor units.
fn captured(order: &Order) -> i64 {
    order.captured.map_or(0, Money::minor)
}

fn sorted<T: Ord>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut items: Vec<_> = items.collect();
    items.sort();
    items
}
