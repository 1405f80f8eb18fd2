//! What shipping does on each journey of the fulfilment saga, and what undoes it. [`testkit::steps`] plays the table.

mod labels;

use kernel::{Id, Mutant, Timestamp};
use messaging::Subscription;
use shipping::adapters::events::SUBSCRIPTIONS;
use shipping::domain::consignment::{Cancellation, Consignment};
use shipping::domain::fact::{Dispatch, Fact, Receipt, WithoutGoods};
use shipping::domain::goods_return::ReturnCondition::{self, Damaged, NotAccepted, Resalable};
use shipping::domain::ids::{
    ParcelId, ReceiptId, RefundNumber, ReturnId, ShipmentId, return_of_parcel, return_of_refund,
};
use shipping::domain::parcel::ParcelFailure;
use shipping::domain::shipment::Shipment;
use shipping::domain::world::World;
use shipping::{SERVICE, Shipping};
use testkit::steps::{Broken, Journey, Row, Step, Table, output_of_broken};

use crate::depot::{contents, euro};
use crate::order::{Order, UNIT_CENTS};

const ORDERS: &str = "orders";
const SELLER: &str = "the seller";
const CARRIER: &str = "the carrier";

const CREATED: &str = "ShipmentCreated";
const DISPATCHED: &str = "ShipmentDispatched";
const DELIVERED: &str = "ShipmentDelivered";
const FAILED: &str = "ShipmentFailed";
const RECEIVED: &str = "ReturnReceived";
const CANCELLED: &str = "ShipmentCancelled";
const CANCEL_REFUSED: &str = "ShipmentCancelRefused";
const COLLECTED: &str = "CashCollected";

const FIRST_LEAVES: &str = "the first parcel leaves";
const SECOND_LEAVES: &str = "the second parcel leaves";
const THIRD_LEAVES: &str = "the third parcel leaves";
const FIRST_ARRIVES: &str = "the first parcel arrives";
const SECOND_ARRIVES: &str = "the second parcel arrives";
const THIRD_ARRIVES: &str = "the third parcel arrives";
const SECOND_FAILS: &str = "the second parcel is refused at the door";
const THIRD_FAILS: &str = "the third parcel is lost";
const SENT_BACK: &str = "RefundRequested";
const ONE_CUP_RECEIVED: &str = "a cup comes back";

const DUE_CENTS: i64 = 4_060;

/// Three cups here and a pot elsewhere.
struct Goods {
    order: Order,
    /// Three that leave, and one that does not.
    parcels: [ParcelId; 4],
    receipts: [ReceiptId; 4],
}

impl Goods {
    fn in_cash(&self) -> Order {
        self.order.clone().in_cash(DUE_CENTS)
    }

    fn here(&self) -> ShipmentId {
        self.order.shipments()[0]
    }

    fn elsewhere(&self) -> ShipmentId {
        self.order.shipments()[1]
    }

    fn paid(&self) -> Step<Fact> {
        Step::new(ORDERS, "OrderPaid", self.order.asked()).tells(&[CREATED, CREATED])
    }

    fn confirmed(&self) -> Step<Fact> {
        Step::new(ORDERS, "OrderConfirmed", self.in_cash().asked()).tells(&[CREATED, CREATED])
    }

    /// Another instruction for the same order.
    fn paid_otherwise(&self) -> Step<Fact> {
        let more = self.order.clone().and_elsewhere(&[("PAN", 1)]);
        Step::new(ORDERS, "another instruction", more.asked()).is_refused()
    }

    fn cancellation(&self) -> Step<Fact> {
        Step::new(ORDERS, "OrderCancellationRequested", self.order.stopped()).needs(&[CREATED])
    }

    fn refund(&self) -> Step<Fact> {
        Step::new(ORDERS, "RefundRequested", self.order.stopped()).needs(&[CREATED])
    }

    /// A refund stops units that have not left.
    fn part(&self, refund_number: RefundNumber, lines: &[(&str, i64)]) -> Step<Fact> {
        Step::new(ORDERS, "RefundRequested", self.order.part_stopped(refund_number, lines)).needs(&[CREATED])
    }

    /// A parcel leaves; nothing in particular is everything that is left.
    fn leaves(&self, name: &'static str, number: usize, shipment_id: ShipmentId, lines: &[(&str, i64)]) -> Step<Fact> {
        let fact = Fact::DispatchRequested(Dispatch {
            order_id: self.order.id,
            shipment_id,
            parcel_id: self.parcels[number],
            asked: contents(lines),
            carrier: "DHL".parse().unwrap(),
            tracking_number: self.parcels[number].to_string().parse().unwrap(),
        });
        Step::new(SELLER, name, fact).tells(&[DISPATCHED]).needs(&[CREATED])
    }

    fn first_leaves(&self) -> Step<Fact> {
        self.leaves(FIRST_LEAVES, 0, self.here(), &[("CUP", 2)])
    }

    fn second_leaves(&self) -> Step<Fact> {
        self.leaves(SECOND_LEAVES, 1, self.here(), &[])
    }

    fn third_leaves(&self) -> Step<Fact> {
        self.leaves(THIRD_LEAVES, 2, self.elsewhere(), &[("POT", 1)])
    }

    fn too_much_leaves(&self) -> Step<Fact> {
        self.leaves("more leaves than there is", 3, self.here(), &[("CUP", 4)]).is_refused()
    }

    fn something_else_leaves(&self) -> Step<Fact> {
        self.leaves("something else leaves", 3, self.here(), &[("PAN", 1)]).is_refused()
    }

    fn arrives(&self, name: &'static str, number: usize, shipment_id: ShipmentId) -> Step<Fact> {
        let (order_id, parcel_id) = (self.order.id, self.parcels[number]);
        Step::new(CARRIER, name, Fact::DeliveryReported { order_id, shipment_id, parcel_id }).tells(&[DELIVERED])
    }

    fn first_arrives(&self) -> Step<Fact> {
        self.arrives(FIRST_ARRIVES, 0, self.here()).needs(&[FIRST_LEAVES])
    }

    fn second_arrives(&self) -> Step<Fact> {
        self.arrives(SECOND_ARRIVES, 1, self.here()).needs(&[SECOND_LEAVES])
    }

    fn third_arrives(&self) -> Step<Fact> {
        self.arrives(THIRD_ARRIVES, 2, self.elsewhere()).needs(&[THIRD_LEAVES])
    }

    fn fails(&self, name: &'static str, number: usize, shipment_id: ShipmentId, failure: ParcelFailure) -> Step<Fact> {
        let (order_id, parcel_id) = (self.order.id, self.parcels[number]);
        Step::new(CARRIER, name, Fact::FailureReported { order_id, shipment_id, parcel_id, failure })
    }

    fn second_fails(&self) -> Step<Fact> {
        self.fails(SECOND_FAILS, 1, self.here(), ParcelFailure::Refused).tells(&[FAILED]).needs(&[SECOND_LEAVES])
    }

    fn second_fails_otherwise(&self) -> Step<Fact> {
        self.fails("the second parcel is lost", 1, self.here(), ParcelFailure::Lost).is_refused()
    }

    fn third_fails(&self) -> Step<Fact> {
        self.fails(THIRD_FAILS, 2, self.elsewhere(), ParcelFailure::Lost).tells(&[FAILED]).needs(&[THIRD_LEAVES])
    }

    fn of_second(&self) -> ReturnId {
        return_of_parcel(self.order.id, self.parcels[1])
    }

    fn of_refund(&self) -> ReturnId {
        return_of_refund(self.order.id, 1)
    }

    /// Goods come back; without any, nothing more comes.
    fn comes_back(
        &self,
        name: &'static str,
        number: usize,
        return_id: ReturnId,
        goods: &[(ReturnCondition, &[(&str, i64)])],
    ) -> Step<Fact> {
        let receipt = Receipt {
            order_id: self.order.id,
            return_id,
            receipt_id: self.receipts[number],
            goods: goods.iter().map(|(condition, lines)| (*condition, contents(lines))).collect(),
            complete: goods.is_empty(),
        };
        Step::new(SELLER, name, Fact::GoodsReceived(receipt)).tells(&[RECEIVED])
    }

    fn too_much_comes_back(&self, return_id: ReturnId) -> Step<Fact> {
        self.comes_back("more comes back than there is", 3, return_id, &[(Resalable, &[("CUP", 4)])]).is_refused()
    }

    fn sent_back(&self, refund_number: RefundNumber, lines: &[(&str, i64)]) -> Step<Fact> {
        Step::new(ORDERS, SENT_BACK, self.order.sent_back(refund_number, lines)).needs(&[
            FIRST_ARRIVES,
            SECOND_ARRIVES,
            THIRD_ARRIVES,
        ])
    }

    fn without_goods(&self, kind: WithoutGoods) -> Step<Fact> {
        let fact = Fact::RefundWithoutGoods { order_id: self.order.id, kind };
        Step::new(ORDERS, "RefundRequested, without goods", fact).is_ignored()
    }

    fn remitted(&self, cents: i64, reference: &str) -> Step<Fact> {
        let (order_id, reference) = (self.order.id, reference.parse().unwrap());
        let fact = Fact::CashRemitted { order_id, amount: euro(cents), reference };
        Step::new(CARRIER, "the cash is passed on", fact).needs(&[FIRST_ARRIVES, SECOND_ARRIVES, THIRD_ARRIVES])
    }

    /// Less the share of the second parcel, a cup, and of the third, a pot.
    fn remitted_for_the_first(&self) -> Step<Fact> {
        let due = DUE_CENTS - 2 * UNIT_CENTS;
        self.remitted(due, "R-1").needs(&[FIRST_ARRIVES, SECOND_FAILS, THIRD_FAILS])
    }

    fn too_little_is_remitted(&self) -> Step<Fact> {
        self.remitted(DUE_CENTS - 1, "R-1").is_refused()
    }

    /// Those in which a buyer sends goods back.
    #[rustfmt::skip]
    fn journeys_back(&self) -> Vec<Journey<Fact>> {
        vec![
            Journey::new("goods that the buyer sends back")
                .not_undone_by([self.sent_back(1, &[("CUP", 2)]).is_refused()])
                .then(self.paid()
                    .not_undone_by([self.sent_back(1, &[("CUP", 2)]).is_refused()]))
                .then(self.for_good(self.first_leaves()))
                .then(self.for_good(self.second_leaves()))
                .then(self.for_good(self.third_leaves()))
                .then(self.for_good(self.first_arrives()))
                .then(self.for_good(self.second_arrives()))
                .then(self.third_arrives()
                    .not_undone_by([self.sent_back(1, &[("CUP", 4)]).is_refused(), self.too_much_comes_back(self.of_refund())]))
                .then(self.sent_back(1, &[("CUP", 2), ("POT", 1)])
                    .not_undone_by([self.sent_back(1, &[("CUP", 1)]).is_refused(), self.sent_back(2, &[("CUP", 2)]).is_refused()]))
                .then(self.comes_back(ONE_CUP_RECEIVED, 0, self.of_refund(), &[(NotAccepted, &[("CUP", 1)])]).needs(&[SENT_BACK])
                    .not_undone_by([self.too_much_comes_back(self.of_refund())]))
                .then(self.comes_back("a cup and the pot come back", 1, self.of_refund(), &[(Resalable, &[("CUP", 1), ("POT", 1)])]).needs(&[SENT_BACK])
                    .not_undone_by([self.too_much_comes_back(self.of_refund())]))
                .then(self.without_goods(WithoutGoods::Goodwill).needs(&[CREATED])
                    .not_undone_by([self.sent_back(2, &[("CUP", 3)]).is_refused()])),
            Journey::new("goods of which less comes back than was sent")
                .not_undone_by([self.comes_back("nothing more comes back", 2, self.of_refund(), &[]).is_refused()])
                .then(self.paid()
                    .not_undone_by([self.too_much_leaves()]))
                .then(self.for_good(self.first_leaves()))
                .then(self.first_arrives()
                    .not_undone_by([self.sent_back(1, &[("CUP", 3)]).is_refused()]))
                .then(self.sent_back(1, &[("CUP", 2)]).needs(&[FIRST_ARRIVES])
                    .not_undone_by([self.sent_back(2, &[("CUP", 1)]).is_refused()]))
                .then(self.comes_back(ONE_CUP_RECEIVED, 0, self.of_refund(), &[(Resalable, &[("CUP", 1)])]).needs(&[SENT_BACK])
                    .not_undone_by([self.too_much_comes_back(self.of_refund())]))
                .then(self.comes_back("nothing more comes back", 2, self.of_refund(), &[]).needs(&[ONE_CUP_RECEIVED])
                    .not_undone_by([self.comes_back("another cup comes back", 1, self.of_refund(), &[(Resalable, &[("CUP", 1)])]).is_refused()])),
        ]
    }

    /// Those of which a part is stopped.
    #[rustfmt::skip]
    fn journeys_in_part(&self) -> Vec<Journey<Fact>> {
        vec![
            Journey::new("an order of which a part is stopped before it leaves")
                .not_undone_by([self.part(1, &[("CUP", 1)]).is_refused()])
                .then(self.paid()
                    .not_undone_by([self.part(1, &[("CUP", 4)]).is_refused()]))
                .then(self.part(1, &[("CUP", 1), ("POT", 1)]).tells(&[CANCELLED])
                    .not_undone_by([
                        self.part(1, &[("CUP", 1)]).is_refused(),
                        self.part(2, &[("CUP", 3)]).is_refused(),
                        self.third_leaves().is_refused(),
                    ]))
                .then(self.first_leaves().needs(&[CANCELLED])
                    .not_undone_by([self.leaves("what was stopped leaves", 3, self.here(), &[("CUP", 1)]).is_refused()]))
                .then(self.first_arrives()
                    .not_undone_by([self.remitted(DUE_CENTS, "R-1").is_refused()])),
            Journey::new("an order that is stopped part by part")
                .not_undone_by([self.part(1, &[("CUP", 3)]).is_refused()])
                .then(self.paid()
                    .undone_by([self.part(1, &[("CUP", 3), ("POT", 1)]).tells(&[CANCELLED])])
                    .or_by([self.part(1, &[("CUP", 3)]).tells(&[CANCELLED]), self.part(2, &[("POT", 1)]).tells(&[CANCELLED])]))
                .then(self.part(1, &[("CUP", 3)]).tells(&[CANCELLED])
                    .undone_by([self.part(2, &[("POT", 1)]).tells(&[CANCELLED])])
                    .or_by([self.refund().tells(&[CANCELLED])])
                    .but_not_by([self.first_leaves().is_refused(), self.part(2, &[("CUP", 1)]).is_refused()])),
            Journey::new("a part that is to be stopped when it has left")
                .not_undone_by([self.part(1, &[("CUP", 2)]).is_refused()])
                .then(self.paid()
                    .not_undone_by([self.too_much_leaves()]))
                .then(self.for_good(self.first_leaves()))
                .then(self.part(1, &[("CUP", 2)]).needs(&[FIRST_LEAVES]).tells(&[CANCEL_REFUSED])
                    .not_undone_by([self.part(1, &[("CUP", 1)]).is_refused(), self.part(2, &[("CUP", 4)]).is_refused()]))
                .then(self.for_good(self.second_leaves())),
        ]
    }

    /// Nothing gives back what has left: whatever comes back is a movement of its own.
    fn for_good(&self, step: Step<Fact>) -> Row<Fact> {
        step.not_undone_by([self.too_much_leaves(), self.paid_otherwise()])
    }
}

impl Table for Goods {
    type Participant = Shipping;

    const SUBSCRIPTIONS: &'static [Subscription] = SUBSCRIPTIONS;
    const SLATE: &'static [&'static str] = &[
        "SELECT shipment_id, status FROM shipment WHERE status <> 'CANCELLED'",
        "SELECT * FROM parcel",
        "SELECT * FROM shipment_line WHERE dispatched > 0",
        "SELECT * FROM goods_return",
    ];

    fn service() -> &'static chassis::Service {
        &SERVICE
    }

    fn participant() -> Shipping {
        Shipping
    }

    fn about_a_new_order(_: Timestamp) -> Self {
        let order = Order::of(&[("CUP", 3)]).and_elsewhere(&[("POT", 1)]);
        Self {
            order,
            parcels: std::array::from_fn(|_| Id::generate()),
            receipts: std::array::from_fn(|_| Id::generate()),
        }
    }

    fn world(&self) -> World {
        World::default()
    }

    #[rustfmt::skip]
    fn journeys(&self) -> Vec<Journey<Fact>> {
        let mut journeys = vec![
            Journey::new("an order that was paid before it is sent")
                .not_undone_by([self.first_leaves().is_refused(), self.first_arrives().is_refused(), self.cancellation().is_refused()])
                .then(self.paid()
                    .not_undone_by([self.too_much_leaves(), self.something_else_leaves(), self.paid_otherwise()]))
                .then(self.for_good(self.first_leaves()))
                .then(self.for_good(self.third_leaves()))
                .then(self.for_good(self.first_arrives()))
                .then(self.for_good(self.third_arrives()))
                .then(self.second_leaves()
                    .not_undone_by([self.leaves("the second parcel again", 1, self.here(), &[]).is_known()]))
                .then(self.second_arrives()
                    .not_undone_by([self.remitted(DUE_CENTS, "R-1").is_refused()])),
            // A parcel that is asked for afterwards is refused, and its sender is told: see the next journey.
            Journey::new("an order that is cancelled before anything leaves")
                .not_undone_by([self.cancellation().is_refused()])
                .then(self.confirmed()
                    .undone_by([self.cancellation().tells(&[CANCELLED])])
                    .but_not_by([self.remitted(DUE_CENTS, "R-1").is_refused()])),
            Journey::new("a parcel that comes too late")
                .not_undone_by([self.cancellation().is_refused()])
                .then(self.confirmed()
                    .undone_by([self.cancellation().tells(&[CANCELLED])]))
                .then(self.cancellation().tells(&[CANCELLED])
                    .not_undone_by([self.first_leaves().is_refused(), self.remitted(DUE_CENTS, "R-1").is_refused()])),
            Journey::new("an order whose money is wanted back before anything leaves")
                .not_undone_by([self.refund().is_refused()])
                .then(self.paid()
                    .undone_by([self.refund().tells(&[CANCELLED])]))
                .then(self.refund().tells(&[CANCELLED])
                    .not_undone_by([self.first_leaves().is_refused(), self.paid_otherwise()])),
            Journey::new("money that is wanted back when something has left")
                .not_undone_by([self.refund().is_refused()])
                .then(self.paid()
                    .not_undone_by([self.too_much_leaves(), self.paid_otherwise()]))
                .then(self.for_good(self.first_leaves()))
                .then(self.refund().needs(&[FIRST_LEAVES]).tells(&[CANCEL_REFUSED])
                    .not_undone_by([self.too_much_leaves()]))
                .then(self.for_good(self.second_leaves())),
            Journey::new("an order that is paid for at the door, and that its buyer would have cancelled")
                .not_undone_by([self.remitted(DUE_CENTS, "R-1").is_refused()])
                .then(self.confirmed()
                    .not_undone_by([self.too_much_leaves(), self.paid_otherwise()]))
                .then(self.for_good(self.first_leaves()))
                .then(self.cancellation().needs(&[FIRST_LEAVES]).tells(&[CANCEL_REFUSED])
                    .not_undone_by([self.too_much_leaves()]))
                .then(self.for_good(self.second_leaves()))
                .then(self.for_good(self.third_leaves()))
                .then(self.first_arrives()
                    .not_undone_by([self.remitted(DUE_CENTS, "R-1").is_refused()]))
                .then(self.for_good(self.second_arrives()))
                .then(self.third_arrives()
                    .not_undone_by([self.too_little_is_remitted()]))
                .then(self.remitted(DUE_CENTS, "R-1").tells(&[COLLECTED])
                    .not_undone_by([self.remitted(DUE_CENTS, "R-2").is_refused()])),
            Journey::new("an order that is paid for at the door, of which one parcel arrives")
                .not_undone_by([self.second_fails().is_refused()])
                .then(self.confirmed()
                    .not_undone_by([self.too_much_leaves(), self.second_fails().is_refused()]))
                .then(self.for_good(self.first_leaves()))
                .then(self.for_good(self.second_leaves()))
                .then(self.for_good(self.third_leaves()))
                .then(self.first_arrives()
                    .not_undone_by([self.fails("the first parcel is lost", 0, self.here(), ParcelFailure::Lost).is_refused()]))
                .then(self.second_fails()
                    .not_undone_by([self.second_arrives().is_refused(), self.second_fails_otherwise(), self.remitted_for_the_first().is_refused()]))
                .then(self.third_fails()
                    .not_undone_by([self.third_arrives().is_refused(), self.too_little_is_remitted(), self.remitted(DUE_CENTS, "R-1").is_refused()]))
                .then(self.without_goods(WithoutGoods::ParcelFailed).needs(&[FAILED])
                    .not_undone_by([self.too_much_comes_back(self.of_second())]))
                .then(self.remitted_for_the_first().tells(&[COLLECTED])
                    .not_undone_by([self.remitted(DUE_CENTS, "R-2").is_refused()]))
                .then(self.comes_back(ONE_CUP_RECEIVED, 0, self.of_second(), &[(Damaged, &[("CUP", 1)])]).needs(&[SECOND_FAILS])
                    .not_undone_by([self.too_much_comes_back(self.of_second())])),
        ];
        journeys.extend(self.journeys_back());
        journeys.push(self.journey_back_by_label());
        journeys.extend(self.journeys_in_part());
        journeys
    }

    /// What is to be sent, or was.
    fn slate(&self, world: &World) -> String {
        match world.consignment(self.order.id) {
            None | Some(Consignment { cancellation: Some(Cancellation::Stopped), .. }) => "nothing to send".to_owned(),
            Some(consignment) => {
                let left = consignment.shipments.values().map(Shipment::dispatched);
                format!("something to send, of which left: {:?}", left.collect::<Vec<_>>())
            }
        }
    }
}

#[test]
fn every_step_of_a_fulfilment_can_be_repeated_and_undone() -> Result<(), Broken> {
    println!("shipping: {}", testkit::steps::decisions::<Goods>()?);
    Ok(())
}

#[tokio::test]
async fn every_step_of_a_fulfilment_leaves_its_rows_once_or_not_at_all() -> Result<(), Broken> {
    println!("shipping: {}", testkit::steps::transactions::<Goods>().await?);
    Ok(())
}

#[test]
fn a_step_that_is_broken_on_purpose_is_caught() {
    for (mutant, words) in [
        (
            Mutant::DispatchAfterStopping,
            "the first parcel leaves takes effect and tells ShipmentDispatched; the table says that it is refused",
        ),
        (
            Mutant::DeliverAfterFailing,
            "the second parcel is refused at the door, the second parcel arrives: this was to have no effect, and has one",
        ),
    ] {
        let told = output_of_broken(mutant, "steps::every_step_of_a_fulfilment_can_be_repeated_and_undone");
        assert!(told.contains(words), "{} is told as\n{told}", mutant.name());
    }
}
