//! Signatures checked by other people's verifiers: mail-auth, and dkimpy where python has it.

use std::borrow::Borrow;
use std::hash::Hash;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Instant;

use mail_auth::common::parse::TxtRecordParser;
use mail_auth::common::verify::DomainKey;
use mail_auth::hickory_resolver::config::{ResolverConfig, ResolverOpts};
use mail_auth::{
    AuthenticatedMessage, DkimResult, MessageAuthenticator, Parameters, ResolverCache, Txt,
};

use super::*;
use crate::compose::tests::letter;
use crate::compose::{compose, compose_signed};

/// The same "random" octets each time: SplitMix64 from a seed.
fn fill(mut seed: u64) -> impl FnMut(&mut [u8]) {
    move |octets| {
        for octet in octets {
            seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = seed;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            *octet = (z ^ (z >> 31)).to_le_bytes()[0];
        }
    }
}

fn signer(kind: KeyKind) -> Signer {
    let pem = generate(kind, fill(7)).unwrap();
    let key = DkimKey::from_pem(&pem).unwrap();
    assert_eq!(key.kind(), kind);
    Signer::new("mail.shop.example", kind.as_str(), key).unwrap()
}

/// A letter of the year 2090: mail-auth compares `x=` with the machine's clock.
fn future_letter() -> crate::Letter {
    crate::Letter { date: UtcMs(3_800_000_000_000), ..letter() }
}

/// DNS that knows our records only.
struct Zone(Vec<(String, String)>);

impl Zone {
    fn of(signers: &[&Signer]) -> Self {
        let row =
            |signer: &&Signer| (format!("{}.", signer.record_name()), txt_record(signer.key()));
        Self(signers.iter().map(row).collect())
    }
}

impl ResolverCache<Box<str>, Txt> for Zone {
    fn get<Q>(&self, name: &Q) -> Option<Txt>
    where
        Box<str>: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let found = self.0.iter().find(|(known, _)| {
            let known: Box<str> = known.as_str().into();
            known.borrow() == name
        });
        found.map(|(_, record)| DomainKey::parse(record.as_bytes()).unwrap().into())
    }

    fn remove<Q>(&self, _name: &Q) -> Option<Txt>
    where
        Box<str>: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        None
    }

    fn insert(&self, _key: Box<str>, _value: Txt, _valid_until: Instant) {}
}

/// What mail-auth says of each signature.
async fn verdicts(message: &[u8], zone: &Zone) -> Vec<bool> {
    let resolver = MessageAuthenticator::new(ResolverConfig::default(), ResolverOpts::default());
    let read = AuthenticatedMessage::parse(message).unwrap();
    let asked = Parameters::new(&read).with_txt_cache(zone);
    let outputs = resolver.unwrap().verify_dkim(asked).await;
    outputs.iter().map(|output| *output.result() == DkimResult::Pass).collect()
}

#[tokio::test]
async fn both_kinds_of_signature_pass_and_altered_mail_does_not() {
    let (rsa, ed) = (signer(KeyKind::Rsa), signer(KeyKind::Ed25519));
    let zone = Zone::of(&[&rsa, &ed]);
    let message = compose_signed(&future_letter(), &[&rsa, &ed]).unwrap();
    assert_eq!(verdicts(&message, &zone).await, [true, true]);
    let text = String::from_utf8(message).unwrap();
    for (from, to) in [
        ("One-Click", "One-Clack"),
        ("Subject: =?utf-8?q?G", "Subject: =?utf-8?q?g"),
        ("/u/AbC", "/u/AbD"),
        ("bc42:", "bc43:"),
        ("three words", "four words"),
        ("\r\nTo: reader@", "\r\nTo: raeder@"),
        ("From: Ada's", "From: Eve's"),
        ("multipart/alternative", "multipart/mixed"),
        // A second From, which some programs would show.
        ("\r\nTo: ", "\r\nFrom: eve@evil.example\r\nTo: "),
        ("From: Ada's", "From: eve@evil.example\r\nFrom: Ada's"),
    ] {
        let altered = text.replacen(from, to, 1);
        assert_ne!(altered, text, "{from}");
        assert_eq!(verdicts(altered.as_bytes(), &zone).await, [false, false], "{from}");
    }
    // What relays may do: refold, change white space, add headers on top and lines at the end.
    let refolded =
        text.replacen(",\r\n <mailto:", ", <mailto:", 1).replacen("Date: ", "DATE:  ", 1);
    let refolded = format!("Received: from here\r\n{refolded}\r\n\r\n");
    assert_eq!(verdicts(refolded.as_bytes(), &zone).await, [true, true]);
}

#[test]
fn the_same_letter_has_the_same_signature() {
    for kind in [KeyKind::Rsa, KeyKind::Ed25519] {
        let once = compose_signed(&letter(), &[&signer(kind)]).unwrap();
        let again = compose_signed(&letter(), &[&signer(kind)]).unwrap();
        assert_eq!(once, again);
    }
}

#[test]
fn the_signature_header_says_what_it_should() {
    let signer = signer(KeyKind::Rsa);
    let message = compose(&letter()).unwrap();
    let header = String::from_utf8(signer.header(&message, letter().date).unwrap()).unwrap();
    assert!(header.ends_with("\r\n"));
    assert!(header.trim_end().split("\r\n").all(|line| line.len() <= 76), "{header}");
    let tags: Vec<(String, String)> = header
        .strip_prefix("DKIM-Signature:")
        .unwrap()
        .split(';')
        .map(|tag| tag.split_once('=').unwrap())
        .map(|(name, value)| (name.trim().to_owned(), value.replace(['\r', '\n', ' '], "")))
        .collect();
    let tag = |name: &str| tags.iter().find(|(tag, _)| tag == name).map(|(_, v)| v.clone());
    assert_eq!(tag("a").unwrap(), "rsa-sha256");
    assert_eq!(tag("c").unwrap(), "relaxed/relaxed");
    assert_eq!(tag("d").unwrap(), "mail.shop.example");
    assert_eq!(tag("t").unwrap(), "1795287356");
    assert_eq!(tag("x").unwrap(), (1_795_287_356 + 30 * 86_400).to_string());
    assert_eq!(tag("l"), None);
    assert_eq!(
        tag("h").unwrap(),
        "From:From:To:Reply-To:Subject:Date:Message-ID:MIME-Version:Content-Type:List-Id:\
         List-Unsubscribe:List-Unsubscribe-Post:Feedback-ID"
    );
}

#[test]
fn keys_are_read_in_the_forms_people_have() {
    let mut random = keys::Random(fill(3));
    let small = rsa::RsaPrivateKey::new(&mut random, 1_024).unwrap();
    let pem = rsa::pkcs1::EncodeRsaPrivateKey::to_pkcs1_der(&small).unwrap();
    let body = BASE64.encode(pem.as_bytes());
    let small = format!("-----BEGIN RSA PRIVATE KEY-----\n{body}\n-----END RSA PRIVATE KEY-----\n");
    assert!(DkimKey::from_pem(&small).unwrap_err().message.contains("2048"));
    for bad in ["", "hello", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"] {
        assert_eq!(DkimKey::from_pem(bad).unwrap_err().code, "dkim_key_invalid");
    }
    let pkcs8 = generate(KeyKind::Rsa, fill(1)).unwrap();
    let key: rsa::RsaPrivateKey = rsa::pkcs8::DecodePrivateKey::from_pkcs8_der(
        &BASE64.decode(pkcs8.lines().filter(|l| !l.starts_with('-')).collect::<String>()).unwrap(),
    )
    .unwrap();
    let pkcs1 = rsa::pkcs1::EncodeRsaPrivateKey::to_pkcs1_der(&key).unwrap();
    let body = BASE64.encode(pkcs1.as_bytes());
    let pkcs1 = format!("-----BEGIN RSA PRIVATE KEY-----\n{body}\n-----END RSA PRIVATE KEY-----\n");
    let (one, other) = (DkimKey::from_pem(&pkcs8).unwrap(), DkimKey::from_pem(&pkcs1).unwrap());
    assert_eq!(one.public_base64(), other.public_base64());
    let spki = rsa::pkcs8::EncodePublicKey::to_public_key_der(&key.to_public_key()).unwrap();
    assert_eq!(one.public_base64(), BASE64.encode(spki.as_bytes()));
    assert_eq!(format!("{one:?}"), "DkimKey(Rsa)");
}

#[test]
fn records_are_split_as_zone_files_want_them() {
    let rsa = DkimKey::from_pem(&generate(KeyKind::Rsa, fill(5)).unwrap()).unwrap();
    let strings = txt_strings(&rsa);
    assert_eq!(strings.len(), 2);
    assert!(strings.iter().all(|string| string.len() <= TXT_STRING_MAX));
    assert_eq!(strings.concat(), txt_record(&rsa));
    assert!(strings[0].starts_with("v=DKIM1; k=rsa; p=MII"));
    let ed = DkimKey::from_pem(&generate(KeyKind::Ed25519, fill(5)).unwrap()).unwrap();
    assert_eq!(txt_strings(&ed).len(), 1);
}

#[test]
fn a_signer_that_could_break_the_header_is_refused() {
    let key = || DkimKey::from_pem(&generate(KeyKind::Ed25519, fill(5)).unwrap()).unwrap();
    for (domain, selector) in [
        ("", "s"),
        ("nodot", "s"),
        ("a.test\r\nBcc: x", "s"),
        ("a.test; x=1", "s"),
        ("a.test", ""),
        ("a.test", "s 1"),
        ("a.test", "s;"),
    ] {
        assert!(Signer::new(domain, selector, key()).is_err(), "{domain:?} {selector:?}");
    }
    let signer = Signer::new("Mail.Shop.Example", "S2026", key()).unwrap();
    assert_eq!(signer.record_name(), "s2026._domainkey.mail.shop.example");
}

/// dkimpy reads the clock through its `time` module; it gets the letter's date instead.
const PYTHON: &str = r"
import sys, dkim
class Then:
    @staticmethod
    def time():
        return 1795287356 + 60
dkim.time = Then
records = dict(line.split(' ', 1) for line in sys.argv[1].split('\n'))
def dns(name, timeout=5):
    return records[name.decode().rstrip('.')].encode()
message = sys.stdin.buffer.read()
for nth in range(int(sys.argv[2])):
    print(dkim.DKIM(message, minkey=1024).verify(idx=nth, dnsfunc=dns))
";

fn dkimpy(message: &[u8], signers: &[&Signer]) -> Option<String> {
    let probe = Command::new("python3").args(["-c", "import dkim, nacl"]).output();
    if !probe.is_ok_and(|done| done.status.success()) {
        let _ = std::io::stderr().write_all(b"skipped: python3 with dkimpy and pynacl is absent\n");
        return None;
    }
    let row = |signer: &&Signer| format!("{} {}", signer.record_name(), txt_record(signer.key()));
    let records: Vec<String> = signers.iter().map(row).collect();
    let mut python = Command::new("python3")
        .args(["-c", PYTHON, &records.join("\n"), &signers.len().to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    python.stdin.take().unwrap().write_all(message).unwrap();
    let done = python.wait_with_output().unwrap();
    Some(String::from_utf8(done.stdout).unwrap())
}

#[test]
fn dkimpy_agrees() {
    let (rsa, ed) = (signer(KeyKind::Rsa), signer(KeyKind::Ed25519));
    let signers = [&rsa, &ed];
    let message = compose_signed(&letter(), &signers).unwrap();
    let Some(said) = dkimpy(&message, &signers) else { return };
    assert_eq!(said, "True\nTrue\n");
    let altered = String::from_utf8(message).unwrap().replacen("One-Click", "One-Clack", 1);
    assert_eq!(dkimpy(altered.as_bytes(), &signers).unwrap(), "False\nFalse\n");
}
