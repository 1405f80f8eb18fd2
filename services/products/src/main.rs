//! The `products` binary.

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    products::run(chassis::cli::parse()).await
}
