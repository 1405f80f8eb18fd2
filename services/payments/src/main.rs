//! The `payments` binary.

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    payments::run(chassis::cli::parse()).await
}
