//! BuyReturnLabel, as far as no carrier is needed; with one: `carrier/returns.rs`.

use contracts::convert::timestamp_to_wire;
use contracts::shipping::v1::{BuyReturnLabelRequest, Return, ReturnParcelStatus};
use shipping::domain::ids::return_of_refund;
use testkit::Bearer;
use tonic::Code;

use super::{Rpc, invalid, new_id, refusal, refused};

/// The order of [`Rpc::open`], delivered, of which the buyer sends three cups and a pan back.
async fn sent_back() -> Rpc {
    let rpc = Rpc::open().await;
    rpc.deliver_all().await;
    rpc.depot.happen(vec![rpc.order.sent_back(1, &[("CUP", 3), ("PAN", 1)])]).await;
    rpc
}

fn label(rpc: &Rpc) -> BuyReturnLabelRequest {
    BuyReturnLabelRequest {
        request_id: new_id(),
        order_id: rpc.order.id.to_string(),
        return_id: return_of_refund(rpc.order.id, 1).to_string(),
        warehouse_id: rpc.order.allocations[0].0.to_string(),
    }
}

async fn buy(rpc: &Rpc, bearer: &Bearer, request: BuyReturnLabelRequest) -> Return {
    rpc.client().buy_return_label(bearer.request(request)).await.unwrap().into_inner().goods_return.unwrap()
}

async fn refusal_of(rpc: &Rpc, request: BuyReturnLabelRequest) -> (Code, String, Vec<String>) {
    refusal(rpc.client().buy_return_label(rpc.buyer.request(request))).await
}

#[tokio::test]
async fn a_label_that_was_bought_is_shown_to_whoever_may_have_it_without_a_carrier() {
    let rpc = sent_back().await;
    let (return_id, here) = (return_of_refund(rpc.order.id, 1), rpc.order.allocations[0].0);
    let found = rpc.depot.label(&rpc.order, return_id, here).await.unwrap();
    let rows = rpc.rows().await;
    for bearer in [&rpc.buyer, &rpc.seller, &rpc.operator] {
        let shown = buy(&rpc, bearer, label(&rpc)).await;
        let [label] = &shown.labels[..] else { panic!("{shown:?}") };
        let number = found.goods_return.labels[&here].tracking_number.to_string();
        assert_eq!((&label.carrier[..], &label.tracking_number), ("DHL", &number));
        assert_eq!((&label.warehouse_id, label.status()), (&here.to_string(), ReturnParcelStatus::LabelBought));
        let now = timestamp_to_wire(rpc.depot.clock.shown());
        assert_eq!((label.buy_time, label.move_time), (Some(now), None));
    }
    // Three answers are kept, and nothing else changed.
    let after = rpc.rows().await;
    let but_the_answers = |rows: &[i64]| rows[..rows.len() - 1].to_vec();
    assert_eq!((but_the_answers(&after), after[after.len() - 1]), (but_the_answers(&rows), rows[rows.len() - 1] + 3));
    rpc.depot.assert_books_balance().await;
}

#[tokio::test]
async fn a_repeated_request_has_the_same_answer_and_another_under_its_id_is_refused() {
    let rpc = sent_back().await;
    let (return_id, here) = (return_of_refund(rpc.order.id, 1), rpc.order.allocations[0].0);
    rpc.depot.label(&rpc.order, return_id, here).await.unwrap();
    let request = label(&rpc);
    let first = buy(&rpc, &rpc.buyer, request.clone()).await;
    // Whatever has become of it since.
    rpc.depot.receive(&rpc.order, return_id, &[]).await.unwrap();
    let rows = rpc.rows().await;
    assert_eq!(buy(&rpc, &rpc.buyer, request.clone()).await, first);
    let elsewhere = rpc.order.allocations[2].0.to_string();
    let other = BuyReturnLabelRequest { warehouse_id: elsewhere.clone(), ..request };
    let complete = refused(Code::FailedPrecondition, "RETURN_COMPLETE", &[]);
    assert_eq!(refusal_of(&rpc, BuyReturnLabelRequest { request_id: new_id(), ..other.clone() }).await, complete);
    assert_eq!(refusal_of(&rpc, other).await, complete);
    assert_eq!(rpc.rows().await, rows);

    let rpc = sent_back().await;
    let return_id = return_of_refund(rpc.order.id, 1);
    for place in [0, 2] {
        rpc.depot.label(&rpc.order, return_id, rpc.order.allocations[place].0).await.unwrap();
    }
    let request = label(&rpc);
    buy(&rpc, &rpc.buyer, request.clone()).await;
    let other = BuyReturnLabelRequest { warehouse_id: rpc.order.allocations[2].0.to_string(), ..request };
    let reused = refused(Code::InvalidArgument, "REQUEST_ID_REUSED", &["request_id"]);
    assert_eq!(refusal_of(&rpc, other).await, reused);
}

#[tokio::test]
async fn a_label_is_refused_to_whom_the_return_is_none_of_the_business() {
    let rpc = sent_back().await;
    let rows = rpc.rows().await;
    let order_not_found = refused(Code::NotFound, "ORDER_NOT_FOUND", &[]);
    for stranger in rpc.strangers() {
        let request = stranger.request(label(&rpc));
        assert_eq!(refusal(rpc.client().buy_return_label(request)).await, order_not_found);
    }
    let of_nothing = BuyReturnLabelRequest { order_id: new_id(), ..label(&rpc) };
    assert_eq!(refusal_of(&rpc, of_nothing).await, order_not_found);
    let unknown = BuyReturnLabelRequest { return_id: new_id(), ..label(&rpc) };
    assert_eq!(refusal_of(&rpc, unknown).await, refused(Code::NotFound, "RETURN_NOT_FOUND", &[]));
    assert_eq!(rpc.rows().await, rows);
}

#[tokio::test]
async fn every_wrong_field_of_a_wish_for_a_label_is_named() {
    let rpc = sent_back().await;
    let rows = rpc.rows().await;
    let nothing = BuyReturnLabelRequest::default();
    assert_eq!(refusal_of(&rpc, nothing).await, invalid(&["request_id", "order_id", "return_id", "warehouse_id"]));
    for (request, field) in [
        (BuyReturnLabelRequest { request_id: "x".repeat(65), ..label(&rpc) }, "request_id"),
        (BuyReturnLabelRequest { order_id: "17".to_owned(), ..label(&rpc) }, "order_id"),
        (BuyReturnLabelRequest { return_id: "the first".to_owned(), ..label(&rpc) }, "return_id"),
        (BuyReturnLabelRequest { warehouse_id: "' OR true".to_owned(), ..label(&rpc) }, "warehouse_id"),
        (BuyReturnLabelRequest { warehouse_id: String::new(), ..label(&rpc) }, "warehouse_id"),
    ] {
        assert_eq!(refusal_of(&rpc, request).await, invalid(&[field]), "{field}");
    }
    assert_eq!(rpc.rows().await, rows);
}
