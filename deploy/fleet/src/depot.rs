//! Those who send what was bought and take it back, over gRPC: warehouses that hand parcels to a carrier and receive returns, and the
//! office that hears of the carrier and gives money back.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use contracts::access::Role;
use contracts::google::r#type::Money;
use contracts::orders::v1::orders_service_client::OrdersServiceClient;
use contracts::orders::v1::{Order, RefundKind, RequestRefundRequest};
use contracts::payments::v1::RetryRefundRequest;
use contracts::payments::v1::payments_service_client::PaymentsServiceClient;
use contracts::shipping::v1::shipping_service_client::ShippingServiceClient;
use contracts::shipping::v1::{
    DispatchParcelRequest, ListReturnsRequest, ListShipmentsRequest, Parcel, ParcelFailure, ReceiptLine,
    ReceiveReturnRequest, RecordDeliveryRequest, RecordFailureRequest, RecordRemittanceRequest, Return,
    ReturnCondition, Shipment, ShipmentLine,
};
use kernel::Id;
use tonic::transport::Channel;
use tonic::{Request, Status};

use crate::fleet::Fleet;
use crate::shopper::{request_id, with_token};

/// How long the shipments of an order may take to appear once its goods may leave.
const SHIPMENTS_MAX: Duration = Duration::from_secs(40);

/// Units of a SKU that came back, and in what condition.
pub type Came<'a> = (&'a str, i64, ReturnCondition);

/// Names an employee; only to make an id.
enum Employee {}

/// An office of the marketplace.
#[derive(Clone)]
pub struct Depot {
    token: String,
    shipping: ShippingServiceClient<Channel>,
    orders: OrdersServiceClient<Channel>,
    payments: PaymentsServiceClient<Channel>,
}

impl Depot {
    /// Connected at the first call.
    pub fn new(fleet: &Fleet) -> Result<Self> {
        let token = fleet.keys().token(Role::Operator, Id::<Employee>::generate().uuid(), None);
        Ok(Self {
            token,
            shipping: ShippingServiceClient::new(fleet.channel("shipping")?),
            orders: OrdersServiceClient::new(fleet.channel("orders")?),
            payments: PaymentsServiceClient::new(fleet.channel("payments")?),
        })
    }

    fn request<T>(&self, message: T) -> Request<T> {
        with_token(&self.token, message)
    }

    /// The shipments of an order, once its goods may leave.
    pub async fn shipments(&self, order_id: &str) -> Result<Vec<Shipment>> {
        let deadline = Instant::now() + SHIPMENTS_MAX;
        loop {
            let list = ListShipmentsRequest { order_id: order_id.to_owned(), ..ListShipmentsRequest::default() };
            match self.shipping.clone().list_shipments(self.request(list)).await {
                Ok(answer) => {
                    let shipments = answer.into_inner().shipments;
                    if !shipments.is_empty() {
                        return Ok(shipments);
                    }
                }
                Err(status) if is_passing(&status) => {}
                Err(status) => return Err(status).context("ListShipments"),
            }
            ensure!(Instant::now() < deadline, "order {order_id} has no shipments after {} s", SHIPMENTS_MAX.as_secs());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Hands what is named, or everything that is left, to a carrier, and answers the parcel's id. Asked again by the same name, it
    /// is the same parcel.
    pub async fn dispatch(&self, shipment_id: &str, lines: &[(&str, i64)], name: &str) -> Result<String, Status> {
        let line = |(sku, quantity): &(&str, i64)| ShipmentLine { sku: (*sku).to_owned(), quantity: *quantity };
        let dispatch = DispatchParcelRequest {
            request_id: name.to_owned(),
            shipment_id: shipment_id.to_owned(),
            lines: lines.iter().map(line).collect(),
            carrier: "Coastal Couriers".to_owned(),
            tracking_number: name.to_owned(),
        };
        Ok(self.shipping.clone().dispatch_parcel(self.request(dispatch)).await?.into_inner().parcel_id)
    }

    /// Lets everything that is left leave with the sandbox carrier, under a label that is bought for it, and answers the parcel.
    pub async fn dispatch_by_sandbox(&self, shipment_id: &str, name: &str) -> Result<Parcel, Status> {
        let dispatch = DispatchParcelRequest {
            request_id: name.to_owned(),
            shipment_id: shipment_id.to_owned(),
            carrier: "sandbox".to_owned(),
            ..DispatchParcelRequest::default()
        };
        let answer = self.shipping.clone().dispatch_parcel(self.request(dispatch)).await?.into_inner();
        let parcels = answer.shipment.unwrap_or_default().parcels;
        let ours = parcels.into_iter().find(|parcel| parcel.parcel_id == answer.parcel_id);
        ours.ok_or_else(|| Status::internal("the answer lacks the parcel"))
    }

    /// The carrier says that a parcel arrived.
    pub async fn deliver(&self, shipment_id: &str, parcel_id: &str) -> Result<(), Status> {
        let delivery = RecordDeliveryRequest {
            request_id: request_id(),
            shipment_id: shipment_id.to_owned(),
            parcel_id: parcel_id.to_owned(),
        };
        self.shipping.clone().record_delivery(self.request(delivery)).await?;
        Ok(())
    }

    /// The carrier says that a parcel will not arrive.
    pub async fn fail(&self, shipment_id: &str, parcel_id: &str, failure: ParcelFailure) -> Result<(), Status> {
        let failure = RecordFailureRequest {
            request_id: request_id(),
            shipment_id: shipment_id.to_owned(),
            parcel_id: parcel_id.to_owned(),
            failure: failure.into(),
        };
        self.shipping.clone().record_failure(self.request(failure)).await?;
        Ok(())
    }

    /// The returns of an order so far.
    pub async fn returns(&self, order_id: &str) -> Result<Vec<Return>, Status> {
        let list = ListReturnsRequest { order_id: order_id.to_owned() };
        Ok(self.shipping.clone().list_returns(self.request(list)).await?.into_inner().returns)
    }

    /// Takes in what came back, and answers the return after it. Asked again by the same name, it is the same receipt. `complete`: nothing
    /// more is awaited, even if less came than was sent back.
    pub async fn receive(
        &self,
        goods_return: &Return,
        came: &[Came<'_>],
        complete: bool,
        name: &str,
    ) -> Result<Return, Status> {
        let line = |(sku, quantity, condition): &Came<'_>| ReceiptLine {
            sku: (*sku).to_owned(),
            quantity: *quantity,
            condition: (*condition).into(),
        };
        let receive = ReceiveReturnRequest {
            request_id: name.to_owned(),
            order_id: goods_return.order_id.clone(),
            return_id: goods_return.return_id.clone(),
            lines: came.iter().map(line).collect(),
            complete,
        };
        let answer = self.shipping.clone().receive_return(self.request(receive)).await?.into_inner();
        answer.goods_return.ok_or_else(|| Status::internal("no return in the answer"))
    }

    /// Gives an amount back out of goodwill, and answers the order. Asked again by the same name, it is the same refund.
    pub async fn give_goodwill(&self, order_id: &str, amount: &Money, name: &str) -> Result<Order, Status> {
        let goodwill = RequestRefundRequest {
            request_id: name.to_owned(),
            order_id: order_id.to_owned(),
            kind: RefundKind::Goodwill.into(),
            amount: Some(amount.clone()),
            note: "with our apologies".to_owned(),
            ..RequestRefundRequest::default()
        };
        let answer = self.orders.clone().request_refund(self.request(goodwill)).await?.into_inner();
        answer.order.ok_or_else(|| Status::internal("no order in the answer"))
    }

    /// Lets the provider be asked again for a refund that it refused.
    pub async fn retry_refund(&self, order_id: &str, refund_number: i32) -> Result<(), Status> {
        let retry = RetryRefundRequest { request_id: request_id(), order_id: order_id.to_owned(), refund_number };
        self.payments.clone().retry_refund(self.request(retry)).await?;
        Ok(())
    }

    /// The carrier passes on what it collected.
    pub async fn remit(&self, order_id: &str, amount: &Money) -> Result<(), Status> {
        let remittance = RecordRemittanceRequest {
            request_id: request_id(),
            order_id: order_id.to_owned(),
            amount: Some(amount.clone()),
            remittance_reference: "statement 1".to_owned(),
        };
        self.shipping.clone().record_remittance(self.request(remittance)).await?;
        Ok(())
    }
}

/// Nothing is known of the order yet, or the service is away.
fn is_passing(status: &Status) -> bool {
    matches!(status.code(), tonic::Code::NotFound | tonic::Code::Unavailable)
}
