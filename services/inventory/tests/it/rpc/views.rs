//! ListSkuAvailability, ListWarehouseStock and ListSellerInventory.

use contracts::inventory::v1::{
    BatchGetAvailabilityRequest, DispatchTransferRequest, ListSellerInventoryRequest, ListSkuAvailabilityRequest,
    ListWarehouseStockRequest, SellerInventoryItem, SkuAvailability, StockFilter, StockSort, UpdateWarehouseRequest,
    WarehouseStock,
};
use contracts::products::v1::{Product, ProductCreated, Variant};
use inventory::domain::fact::{Fact, StockChange, StockChangeKind};
use inventory::read_model::Views;
use messaging::read_model::ReadModels as _;
use prost::Message as _;
use uuid::Uuid;

use super::reservations::{happens, order_for};
use super::*;
use crate::marketplace::sku;

/// The three lists, of which much is asked in the same way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum List {
    Availability,
    Warehouse,
    Inventory,
}

const LISTS: [List; 3] = [List::Availability, List::Warehouse, List::Inventory];

/// What is asked of a list: of the seller's own, or of a warehouse.
#[derive(Clone, Debug, Default)]
struct Asked {
    owner: String,
    filter: i32,
    sku_prefix: String,
    sort: i32,
    page_size: i32,
    page_token: String,
}

/// SKUs and what is available of them, and the token of the next page.
type Page = (Vec<(String, i64)>, String);

async fn ask(rpc: &Rpc, list: List, bearer: &Bearer, asked: Asked) -> Result<Page, Status> {
    let Asked { owner, filter, sku_prefix, sort, page_size, page_token } = asked;
    match list {
        List::Availability => {
            let seller_id = owner;
            let request = ListSkuAvailabilityRequest { seller_id, filter, sku_prefix, sort, page_size, page_token };
            let page = rpc.client().list_sku_availability(bearer.request(request)).await?.into_inner();
            let entries = page.availabilities.into_iter().map(|entry| (entry.sku, entry.available));
            Ok((entries.collect(), page.next_page_token))
        }
        List::Warehouse => {
            let warehouse_id = owner;
            let request = ListWarehouseStockRequest { warehouse_id, filter, sku_prefix, sort, page_size, page_token };
            let page = rpc.client().list_warehouse_stock(bearer.request(request)).await?.into_inner();
            Ok((page.stock.into_iter().map(|entry| (entry.sku, entry.available)).collect(), page.next_page_token))
        }
        List::Inventory => {
            let (seller_id, in_transit) = (owner, false);
            let request =
                ListSellerInventoryRequest { seller_id, filter, sku_prefix, in_transit, sort, page_size, page_token };
            let page = rpc.client().list_seller_inventory(bearer.request(request)).await?.into_inner();
            assert!(page.items.iter().all(|item| item.out_of_stock == (item.available == 0)));
            Ok((page.items.into_iter().map(|entry| (entry.sku, entry.available)).collect(), page.next_page_token))
        }
    }
}

/// The SKUs of a list, page by page.
async fn pages(rpc: &Rpc, list: List, mut asked: Asked) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    loop {
        let (entries, next_page_token) = ask(rpc, list, &rpc.seller, asked.clone()).await.unwrap();
        pages.push(entries.into_iter().map(|(sku, _)| sku).collect());
        if next_page_token.is_empty() {
            return pages;
        }
        asked.page_token = next_page_token;
    }
}

/// The views follow.
async fn viewed(rpc: &Rpc) {
    let all = "SELECT aggregate_id FROM journal UNION SELECT aggregate_id FROM heard_event";
    let all: Vec<Uuid> = sqlx::query_scalar(all).fetch_all(rpc.store.pool()).await.unwrap();
    let mut unit = rpc.store.begin().await.unwrap();
    Views.project(unit.tx(), &[1], &all).await.unwrap();
    unit.commit().await.unwrap();
}

async fn change(rpc: &Rpc, warehouse_id: &str, code: &str, kind: StockChangeKind) {
    let change = StockChange {
        new_stock_item_id: Id::generate(),
        movement_id: Id::generate(),
        warehouse_id: warehouse_id.parse().unwrap(),
        seller_id: rpc.seller_id,
        sku: sku(code),
        kind,
        reason: String::new(),
        actor: "seller:test".to_owned(),
    };
    happens(&rpc.store, Fact::StockChange(change)).await;
}

/// A warehouse with five SKUs, of one of which nothing is left.
async fn stocked(rpc: &Rpc) -> String {
    let main = rpc.warehouse("MAIN").await;
    for (code, units) in [("A-1", 3), ("A-2", 1), ("B-1", 7), ("B-2", 3), ("C-1", 1)] {
        change(rpc, &main, code, StockChangeKind::Adjust(units)).await;
    }
    change(rpc, &main, "A-2", StockChangeKind::Adjust(-1)).await;
    viewed(rpc).await;
    main
}

fn of(list: List, warehouse_id: &str) -> Asked {
    let owner = match list {
        List::Availability | List::Inventory => String::new(),
        List::Warehouse => warehouse_id.to_owned(),
    };
    Asked { owner, ..Asked::default() }
}

#[tokio::test]
async fn lists_go_page_by_page_in_the_order_that_is_asked_for() {
    let rpc = Rpc::open().await;
    let main = stocked(&rpc).await;
    let by_sku = ["A-1", "A-2", "B-1", "B-2", "C-1"].map(str::to_owned);
    let least_first = ["A-2", "C-1", "A-1", "B-2", "B-1"].map(str::to_owned);
    let mut most_first = least_first.clone();
    most_first.reverse();
    for list in LISTS {
        for (sort, expected) in [
            (StockSort::Unspecified, &by_sku),
            (StockSort::Sku, &by_sku),
            (StockSort::AvailableAscending, &least_first),
            (StockSort::AvailableDescending, &most_first),
        ] {
            for page_size in [1, 2, 5] {
                let asked = Asked { sort: sort.into(), page_size, ..of(list, &main) };
                let expected: Vec<_> = expected.chunks(page_size as usize).map(<[_]>::to_vec).collect();
                assert_eq!(pages(&rpc, list, asked).await, expected, "{list:?} {sort:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_list_holds_what_all_filters_let_through() {
    let rpc = Rpc::open().await;
    let main = stocked(&rpc).await;
    for list in LISTS {
        for (filter, sku_prefix, expected) in [
            (StockFilter::Unspecified, "", &["A-1", "A-2", "B-1", "B-2", "C-1"][..]),
            (StockFilter::InStock, "", &["A-1", "B-1", "B-2", "C-1"]),
            (StockFilter::OutOfStock, "", &["A-2"]),
            (StockFilter::Unspecified, "A", &["A-1", "A-2"]),
            (StockFilter::Unspecified, "B-", &["B-1", "B-2"]),
            (StockFilter::Unspecified, "B-2", &["B-2"]),
            (StockFilter::Unspecified, "B-22", &[]),
            (StockFilter::InStock, "A", &["A-1"]),
            (StockFilter::OutOfStock, "B", &[]),
        ] {
            let sku_prefix = sku_prefix.to_owned();
            let asked = Asked { filter: filter.into(), sku_prefix, page_size: 1, ..of(list, &main) };
            for sort in [StockSort::Sku, StockSort::AvailableAscending, StockSort::AvailableDescending] {
                let mut listed = pages(&rpc, list, Asked { sort: sort.into(), ..asked.clone() }).await.concat();
                listed.sort();
                assert_eq!(listed, expected, "{list:?} {sort:?} {asked:?}");
            }
        }
    }
}

#[tokio::test]
async fn lists_tell_what_is_on_hand_promised_on_its_way_and_how_it_is_called() {
    let rpc = Rpc::open().await;
    let (main, second) = (rpc.warehouse("MAIN").await, rpc.warehouse("SECOND").await);
    rpc.add(&main, "CUP", 9).await;
    rpc.add(&second, "CUP", 4).await;
    rpc.add(&second, "POT", 1).await;
    let ((_, two), (committed, three)) = (order_for(&rpc, 2), order_for(&rpc, 3));
    for fact in [two, three, Fact::PaymentAuthorized(committed)] {
        happens(&rpc.store, fact).await;
    }
    let request = DispatchTransferRequest {
        request_id: new_id(),
        sku: "CUP".to_owned(),
        from_warehouse_id: main.clone(),
        to_warehouse_id: second.clone(),
        quantity: 1,
    };
    rpc.client().dispatch_transfer(rpc.seller.request(request)).await.unwrap();
    is_offered(&rpc, "Mug", "CUP").await;
    viewed(&rpc).await;

    let seller_id = rpc.seller_id.to_string();
    let asked = ListSkuAvailabilityRequest::default();
    let listed = rpc.client().list_sku_availability(rpc.seller.request(asked)).await.unwrap().into_inner();
    let (sku, cups) = ("CUP".to_owned(), &listed.availabilities[0]);
    let expected = SkuAvailability {
        seller_id: seller_id.clone(),
        sku: sku.clone(),
        total: 12,
        reserved: 2,
        committed: 3,
        available: 7,
        warehouses: 2,
    };
    assert_eq!((cups, listed.availabilities.len()), (&expected, 2));

    let asked = ListWarehouseStockRequest { warehouse_id: main.clone(), ..Default::default() };
    let listed = rpc.client().list_warehouse_stock(rpc.seller.request(asked)).await.unwrap().into_inner();
    let of_main = WarehouseStock {
        warehouse_id: main,
        sku: sku.clone(),
        total: 8,
        reserved: 2,
        committed: 3,
        available: 3,
        in_transit: 0,
    };
    assert_eq!(listed.stock, [of_main]);
    let asked = ListWarehouseStockRequest { warehouse_id: second.clone(), ..Default::default() };
    let listed = rpc.client().list_warehouse_stock(rpc.seller.request(asked)).await.unwrap().into_inner();
    let of_second = WarehouseStock {
        warehouse_id: second,
        sku: sku.clone(),
        total: 4,
        available: 4,
        in_transit: 1,
        ..WarehouseStock::default()
    };
    assert_eq!((&listed.stock[0], listed.stock.len()), (&of_second, 2));

    for in_transit in [false, true] {
        let asked = ListSellerInventoryRequest { in_transit, ..Default::default() };
        let listed = rpc.client().list_seller_inventory(rpc.seller.request(asked)).await.unwrap().into_inner();
        let expected = SellerInventoryItem {
            seller_id: seller_id.clone(),
            sku: sku.clone(),
            title: "Mug".to_owned(),
            total: 12,
            reserved: 2,
            committed: 3,
            available: 7,
            in_transit: 1,
            warehouses: 2,
            out_of_stock: false,
        };
        assert_eq!((&listed.items[0], listed.items.len()), (&expected, if in_transit { 1 } else { 2 }));
    }
}

/// Products tells of a product of the seller.
async fn is_offered(rpc: &Rpc, title: &str, code: &str) {
    let product = Product {
        seller_id: rpc.seller_id.to_string(),
        title: title.to_owned(),
        variants: vec![Variant { sku: code.to_owned(), ..Variant::default() }],
        ..Product::default()
    };
    sqlx::query(
        "INSERT INTO heard_event (aggregate_id, topic, version, event_id, event_type, payload, occurred_at)
         VALUES ($1, 'tradewind.products.v1', 1, $1, 'tradewind.products.v1.ProductCreated', $2, now())",
    )
    .bind(Id::<Product>::generate().uuid())
    .bind(ProductCreated { product: Some(product) }.encode_to_vec())
    .execute(rpc.store.pool())
    .await
    .unwrap();
}

#[tokio::test]
async fn stock_of_a_warehouse_that_is_closed_is_listed_and_cannot_be_bought() {
    let rpc = Rpc::open().await;
    let main = rpc.warehouse("MAIN").await;
    rpc.add(&main, "CUP", 5).await;
    let request = UpdateWarehouseRequest {
        request_id: new_id(),
        warehouse_id: main.clone(),
        closed: Some(true),
        ..UpdateWarehouseRequest::default()
    };
    rpc.client().update_warehouse(rpc.seller.request(request)).await.unwrap();
    viewed(&rpc).await;
    for list in LISTS {
        let (listed, _) = ask(&rpc, list, &rpc.seller, of(list, &main)).await.unwrap();
        assert_eq!(listed, [("CUP".to_owned(), 5)], "{list:?}");
    }
    let request = tonic::Request::new(BatchGetAvailabilityRequest { skus: vec!["CUP".to_owned()] });
    let answer = rpc.client().batch_get_availability(request).await.unwrap().into_inner();
    assert_eq!(answer.availabilities[0].available, 0);
}

#[tokio::test]
async fn what_is_ahead_of_the_rest_for_a_moment_is_never_shown_as_less_than_nothing() {
    let rpc = Rpc::open().await;
    let main = rpc.warehouse("MAIN").await;
    rpc.add(&main, "CUP", 5).await;
    viewed(&rpc).await;
    sqlx::query("UPDATE seller_inventory_view SET committed = -1, reserved = 7")
        .execute(rpc.store.pool())
        .await
        .unwrap();
    let asked = ListSkuAvailabilityRequest { filter: StockFilter::OutOfStock.into(), ..Default::default() };
    let listed = rpc.client().list_sku_availability(rpc.seller.request(asked)).await.unwrap().into_inner();
    let cups = &listed.availabilities[0];
    assert_eq!((cups.total, cups.reserved, cups.committed, cups.available), (5, 7, 0, 0));
}

#[tokio::test]
async fn each_list_is_for_those_whose_business_it_is() {
    let rpc = Rpc::open().await;
    let main = stocked(&rpc).await;
    let named = |list| {
        let owner = if list == List::Warehouse { main.clone() } else { rpc.seller_id.to_string() };
        Asked { owner, ..Asked::default() }
    };
    let role_missing = || refused(Code::PermissionDenied, "ROLE_MISSING", &[]);
    for list in LISTS {
        for bearer in [&rpc.seller, &rpc.tokens.operator()] {
            assert_eq!(ask(&rpc, list, bearer, named(list)).await.unwrap().0.len(), 5, "{list:?}");
        }
        let strangers_answer = match list {
            List::Availability | List::Inventory => refused(Code::PermissionDenied, "NOT_YOUR_SELLER", &["seller_id"]),
            List::Warehouse => refused(Code::NotFound, "WAREHOUSE_NOT_FOUND", &["warehouse_id"]),
        };
        assert_eq!(refusal(ask(&rpc, list, &rpc.other_seller, named(list)).await), strangers_answer);
        let buyer = rpc.tokens.buyer(rpc.seller_id.uuid());
        assert_eq!(refusal(ask(&rpc, list, &buyer, named(list)).await), role_missing());
        let answer = ask(&rpc, list, &rpc.tokens.service(), named(list)).await;
        match list {
            List::Availability => assert_eq!(answer.unwrap().0.len(), 5),
            List::Warehouse | List::Inventory => assert_eq!(refusal(answer), role_missing()),
        }
    }
    for list in [List::Availability, List::Inventory] {
        assert_eq!(ask(&rpc, list, &rpc.other_seller, Asked::default()).await.unwrap().0, []);
    }
    let unknown = Asked { owner: new_id(), ..Asked::default() };
    let not_found = refused(Code::NotFound, "WAREHOUSE_NOT_FOUND", &["warehouse_id"]);
    assert_eq!(refusal(ask(&rpc, List::Warehouse, &rpc.tokens.operator(), unknown).await), not_found);
}

#[tokio::test]
async fn wrong_questions_are_named_field_by_field() {
    let rpc = Rpc::open().await;
    let main = stocked(&rpc).await;
    let operator = rpc.tokens.operator();
    for list in LISTS {
        let owner = if list == List::Warehouse { "warehouse_id" } else { "seller_id" };
        for malformed in ["", "?"] {
            let asked = Asked { owner: malformed.to_owned(), ..Asked::default() };
            assert_eq!(refusal(ask(&rpc, list, &operator, asked).await), invalid(&[owner]));
        }
        let asked = Asked { filter: 9, sku_prefix: "b".to_owned(), sort: -1, page_size: 101, ..of(list, &main) };
        let all = invalid(&["filter", "sku_prefix", "sort", "page_size"]);
        assert_eq!(refusal(ask(&rpc, list, &rpc.seller, asked).await), all);
        let long = Asked { sku_prefix: "X".repeat(65), ..of(list, &main) };
        assert_eq!(refusal(ask(&rpc, list, &rpc.seller, long).await), invalid(&["sku_prefix"]));

        let (_, token) = ask(&rpc, list, &rpc.seller, Asked { page_size: 2, ..of(list, &main) }).await.unwrap();
        let of_another_question = refused(Code::InvalidArgument, "PAGE_TOKEN_INVALID", &["page_token"]);
        for other in [
            Asked { filter: StockFilter::InStock.into(), ..of(list, &main) },
            Asked { sort: StockSort::AvailableAscending.into(), ..of(list, &main) },
            Asked { sku_prefix: "A".to_owned(), ..of(list, &main) },
        ] {
            let asked = Asked { page_token: token.clone(), ..other };
            assert_eq!(refusal(ask(&rpc, list, &rpc.seller, asked).await), of_another_question);
        }
        if list == List::Availability {
            let filters = ("sku availability", rpc.seller_id, 0, "", 0);
            let page_token = chassis::paging::next_page_token(&(0, "\0"), &filters);
            assert_eq!(
                refusal(ask(&rpc, list, &rpc.seller, Asked { page_token, ..of(list, &main) }).await),
                of_another_question
            );
            let page_token = chassis::paging::next_page_token(&(0, "A-1"), &filters);
            assert!(ask(&rpc, list, &rpc.seller, Asked { page_token, ..of(list, &main) }).await.is_ok());
        }
        if list != List::Warehouse {
            let asked = Asked { page_token: token, ..Asked::default() };
            assert_eq!(refusal(ask(&rpc, list, &rpc.other_seller, asked).await), of_another_question);
        }
    }
}
