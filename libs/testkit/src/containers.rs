//! PostgreSQL and Kafka in containers, for machines with Docker and nothing else.

use testcontainers::core::client::docker_client_instance;
use testcontainers::core::{ContainerPort, WaitFor};
use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerRequest, GenericImage, ImageExt, ReuseDirective};

use crate::servers::Servers;

const POSTGRES: (&str, &str) = ("postgres", "17");
const KAFKA: (&str, &str) = ("apache/kafka", "4.1.0");
/// A broker tells clients its own address, so its port on the host is fixed before it starts.
const KAFKA_PORT: u16 = 39_092;

/// Starts both, or finds those that an earlier test started: they are left running, because every test binary of a run needs
/// them and none is the last. Images are not pulled: a test must not load hundreds of megabytes on the sly.
pub(crate) async fn start() -> Result<Servers, String> {
    let docker = docker_client_instance().await.map_err(|error| format!("no Docker engine: {error}"))?;
    docker.ping().await.map_err(|error| format!("no Docker engine answers: {error}"))?;
    for (name, tag) in [POSTGRES, KAFKA] {
        let image = format!("{name}:{tag}");
        docker.inspect_image(&image).await.map_err(|_| format!("Docker has no image {image}"))?;
    }
    let failed = |error| format!("a container does not start: {error}");
    let postgres = postgres().start().await.map_err(failed)?;
    let postgres_port = postgres.get_host_port_ipv4(5432).await.map_err(failed)?;
    kafka().start().await.map_err(failed)?;
    Ok(Servers {
        database_url: format!("postgres://postgres:tradewind@127.0.0.1:{postgres_port}/postgres"),
        kafka_brokers: format!("127.0.0.1:{KAFKA_PORT}"),
    })
}

fn postgres() -> ContainerRequest<GenericImage> {
    GenericImage::new(POSTGRES.0, POSTGRES.1)
        .with_exposed_port(ContainerPort::Tcp(5432))
        // The image starts it once to set it up, and then for good.
        .with_wait_for(WaitFor::message_on_stderr("database system is ready to accept connections"))
        .with_wait_for(WaitFor::message_on_stderr("database system is ready to accept connections"))
        .with_env_var("POSTGRES_PASSWORD", "tradewind")
        .with_cmd(["-c", "max_connections=500"])
        .with_container_name("tradewind-test-postgres")
        .with_reuse(ReuseDirective::Always)
}

fn kafka() -> ContainerRequest<GenericImage> {
    GenericImage::new(KAFKA.0, KAFKA.1)
        .with_wait_for(WaitFor::message_on_stdout("Kafka Server started"))
        .with_mapped_port(KAFKA_PORT, ContainerPort::Tcp(9092))
        .with_env_var("KAFKA_NODE_ID", "1")
        .with_env_var("KAFKA_PROCESS_ROLES", "broker,controller")
        .with_env_var("KAFKA_CONTROLLER_QUORUM_VOTERS", "1@localhost:9093")
        .with_env_var("KAFKA_CONTROLLER_LISTENER_NAMES", "CONTROLLER")
        .with_env_var("KAFKA_LISTENERS", "PLAINTEXT://:9092,CONTROLLER://:9093")
        .with_env_var("KAFKA_ADVERTISED_LISTENERS", format!("PLAINTEXT://127.0.0.1:{KAFKA_PORT}"))
        .with_env_var("KAFKA_LISTENER_SECURITY_PROTOCOL_MAP", "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT")
        .with_env_var("KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR", "1")
        .with_env_var("KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR", "1")
        .with_env_var("KAFKA_TRANSACTION_STATE_LOG_MIN_ISR", "1")
        .with_env_var("KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS", "0")
        .with_container_name("tradewind-test-kafka")
        .with_reuse(ReuseDirective::Always)
}
