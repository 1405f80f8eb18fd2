//! What was agreed, on the wire: in `CheckoutSubmitted`, in `OrderCreated`, in an `Order`.

use contracts::checkout::v1::QuoteLine;
use contracts::convert::{InvalidField, id_from_wire, money_from_wire, money_to_wire, optional_id_from_wire};
use contracts::google::r#type::{Money as WireMoney, PostalAddress};
use contracts::orders::v1::{OrderCreated, OrderLine, OrderModified};
use contracts::payments::v1::payment_method::Method;
use contracts::payments::v1::{CashOnDelivery, Exchange as WireExchange, PaymentMethod as WirePaymentMethod};
use kernel::Quantity;

use crate::domain::snapshot::{Address, Exchange, Line, PaymentMethod, ShippingService, Terms};

/// The terms that an `OrderCreated` states.
pub(super) fn terms_from_order_created(event: &OrderCreated) -> Result<Terms, InvalidField> {
    Ok(Terms {
        order_id: id_from_wire("order_id", &event.order_id)?,
        checkout_id: id_from_wire("checkout_id", &event.checkout_id)?,
        buyer_id: id_from_wire("buyer_id", &event.buyer_id)?,
        seller_id: id_from_wire("seller_id", &event.seller_id)?,
        lines: lines_from_wire(event.lines.iter().map(WireLine::from))?,
        ship_to: address_from_wire(event.ship_to.as_ref())?,
        subtotal: money_from_wire("subtotal", event.subtotal.as_ref())?,
        shipping: money_from_wire("shipping", event.shipping.as_ref())?,
        tax: money_from_wire("tax", event.tax.as_ref())?,
        total: money_from_wire("total", event.total.as_ref())?,
        payment_method: payment_method_from_wire(event.payment_method.as_ref())?,
        shipping_service: shipping_service_from_wire(&event.shipping_service)?,
    })
}

/// The terms that hold after an `OrderModified`.
pub(super) fn terms_after(before: &Terms, event: &OrderModified) -> Result<Terms, InvalidField> {
    Ok(Terms {
        lines: lines_from_wire(event.lines.iter().map(WireLine::from))?,
        subtotal: money_from_wire("subtotal", event.subtotal.as_ref())?,
        shipping: money_from_wire("shipping", event.shipping.as_ref())?,
        tax: money_from_wire("tax", event.tax.as_ref())?,
        total: money_from_wire("total", event.total.as_ref())?,
        ..before.clone()
    })
}

/// How the seller is to send it.
pub(super) fn shipping_service_from_wire(service: &str) -> Result<ShippingService, InvalidField> {
    ShippingService::new(service).map_err(|error| InvalidField::new("shipping_service", error))
}

/// The lines of an order: those of a quote and those of an order say the same.
pub(super) fn lines_from_wire<'a>(lines: impl Iterator<Item = WireLine<'a>>) -> Result<Vec<Line>, InvalidField> {
    let numbered = lines.enumerate();
    numbered.map(|(index, line)| line.read().map_err(|invalid| invalid.within(&format!("lines[{index}]")))).collect()
}

/// What a `QuoteLine` and an `OrderLine` have in common.
pub(super) struct WireLine<'a> {
    sku: &'a str,
    product_id: &'a str,
    title: &'a str,
    quantity: i32,
    unit_price: Option<&'a WireMoney>,
    price_version: i64,
    line_subtotal: Option<&'a WireMoney>,
    tax_rate: &'a str,
    tax: Option<&'a WireMoney>,
}

impl<'a> From<&'a QuoteLine> for WireLine<'a> {
    fn from(line: &'a QuoteLine) -> Self {
        Self {
            sku: &line.sku,
            product_id: &line.product_id,
            title: &line.title,
            quantity: line.quantity,
            unit_price: line.unit_price.as_ref(),
            price_version: line.price_version,
            line_subtotal: line.line_subtotal.as_ref(),
            tax_rate: &line.tax_rate,
            tax: line.tax.as_ref(),
        }
    }
}

impl<'a> From<&'a OrderLine> for WireLine<'a> {
    fn from(line: &'a OrderLine) -> Self {
        Self {
            sku: &line.sku,
            product_id: &line.product_id,
            title: &line.title,
            quantity: line.quantity,
            unit_price: line.unit_price.as_ref(),
            price_version: line.price_version,
            line_subtotal: line.line_subtotal.as_ref(),
            tax_rate: &line.tax_rate,
            tax: line.tax.as_ref(),
        }
    }
}

impl WireLine<'_> {
    fn read(&self) -> Result<Line, InvalidField> {
        Ok(Line {
            sku: self.sku.parse().map_err(|error| InvalidField::new("sku", error))?,
            product_id: id_from_wire("product_id", self.product_id)?,
            title: self.title.to_owned(),
            quantity: Quantity::new(self.quantity.into()).map_err(|error| InvalidField::new("quantity", error))?,
            unit_price: money_from_wire("unit_price", self.unit_price)?,
            price_version: self.price_version,
            line_subtotal: money_from_wire("line_subtotal", self.line_subtotal)?,
            tax_rate: self.tax_rate.parse().map_err(|error| InvalidField::new("tax_rate", error))?,
            tax: money_from_wire("tax", self.tax)?,
        })
    }
}

pub(super) fn line_to_wire(line: &Line) -> OrderLine {
    OrderLine {
        sku: line.sku.to_string(),
        product_id: line.product_id.to_string(),
        title: line.title.clone(),
        quantity: i32::try_from(line.quantity.get()).expect("a quantity is at most 1,000,000"),
        unit_price: Some(money_to_wire(line.unit_price)),
        price_version: line.price_version,
        line_subtotal: Some(money_to_wire(line.line_subtotal)),
        tax_rate: line.tax_rate.to_string(),
        tax: Some(money_to_wire(line.tax)),
    }
}

pub(super) fn address_from_wire(address: Option<&PostalAddress>) -> Result<Address, InvalidField> {
    let address = address.cloned().ok_or_else(|| InvalidField::new("ship_to", "is required"))?;
    Ok(Address {
        region_code: address.region_code,
        language_code: address.language_code,
        postal_code: address.postal_code,
        sorting_code: address.sorting_code,
        administrative_area: address.administrative_area,
        locality: address.locality,
        sublocality: address.sublocality,
        address_lines: address.address_lines,
        recipients: address.recipients,
        organization: address.organization,
    })
}

pub(super) fn address_to_wire(address: &Address) -> PostalAddress {
    let address = address.clone();
    PostalAddress {
        revision: 0,
        region_code: address.region_code,
        language_code: address.language_code,
        postal_code: address.postal_code,
        sorting_code: address.sorting_code,
        administrative_area: address.administrative_area,
        locality: address.locality,
        sublocality: address.sublocality,
        address_lines: address.address_lines,
        recipients: address.recipients,
        organization: address.organization,
    }
}

pub(super) fn payment_method_from_wire(method: Option<&WirePaymentMethod>) -> Result<PaymentMethod, InvalidField> {
    match method.and_then(|method| method.method.as_ref()) {
        Some(Method::CardToken(token)) => token
            .parse()
            .map(PaymentMethod::Card)
            .map_err(|error| InvalidField::new("payment_method.card_token", error)),
        Some(Method::CashOnDelivery(CashOnDelivery {})) => Ok(PaymentMethod::CashOnDelivery),
        Some(Method::Exchange(exchange)) => {
            exchange_from_wire(exchange).map_err(|invalid| invalid.within("payment_method.exchange"))
        }
        None => Err(InvalidField::new("payment_method", "is required")),
    }
}

pub(super) fn payment_method_to_wire(method: &PaymentMethod) -> WirePaymentMethod {
    let method = match method {
        PaymentMethod::Card(token) => Method::CardToken(token.to_string()),
        PaymentMethod::CashOnDelivery => Method::CashOnDelivery(CashOnDelivery {}),
        PaymentMethod::Exchange(exchange) => Method::Exchange(WireExchange {
            order_id: exchange.order_id.to_string(),
            refund_number: exchange.refund_number,
            charged_order_id: exchange.charged_order_id.map(|id| id.to_string()).unwrap_or_default(),
        }),
    };
    WirePaymentMethod { method: Some(method) }
}

fn exchange_from_wire(exchange: &WireExchange) -> Result<PaymentMethod, InvalidField> {
    Ok(PaymentMethod::Exchange(Exchange {
        order_id: id_from_wire("order_id", &exchange.order_id)?,
        refund_number: exchange.refund_number,
        charged_order_id: optional_id_from_wire("charged_order_id", &exchange.charged_order_id)?,
    }))
}
