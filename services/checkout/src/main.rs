//! The `checkout` binary.

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    checkout::run(chassis::cli::parse()).await
}
