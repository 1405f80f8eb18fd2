//! Many buyers at once: what faults, flash sales and the bench drive the fleet with.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`market`] | a seeded catalogue of many SKUs with ample stock, and what an order wants of it |
//! | [`outcomes`] | what becomes of orders, heard from Kafka: no stream per order |
//! | [`persist`] | a client that tries again what may pass |
//! | [`crowd`] | buyers, and their journeys with every moment noted |

pub mod crowd;
pub mod market;
pub mod outcomes;
pub mod persist;
