//! The real program, started on a folder and ended as a power cut would, for what only a process
//! can show: kills, memory, cold starts.

use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use engine::{Clock, Engine, Parts, Rng, Sending};
use model::sites::Site;
use store::{Db, Durability, Options};

/// The master key of every installation made here.
pub const MASTER_KEY: [u8; 32] = [7; 32];
/// How long a server may take to listen: a loaded machine starts it slowly.
const START_MAX: Duration = Duration::from_secs(120);
/// Between two looks whether it listens.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// An installation on disk that nothing holds open.
#[derive(Debug, Clone)]
pub struct Installation {
    /// The program.
    pub binary: PathBuf,
    /// Its data folder.
    pub data: PathBuf,
    /// Its database.
    pub url: String,
}

impl Installation {
    /// One under `dir`, on SQLite where `url` is none.
    pub fn new(binary: &Path, dir: &Path, url: Option<String>) -> Self {
        let data = dir.join("data");
        std::fs::create_dir_all(&data).unwrap();
        let url = url.unwrap_or_else(|| format!("sqlite:{}", data.join("tundish.db").display()));
        Self { binary: binary.to_owned(), data, url }
    }

    /// Opens it in this process, with tables and the test site, which answers to 127.0.0.1.
    pub async fn open(&self, durability: Durability) -> (Engine, Site) {
        let options = Options { durability, ..Options::main() };
        let db = Db::connect(&self.url, options).await.unwrap();
        let views = format!("sqlite:{}", self.data.join("views.db").display());
        let parts = Parts {
            db,
            views: Db::connect(&views, Options::views()).await.unwrap(),
            clock: Clock::System,
            rng: Rng::System,
            master_key: MASTER_KEY,
            previous_keys: Vec::new(),
            data_dir: self.data.clone(),
            node_name: "maker".to_owned(),
            sending: Sending::default(),
        };
        let engine = Engine::start(parts).await.unwrap();
        engine::installation::keep_key_check(&engine).await.unwrap();
        let mut site = crate::site();
        let hosts = vec!["127.0.0.1".to_owned()];
        site.id = engine::sites::put(&engine, site.clone(), hosts).await.unwrap();
        (engine, site)
    }

    /// The database alone, as it stands.
    pub async fn database(&self) -> Db {
        Db::connect_as_is(&self.url, &Options::main()).await.unwrap()
    }

    /// The program with `args` and its settings in the environment, and nothing else of it.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command.args(args).arg("--data").arg(&self.data).env_clear();
        command.env("TUNDISH_DATABASE_URL", &self.url);
        command.env("TUNDISH_SECRET_KEY", "07".repeat(32));
        command.env("TUNDISH_DISK_PAUSE_BELOW", "1 MB").stdin(Stdio::null());
        command
    }

    /// Runs a command to its end: whether it went well, and what it said.
    pub fn run(&self, args: &[&str]) -> (bool, String) {
        let output = self.command(args).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&said).into_owned())
    }

    /// Starts the server with further settings and waits until it listens.
    pub fn serve(&self, settings: &[(&str, String)]) -> Server {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let address = format!("127.0.0.1:{port}");
        let log = self.data.join("serve.log");
        let file = std::fs::File::create(&log).unwrap();
        let mut command = self.command(&["serve", "--listen", &address]);
        command.envs(settings.iter().map(|(key, value)| (key, value)));
        command.stdout(file.try_clone().unwrap()).stderr(file);
        let child = command.spawn().unwrap();
        let mut server = Server { child, address, log };
        server.wait_until_it_listens();
        server
    }
}

/// A running server; killed when dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    /// `127.0.0.1:PORT`.
    pub address: String,
    log: PathBuf,
}

impl Server {
    #[expect(clippy::disallowed_methods, reason = "a real process takes real time")]
    fn wait_until_it_listens(&mut self) {
        let begun = Instant::now();
        while TcpStream::connect(&self.address).is_err() {
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("the server ended with {status}: {}", self.said());
            }
            assert!(begun.elapsed() < START_MAX, "the server does not listen: {}", self.said());
            std::thread::sleep(LOOK_EVERY); // waits for a process
        }
    }

    /// What it has said so far.
    pub fn said(&self) -> String {
        let mut text = String::new();
        let mut file = std::fs::File::open(&self.log).unwrap();
        let _ = file.read_to_string(&mut text);
        text
    }

    /// Ends it as a power cut would.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to stop and waits until it has.
    pub fn stop(mut self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        self.child.wait().unwrap();
    }

    /// Its memory in megabytes as the kernel counts it: `VmRSS` now, `VmHWM` at most so far.
    pub fn memory_mb(&self, line: &str) -> f64 {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(path).unwrap();
        let found = status.lines().find_map(|l| l.strip_prefix(line)).unwrap();
        let kb: f64 = found.trim_start_matches(':').trim_end_matches("kB").trim().parse().unwrap();
        kb / 1024.0
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
