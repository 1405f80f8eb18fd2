//! The `sandbox-carrier` binary.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Parser;
use humantime::parse_duration;
use sandbox_carrier::{Carrier, Subscriber, Teller};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// A carrier that is NOT real: nothing is carried. What becomes of a parcel is chosen by its test address
#[derive(Debug, Parser)]
#[command(version, after_help = ADDRESSES)]
struct Args {
    /// Address to serve HTTP on; port 0 takes a free one and logs it
    #[arg(long, env = "TRADEWIND_SANDBOX_CARRIER_LISTEN", default_value = "127.0.0.1:8710", value_name = "ADDRESS")]
    listen: SocketAddr,

    /// File that remembers labels and handovers across restarts [default: memory only]
    #[arg(long, env = "TRADEWIND_SANDBOX_CARRIER_STATE", value_name = "FILE")]
    state: Option<PathBuf>,

    /// How long a step of a parcel takes: it is accepted at once, on its way after one, delivered after two
    #[arg(long, env = "TRADEWIND_SANDBOX_CARRIER_PACE", default_value = "1s", value_name = "DURATION", value_parser = parse_duration)]
    pace: Duration,

    /// Where scans are told to, by signed webhooks [default: nobody is told]
    #[arg(long, env = "TRADEWIND_SANDBOX_CARRIER_WEBHOOK_URL", value_name = "URL", requires = "webhook_secret")]
    webhook_url: Option<String>,

    /// Key of the signatures: whsec_ and the key in base64
    #[arg(long, env = "TRADEWIND_SANDBOX_CARRIER_WEBHOOK_SECRET", value_name = "SECRET", hide_env_values = true)]
    webhook_secret: Option<String>,
}

const ADDRESSES: &str = "\
Test addresses, each a line of the address:
  sandbox:delivered    accepted, on its way, delivered; so is every parcel without such a line
  sandbox:lost         the carrier cannot find it any more
  sandbox:refused      its recipient does not take it
  sandbox:returned     it cannot be delivered, and goes back to its sender
  sandbox:shuffled     delivered, and told of in the wrong order
  sandbox:repeated     delivered, and each scan is told three times
  sandbox:silent       delivered, and nobody is told; it answers when it is asked
  sandbox:return-lost  delivered; what is sent back from there is lost
  sandbox:no-returns   delivered; nothing is taken back from there
What is sent back from there is lost, shuffled, repeated or silent as well, and otherwise arrives.";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let carrier = Carrier::open(args.pace, args.state.as_deref())?;
    let listener = TcpListener::bind(args.listen).await?;
    tracing::info!(listen = %listener.local_addr()?, "sandbox carrier is up; nothing is carried here");
    if let (Some(url), Some(secret)) = (args.webhook_url, args.webhook_secret) {
        let key = secret.strip_prefix("whsec_").unwrap_or(&secret);
        let secret = STANDARD.decode(key).context("--webhook-secret is whsec_ and a key in base64")?;
        tokio::spawn(Teller::new(carrier.clone(), Subscriber { url, secret })?.run());
    }

    // Whatever was answered is in the file, so there is nothing to drain.
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        served = sandbox_carrier::serve(listener, carrier) => Ok(served?),
        _ = terminate.recv() => Ok(()),
        interrupted = tokio::signal::ctrl_c() => Ok(interrupted?),
    }
}
