//! A payments and an inventory service that answer what a test has them answer, behind real servers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use chassis::auth::Verifier;
use chassis::grpc::Server;
use contracts::convert::{money_to_wire, timestamp_to_wire};
use contracts::inventory::v1::inventory_service_server::{InventoryService, InventoryServiceServer};
use contracts::inventory::v1::{self as inventory, Reservation, ReservationStatus};
use contracts::payments::v1::payments_service_server::{PaymentsService, PaymentsServiceServer};
use contracts::payments::v1::{self as payments, Payment, PaymentStatus};
use futures::future::BoxFuture;
use kernel::Timestamp;
use orders::adapters::peers::Peers;
use orders::domain::ids::OrderId;
use testkit::Tokens;
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::{Request, Response, Status};

use crate::back_office::{BackOffice, euro};

#[derive(Debug, Default)]
struct State {
    payments: BTreeMap<String, Payment>,
    reservations: BTreeMap<String, Reservation>,
    commands: Vec<String>,
    request_ids: BTreeSet<String>,
    refused: BTreeSet<String>,
    largest_batch: usize,
    is_away: bool,
}

#[derive(Clone, Debug, Default)]
struct Shared(Arc<Mutex<State>>);

/// Both services.
pub(super) struct Others {
    shared: Shared,
    payments_url: String,
    inventory_url: String,
    _stop: DropGuard,
}

impl Others {
    pub(super) async fn serve(office: &BackOffice) -> Self {
        let settings = testkit::settings(&office.database, &office.kafka);
        let (shared, stop) = (Shared::default(), CancellationToken::new());
        let bind = async || Server::bind(&settings, Verifier::new(&settings).await.unwrap()).await.unwrap();
        let (payments, inventory) = (bind().await, bind().await);
        let url = |server: &Server| format!("http://{}", server.local_address());
        let (payments_url, inventory_url) = (url(&payments), url(&inventory));
        tokio::spawn(payments.add(PaymentsServiceServer::new(shared.clone())).serve(stop.clone()));
        tokio::spawn(inventory.add(InventoryServiceServer::new(shared.clone())).serve(stop.clone()));
        Self { shared, payments_url, inventory_url, _stop: stop.drop_guard() }
    }

    pub(super) fn peers(&self) -> Peers {
        Peers::new(&self.payments_url, &self.inventory_url, token().parse().unwrap()).unwrap()
    }

    pub(super) fn urls(&self) -> (String, String) {
        (self.payments_url.clone(), self.inventory_url.clone())
    }

    fn state<T>(&self, with: impl FnOnce(&mut State) -> T) -> T {
        with(&mut self.shared.0.lock().unwrap())
    }

    /// Payments says this of an order from now on; amounts in cents. It says so since long ago.
    pub(super) fn pays(&self, order_id: OrderId, status: PaymentStatus, captured: i64, refunded: i64) {
        let payment = Payment {
            order_id: order_id.to_string(),
            status: status.into(),
            captured_amount: Some(money_to_wire(euro(captured))),
            refunded_amount: Some(money_to_wire(euro(refunded))),
            update_time: Some(timestamp_to_wire(Timestamp::from_unix_micros(0))),
            ..Payment::default()
        };
        self.state(|state| state.payments.insert(order_id.to_string(), payment));
    }

    /// Inventory says this of an order's three units from now on.
    pub(super) fn holds(&self, order_id: OrderId, status: ReservationStatus) {
        let allocations = vec![inventory::Allocation { quantity: 3, ..inventory::Allocation::default() }];
        let (order_id, status) = (order_id.to_string(), status.into());
        let reservation = Reservation { order_id, status, allocations, ..Reservation::default() };
        self.state(|state| state.reservations.insert(reservation.order_id.clone(), reservation));
    }

    /// An order's units have all left.
    pub(super) fn has_sent(&self, order_id: OrderId) {
        self.holds(order_id, ReservationStatus::Committed);
        self.state(|state| {
            let reservation = state.reservations.get_mut(&order_id.to_string()).unwrap();
            reservation.dispatched = reservation.allocations.clone();
        });
    }

    /// Payments refuses to undo an order's payment.
    pub(super) fn refuses(&self, order_id: OrderId) {
        self.state(|state| state.refused.insert(order_id.to_string()));
    }

    pub(super) fn yields(&self, order_id: OrderId) {
        self.state(|state| state.refused.remove(&order_id.to_string()));
    }

    pub(super) fn go_away(&self) {
        self.state(|state| state.is_away = true);
    }

    pub(super) fn come_back(&self) {
        self.state(|state| state.is_away = false);
    }

    /// The commands that were carried out, in the order of the orders.
    pub(super) fn commands(&self) -> Vec<String> {
        self.state(|state| state.commands.clone())
    }

    /// The names of all commands that were given.
    pub(super) fn request_ids(&self) -> BTreeSet<String> {
        self.state(|state| state.request_ids.clone())
    }

    /// Orders asked about in one call, at most.
    pub(super) fn largest_batch(&self) -> usize {
        self.state(|state| state.largest_batch)
    }
}

impl Shared {
    fn asked<T>(&self, orders: usize, answer: impl FnOnce(&State) -> T) -> Result<Response<T>, Status> {
        let mut state = self.0.lock().unwrap();
        if state.is_away {
            return Err(Status::unavailable("away"));
        }
        state.largest_batch = state.largest_batch.max(orders);
        Ok(Response::new(answer(&state)))
    }
}

/// RPCs that orders has no business with.
macro_rules! closed {
    ($wire:ident: $($rpc:ident($request:ident) -> $response:ident),* $(,)?) => {
        $(fn $rpc<'a, 'b>(
            &'a self,
            _: Request<$wire::$request>,
        ) -> BoxFuture<'b, Result<Response<$wire::$response>, Status>>
        where
            'a: 'b,
            Self: 'b,
        {
            Box::pin(async { Err(Status::unimplemented("")) })
        })*
    };
}

#[tonic::async_trait]
impl PaymentsService for Shared {
    async fn batch_get_payments(
        &self,
        request: Request<payments::BatchGetPaymentsRequest>,
    ) -> Result<Response<payments::BatchGetPaymentsResponse>, Status> {
        let ids = request.into_inner().order_ids;
        self.asked(ids.len(), |state| {
            let payments = ids.iter().filter_map(|id| state.payments.get(id)).cloned().collect();
            payments::BatchGetPaymentsResponse { payments }
        })
    }

    async fn undo_payment(
        &self,
        request: Request<payments::UndoPaymentRequest>,
    ) -> Result<Response<payments::UndoPaymentResponse>, Status> {
        let payments::UndoPaymentRequest { request_id, order_id } = request.into_inner();
        let mut state = self.0.lock().unwrap();
        state.request_ids.insert(request_id);
        if state.refused.contains(&order_id) {
            return Err(Status::failed_precondition("the cash is in"));
        }
        state.commands.push(format!("undo {order_id}"));
        let payment = state.payments.get_mut(&order_id).unwrap();
        payment.status = PaymentStatus::Refunded.into();
        Ok(Response::new(payments::UndoPaymentResponse { payment: Some(payment.clone()) }))
    }

    closed!(payments:
        get_payment(GetPaymentRequest) -> GetPaymentResponse,
        retry_refund(RetryRefundRequest) -> RetryRefundResponse,
        get_seller_balance(GetSellerBalanceRequest) -> GetSellerBalanceResponse,
        list_postings(ListPostingsRequest) -> ListPostingsResponse,
    );
}

#[tonic::async_trait]
impl InventoryService for Shared {
    async fn batch_get_reservations(
        &self,
        request: Request<inventory::BatchGetReservationsRequest>,
    ) -> Result<Response<inventory::BatchGetReservationsResponse>, Status> {
        let ids = request.into_inner().order_ids;
        self.asked(ids.len(), |state| {
            let reservations = ids.iter().filter_map(|id| state.reservations.get(id)).cloned().collect();
            inventory::BatchGetReservationsResponse { reservations }
        })
    }

    async fn list_held_reservations(
        &self,
        request: Request<inventory::ListHeldReservationsRequest>,
    ) -> Result<Response<inventory::ListHeldReservationsResponse>, Status> {
        let request = request.into_inner();
        // Small pages, so that there are several.
        self.asked(0, |state| {
            let is_held = |held: &&Reservation| {
                matches!(held.status(), ReservationStatus::Active | ReservationStatus::Committed)
                    && held.dispatched.is_empty()
                    && held.order_id > request.page_token
            };
            let page: Vec<_> = state.reservations.values().filter(is_held).take(3).cloned().collect();
            let next_page_token =
                page.last().filter(|_| page.len() == 3).map_or(String::new(), |last| last.order_id.clone());
            inventory::ListHeldReservationsResponse { reservations: page, next_page_token }
        })
    }

    async fn release_reservation(
        &self,
        request: Request<inventory::ReleaseReservationRequest>,
    ) -> Result<Response<inventory::ReleaseReservationResponse>, Status> {
        let inventory::ReleaseReservationRequest { request_id, order_id } = request.into_inner();
        let mut state = self.0.lock().unwrap();
        state.request_ids.insert(request_id);
        state.commands.push(format!("release {order_id}"));
        let reservation = state.reservations.get_mut(&order_id).unwrap();
        reservation.status = ReservationStatus::Released.into();
        Ok(Response::new(inventory::ReleaseReservationResponse { reservation: Some(reservation.clone()) }))
    }

    closed!(inventory:
        create_warehouse(CreateWarehouseRequest) -> CreateWarehouseResponse,
        list_warehouses(ListWarehousesRequest) -> ListWarehousesResponse,
        add_stock(AddStockRequest) -> AddStockResponse,
        adjust_stock(AdjustStockRequest) -> AdjustStockResponse,
        update_warehouse(UpdateWarehouseRequest) -> UpdateWarehouseResponse,
        write_off_stock(WriteOffStockRequest) -> WriteOffStockResponse,
        dispatch_transfer(DispatchTransferRequest) -> DispatchTransferResponse,
        receive_transfer(ReceiveTransferRequest) -> ReceiveTransferResponse,
        list_transfers(ListTransfersRequest) -> ListTransfersResponse,
        set_stock_policy(SetStockPolicyRequest) -> SetStockPolicyResponse,
        list_sku_availability(ListSkuAvailabilityRequest) -> ListSkuAvailabilityResponse,
        list_warehouse_stock(ListWarehouseStockRequest) -> ListWarehouseStockResponse,
        list_seller_inventory(ListSellerInventoryRequest) -> ListSellerInventoryResponse,
        batch_get_availability(BatchGetAvailabilityRequest) -> BatchGetAvailabilityResponse,
        list_movements(ListMovementsRequest) -> ListMovementsResponse,
        get_reservation(GetReservationRequest) -> GetReservationResponse,
    );
}

/// By which the others know orders.
pub(super) fn token() -> String {
    Tokens::new().service().token().to_owned()
}
