//! The `cart` binary.

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    cart::run(chassis::cli::parse()).await
}
