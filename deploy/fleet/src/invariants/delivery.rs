//! Delivery: every event, in every consumer, once, in its aggregate's order.

use anyhow::{Context, Result};
use sqlx::{AssertSqlSafe, PgConnection};

use super::Counts;
use crate::fleet::Fleet;
use crate::topology::{Group, SERVICES};

/// Of some events only those that meet a condition concern a consumer, and it notes no others: a prepaid order that is confirmed
/// has yet to be paid, and checkout waits for that; the goods leave when the order is paid, or confirmed to be paid in cash; an order that was
/// split off another is news to checkout, and to inventory none, which hears of it there.
const CONCERNS: [(&str, &str, &str); 5] = [
    ("checkout.outcomes", "tradewind.orders.v1.OrderCreated", NOT_SUBMITTED),
    ("inventory.saga", "tradewind.orders.v1.OrderCreated", SUBMITTED),
    ("checkout.outcomes", "tradewind.orders.v1.OrderConfirmed", IN_CASH),
    ("shipping.saga", "tradewind.orders.v1.OrderConfirmed", IN_CASH),
    ("shipping.saga", "tradewind.orders.v1.OrderPaid", PREPAID),
];
const NOT_SUBMITTED: &str = "EXISTS (SELECT FROM orders.order_snapshot n WHERE n.order_id = j.aggregate_id AND num_nonnulls(n.split_from, n.exchange) > 0)";
const SUBMITTED: &str =
    "EXISTS (SELECT FROM orders.order_snapshot n WHERE n.order_id = j.aggregate_id AND n.split_from IS NULL)";
const IN_CASH: &str = "EXISTS (SELECT FROM orders.order_snapshot n WHERE n.order_id = j.aggregate_id AND num_nonnulls(n.card_token, n.exchange) = 0)";
const PREPAID: &str = "EXISTS (SELECT FROM orders.order_snapshot n WHERE n.order_id = j.aggregate_id AND num_nonnulls(n.card_token, n.exchange) > 0)";

/// Those that keep views up to date have no inbox: of an event of their own service it is enough that the views say what the history says
/// (`super::views`), and of another's that it is kept.
const VIEWS: [&str; 2] = [orders::read_model::CONSUMER, inventory::read_model::CONSUMER];

/// Every recorded event of a subscription against the inbox of the consumer that subscribed to it, or against what it keeps instead. Both
/// hold an event at most once by their keys, and an effect commits with its row.
pub(super) async fn deliveries(connection: &mut PgConnection) -> Result<Counts> {
    let mut all = Counts::default();
    let groups = SERVICES.iter().flat_map(|service| service.groups.iter().map(move |group| (service, group)));
    for (service, Group { name: consumer, subscriptions }) in groups {
        for subscription in *subscriptions {
            let producer = subscription.topic().split('.').nth(1).context("a topic names its service")?;
            let concern = CONCERNS.iter().find(|(who, event, _)| (*who, *event) == (*consumer, subscription.event));
            let condition = concern.map_or("true", |(.., condition)| condition);
            let kept = match (VIEWS.contains(consumer), producer == service.name) {
                (false, _) => format!("(SELECT event_id FROM {}.inbox WHERE consumer = '{consumer}')", service.name),
                (true, false) => format!("{}.heard_event", service.name),
                (true, true) => continue,
            };
            let query = format!(
                "SELECT count(*) AS examined, count(*) FILTER (WHERE i.event_id IS NULL) AS broken,
                        min(j.event_id::text) FILTER (WHERE i.event_id IS NULL) AS example
                 FROM {producer}.journal j
                 LEFT JOIN {kept} i ON i.event_id = j.event_id
                 WHERE j.event_type = $1 AND {condition}"
            );
            let counts: Counts =
                sqlx::query_as(AssertSqlSafe(query)).bind(subscription.event).fetch_one(&mut *connection).await?;
            all.examined += counts.examined;
            all.broken += counts.broken;
            all.example = all.example.or(counts.example.map(|id| format!("{} {id} in {consumer}", subscription.event)));
        }
    }
    Ok(all)
}

pub(super) async fn leftovers(connection: &mut PgConnection, fleet: &Fleet) -> Result<Counts> {
    let mut all = Counts::default();
    for service in fleet.services() {
        let name = service.name;
        let query = format!(
            "SELECT (SELECT count(*) FROM {name}.journal) AS examined,
                    (SELECT count(*) FROM {name}.outbox) +
                    (SELECT count(*) FROM {name}.parked_event WHERE state = 'parked') AS broken, NULL::text AS example"
        );
        let counts: Counts = sqlx::query_as(AssertSqlSafe(query)).fetch_one(&mut *connection).await?;
        all.examined += counts.examined;
        all.broken += counts.broken;
        if counts.broken > 0 {
            all.example.get_or_insert(format!("{} of {name}", counts.broken));
        }
    }
    Ok(all)
}

/// Every recorded event of a kind that somebody subscribes to, against what the witness did about it. Its effect is one that
/// doubles when an event takes effect twice, and shows in which order events came.
pub(super) async fn witnessed(connection: &mut PgConnection, events: &[&str]) -> Result<Counts> {
    let journals: Vec<_> = SERVICES
        .iter()
        .map(|service| format!("SELECT event_id, event_type, aggregate_id, version FROM {}.journal", service.name))
        .collect();
    let query = format!(
        "WITH effect AS (
             SELECT event_id, count(*) AS times, bool_or(is_late) AS is_late
             FROM (SELECT event_id,
                          version < max(version) OVER (PARTITION BY topic, aggregate_id ORDER BY effect_id) AS is_late
                   FROM witness.effect) AS e
             GROUP BY event_id
         )
         SELECT count(*) AS examined, count(*) FILTER (WHERE wrong) AS broken, min(example) FILTER (WHERE wrong) AS example
         FROM (SELECT coalesce(e.times, 0) <> 1 OR e.is_late AS wrong,
                      j.event_type || ' ' || j.event_id || ' took effect ' || coalesce(e.times, 0) || ' times'
                      || CASE WHEN e.is_late THEN ', after a later event of ' || j.aggregate_id ELSE '' END AS example
               FROM ({}) AS j LEFT JOIN effect e USING (event_id)
               WHERE j.event_type = ANY($1)) AS t",
        journals.join(" UNION ALL ")
    );
    Ok(sqlx::query_as(AssertSqlSafe(query)).bind(events).fetch_one(connection).await?)
}
