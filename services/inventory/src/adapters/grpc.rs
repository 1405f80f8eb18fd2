//! The RPCs: from the wire to a command or a query, and back.

mod policy;
mod transfers;
mod views;
mod warehouses;

use std::sync::Arc;

use chassis::fields::distinct;
use chassis::grpc::Peer;
use chassis::idempotency::Key;
use chassis::paging::{self, PageSizes};
use chassis::{Caller, Fields, InvalidRequest, Principal, caller, status};
use contracts::convert::{InvalidField, id_from_wire, timestamp_to_wire};
use contracts::inventory::v1 as wire;
use contracts::inventory::v1::inventory_service_server::InventoryService;
use contracts::products::v1::products_service_client::ProductsServiceClient;
use kernel::{Quantity, Sku, Text, Timestamp};
use messaging::EventStore;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::events::{allocations_to_wire, stock_item_to_wire};
use super::postgres;
use crate::Inventory;
use crate::app::change_stock::{self, ChangeStock};
use crate::app::create_warehouse::{CreateWarehouse, create_warehouse};
use crate::app::release_reservation::release_reservation;
use crate::domain::fact::StockChangeKind;
use crate::domain::ids::{MovementId, OrderId, SellerId, WarehouseId};
use crate::domain::reservation::{self, Reservation};
use crate::domain::stock::{Movement, MovementType};
use crate::domain::warehouse::{Priority, Warehouse, WarehouseCode};
use warehouses::{address_from_wire, warehouse_to_wire};

const SKUS_MAX: usize = 200;
const ORDER_IDS_MAX: usize = 200;
const REASON_CHARS_MAX: usize = 200;
const DELTA_MAX: i64 = 1_000_000;
const MOVEMENTS_PER_PAGE: PageSizes = PageSizes { default: 20, max: 100 };
const HELD_PER_PAGE: PageSizes = PageSizes { default: 100, max: 500 };

/// Serves [`InventoryService`].
#[derive(Debug, Clone)]
pub struct Api {
    store: EventStore,
    inventory: Arc<Inventory>,
    products: ProductsServiceClient<Peer>,
}

impl Api {
    /// The RPCs over a store. `products` is asked who offers a SKU.
    pub fn new(store: EventStore, inventory: Arc<Inventory>, products: ProductsServiceClient<Peer>) -> Self {
        Self { store, inventory, products }
    }

    async fn change_stock(&self, caller: &Caller, key: Key, command: ChangeStock) -> Result<wire::StockItem, Status> {
        // The answer is the same for each of these RPCs, and a repeat is spared the question to products.
        if let Some(answer) = key.lookup(&self.store).await.map_err(status)? {
            return Ok(answer);
        }
        let warehouse = change_stock::check(&self.store, &self.products, &command, |warehouse| {
            acts_for(caller, warehouse.seller_id)
        })
        .await
        .map_err(status)?;
        let actor = caller.actor();
        let changed = key.run(&self.store, async |unit| {
            let (item, version) = change_stock::change_stock(unit, &self.inventory, &warehouse, command, actor).await?;
            Ok::<_, crate::app::Error>(stock_item_to_wire(&item, version))
        });
        changed.await.map_err(status)
    }

    /// The warehouse, if the caller may see it.
    async fn warehouse(&self, caller: &Caller, id: WarehouseId) -> Result<Warehouse, Status> {
        let found = postgres::warehouse::find(self.store.pool(), id).await.map_err(status)?;
        found
            .filter(|warehouse| acts_for(caller, warehouse.seller_id))
            .ok_or_else(|| status(crate::app::Error::WarehouseNotFound))
    }
}

#[tonic::async_trait]
impl InventoryService for Api {
    async fn create_warehouse(
        &self,
        request: Request<wire::CreateWarehouseRequest>,
    ) -> Result<Response<wire::CreateWarehouseResponse>, Status> {
        let caller = caller(&request);
        let request = request.into_inner();
        let mut fields = Fields::new();
        let key = fields.take(Key::new(&caller, &request.request_id, &request));
        let seller_id = fields.take(seller_of(&caller, &request.seller_id));
        let code = fields.check("code", WarehouseCode::new(&request.code));
        let name = fields.check("name", Text::new(request.name));
        let priority = fields.check("priority", Priority::new(request.priority));
        let address = request.address.and_then(|address| address_from_wire(&mut fields, address));
        let (Some(key), Some(seller_id), Some(code), Some(name), Some(priority)) =
            (key, seller_id, code, name, priority)
        else {
            return Err(status(fields.refuse()));
        };
        fields.finish().map_err(status)?;
        check_acts_for(&caller, seller_id)?;
        let command = CreateWarehouse { seller_id, code, name, priority, address };
        let answer = key.run(&self.store, async |unit| {
            let warehouse = create_warehouse(unit, command).await?;
            let warehouse = Some(warehouse_to_wire(&warehouse));
            Ok::<_, crate::app::Error>(wire::CreateWarehouseResponse { warehouse })
        });
        Ok(Response::new(answer.await.map_err(status)?))
    }

    async fn list_warehouses(
        &self,
        request: Request<wire::ListWarehousesRequest>,
    ) -> Result<Response<wire::ListWarehousesResponse>, Status> {
        let caller = caller(&request);
        let seller_id = seller_of(&caller, &request.get_ref().seller_id).map_err(invalid)?;
        check_acts_for(&caller, seller_id)?;
        let warehouses = postgres::warehouse::of_seller(self.store.pool(), seller_id).await.map_err(status)?;
        let warehouses = warehouses.iter().map(warehouse_to_wire).collect();
        Ok(Response::new(wire::ListWarehousesResponse { warehouses }))
    }

    async fn add_stock(
        &self,
        request: Request<wire::AddStockRequest>,
    ) -> Result<Response<wire::AddStockResponse>, Status> {
        let caller = caller(&request);
        let request = request.into_inner();
        let mut fields = Fields::new();
        let key = fields.take(Key::new(&caller, &request.request_id, &request));
        let warehouse_id = fields.take(id_from_wire("warehouse_id", &request.warehouse_id));
        let sku = fields.check("sku", request.sku.parse());
        let quantity = fields.check("quantity", Quantity::new(request.quantity));
        let reason = fields.take(reason(request.reason));
        let (Some(key), Some(warehouse_id), Some(sku), Some(quantity), Some(reason)) =
            (key, warehouse_id, sku, quantity, reason)
        else {
            return Err(status(fields.refuse()));
        };
        let command = ChangeStock { warehouse_id, sku, kind: StockChangeKind::Add(quantity), reason };
        let stock_item = Some(self.change_stock(&caller, key, command).await?);
        Ok(Response::new(wire::AddStockResponse { stock_item }))
    }

    async fn adjust_stock(
        &self,
        request: Request<wire::AdjustStockRequest>,
    ) -> Result<Response<wire::AdjustStockResponse>, Status> {
        let caller = caller(&request);
        let request = request.into_inner();
        let mut fields = Fields::new();
        let key = fields.take(Key::new(&caller, &request.request_id, &request));
        let warehouse_id = fields.take(id_from_wire("warehouse_id", &request.warehouse_id));
        let sku = fields.check("sku", request.sku.parse());
        if request.delta == 0 || !(-DELTA_MAX..=DELTA_MAX).contains(&request.delta) {
            fields.violation("delta", "is from -1,000,000 to 1,000,000, and not 0");
        }
        if request.reason.is_empty() {
            fields.violation("reason", "is required: an adjustment is explained");
        }
        let delta = request.delta;
        let reason = fields.take(reason(request.reason));
        let (Some(key), Some(warehouse_id), Some(sku), Some(reason)) = (key, warehouse_id, sku, reason) else {
            return Err(status(fields.refuse()));
        };
        fields.finish().map_err(status)?;
        let command = ChangeStock { warehouse_id, sku, kind: StockChangeKind::Adjust(delta), reason };
        let stock_item = Some(self.change_stock(&caller, key, command).await?);
        Ok(Response::new(wire::AdjustStockResponse { stock_item }))
    }

    async fn write_off_stock(
        &self,
        request: Request<wire::WriteOffStockRequest>,
    ) -> Result<Response<wire::WriteOffStockResponse>, Status> {
        let caller = caller(&request);
        let request = request.into_inner();
        let mut fields = Fields::new();
        let key = fields.take(Key::new(&caller, &request.request_id, &request));
        let warehouse_id = fields.take(id_from_wire("warehouse_id", &request.warehouse_id));
        let sku = fields.check("sku", request.sku.parse());
        let quantity = fields.check("quantity", Quantity::new(request.quantity));
        if request.reason.is_empty() {
            fields.violation("reason", "is required: a loss is explained");
        }
        let reason = fields.take(reason(request.reason));
        let (Some(key), Some(warehouse_id), Some(sku), Some(quantity), Some(reason)) =
            (key, warehouse_id, sku, quantity, reason)
        else {
            return Err(status(fields.refuse()));
        };
        fields.finish().map_err(status)?;
        let command = ChangeStock { warehouse_id, sku, kind: StockChangeKind::WriteOff(quantity), reason };
        let stock_item = Some(self.change_stock(&caller, key, command).await?);
        Ok(Response::new(wire::WriteOffStockResponse { stock_item }))
    }

    async fn update_warehouse(
        &self,
        request: Request<wire::UpdateWarehouseRequest>,
    ) -> Result<Response<wire::UpdateWarehouseResponse>, Status> {
        warehouses::update(self, request).await
    }

    async fn set_stock_policy(
        &self,
        request: Request<wire::SetStockPolicyRequest>,
    ) -> Result<Response<wire::SetStockPolicyResponse>, Status> {
        policy::set(self, request).await
    }

    async fn dispatch_transfer(
        &self,
        request: Request<wire::DispatchTransferRequest>,
    ) -> Result<Response<wire::DispatchTransferResponse>, Status> {
        transfers::dispatch(self, request).await
    }

    async fn receive_transfer(
        &self,
        request: Request<wire::ReceiveTransferRequest>,
    ) -> Result<Response<wire::ReceiveTransferResponse>, Status> {
        transfers::receive(self, request).await
    }

    async fn list_transfers(
        &self,
        request: Request<wire::ListTransfersRequest>,
    ) -> Result<Response<wire::ListTransfersResponse>, Status> {
        transfers::list(self, request).await
    }

    async fn list_sku_availability(
        &self,
        request: Request<wire::ListSkuAvailabilityRequest>,
    ) -> Result<Response<wire::ListSkuAvailabilityResponse>, Status> {
        views::sku_availability(self, request).await
    }

    async fn list_warehouse_stock(
        &self,
        request: Request<wire::ListWarehouseStockRequest>,
    ) -> Result<Response<wire::ListWarehouseStockResponse>, Status> {
        views::warehouse_stock(self, request).await
    }

    async fn list_seller_inventory(
        &self,
        request: Request<wire::ListSellerInventoryRequest>,
    ) -> Result<Response<wire::ListSellerInventoryResponse>, Status> {
        views::seller_inventory(self, request).await
    }

    async fn batch_get_availability(
        &self,
        request: Request<wire::BatchGetAvailabilityRequest>,
    ) -> Result<Response<wire::BatchGetAvailabilityResponse>, Status> {
        let sku = |path: &str, sku: &str| sku.parse::<Sku>().map_err(|error| InvalidField::new(path, error));
        let skus = distinct("skus", &request.into_inner().skus, SKUS_MAX, sku).map_err(status)?;
        let available = postgres::availability(self.store.pool(), &skus).await.map_err(status)?;
        let availability = |sku: &Sku| wire::Availability {
            sku: sku.to_string(),
            available: available.get(sku).map_or(0, |offer| offer.available),
            backorder_available: available.get(sku).map_or(0, |offer| offer.backorder_available),
        };
        let availabilities = skus.iter().map(availability).collect();
        Ok(Response::new(wire::BatchGetAvailabilityResponse { availabilities }))
    }

    async fn list_movements(
        &self,
        request: Request<wire::ListMovementsRequest>,
    ) -> Result<Response<wire::ListMovementsResponse>, Status> {
        let caller = caller(&request);
        let request = request.into_inner();
        let mut fields = Fields::new();
        let warehouse_id = fields.take(id_from_wire("warehouse_id", &request.warehouse_id));
        let sku = fields.check("sku", request.sku.parse::<Sku>());
        let size = fields.take(MOVEMENTS_PER_PAGE.size(request.page_size));
        let (Some(warehouse_id), Some(sku), Some(size)) = (warehouse_id, sku, size) else {
            return Err(status(fields.refuse()));
        };
        let question = ("movements", warehouse_id, &sku);
        let before = paging::cursor::<(i64, Uuid)>(&request.page_token, &question).map_err(status)?;
        let before = before.map(|(micros, id)| (Timestamp::from_unix_micros(micros), MovementId::from_uuid(id)));
        self.warehouse(&caller, warehouse_id).await?;
        let Some((item, _)) = postgres::find_stock_item(self.store.pool(), warehouse_id, &sku).await.map_err(status)?
        else {
            return Err(status(crate::app::Error::SkuUnknown(sku)));
        };
        let movements =
            postgres::movements(self.store.pool(), item.id(), before, i64::from(size) + 1).await.map_err(status)?;
        let (movements, next_page_token) =
            paging::page(movements, size, &question, |(last, at)| (at.unix_micros(), last.id.uuid()));
        let to_wire = |(movement, at): &(Movement, Timestamp)| wire::Movement {
            movement_id: movement.id.to_string(),
            stock_item_id: movement.stock_item_id.to_string(),
            sku: sku.to_string(),
            warehouse_id: warehouse_id.to_string(),
            r#type: movement_type_to_wire(movement.movement_type).into(),
            quantity: movement.quantity,
            reason: movement.reason.clone(),
            actor: movement.actor.clone(),
            create_time: Some(timestamp_to_wire(*at)),
        };
        let movements = movements.iter().map(to_wire).collect();
        Ok(Response::new(wire::ListMovementsResponse { movements, next_page_token }))
    }

    async fn get_reservation(
        &self,
        request: Request<wire::GetReservationRequest>,
    ) -> Result<Response<wire::GetReservationResponse>, Status> {
        let order_id: OrderId = id_from_wire("order_id", &request.get_ref().order_id).map_err(invalid)?;
        let found = postgres::find_reservation(self.store.pool(), order_id).await.map_err(status)?;
        let (reservation, version) = found.ok_or_else(|| status(crate::app::Error::ReservationNotFound))?;
        let reservation = Some(reservation_to_wire(&reservation, version));
        Ok(Response::new(wire::GetReservationResponse { reservation }))
    }

    async fn batch_get_reservations(
        &self,
        request: Request<wire::BatchGetReservationsRequest>,
    ) -> Result<Response<wire::BatchGetReservationsResponse>, Status> {
        let order_ids = request.into_inner().order_ids;
        let order_ids: Vec<OrderId> = distinct("order_ids", &order_ids, ORDER_IDS_MAX, id_from_wire).map_err(status)?;
        let found = postgres::find_reservations(self.store.pool(), &order_ids).await.map_err(status)?;
        let found = order_ids.iter().filter_map(|id| found.get(id));
        let reservations = found.map(|(reservation, version)| reservation_to_wire(reservation, *version)).collect();
        Ok(Response::new(wire::BatchGetReservationsResponse { reservations }))
    }

    async fn list_held_reservations(
        &self,
        request: Request<wire::ListHeldReservationsRequest>,
    ) -> Result<Response<wire::ListHeldReservationsResponse>, Status> {
        let request = request.into_inner();
        let size = HELD_PER_PAGE.size(request.page_size).map_err(invalid)?;
        let question = "held";
        let after = paging::cursor::<Uuid>(&request.page_token, &question).map_err(status)?.unwrap_or(Uuid::nil());
        let after = OrderId::from_uuid(after);
        let held = postgres::held_reservations(self.store.pool(), after, i64::from(size) + 1).await.map_err(status)?;
        let (held, next_page_token) = paging::page(held, size, &question, |(last, _)| last.order_id.uuid());
        let reservations = held.iter().map(|(reservation, version)| reservation_to_wire(reservation, *version));
        Ok(Response::new(wire::ListHeldReservationsResponse { reservations: reservations.collect(), next_page_token }))
    }

    async fn release_reservation(
        &self,
        request: Request<wire::ReleaseReservationRequest>,
    ) -> Result<Response<wire::ReleaseReservationResponse>, Status> {
        let caller = caller(&request);
        let request = request.into_inner();
        let mut fields = Fields::new();
        let key = fields.take(Key::new(&caller, &request.request_id, &request));
        let order_id = fields.take(id_from_wire("order_id", &request.order_id));
        let (Some(key), Some(order_id)) = (key, order_id) else { return Err(status(fields.refuse())) };
        let answer = key.run(&self.store, async |unit| {
            let (reservation, version) = release_reservation(unit, &self.inventory, order_id, caller.actor()).await?;
            let reservation = Some(reservation_to_wire(&reservation, version));
            Ok::<_, crate::app::Error>(wire::ReleaseReservationResponse { reservation })
        });
        Ok(Response::new(answer.await.map_err(status)?))
    }
}

fn invalid(field: InvalidField) -> Status {
    status(InvalidRequest::from(field))
}

/// Whether a seller's stock is the caller's business.
fn acts_for(caller: &Caller, seller_id: SellerId) -> bool {
    caller.principal().is_ok_and(|principal| principal.is_operator() || principal.acts_for_seller(seller_id))
}

fn check_acts_for(caller: &Caller, seller_id: SellerId) -> Result<(), Status> {
    if acts_for(caller, seller_id) { Ok(()) } else { Err(status(crate::app::Error::NotYourSeller)) }
}

/// The seller that a request is about: the one that it names, or else the token's own.
fn seller_of(caller: &Caller, seller_id: &str) -> Result<SellerId, InvalidField> {
    match caller.principal().ok().and_then(Principal::seller_id) {
        Some(own) if seller_id.is_empty() => Ok(own),
        _ => id_from_wire("seller_id", seller_id),
    }
}

fn reason(reason: String) -> Result<String, InvalidField> {
    if reason.chars().count() > REASON_CHARS_MAX || reason.chars().any(char::is_control) {
        return Err(InvalidField::new("reason", format!("is a line of at most {REASON_CHARS_MAX} characters")));
    }
    Ok(reason)
}

fn reservation_to_wire(reservation: &Reservation, version: i64) -> wire::Reservation {
    wire::Reservation {
        order_id: reservation.order_id.to_string(),
        status: reservation_status_to_wire(reservation.status).into(),
        allocations: allocations_to_wire(&reservation.allocations),
        dispatched: allocations_to_wire(&reservation.dispatched()),
        released: allocations_to_wire(&reservation.released()),
        expire_time: reservation.expires_at.map(timestamp_to_wire),
        version,
        wait_until_time: reservation.backorder.as_ref().map(|backorder| timestamp_to_wire(backorder.until)),
    }
}

const fn movement_type_to_wire(movement_type: MovementType) -> wire::MovementType {
    match movement_type {
        MovementType::Add => wire::MovementType::Add,
        MovementType::Remove => wire::MovementType::Remove,
        MovementType::Adjust => wire::MovementType::Adjust,
        MovementType::Return => wire::MovementType::Return,
        MovementType::WriteOff => wire::MovementType::WriteOff,
        MovementType::TransferOut => wire::MovementType::TransferOut,
        MovementType::TransferIn => wire::MovementType::TransferIn,
    }
}

const fn reservation_status_to_wire(status: reservation::Status) -> wire::ReservationStatus {
    match status {
        reservation::Status::Backordered => wire::ReservationStatus::Backordered,
        reservation::Status::Active => wire::ReservationStatus::Active,
        reservation::Status::Committed => wire::ReservationStatus::Committed,
        reservation::Status::Released => wire::ReservationStatus::Released,
        // That a late payment was refused is nothing that a reader of the reservation needs.
        reservation::Status::Expired | reservation::Status::CommitRefused => wire::ReservationStatus::Expired,
        reservation::Status::Rejected => wire::ReservationStatus::Rejected,
        reservation::Status::Tombstone => wire::ReservationStatus::Tombstone,
    }
}
