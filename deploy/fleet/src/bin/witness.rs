//! The `witness` binary.

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    fleet::witness::run(chassis::cli::parse()).await
}
