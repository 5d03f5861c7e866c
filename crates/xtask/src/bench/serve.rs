//! The real binary, started for a measurement: built in release, on a fresh folder.

use std::io::Read;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;

/// A server that is stopped when dropped.
pub struct Server {
    child: Child,
    /// `127.0.0.1:PORT`.
    pub address: String,
    /// Its data folder.
    pub data: PathBuf,
}

/// Builds the binary in release; its path.
pub fn build() -> anyhow::Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?;
    let status = Command::new("cargo")
        .args(["build", "--quiet", "--release", "--package", "tundish"])
        .current_dir(&root)
        .status()?;
    anyhow::ensure!(status.success(), "the release build did not pass");
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or(root.join("target"), PathBuf::from);
    Ok(target.join("release/tundish"))
}

/// Runs a command of the binary to its end; what it printed.
pub fn command(binary: &Path, data: &Path, args: &[&str]) -> anyhow::Result<String> {
    let output = Command::new(binary)
        .args(args)
        .arg("--data")
        .arg(data)
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("{} {}", binary.display(), args.join(" ")))?;
    anyhow::ensure!(
        output.status.success(),
        "tundish {}: {}",
        args.join(" "),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A port nobody listens on.
pub fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

impl Server {
    /// Starts `tundish serve` on `data` with further environment, and waits until it answers.
    pub fn start(binary: &Path, data: &Path, env: &[(&str, String)]) -> anyhow::Result<Self> {
        let address = format!("127.0.0.1:{}", free_port()?);
        let log = std::fs::File::create(data.join("serve.log"))?;
        let child = Command::new(binary)
            .args(["serve", "--listen", &address, "--data"])
            .arg(data)
            .envs(env.iter().map(|(key, value)| (key, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::from(log.try_clone()?))
            .stderr(Stdio::from(log))
            .spawn()?;
        let mut server = Self { child, address, data: data.to_owned() };
        server.wait_ready()?;
        Ok(server)
    }

    fn wait_ready(&mut self) -> anyhow::Result<()> {
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(60) {
            if let Some(status) = self.child.try_wait()? {
                let mut log = String::new();
                std::fs::File::open(self.data.join("serve.log"))?.read_to_string(&mut log)?;
                anyhow::bail!("tundish serve ended with {status}: {log}");
            }
            if std::net::TcpStream::connect(&self.address).is_ok() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        anyhow::bail!("tundish serve did not listen within a minute")
    }

    /// Resident memory in megabytes.
    pub fn resident_mb(&self) -> anyhow::Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let kb = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .and_then(|value| value.split_whitespace().next()?.parse::<f64>().ok())
            .context("no VmRSS")?;
        Ok(kb / 1024.0)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
