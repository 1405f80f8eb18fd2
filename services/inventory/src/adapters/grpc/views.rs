//! Lists of stock, as the views have it: what is asked of them, and what is answered.

use chassis::Fields;
use chassis::paging::{self, PageSizes};
use contracts::convert::{InvalidField, id_from_wire};
use contracts::inventory::v1 as wire;
use kernel::{InvalidSku, Sku};
use serde::Serialize;
use tonic::{Request, Response, Status};

use super::{Api, check_acts_for, seller_of};
use crate::domain::ids::WarehouseId;
use crate::read_model::listing::{Cursor, Question, Sort, Stock};
use crate::read_model::{seller_inventory, sku_availability, warehouse_stock};

const ENTRIES_PER_PAGE: PageSizes = PageSizes { default: 20, max: 100 };

pub(super) async fn sku_availability(
    api: &Api,
    request: Request<wire::ListSkuAvailabilityRequest>,
) -> Result<Response<wire::ListSkuAvailabilityResponse>, Status> {
    let caller = chassis::caller(&request);
    let request = request.into_inner();
    let mut fields = Fields::new();
    let seller_id = fields.take(seller_of(&caller, &request.seller_id));
    let list = asked(&mut fields, request.filter, &request.sku_prefix, request.sort, request.page_size);
    let (Some(seller_id), Some(list)) = (seller_id, list) else { return Err(chassis::status(fields.refuse())) };
    let is_service = caller.principal().is_ok_and(chassis::Principal::is_service);
    if !is_service {
        check_acts_for(&caller, seller_id)?;
    }
    let filters = ("sku availability", seller_id, request.filter, request.sku_prefix, request.sort);
    let after = cursor(&request.page_token, &filters)?;
    let rows = sku_availability::list(api.store.pool(), seller_id, &list.question, after, list.limit());
    let rows = rows.await.map_err(chassis::status)?;
    let (rows, next_page_token) = paging::page(rows, list.size, &filters, sku_availability::Row::cursor);
    let availabilities = rows.iter().map(availability_to_wire).collect();
    Ok(Response::new(wire::ListSkuAvailabilityResponse { availabilities, next_page_token }))
}

pub(super) async fn warehouse_stock(
    api: &Api,
    request: Request<wire::ListWarehouseStockRequest>,
) -> Result<Response<wire::ListWarehouseStockResponse>, Status> {
    let caller = chassis::caller(&request);
    let request = request.into_inner();
    let mut fields = Fields::new();
    let warehouse_id: Option<WarehouseId> = fields.take(id_from_wire("warehouse_id", &request.warehouse_id));
    let list = asked(&mut fields, request.filter, &request.sku_prefix, request.sort, request.page_size);
    let (Some(warehouse_id), Some(list)) = (warehouse_id, list) else { return Err(chassis::status(fields.refuse())) };
    api.warehouse(&caller, warehouse_id).await?;
    let filters = ("warehouse stock", warehouse_id, request.filter, request.sku_prefix, request.sort);
    let after = cursor(&request.page_token, &filters)?;
    let rows = warehouse_stock::list(api.store.pool(), warehouse_id, &list.question, after, list.limit());
    let rows = rows.await.map_err(chassis::status)?;
    let (rows, next_page_token) = paging::page(rows, list.size, &filters, warehouse_stock::Row::cursor);
    let stock = rows.iter().map(stock_to_wire).collect();
    Ok(Response::new(wire::ListWarehouseStockResponse { stock, next_page_token }))
}

pub(super) async fn seller_inventory(
    api: &Api,
    request: Request<wire::ListSellerInventoryRequest>,
) -> Result<Response<wire::ListSellerInventoryResponse>, Status> {
    let caller = chassis::caller(&request);
    let request = request.into_inner();
    let mut fields = Fields::new();
    let seller_id = fields.take(seller_of(&caller, &request.seller_id));
    let list = asked(&mut fields, request.filter, &request.sku_prefix, request.sort, request.page_size);
    let (Some(seller_id), Some(list)) = (seller_id, list) else { return Err(chassis::status(fields.refuse())) };
    check_acts_for(&caller, seller_id)?;
    let in_transit = request.in_transit;
    let filters = ("seller inventory", seller_id, request.filter, request.sku_prefix, request.sort, in_transit);
    let after = cursor(&request.page_token, &filters)?;
    let rows = seller_inventory::list(api.store.pool(), seller_id, &list.question, in_transit, after, list.limit());
    let rows = rows.await.map_err(chassis::status)?;
    let (rows, next_page_token) = paging::page(rows, list.size, &filters, seller_inventory::Row::cursor);
    let items = rows.iter().map(item_to_wire).collect();
    Ok(Response::new(wire::ListSellerInventoryResponse { items, next_page_token }))
}

/// What is asked of a list, and how many entries on a page.
struct Asked {
    question: Question,
    size: u32,
}

impl Asked {
    /// One more than asked for tells whether there is a next page.
    fn limit(&self) -> i64 {
        i64::from(self.size) + 1
    }
}

/// Where the page begins. A token that somebody made up names a SKU, or is none.
fn cursor(page_token: &str, filters: &impl Serialize) -> Result<Option<Cursor>, Status> {
    let cursor: Option<(i64, Sku)> = paging::cursor(page_token, filters).map_err(chassis::status)?;
    Ok(cursor.map(|(available, sku)| (available, sku.to_string())))
}

fn asked(fields: &mut Fields, filter: i32, sku_prefix: &str, sort: i32, page_size: i32) -> Option<Asked> {
    let stock = fields.take(stock_from_wire(filter));
    let sku_prefix = fields.check("sku_prefix", checked_prefix(sku_prefix));
    let sort = fields.take(sort_from_wire(sort));
    let size = fields.take(ENTRIES_PER_PAGE.size(page_size));
    Some(Asked { question: Question { stock: stock?, sku_prefix: sku_prefix?, sort: sort? }, size: size? })
}

/// What a SKU begins with is written as a SKU is; every one begins with nothing.
fn checked_prefix(prefix: &str) -> Result<String, InvalidSku> {
    if prefix.is_empty() { Ok(String::new()) } else { Sku::new(prefix).map(|prefix| prefix.to_string()) }
}

fn stock_from_wire(filter: i32) -> Result<Stock, InvalidField> {
    match wire::StockFilter::try_from(filter) {
        Ok(wire::StockFilter::Unspecified) => Ok(Stock::Any),
        Ok(wire::StockFilter::InStock) => Ok(Stock::In),
        Ok(wire::StockFilter::OutOfStock) => Ok(Stock::Out),
        Err(_) => Err(InvalidField::new("filter", format!("{filter} is no filter"))),
    }
}

fn sort_from_wire(sort: i32) -> Result<Sort, InvalidField> {
    match wire::StockSort::try_from(sort) {
        Ok(wire::StockSort::Unspecified | wire::StockSort::Sku) => Ok(Sort::Sku),
        Ok(wire::StockSort::AvailableAscending) => Ok(Sort::AvailableAscending),
        Ok(wire::StockSort::AvailableDescending) => Ok(Sort::AvailableDescending),
        Err(_) => Err(InvalidField::new("sort", format!("{sort} is no order of a list"))),
    }
}

/// What is told of one stock item comes under several keys, and for a moment one may be ahead of another: that something left, of that it was held.
/// Nobody has less than nothing.
const fn units(figure: i64) -> i64 {
    if figure < 0 { 0 } else { figure }
}

fn availability_to_wire(row: &sku_availability::Row) -> wire::SkuAvailability {
    wire::SkuAvailability {
        seller_id: row.seller_id.to_string(),
        sku: row.sku.clone(),
        total: units(row.figures.total),
        reserved: units(row.figures.reserved),
        committed: units(row.figures.committed),
        available: units(row.available),
        warehouses: row.warehouses,
    }
}

fn stock_to_wire(row: &warehouse_stock::Row) -> wire::WarehouseStock {
    wire::WarehouseStock {
        warehouse_id: row.place.warehouse_id.to_string(),
        sku: row.place.sku.clone(),
        total: units(row.figures.total),
        reserved: units(row.figures.reserved),
        committed: units(row.figures.committed),
        available: units(row.available),
        in_transit: units(row.figures.in_transit),
    }
}

fn item_to_wire(row: &seller_inventory::Row) -> wire::SellerInventoryItem {
    wire::SellerInventoryItem {
        seller_id: row.seller_id.to_string(),
        sku: row.sku.clone(),
        title: row.title.clone(),
        total: units(row.figures.total),
        reserved: units(row.figures.reserved),
        committed: units(row.figures.committed),
        available: units(row.available),
        in_transit: units(row.figures.in_transit),
        warehouses: row.warehouses,
        out_of_stock: row.available <= 0,
    }
}
