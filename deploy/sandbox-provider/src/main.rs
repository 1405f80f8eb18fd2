//! The `sandbox-provider` binary.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use humantime::parse_duration;
use sandbox_provider::{Sandbox, Tuning};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// A payment provider that is NOT real: it moves no money and knows no cards. Its answers are chosen by test tokens
#[derive(Debug, Parser)]
#[command(version, after_help = TOKENS)]
struct Args {
    /// Address to serve HTTP on; port 0 takes a free one and logs it
    #[arg(long, env = "TRADEWIND_SANDBOX_LISTEN", default_value = "127.0.0.1:8700", value_name = "ADDRESS")]
    listen: SocketAddr,

    /// File that remembers every operation across restarts [default: memory only]
    #[arg(long, env = "TRADEWIND_SANDBOX_STATE", value_name = "FILE")]
    state: Option<PathBuf>,

    /// How late tok_slow is answered
    #[arg(long, env = "TRADEWIND_SANDBOX_SLOW_DELAY", default_value = "5s", value_name = "DURATION", value_parser = parse_duration)]
    slow_delay: Duration,

    /// How often an operation of tok_down is answered 503 before it is carried out
    #[arg(long, env = "TRADEWIND_SANDBOX_DOWN_ATTEMPTS", default_value_t = 3, value_name = "COUNT")]
    down_attempts: u32,
}

const TOKENS: &str = "\
Test tokens:
  tok_approved            everything succeeds
  tok_insufficient_funds  the authorization is declined
  tok_card_expired        the authorization is declined
  tok_capture_fails       the authorization succeeds, the capture is declined
  tok_slow, tok_slow_<ms> the authorization succeeds and is answered late
  tok_lost_answer         each operation is carried out, and its first answer is lost
  tok_down, tok_down_<n>  the first n attempts of each operation are answered 503
  tok_refund_fails_<n>    the first n attempts of each refund are refused, then it succeeds";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let tuning = Tuning { slow_delay: args.slow_delay, down_attempts: args.down_attempts };
    let sandbox = Sandbox::open(tuning, args.state.as_deref())?;
    let listener = TcpListener::bind(args.listen).await?;
    tracing::info!(listen = %listener.local_addr()?, "sandbox provider is up; no money moves here");

    // Whatever was answered is in the file, so there is nothing to drain.
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        served = sandbox_provider::serve(listener, sandbox) => Ok(served?),
        _ = terminate.recv() => Ok(()),
        interrupted = tokio::signal::ctrl_c() => Ok(interrupted?),
    }
}
