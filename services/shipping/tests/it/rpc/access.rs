//! Who may call what at all.

use contracts::access::Role;
use contracts::shipping::v1::{
    BuyReturnLabelRequest, GetShipmentRequest, ListReturnsRequest, ListShipmentsRequest, ParcelFailure,
    ReceiveReturnRequest, RecordRemittanceRequest,
};
use testkit::Tokens;
use tonic::{Code, Request};

use super::{Rpc, delivery, failure, new_id, parcel, refusal, refused};

#[tokio::test]
async fn nobody_gets_in_without_a_good_token() {
    let rpc = Rpc::open().await;
    let get = || GetShipmentRequest { shipment_id: rpc.here().to_string() };
    let token_missing = refused(Code::Unauthenticated, "TOKEN_MISSING", &[]);
    assert_eq!(refusal(rpc.client().get_shipment(Request::new(get()))).await, token_missing);
    let list = ListShipmentsRequest { order_id: rpc.order.id.to_string(), ..ListShipmentsRequest::default() };
    assert_eq!(refusal(rpc.client().list_shipments(Request::new(list))).await, token_missing);
    assert_eq!(refusal(rpc.client().dispatch_parcel(Request::new(parcel(rpc.here(), &[])))).await, token_missing);
    let arrived = delivery(rpc.here(), &new_id());
    assert_eq!(refusal(rpc.client().record_delivery(Request::new(arrived))).await, token_missing);
    let lost = failure(rpc.here(), &new_id(), ParcelFailure::Lost);
    assert_eq!(refusal(rpc.client().record_failure(Request::new(lost))).await, token_missing);
    let list = ListReturnsRequest { order_id: rpc.order.id.to_string() };
    assert_eq!(refusal(rpc.client().list_returns(Request::new(list))).await, token_missing);
    let label = BuyReturnLabelRequest::default();
    assert_eq!(refusal(rpc.client().buy_return_label(Request::new(label))).await, token_missing);
    let received = ReceiveReturnRequest::default();
    assert_eq!(refusal(rpc.client().receive_return(Request::new(received))).await, token_missing);
    let remitted = RecordRemittanceRequest::default();
    assert_eq!(refusal(rpc.client().record_remittance(Request::new(remitted))).await, token_missing);

    let expired = rpc.tokens.expired(Role::Buyer, rpc.order.buyer_id.uuid()).request(get());
    assert_eq!(refusal(rpc.client().get_shipment(expired)).await, refused(Code::Unauthenticated, "TOKEN_EXPIRED", &[]));
    let forged = Tokens::forger().seller(rpc.order.seller_id.uuid()).request(parcel(rpc.here(), &[]));
    let answer = refusal(rpc.client().dispatch_parcel(forged)).await;
    assert_eq!(answer, refused(Code::Unauthenticated, "TOKEN_INVALID", &[]));
    assert!(rpc.get(rpc.here()).await.parcels.is_empty());
}

#[tokio::test]
async fn parcels_are_sent_and_taken_back_by_sellers_and_what_carriers_do_is_recorded_by_operators() {
    let rpc = Rpc::open().await;
    let rows = rpc.rows().await;
    let role_missing = refused(Code::PermissionDenied, "ROLE_MISSING", &[]);
    let service = rpc.tokens.service();
    for bearer in [&rpc.buyer, &service] {
        let request = bearer.request(parcel(rpc.here(), &[]));
        assert_eq!(refusal(rpc.client().dispatch_parcel(request)).await, role_missing);
        let request = bearer.request(ReceiveReturnRequest::default());
        assert_eq!(refusal(rpc.client().receive_return(request)).await, role_missing);
    }
    // Whoever sends goods back may have a label, and those who help with it; other services do not.
    let label = service.request(BuyReturnLabelRequest::default());
    assert_eq!(refusal(rpc.client().buy_return_label(label)).await, role_missing);
    for bearer in [&rpc.buyer, &rpc.seller, &service] {
        let request = bearer.request(delivery(rpc.here(), &new_id()));
        assert_eq!(refusal(rpc.client().record_delivery(request)).await, role_missing);
        let request = bearer.request(failure(rpc.here(), &new_id(), ParcelFailure::Lost));
        assert_eq!(refusal(rpc.client().record_failure(request)).await, role_missing);
        let request = bearer.request(RecordRemittanceRequest::default());
        assert_eq!(refusal(rpc.client().record_remittance(request)).await, role_missing);
    }
    assert_eq!(rpc.rows().await, rows);
}
