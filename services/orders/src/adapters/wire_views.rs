//! Views on the wire: what is asked of them, and what is answered.

use std::ops::RangeInclusive;

use chassis::paging::PageSizes;
use chassis::{Fields, InvalidRequest};
use contracts::convert::{InvalidField, id_from_wire, money_to_wire, timestamp_from_wire, timestamp_to_wire};
use contracts::google::r#type::Date as WireDate;
use contracts::orders::v1 as wire;
use kernel::{Sku, Timestamp};
use time::{Date, Duration, Month, OffsetDateTime};

use super::wire_status::{milestone_from_wire, milestone_to_wire};
use crate::domain::ids::SellerId;
use crate::domain::status::Milestone;
use crate::read_model::order_list::{Question, Row, Sort, Whose};
use crate::read_model::seller_dashboard::{Dashboard, Sales};

const ORDERS_PER_PAGE: PageSizes = PageSizes { default: 20, max: 100 };

/// Days of a dashboard, if it is not said which, and at most.
const DAYS_DEFAULT: i64 = 30;
const DAYS_MAX: i64 = 366;

/// What is to be listed, and how many on a page.
pub(super) fn question_from_wire(request: &wire::ListOrdersRequest) -> Result<(Question, u32), InvalidRequest> {
    let mut fields = Fields::new();
    let whose = whose(request, &mut fields);
    let milestones = fields.take(milestones_from_wire(&request.statuses));
    let size = fields.take(ORDERS_PER_PAGE.size(request.page_size));
    let sort = fields.take(sort_from_wire(request.sort));
    let moment = |field, time| timestamp_from_wire(field, Some(time));
    let created_from = request.created_from.as_ref().map(|time| moment("created_from", time)).transpose();
    let created_before = request.created_before.as_ref().map(|time| moment("created_before", time)).transpose();
    let (created_from, created_before) = (fields.take(created_from), fields.take(created_before));
    let sku = fields.check("sku", sku(&request.sku));
    match (whose, milestones, size, sort, created_from, created_before, sku) {
        (
            Some(whose),
            Some(milestones),
            Some(size),
            Some(sort),
            Some(created_from),
            Some(created_before),
            Some(sku),
        ) => {
            let (awaits_dispatch, has_open_refund) = (request.awaits_dispatch, request.has_open_refund);
            let question = Question {
                whose,
                sort,
                milestones,
                created_from,
                created_before,
                sku,
                awaits_dispatch,
                has_open_refund,
            };
            Ok((question, size))
        }
        _ => Err(fields.refuse()),
    }
}

fn whose(request: &wire::ListOrdersRequest, fields: &mut Fields) -> Option<Whose> {
    match (request.buyer_id.as_str(), request.seller_id.as_str()) {
        (buyer_id, "") => fields.take(id_from_wire("buyer_id", buyer_id)).map(Whose::Buyer),
        ("", seller_id) => fields.take(id_from_wire("seller_id", seller_id)).map(Whose::Seller),
        (_, _) => {
            fields.violation("seller_id", "must be empty when buyer_id is set");
            None
        }
    }
}

fn milestones_from_wire(statuses: &[i32]) -> Result<Vec<Milestone>, InvalidField> {
    let named = |(index, status): (usize, &i32)| milestone_from_wire(&format!("statuses[{index}]"), *status);
    statuses.iter().enumerate().map(named).collect()
}

fn sort_from_wire(sort: i32) -> Result<Sort, InvalidField> {
    let by = |by_update, descending| Ok(Sort { by_update, descending });
    match wire::OrderSort::try_from(sort) {
        Ok(wire::OrderSort::Unspecified | wire::OrderSort::CreateTimeDescending) => by(false, true),
        Ok(wire::OrderSort::CreateTimeAscending) => by(false, false),
        Ok(wire::OrderSort::UpdateTimeDescending) => by(true, true),
        Ok(wire::OrderSort::UpdateTimeAscending) => by(true, false),
        Err(_) => Err(InvalidField::new("sort", format!("{sort} is no order of a list"))),
    }
}

fn sku(sku: &str) -> Result<Option<String>, kernel::InvalidSku> {
    if sku.is_empty() { Ok(None) } else { Sku::new(sku).map(|sku| Some(sku.to_string())) }
}

pub(super) fn summary_to_wire(row: &Row) -> wire::OrderSummary {
    wire::OrderSummary {
        order_id: row.order_id.to_string(),
        buyer_id: row.buyer_id.to_string(),
        seller_id: row.seller_id.to_string(),
        status: milestone_to_wire(row.status).into(),
        reason: row.reason.clone(),
        total: Some(money_to_wire(row.total)),
        refunded_amount: Some(money_to_wire(row.refunded)),
        cash_on_delivery: row.cash_on_delivery,
        title: row.title.clone(),
        skus: row.skus.clone(),
        shipping_service: row.shipping_service.clone(),
        units: row.units,
        awaits_dispatch: row.awaits_dispatch,
        open_refunds: row.open_refunds,
        create_time: Some(timestamp_to_wire(row.created_at)),
        update_time: Some(timestamp_to_wire(row.updated_at)),
    }
}

/// Whose dashboard is asked for, and the sales of which days.
pub(super) fn days_from_wire(
    request: &wire::GetSellerDashboardRequest,
    now: Timestamp,
) -> Result<(SellerId, RangeInclusive<Date>), InvalidRequest> {
    let mut fields = Fields::new();
    let seller_id = fields.take(id_from_wire("seller_id", &request.seller_id));
    let today = OffsetDateTime::from(now).date();
    let last = fields.take(request.last_day.as_ref().map_or(Ok(today), |day| date("last_day", day)));
    let before = |day: Date| day.checked_sub(Duration::days(DAYS_DEFAULT - 1)).unwrap_or(Date::MIN);
    let first = match &request.first_day {
        Some(day) => fields.take(date("first_day", day)),
        None => last.map(before),
    };
    let (Some(seller_id), Some(first), Some(last)) = (seller_id, first, last) else { return Err(fields.refuse()) };
    let days = (last - first).whole_days() + 1;
    if days < 1 {
        fields.violation("last_day", "is before first_day");
        return Err(fields.refuse());
    }
    if days > DAYS_MAX {
        fields.violation("first_day", format!("{days} days are more than {DAYS_MAX}"));
        return Err(fields.refuse());
    }
    Ok((seller_id, first..=last))
}

fn date(field: &str, day: &WireDate) -> Result<Date, InvalidField> {
    let no_day = || InvalidField::new(field, format!("{}-{}-{} is no day", day.year, day.month, day.day));
    let part = |value: i32| u8::try_from(value).map_err(|_| no_day());
    let month = Month::try_from(part(day.month)?).map_err(|_| no_day())?;
    if !(1..=9999).contains(&day.year) {
        return Err(no_day());
    }
    Date::from_calendar_date(day.year, month, part(day.day)?).map_err(|_| no_day())
}

pub(super) fn dashboard_to_wire(seller_id: SellerId, dashboard: &Dashboard) -> wire::SellerDashboard {
    let count = |(milestone, count): &(Milestone, i64)| wire::OrderCount {
        status: milestone_to_wire(*milestone).into(),
        count: *count,
    };
    wire::SellerDashboard {
        seller_id: seller_id.to_string(),
        orders: dashboard.orders.iter().map(count).collect(),
        awaiting_dispatch: dashboard.awaiting_dispatch,
        open_refunds: dashboard.open_refunds,
        days: dashboard.days.iter().map(sales_to_wire).collect(),
    }
}

fn sales_to_wire(sales: &Sales) -> wire::SalesDay {
    let day = WireDate {
        year: sales.day.year(),
        month: i32::from(u8::from(sales.day.month())),
        day: i32::from(sales.day.day()),
    };
    wire::SalesDay {
        day: Some(day),
        orders: sales.orders,
        units: sales.units,
        sold: Some(money_to_wire(sales.sold)),
        refunded: Some(money_to_wire(sales.refunded)),
    }
}
