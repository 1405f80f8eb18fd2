//! Lists, details and dashboards, as callers read them.

use std::time::Duration;

use contracts::google::r#type::Date;
use contracts::orders::v1::{
    GetOrderDetailRequest, GetSellerDashboardRequest, ListOrdersRequest, OrderCount, OrderDetail, OrderMilestone,
    OrderSort, OrderStatus, OrderSummary, RefundStatus, SellerDashboard,
};
use orders::domain::ids::OrderId;
use testkit::Bearer;
use time::OffsetDateTime;
use tonic::Code;

use super::{Desk, of_buyer, refusal, refused};
use crate::back_office::{Checkout, euro_on_wire};
use crate::others::{authorized, captured, committed};

async fn list(desk: &Desk, bearer: &Bearer, request: &ListOrdersRequest) -> Vec<OrderSummary> {
    desk.client().list_orders(bearer.request(request.clone())).await.unwrap().into_inner().orders
}

/// The ids that a list names, page by page.
async fn ids(desk: &Desk, bearer: &Bearer, mut request: ListOrdersRequest) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    loop {
        let answer = desk.client().list_orders(bearer.request(request.clone())).await.unwrap().into_inner();
        pages.push(answer.orders.into_iter().map(|order| order.order_id).collect());
        if answer.next_page_token.is_empty() {
            return pages;
        }
        request.page_token = answer.next_page_token;
    }
}

/// More orders of the desk's buyer with the desk's seller, oldest first.
async fn more_orders(desk: &Desk, count: usize) -> Vec<OrderId> {
    let mut orders = vec![desk.order_id];
    for _ in 0..count {
        desk.office.clock.advance(Duration::from_secs(1));
        let mut checkout = Checkout::new(1);
        checkout.buyer_id = desk.checkout.buyer_id;
        checkout.seller_ids = desk.checkout.seller_ids.clone();
        desk.office.hear(&[checkout.submitted()]).await;
        orders.push(checkout.order_ids[0]);
    }
    orders
}

fn of_seller(desk: &Desk) -> ListOrdersRequest {
    ListOrdersRequest { seller_id: desk.checkout.seller_ids[0].to_string(), ..ListOrdersRequest::default() }
}

async fn dashboard(desk: &Desk, first_day: Option<Date>, last_day: Option<Date>) -> SellerDashboard {
    let seller_id = desk.checkout.seller_ids[0].to_string();
    let request = GetSellerDashboardRequest { seller_id, first_day, last_day };
    let answer = desk.client().get_seller_dashboard(desk.seller.request(request)).await;
    answer.unwrap().into_inner().dashboard.unwrap()
}

async fn detail(desk: &Desk, bearer: &Bearer) -> OrderDetail {
    let request = GetOrderDetailRequest { order_id: desk.order_id.to_string() };
    desk.client().get_order_detail(bearer.request(request)).await.unwrap().into_inner().order.unwrap()
}

#[tokio::test]
async fn lists_go_page_by_page_in_the_order_that_is_asked_for() {
    let desk = Desk::open().await;
    let orders = more_orders(&desk, 4).await;
    desk.office.new_order().await;
    // Something happens in the oldest.
    desk.office.clock.advance(Duration::from_secs(1));
    desk.office.hear(&[authorized(orders[0]), committed(orders[0])]).await;
    desk.office.viewed(0).await;

    let oldest_first: Vec<_> = orders.iter().map(OrderId::to_string).collect();
    let pages = |ids: &[String]| ids.chunks(2).map(<[_]>::to_vec).collect::<Vec<_>>();
    for (bearer, request) in [(&desk.buyer, of_buyer(desk.checkout.buyer_id)), (&desk.seller, of_seller(&desk))] {
        let sorted = async |sort: OrderSort| {
            ids(&desk, bearer, ListOrdersRequest { page_size: 2, sort: sort.into(), ..request.clone() }).await
        };
        assert_eq!(sorted(OrderSort::CreateTimeAscending).await, pages(&oldest_first));
        let newest_first: Vec<_> = oldest_first.iter().rev().cloned().collect();
        assert_eq!(sorted(OrderSort::Unspecified).await, pages(&newest_first));
        assert_eq!(sorted(OrderSort::CreateTimeDescending).await, pages(&newest_first));
        let mut longest_ago_first = oldest_first.clone();
        longest_ago_first.rotate_left(1);
        assert_eq!(sorted(OrderSort::UpdateTimeAscending).await, pages(&longest_ago_first));
        longest_ago_first.reverse();
        assert_eq!(sorted(OrderSort::UpdateTimeDescending).await, pages(&longest_ago_first));
    }
}

#[tokio::test]
async fn a_list_holds_what_all_filters_let_through() {
    let desk = Desk::open().await;
    let orders = more_orders(&desk, 2).await;
    desk.office.hear(&[authorized(orders[1]), committed(orders[1]), captured(orders[1])]).await;
    desk.office.hear(&[authorized(orders[2]), committed(orders[2]), captured(orders[2])]).await;
    desk.office.request_refund(orders[2]).await.unwrap();
    desk.office.viewed(2).await;

    let created_at = desk.get().await.create_time;
    let through = async |request: ListOrdersRequest| ids(&desk, &desk.seller, request).await.concat();
    let named = |orders: &[OrderId]| orders.iter().map(OrderId::to_string).collect::<Vec<_>>();
    let base = ListOrdersRequest { sort: OrderSort::CreateTimeAscending.into(), ..of_seller(&desk) };
    let paid = vec![OrderStatus::Paid.into()];
    let either = vec![OrderStatus::Created.into(), OrderStatus::Paid.into()];
    for (request, expected) in [
        (base.clone(), &orders[..]),
        (ListOrdersRequest { statuses: paid, ..base.clone() }, &orders[1..]),
        (ListOrdersRequest { statuses: either, ..base.clone() }, &orders[..]),
        (ListOrdersRequest { created_before: created_at, ..base.clone() }, &[]),
        (ListOrdersRequest { created_from: created_at, ..base.clone() }, &orders[..]),
        (ListOrdersRequest { sku: "SPOON".to_owned(), ..base.clone() }, &orders[..]),
        (ListOrdersRequest { sku: "KETTLE".to_owned(), ..base.clone() }, &[]),
        (ListOrdersRequest { awaits_dispatch: true, ..base.clone() }, &orders[1..2]),
        (ListOrdersRequest { has_open_refund: true, ..base.clone() }, &orders[2..]),
    ] {
        assert_eq!(through(request.clone()).await, named(expected), "{request:?}");
    }
    let paid = &list(&desk, &desk.seller, &ListOrdersRequest { awaits_dispatch: true, ..base }).await[0];
    assert_eq!((paid.status(), paid.units, paid.skus.join(" ").as_str()), (OrderStatus::Paid, 3, "MUG-BLUE SPOON"));
    assert_eq!((paid.total.clone(), paid.refunded_amount.clone()), (Some(euro_on_wire(4_060)), Some(euro_on_wire(0))));
    assert_eq!(paid.open_refunds, 0);
}

#[tokio::test]
async fn a_dashboard_counts_orders_and_what_was_sold() {
    let desk = Desk::open().await;
    let orders = more_orders(&desk, 3).await;
    for order_id in &orders[1..3] {
        desk.office.hear(&[authorized(*order_id), committed(*order_id), captured(*order_id)]).await;
    }
    desk.office.request_refund(orders[2]).await.unwrap();
    desk.office.cancel(orders[3]).await.unwrap();
    desk.office.viewed(2).await;

    let seen = dashboard(&desk, None, None).await;
    let count = |status: OrderStatus, count| OrderCount { status: status.into(), count };
    let expected = [count(OrderStatus::Created, 1), count(OrderStatus::Paid, 2), count(OrderStatus::Cancelled, 1)];
    assert_eq!(seen.orders, expected);
    assert_eq!((seen.awaiting_dispatch, seen.open_refunds), (1, 1));
    let [today] = &seen.days[..] else { panic!("one day: {:?}", seen.days) };
    assert_eq!((today.orders, today.units), (2, 6));
    assert_eq!((today.sold.clone(), today.refunded.clone()), (Some(euro_on_wire(8_120)), Some(euro_on_wire(0))));

    let long_ago = Date { year: 2001, month: 2, day: 28 };
    assert_eq!(dashboard(&desk, Some(long_ago), Some(long_ago)).await.days, []);
}

#[tokio::test]
async fn a_dashboard_is_of_one_seller_and_of_days_that_exist() {
    let desk = Desk::open().await;
    let seller_id = desk.checkout.seller_ids[0].to_string();
    let ask = async |bearer: &Bearer, first: Option<(i32, i32, i32)>, last: Option<(i32, i32, i32)>| {
        let date = |(year, month, day)| Date { year, month, day };
        let (seller_id, first_day, last_day) = (seller_id.clone(), first.map(date), last.map(date));
        refusal(desk.client().get_seller_dashboard(bearer.request(GetSellerDashboardRequest {
            seller_id,
            first_day,
            last_day,
        })))
        .await
    };
    for stranger in [&desk.strangers()[1], &desk.buyer] {
        assert_eq!(ask(stranger, None, None).await.0, Code::PermissionDenied);
    }
    let invalid = |field: &str| refused(Code::InvalidArgument, "INVALID_REQUEST", &[field]);
    for (first, last, field) in [
        (Some((2026, 2, 30)), None, "first_day"),
        (None, Some((2026, 13, 1)), "last_day"),
        (None, Some((0, 1, 1)), "last_day"),
        (Some((2026, 3, 2)), Some((2026, 3, 1)), "last_day"),
        (Some((2025, 1, 1)), Some((2026, 1, 2)), "first_day"),
    ] {
        assert_eq!(ask(&desk.seller, first, last).await, invalid(field), "{first:?} to {last:?}");
    }
    let today = OffsetDateTime::from(desk.office.store.now()).date();
    assert_eq!(dashboard(&desk, None, None).await.days.len(), 0, "nothing is sold yet on {today}");
}

#[tokio::test]
async fn a_detail_is_read_by_whoever_may_read_the_order() {
    let desk = Desk::open().await;
    desk.office.hear(&[authorized(desk.order_id), committed(desk.order_id), captured(desk.order_id)]).await;
    desk.office.request_refund(desk.order_id).await.unwrap();
    desk.office.viewed(1).await;
    for bearer in [&desk.buyer, &desk.seller, &desk.tokens.operator()] {
        let seen = detail(&desk, bearer).await;
        let order = desk.get().await;
        assert_eq!((seen.status(), seen.version), (OrderStatus::Paid, order.version));
        assert_eq!((seen.lines, seen.ship_to, seen.total), (order.lines, order.ship_to, order.total));
        assert_eq!((seen.refunds.len(), seen.refunds[0].status()), (1, RefundStatus::Requested));
        assert_eq!(seen.captured_amount, Some(euro_on_wire(4_060)));
        let reached: Vec<_> = seen.milestones.iter().map(OrderMilestone::status).collect();
        assert_eq!(reached, [OrderStatus::Created, OrderStatus::Confirmed, OrderStatus::Paid]);
    }
    let request = GetOrderDetailRequest { order_id: desk.order_id.to_string() };
    for stranger in desk.strangers() {
        let answer = refusal(desk.client().get_order_detail(stranger.request(request.clone()))).await;
        assert_eq!(answer.0, Code::NotFound);
    }
    let malformed = GetOrderDetailRequest { order_id: "?".to_owned() };
    let answer = refusal(desk.client().get_order_detail(desk.buyer.request(malformed))).await;
    assert_eq!(answer, refused(Code::InvalidArgument, "INVALID_REQUEST", &["order_id"]));
}
