//! Changing warehouses, and what they look like on the wire.

use chassis::Fields;
use chassis::idempotency::Key;
use contracts::convert::{id_from_wire, timestamp_to_wire};
use contracts::google::r#type::PostalAddress;
use contracts::inventory::v1 as wire;
use kernel::Text;
use tonic::{Request, Response, Status};

use super::{Api, acts_for};
use crate::app::update_warehouse::{UpdateWarehouse, update_warehouse};
use crate::domain::address::{Address, AddressText};
use crate::domain::warehouse::{Priority, Warehouse};

pub(super) async fn update(
    api: &Api,
    request: Request<wire::UpdateWarehouseRequest>,
) -> Result<Response<wire::UpdateWarehouseResponse>, Status> {
    let caller = chassis::caller(&request);
    let request = request.into_inner();
    let mut fields = Fields::new();
    let key = fields.take(Key::new(&caller, &request.request_id, &request));
    let warehouse_id = fields.take(id_from_wire("warehouse_id", &request.warehouse_id));
    let name = request.name.and_then(|name| fields.check("name", Text::new(name)));
    let priority = request.priority.and_then(|priority| fields.check("priority", Priority::new(priority)));
    let address = request.address.and_then(|address| address_from_wire(&mut fields, address));
    let (Some(key), Some(warehouse_id)) = (key, warehouse_id) else {
        return Err(chassis::status(fields.refuse()));
    };
    fields.finish().map_err(chassis::status)?;
    let command = UpdateWarehouse { warehouse_id, name, priority, closed: request.closed, address };
    let answer = key.run(&api.store, async |unit| {
        let may_change = |warehouse: &Warehouse| acts_for(&caller, warehouse.seller_id);
        let warehouse = update_warehouse(unit, command, may_change).await?;
        let warehouse = Some(warehouse_to_wire(&warehouse));
        Ok::<_, crate::app::Error>(wire::UpdateWarehouseResponse { warehouse })
    });
    Ok(Response::new(answer.await.map_err(chassis::status)?))
}

pub(super) fn warehouse_to_wire(warehouse: &Warehouse) -> wire::Warehouse {
    wire::Warehouse {
        warehouse_id: warehouse.id.to_string(),
        seller_id: warehouse.seller_id.to_string(),
        code: warehouse.code.as_str().to_owned(),
        name: warehouse.name.as_str().to_owned(),
        priority: warehouse.priority.get(),
        create_time: Some(timestamp_to_wire(warehouse.created_at)),
        closed: warehouse.closed,
        address: warehouse.address.as_ref().map(address_to_wire),
    }
}

fn address_to_wire(address: &Address) -> PostalAddress {
    let text = |text: &Option<AddressText>| text.as_ref().map(ToString::to_string).unwrap_or_default();
    let lines = |lines: &[AddressText]| lines.iter().map(ToString::to_string).collect();
    PostalAddress {
        revision: 0,
        region_code: address.region.to_string(),
        language_code: text(&address.language_code),
        postal_code: text(&address.postal_code),
        sorting_code: text(&address.sorting_code),
        administrative_area: text(&address.administrative_area),
        locality: text(&address.locality),
        sublocality: text(&address.sublocality),
        address_lines: lines(&address.address_lines),
        recipients: lines(&address.recipients),
        organization: text(&address.organization),
    }
}

/// The address, or `None` and a note about each field at fault.
pub(super) fn address_from_wire(fields: &mut Fields, address: PostalAddress) -> Option<Address> {
    if address.revision != 0 {
        fields.violation("address.revision", "must be 0, the latest");
        return None;
    }
    let region = fields.check("address.region_code", address.region_code.parse());
    let mut text = |name: &str, text: String| {
        let given = if text.is_empty() { Ok(None) } else { AddressText::new(text).map(Some) };
        fields.check(&format!("address.{name}"), given)
    };
    let language_code = text("language_code", address.language_code);
    let postal_code = text("postal_code", address.postal_code);
    let sorting_code = text("sorting_code", address.sorting_code);
    let administrative_area = text("administrative_area", address.administrative_area);
    let locality = text("locality", address.locality);
    let sublocality = text("sublocality", address.sublocality);
    let organization = text("organization", address.organization);
    let address_lines = lines(fields, "address.address_lines", address.address_lines);
    let recipients = lines(fields, "address.recipients", address.recipients);
    Some(Address {
        region: region?,
        language_code: language_code?,
        postal_code: postal_code?,
        sorting_code: sorting_code?,
        administrative_area: administrative_area?,
        locality: locality?,
        sublocality: sublocality?,
        address_lines: address_lines?,
        recipients: recipients?,
        organization: organization?,
    })
}

fn lines(fields: &mut Fields, name: &str, lines: Vec<String>) -> Option<Vec<AddressText>> {
    if lines.len() > Address::LINES_MAX {
        fields.violation(name, format!("has at most {} entries, not {}", Address::LINES_MAX, lines.len()));
        return None;
    }
    let line = |(index, line): (usize, String)| fields.check(&format!("{name}[{index}]"), AddressText::new(line));
    let read: Vec<_> = lines.into_iter().enumerate().map(line).collect();
    read.into_iter().collect()
}
