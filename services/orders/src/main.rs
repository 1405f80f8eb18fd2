//! The `orders` binary.

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    orders::run(chassis::cli::parse()).await
}
