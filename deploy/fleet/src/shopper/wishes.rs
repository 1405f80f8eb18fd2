//! What buyers want of orders that they have placed.

use contracts::orders::v1::{
    CancelOrderRequest, ModifyOrderRequest, Order, OrderPart, OrderUnits, RefundKind, RequestRefundRequest, ReturnLine,
    SplitOrderRequest,
};
use contracts::shipping::v1::{BuyReturnLabelRequest, Return};
use tonic::Status;

use super::{Shopper, request_id};

impl Shopper {
    /// Asks for all the money of an order back, before anything has left.
    pub async fn request_refund(&self, order_id: &str) -> Result<Order, Status> {
        let (request_id, order_id) = (request_id(), order_id.to_owned());
        let kind = RefundKind::BeforeDispatch.into();
        self.refund(RequestRefundRequest { request_id, order_id, kind, ..RequestRefundRequest::default() }).await
    }

    /// Asks for the money of units that are not to leave. Asked again by the same name, it is the same refund.
    pub async fn request_part(&self, order_id: &str, units: &[(&str, i64)], name: &str) -> Result<Order, Status> {
        self.refund_units(order_id, RefundKind::BeforeDispatch, units, name).await
    }

    /// Sends units back that were delivered, and asks for their money. Asked again by the same name, it is the same refund.
    pub async fn request_return(&self, order_id: &str, units: &[(&str, i64)], name: &str) -> Result<Order, Status> {
        self.refund_units(order_id, RefundKind::AfterReturn, units, name).await
    }

    /// Sends units back that were delivered, and wants the same again. Asked again by the same name, it is the same exchange.
    pub async fn request_exchange(&self, order_id: &str, units: &[(&str, i64)], name: &str) -> Result<Order, Status> {
        self.refund_units(order_id, RefundKind::Exchange, units, name).await
    }

    /// Asks for a label to a warehouse that a return goes to, and answers the return after it. Whoever asks again has the same label.
    pub async fn buy_label(&self, goods_return: &Return, warehouse_id: &str, name: &str) -> Result<Return, Status> {
        let label = BuyReturnLabelRequest {
            request_id: name.to_owned(),
            order_id: goods_return.order_id.clone(),
            return_id: goods_return.return_id.clone(),
            warehouse_id: warehouse_id.to_owned(),
        };
        let answer = self.shipping.clone().buy_return_label(self.request(label)).await?.into_inner();
        answer.goods_return.ok_or_else(|| Status::internal("no return in the answer"))
    }

    async fn refund_units(
        &self,
        order_id: &str,
        kind: RefundKind,
        units: &[(&str, i64)],
        name: &str,
    ) -> Result<Order, Status> {
        let line = |(sku, quantity): &(&str, i64)| ReturnLine { sku: (*sku).to_owned(), quantity: *quantity };
        let refund = RequestRefundRequest {
            request_id: name.to_owned(),
            order_id: order_id.to_owned(),
            kind: kind.into(),
            lines: units.iter().map(line).collect(),
            note: "not as I thought".to_owned(),
            ..RequestRefundRequest::default()
        };
        self.refund(refund).await
    }

    async fn refund(&self, refund: RequestRefundRequest) -> Result<Order, Status> {
        let answer = self.orders.clone().request_refund(self.request(refund)).await?.into_inner();
        answer.order.ok_or_else(|| Status::internal("no order in the answer"))
    }

    /// Cancels an order.
    pub async fn cancel(&self, order_id: &str) -> Result<Order, Status> {
        let cancel = CancelOrderRequest {
            request_id: request_id(),
            order_id: order_id.to_owned(),
            note: "changed my mind".to_owned(),
        };
        let answer = self.orders.clone().cancel_order(self.request(cancel)).await?.into_inner();
        answer.order.ok_or_else(|| Status::internal("no order in the answer"))
    }

    /// Leaves so many units of a SKU in an order.
    pub async fn modify(&self, order_id: &str, sku: &str, left: i64) -> Result<Order, Status> {
        let modify = ModifyOrderRequest {
            request_id: request_id(),
            order_id: order_id.to_owned(),
            lines: vec![OrderUnits { sku: sku.to_owned(), quantity: left }],
            note: "fewer will do".to_owned(),
        };
        let answer = self.orders.clone().modify_order(self.request(modify)).await?.into_inner();
        answer.order.ok_or_else(|| Status::internal("no order in the answer"))
    }

    /// Makes so many units of a SKU an order of their own. Answers what is left, and the new order.
    pub async fn split(&self, order_id: &str, sku: &str, units: i64) -> Result<(Order, Order), Status> {
        let lines = vec![OrderUnits { sku: sku.to_owned(), quantity: units }];
        let (request_id, order_id, parts) = (request_id(), order_id.to_owned(), vec![OrderPart { lines }]);
        let split = SplitOrderRequest { request_id, order_id, parts };
        let mut answer = self.orders.clone().split_order(self.request(split)).await?.into_inner();
        answer.order.zip(answer.split_off.pop()).ok_or_else(|| Status::internal("no orders in the answer"))
    }
}
