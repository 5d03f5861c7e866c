//! The program as it is given to people: built in release.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The root of the workspace.
pub fn root() -> anyhow::Result<PathBuf> {
    Ok(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?)
}

/// Names a program that was built before, to be measured instead of this source's.
const GIVEN: &str = "TUNDISH_XTASK_BINARY";

/// Builds it; its path.
pub fn build() -> anyhow::Result<PathBuf> {
    if let Some(given) = std::env::var_os(GIVEN) {
        return Ok(PathBuf::from(given));
    }
    let root = root()?;
    let status = Command::new("cargo")
        .args(["build", "--quiet", "--release", "--package", "tundish"])
        .current_dir(&root)
        .status()?;
    anyhow::ensure!(status.success(), "the release build did not pass");
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or(root.join("target"), PathBuf::from);
    Ok(target.join("release/tundish"))
}

/// A runtime for a chore.
pub fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}
