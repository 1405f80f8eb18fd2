//! What is needed from the machine: PostgreSQL, a Java runtime, Maven, npm. Found, installed, or asked for.

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail, ensure};
use nix::unistd::Uid;
use tokio::process::Command;

use crate::process::Death;
use crate::progress::{self, Step};
use crate::workdir::fleet_folder;

/// The oldest PostgreSQL that the services are tested with; Debian 12 has it.
const POSTGRES_MAJOR_MIN: u32 = 15;

/// Kafka 4 does not start on an older one.
const JAVA_MAJOR_MIN: u32 = 17;

/// The first that the distribution knows is taken: Debian 12 has 17, Debian 13 has 21.
const JAVA_PACKAGES: [&str; 2] = ["openjdk-17-jre-headless", "openjdk-21-jre-headless"];

/// While this file exists, Debian's package does not create and start a cluster of its own on port 5432.
const NO_MAIN_CLUSTER: &str = "/etc/postgresql-common/createcluster.d/tradewind.conf";

/// What a run is going to start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "a set of four, each named where it is asked for")]
pub struct Needs {
    /// To run PostgreSQL.
    pub postgres: bool,
    /// To run Kafka.
    pub java: bool,
    /// To fetch Kafka.
    pub maven: bool,
    /// To lint the protos.
    pub npx: bool,
}

impl Needs {
    /// Nothing.
    pub const NOTHING: Self = Self { postgres: false, java: false, maven: false, npx: false };
    /// All that a new machine needs.
    pub const EVERYTHING: Self = Self { postgres: true, java: true, maven: true, npx: true };
}

/// Where things are; `None` for what is not needed or not there.
#[derive(Clone, Debug)]
pub struct Requirements {
    /// The folder that holds `initdb` and `postgres`.
    pub postgres: Option<PathBuf>,
    /// The `java` program.
    pub java: Option<PathBuf>,
    /// The `mvn` program.
    pub maven: Option<PathBuf>,
    /// The `npx` program.
    pub npx: Option<PathBuf>,
}

impl Requirements {
    /// Finds what `needs` asks for; as root on Debian it installs what is missing. Otherwise fails with the command to run.
    pub async fn provide(needs: Needs) -> Result<Self> {
        let found = Self::find(needs).await;
        let missing = found.missing(needs);
        if missing.is_empty() {
            return Ok(found);
        }
        let has_apt = on_path("apt-get").is_some();
        if !(Uid::effective().is_root() && has_apt) {
            bail!("{}", what_to_run(&missing, has_apt));
        }
        install(&missing).await?;
        let found = Self::find(needs).await;
        let missing = found.missing(needs);
        ensure!(missing.is_empty(), "this distribution's packages do not provide {}", names_of(&missing));
        Ok(found)
    }

    async fn find(needs: Needs) -> Self {
        Self {
            postgres: if needs.postgres { find_postgres().await } else { None },
            java: if needs.java { find_java().await } else { None },
            maven: if needs.maven { on_path("mvn") } else { None },
            npx: if needs.npx { on_path("npx") } else { None },
        }
    }

    fn missing(&self, needs: Needs) -> Vec<Missing> {
        let all = [
            (needs.postgres && self.postgres.is_none(), Missing::Postgres),
            (needs.java && self.java.is_none(), Missing::Java),
            (needs.maven && self.maven.is_none(), Missing::Maven),
            (needs.npx && self.npx.is_none(), Missing::Npx),
        ];
        all.into_iter().filter_map(|(is_missing, what)| is_missing.then_some(what)).collect()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Missing {
    Postgres,
    Java,
    Maven,
    Npx,
}

impl Missing {
    fn name(self) -> String {
        match self {
            Self::Postgres => format!("PostgreSQL {POSTGRES_MAJOR_MIN} or newer (runs the databases)"),
            Self::Java => format!("a Java {JAVA_MAJOR_MIN} runtime or newer (runs Kafka)"),
            Self::Maven => "Maven (fetches Kafka)".to_owned(),
            Self::Npx => "npm (fetches buf, which lints the protos)".to_owned(),
        }
    }

    fn package(self, java: &str) -> &str {
        match self {
            Self::Postgres => "postgresql",
            Self::Java => java,
            Self::Maven => "maven",
            Self::Npx => "npm",
        }
    }
}

fn names_of(missing: &[Missing]) -> String {
    missing.iter().map(|what| what.name()).collect::<Vec<_>>().join(", ")
}

fn packages_of(missing: &[Missing], java: &str) -> String {
    missing.iter().map(|what| what.package(java)).collect::<Vec<_>>().join(" ")
}

fn what_to_run(missing: &[Missing], has_apt: bool) -> String {
    let mut text = format!("this machine lacks {}. ", names_of(missing));
    let written = if has_apt {
        let packages = packages_of(missing, JAVA_PACKAGES[0]);
        write!(
            text,
            "Install it with:\n\n  sudo apt-get update && sudo apt-get install -y --no-install-recommends {packages}\n"
        )
    } else {
        write!(
            text,
            "Install it, or name servers that run already in TRADEWIND_DATABASE_URL and TRADEWIND_KAFKA_BROKERS"
        )
    };
    written.expect("writing to a string does not fail");
    text
}

async fn install(missing: &[Missing]) -> Result<()> {
    let step = Step::of("packages");
    progress::say("packages", format_args!("this machine lacks {}", names_of(missing)));
    fs::create_dir_all(fleet_folder())?;
    let log = fleet_folder().join("apt-get.log");
    step.begins("apt-get update");
    apt_get(&["update"], &log).await.context("the lists of packages could not be read; check the network")?;

    let java = known_java_package().await?;
    let packages = packages_of(missing, java);
    step.begins(format_args!("apt-get install {packages}"));
    let no_main_cluster = NoMainCluster::ask_for()?;
    let install: Vec<&str> =
        ["install", "-y", "--no-install-recommends"].into_iter().chain(packages.split(' ')).collect();
    apt_get(&install, &log).await.context("the packages could not be installed")?;
    drop(no_main_cluster);
    step.reached("installed");
    Ok(())
}

/// Unlike every other process of the fleet it may outlive us: one that is killed half way leaves a broken package database.
async fn apt_get(args: &[&str], log: &Path) -> Result<()> {
    let output = OpenOptions::new().create(true).append(true).open(log)?;
    let mut command = Command::new("apt-get");
    command.args(args).env("DEBIAN_FRONTEND", "noninteractive").process_group(0);
    let status = command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output).status().await?;
    if status.success() { Ok(()) } else { Err(Death::of("apt-get", status, log).into()) }
}

async fn known_java_package() -> Result<&'static str> {
    for package in JAVA_PACKAGES {
        let mut show = Command::new("apt-cache");
        show.args(["show", package]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        if show.status().await?.success() {
            return Ok(package);
        }
    }
    bail!("this distribution has none of the packages {}", JAVA_PACKAGES.join(", "))
}

/// The wish that Debian leaves out its own cluster, for the length of one installation.
struct NoMainCluster;

impl NoMainCluster {
    fn ask_for() -> Result<Self> {
        let file = Path::new(NO_MAIN_CLUSTER);
        let folder = file.parent().expect("the file lies in a folder");
        fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
        fs::write(file, "create_main_cluster = false\n").with_context(|| format!("writing {}", file.display()))?;
        Ok(Self)
    }
}

impl Drop for NoMainCluster {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(NO_MAIN_CLUSTER) {
            progress::say("packages", format_args!("{NO_MAIN_CLUSTER} could not be removed: {error}"));
        }
    }
}

/// The newest of Debian's versions, which lie side by side; elsewhere whatever is in `PATH`.
async fn find_postgres() -> Option<PathBuf> {
    let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let versions = debian.filter_map(|entry| Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path())));
    let newest = versions.map(|(major, path)| (major, path.join("bin"))).filter(|(_, bin)| holds_server(bin)).max();
    if let Some((major, bin)) = newest {
        return (major >= POSTGRES_MAJOR_MIN).then_some(bin);
    }
    let bin = on_path("postgres")?.parent()?.to_owned();
    // postgres (PostgreSQL 15.13 (Debian 15.13-0+deb12u1))
    let version = output_of(&bin.join("postgres"), "--version").await?;
    (holds_server(&bin) && first_number(&version)? >= POSTGRES_MAJOR_MIN).then_some(bin)
}

fn holds_server(bin: &Path) -> bool {
    bin.join("initdb").exists() && bin.join("postgres").exists()
}

/// That of `JAVA_HOME` if set, else the one in `PATH`.
async fn find_java() -> Option<PathBuf> {
    let home = std::env::var_os("JAVA_HOME").map(|home| PathBuf::from(home).join("bin/java"));
    for java in home.into_iter().chain(on_path("java")) {
        // openjdk version "17.0.15" 2025-04-15; old ones say "1.8.0_452".
        let version = output_of(&java, "-version").await;
        if version.is_some_and(|text| first_number(&text).is_some_and(|major| major >= JAVA_MAJOR_MIN)) {
            return Some(java);
        }
    }
    None
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// What a program writes, to either stream, when it is asked for its version.
async fn output_of(program: &Path, arg: &str) -> Option<String> {
    let output = Command::new(program).arg(arg).stdin(Stdio::null()).output().await.ok()?;
    Some(String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

fn first_number(text: &str) -> Option<u32> {
    let digits = text.trim_start_matches(|c: char| !c.is_ascii_digit());
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    digits[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_what_the_programs_print() {
        assert_eq!(first_number("openjdk version \"17.0.15\" 2025-04-15"), Some(17));
        assert_eq!(first_number("java version \"1.8.0_452\""), Some(1));
        assert_eq!(first_number("postgres (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)"), Some(15));
        assert_eq!(first_number("no version here"), None);
    }

    #[test]
    fn only_what_is_missing_is_asked_for() {
        let text = what_to_run(&[Missing::Java, Missing::Maven], true);
        assert!(text.contains("--no-install-recommends openjdk-17-jre-headless maven\n"), "{text}");
        assert!(!text.contains("postgresql"), "{text}");
    }
}
