//! The `inventory` binary.

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    inventory::run(chassis::cli::parse()).await
}
