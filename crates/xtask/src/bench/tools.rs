//! What others made and is measured against: fetched as Debian packages, unpacked, not installed.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::Context;
use engine::Engine;
use model::sites::Site;
use store::Durability;
use testkit::process::Installation;

/// A tool of Postfix, from its package.
pub struct Postfix {
    root: PathBuf,
}

impl Postfix {
    /// Fetches the package with `apt-get` unless it was unpacked before.
    pub fn fetch() -> anyhow::Result<Self> {
        let root = crate::release::root()?.join("target/bench-tools/postfix");
        if !root.join("usr/sbin/smtp-sink").exists() {
            std::fs::create_dir_all(&root)?;
            let script = "apt-get download postfix && dpkg -x postfix_*.deb .";
            let status = Command::new("sh").args(["-c", script]).current_dir(&root).status()?;
            anyhow::ensure!(status.success(), "postfix could not be fetched: needs apt-get, dpkg");
        }
        Ok(Self { root })
    }

    /// A tool of it, to be run as who runs this.
    pub fn tool(&self, name: &str) -> Command {
        let mut command = Command::new(self.root.join("usr/sbin").join(name));
        command.env("LD_LIBRARY_PATH", self.root.join("usr/lib/postfix"));
        command.current_dir("/tmp").stdin(Stdio::null());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// A server that takes every mail and throws it away, on `port`.
    pub fn sink(&self, port: u16) -> anyhow::Result<Running> {
        let mut command = self.tool("smtp-sink");
        if is_root()? {
            command.args(["-u", "nobody"]);
        }
        Running::start(command.arg(format!("127.0.0.1:{port}")).arg("1024"), port)
    }
}

/// A server of another, ended when dropped.
pub struct Running(Child);

impl Running {
    /// Starts it and waits until it listens on `port`.
    pub fn start(command: &mut Command, port: u16) -> anyhow::Result<Self> {
        let mut child = command.spawn().context("a tool could not be started")?;
        for _ in 0..2_000 {
            if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Ok(Self(child));
            }
            if let Some(status) = child.try_wait()? {
                anyhow::bail!("{command:?} ended with {status}");
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        anyhow::bail!("{command:?} does not listen")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Asked, not killed: nginx has workers of its own to end.
        let asked = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status();
        if !asked.is_ok_and(|status| status.success()) {
            let _ = self.0.kill();
        }
        let _ = self.0.wait();
    }
}

fn is_root() -> anyhow::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    Ok(std::fs::metadata("/proc/self")?.uid() == 0)
}

/// A port nobody listens on.
pub fn free_port() -> anyhow::Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// A fresh installation under `dir` with the example shop in it, answering to 127.0.0.1.
pub async fn shop(binary: &Path, dir: &Path) -> anyhow::Result<(Installation, Engine, Site)> {
    let installation = Installation::new(binary, dir, None);
    let (engine, mut site) = installation.open(Durability::Answered).await;
    // The ceiling on confirmations is for strangers; a measurement is one by intention.
    site.settings.confirmations_per_hour = Some(u32::MAX);
    site.settings.test_payments = true;
    let hosts = vec!["127.0.0.1".to_owned()];
    engine::sites::put(&engine, site.clone(), hosts).await?;
    testkit::kills::checkout::apply_example(&engine, &site).await;
    Ok((installation, engine, site))
}

/// Lets go of an installation that was opened in this process.
pub async fn close(engine: Engine) {
    engine.db().close().await;
    engine.views().close().await;
}
