//! The commands, run as people run them.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

mod analyze;
mod data_care;
mod demo;
mod exports;
mod funnel;
mod keys;
mod mail;
pub mod operators;
mod people;
mod serving;
mod settings;
mod simulate;
mod tables;

/// What a command did.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    /// The output, of a command that must have gone well.
    pub fn ok(self) -> String {
        assert_eq!(self.code, 0, "{self:?}");
        self.stdout
    }

    /// The output as JSON.
    pub fn json(self) -> serde_json::Value {
        let stdout = self.ok();
        serde_json::from_str(&stdout).unwrap_or_else(|e| panic!("{e}: {stdout}"))
    }

    /// The error, of a command that must have been refused with one sentence.
    pub fn refused(self, code: i32) -> String {
        assert_eq!(self.code, code, "{self:?}");
        assert_eq!(self.stderr.trim().lines().count(), 1, "one sentence: {self:?}");
        assert!(!self.stderr.contains("panicked"), "{self:?}");
        self.stderr
    }
}

impl Ran {
    /// Whether it was used wrongly; what is said then is the parser's own.
    pub fn refused_usage(self) {
        assert_eq!(self.code, 2, "{self:?}");
        assert!(self.stdout.is_empty() && self.stderr.contains("Usage:"), "{self:?}");
    }
}

/// Opens the shop of a folder in this process, with its own key, and does something with it.
pub fn opened<T>(desk: &Desk, act: impl AsyncFnOnce(engine::Engine, model::sites::Site) -> T) -> T {
    let data = desk.data();
    let key = std::fs::read_to_string(data.join("secret.key")).unwrap();
    let bytes = key.trim().as_bytes().chunks(2);
    let bytes: Vec<u8> = bytes
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect();
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let url = |name: &str| format!("sqlite:{}", data.join(name).display());
        let (main, views) = (store::Options::main(), store::Options::views());
        let parts = engine::Parts {
            db: store::Db::connect(&url("tundish.db"), main).await.unwrap(),
            views: store::Db::connect(&url("views.db"), views).await.unwrap(),
            clock: engine::Clock::System,
            rng: engine::Rng::System,
            master_key: bytes.try_into().unwrap(),
            previous_keys: Vec::new(),
            data_dir: data.clone(),
            node_name: "test".to_owned(),
            sending: engine::Sending::default(),
        };
        let engine = engine::Engine::start(parts).await.unwrap();
        let reader = engine.reader();
        let sites = reader.read::<_, engine::EngineError, _>(|session| {
            Box::pin(async move { Ok(store::sites::list(session).await?) })
        });
        let site = sites.await.unwrap().remove(0);
        let done = act(engine.clone(), site).await;
        engine.views().close().await;
        engine.db().close().await;
        done
    })
}

/// A folder to run commands in.
pub struct Desk {
    dir: TempDir,
}

impl Desk {
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    pub fn data(&self) -> PathBuf {
        self.path().join("data")
    }

    /// Writes a file into the folder.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// The program, in this folder, with nothing of the environment but what a shell needs.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tundish"));
        command.args(args).current_dir(self.path()).env_clear();
        if let Ok(path) = std::env::var("PATH") {
            command.env("PATH", path);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub fn run(&self, args: &[&str]) -> Ran {
        finish(self.command(args).spawn().unwrap())
    }

    pub fn run_with(&self, args: &[&str], variables: &[(&str, &str)]) -> Ran {
        finish(self.command(args).envs(variables.iter().copied()).spawn().unwrap())
    }

    /// Runs with text on standard input.
    pub fn run_saying(&self, args: &[&str], text: &str) -> Ran {
        let mut child = self.command(args).stdin(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(text.as_bytes()).unwrap();
        drop(stdin);
        finish(child)
    }

    /// Starts a server on a free port and waits until it listens.
    pub fn serve(&self) -> Server {
        let args = ["serve", "--listen", "127.0.0.1:0"];
        let mut child = self.command(&args).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut said = Vec::new();
        for line in &mut lines {
            let line = line.unwrap();
            let address = line.split("listens on http://").nth(1).map(ToOwned::to_owned);
            said.push(line);
            if let Some(address) = address {
                let (tell, rest) = std::sync::mpsc::channel();
                std::thread::spawn(move || {
                    for line in lines.map_while(Result::ok) {
                        if tell.send(line).is_err() {
                            break;
                        }
                    }
                });
                return Server { child, address, said: said.join("\n"), rest };
            }
        }
        panic!("the server did not start: {said:?}");
    }
}

fn finish(child: Child) -> Ran {
    let output = child.wait_with_output().unwrap();
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// A running server; killed when dropped.
pub struct Server {
    child: Child,
    pub address: String,
    pub said: String,
    rest: std::sync::mpsc::Receiver<String>,
}

impl Server {
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The answer to a bare GET, headers and all.
    pub fn get(&self, path: &str) -> String {
        self.get_from("localhost", path)
    }

    /// The same, asked of a host by its name.
    pub fn get_from(&self, host: &str, path: &str) -> String {
        use std::io::Read;
        let mut stream = std::net::TcpStream::connect(&self.address).unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Sends it a signal by its name.
    pub fn signal(&self, name: &str) {
        let pid = self.pid().to_string();
        assert!(Command::new("kill").args([name, &pid]).status().unwrap().success());
    }

    /// Waits until it says something with `words` in it, and gives that line.
    pub fn hear(&self, words: &str) -> String {
        let limit = std::time::Duration::from_secs(120);
        loop {
            let line = self.rest.recv_timeout(limit).unwrap_or_else(|_| panic!("never: {words}"));
            if line.contains(words) {
                return line;
            }
        }
    }

    /// Asks the server to stop and waits: its exit code and what it still said.
    pub fn stop(mut self) -> (i32, String) {
        self.signal("-TERM");
        let code = self.child.wait().unwrap().code().unwrap_or(-1);
        (code, self.rest.iter().collect::<Vec<_>>().join("\n"))
    }

    /// Ends it as a power cut would.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
