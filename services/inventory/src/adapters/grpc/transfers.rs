//! Sending goods from one warehouse to another, receiving them, listing what is on its way.

use chassis::Fields;
use chassis::idempotency::Key;
use chassis::paging::{self, PageSizes};
use contracts::convert::id_from_wire;
use contracts::inventory::v1 as wire;
use kernel::Quantity;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Api, acts_for, check_acts_for, seller_of};
use crate::adapters::events::transfer_to_wire;
use crate::adapters::postgres;
use crate::app::dispatch_transfer::{self, DispatchTransfer};
use crate::app::receive_transfer::{ReceiveTransfer, receive_transfer};
use crate::domain::ids::TransferId;
use crate::domain::transfer::Transfer;

const TRANSFERS_PER_PAGE: PageSizes = PageSizes { default: 20, max: 100 };

pub(super) async fn dispatch(
    api: &Api,
    request: Request<wire::DispatchTransferRequest>,
) -> Result<Response<wire::DispatchTransferResponse>, Status> {
    let caller = chassis::caller(&request);
    let request = request.into_inner();
    let mut fields = Fields::new();
    let key = fields.take(Key::new(&caller, &request.request_id, &request));
    let sku = fields.check("sku", request.sku.parse());
    let from = fields.take(id_from_wire("from_warehouse_id", &request.from_warehouse_id));
    let to = fields.take(id_from_wire("to_warehouse_id", &request.to_warehouse_id));
    let quantity = fields.check("quantity", Quantity::new(request.quantity));
    if from.is_some() && from == to {
        fields.violation("to_warehouse_id", "is the warehouse that they leave");
    }
    let (Some(key), Some(sku), Some(from_warehouse_id), Some(to_warehouse_id), Some(quantity)) =
        (key, sku, from, to, quantity)
    else {
        return Err(chassis::status(fields.refuse()));
    };
    fields.finish().map_err(chassis::status)?;
    // A repeat is answered whatever has become of the warehouses since.
    if let Some(answer) = key.lookup(&api.store).await.map_err(chassis::status)? {
        return Ok(Response::new(answer));
    }
    let command = DispatchTransfer { sku, from_warehouse_id, to_warehouse_id, quantity };
    let may_send = |warehouse: &crate::domain::warehouse::Warehouse| acts_for(&caller, warehouse.seller_id);
    let from = dispatch_transfer::check(&api.store, &command, may_send).await.map_err(chassis::status)?;
    let answer = key.run(&api.store, async |unit| {
        let transfer =
            dispatch_transfer::dispatch_transfer(unit, &api.inventory, &from, command, caller.actor()).await?;
        let transfer = Some(transfer_to_wire(&transfer));
        Ok::<_, crate::app::Error>(wire::DispatchTransferResponse { transfer })
    });
    Ok(Response::new(answer.await.map_err(chassis::status)?))
}

pub(super) async fn receive(
    api: &Api,
    request: Request<wire::ReceiveTransferRequest>,
) -> Result<Response<wire::ReceiveTransferResponse>, Status> {
    let caller = chassis::caller(&request);
    let request = request.into_inner();
    let mut fields = Fields::new();
    let key = fields.take(Key::new(&caller, &request.request_id, &request));
    let transfer_id = fields.take(id_from_wire("transfer_id", &request.transfer_id));
    let quantity = match request.quantity {
        0 if request.complete => None,
        quantity => fields.check("quantity", Quantity::new(quantity)),
    };
    let (Some(key), Some(transfer_id)) = (key, transfer_id) else {
        return Err(chassis::status(fields.refuse()));
    };
    fields.finish().map_err(chassis::status)?;
    let command = ReceiveTransfer { transfer_id, quantity, complete: request.complete };
    let answer = key.run(&api.store, async |unit| {
        let may_receive = |transfer: &Transfer| acts_for(&caller, transfer.seller_id);
        let transfer = receive_transfer(unit, &api.inventory, command, caller.actor(), may_receive).await?;
        let transfer = Some(transfer_to_wire(&transfer));
        Ok::<_, crate::app::Error>(wire::ReceiveTransferResponse { transfer })
    });
    Ok(Response::new(answer.await.map_err(chassis::status)?))
}

pub(super) async fn list(
    api: &Api,
    request: Request<wire::ListTransfersRequest>,
) -> Result<Response<wire::ListTransfersResponse>, Status> {
    let caller = chassis::caller(&request);
    let request = request.into_inner();
    let mut fields = Fields::new();
    let seller_id = fields.take(seller_of(&caller, &request.seller_id));
    let size = fields.take(TRANSFERS_PER_PAGE.size(request.page_size));
    let (Some(seller_id), Some(size)) = (seller_id, size) else {
        return Err(chassis::status(fields.refuse()));
    };
    check_acts_for(&caller, seller_id)?;
    let question = ("transfers", seller_id);
    let before = paging::cursor::<Uuid>(&request.page_token, &question).map_err(chassis::status)?;
    let before = TransferId::from_uuid(before.unwrap_or(Uuid::max()));
    let transfers = postgres::transfer::of_seller(api.store.pool(), seller_id, before, i64::from(size) + 1)
        .await
        .map_err(chassis::status)?;
    let (transfers, next_page_token) = paging::page(transfers, size, &question, |last| last.id.uuid());
    let transfers = transfers.iter().map(transfer_to_wire).collect();
    Ok(Response::new(wire::ListTransfersResponse { transfers, next_page_token }))
}
