//! The `shipping` binary.

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    shipping::run(chassis::cli::parse()).await
}
