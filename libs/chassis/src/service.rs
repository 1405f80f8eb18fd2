use sqlx::migrate::Migrator;

/// What this crate must know about a service: plain data, written down once in the service's `lib.rs`.
///
/// ```ignore
/// static SERVICE: chassis::Service = chassis::Service {
///     name: "inventory",
///     migrations: sqlx::migrate!(),
///     append_only_tables: &["stock_movement"],
///     topics: &["tradewind.inventory.v1"],
///     consumers: &["inventory.saga"],
/// };
/// ```
#[derive(Debug)]
pub struct Service {
    /// Its name, such as `inventory`: of the binary, of the schema unless another is set, of the service in traces.
    pub name: &'static str,
    /// The service's own tables: `sqlx::migrate!()`, with versions from 1001 on.
    pub migrations: Migrator,
    /// Tables, besides the journal, that the service may read and append to, but never change.
    pub append_only_tables: &'static [&'static str],
    /// Topics that the service publishes on.
    pub topics: &'static [&'static str],
    /// Consumer groups of the service. Each has a topic `<group>.dlq`, where parked events are announced.
    pub consumers: &'static [&'static str],
}
