//! The running fleet: servers, the sandbox provider and carrier, seven services, and a database that can be looked into.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use futures::future::try_join_all;
use nix::unistd::Pid;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, PgPool};
use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::keys::{Keys, hex};
use crate::ports::ReservedPorts;
use crate::process::{Death, Process, ProcessSpec};
use crate::progress::{self, Step};
use crate::servers::{ExternalServers, Servers};
use crate::topology::{BESIDE_GRPC, CARRIER, PROVIDER, Service, Shape, WEBHOOKS, replica};
use crate::workdir::Workdir;

/// How long a process may take until it serves.
const START_MAX: Duration = Duration::from_secs(30);
/// How long a process may take to finish what it is doing.
const GRACE: Duration = Duration::from_secs(10);

/// The running fleet.
pub struct Fleet {
    /// Started in this order, stopped in reverse.
    processes: Vec<Process>,
    servers: Servers,
    shape: Shape,
    endpoints: Endpoints,
    kafka_prefix: String,
    keys: Keys,
    database: PgPool,
    /// Held for as long as anything runs in it.
    _workdir: Workdir,
}

impl Fleet {
    /// Starts everything and returns when it is healthy. Whatever was started dies with the value.
    pub async fn start(name: &str, external: &ExternalServers, shape: Shape) -> Result<Self> {
        let binaries = Binaries::locate()?;
        let workdir = Workdir::claim(name)?;
        let mut servers = Servers::start_with(&workdir, external, &shape.postgres).await?;
        let step = Step::of("fleet");
        let keys = Keys::create(&workdir.root().join("run"))?;
        let admin = create_database(servers.database_url(), name).await?;
        let (endpoints, ports) = Endpoints::reserve(&shape)?;
        // Servers that are not ours may have topics of an earlier fleet.
        let kafka_prefix = if external.is_empty() { String::new() } else { format!("{name}-{}.", &random_hex()[..8]) };
        let specs = Specs {
            binaries: &binaries,
            workdir: &workdir,
            admin: &admin,
            brokers: servers.kafka_brokers(),
            endpoints: &endpoints,
            shape: &shape,
            kafka_prefix: kafka_prefix.clone(),
            guest_secret: random_hex(),
            service_token: keys.service_token(),
            webhook_secret: format!("whsec_{}", BASE64.encode(rand::random::<[u8; 32]>())),
        };

        create_roles(&admin, &shape).await?;
        let prepare = |service: &Service, operation: &str| {
            let spec = specs.operation(service, operation);
            let log = workdir.log(service.name);
            async move { spec.run(&log).await }
        };
        try_join_all(shape.services().flat_map(|service| [prepare(service, "migrate"), prepare(service, "topics")]))
            .await?;
        step.reached("schemas and topics are there");

        drop(ports);
        let mut processes =
            vec![Process::spawn(specs.provider(), &workdir)?, Process::spawn(specs.carrier(), &workdir)?];
        for service in shape.services() {
            for number in 0..shape.replicas {
                processes.push(Process::spawn(specs.serve(service, number), &workdir)?);
            }
        }
        let healthy = try_join_all(endpoints.of_services().map(until_serving));
        tokio::select! {
            healthy = healthy => { healthy?; }
            death = any_death(&mut processes) => return Err(death.into()),
            death = servers.died() => return Err(death.into()),
        }
        let times = if shape.replicas == 1 { String::new() } else { format!(", {} times each,", shape.replicas) };
        step.reached(format_args!("seven services{times}, the sandbox provider and the sandbox carrier serve"));
        let database = PgPoolOptions::new().max_connections(4).connect_lazy_with(admin);
        Ok(Self { processes, servers, shape, endpoints, kafka_prefix, keys, database, _workdir: workdir })
    }

    /// The services that run.
    pub fn services(&self) -> impl Iterator<Item = &Service> {
        self.shape.services()
    }

    /// Processes of each service.
    pub fn replicas(&self) -> u16 {
        self.shape.replicas
    }

    /// The URL of a process, such as `orders-0`.
    pub fn endpoint(&self, process: &str) -> &str {
        &self.endpoints.0[process]
    }

    /// A channel to a service, made at the first call; its calls are spread over the replicas.
    pub fn channel(&self, service: &str) -> Result<Channel> {
        chassis::grpc::channel(&self.endpoints.urls(service))
    }

    /// Every process that runs, with the name that people call it by and its process id.
    pub fn processes(&self) -> impl Iterator<Item = (&str, Pid)> {
        self.processes.iter().filter_map(|process| Some((process.name(), process.pid()?)))
    }

    /// The names of all processes, whether they run or not.
    pub fn names(&self) -> Vec<String> {
        self.processes.iter().map(|process| process.name().to_owned()).collect()
    }

    /// As [`Self::processes`], with the servers that are our own.
    pub fn everything(&self) -> Vec<(String, Pid)> {
        let processes = self.processes().map(|(name, pid)| (name.to_owned(), pid));
        processes.chain(self.servers.processes()).collect()
    }

    /// The key that the services believe.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// The database, with the rights to read every schema: for proofs only.
    pub fn database(&self) -> &PgPool {
        &self.database
    }

    /// Kills a process with SIGKILL, as the kernel would.
    pub async fn kill9(&mut self, name: &str) -> Result<()> {
        self.process(name)?.kill9().await.map(drop)
    }

    /// Starts a killed process again; does not wait until it serves.
    pub fn respawn(&mut self, name: &str) -> Result<()> {
        self.process(name)?.respawn()
    }

    /// Waits until a service serves.
    pub async fn until_serving(&self, name: &str) -> Result<()> {
        until_serving(self.endpoint(name)).await
    }

    /// The error of a process that died, if one did.
    pub fn check_alive(&mut self) -> Result<()> {
        self.processes.iter_mut().try_for_each(Process::check_alive)
    }

    /// Waits until any process dies by itself.
    pub async fn died(&mut self) -> Death {
        tokio::select! {
            death = any_death(&mut self.processes) => death,
            death = self.servers.died() => death,
        }
    }

    /// Runs a subcommand of a service's binary with the service's environment, as an operator would, and answers what it
    /// printed. Fails, with that, on any exit but 0.
    pub async fn operate(&self, service: &str, args: &[&str]) -> Result<String> {
        let first = replica(service, 0);
        let running = self.processes.iter().find(|process| process.name() == first).context("no such service")?;
        let spec = running.spec();
        let mut command = tokio::process::Command::new(&spec.program);
        command.args(args).envs(spec.env.iter().map(|(name, value)| (name, value))).stdin(std::process::Stdio::null());
        let output = command.output().await?;
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        if !output.status.success() {
            bail!("{service} {}: {printed}{}", args.join(" "), String::from_utf8_lossy(&output.stderr));
        }
        Ok(printed)
    }

    /// Kafka's bootstrap servers, and what precedes the fleet's topics there.
    pub fn kafka(&self) -> (&str, &str) {
        (self.servers.kafka_brokers(), &self.kafka_prefix)
    }

    /// Stops everything in order: services finish what they are doing, then the servers stop.
    pub async fn stop(mut self) -> Result<()> {
        let step = Step::of("fleet");
        self.database.close().await;
        // All at once: each finishes its requests and hands its last events to the broker.
        try_join_all(self.processes.iter_mut().map(|process| process.stop(GRACE))).await?;
        self.servers.stop().await?;
        step.reached("drained and stopped");
        Ok(())
    }

    /// PostgreSQL and Kafka, to disturb them.
    pub fn servers(&mut self) -> &mut Servers {
        &mut self.servers
    }

    /// A process by its name, such as `orders-0`, to disturb it.
    pub fn process(&mut self, name: &str) -> Result<&mut Process> {
        self.processes.iter_mut().find(|process| process.name() == name).with_context(|| format!("no process {name}"))
    }
}

/// Where the services' binaries are: beside this one.
struct Binaries(PathBuf);

impl Binaries {
    fn locate() -> Result<Self> {
        let own = std::env::current_exe().context("where is this program?")?;
        // A test's binary lies one folder deeper.
        let folder = own.ancestors().skip(1).find(|folder| folder.join("orders").is_file());
        let folder = folder.context("the services are not built beside this program; run `cargo build --workspace`")?;
        Ok(Self(folder.to_owned()))
    }
}

/// Makes the commands of the processes.
struct Specs<'a> {
    binaries: &'a Binaries,
    workdir: &'a Workdir,
    admin: &'a PgConnectOptions,
    brokers: &'a str,
    endpoints: &'a Endpoints,
    shape: &'a Shape,
    kafka_prefix: String,
    guest_secret: String,
    service_token: String,
    webhook_secret: String,
}

impl Specs<'_> {
    /// A service's binary with a subcommand that prepares it, with the rights to migrate.
    fn operation(&self, service: &Service, operation: &str) -> ProcessSpec {
        self.service(service, service.name.to_owned(), self.admin).args([operation])
    }

    /// One of a service's processes, connecting as its role.
    fn serve(&self, service: &Service, number: u16) -> ProcessSpec {
        let name = replica(service.name, number);
        let role = self.admin.clone().username(service.name).password(service.name);
        let listen = self.endpoints.0[&name].trim_start_matches("http://").to_owned();
        let spec = self
            .service(service, name.clone(), &role)
            .args(["serve"])
            .env("TRADEWIND_GRPC_LISTEN", listen)
            .env("TRADEWIND_REPLICA", name);
        if service.name != "shipping" {
            return spec;
        }
        let spec = spec
            .env("TRADEWIND_SANDBOX_CARRIER_WEBHOOK_SECRET", &self.webhook_secret)
            // A webhook that was lost with a process is asked for soon.
            .env("TRADEWIND_CARRIER_SILENCE", "2s")
            .env("TRADEWIND_CARRIER_SWEEP_EVERY", "1s");
        if number == 0 { spec.env("TRADEWIND_WEBHOOK_LISTEN", self.address(WEBHOOKS)) } else { spec }
    }

    fn service(&self, service: &Service, process: String, connect: &PgConnectOptions) -> ProcessSpec {
        let name = service.name;
        let folder = self.workdir.root().join("run");
        let mut spec = ProcessSpec::new(process, self.binaries.0.join(name))
            .env("TRADEWIND_DATABASE_URL", connect.to_url_lossy().to_string())
            .env("TRADEWIND_DATABASE_ROLE", name)
            .env("TRADEWIND_KAFKA_BROKERS", self.brokers)
            .env("TRADEWIND_KAFKA_PREFIX", &self.kafka_prefix)
            .env("TRADEWIND_TOPIC_PARTITIONS", "3")
            .env("TRADEWIND_TOPIC_REPLICATION", "1")
            // More processes than cores: a second thread each would only hand work back and forth.
            .env("TOKIO_WORKER_THREADS", "1")
            // The last lines of a process that died are shown to a person: its error, not a backtrace.
            .env("RUST_LIB_BACKTRACE", "0")
            .env("TRADEWIND_GUEST_TOKEN_SECRET", &self.guest_secret)
            .env("TRADEWIND_SERVICE_TOKEN", &self.service_token)
            .env("TRADEWIND_JWKS", folder.join("jwks.json").display().to_string());
        for (variable, value) in self.shape.deadlines.env().into_iter().chain(self.shape.env.iter().cloned()) {
            spec = spec.env(variable, value);
        }
        for (variable, peer) in service.peers {
            spec = spec.env(*variable, self.endpoints.urls(peer));
        }
        spec
    }

    fn provider(&self) -> ProcessSpec {
        ProcessSpec::new(PROVIDER, self.binaries.0.join(PROVIDER))
            .env("TRADEWIND_SANDBOX_LISTEN", self.address(PROVIDER))
            .env("TRADEWIND_SANDBOX_STATE", self.workdir.root().join("data").join("provider").display().to_string())
    }

    fn carrier(&self) -> ProcessSpec {
        let hook = format!("{}/webhooks/carriers/sandbox", self.endpoints.0[WEBHOOKS]);
        ProcessSpec::new(CARRIER, self.binaries.0.join(CARRIER))
            .env("TRADEWIND_SANDBOX_CARRIER_LISTEN", self.address(CARRIER))
            .env(
                "TRADEWIND_SANDBOX_CARRIER_STATE",
                self.workdir.root().join("data").join("carrier").display().to_string(),
            )
            .env("TRADEWIND_SANDBOX_CARRIER_PACE", "100ms")
            .env("TRADEWIND_SANDBOX_CARRIER_WEBHOOK_URL", hook)
            .env("TRADEWIND_SANDBOX_CARRIER_WEBHOOK_SECRET", &self.webhook_secret)
    }

    fn address(&self, name: &str) -> &str {
        self.endpoints.0[name].trim_start_matches("http://")
    }
}

/// 256 random bits.
fn random_hex() -> String {
    hex(&rand::random::<[u8; 32]>())
}

/// Where each process listens, by its name.
struct Endpoints(BTreeMap<String, String>);

impl Endpoints {
    /// Endpoints for every process, and their ports, held until these are dropped.
    fn reserve(shape: &Shape) -> Result<(Self, Vec<ReservedPorts<1>>)> {
        let services =
            shape.services().flat_map(|service| (0..shape.replicas).map(|number| replica(service.name, number)));
        let mut endpoints = BTreeMap::new();
        let mut ports = Vec::new();
        for name in services.chain(BESIDE_GRPC.map(str::to_owned)) {
            let reserved = ReservedPorts::reserve()?;
            let [port] = reserved.numbers();
            endpoints.insert(name, format!("http://127.0.0.1:{port}"));
            ports.push(reserved);
        }
        Ok((Self(endpoints), ports))
    }

    /// Those of a service's replicas, or that of the provider, as a peer's URL is set.
    fn urls(&self, service: &str) -> String {
        let is_of_service = |name: &str| name.rsplit_once('-').is_some_and(|(of, _)| of == service) || name == service;
        let urls = self.0.iter().filter(|(name, _)| is_of_service(name)).map(|(_, url)| url.as_str());
        urls.collect::<Vec<_>>().join(",")
    }

    /// Those that answer gRPC.
    fn of_services(&self) -> impl Iterator<Item = &str> {
        let answers = |name: &str| !BESIDE_GRPC.contains(&name);
        self.0.iter().filter(move |(name, _)| answers(name)).map(|(_, url)| url.as_str())
    }
}

/// Makes the fleet's database anew and answers how to connect to it with all rights. It holds one schema per service. The server
/// may be somebody else's, so the name is one that nobody keeps anything under.
async fn create_database(url: &str, name: &str) -> Result<PgConnectOptions> {
    let database = format!("tradewind_fleet_{}", name.replace('-', "_"));
    let options: PgConnectOptions = url.parse().context("the database's URL")?;
    let mut connection = PgConnection::connect_with(&options).await.context("connecting to PostgreSQL")?;
    sqlx::raw_sql(AssertSqlSafe(format!("DROP DATABASE IF EXISTS {database} WITH (FORCE)")))
        .execute(&mut connection)
        .await?;
    sqlx::raw_sql(AssertSqlSafe(format!("CREATE DATABASE {database}"))).execute(&mut connection).await?;
    connection.close().await?;
    Ok(options.database(&database))
}

/// One role per service, so that none can touch another's schema or change its own history.
async fn create_roles(admin: &PgConnectOptions, shape: &Shape) -> Result<()> {
    let mut connection = PgConnection::connect_with(admin).await?;
    for service in shape.services() {
        let role = service.name;
        // The password is the role's name: this database listens on loopback and is thrown away.
        let statement = format!(
            "DO $$ BEGIN CREATE ROLE {role} LOGIN PASSWORD '{role}'; EXCEPTION WHEN duplicate_object THEN NULL; END $$"
        );
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await?;
    }
    connection.close().await?;
    Ok(())
}

async fn until_serving(endpoint: &str) -> Result<()> {
    let mut health = HealthClient::new(chassis::grpc::channel(endpoint)?);
    let deadline = Instant::now() + START_MAX;
    loop {
        let answer = health.check(HealthCheckRequest { service: String::new() }).await;
        if answer.is_ok_and(|answer| answer.into_inner().status() == ServingStatus::Serving) {
            return Ok(());
        }
        if Instant::now() > deadline {
            bail!("{endpoint} does not serve after {} s", START_MAX.as_secs());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn any_death(processes: &mut [Process]) -> Death {
    let deaths = processes.iter_mut().map(|process| Box::pin(process.died()));
    futures::future::select_all(deaths).await.0
}

/// Says where things are.
pub fn say_endpoints(fleet: &Fleet) {
    for (name, url) in &fleet.endpoints.0 {
        progress::say(name, url);
    }
}
