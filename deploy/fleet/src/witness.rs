//! A consumer whose effect is not idempotent: what shows that an event takes effect once, and in order.
//!
//! The services' own reactions answer a fact that they know with *already applied*, so a library that delivered everything twice
//! would leave no trace there. The witness writes a row for every event each time that it takes effect. It consumes as every
//! service does, through `libs/messaging`, and is killed, paused and rewound like one.

use std::convert::Infallible;
use std::sync::{Arc, LazyLock};

use chassis::auth::Verifier;
use chassis::grpc::Server;
use chassis::{Operation, ParkedOperation, Settings, Tasks, cli, database, jobs, parked, telemetry};
use kernel::{Classified, Decision, ErrorKind, Timestamp};
use messaging::{
    Caused, Consumer, Envelope, Error, EventStore, Heads, Outgoing, Participant, Subscription, Undecodable, UnitOfWork,
};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::topology::{Group, SERVICES, Service};

/// The witness's name among the services.
pub const NAME: &str = "witness";

/// The consumer group.
const CONSUMER: &str = "witness.events";

/// Every event that any service subscribes to.
static SUBSCRIPTIONS: LazyLock<Vec<Subscription>> = LazyLock::new(|| {
    let mut all: Vec<_> = SERVICES.iter().flat_map(Service::subscriptions).copied().collect();
    all.sort_by_key(|subscription| subscription.event);
    all.dedup_by_key(|subscription| subscription.event);
    all
});

/// What the chassis must know.
static SERVICE: chassis::Service = chassis::Service {
    name: NAME,
    migrations: sqlx::migrate!("witness/migrations"),
    append_only_tables: &["effect"],
    topics: &[],
    consumers: &[CONSUMER],
};

static GROUPS: LazyLock<[Group; 1]> = LazyLock::new(|| [Group { name: CONSUMER, subscriptions: &SUBSCRIPTIONS }]);

/// The witness as a service of the fleet.
pub fn service() -> Service {
    Service { name: NAME, peers: &[], groups: GROUPS.as_slice(), triggers: &[] }
}

/// Writes down every event each time that it takes effect: for proofs only.
#[derive(Debug, clap::Parser)]
#[command(name = "witness", version)]
pub struct Args {
    #[command(flatten)]
    settings: Settings,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Serves until told to stop
    Serve,
    #[command(flatten)]
    Operate(Operation),
    /// Shows and resolves events that could not take effect
    #[command(subcommand)]
    Parked(ParkedOperation),
}

/// Runs a subcommand.
pub async fn run(args: Args) -> anyhow::Result<()> {
    match args.command {
        Command::Serve => serve(&args.settings).await,
        Command::Operate(operation) => cli::operate::<Args>(operation, &SERVICE, &args.settings).await,
        Command::Parked(operation) => {
            let pool = database::connect(&SERVICE, &args.settings).await?;
            let store = EventStore::new(SERVICE.name, pool, args.settings.clock());
            parked::operate(operation, &store, CONSUMER, &Witness).await
        }
    }
}

async fn serve(settings: &Settings) -> anyhow::Result<()> {
    let _telemetry = telemetry::init(&SERVICE, settings)?;
    let pool = database::connect(&SERVICE, settings).await?;
    let store = EventStore::new(SERVICE.name, pool, settings.clock());
    let kafka = settings.kafka_config(&SERVICE);
    let server = Server::bind(settings, Verifier::new(settings).await?).await?;

    let mut tasks = Tasks::new(settings.drain_timeout);
    tasks.spawn("housekeeping", |stop| jobs::housekeeping(store.clone(), settings, stop));
    tasks.spawn(CONSUMER, |stop| Consumer::new(store, kafka, CONSUMER, &SUBSCRIPTIONS, Arc::new(Witness)).run(stop));
    tasks.spawn("grpc", |stop| server.serve(stop));
    tasks.run().await
}

/// The participant.
#[derive(Debug)]
struct Witness;

/// An event, as far as the witness cares.
#[derive(Debug, Clone)]
struct Seen {
    event_id: Uuid,
    topic: String,
    aggregate_id: Uuid,
    version: i64,
}

/// The witness refuses nothing.
#[derive(Debug, thiserror::Error)]
enum Never {}

impl Classified for Never {
    fn kind(&self) -> ErrorKind {
        match *self {}
    }

    fn reason(&self) -> &'static str {
        match *self {}
    }
}

impl Participant for Witness {
    type Fact = Seen;
    type World = Vec<Seen>;
    type Event = Infallible;
    type Refusal = Never;

    fn decode(&self, event: &Envelope) -> Result<Option<Seen>, Undecodable> {
        Ok(Some(Seen {
            event_id: event.id,
            topic: event.origin.topic.clone(),
            aggregate_id: event.aggregate_id,
            version: event.aggregate_version,
        }))
    }

    async fn load(&self, _: &mut PgConnection, _: &[Caused<Seen>]) -> Result<(Vec<Seen>, Heads), Error> {
        Ok((Vec::new(), Heads::default()))
    }

    fn decide(&self, world: &mut Vec<Seen>, fact: &Seen, _: Timestamp) -> Decision<Infallible, Never> {
        world.push(fact.clone());
        Decision::noted()
    }

    fn encode(&self, event: &Infallible) -> Outgoing {
        match *event {}
    }

    async fn save(&self, unit: &mut UnitOfWork, world: Vec<Seen>, _: &Heads) -> Result<(), Error> {
        sqlx::query(
            "INSERT INTO effect (event_id, topic, aggregate_id, version)
             SELECT event_id, topic, aggregate_id, version
             FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::bigint[]) WITH ORDINALITY
                  AS t (event_id, topic, aggregate_id, version, position)
             ORDER BY position",
        )
        .bind(world.iter().map(|seen| seen.event_id).collect::<Vec<_>>())
        .bind(world.iter().map(|seen| seen.topic.clone()).collect::<Vec<_>>())
        .bind(world.iter().map(|seen| seen.aggregate_id).collect::<Vec<_>>())
        .bind(world.iter().map(|seen| seen.version).collect::<Vec<_>>())
        .execute(unit.tx())
        .await?;
        Ok(())
    }
}
