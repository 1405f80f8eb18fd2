//! CreateWarehouse, UpdateWarehouse, ListWarehouses, and who may call at all.

use contracts::access::Role;
use contracts::google::r#type::PostalAddress;
use contracts::inventory::v1::{CreateWarehouseRequest, ListWarehousesRequest, UpdateWarehouseRequest, Warehouse};
use kernel::Id;
use testkit::Tokens;
use tonic::{Code, Request};

use super::{Rpc, invalid, new_id, refusal, refused};

fn warehouse(code: &str, priority: i32) -> CreateWarehouseRequest {
    CreateWarehouseRequest {
        request_id: new_id(),
        seller_id: String::new(),
        code: code.to_owned(),
        name: format!("Warehouse {code}"),
        priority,
        address: None,
    }
}

fn address(postal_code: &str) -> PostalAddress {
    PostalAddress {
        region_code: "DE".to_owned(),
        postal_code: postal_code.to_owned(),
        locality: "Hamburg".to_owned(),
        address_lines: vec!["Am Kai 1".to_owned(), "Tor 3".to_owned()],
        organization: "Kontor".to_owned(),
        ..PostalAddress::default()
    }
}

/// A change of a warehouse that changes nothing yet.
fn change(warehouse_id: &str) -> UpdateWarehouseRequest {
    UpdateWarehouseRequest {
        request_id: new_id(),
        warehouse_id: warehouse_id.to_owned(),
        ..UpdateWarehouseRequest::default()
    }
}

async fn update(rpc: &Rpc, request: UpdateWarehouseRequest) -> Warehouse {
    let answer = rpc.client().update_warehouse(rpc.seller.request(request)).await.unwrap();
    answer.into_inner().warehouse.unwrap()
}

#[tokio::test]
async fn a_warehouse_is_changed_field_by_field_and_what_is_not_set_stays() {
    let rpc = Rpc::open().await;
    let request = CreateWarehouseRequest { address: Some(address("22767")), ..warehouse("MAIN", 7) };
    let opened = rpc.client().create_warehouse(rpc.seller.request(request)).await.unwrap().into_inner();
    let opened = opened.warehouse.unwrap();
    assert_eq!((&opened.address, opened.closed), (&Some(address("22767")), false));
    let id = opened.warehouse_id.clone();
    assert_eq!(update(&rpc, change(&id)).await, opened);

    let renamed = update(&rpc, UpdateWarehouseRequest { name: Some("Harbour".to_owned()), ..change(&id) }).await;
    assert_eq!(renamed, Warehouse { name: "Harbour".to_owned(), ..opened });
    let last = update(&rpc, UpdateWarehouseRequest { priority: Some(1_000), ..change(&id) }).await;
    assert_eq!(last, Warehouse { priority: 1_000, ..renamed });
    let moved = update(&rpc, UpdateWarehouseRequest { address: Some(address("20095")), ..change(&id) }).await;
    assert_eq!(moved, Warehouse { address: Some(address("20095")), ..last });
    let closed = update(&rpc, UpdateWarehouseRequest { closed: Some(true), ..change(&id) }).await;
    assert_eq!(closed, Warehouse { closed: true, ..moved });
    let first = UpdateWarehouseRequest { priority: Some(0), closed: Some(false), ..change(&id) };
    let answer = rpc.client().update_warehouse(rpc.tokens.operator().request(first)).await.unwrap().into_inner();
    let first = answer.warehouse.unwrap();
    assert_eq!(first, Warehouse { priority: 0, closed: false, ..closed });

    let listed = rpc.client().list_warehouses(rpc.seller.request(ListWarehousesRequest::default())).await.unwrap();
    assert_eq!(listed.into_inner().warehouses, [first]);
}

#[tokio::test]
async fn a_repeated_change_is_answered_as_before_and_another_under_its_id_is_refused() {
    let rpc = Rpc::open().await;
    let id = rpc.warehouse("MAIN").await;
    let request = UpdateWarehouseRequest { closed: Some(true), ..change(&id) };
    let first = update(&rpc, request.clone()).await;
    update(&rpc, UpdateWarehouseRequest { closed: Some(false), ..change(&id) }).await;
    assert_eq!(update(&rpc, request.clone()).await, first);
    assert!(!update(&rpc, change(&id)).await.closed);
    let other = UpdateWarehouseRequest { priority: Some(3), ..request };
    let answer = rpc.client().update_warehouse(rpc.seller.request(other)).await;
    assert_eq!(refusal(answer), refused(Code::InvalidArgument, "REQUEST_ID_REUSED", &["request_id"]));
}

#[tokio::test]
async fn a_change_that_cannot_be_made_is_refused_and_changes_nothing() {
    let rpc = Rpc::open().await;
    let id = rpc.warehouse("MAIN").await;
    let before = update(&rpc, change(&id)).await;
    let closing = |id: &str| UpdateWarehouseRequest { closed: Some(true), ..change(id) };
    let not_found = refused(Code::NotFound, "WAREHOUSE_NOT_FOUND", &["warehouse_id"]);
    for (bearer, id) in [(&rpc.seller, &new_id()), (&rpc.other_seller, &id)] {
        assert_eq!(refusal(rpc.client().update_warehouse(bearer.request(closing(id))).await), not_found);
    }
    let all_wrong = UpdateWarehouseRequest {
        request_id: String::new(),
        warehouse_id: "main".to_owned(),
        name: Some(" ".to_owned()),
        priority: Some(-1),
        closed: Some(true),
        address: Some(PostalAddress {
            region_code: "de".to_owned(),
            locality: "two\nlines".to_owned(),
            recipients: vec![String::new()],
            address_lines: vec!["line".to_owned(); 6],
            ..PostalAddress::default()
        }),
    };
    let fields = [
        "request_id",
        "warehouse_id",
        "name",
        "priority",
        "address.region_code",
        "address.locality",
        "address.address_lines",
        "address.recipients[0]",
    ];
    let answer = rpc.client().update_warehouse(rpc.seller.request(all_wrong)).await;
    assert_eq!(refusal(answer), invalid(&fields));
    let of_tomorrow = PostalAddress { revision: 1, ..address("22767") };
    let of_tomorrow = UpdateWarehouseRequest { address: Some(of_tomorrow), ..change(&id) };
    let answer = rpc.client().update_warehouse(rpc.seller.request(of_tomorrow)).await;
    assert_eq!(refusal(answer), invalid(&["address.revision"]));
    let role_missing = refused(Code::PermissionDenied, "ROLE_MISSING", &[]);
    let by_buyer = rpc.tokens.buyer(rpc.seller_id.uuid()).request(closing(&id));
    assert_eq!(refusal(rpc.client().update_warehouse(by_buyer).await), role_missing);
    let token_missing = refused(Code::Unauthenticated, "TOKEN_MISSING", &[]);
    assert_eq!(refusal(rpc.client().update_warehouse(Request::new(closing(&id))).await), token_missing);
    assert_eq!(update(&rpc, change(&id)).await, before);
}

#[tokio::test]
async fn a_seller_opens_warehouses_and_lists_them_by_priority() {
    let rpc = Rpc::open().await;
    let mut codes = Vec::new();
    for (code, priority) in [("LAST", 1_000), ("FIRST", 0), ("A-2", 7)] {
        let answer = rpc.client().create_warehouse(rpc.seller.request(warehouse(code, priority))).await.unwrap();
        let opened = answer.into_inner().warehouse.unwrap();
        assert_eq!((opened.seller_id, opened.priority), (rpc.seller_id.to_string(), priority));
        assert_eq!(opened.name, format!("Warehouse {code}"));
        assert!(opened.create_time.is_some());
    }
    // The seller's own, for the seller and for an operator who names it; the other seller has none.
    let named = ListWarehousesRequest { seller_id: rpc.seller_id.to_string() };
    for request in [
        rpc.seller.request(ListWarehousesRequest::default()),
        rpc.seller.request(named.clone()),
        rpc.tokens.operator().request(named),
    ] {
        let listed = rpc.client().list_warehouses(request).await.unwrap().into_inner().warehouses;
        codes.push(listed.into_iter().map(|warehouse| warehouse.code).collect::<Vec<_>>());
    }
    assert!(codes.iter().all(|codes| codes == &["FIRST", "A-2", "LAST"]), "{codes:?}");
    let listed = rpc.client().list_warehouses(rpc.other_seller.request(ListWarehousesRequest::default())).await;
    assert!(listed.unwrap().into_inner().warehouses.is_empty());
}

#[tokio::test]
async fn an_operator_opens_a_warehouse_for_a_seller_that_they_name() {
    let rpc = Rpc::open().await;
    let operator = rpc.tokens.operator();
    let unnamed = rpc.client().create_warehouse(operator.request(warehouse("MAIN", 0))).await;
    assert_eq!(refusal(unnamed), invalid(&["seller_id"]));
    let named = CreateWarehouseRequest { seller_id: rpc.seller_id.to_string(), ..warehouse("MAIN", 0) };
    let opened = rpc.client().create_warehouse(operator.request(named)).await.unwrap().into_inner();
    assert_eq!(opened.warehouse.unwrap().seller_id, rpc.seller_id.to_string());
}

#[tokio::test]
async fn a_repeated_request_opens_one_warehouse_and_another_under_its_id_is_refused() {
    let rpc = Rpc::open().await;
    let request = warehouse("MAIN", 0);
    let first = rpc.client().create_warehouse(rpc.seller.request(request.clone())).await.unwrap().into_inner();
    let again = rpc.client().create_warehouse(rpc.seller.request(request.clone())).await.unwrap().into_inner();
    assert_eq!(first, again);
    let rows = rpc.rows().await;
    let other = CreateWarehouseRequest { code: "OTHER".to_owned(), ..request };
    let answer = rpc.client().create_warehouse(rpc.seller.request(other)).await;
    assert_eq!(refusal(answer), refused(Code::InvalidArgument, "REQUEST_ID_REUSED", &["request_id"]));
    assert_eq!(rpc.rows().await, rows);
}

#[tokio::test]
async fn a_code_names_one_warehouse_of_a_seller() {
    let rpc = Rpc::open().await;
    rpc.warehouse("MAIN").await;
    let rows = rpc.rows().await;
    let answer = rpc.client().create_warehouse(rpc.seller.request(warehouse("MAIN", 3))).await;
    assert_eq!(refusal(answer), refused(Code::AlreadyExists, "WAREHOUSE_CODE_TAKEN", &["code"]));
    assert_eq!(rpc.rows().await, rows);
    rpc.client().create_warehouse(rpc.other_seller.request(warehouse("MAIN", 3))).await.unwrap();
}

#[tokio::test]
async fn a_seller_has_at_most_a_hundred_warehouses() {
    let rpc = Rpc::open().await;
    rpc.warehouse("MAIN").await;
    sqlx::query(
        "INSERT INTO warehouse SELECT gen_random_uuid(), seller_id, 'N-' || n, name, 1, created_at
         FROM warehouse, generate_series(1, 98) AS n",
    )
    .execute(rpc.store.pool())
    .await
    .unwrap();
    // The last place, and four who want it.
    let mut answers = Vec::new();
    for code in ["W-1", "W-2", "W-3", "W-4"] {
        let (mut client, request) = (rpc.client(), rpc.seller.request(warehouse(code, 0)));
        answers.push(tokio::spawn(async move { client.create_warehouse(request).await }));
    }
    let mut opened = 0;
    for answer in answers {
        match answer.await.unwrap() {
            Ok(_) => opened += 1,
            answer => assert_eq!(refusal(answer), refused(Code::FailedPrecondition, "WAREHOUSE_LIMIT", &[])),
        }
    }
    assert_eq!(opened, 1);
}

#[tokio::test]
async fn every_wrong_field_of_a_warehouse_is_named() {
    let rpc = Rpc::open().await;
    let all_wrong = CreateWarehouseRequest {
        request_id: String::new(),
        seller_id: "seller-1".to_owned(),
        code: "main".to_owned(),
        name: " ".to_owned(),
        priority: -1,
        address: Some(PostalAddress::default()),
    };
    let answer = rpc.client().create_warehouse(rpc.tokens.operator().request(all_wrong)).await;
    assert_eq!(
        refusal(answer),
        invalid(&["request_id", "seller_id", "code", "name", "priority", "address.region_code"])
    );

    let good = warehouse("MAIN", 0);
    for (request, field) in [
        (CreateWarehouseRequest { request_id: "r".repeat(65), ..good.clone() }, "request_id"),
        (CreateWarehouseRequest { code: String::new(), ..good.clone() }, "code"),
        (CreateWarehouseRequest { code: "A".repeat(21), ..good.clone() }, "code"),
        (CreateWarehouseRequest { code: "A_1".to_owned(), ..good.clone() }, "code"),
        (CreateWarehouseRequest { name: "é".repeat(101), ..good.clone() }, "name"),
        (CreateWarehouseRequest { name: "two\nlines".to_owned(), ..good.clone() }, "name"),
        (CreateWarehouseRequest { priority: 1_001, ..good.clone() }, "priority"),
        (CreateWarehouseRequest { priority: i32::MIN, ..good.clone() }, "priority"),
    ] {
        let answer = rpc.client().create_warehouse(rpc.seller.request(request)).await;
        assert_eq!(refusal(answer), invalid(&[field]));
    }
    assert!(rpc.rows().await.iter().all(|rows| *rows == 0));

    let longest = CreateWarehouseRequest { name: "é".repeat(100), ..warehouse(&"A".repeat(20), 1_000) };
    rpc.client().create_warehouse(rpc.seller.request(longest)).await.unwrap();
}

#[tokio::test]
async fn a_seller_acts_for_no_other_seller() {
    let rpc = Rpc::open().await;
    let not_yours = refused(Code::PermissionDenied, "NOT_YOUR_SELLER", &["seller_id"]);
    let seller_id = rpc.other_seller_id.to_string();
    let request = CreateWarehouseRequest { seller_id: seller_id.clone(), ..warehouse("MAIN", 0) };
    assert_eq!(refusal(rpc.client().create_warehouse(rpc.seller.request(request)).await), not_yours);
    let request = ListWarehousesRequest { seller_id };
    assert_eq!(refusal(rpc.client().list_warehouses(rpc.seller.request(request)).await), not_yours);
    let request = ListWarehousesRequest { seller_id: "seller-1".to_owned() };
    assert_eq!(refusal(rpc.client().list_warehouses(rpc.seller.request(request)).await), invalid(&["seller_id"]));
    assert!(rpc.rows().await.iter().all(|rows| *rows == 0));
}

#[tokio::test]
async fn a_caller_without_a_good_token_opens_nothing() {
    let rpc = Rpc::open().await;
    let somebody = Id::<Rpc>::generate().uuid();
    let message = || warehouse("MAIN", 0);
    for (request, code, reason) in [
        (Request::new(message()), Code::Unauthenticated, "TOKEN_MISSING"),
        (rpc.tokens.expired(Role::Seller, somebody).request(message()), Code::Unauthenticated, "TOKEN_EXPIRED"),
        (Tokens::forger().seller(somebody).request(message()), Code::Unauthenticated, "TOKEN_INVALID"),
        (rpc.tokens.buyer(somebody).request(message()), Code::PermissionDenied, "ROLE_MISSING"),
        (rpc.tokens.service().request(message()), Code::PermissionDenied, "ROLE_MISSING"),
    ] {
        assert_eq!(refusal(rpc.client().create_warehouse(request).await), refused(code, reason, &[]));
    }
    assert!(rpc.rows().await.iter().all(|rows| *rows == 0));
}
