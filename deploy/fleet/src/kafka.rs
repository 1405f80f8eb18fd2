//! Apache Kafka as one KRaft node, from the jars that Maven fetches.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use nix::unistd::Pid;
use rand::distr::{Alphanumeric, SampleString};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{ClientConfig, TopicPartitionList};
use tokio::time::{Instant, sleep};

use crate::ports::ReservedPorts;
use crate::process::{Death, Process, ProcessSpec};
use crate::progress::Step;
use crate::workdir::{Workdir, fleet_folder};

const POM: &str = include_str!("../kafka/pom.xml");
const LOGGING: &str = include_str!("../kafka/log4j2.properties");
const SETTINGS: &str = include_str!("../kafka/server.properties");

/// The node shares two cores with the fleet: no collector threads, a small heap, and the quick compiler only (starts in 1.5 s
/// instead of 2.1 s).
const JVM: [&str; 4] = ["-XX:+UseSerialGC", "-Xms128m", "-Xmx512m", "-XX:TieredStopAtLevel=1"];

/// From start to the first answer.
const START_MAX: Duration = Duration::from_mins(1);

/// Time for the broker to close its logs and say goodbye to its controller; it needs 0.3 s.
const STOP_GRACE: Duration = Duration::from_secs(15);

/// The jars of this version of the pom, on this machine.
#[derive(Clone, Debug)]
pub struct KafkaJars {
    folder: PathBuf,
}

impl KafkaJars {
    /// Where the jars are or will be.
    pub fn locate() -> Self {
        Self { folder: fleet_folder().join("kafka") }
    }

    /// The stamp is written last and holds the pom, so that neither half a download nor an older one counts.
    pub fn are_complete(&self) -> bool {
        fs::read_to_string(self.stamp()).is_ok_and(|stamp| stamp == POM)
    }

    /// Fetches what is missing. Of several fleets that start at once, one fetches and the others wait for it.
    pub async fn fetch(&self, maven: &Path) -> Result<()> {
        if self.are_complete() {
            return Ok(());
        }
        let step = Step::of("kafka");
        fs::create_dir_all(&self.folder).with_context(|| format!("creating {}", self.folder.display()))?;
        let lock = File::create(self.folder.join("lock"))?;
        let lock = tokio::task::spawn_blocking(move || lock.lock().map(|()| lock)).await??;
        if !self.are_complete() {
            step.begins("fetching the jars of Apache Kafka with Maven, 43 MB");
            self.fetch_all(maven).await?;
            step.reached("jars fetched");
        }
        drop(lock);
        Ok(())
    }

    async fn fetch_all(&self, maven: &Path) -> Result<()> {
        let libs = self.folder.join("libs");
        if libs.exists() {
            fs::remove_dir_all(&libs)?;
        }
        let pom = self.folder.join("pom.xml");
        fs::write(&pom, POM)?;
        ProcessSpec::new("maven", maven)
            .args(["--quiet", "--batch-mode", "-Dstyle.color=never", "--file"])
            .args([&pom])
            // By its full name: looking a short one up hides the network's error behind "no plugin found".
            .args(["org.apache.maven.plugins:maven-dependency-plugin:copy-dependencies", "-DincludeScope=runtime"])
            .args([format!("-DoutputDirectory={}", libs.display())])
            .run(&self.folder.join("maven.log"))
            .await
            .context("Maven could not fetch Apache Kafka; check the network (behind a proxy: ~/.m2/settings.xml), then try again")?;
        fs::write(self.stamp(), POM).context("marking the jars of Kafka as complete")
    }

    fn stamp(&self) -> PathBuf {
        self.folder.join("complete")
    }

    /// Every jar of the folder, in the notation that Java expands itself.
    fn class_path(&self) -> PathBuf {
        self.folder.join("libs/*")
    }
}

/// One running node.
#[derive(Debug)]
pub struct Kafka {
    node: Process,
    brokers: String,
}

impl Kafka {
    /// Formats a new log folder and starts the node. Returns when it answers.
    pub async fn start(workdir: &Workdir, java: &Path, jars: &KafkaJars) -> Result<Self> {
        let step = Step::of("kafka");
        let reserved = ReservedPorts::<2>::reserve()?;
        let [port, controller_port] = reserved.numbers();
        let folder = workdir.create_data("kafka", None).await?;
        let settings = folder.join("server.properties");
        let logging = folder.join("log4j2.properties");
        fs::write(&logging, LOGGING)?;
        fs::write(&settings, settings_text(port, controller_port, &folder.join("logs")))?;

        let program = |name: &str, class: &str| {
            ProcessSpec::new(name, java)
                .args(JVM)
                .args([format!("-Dlog4j2.configurationFile={}", logging.display())])
                .args([PathBuf::from("-cp"), jars.class_path(), PathBuf::from(class)])
        };
        program("kafka-format", "kafka.tools.StorageTool")
            .args(["format", "--cluster-id", &random_cluster_id(), "--config"])
            .args([&settings])
            .run(&workdir.log("kafka-format"))
            .await?;

        reserved.release();
        let node = Process::spawn(program("kafka", "kafka.Kafka").args([&settings]), workdir)?;
        let mut kafka = Self { node, brokers: format!("127.0.0.1:{port}") };
        kafka.wait_until_ready().await?;
        kafka.make_ready_for_groups().await?;
        step.reached(format_args!("ready on {}", kafka.brokers));
        Ok(kafka)
    }

    /// `host:port`, as clients want it.
    pub fn brokers(&self) -> &str {
        &self.brokers
    }

    /// The process id, until its end was noticed.
    pub fn pid(&self) -> Option<Pid> {
        self.node.pid()
    }

    /// The server process, to watch or to disturb.
    pub fn server(&mut self) -> &mut Process {
        &mut self.node
    }

    /// Waits until the node ends by itself.
    pub async fn died(&mut self) -> Death {
        self.node.died().await
    }

    /// An orderly shutdown.
    pub async fn stop(&mut self) -> Result<()> {
        self.node.stop(STOP_GRACE).await.map(drop)
    }

    /// Starts it again on the same ports and data, after a stop or a kill; returns when it answers.
    pub async fn restart(&mut self) -> Result<()> {
        self.stop().await?;
        self.node.respawn()?;
        self.wait_until_ready().await
    }

    /// The first group ever to ask for its coordinator makes the broker create the topic of offsets, and is told to come back:
    /// its client does so 3 s later. So ask in place of the first real group, each time with a new client that does not wait.
    async fn make_ready_for_groups(&mut self) -> Result<()> {
        let deadline = Instant::now() + START_MAX;
        loop {
            self.node.check_alive()?;
            let Err(error) = coordinator_answers(&self.brokers).await else { return Ok(()) };
            if Instant::now() > deadline {
                return Err(error.context(format!("kafka coordinates no groups; see {}", self.node.log().display())));
            }
        }
    }

    async fn wait_until_ready(&mut self) -> Result<()> {
        let deadline = Instant::now() + START_MAX;
        loop {
            self.node.check_alive()?;
            let Err(error) = answers(&self.brokers).await else { return Ok(()) };
            if Instant::now() > deadline {
                let log = self.node.log().display();
                return Err(error.context(format!("kafka did not answer within {START_MAX:?}; see {log}")));
            }
            sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Whether a broker behind `brokers` answers a metadata request within 5 s.
pub async fn answers(brokers: &str) -> Result<()> {
    // The client retries a refused connection only after a growing pause; asking with a plain connection first costs nothing.
    let mut reached = false;
    for broker in brokers.split(',') {
        let connect = tokio::net::TcpStream::connect(broker.trim());
        reached |= tokio::time::timeout(Duration::from_secs(2), connect).await.is_ok_and(|connected| connected.is_ok());
    }
    ensure!(reached, "nothing listens on {brokers}");

    let client: BaseConsumer = ClientConfig::new().set("bootstrap.servers", brokers).create()?;
    let ask = move || client.fetch_metadata(None, Duration::from_secs(5)).map(|metadata| metadata.brokers().len());
    match tokio::task::spawn_blocking(ask).await?.context("asking Kafka for its metadata")? {
        0 => bail!("no broker of Kafka has registered yet"),
        _ => Ok(()),
    }
}

async fn coordinator_answers(brokers: &str) -> Result<()> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers).set("group.id", "fleet.readiness");
    let ask = move || {
        let client: BaseConsumer = config.create()?;
        let mut offsets = TopicPartitionList::new();
        offsets.add_partition("any", 0);
        client.committed_offsets(offsets, Duration::from_millis(200))
    };
    tokio::task::spawn_blocking(ask).await?.map(drop).context("asking Kafka for the offsets of a group")
}

fn settings_text(port: u16, controller_port: u16, logs: &Path) -> String {
    format!(
        "{SETTINGS}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.quorum.voters=1@127.0.0.1:{controller_port}
log.dirs={}
",
        logs.display()
    )
}

/// Kafka wants the 22 characters in which URL-safe base64 writes 16 bytes.
fn random_cluster_id() -> String {
    // The last character carries two bits only; A is one of the four that are allowed.
    Alphanumeric.sample_string(&mut rand::rng(), 21) + "A"
}
