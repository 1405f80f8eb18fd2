//! The second wall: what the database refuses, whatever the domain decides.

use shipping::domain::ids::return_of_refund;
use shipping::domain::parcel::ParcelFailure;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::depot::Depot;
use crate::order::Order;

/// The constraint that a statement runs into; none if it is let through.
async fn refused_by(connection: &mut PgConnection, statement: &'static str, ids: &[Uuid]) -> Option<String> {
    let mut query = sqlx::query(statement);
    for id in ids {
        query = query.bind(id);
    }
    let error = query.execute(connection).await.err()?;
    Some(error.as_database_error()?.constraint()?.to_owned())
}

#[tokio::test]
async fn what_would_move_too_much_or_collect_for_nothing_is_refused() {
    let depot = Depot::closed().await;
    let (prepaid, in_cash) = (Order::of(&[("CUP", 2)]), Order::of(&[("CUP", 2)]).in_cash(100));
    depot.happen(vec![prepaid.asked(), in_cash.asked()]).await;
    let shipment_id = prepaid.shipments()[0];
    let (parcel_id, _) = depot.dispatch(&prepaid, shipment_id, &[("CUP", 1)]).await.unwrap();
    depot.fail(&prepaid, shipment_id, parcel_id, ParcelFailure::Refused).await;
    let ids = [prepaid.id.uuid(), shipment_id.uuid(), in_cash.id.uuid()];

    let mut connection = depot.store.pool().acquire().await.unwrap();
    let walls = [
        (
            "UPDATE shipment_line SET dispatched = dispatched + 2 WHERE shipment_id = $2 AND $1 <> $3",
            "shipment_line_ships_at_most_what_it_holds",
        ),
        (
            "UPDATE shipment_line SET dispatched = -1 WHERE shipment_id = $2 AND $1 <> $3",
            "shipment_line_ships_at_most_what_it_holds",
        ),
        (
            "UPDATE shipment_line SET stopped = stopped + 2 WHERE shipment_id = $2 AND $1 <> $3",
            "shipment_line_ships_at_most_what_it_holds",
        ),
        ("UPDATE shipment_line SET stopped = -1 WHERE shipment_id = $2 AND $1 <> $3", "shipment_line_stopped_check"),
        (
            "UPDATE shipment_line SET taken_back = dispatched + 1 WHERE shipment_id = $2 AND $1 <> $3",
            "shipment_line_takes_back_at_most_what_left",
        ),
        (
            "UPDATE shipment_line SET taken_back = -1 WHERE shipment_id = $2 AND $1 <> $3",
            "shipment_line_takes_back_at_most_what_left",
        ),
        ("UPDATE parcel SET failure = NULL WHERE shipment_id = $2 AND $1 <> $3", "parcel_fails_for_a_reason"),
        ("UPDATE parcel SET delivered_at = now() WHERE shipment_id = $2 AND $1 <> $3", "parcel_arrives_or_fails"),
        (
            "INSERT INTO goods_return
             SELECT $3, order_id, refund_number, parcel_id, awaited, status, created_at, updated_at
             FROM goods_return WHERE order_id = $1 AND $2 <> $3",
            "goods_return_once_for_each",
        ),
        (
            "UPDATE goods_return SET refund_number = 1 WHERE order_id = $1 AND $2 <> $3",
            "goods_return_is_of_a_refund_or_a_parcel",
        ),
        (
            "INSERT INTO shipment SELECT $3, order_id, warehouse_id, seller_id, status, created_at, updated_at
             FROM shipment WHERE shipment_id = $2 AND order_id = $1",
            "shipment_once_per_warehouse",
        ),
        (
            "INSERT INTO parcel SELECT $3, shipment_id, carrier, tracking_number, contents, dispatched_at, delivered_at
             FROM parcel WHERE shipment_id = $2 AND $1 <> $3",
            "parcel_tracking_number_taken",
        ),
        (
            "UPDATE consignment SET remittance_reference = 'R-1' WHERE order_id = $1 AND $2 <> $3",
            "consignment_remits_cash_only",
        ),
        (
            "UPDATE consignment SET remittance_reference = 'R-1', cancellation = 'STOPPED'
             WHERE order_id = $3 AND $1 <> $2",
            "consignment_remits_what_left",
        ),
        (
            "UPDATE consignment SET cash_currency = NULL WHERE order_id = $3 AND $1 <> $2",
            "consignment_cash_has_a_currency",
        ),
        ("UPDATE consignment SET sku_totals = '{}' WHERE order_id = $3 AND $1 <> $2", "consignment_cash_is_for_goods"),
    ];
    for (statement, wall) in walls {
        let constraint = refused_by(&mut connection, statement, &ids).await;
        assert_eq!(constraint.as_deref(), Some(wall), "{statement}");
    }
    depot.assert_books_balance().await;
}

#[tokio::test]
async fn a_label_for_the_way_back_that_is_there_twice_or_contradicts_itself_is_refused() {
    let depot = Depot::closed().await;
    let order = Order::of(&[("CUP", 2)]);
    depot.happen(vec![order.asked()]).await;
    let shipment_id = order.shipments()[0];
    let (parcel_id, _) = depot.dispatch(&order, shipment_id, &[]).await.unwrap();
    depot.deliver(&order, shipment_id, parcel_id).await;
    depot.happen(vec![order.sent_back(1, &[("CUP", 1)])]).await;
    let return_id = return_of_refund(order.id, 1);
    depot.label(&order, return_id, order.allocations[0].0).await.unwrap();
    let ids = [return_id.uuid(), shipment_id.uuid()];

    let mut connection = depot.store.pool().acquire().await.unwrap();
    let walls = [
        (
            "INSERT INTO return_label SELECT return_id, warehouse_id, carrier, 'JD2', bought_at, status, moved_at, is_followed
             FROM return_label WHERE return_id = $1 AND $1 <> $2",
            "return_label_pkey",
        ),
        (
            "INSERT INTO return_label SELECT $2, warehouse_id, carrier, tracking_number, bought_at, status, moved_at, is_followed
             FROM return_label WHERE return_id = $1",
            "return_label_tracking_number_taken",
        ),
        (
            "UPDATE return_label SET status = 'ON_ITS_WAY' WHERE return_id = $1 AND $1 <> $2",
            "return_label_moves_when_it_is_seen",
        ),
        ("UPDATE return_label SET moved_at = now() WHERE return_id = $1 AND $1 <> $2", "return_label_moves_when_it_is_seen"),
        (
            "UPDATE return_label SET status = 'ARRIVED', moved_at = now() WHERE return_id = $1 AND $1 <> $2",
            "return_label_is_followed_to_its_end",
        ),
        (
            "UPDATE return_label SET status = 'EATEN', is_followed = false, moved_at = now() WHERE return_id = $1 AND $1 <> $2",
            "return_label_status_check",
        ),
    ];
    for (statement, wall) in walls {
        let constraint = refused_by(&mut connection, statement, &ids).await;
        assert_eq!(constraint.as_deref(), Some(wall), "{statement}");
    }
    depot.assert_books_balance().await;
}
