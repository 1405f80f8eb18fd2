//! DispatchTransfer, ReceiveTransfer and ListTransfers.

use contracts::inventory::v1::{
    CreateWarehouseRequest, DispatchTransferRequest, ListMovementsRequest, ListTransfersRequest, MovementType,
    ReceiveTransferRequest, Transfer, TransferDispatched, TransferReceived, TransferStatus, UpdateWarehouseRequest,
};
use futures::future::join_all;
use messaging::journal;
use prost::Message as _;
use tonic::{Code, Request, Status};

use super::{Rpc, invalid, new_id, refusal, refused};
use crate::marketplace::short_name;

fn dispatch(from: &str, to: &str, quantity: i64) -> DispatchTransferRequest {
    DispatchTransferRequest {
        request_id: new_id(),
        sku: "CUP".to_owned(),
        from_warehouse_id: from.to_owned(),
        to_warehouse_id: to.to_owned(),
        quantity,
    }
}

fn receipt(transfer: &Transfer, quantity: i64, complete: bool) -> ReceiveTransferRequest {
    ReceiveTransferRequest { request_id: new_id(), transfer_id: transfer.transfer_id.clone(), quantity, complete }
}

async fn send(rpc: &Rpc, from: &str, to: &str, quantity: i64) -> Transfer {
    let request = rpc.seller.request(dispatch(from, to, quantity));
    rpc.client().dispatch_transfer(request).await.unwrap().into_inner().transfer.unwrap()
}

async fn receive(rpc: &Rpc, request: ReceiveTransferRequest) -> Result<Transfer, Status> {
    let answer = rpc.client().receive_transfer(rpc.seller.request(request)).await?;
    Ok(answer.into_inner().transfer.unwrap())
}

/// What is on hand of cups in each warehouse; 0 where there never were any.
async fn totals<const N: usize>(rpc: &Rpc, warehouses: [&str; N]) -> [i64; N] {
    let mut totals = [0; N];
    for (total, id) in totals.iter_mut().zip(warehouses) {
        let query =
            "SELECT coalesce(sum(total), 0)::bigint FROM stock_item WHERE sku = 'CUP' AND warehouse_id = $1::uuid";
        *total = sqlx::query_scalar(query).bind(id).fetch_one(rpc.store.pool()).await.unwrap();
    }
    totals
}

#[tokio::test]
async fn goods_leave_at_once_and_come_in_as_they_arrive_and_what_is_missing_is_lost() {
    let rpc = Rpc::open().await;
    let (main, second) = (rpc.warehouse("MAIN").await, rpc.warehouse("SECOND").await);
    rpc.add(&main, "CUP", 9).await;
    let sent = send(&rpc, &main, &second, 6).await;
    assert_eq!((sent.quantity, sent.received, sent.lost, sent.status()), (6, 0, 0, TransferStatus::InTransit));
    assert_eq!((&sent.from_warehouse_id, &sent.to_warehouse_id, sent.sku.as_str()), (&main, &second, "CUP"));
    assert_eq!(sent.seller_id, rpc.seller_id.to_string());
    assert!(sent.create_time.is_some() && sent.create_time == sent.update_time);
    assert_eq!(totals(&rpc, [&main, &second]).await, [3, 0]);

    let in_part = receive(&rpc, receipt(&sent, 2, false)).await.unwrap();
    assert_eq!((in_part.received, in_part.lost, in_part.status()), (2, 0, TransferStatus::InTransit));
    let whole = receive(&rpc, receipt(&sent, 3, true)).await.unwrap();
    assert_eq!((whole.received, whole.lost, whole.status()), (5, 1, TransferStatus::Received));
    assert_eq!(totals(&rpc, [&main, &second]).await, [3, 5]);

    for (warehouse, expected) in [
        (&main, vec![(MovementType::TransferOut, -6), (MovementType::Add, 9)]),
        (&second, vec![(MovementType::TransferIn, 3), (MovementType::TransferIn, 2)]),
    ] {
        let question = ListMovementsRequest {
            warehouse_id: warehouse.clone(),
            sku: "CUP".to_owned(),
            ..ListMovementsRequest::default()
        };
        let listed = rpc.client().list_movements(rpc.seller.request(question)).await.unwrap().into_inner().movements;
        let movements: Vec<_> = listed.iter().map(|movement| (movement.r#type(), movement.quantity)).collect();
        let is_ours = |reason: &str| reason == format!("transfer {}", sent.transfer_id);
        assert!(listed.iter().filter(|m| m.r#type() != MovementType::Add).all(|m| is_ours(&m.reason)));
        let sorted = |mut movements: Vec<(MovementType, i64)>| {
            movements.sort_by_key(|(_, units)| *units);
            movements
        };
        assert_eq!(sorted(movements), sorted(expected));
    }

    let mut connection = rpc.store.pool().acquire().await.unwrap();
    let history = journal::read(&mut connection, sent.transfer_id.parse().unwrap()).await.unwrap();
    let names: Vec<_> = history.iter().map(|record| short_name(&record.event_type)).collect();
    assert_eq!(names, ["TransferDispatched", "TransferReceived", "TransferReceived"]);
    assert!(history.iter().all(|record| record.aggregate_type == "transfer" && record.actor.starts_with("seller:")));
    let dispatched = TransferDispatched::decode(history[0].payload.as_slice()).unwrap();
    assert_eq!(dispatched.transfer, Some(sent));
    let received = TransferReceived::decode(history[2].payload.as_slice()).unwrap();
    assert_eq!((received.quantity, received.transfer), (3, Some(whole)));
}

#[tokio::test]
async fn a_transfer_is_completed_without_anything_and_by_an_operator_too() {
    let rpc = Rpc::open().await;
    let (main, second) = (rpc.warehouse("MAIN").await, rpc.warehouse("SECOND").await);
    rpc.add(&main, "CUP", 9).await;
    let operator = rpc.tokens.operator();
    let answer = rpc.client().dispatch_transfer(operator.request(dispatch(&main, &second, 2))).await.unwrap();
    let sent = answer.into_inner().transfer.unwrap();
    let answer = rpc.client().receive_transfer(operator.request(receipt(&sent, 0, true))).await.unwrap();
    let lost = answer.into_inner().transfer.unwrap();
    assert_eq!((lost.received, lost.lost, lost.status()), (0, 2, TransferStatus::Received));
    // No stock item was made for what never came.
    let items: i64 = sqlx::query_scalar("SELECT count(*) FROM stock_item").fetch_one(rpc.store.pool()).await.unwrap();
    assert_eq!((totals(&rpc, [&main, &second]).await, items), ([7, 0], 1));
}

#[tokio::test]
async fn a_repeated_request_moves_goods_once_and_another_under_its_id_is_refused() {
    let rpc = Rpc::open().await;
    let (main, second) = (rpc.warehouse("MAIN").await, rpc.warehouse("SECOND").await);
    rpc.add(&main, "CUP", 9).await;
    let reused = refused(Code::InvalidArgument, "REQUEST_ID_REUSED", &["request_id"]);

    let request = dispatch(&main, &second, 6);
    let first = rpc.client().dispatch_transfer(rpc.seller.request(request.clone())).await.unwrap().into_inner();
    let again = rpc.client().dispatch_transfer(rpc.seller.request(request.clone())).await.unwrap().into_inner();
    assert_eq!(first, again);
    let other = DispatchTransferRequest { quantity: 1, ..request };
    assert_eq!(refusal(rpc.client().dispatch_transfer(rpc.seller.request(other)).await), reused);

    let request = receipt(&first.transfer.unwrap(), 2, false);
    let first = receive(&rpc, request.clone()).await.unwrap();
    assert_eq!(receive(&rpc, request.clone()).await.unwrap(), first);
    let other = ReceiveTransferRequest { quantity: 1, ..request };
    assert_eq!(refusal(receive(&rpc, other).await), reused);
    assert_eq!(totals(&rpc, [&main, &second]).await, [3, 2]);
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_for_a_reason_of_its_own() {
    let rpc = Rpc::open().await;
    let (main, second) = (rpc.warehouse("MAIN").await, rpc.warehouse("SECOND").await);
    let request = CreateWarehouseRequest {
        request_id: new_id(),
        code: "THEIRS".to_owned(),
        name: "Theirs".to_owned(),
        ..CreateWarehouseRequest::default()
    };
    let answer = rpc.client().create_warehouse(rpc.other_seller.request(request)).await.unwrap();
    let theirs = answer.into_inner().warehouse.unwrap().warehouse_id;
    rpc.add(&main, "CUP", 5).await;
    let closing = UpdateWarehouseRequest {
        request_id: new_id(),
        warehouse_id: second.clone(),
        closed: Some(true),
        ..Default::default()
    };
    rpc.client().update_warehouse(rpc.seller.request(closing.clone())).await.unwrap();
    let rows = rpc.rows().await;
    let pots = DispatchTransferRequest { sku: "POT".to_owned(), ..dispatch(&main, &second, 1) };
    let not_found = |field| refused(Code::NotFound, "WAREHOUSE_NOT_FOUND", &[field]);
    for (bearer, request, answer) in [
        (&rpc.seller, dispatch(&new_id(), &main, 1), not_found("warehouse_id")),
        (&rpc.seller, dispatch(&theirs, &main, 1), not_found("warehouse_id")),
        (&rpc.other_seller, dispatch(&main, &theirs, 1), not_found("warehouse_id")),
        (&rpc.seller, dispatch(&main, &new_id(), 1), not_found("to_warehouse_id")),
        (&rpc.tokens.operator(), dispatch(&main, &theirs, 1), not_found("to_warehouse_id")),
        (
            &rpc.seller,
            dispatch(&main, &second, 1),
            refused(Code::FailedPrecondition, "WAREHOUSE_CLOSED", &["to_warehouse_id"]),
        ),
        (&rpc.seller, dispatch(&main, &main, 1), invalid(&["to_warehouse_id"])),
        (&rpc.seller, dispatch("", "", 0), invalid(&["from_warehouse_id", "to_warehouse_id", "quantity"])),
        (
            &rpc.tokens.buyer(rpc.seller_id.uuid()),
            dispatch(&main, &second, 1),
            refused(Code::PermissionDenied, "ROLE_MISSING", &[]),
        ),
    ] {
        assert_eq!(refusal(rpc.client().dispatch_transfer(bearer.request(request)).await), answer);
    }
    assert_eq!(rpc.rows().await, rows);

    let opening = UpdateWarehouseRequest { request_id: new_id(), closed: Some(false), ..closing };
    rpc.client().update_warehouse(rpc.seller.request(opening)).await.unwrap();
    let below = refused(Code::FailedPrecondition, "STOCK_BELOW_PROMISED", &[]);
    let too_many = rpc.seller.request(dispatch(&main, &second, 6));
    assert_eq!(refusal(rpc.client().dispatch_transfer(too_many).await), below);
    let unknown = refused(Code::NotFound, "SKU_UNKNOWN", &["sku"]);
    assert_eq!(refusal(rpc.client().dispatch_transfer(rpc.seller.request(pots)).await), unknown);
    assert_eq!(totals(&rpc, [&main, &second]).await, [5, 0]);
}

#[tokio::test]
async fn what_cannot_arrive_is_refused_for_a_reason_of_its_own() {
    let rpc = Rpc::open().await;
    let (main, second) = (rpc.warehouse("MAIN").await, rpc.warehouse("SECOND").await);
    rpc.add(&main, "CUP", 5).await;
    let sent = send(&rpc, &main, &second, 3).await;
    let rows = rpc.rows().await;
    let unknown = Transfer { transfer_id: new_id(), ..sent.clone() };
    let not_found = || refused(Code::NotFound, "TRANSFER_NOT_FOUND", &["transfer_id"]);
    let more = refused(Code::FailedPrecondition, "MORE_THAN_IN_TRANSIT", &[]);
    for (bearer, request, answer) in [
        (&rpc.seller, receipt(&unknown, 1, false), not_found()),
        (&rpc.other_seller, receipt(&sent, 1, false), not_found()),
        (&rpc.seller, receipt(&sent, 4, true), more),
        (&rpc.seller, receipt(&sent, 0, false), invalid(&["quantity"])),
        (&rpc.seller, receipt(&sent, -1, true), invalid(&["quantity"])),
        (&rpc.seller, ReceiveTransferRequest::default(), invalid(&["request_id", "transfer_id", "quantity"])),
        (&rpc.tokens.service(), receipt(&sent, 1, false), refused(Code::PermissionDenied, "ROLE_MISSING", &[])),
    ] {
        assert_eq!(refusal(rpc.client().receive_transfer(bearer.request(request)).await), answer);
    }
    assert_eq!(rpc.rows().await, rows);

    receive(&rpc, receipt(&sent, 3, false)).await.unwrap();
    let over = refused(Code::FailedPrecondition, "TRANSFER_RECEIVED", &[]);
    for (quantity, complete) in [(1, false), (0, true)] {
        assert_eq!(refusal(receive(&rpc, receipt(&sent, quantity, complete)).await), over);
    }
}

#[tokio::test]
async fn of_receipts_at_once_only_those_are_taken_that_are_on_their_way() {
    let rpc = Rpc::open().await;
    let (main, second) = (rpc.warehouse("MAIN").await, rpc.warehouse("SECOND").await);
    rpc.add(&main, "CUP", 9).await;
    let sent = send(&rpc, &main, &second, 9).await;
    let answers = join_all((0..6).map(|_| receive(&rpc, receipt(&sent, 2, false)))).await;
    let taken = answers.iter().filter(|answer| answer.is_ok()).count();
    assert_eq!((taken, totals(&rpc, [&main, &second]).await), (4, [0, 8]));
    let more = refused(Code::FailedPrecondition, "MORE_THAN_IN_TRANSIT", &[]);
    assert!(answers.into_iter().filter(Result::is_err).all(|answer| refusal(answer) == more));
}

#[tokio::test]
async fn transfers_that_cross_each_other_do_not_wait_in_a_circle() {
    let rpc = Rpc::open().await;
    let (main, second) = (rpc.warehouse("MAIN").await, rpc.warehouse("SECOND").await);
    rpc.add(&main, "CUP", 50).await;
    rpc.add(&second, "CUP", 50).await;
    let there_and_back = (0..10).map(async |number| {
        let (from, to) = if number % 2 == 0 { (&main, &second) } else { (&second, &main) };
        let sent = send(&rpc, from, to, 2).await;
        receive(&rpc, receipt(&sent, 2, false)).await.unwrap();
    });
    join_all(there_and_back).await;
    assert_eq!(totals(&rpc, [&main, &second]).await, [50, 50]);
}

fn question(seller_id: &str, page_size: i32, page_token: &str) -> ListTransfersRequest {
    ListTransfersRequest { seller_id: seller_id.to_owned(), page_size, page_token: page_token.to_owned() }
}

#[tokio::test]
async fn transfers_are_listed_newest_first_page_by_page_to_their_seller() {
    let rpc = Rpc::open().await;
    let (main, second) = (rpc.warehouse("MAIN").await, rpc.warehouse("SECOND").await);
    rpc.add(&main, "CUP", 300).await;
    let mut sent = Vec::new();
    for quantity in 1..=23 {
        sent.push(send(&rpc, &main, &second, quantity).await);
    }
    sent.reverse();
    let (mut listed, mut token) = (Vec::new(), String::new());
    for size in [0, 3] {
        let page =
            rpc.client().list_transfers(rpc.seller.request(question("", size, &token))).await.unwrap().into_inner();
        assert_eq!(page.transfers.len(), if size == 0 { 20 } else { 3 });
        listed.extend(page.transfers);
        token = page.next_page_token;
    }
    assert_eq!((listed, token.as_str()), (sent, ""));

    let theirs = rpc.client().list_transfers(rpc.other_seller.request(question("", 0, ""))).await.unwrap();
    assert!(theirs.into_inner().transfers.is_empty());
    let seller_id = rpc.seller_id.to_string();
    let operator = rpc.tokens.operator();
    let named = rpc.client().list_transfers(operator.request(question(&seller_id, 1, ""))).await.unwrap().into_inner();
    assert_eq!(named.transfers.len(), 1);
    let not_yours = refused(Code::PermissionDenied, "NOT_YOUR_SELLER", &["seller_id"]);
    let request = rpc.other_seller.request(question(&seller_id, 0, ""));
    assert_eq!(refusal(rpc.client().list_transfers(request).await), not_yours);
    let of_another = rpc.other_seller.request(question("", 0, &named.next_page_token));
    let not_its_token = refused(Code::InvalidArgument, "PAGE_TOKEN_INVALID", &["page_token"]);
    assert_eq!(refusal(rpc.client().list_transfers(of_another).await), not_its_token);
    let wrong = operator.request(question("", 101, ""));
    assert_eq!(refusal(rpc.client().list_transfers(wrong).await), invalid(&["seller_id", "page_size"]));
    let token_missing = refused(Code::Unauthenticated, "TOKEN_MISSING", &[]);
    assert_eq!(refusal(rpc.client().list_transfers(Request::new(question("", 0, ""))).await), token_missing);
}

/// The second wall, whatever the domain decides.
#[tokio::test]
async fn the_database_refuses_a_transfer_whose_units_do_not_add_up() {
    let rpc = Rpc::open().await;
    let (main, second) = (rpc.warehouse("MAIN").await, rpc.warehouse("SECOND").await);
    rpc.add(&main, "CUP", 5).await;
    let sent = send(&rpc, &main, &second, 5).await;
    for (received, lost, is_refused) in [(6, 0, true), (2, 1, true), (4, 2, true), (2, 0, false), (2, 3, false)] {
        let updated = sqlx::query("UPDATE transfer SET received = $2, lost = $3 WHERE transfer_id = $1::uuid")
            .bind(&sent.transfer_id)
            .bind(i64::from(received))
            .bind(i64::from(lost))
            .execute(rpc.store.pool())
            .await;
        let refused_by = updated.err().and_then(|error| Some(error.as_database_error()?.constraint()?.to_owned()));
        assert_eq!(refused_by.as_deref(), is_refused.then_some("transfer_conserves_units"), "{received} {lost}");
    }
}
