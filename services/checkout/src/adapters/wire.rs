//! Quotes, checkouts and addresses on the wire: what RPCs and events share.

use std::collections::HashSet;

use chassis::Fields;
use contracts::checkout::v1 as wire;
use contracts::convert::{id_from_wire, money_to_wire, timestamp_to_wire};
use contracts::google::r#type::PostalAddress;
use contracts::payments::v1 as payments;
use contracts::payments::v1::payment_method::Method;
use contracts::shipping::v1 as shipping;
use kernel::{InvalidText, Quantity};

use crate::domain::address::{Address, AddressText, Lines};
use crate::domain::checkout::{Checkout, CheckoutOrder, Outcome};
use crate::domain::payment_method::{CardToken, PaymentMethod};
use crate::domain::quote::{Drift, DriftKind, Quote, QuoteLine, SellerQuote};
use crate::domain::shipping::{ServiceName, ShippingChoice, ShippingOffer};

/// More sellers than any cart holds goods of.
const CHOICES_MAX: usize = 100;

pub(super) fn quote_to_wire(quote: &Quote) -> wire::Quote {
    wire::Quote {
        quote_id: quote.id.to_string(),
        cart_id: quote.cart_id.to_string(),
        buyer_id: quote.buyer_id.to_string(),
        ship_to: Some(address_to_wire(&quote.ship_to)),
        sellers: quote.sellers.iter().map(seller_to_wire).collect(),
        subtotal: Some(money_to_wire(quote.amounts.subtotal)),
        shipping: Some(money_to_wire(quote.amounts.shipping)),
        tax: Some(money_to_wire(quote.amounts.tax)),
        total: Some(money_to_wire(quote.amounts.total)),
        drifts: quote.drifts.iter().map(drift_to_wire).collect(),
        submittable: quote.is_submittable(),
        create_time: Some(timestamp_to_wire(quote.created_at)),
        expire_time: Some(timestamp_to_wire(quote.expires_at)),
        hash: quote.hash().to_string(),
    }
}

fn seller_to_wire(seller: &SellerQuote) -> wire::SellerQuote {
    wire::SellerQuote {
        seller_id: seller.seller_id.to_string(),
        lines: lines_to_wire(&seller.lines),
        subtotal: Some(money_to_wire(seller.amounts.subtotal)),
        shipping: Some(money_to_wire(seller.amounts.shipping)),
        tax: Some(money_to_wire(seller.amounts.tax)),
        total: Some(money_to_wire(seller.amounts.total)),
        shipping_service: seller.shipping_service.to_string(),
        shipping_offers: seller.shipping_offers.iter().map(offer_to_wire).collect(),
    }
}

fn offer_to_wire(offer: &ShippingOffer) -> shipping::ShippingOffer {
    shipping::ShippingOffer {
        service: offer.service.to_string(),
        price: Some(money_to_wire(offer.price)),
        days_min: offer.days_min.into(),
        days_max: offer.days_max.into(),
    }
}

pub(super) fn lines_to_wire(lines: &[QuoteLine]) -> Vec<wire::QuoteLine> {
    let to_wire = |line: &QuoteLine| wire::QuoteLine {
        sku: line.sku.to_string(),
        product_id: line.product_id.to_string(),
        title: line.title.to_string(),
        quantity: quantity_to_wire(line.quantity),
        unit_price: Some(money_to_wire(line.unit_price)),
        price_version: line.price_version,
        line_subtotal: Some(money_to_wire(line.line_subtotal)),
        tax_rate: line.tax_rate.to_string(),
        tax: Some(money_to_wire(line.tax)),
        weight_grams: line.weight_grams,
    };
    lines.iter().map(to_wire).collect()
}

fn quantity_to_wire(quantity: Quantity) -> i32 {
    i32::try_from(quantity.get()).expect("a quantity is at most 1,000,000")
}

fn drift_to_wire(drift: &Drift) -> wire::LineDrift {
    let kind = match drift.kind {
        DriftKind::PriceChanged => wire::DriftKind::PriceChanged,
        DriftKind::Backordered => wire::DriftKind::Backordered,
        DriftKind::InsufficientStock => wire::DriftKind::InsufficientStock,
        DriftKind::NotOnSale => wire::DriftKind::NotOnSale,
    };
    wire::LineDrift {
        sku: drift.sku.to_string(),
        kind: kind.into(),
        seen_price: Some(money_to_wire(drift.seen_price)),
        current_price: drift.current_price.map(money_to_wire),
        requested_quantity: quantity_to_wire(drift.requested),
        available_quantity: drift.available,
        blocks: drift.kind.blocks(),
    }
}

pub(super) fn checkout_to_wire(checkout: &Checkout) -> wire::Checkout {
    wire::Checkout {
        checkout_id: checkout.id.to_string(),
        quote_id: checkout.quote_id.to_string(),
        buyer_id: checkout.buyer_id.to_string(),
        orders: checkout.orders.iter().map(order_to_wire).collect(),
        total: Some(money_to_wire(checkout.total())),
        submit_time: Some(timestamp_to_wire(checkout.submitted_at)),
        complete: checkout.is_complete(),
    }
}

fn order_to_wire(order: &CheckoutOrder) -> wire::CheckoutOrder {
    let outcome = match order.outcome {
        Outcome::Pending => wire::OrderOutcome::Pending,
        Outcome::Backordered { .. } => wire::OrderOutcome::Backordered,
        Outcome::Confirmed { .. } => wire::OrderOutcome::Confirmed,
        Outcome::Paid { .. } => wire::OrderOutcome::Paid,
        Outcome::Failed { .. } => wire::OrderOutcome::Failed,
        Outcome::Cancelled { .. } => wire::OrderOutcome::Cancelled,
    };
    wire::CheckoutOrder {
        order_id: order.id.to_string(),
        seller_id: order.seller_id.to_string(),
        total: Some(money_to_wire(order.total)),
        outcome: outcome.into(),
        reason: order.outcome.reason().map(ToString::to_string).unwrap_or_default(),
        outcome_time: order.outcome.at().map(timestamp_to_wire),
    }
}

pub(super) fn address_to_wire(address: &Address) -> PostalAddress {
    let text = |text: &Option<AddressText>| text.as_ref().map(ToString::to_string).unwrap_or_default();
    let lines = |lines: &Lines| lines.iter().map(str::to_owned).collect();
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
pub(super) fn address_from_wire(fields: &mut Fields, address: Option<PostalAddress>) -> Option<Address> {
    let Some(address) = address else {
        fields.violation("ship_to", "is required");
        return None;
    };
    if address.revision != 0 {
        fields.violation("ship_to.revision", "must be 0, the latest");
        return None;
    }
    let region = fields.check("ship_to.region_code", address.region_code.parse());
    let language_code = fields.check("ship_to.language_code", optional(address.language_code));
    let postal_code = fields.check("ship_to.postal_code", optional(address.postal_code));
    let sorting_code = fields.check("ship_to.sorting_code", optional(address.sorting_code));
    let administrative_area = fields.check("ship_to.administrative_area", optional(address.administrative_area));
    let locality = fields.check("ship_to.locality", optional(address.locality));
    let sublocality = fields.check("ship_to.sublocality", optional(address.sublocality));
    let address_lines = lines(fields, "address_lines", address.address_lines);
    let recipients = lines(fields, "recipients", address.recipients);
    let organization = fields.check("ship_to.organization", optional(address.organization));
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

/// A field that may be empty.
fn optional(text: String) -> Result<Option<AddressText>, InvalidText> {
    if text.is_empty() { Ok(None) } else { AddressText::new(text).map(Some) }
}

/// Lines are read only if they are not too many: a complaint about each of thousands helps nobody.
fn lines(fields: &mut Fields, name: &str, lines: Vec<String>) -> Option<Lines> {
    let name = format!("ship_to.{name}");
    fields.check(&name, Lines::check_count(lines.len()))?;
    let line = |(index, line): (usize, String)| fields.check(&format!("{name}[{index}]"), AddressText::new(line));
    let read: Vec<_> = lines.into_iter().enumerate().map(line).collect();
    let read: Option<Vec<_>> = read.into_iter().collect();
    fields.check(&name, Lines::new(read?))
}

/// How sellers are to send, each seller once, or `None` and a note about each field at fault.
pub(super) fn choices_from_wire(
    fields: &mut Fields,
    choices: Vec<wire::ShippingChoice>,
) -> Option<Vec<ShippingChoice>> {
    if choices.len() > CHOICES_MAX {
        fields.violation("shipping_choices", format!("must be at most {CHOICES_MAX}, not {}", choices.len()));
        return None;
    }
    let mut sellers = HashSet::new();
    let choice = |(index, choice): (usize, wire::ShippingChoice)| {
        let path = format!("shipping_choices[{index}]");
        let seller_id = fields.take(id_from_wire(&format!("{path}.seller_id"), &choice.seller_id));
        let service = fields.check(&format!("{path}.service"), ServiceName::new(choice.service));
        if seller_id.is_some_and(|seller_id| !sellers.insert(seller_id)) {
            fields.violation(&format!("{path}.seller_id"), "is chosen for before");
            return None;
        }
        Some(ShippingChoice { seller_id: seller_id?, service: service? })
    };
    let read: Vec<_> = choices.into_iter().enumerate().map(choice).collect();
    read.into_iter().collect()
}

pub(super) fn payment_method_to_wire(method: &PaymentMethod) -> payments::PaymentMethod {
    let method = match method {
        PaymentMethod::Card(token) => Method::CardToken(token.as_str().to_owned()),
        PaymentMethod::CashOnDelivery => Method::CashOnDelivery(payments::CashOnDelivery {}),
    };
    payments::PaymentMethod { method: Some(method) }
}

/// The payment method, or `None` and a note about the field at fault, which never repeats a token.
pub(super) fn payment_method_from_wire(
    fields: &mut Fields,
    method: Option<payments::PaymentMethod>,
) -> Option<PaymentMethod> {
    match method.and_then(|method| method.method) {
        Some(Method::CardToken(token)) => {
            fields.check("payment_method.card_token", CardToken::new(token)).map(PaymentMethod::Card)
        }
        Some(Method::CashOnDelivery(_)) => Some(PaymentMethod::CashOnDelivery),
        Some(Method::Exchange(_)) => {
            fields.violation("payment_method.exchange", "follows from a return, and cannot be chosen");
            None
        }
        None => {
            fields.violation("payment_method", "is required");
            None
        }
    }
}
