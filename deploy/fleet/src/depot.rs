//! Those who send what was bought, over gRPC: warehouses that hand parcels to a carrier, and the office that hears of the carrier.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use contracts::access::Role;
use contracts::google::r#type::Money;
use contracts::shipping::v1::shipping_service_client::ShippingServiceClient;
use contracts::shipping::v1::{
    DispatchParcelRequest, ListShipmentsRequest, RecordDeliveryRequest, RecordRemittanceRequest, Shipment, ShipmentLine,
};
use kernel::Id;
use tonic::transport::Channel;
use tonic::{Request, Status};

use crate::fleet::Fleet;
use crate::shopper::{request_id, with_token};

/// How long the shipments of an order may take to appear once its goods may leave.
const SHIPMENTS_MAX: Duration = Duration::from_secs(40);

/// Names an employee; only to make an id.
enum Employee {}

/// An office of the marketplace.
#[derive(Clone)]
pub struct Depot {
    token: String,
    shipping: ShippingServiceClient<Channel>,
}

impl Depot {
    /// Connected at the first call.
    pub fn new(fleet: &Fleet) -> Result<Self> {
        let token = fleet.keys().token(Role::Operator, Id::<Employee>::generate().uuid(), None);
        Ok(Self { token, shipping: ShippingServiceClient::new(fleet.channel("shipping")?) })
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
