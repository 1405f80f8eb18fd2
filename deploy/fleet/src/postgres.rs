//! A PostgreSQL cluster of our own in a data folder, with the durability that PostgreSQL has by default.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::sys::signal::Signal;
use nix::unistd::{Pid, Uid};
use rand::distr::{Alphanumeric, SampleString};
use sqlx::{Connection, PgConnection};
use tokio::time::{Instant, sleep, timeout};

use crate::ports::ReservedPorts;
use crate::process::{Death, Process, ProcessSpec, SystemUser};
use crate::progress::Step;
use crate::workdir::{Workdir, write_secret};

/// The superuser of the cluster.
const SUPERUSER: &str = "tradewind";

/// Debian's package creates this system user. PostgreSQL refuses to run as root, and nobody should want it to.
const SYSTEM_USER: &str = "postgres";

/// The whole fleet and its tests connect at once. Durability (fsync, synchronous_commit) is left as it comes.
const SETTINGS: [&str; 6] = [
    "max_connections=300",
    "shared_buffers=256MB",
    "listen_addresses=127.0.0.1",
    // Everything runs on one machine, and a socket of the file system costs less than half of what TCP does there. Its path may have
    // 107 bytes, which a checkout's own path can exceed.
    "unix_socket_directories=/tmp",
    "cluster_name=tradewind",
    "log_line_prefix=%m [%p] %d ",
];

/// From start to the first answer; recovery after a crash is part of it.
const START_MAX: Duration = Duration::from_mins(1);

/// One running cluster.
#[derive(Debug)]
pub struct Postgres {
    server: Process,
    url: String,
}

impl Postgres {
    /// Makes a new cluster with the programs in `programs` and starts it, with more settings than its usual ones. Returns when it
    /// answers.
    pub async fn start(workdir: &Workdir, programs: &std::path::Path, settings: &[&str]) -> Result<Self> {
        let step = Step::of("postgres");
        let user = if Uid::effective().is_root() { Some(SystemUser::named(SYSTEM_USER)?) } else { None };
        let folder = workdir.create_data("postgres", user.as_ref()).await?;
        let password = Alphanumeric.sample_string(&mut rand::rng(), 32);
        let password_file = folder.join("password");
        write_secret(&password_file, &password, user.as_ref())?;

        let data = folder.join("data");
        ProcessSpec::new("initdb", programs.join("initdb"))
            .args(["--username", SUPERUSER, "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C.UTF-8"])
            // Syncing the files of a cluster that does not outlive this run costs seconds and protects nothing.
            .args(["--no-sync", "--no-instructions"])
            .args([PathBuf::from("--pwfile"), password_file, PathBuf::from("--pgdata"), data.clone()])
            .run_as(user.clone())
            .run(&workdir.log("initdb"))
            .await?;

        let reserved = ReservedPorts::<1>::reserve()?;
        let [port] = reserved.numbers();
        let spec = ProcessSpec::new("postgres", programs.join("postgres"))
            .args([PathBuf::from("-D"), data])
            .args(SETTINGS.iter().chain(settings).flat_map(|setting| ["-c", *setting]))
            .args(["-c".to_owned(), format!("port={port}")])
            .run_as(user);
        reserved.release();
        let server = Process::spawn(spec, workdir)?;
        let url = format!("postgres://{SUPERUSER}:{password}@127.0.0.1:{port}/postgres?host=/tmp");
        let mut postgres = Self { server, url };
        postgres.wait_until_ready().await?;
        step.reached(format_args!("ready on 127.0.0.1:{port}"));
        Ok(postgres)
    }

    /// Of the database `postgres`, as superuser, with the password.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The process id, until its end was noticed.
    pub fn pid(&self) -> Option<Pid> {
        self.server.pid()
    }

    /// The server process, to watch or to disturb.
    pub fn server(&mut self) -> &mut Process {
        &mut self.server
    }

    /// Waits until the server ends by itself.
    pub async fn died(&mut self) -> Death {
        self.server.died().await
    }

    /// Breaks off every session, writes a checkpoint and ends ("fast" shutdown); "immediate" if that takes over 20 s.
    pub async fn stop(&mut self) -> Result<()> {
        let steps = [(Signal::SIGINT, Duration::from_secs(20)), (Signal::SIGQUIT, Duration::from_secs(5))];
        self.server.stop_by(&steps).await.map(drop)
    }

    /// Ends at once without a checkpoint ("immediate" shutdown): what was committed must come back from the log.
    pub async fn kill_immediate(&mut self) -> Result<()> {
        self.server.stop_by(&[(Signal::SIGQUIT, Duration::from_secs(5))]).await.map(drop)
    }

    /// Starts it again on the same port and data; returns when it answers, recovery included.
    pub async fn restart(&mut self) -> Result<()> {
        self.stop().await?;
        self.server.respawn()?;
        self.wait_until_ready().await
    }

    async fn wait_until_ready(&mut self) -> Result<()> {
        let deadline = Instant::now() + START_MAX;
        loop {
            self.server.check_alive()?;
            let Err(error) = answers(&self.url).await else { return Ok(()) };
            if Instant::now() > deadline {
                let log = self.server.log().display();
                return Err(error.context(format!("postgres did not answer within {START_MAX:?}; see {log}")));
            }
            sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Whether the server behind `url` answers a query within 5 s.
pub async fn answers(url: &str) -> Result<()> {
    let ask = async {
        let mut connection = PgConnection::connect(url).await.context("connecting to PostgreSQL")?;
        sqlx::query("SELECT 1").execute(&mut connection).await.context("asking PostgreSQL")?;
        connection.close().await.context("leaving PostgreSQL")
    };
    let Ok(answer) = timeout(Duration::from_secs(5), ask).await else { bail!("PostgreSQL did not answer within 5 s") };
    answer
}
