//! `buf lint` over `proto/`.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use tokio::process::Command;

use crate::requirements::{Needs, Requirements};

/// The version that the rules are written for.
const BUF: &str = "@bufbuild/buf@1.75.0";

/// Lints the protos; what is wrong is printed by buf itself.
pub async fn lint() -> Result<()> {
    let found = Requirements::provide(Needs { npx: true, ..Needs::NOTHING }).await?;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto");
    let mut command = Command::new(found.npx.context("npx was found a moment ago")?);
    let status = command.args(["--yes", BUF, "lint"]).current_dir(folder).status().await.context("running buf")?;
    ensure!(status.success(), "buf lint found something");
    Ok(())
}
