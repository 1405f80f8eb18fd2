//! ListReturns.

use std::time::Duration;

use contracts::convert::timestamp_to_wire;
use contracts::shipping::v1::{
    ListReturnsRequest, ParcelFailure, ReceivedLine, Return, ReturnCondition, ReturnStatus, ReturnedLine,
};
use shipping::domain::goods_return::ReturnCondition::Damaged;
use shipping::domain::ids::{return_of_parcel, return_of_refund};
use testkit::Bearer;
use tonic::Code;

use super::{Rpc, delivery, failure, invalid, new_id, parcel, refusal, refused};

fn of(order_id: &str) -> ListReturnsRequest {
    ListReturnsRequest { order_id: order_id.to_owned() }
}

async fn list(rpc: &Rpc, bearer: &Bearer) -> Vec<Return> {
    let request = bearer.request(of(&rpc.order.id.to_string()));
    rpc.client().list_returns(request).await.unwrap().into_inner().returns
}

#[tokio::test]
async fn the_returns_of_an_order_are_listed_oldest_first_by_whoever_may_read_them() {
    let rpc = Rpc::open().await;
    assert!(list(&rpc, &rpc.buyer).await.is_empty());
    let cups = rpc.dispatch(parcel(rpc.here(), &[])).await.parcel_id;
    rpc.client().record_delivery(rpc.operator.request(delivery(rpc.here(), &cups))).await.unwrap();
    let pans = rpc.dispatch(parcel(rpc.elsewhere(), &[])).await.parcel_id;
    let refused_at_the_door = failure(rpc.elsewhere(), &pans, ParcelFailure::Refused);
    rpc.client().record_failure(rpc.operator.request(refused_at_the_door)).await.unwrap();
    let first_opened = Some(timestamp_to_wire(rpc.depot.clock.shown()));
    rpc.depot.clock.advance(Duration::from_mins(1));
    rpc.depot.happen(vec![rpc.order.sent_back(3, &[("CUP", 2)])]).await;
    let second_opened = Some(timestamp_to_wire(rpc.depot.clock.shown()));
    rpc.depot.clock.advance(Duration::from_mins(1));
    let by_refund = return_of_refund(rpc.order.id, 3);
    rpc.depot.receive(&rpc.order, by_refund, &[(Damaged, &[("CUP", 1)])]).await.unwrap();

    let [here, elsewhere] = [0, 2].map(|place: usize| rpc.order.allocations[place].0.to_string());
    let returned = |sku: &str, warehouse_id: &str, quantity| {
        let (sku, warehouse_id) = (sku.to_owned(), warehouse_id.to_owned());
        vec![ReturnedLine { sku, warehouse_id, quantity }]
    };
    let of_parcel = Return {
        return_id: return_of_parcel(rpc.order.id, pans.parse().unwrap()).to_string(),
        order_id: rpc.order.id.to_string(),
        refund_number: 0,
        parcel_id: pans,
        status: ReturnStatus::Open.into(),
        lines: returned("PAN", &elsewhere, 2),
        received: Vec::new(),
        create_time: first_opened,
        update_time: first_opened,
        labels: Vec::new(),
    };
    let of_refund = Return {
        return_id: by_refund.to_string(),
        order_id: rpc.order.id.to_string(),
        refund_number: 3,
        parcel_id: String::new(),
        status: ReturnStatus::Open.into(),
        lines: returned("CUP", &here, 2),
        received: vec![ReceivedLine {
            sku: "CUP".to_owned(),
            warehouse_id: here,
            quantity: 1,
            condition: ReturnCondition::Damaged.into(),
        }],
        create_time: second_opened,
        update_time: Some(timestamp_to_wire(rpc.depot.clock.shown())),
        labels: Vec::new(),
    };
    for bearer in [&rpc.buyer, &rpc.seller, &rpc.operator, &rpc.tokens.service()] {
        assert_eq!(list(&rpc, bearer).await, [of_parcel.clone(), of_refund.clone()]);
    }
}

#[tokio::test]
async fn somebody_elses_order_is_not_found_like_one_that_does_not_exist() {
    let rpc = Rpc::open().await;
    let not_found = refused(Code::NotFound, "ORDER_NOT_FOUND", &[]);
    for stranger in rpc.strangers() {
        let request = stranger.request(of(&rpc.order.id.to_string()));
        assert_eq!(refusal(rpc.client().list_returns(request)).await, not_found);
    }
    for bearer in [&rpc.buyer, &rpc.operator] {
        assert_eq!(refusal(rpc.client().list_returns(bearer.request(of(&new_id())))).await, not_found);
    }
    for order_id in ["", "17"] {
        let request = rpc.operator.request(of(order_id));
        assert_eq!(refusal(rpc.client().list_returns(request)).await, invalid(&["order_id"]));
    }
}
