//! What every test needs and no test should write twice. A dev-dependency; it knows no one service.
//!
//! ```ignore
//! #[tokio::test]
//! async fn a_reservation_follows_an_order() {
//!     let database = testkit::Database::migrated(&inventory::SERVICE).await;
//!     let kafka = testkit::Kafka::connect().await;
//!     kafka.create_topics(&["tradewind.orders.v1", "tradewind.inventory.v1"]).await;
//!     let clock = testkit::TestClock::at("2026-03-01T09:00:00Z");
//!     // ... run the service's relay and consumer on database.pool(), kafka.config() and clock.clock() ...
//!     kafka.publish(&testkit::Event::new("orders", "order", order_id, 1, &order_created)).await;
//!     kafka.wait_for("tradewind.inventory.v1", "a reservation", |events| !events.is_empty()).await;
//! }
//! ```
//!
//! | module | holds |
//! | --- | --- |
//! | `servers` | where PostgreSQL and Kafka are; a test that finds none fails and says what to run |
//! | `database` | [`Database`]: a database per test, cloned from a migrated template |
//! | `kafka` | [`Kafka`]: topics of one's own per test; [`Event`]: an event as another service would publish it |
//! | `settings` | [`settings()`]: a service's settings for these servers |
//! | `tokens` | [`Tokens`]: tokens of buyers, sellers, operators and services, and the keys to verify them |
//! | `eventually` | [`eventually`]: polls with a deadline |
//! | `reads` | [`Reads`]: what the database read, to show that no statement walks a table |
//! | `clock` | [`TestClock`]: a clock that a test sets |
//! | [`steps`] | the step harness: every step of a saga repeated, undone, interrupted |
//! | [`layering`] | the check of what may name what |

mod clock;
mod containers;
mod database;
mod eventually;
mod kafka;
pub mod layering;
mod reads;
mod servers;
mod settings;
pub mod steps;
mod tokens;

pub use clock::TestClock;
pub use database::Database;
pub use eventually::{Sight, eventually, eventually_within};
pub use kafka::{Event, Kafka};
pub use reads::Reads;
pub use settings::settings;
pub use tokens::{Bearer, Tokens};
