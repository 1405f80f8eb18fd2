//! Which processes the fleet consists of, and what each is told by its environment.

use std::time::Duration;

/// A service of the fleet.
#[derive(Debug, Clone, Copy)]
pub struct Service {
    /// Its name: of the binary, the schema, the role, the log.
    pub name: &'static str,
    /// Under which variable each peer's URL is given to it.
    pub peers: &'static [(&'static str, &'static str)],
    /// Its consumer groups, the one that takes part in the sagas first; empty for a service that only publishes.
    pub groups: &'static [Group],
    /// What makes it act without an event; empty for a service outside the sagas.
    pub triggers: &'static [messaging::Trigger],
}

impl Service {
    /// The rows of all its tables.
    pub fn subscriptions(&self) -> impl Iterator<Item = &'static messaging::Subscription> + use<> {
        self.groups.iter().flat_map(|group| group.subscriptions)
    }
}

/// A consumer group and its SUBSCRIPTIONS table.
#[derive(Debug, Clone, Copy)]
pub struct Group {
    /// Its name.
    pub name: &'static str,
    /// What it hears of.
    pub subscriptions: &'static [messaging::Subscription],
}

/// The name of the sandbox provider's process.
pub const PROVIDER: &str = "sandbox-provider";
/// The name of the sandbox carrier's process.
pub const CARRIER: &str = "sandbox-carrier";
/// Where the carrier's webhooks are taken in: at the first replica of shipping.
pub const WEBHOOKS: &str = "webhooks";
/// What listens but answers no gRPC.
pub const BESIDE_GRPC: [&str; 3] = [PROVIDER, CARRIER, WEBHOOKS];

/// The seven services.
pub const SERVICES: [Service; 7] = [
    Service { name: "products", peers: &[], groups: &[], triggers: &[] },
    Service { name: "cart", peers: &[("TRADEWIND_PRODUCTS_URL", "products")], groups: &[], triggers: &[] },
    Service {
        name: "checkout",
        peers: &[
            ("TRADEWIND_CART_URL", "cart"),
            ("TRADEWIND_PRODUCTS_URL", "products"),
            ("TRADEWIND_INVENTORY_URL", "inventory"),
            ("TRADEWIND_SHIPPING_URL", "shipping"),
        ],
        groups: &[Group { name: checkout::CONSUMER, subscriptions: checkout::adapters::events::SUBSCRIPTIONS }],
        triggers: checkout::adapters::events::TRIGGERS,
    },
    Service {
        name: "orders",
        peers: &[("TRADEWIND_PAYMENTS_URL", "payments"), ("TRADEWIND_INVENTORY_URL", "inventory")],
        groups: &[
            Group { name: orders::CONSUMER, subscriptions: orders::adapters::events::SUBSCRIPTIONS },
            Group { name: orders::read_model::CONSUMER, subscriptions: orders::read_model::SUBSCRIPTIONS },
        ],
        triggers: orders::adapters::events::TRIGGERS,
    },
    Service {
        name: "inventory",
        peers: &[("TRADEWIND_PRODUCTS_URL", "products")],
        groups: &[
            Group { name: inventory::CONSUMER, subscriptions: inventory::adapters::events::SUBSCRIPTIONS },
            Group { name: inventory::read_model::CONSUMER, subscriptions: inventory::read_model::SUBSCRIPTIONS },
        ],
        triggers: inventory::adapters::events::TRIGGERS,
    },
    Service {
        name: "payments",
        peers: &[("TRADEWIND_PROVIDER_URL", PROVIDER)],
        groups: &[Group { name: payments::CONSUMER, subscriptions: payments::adapters::events::SUBSCRIPTIONS }],
        triggers: payments::adapters::events::TRIGGERS,
    },
    Service {
        name: "shipping",
        peers: &[("TRADEWIND_SANDBOX_CARRIER_URL", CARRIER)],
        groups: &[Group { name: shipping::CONSUMER, subscriptions: shipping::adapters::events::SUBSCRIPTIONS }],
        triggers: shipping::adapters::events::TRIGGERS,
    },
];

/// What kind of fleet is started.
#[derive(Debug, Clone)]
pub struct Shape {
    /// The deadlines that it runs with.
    pub deadlines: Deadlines,
    /// Processes of each service.
    pub replicas: u16,
    /// Added to the environment of every service.
    pub env: Vec<(&'static str, String)>,
    /// Services that run besides the seven.
    pub beside: Vec<Service>,
    /// More settings for a PostgreSQL of our own, as `name=value`.
    pub postgres: Vec<&'static str>,
}

impl Shape {
    /// One process of each service.
    pub const fn single(deadlines: Deadlines) -> Self {
        Self::replicated(deadlines, 1)
    }

    /// So many processes of each service.
    pub const fn replicated(deadlines: Deadlines, replicas: u16) -> Self {
        Self { deadlines, replicas, env: Vec::new(), beside: Vec::new(), postgres: Vec::new() }
    }

    /// Runs another service besides the seven.
    #[must_use]
    pub fn with(mut self, service: Service) -> Self {
        self.beside.push(service);
        self
    }

    /// The services that run.
    pub fn services(&self) -> impl Iterator<Item = &Service> {
        SERVICES.iter().chain(&self.beside)
    }

    /// Adds a variable to the environment of every service.
    #[must_use]
    pub fn env(mut self, variable: &'static str, value: impl Into<String>) -> Self {
        self.env.push((variable, value.into()));
        self
    }
}

/// The name of a service's process: `orders-0` is the first of them.
pub fn replica(service: &str, number: u16) -> String {
    format!("{service}-{number}")
}

/// The deadlines that the fleet runs with.
#[derive(Debug, Clone, Copy)]
pub struct Deadlines {
    /// How long a reservation holds.
    pub reservation: Duration,
    /// After what time an unpaid order is cancelled; a little longer than the reservation.
    pub unpaid: Duration,
    /// How long before the reservation's end no authorization is asked for any more.
    pub authorization_margin: Duration,
    /// How long goods may be sent back; then their order is closed.
    pub return_window: Duration,
    /// How often orders that may be closed are looked for.
    pub close_sweep: Duration,
}

impl Deadlines {
    /// Those of production.
    pub const PRODUCTION: Self = Self {
        reservation: Duration::from_mins(15),
        unpaid: Duration::from_mins(16),
        authorization_margin: Duration::from_mins(1),
        return_window: Duration::from_hours(24 * 30),
        close_sweep: Duration::from_secs(10),
    };

    /// So short that a person can watch them pass.
    pub const DEMO: Self = Self {
        reservation: Duration::from_secs(12),
        unpaid: Duration::from_secs(14),
        authorization_margin: Duration::from_secs(2),
        return_window: Duration::from_secs(10),
        close_sweep: Duration::from_secs(1),
    };

    /// As the services' environment.
    pub fn env(&self) -> [(&'static str, String); 5] {
        let secs = |duration: Duration| format!("{}s", duration.as_secs());
        [
            ("TRADEWIND_RESERVATION_TTL", secs(self.reservation)),
            ("TRADEWIND_UNPAID_AFTER", secs(self.unpaid)),
            ("TRADEWIND_AUTHORIZATION_MARGIN", secs(self.authorization_margin)),
            ("TRADEWIND_RETURN_WINDOW", secs(self.return_window)),
            ("TRADEWIND_CLOSE_SWEEP_EVERY", secs(self.close_sweep)),
        ]
    }
}
