//! Settings in four layers: defaults, file, environment, flags. Each value knows where it came
//! from, and what is wrong is told with its line.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::de::{DeTable, DeValue};
use web::extract::net::Net;

mod keys;
mod values;

pub use keys::{KEYS, Key, Kind};

const DEFAULTS: &str = include_str!("config/defaults.toml");
/// Variables of ours that are not settings.
const OTHER_VARIABLES: &[&str] =
    &["TUNDISH_TEST_", "TUNDISH_CONFIG", "TUNDISH_PASSWORD", "TUNDISH_LOG_STYLE"];

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// `defaults.toml`, embedded.
    Default,
    /// A line of a file.
    File(PathBuf, usize),
    /// An environment variable.
    Variable(String),
    /// A flag of this command.
    Flag,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path, line) => write!(f, "{} line {line}", path.display()),
            Self::Variable(name) => f.write_str(name),
            Self::Flag => f.write_str("flag"),
        }
    }
}

/// A value and where it came from.
#[derive(Debug, Clone)]
pub struct Setting {
    /// The value as text.
    pub value: String,
    /// Where it came from.
    pub origin: Origin,
}

/// The settings that hold.
#[derive(Debug, Clone)]
pub struct Config {
    settings: BTreeMap<&'static str, Setting>,
    /// What was changed or passed over, for the log.
    pub warnings: Vec<String>,
}

/// What changed from one reading to the next.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Changed {
    /// What holds already.
    pub taken: Vec<&'static str>,
    /// What holds from the next start on.
    pub waiting: Vec<&'static str>,
}

/// What the layers are made from.
#[derive(Debug, Default)]
pub struct Layers {
    /// The settings file and its text.
    pub file: Option<(PathBuf, String)>,
    /// The environment.
    pub variables: Vec<(String, String)>,
    /// Flags by the name of the setting.
    pub flags: Vec<(&'static str, String)>,
}

impl Config {
    /// Lays the layers over one another.
    ///
    /// # Errors
    /// A sentence that names the line, or the variable, and says what was expected.
    pub fn load(layers: Layers) -> Result<Self, String> {
        let mut config = Self { settings: BTreeMap::new(), warnings: Vec::new() };
        config.lay_file(DEFAULTS, |_| Origin::Default, "the defaults")?;
        if let Some((path, text)) = &layers.file {
            let name = path.display().to_string();
            config.lay_file(text, |line| Origin::File(path.clone(), line), &name)?;
        }
        config.lay_variables(&layers.variables)?;
        for (name, value) in layers.flags {
            let key = keys::find(name).ok_or_else(|| format!("there is no setting {name}"))?;
            config.put(key, &value, Origin::Flag, "the flag")?;
        }
        config.check()?;
        Ok(config)
    }

    fn lay_file(
        &mut self,
        text: &str,
        origin: impl Fn(usize) -> Origin,
        name: &str,
    ) -> Result<(), String> {
        let document = DeTable::parse(text).map_err(|error| {
            let line = error.span().map_or(1, |span| line_of(text, span.start));
            format!("{name} is not TOML: {} (line {line})", error.message())
        })?;
        for (section, table) in document.get_ref() {
            let Some(table) = table.get_ref().as_table() else {
                let line = line_of(text, section.span().start);
                let word = section.get_ref();
                return Err(format!("{name}: {word} stands outside a [section] (line {line})"));
            };
            for (word, value) in table {
                let full = format!("{}.{}", section.get_ref(), word.get_ref());
                let line = line_of(text, word.span().start);
                let key = keys::find(&full)
                    .ok_or_else(|| format!("{name}: {} (line {line})", unknown(&full)))?;
                let value = scalar(value.get_ref())
                    .ok_or_else(|| format!("{name}: {full} is a text or a number (line {line})"))?;
                self.put(key, &value, origin(line), &format!("{name} line {line}"))?;
            }
        }
        Ok(())
    }

    fn lay_variables(&mut self, variables: &[(String, String)]) -> Result<(), String> {
        for (name, value) in variables {
            if !name.starts_with("TUNDISH_")
                || OTHER_VARIABLES.iter().any(|other| name.starts_with(other))
            {
                continue;
            }
            let Some(key) = KEYS.iter().find(|key| keys::variable(key.name) == *name) else {
                let known: Vec<String> = KEYS.iter().map(|key| keys::variable(key.name)).collect();
                let meant = model::spelling::nearest(name, known.iter().map(String::as_str));
                let hint = meant.map_or(String::new(), |word| format!("; did you mean {word}?"));
                self.warnings.push(format!("the variable {name} is not a setting{hint}"));
                continue;
            };
            self.put(key, value, Origin::Variable(name.clone()), name)?;
        }
        Ok(())
    }

    fn put(
        &mut self,
        key: &'static Key,
        text: &str,
        origin: Origin,
        place: &str,
    ) -> Result<(), String> {
        let (value, changed) = values::check(key.kind, text).map_err(|expected| {
            let shown = if key.kind == Kind::Secret { "the value" } else { text };
            format!("{} {expected}, not {shown:?} ({place})", key.name)
        })?;
        if let Some(why) = changed {
            self.warnings.push(format!("{} {why} ({place}); {value} is used", key.name));
        }
        self.settings.insert(key.name, Setting { value, origin });
        Ok(())
    }

    /// What one setting forbids of another.
    fn check(&self) -> Result<(), String> {
        let relay = self.text("smtp.host");
        let signs_in = !self.text("smtp.username").is_empty();
        if signs_in && self.text("smtp.tls") == "none" && !is_loopback_name(relay) {
            return Err(format!(
                "smtp.tls = \"none\" would send the password to {relay} for all to read; \
                 set smtp.tls to \"starttls\" or \"tls\""
            ));
        }
        if hosts(self.text("database.url")) > 1 && self.text("ha.accept_data_loss") != "true" {
            return Err(
                "database.url names several hosts: a node could go on writing to one that \
                 is the primary no more, and what it wrote there is lost; name a proxy that \
                 follows the primary, or set ha.accept_data_loss = true"
                    .to_owned(),
            );
        }
        let proxies = self.trusted_proxies()?;
        if !self.listen().ip().is_loopback() && proxies.is_empty() {
            return Err(format!(
                "server.listen = \"{}\" would serve plain http to the network; listen on \
                 127.0.0.1, or put a proxy that does TLS in front and name it in \
                 server.trusted_proxies",
                self.listen()
            ));
        }
        Ok(())
    }

    /// These settings with everything of `fresh` that a running server can change, and what that
    /// is; the rest stays as it is until the next start.
    pub fn followed_by(&self, fresh: &Self) -> (Self, Changed) {
        let (mut now, mut changed) = (self.clone(), Changed::default());
        for key in KEYS {
            let differs = self.text(key.name) != fresh.text(key.name);
            if !key.is_live() {
                changed.waiting.extend(differs.then_some(key.name));
                continue;
            }
            changed.taken.extend(differs.then_some(key.name));
            if let Some(setting) = fresh.settings.get(key.name) {
                now.settings.insert(key.name, setting.clone());
            }
        }
        (now, changed)
    }

    /// The text under a key; empty where nothing stands there.
    pub fn text(&self, name: &str) -> &str {
        self.settings.get(name).map_or("", |setting| setting.value.as_str())
    }

    fn whole(&self, name: &str) -> i64 {
        self.text(name).parse().unwrap_or(0)
    }

    /// Where to listen.
    pub fn listen(&self) -> SocketAddr {
        let loopback = SocketAddr::new(IpAddr::from([127, 0, 0, 1]), 8095);
        self.text("server.listen").parse().unwrap_or(loopback)
    }

    /// The only host that answers to `/admin`, where one is set.
    pub fn admin_host(&self) -> Option<&str> {
        Some(self.text("server.admin_host")).filter(|host| !host.is_empty())
    }

    /// The folder of databases, files and keys.
    pub fn data(&self) -> PathBuf {
        PathBuf::from(self.text("server.data"))
    }

    /// Proxies whose word about the visitor is believed.
    ///
    /// # Errors
    /// One of them is neither an address nor a network.
    pub fn trusted_proxies(&self) -> Result<Vec<Net>, String> {
        let words = self.text("server.trusted_proxies").split(',').map(str::trim);
        words
            .filter(|word| !word.is_empty())
            .map(|word| {
                word.parse().map_err(|_| {
                    format!(
                        "server.trusted_proxies holds {word:?}, which is neither an address nor \
                         a network such as 10.0.0.0/8"
                    )
                })
            })
            .collect()
    }

    /// How long open work may finish after a stop was asked for.
    pub fn shutdown(&self) -> Duration {
        values::span(self.text("server.shutdown")).unwrap_or(Duration::from_secs(30))
    }

    /// The address of the main database.
    pub fn database_url(&self) -> String {
        match self.text("database.url") {
            "" => format!("sqlite:{}", self.data().join("tundish.db").display()),
            url => url.to_owned(),
        }
    }

    /// Readers or connections.
    pub fn connections(&self) -> usize {
        usize::try_from(self.whole("database.connections")).unwrap_or(4)
    }

    /// What every commit is delayed by: a slower disk, modelled.
    pub fn commit_delay(&self) -> Duration {
        values::span(self.text("database.commit_delay")).unwrap_or(Duration::ZERO)
    }

    /// How long a mail that may have left waits before it is sent again: transactional, other.
    pub fn unknown_waits(&self) -> (Option<Duration>, Option<Duration>) {
        let of = |name| values::span(self.text(name));
        (of("mail.unknown_wait_transactional"), of("mail.unknown_wait"))
    }

    /// Free bytes below which sending pauses.
    pub fn pause_below(&self) -> u64 {
        values::size(self.text("disk.pause_below")).unwrap_or(1_000_000_000)
    }

    /// A number between 1 and 65535.
    pub fn smtp_port(&self) -> u16 {
        u16::try_from(self.whole("smtp.port")).unwrap_or(587)
    }

    /// Connections to the relay, 1 to 64.
    pub fn smtp_connections(&self) -> u16 {
        u16::try_from(self.whole("smtp.connections")).unwrap_or(10)
    }

    /// Every setting as it may be shown: name, value with secrets left out, origin.
    pub fn shown(&self) -> Vec<(&'static str, String, Origin)> {
        let shown = KEYS.iter().filter_map(|key| {
            let setting = self.settings.get(key.name)?;
            let value = match key.kind {
                Kind::Secret if !setting.value.is_empty() => "***".to_owned(),
                Kind::Database => values::redact_url(&setting.value),
                _ => setting.value.clone(),
            };
            Some((key.name, value, setting.origin.clone()))
        });
        shown.collect()
    }

    /// Files that hold secrets, where one is named: they must not be readable by others.
    pub fn secret_files(&self) -> Vec<PathBuf> {
        let named = ["secret.key_file", "secret.previous_keys_file", "smtp.password_file"]
            .map(|name| self.text(name));
        let mut files: Vec<PathBuf> =
            named.iter().filter(|path| !path.is_empty()).map(PathBuf::from).collect();
        for name in ["secret.key", "secret.previous_keys", "smtp.password"] {
            if let Some(Setting { value, origin: Origin::File(path, _) }) = self.settings.get(name)
                && !value.is_empty()
            {
                files.push(path.clone());
            }
        }
        files
    }

    /// Whether strangers can reach this server: then what is merely unwise is refused.
    pub fn is_public(&self) -> bool {
        !self.listen().ip().is_loopback()
    }
}

fn unknown(full: &str) -> String {
    match model::spelling::nearest(full, KEYS.iter().map(|key| key.name)) {
        Some(meant) => format!("there is no setting {full}; did you mean {meant}?"),
        None => format!("there is no setting {full}; `tundish config show` lists them"),
    }
}

fn scalar(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) => Some(number.as_str().replace('_', "")),
        DeValue::Float(number) => Some(number.as_str().to_owned()),
        DeValue::Boolean(flag) => Some(flag.to_string()),
        DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => None,
    }
}

/// How many servers a database address names.
fn hosts(url: &str) -> usize {
    let place = url.split_once("://").map_or("", |(_, rest)| rest);
    let place = place.split(['/', '?']).next().unwrap_or_default();
    place.rsplit('@').next().unwrap_or_default().split(',').count()
}

fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

fn is_loopback_name(host: &str) -> bool {
    host == "localhost"
        || host.ends_with(".localhost")
        || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Whether others than its owner may read the file.
///
/// # Errors
/// It cannot be looked at.
pub fn readable_by_others(path: &Path) -> std::io::Result<bool> {
    use std::os::unix::fs::PermissionsExt;
    Ok(std::fs::metadata(path)?.permissions().mode() & 0o077 != 0)
}

#[cfg(test)]
mod tests;
