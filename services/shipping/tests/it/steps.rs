//! What shipping does on each journey of the fulfilment saga, and what undoes it. [`testkit::steps`] plays the table.

use kernel::{Id, Mutant, Timestamp};
use messaging::Subscription;
use shipping::adapters::events::SUBSCRIPTIONS;
use shipping::domain::consignment::{Cancellation, Consignment};
use shipping::domain::fact::{Dispatch, Fact};
use shipping::domain::ids::{ParcelId, ShipmentId};
use shipping::domain::shipment::Shipment;
use shipping::domain::world::World;
use shipping::{SERVICE, Shipping};
use testkit::steps::{Broken, Journey, Row, Step, Table, output_of_broken};

use crate::depot::{Order, contents, euro};

const ORDERS: &str = "orders";
const SELLER: &str = "the seller";
const CARRIER: &str = "the carrier";

const CREATED: &str = "ShipmentCreated";
const DISPATCHED: &str = "ShipmentDispatched";
const DELIVERED: &str = "ShipmentDelivered";
const CANCELLED: &str = "ShipmentCancelled";
const CANCEL_REFUSED: &str = "ShipmentCancelRefused";
const COLLECTED: &str = "CashCollected";

const FIRST_LEAVES: &str = "the first parcel leaves";
const SECOND_LEAVES: &str = "the second parcel leaves";
const THIRD_LEAVES: &str = "the third parcel leaves";
const FIRST_ARRIVES: &str = "the first parcel arrives";
const SECOND_ARRIVES: &str = "the second parcel arrives";
const THIRD_ARRIVES: &str = "the third parcel arrives";

const DUE_CENTS: i64 = 4_060;

/// Three cups here and a pot elsewhere.
struct Goods {
    order: Order,
    /// Three that leave, and one that does not.
    parcels: [ParcelId; 4],
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

    fn remitted(&self, cents: i64, reference: &str) -> Step<Fact> {
        let (order_id, reference) = (self.order.id, reference.parse().unwrap());
        let fact = Fact::CashRemitted { order_id, amount: euro(cents), reference };
        Step::new(CARRIER, "the cash is passed on", fact).needs(&[FIRST_ARRIVES, SECOND_ARRIVES, THIRD_ARRIVES])
    }

    fn too_little_is_remitted(&self) -> Step<Fact> {
        self.remitted(DUE_CENTS - 1, "R-1").is_refused()
    }

    /// Nothing gives back what has left: the goods come back by a return, which is another saga.
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
    ];

    fn service() -> &'static chassis::Service {
        &SERVICE
    }

    fn participant() -> Shipping {
        Shipping
    }

    fn about_a_new_order(_: Timestamp) -> Self {
        let order = Order::of(&[("CUP", 3)]).and_elsewhere(&[("POT", 1)]);
        Self { order, parcels: std::array::from_fn(|_| Id::generate()) }
    }

    fn world(&self) -> World {
        World::default()
    }

    #[rustfmt::skip]
    fn journeys(&self) -> Vec<Journey<Fact>> {
        vec![
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
        ]
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
    let mutant = Mutant::DispatchAfterStopping;
    let told = output_of_broken(mutant, "steps::every_step_of_a_fulfilment_can_be_repeated_and_undone");
    let words = "the first parcel leaves takes effect and tells ShipmentDispatched; the table says that it is refused";
    assert!(told.contains(words), "{} is told as\n{told}", mutant.name());
}
