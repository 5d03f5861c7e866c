//! The whole product through mail servers that others wrote: what they received is taken apart
//! header by header, and its signatures are checked by another's verifier.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use axum::body::Body;
use axum::http::{Request, header};
use engine::sending::{self, Smtp};
use engine::{Sending, Transport};
use mail::smtp::Trust;
use model::contacts::Status;
use model::sending::{SmtpSettings, SmtpTls};
use model::sites::Site;
use model::times::DAY_MS;
use testkit::sink::certs;
use testkit::{Mail, TestApp};

use crate::people::{contact, fill_in};

const SHOP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/ebook-shop/funnel.toml");
const PAT: &str = "pat@reader.example";
const SENDER: &str = "nora@shop.example";
/// Where Debian's package of Postfix puts it.
const SMTP_SINK: &str = "/usr/sbin/smtp-sink";

/// A server of aiosmtpd which wants TLS and a login before it takes mail. It says its port, then
/// one line a mail: envelope and octets, as they came.
const AIOSMTPD: &str = r"
import asyncio, json, logging, ssl, sys
from aiosmtpd.smtp import SMTP, AuthResult
logging.disable(logging.WARNING)
class Keep:
    async def handle_DATA(self, server, session, envelope):
        octets = envelope.original_content.decode('ascii')
        print(json.dumps({'from': envelope.mail_from, 'to': envelope.rcpt_tos,
            'tls': session.ssl is not None, 'octets': octets}), flush=True)
        return '250 2.0.0 kept'
def login(server, session, envelope, mechanism, data):
    good = data.login == b'nora' and data.password == b'a long secret'
    return AuthResult(success=good)
context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain(sys.argv[1], sys.argv[2])
def server():
    return SMTP(Keep(), tls_context=context, require_starttls=True, authenticator=login,
        auth_required=True, hostname='localhost')
async def main():
    listening = await asyncio.get_running_loop().create_server(server, '127.0.0.1', 0)
    print(listening.sockets[0].getsockname()[1], flush=True)
    await listening.serve_forever()
asyncio.run(main())
";

/// dkimpy over one mail: a verdict for each of its signatures. The clock of the shop stands in
/// 2026, so dkimpy is told the time.
const DKIMPY: &str = r"
import sys, dkim
class Then:
    @staticmethod
    def time():
        return int(sys.argv[2])
dkim.time = Then
records = dict(line.split(' ', 1) for line in sys.argv[1].split('\n'))
def dns(name, timeout=5):
    return records[name.decode().rstrip('.')].encode()
message = sys.stdin.buffer.read()
count = message.split(b'\r\n\r\n')[0].lower().count(b'dkim-signature:')
for nth in range(count):
    print(dkim.DKIM(message, minkey=1024).verify(idx=nth, dnsfunc=dns))
";

/// A process of another, ended when dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What aiosmtpd wrote of a mail.
#[derive(serde::Deserialize)]
struct Arrived {
    from: String,
    to: Vec<String>,
    tls: bool,
    octets: String,
}

fn python_has(test: &str, modules: &str) -> bool {
    let asked = Command::new("python3").args(["-c", &format!("import {modules}")]).output();
    let has = asked.is_ok_and(|done| done.status.success());
    if !has {
        testkit::data::skipped(test, &format!("python3 with {modules} is absent"));
    }
    has
}

/// The example shop behind https, with a signing key of each kind.
async fn shop(sending: Sending) -> TestApp {
    let mut app = TestApp::start_sending(sending).await;
    app.site.base_url = "https://shop.example".to_owned();
    app.site.settings.test_payments = true;
    engine::sites::put(&app.engine, app.site.clone(), Vec::new()).await.unwrap();
    testkit::funnels::apply(&app, Path::new(SHOP)).await;
    for (selector, kind) in [("s2026", "rsa"), ("e2026", "ed25519")] {
        let site = now(&app).await;
        sending::make_dkim(&app.engine, &site, selector, kind).await.unwrap();
    }
    app.site = now(&app).await;
    app
}

async fn now(app: &TestApp) -> Site {
    engine::sites::get_by_slug(&app.engine, "shop").await.unwrap()
}

/// Everything that is due, over SMTP too.
async fn send(app: &TestApp) {
    app.run_until_idle().await;
    engine::deliver::drain(&app.engine).await.unwrap();
    app.run_until_idle().await;
}

/// A stranger asks, confirms, gets a letter of the sequence, and buys.
async fn walk(app: &TestApp) {
    let fields = [("email", PAT), ("first_name", "Pät")];
    assert_eq!(fill_in(app, "first-loaf", &fields).await.status, 303);
    send(app).await;
    let path = crate::people::path_in(app, "confirmation", "confirm_url").await;
    assert_eq!(app.post(&path, &[]).await.status, 200);
    app.advance_ms(3 * DAY_MS).await;
    send(app).await;
    let bought = app.buy("weekday-bread", &[("email", PAT), ("country", "US")]).await;
    assert_eq!(bought.answer.status, 303, "{}", bought.answer.body);
    let mut next = bought.answer.location().to_owned();
    while next.ends_with("/next") {
        let offer = app.get(&next).await;
        if offer.status.is_redirection() {
            offer.location().clone_into(&mut next);
            continue;
        }
        let t = offer.hidden("t");
        next = app.post(&offer.form("/decline"), &[("t", &t)]).await.location().to_owned();
    }
    app.advance_ms(2 * 3_600_000).await;
    send(app).await;
}

/// What dkimpy says of each signature of a mail.
fn verdicts(app: &TestApp, octets: &[u8]) -> Vec<String> {
    let dkim = &app.site.settings.sending.dkim;
    let rows: Vec<String> = dkim
        .iter()
        .map(|key| format!("{}._domainkey.{} {}", key.selector, key.domain, key.record))
        .collect();
    let at = (app.engine.now().0 / 1_000).to_string();
    let mut python = Command::new("python3")
        .args(["-c", DKIMPY, &rows.join("\n"), &at])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    python.stdin.take().unwrap().write_all(octets).unwrap();
    let said = python.wait_with_output().unwrap();
    String::from_utf8(said.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// What deliverability.md §2 asks of every mail.
fn is_a_proper_mail(mail: &Mail) {
    let head = mail.source.split("\r\n\r\n").next().unwrap();
    let unfolded = head.replace("\r\n ", " ").replace("\r\n\t", " ");
    let count = |name: &str| {
        let start = format!("{}:", name.to_lowercase());
        unfolded.lines().filter(|line| line.to_lowercase().starts_with(&start)).count()
    };
    for name in ["From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type"] {
        assert_eq!(count(name), 1, "{name} in\n{head}");
    }
    for name in ["Precedence", "X-Mailer", "User-Agent", "Bcc", "Cc", "Sender"] {
        assert_eq!(count(name), 0, "{name} in\n{head}");
    }
    assert_eq!(count("Disposition-Notification-To"), 0);
    assert_eq!(mail.header("From").unwrap(), format!("Nora of The Slow Loaf <{SENDER}>"));
    assert_eq!(mail.header("To").unwrap(), PAT);
    assert!(mail.subject.chars().count() <= 200 && !mail.subject.is_empty());
    let id = mail.header("Message-ID").unwrap();
    assert!(id.starts_with('<') && id.ends_with("@shop.example>"), "{id}");
    let date = mail.header("Date").unwrap();
    assert!(date.contains(" Jan 2026 ") && date.ends_with(" +0000"), "{date}");
    assert_eq!(mail.header("X-Auto-Response-Suppress").unwrap(), "OOF, AutoReply");
    let kind = mail.header("Content-Type").unwrap();
    assert!(kind.starts_with("multipart/alternative;"), "{kind}");
    assert_eq!(mail.source.matches("Content-Transfer-Encoding: quoted-printable").count(), 2);
    let text_at = mail.source.find("Content-Type: text/plain; charset=utf-8").unwrap();
    let html_at = mail.source.find("Content-Type: text/html; charset=utf-8").unwrap();
    assert!(text_at < html_at, "the plainer part stands first (RFC 2046 §5.1.4)");
    assert!(mail.text.len() > 80 && !mail.text.contains("<p"), "{}", mail.text);
    assert!(mail.html.contains("<p") && mail.html.contains("14 Mill Lane"));
    assert!(mail.text.contains("14 Mill Lane"), "the postal address: {}", mail.text);
    assert!(mail.source.is_ascii(), "seven bits always");
    assert_eq!(mail.source.matches('\n').count(), mail.source.matches("\r\n").count());
    let body = mail.source.split_once("\r\n\r\n").unwrap().1;
    assert!(body.lines().all(|line| line.len() <= 76), "lines of at most 76");
    for tag in ["a=rsa-sha256", "a=ed25519-sha256", "d=shop.example", "c=relaxed/relaxed"] {
        assert!(head.contains(tag), "{tag} in\n{head}");
    }
    assert!(!head.contains(" l="), "no part of the body is left unsigned");
}

/// What marketing mail carries beside it.
fn is_marketing(mail: &Mail) {
    let leave = mail.header("List-Unsubscribe").unwrap();
    assert!(leave.starts_with("<https://shop.example/u/") && leave.ends_with('>'), "{leave}");
    assert_eq!(mail.header("List-Unsubscribe-Post").unwrap(), "List-Unsubscribe=One-Click");
    assert_eq!(mail.header("List-Id").unwrap(), "The Slow Loaf <shop.shop.example>");
    let feedback = mail.header("Feedback-ID").unwrap();
    assert_eq!(feedback.split(':').count(), 4, "{feedback}");
    assert!(feedback.ends_with(":shop:tundish"), "{feedback}");
    assert!(mail.header("Auto-Submitted").is_none(), "a letter answers nothing");
    let signed = mail.source.split("\r\n\r\n").next().unwrap().replace(['\r', '\n', ' '], "");
    assert!(signed.contains(":List-Unsubscribe:List-Unsubscribe-Post"), "RFC 8058 §4: {signed}");
    assert!(mail.text.contains("https://shop.example/u/"), "and where one sees it: {}", mail.text);
}

fn is_transactional(mail: &Mail) {
    assert_eq!(mail.header("Auto-Submitted").unwrap(), "auto-generated");
    for name in ["List-Unsubscribe", "List-Unsubscribe-Post", "List-Id", "Feedback-ID"] {
        assert!(mail.header(name).is_none(), "{name} in {}", mail.source);
    }
}

/// The one mail whose subject begins like this.
fn one<'a>(mails: &'a [Mail], subject: &str) -> &'a Mail {
    let found: Vec<&Mail> = mails.iter().filter(|m| m.subject.starts_with(subject)).collect();
    let all: Vec<&str> = mails.iter().map(|mail| mail.subject.as_str()).collect();
    assert_eq!(found.len(), 1, "{subject} among {all:?}");
    found[0]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn aiosmtpd_gets_every_header_signed_and_the_button_of_its_reader_works() {
    const TEST: &str = "aiosmtpd_gets_every_header_signed_and_the_button_of_its_reader_works";
    if !python_has(TEST, "aiosmtpd, dkim, nacl") {
        return;
    }
    let certificate = certs::valid_for("localhost");
    let dir = tempfile::tempdir().unwrap();
    let (pem, key) = (dir.path().join("cert.pem"), dir.path().join("key.pem"));
    std::fs::write(&pem, &certificate.pem).unwrap();
    std::fs::write(&key, &certificate.key_pem).unwrap();
    let mut child = Command::new("python3")
        .args(["-W", "ignore", "-c", AIOSMTPD])
        .args([&pem, &key])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
    let server = Running(child);
    let port: u16 = said.next().unwrap().unwrap().parse().unwrap();

    let app = shop(Sending::by(starttls(port, &certificate.pem))).await;
    walk(&app).await;
    drop(server);
    let arrived: Vec<Arrived> =
        said.map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect();
    let mut mails = Vec::new();
    for one in &arrived {
        assert_eq!((one.from.as_str(), one.to.as_slice()), (SENDER, &[PAT.to_owned()][..]));
        assert!(one.tls, "not a word before STARTTLS");
        let octets = one.octets.as_bytes();
        assert_eq!(verdicts(&app, octets), ["True", "True"]);
        mails.push(Mail::read(PAT, octets));
    }
    for mail in &mails {
        is_a_proper_mail(mail);
    }
    is_transactional(one(&mails, "Please confirm"));
    is_transactional(one(&mails, "Your order"));
    let letter = one(&mails, "Your chapter, and one thing");
    is_marketing(letter);
    let altered = letter.source.replacen("One-Click", "One-Clack", 1);
    assert_eq!(verdicts(&app, altered.as_bytes()), ["False", "False"]);
    leaves_by_a_bare_post(&app, letter).await;
}

/// What a mail program does for its reader (RFC 8058 §3.2): no cookie, no page before it.
async fn leaves_by_a_bare_post(app: &TestApp, letter: &Mail) {
    assert!(contact(app, PAT).await.unwrap().status == Status::Confirmed);
    let header = letter.header("List-Unsubscribe").unwrap();
    let path = header.trim_matches(['<', '>']).strip_prefix("https://shop.example").unwrap();
    let request = Request::builder()
        .method("POST")
        .uri(path)
        .header(header::HOST, "shop.example")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from("List-Unsubscribe=One-Click"))
        .unwrap();
    let answer = app.send(request).await;
    assert_eq!(answer.status, 200, "no redirect: {}", answer.body);
    let status = contact(app, PAT).await.unwrap().status;
    assert_eq!(status, Status::Unsubscribed);
}

fn starttls(port: u16, pem: &str) -> Transport {
    let settings = SmtpSettings {
        host: "localhost".to_owned(),
        port,
        tls: SmtpTls::Starttls,
        username: "nora".to_owned(),
        password_sealed: String::new(),
        connections: 2,
        per_second: 0,
        relay_signs: false,
    };
    let transport = Transport::smtp(&settings, "a long secret".to_owned(), "shop.example");
    let Transport::Smtp(mut smtp) = transport else { panic!("SMTP") };
    smtp.relay.trust = Trust::only(pem).unwrap();
    Transport::Smtp(smtp)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn smtp_sink_of_postfix_counts_the_same_mails_and_they_verify() {
    const TEST: &str = "smtp_sink_of_postfix_counts_the_same_mails_and_they_verify";
    if !Path::new(SMTP_SINK).exists() {
        testkit::data::print_skipped(TEST, "Postfix's smtp-sink is not at /usr/sbin/smtp-sink");
        return;
    }
    if !python_has(TEST, "dkim, nacl") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let (port, server) = smtp_sink(dir.path());
    let app = shop(Sending::default()).await;
    // As an operator sets it in the admin.
    let smtp = Smtp {
        host: "127.0.0.1".to_owned(),
        port,
        tls: SmtpTls::None,
        username: String::new(),
        password: None,
        connections: 2,
        per_second: 0,
        relay_signs: false,
    };
    sending::set_smtp(&app.engine, &app.site, smtp).await.unwrap();
    walk(&app).await;
    drop(server);
    let planned = crate::people::messages(&app).await;
    let sent = planned.iter().filter(|m| m.state == model::messages::State::Accepted).count();
    let mut mails = Vec::new();
    for entry in std::fs::read_dir(dir.path()).unwrap() {
        let kept = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        // It writes lines as Unix has them, and headers of its own above ours.
        let ours = kept.find("DKIM-Signature:").unwrap();
        let source = kept[ours..].replace('\n', "\r\n");
        let source = source.trim_end_matches("\r\n").to_owned() + "\r\n";
        assert_eq!(verdicts(&app, source.as_bytes()), ["True", "True"], "{kept}");
        mails.push(Mail::read(PAT, source.as_bytes()));
    }
    assert_eq!((mails.len(), sent), (planned.len(), planned.len()), "its count is ours");
    is_transactional(one(&mails, "Please confirm"));
    is_transactional(one(&mails, "Your order"));
    is_marketing(one(&mails, "Your chapter, and one thing"));
}

/// smtp-sink on a free port, each mail a file of `dir`.
fn smtp_sink(dir: &Path) -> (u16, Running) {
    use std::os::unix::fs::PermissionsExt;

    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut command = Command::new(SMTP_SINK);
    // It will not serve as root, and who it becomes must be able to write.
    let is_root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
    if is_root {
        std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o777)).unwrap();
        command.args(["-u", "nobody"]);
    }
    let child = command
        .args(["-d", "mail."])
        .args([&format!("127.0.0.1:{port}"), "64"])
        .current_dir(dir)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let server = Running(child);
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        std::thread::yield_now();
    }
    (port, server)
}
