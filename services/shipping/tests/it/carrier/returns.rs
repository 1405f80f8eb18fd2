//! The way back: labels that the carrier sells for it, and what it says of the parcels under them.

use futures::future::join_all;
use kernel::Classified;
use messaging::journal;
use sandbox_carrier::SoldLabel;
use serde::Deserialize;
use shipping::app::buy_return_label::buy;
use shipping::domain::goods_return::ReturnCondition::Resalable;
use shipping::domain::goods_return::ReturnStatus;
use shipping::domain::ids::{ReturnId, WarehouseId, return_of_parcel, return_of_refund};
use shipping::domain::return_label::{ReturnLabel, ReturnParcelStatus};

use super::*;

#[derive(Deserialize)]
struct Sold {
    labels: Vec<SoldLabel>,
}

impl Yard {
    /// An order of two cups that was brought by the sandbox to an address with that line, and of which both are sent back.
    async fn sent_back(&self, line: &str) -> Order {
        let order = self.order(line).await;
        self.bring(&order, 0).await;
        self.depot.happen(vec![order.sent_back(1, &[("CUP", 2)])]).await;
        order
    }

    /// Has the sandbox bring what a warehouse has of an order. Nobody hands the parcel over, so nothing is scanned.
    async fn bring(&self, order: &Order, warehouse: usize) {
        let shipment_id = order.shipments()[warehouse];
        let request = wire::DispatchParcelRequest {
            request_id: shipment_id.to_string(),
            shipment_id: shipment_id.to_string(),
            carrier: "sandbox".to_owned(),
            ..wire::DispatchParcelRequest::default()
        };
        let answer = self.client.clone().dispatch_parcel(self.operator.request(request)).await.unwrap().into_inner();
        self.depot.deliver(order, shipment_id, answer.parcel_id.parse().unwrap()).await;
    }

    /// Asks for a label to the warehouse of one of the order's allocations.
    async fn label(
        &self,
        bearer: &Bearer,
        order: &Order,
        place: usize,
        request_id: &str,
    ) -> Result<wire::ReturnLabel, Status> {
        let warehouse_id = order.allocations[place].0.to_string();
        let request = wire::BuyReturnLabelRequest {
            request_id: request_id.to_owned(),
            order_id: order.id.to_string(),
            return_id: return_of_refund(order.id, 1).to_string(),
            warehouse_id: warehouse_id.clone(),
        };
        let answer = self.client.clone().buy_return_label(bearer.request(request)).await?.into_inner();
        let mut labels = answer.goods_return.unwrap().labels.into_iter();
        Ok(labels.find(|label| label.warehouse_id == warehouse_id).unwrap())
    }

    fn buyer(&self, order: &Order) -> Bearer {
        self.tokens.buyer(order.buyer_id.uuid())
    }

    /// The only label of an order's only return, as it is shown.
    async fn shown(&self, order: &Order) -> wire::ReturnLabel {
        let request = wire::ListReturnsRequest { order_id: order.id.to_string() };
        let answer = self.client.clone().list_returns(self.buyer(order).request(request)).await.unwrap().into_inner();
        let [goods_return] = &answer.returns[..] else { panic!("one return") };
        let [label] = &goods_return.labels[..] else { panic!("one label") };
        label.clone()
    }

    /// Waits until the label of an order's only return has come so far.
    async fn moved(&self, order: &Order, status: wire::ReturnParcelStatus) -> wire::ReturnLabel {
        eventually("the parcel on its way back", async || {
            Some(self.shown(order).await).filter(|label| label.status() == status)
        })
        .await
    }

    async fn kept(&self, order: &Order) -> ReturnLabel {
        let [found] = &self.depot.returns(order).await[..] else { panic!("one return") };
        found.goods_return.labels[&order.allocations[0].0].clone()
    }

    /// What the carrier sold for the way back.
    async fn sold(&self) -> Vec<SoldLabel> {
        let answer = self.http.get(format!("{}/v1/labels", self.carrier_url)).send().await.unwrap();
        let sold: Sold = answer.json().await.unwrap();
        sold.labels.into_iter().filter(|label| label.return_to.is_some()).collect()
    }
}

fn key(return_id: ReturnId, warehouse_id: WarehouseId) -> String {
    format!("return:{return_id}:{warehouse_id}")
}

#[tokio::test]
async fn a_return_has_one_label_for_each_warehouse_whoever_asks_and_however_often() {
    let yard = Yard::open().await;
    let order = Order::of(&[("CUP", 2)]).and_elsewhere(&[("POT", 1)]);
    let order = yard.sent_to("Flat 2", order).await;
    for warehouse in [0, 1] {
        yard.bring(&order, warehouse).await;
    }
    yard.depot.happen(vec![order.sent_back(1, &[("CUP", 1), ("POT", 1)])]).await;
    let (buyer, seller) = (yard.buyer(&order), yard.tokens.seller(order.seller_id.uuid()));
    let first = yard.label(&buyer, &order, 0, "1").await.unwrap();
    assert_eq!((&first.carrier[..], first.status()), ("sandbox", wire::ReturnParcelStatus::LabelBought));
    assert_eq!(yard.label(&buyer, &order, 0, "1").await.unwrap(), first);
    assert_eq!(yard.label(&seller, &order, 0, "2").await.unwrap(), first);
    let other = yard.label(&yard.operator, &order, 1, "3").await.unwrap();
    assert_ne!(other.tracking_number, first.tracking_number);

    let (return_id, [here, elsewhere]) =
        (return_of_refund(order.id, 1), [0, 1].map(|at: usize| order.allocations[at].0));
    let sold = |label: &wire::ReturnLabel, warehouse_id: WarehouseId| SoldLabel {
        tracking_number: label.tracking_number.clone(),
        key: key(return_id, warehouse_id),
        return_to: Some(warehouse_id.to_string()),
    };
    assert_eq!(yard.sold().await, [sold(&first, here), sold(&other, elsewhere)]);
    let mut connection = yard.depot.store.pool().acquire().await.unwrap();
    let history = journal::read(&mut connection, order.id.uuid()).await.unwrap();
    let [.., one, two] = &history[..] else { panic!("{history:?}") };
    let actors = [one, two].map(|record| record.actor.split(':').next().unwrap().to_owned());
    assert_eq!(actors, ["buyer", "operator"]);
    assert!([one, two].iter().all(|record| record.event_type.ends_with(".ReturnLabelBought")));
    yard.depot.assert_books_balance().await;
}

#[tokio::test]
async fn what_was_sold_before_a_crash_is_not_bought_again() {
    let yard = Yard::open().await;
    let order = yard.sent_back("Flat 2").await;
    let (return_id, here) = (return_of_refund(order.id, 1), order.allocations[0].0);
    // The carrier has answered, and whoever asked is gone before anything was noted.
    let bought = buy(&yard.depot.store, Some(&yard.sandbox), (order.id, return_id, here)).await.unwrap();
    assert!(yard.depot.returns(&order).await[0].goods_return.labels.is_empty());
    let buyer = yard.buyer(&order);
    let names: Vec<String> = (0..8).map(|name| name.to_string()).collect();
    let labels = join_all(names.iter().map(|name| yard.label(&buyer, &order, 0, name))).await;
    for label in labels {
        assert_eq!(label.unwrap().tracking_number, bought.tracking_number.as_str());
    }
    assert_eq!(yard.sold().await.len(), 1);
    let history = yard.depot.history(&order).await;
    assert_eq!(history.iter().filter(|name| *name == "ReturnLabelBought").count(), 1);
    // Nor is one asked for that we have: the carrier need not be there.
    let nobody: Option<&Sandbox> = None;
    let known = buy(&yard.depot.store, nobody, (order.id, return_id, here)).await.unwrap();
    assert_eq!(known, bought);
    yard.depot.assert_books_balance().await;
}

#[tokio::test]
async fn a_label_that_cannot_be_had_is_refused_for_a_reason_of_its_own() {
    let yard = Yard::open().await;
    let precondition = |reason: &str| (Code::FailedPrecondition, reason.to_owned());
    let ask = async |order: &Order| reason(&yard.label(&yard.buyer(order), order, 0, "1").await.unwrap_err());

    let not_taken = yard.sent_back("sandbox:no-returns").await;
    assert_eq!(ask(&not_taken).await, precondition("LABEL_REFUSED"));

    // Brought by somebody of whom only the name is known.
    let by_hand = yard.order("Flat 2").await;
    let (parcel_id, _) = yard.depot.dispatch(&by_hand, by_hand.shipments()[0], &[]).await.unwrap();
    yard.depot.deliver(&by_hand, by_hand.shipments()[0], parcel_id).await;
    yard.depot.happen(vec![by_hand.sent_back(1, &[("CUP", 1)])]).await;
    assert_eq!(ask(&by_hand).await, precondition("NO_RETURN_CARRIER"));

    let two_places = yard.sent_to("Flat 2", Order::of(&[("CUP", 2)]).and_elsewhere(&[("POT", 1)])).await;
    yard.bring(&two_places, 1).await;
    yard.depot.happen(vec![two_places.sent_back(1, &[("POT", 1)])]).await;
    assert_eq!(ask(&two_places).await, precondition("NOT_AWAITED_THERE"));

    let received = yard.sent_back("Flat 2").await;
    let return_id = return_of_refund(received.id, 1);
    yard.depot.receive(&received, return_id, &[(Resalable, &[("CUP", 2)])]).await.unwrap();
    assert_eq!(ask(&received).await, precondition("RETURN_COMPLETE"));

    let failed = yard.order("Flat 2").await;
    let (parcel_id, _) = yard.depot.dispatch(&failed, failed.shipments()[0], &[]).await.unwrap();
    yard.depot.fail(&failed, failed.shipments()[0], parcel_id, ParcelFailure::Refused).await;
    assert_eq!(ask(&failed).await, (Code::NotFound, "RETURN_NOT_FOUND".to_owned()));
    let place = (failed.id, return_of_parcel(failed.id, parcel_id), failed.allocations[0].0);
    let refused = buy(&yard.depot.store, Some(&yard.sandbox), place).await.unwrap_err();
    assert_eq!(refused.reason(), "COMES_BACK_BY_ITSELF");

    let good = yard.sent_back("Flat 2").await;
    let place = (good.id, return_of_refund(good.id, 1), good.allocations[0].0);
    let away = Sandbox::new("http://127.0.0.1:1", Duration::from_secs(1)).unwrap();
    assert_eq!(buy(&yard.depot.store, Some(&away), place).await.unwrap_err().reason(), "CARRIER_UNAVAILABLE");
    let nobody: Option<&Sandbox> = None;
    assert_eq!(buy(&yard.depot.store, nobody, place).await.unwrap_err().reason(), "LABEL_REFUSED");
    assert_eq!(yard.sold().await, []);
    yard.depot.assert_books_balance().await;
}

#[tokio::test]
async fn what_is_sent_back_is_followed_whatever_the_order_and_number_in_which_it_is_told() {
    let yard = Yard::open().await;
    for (line, end) in [
        ("Flat 2", wire::ReturnParcelStatus::Arrived),
        ("sandbox:repeated", wire::ReturnParcelStatus::Arrived),
        ("sandbox:shuffled", wire::ReturnParcelStatus::Arrived),
        ("sandbox:return-lost", wire::ReturnParcelStatus::Lost),
        ("sandbox:lost", wire::ReturnParcelStatus::Lost),
    ] {
        let order = yard.sent_back(line).await;
        let label = yard.label(&yard.buyer(&order), &order, 0, &line.replace(' ', "-")).await.unwrap();
        assert_eq!(yard.shown(&order).await, label);
        yard.hand_over_number(&label.tracking_number).await;
        let ended = yard.moved(&order, end).await;
        assert!(ended.move_time.is_some(), "{line}");
        // All three scans are heard before anything is counted; what is repeated comes under one id.
        eventually("every scan", async || {
            let ours = yard.outcomes().await.into_iter().filter(|(id, _)| id.starts_with(&label.tracking_number));
            (ours.filter(|(_, outcome)| outcome.is_some()).count() == 3).then_some(())
        })
        .await;
        assert_eq!(yard.shown(&order).await.status(), end, "{line}");
        let history = yard.depot.history(&order).await;
        let moves = history.iter().filter(|name| *name == "ReturnParcelMoved").count();
        assert!((1..=2).contains(&moves), "{line}: {history:?}");

        // Nothing came back before people say so.
        let [found] = &yard.depot.returns(&order).await[..] else { panic!("one return") };
        assert!(found.goods_return.receipts.is_empty() && found.goods_return.status == ReturnStatus::Open);
        let goods: &[_] = &[(Resalable, &[("CUP", 2)][..])];
        let found = yard.depot.receive(&order, return_of_refund(order.id, 1), goods).await.unwrap();
        assert_eq!(found.goods_return.status, ReturnStatus::Received);
    }
    yard.depot.assert_books_balance().await;
}

#[tokio::test]
async fn a_parcel_on_its_way_back_of_which_nothing_is_told_is_asked_about() {
    let yard = Yard::open().await;
    let order = yard.sent_back("sandbox:silent").await;
    let label = yard.label(&yard.buyer(&order), &order, 0, "1").await.unwrap();
    let silence = Duration::from_mins(1);
    let ask = async || ask_carrier(&yard.depot.store, &yard.sandbox, silence).await.unwrap();
    // It was just bought, and then it was not handed over: the carrier knows nothing.
    assert_eq!(ask().await, 0);
    yard.depot.clock.advance(silence);
    assert_eq!(ask().await, 0);
    assert_eq!(yard.kept(&order).await.status, ReturnParcelStatus::LabelBought);
    yard.hand_over_number(&label.tracking_number).await;
    tokio::time::sleep(PACE * 4).await;
    yard.depot.clock.advance(silence);
    assert_eq!(ask().await, 1);
    assert_eq!(yard.kept(&order).await.status, ReturnParcelStatus::Arrived);
    yard.depot.clock.advance(silence);
    assert_eq!(ask().await, 0);

    // Of what people have, nobody asks any more.
    let received = yard.sent_back("sandbox:silent").await;
    let label = yard.label(&yard.buyer(&received), &received, 0, "2").await.unwrap();
    yard.hand_over_number(&label.tracking_number).await;
    tokio::time::sleep(PACE * 4).await;
    yard.depot.receive(&received, return_of_refund(received.id, 1), &[]).await.unwrap();
    yard.depot.clock.advance(silence);
    assert_eq!(ask().await, 0);
    assert_eq!(yard.kept(&received).await.status, ReturnParcelStatus::LabelBought);
    yard.depot.assert_books_balance().await;
}

#[tokio::test]
async fn a_parcel_that_was_lost_may_turn_up_and_one_that_arrived_is_never_lost() {
    let yard = Yard::open().await;
    let order = yard.sent_back("Flat 2").await;
    let label = yard.label(&yard.buyer(&order), &order, 0, "1").await.unwrap();
    let (number, now) = (&label.tracking_number, yard.now_seconds());
    for (id, kind) in [("1", "lost"), ("2", "in_transit"), ("3", "delivered"), ("4", "lost"), ("5", "refused")] {
        assert_eq!(yard.post(id, &scan(number, kind), &KEY, now).await, StatusCode::NO_CONTENT);
        eventually("what became of it", async || {
            let outcomes = yard.outcomes().await;
            outcomes.iter().any(|(of, outcome)| of == id && outcome.is_some()).then_some(())
        })
        .await;
    }
    let outcomes = yard.outcomes().await;
    let told: Vec<_> = outcomes.iter().map(|(_, outcome)| outcome.as_deref().unwrap()).collect();
    assert_eq!(told, ["taken", "known", "taken", "known", "known"]);
    assert_eq!(yard.kept(&order).await.status, ReturnParcelStatus::Arrived);
    // A scan under somebody else's key moves nothing.
    assert_eq!(yard.post("6", &scan(number, "lost"), &[8; 24], now).await, StatusCode::UNAUTHORIZED);
    assert_eq!(yard.outcomes().await.len(), 5);
    yard.depot.assert_books_balance().await;
}
