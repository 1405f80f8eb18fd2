//! BatchGetReservations, ListHeldReservations and ReleaseReservation: what whoever reconciles asks and heals with.

use contracts::inventory::v1::{
    BatchGetReservationsRequest, ListHeldReservationsRequest, ReleaseReservationRequest, Reservation, ReservationStatus,
};
use inventory::domain::fact::Fact;
use inventory::domain::ids::OrderId;
use kernel::Id;

use super::reservations::{dispatched, happens, order_for, stopped};
use super::*;

impl Rpc {
    async fn batch_get(&self, bearer: &Bearer, order_ids: &[String]) -> Result<Vec<Reservation>, Status> {
        let request = bearer.request(BatchGetReservationsRequest { order_ids: order_ids.to_vec() });
        Ok(self.client().batch_get_reservations(request).await?.into_inner().reservations)
    }

    async fn release(&self, bearer: &Bearer, request_id: &str, order_id: &str) -> Result<Reservation, Status> {
        let (request_id, order_id) = (request_id.to_owned(), order_id.to_owned());
        let request = bearer.request(ReleaseReservationRequest { request_id, order_id });
        Ok(self.client().release_reservation(request).await?.into_inner().reservation.unwrap())
    }

    /// Every reservation that holds stock, and in how many pages of two it came.
    async fn held(&self) -> (Vec<String>, usize) {
        let service = self.tokens.service();
        let mut request = ListHeldReservationsRequest { page_size: 2, page_token: String::new() };
        let (mut held, mut pages) = (Vec::new(), 0);
        loop {
            let page =
                self.client().list_held_reservations(service.request(request.clone())).await.unwrap().into_inner();
            held.extend(page.reservations.into_iter().map(|reservation| reservation.order_id));
            pages += 1;
            if page.next_page_token.is_empty() {
                return (held, pages);
            }
            request.page_token = page.next_page_token;
        }
    }

    /// Orders of one cup each, whose stock is reserved.
    async fn reserved(&self, orders: usize) -> Vec<OrderId> {
        let mut order_ids = Vec::new();
        for _ in 0..orders {
            let (order_id, created) = order_for(self, 1);
            happens(&self.store, created).await;
            order_ids.push(order_id);
        }
        order_ids
    }

    async fn available(&self) -> i64 {
        let request = wire::BatchGetAvailabilityRequest { skus: vec!["CUP".to_owned()] };
        let answer = self.client().batch_get_availability(tonic::Request::new(request)).await.unwrap();
        answer.into_inner().availabilities[0].available
    }
}

#[tokio::test]
async fn many_reservations_are_read_at_once_in_the_order_asked() {
    let rpc = Rpc::open().await;
    let main = rpc.warehouse("MAIN").await;
    rpc.add(&main, "CUP", 1).await;
    let [held, rejected] = rpc.reserved(2).await.try_into().unwrap();
    let (held, rejected) = (held.to_string(), rejected.to_string());
    let asked = [rejected.clone(), new_id(), held.clone(), rejected.clone()];
    for bearer in [rpc.tokens.operator(), rpc.tokens.service()] {
        let found = rpc.batch_get(&bearer, &asked).await.unwrap();
        assert_eq!(found.iter().map(|each| &each.order_id).collect::<Vec<_>>(), [&rejected, &held]);
        let statuses = [found[0].status(), found[1].status()];
        assert_eq!(statuses, [ReservationStatus::Rejected, ReservationStatus::Active]);
    }
}

#[tokio::test]
async fn what_holds_stock_is_listed_oldest_order_first_and_nothing_else_is() {
    let rpc = Rpc::open().await;
    let main = rpc.warehouse("MAIN").await;
    rpc.add(&main, "CUP", 15).await;
    let [active, committed, gone, released] = rpc.reserved(4).await.try_into().unwrap();
    let (two_cups, created) = order_for(&rpc, 2);
    happens(&rpc.store, created).await;
    for order_id in [committed, gone, two_cups] {
        happens(&rpc.store, Fact::PaymentAuthorized(order_id)).await;
    }
    happens(&rpc.store, dispatched(gone, main.parse().unwrap(), 1)).await;
    happens(&rpc.store, dispatched(two_cups, main.parse().unwrap(), 1)).await;
    happens(&rpc.store, Fact::OrderEnded(released)).await;
    // Of three cups each one is stopped, and one or both of the others leave, or none.
    let mut in_part = Vec::new();
    for left in 0..3 {
        let (order_id, created) = order_for(&rpc, 3);
        happens(&rpc.store, created).await;
        happens(&rpc.store, Fact::PaymentAuthorized(order_id)).await;
        happens(&rpc.store, stopped(order_id, main.parse().unwrap(), 1)).await;
        if left > 0 {
            happens(&rpc.store, dispatched(order_id, main.parse().unwrap(), left)).await;
        }
        in_part.push(order_id);
    }
    let [expired] = rpc.reserved(1).await.try_into().unwrap();
    let later = TestClock::at("2026-03-02T09:00:00Z").clock();
    let tomorrow = EventStore::new(SERVICE.name, rpc.store.pool().clone(), later);
    happens(&tomorrow, Fact::ReservationDue(expired)).await;
    let expected = [active, committed, two_cups, in_part[0], in_part[1]].map(|id| id.to_string());
    assert_eq!(rpc.held().await, (expected.to_vec(), 3));
    let sent = rpc.batch_get(&rpc.tokens.service(), &[in_part[2].to_string()]).await.unwrap();
    let units = |allocations: &[wire::Allocation]| allocations.iter().map(|each| each.quantity).sum::<i64>();
    let [sent] = &sent[..] else { panic!("{sent:?}") };
    assert_eq!([&sent.allocations, &sent.dispatched, &sent.released].map(|each| units(each)), [3, 2, 1]);
}

#[tokio::test]
async fn what_is_held_goes_back_on_sale_once_however_often_it_is_released() {
    let rpc = Rpc::open().await;
    let main = rpc.warehouse("MAIN").await;
    rpc.add(&main, "CUP", 5).await;
    let [active, committed] = rpc.reserved(2).await.try_into().unwrap();
    happens(&rpc.store, Fact::PaymentAuthorized(committed)).await;
    assert_eq!(rpc.available().await, 3);
    let service = rpc.tokens.service();
    for order_id in [active, committed] {
        let order = order_id.to_string();
        let answer = rpc.release(&service, &order, &order).await.unwrap();
        assert_eq!(answer.status(), ReservationStatus::Released);
        // The same command, another one, and the fact itself, which was late.
        assert_eq!(rpc.release(&service, &order, &order).await.unwrap(), answer);
        rpc.release(&rpc.tokens.operator(), &new_id(), &order).await.unwrap();
        happens(&rpc.store, Fact::OrderEnded(order_id)).await;
        let mut connection = rpc.store.pool().acquire().await.unwrap();
        let history = messaging::journal::read(&mut connection, order_id.uuid()).await.unwrap();
        assert_eq!(history.iter().filter(|record| record.event_type.ends_with("InventoryReleased")).count(), 1);
        assert!(history.last().unwrap().actor.starts_with("service:"));
    }
    assert_eq!(rpc.available().await, 5);
    assert_eq!(rpc.held().await, (Vec::new(), 1));
}

#[tokio::test]
async fn what_was_never_heard_of_is_not_released_and_is_reserved_later() {
    let rpc = Rpc::open().await;
    let main = rpc.warehouse("MAIN").await;
    rpc.add(&main, "CUP", 1).await;
    let (order_id, created) = order_for(&rpc, 1);
    let not_found = refused(Code::NotFound, "RESERVATION_NOT_FOUND", &["order_id"]);
    assert_eq!(refusal(rpc.release(&rpc.tokens.service(), "1", &order_id.to_string()).await), not_found);
    happens(&rpc.store, created).await;
    assert_eq!(rpc.held().await.0, [order_id.to_string()]);
}

#[tokio::test]
async fn wrong_questions_are_named_and_sellers_are_not_let_in() {
    let rpc = Rpc::open().await;
    let operator = rpc.tokens.operator();
    let too_many: Vec<String> = (0..201).map(|_| new_id()).collect();
    assert_eq!(refusal(rpc.batch_get(&operator, &too_many).await), invalid(&["order_ids"]));
    assert_eq!(refusal(rpc.batch_get(&operator, &[]).await), invalid(&["order_ids"]));
    let malformed = rpc.batch_get(&operator, &["7".to_owned(), new_id(), String::new()]).await;
    assert_eq!(refusal(malformed), invalid(&["order_ids[0]", "order_ids[2]"]));
    assert_eq!(refusal(rpc.release(&operator, "", "7").await), invalid(&["request_id", "order_id"]));
    let question =
        |page_size, page_token: &str| ListHeldReservationsRequest { page_size, page_token: page_token.to_owned() };
    let answer = rpc.client().list_held_reservations(operator.request(question(501, ""))).await;
    assert_eq!(refusal(answer), invalid(&["page_size"]));
    let answer = rpc.client().list_held_reservations(operator.request(question(0, "e30"))).await;
    assert_eq!(refusal(answer), refused(Code::InvalidArgument, "PAGE_TOKEN_INVALID", &["page_token"]));

    let role_missing = refused(Code::PermissionDenied, "ROLE_MISSING", &[]);
    let subject = Id::<Rpc>::generate().uuid();
    for bearer in [rpc.tokens.buyer(subject), rpc.seller.clone()] {
        assert_eq!(refusal(rpc.batch_get(&bearer, &[new_id()]).await), role_missing);
        assert_eq!(refusal(rpc.release(&bearer, "1", &new_id()).await), role_missing);
        let answer = rpc.client().list_held_reservations(bearer.request(question(0, ""))).await;
        assert_eq!(refusal(answer), role_missing);
    }
}
