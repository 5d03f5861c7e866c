//! Asks a name server for TXT records: one question and one answer of RFC 1035, written out by
//! hand, since nothing else here needs a resolver.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use engine::Rng;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};

/// How long one server may take.
const ANSWER: Duration = Duration::from_secs(3);
/// Servers asked, one after the other; the C library asks as many.
const SERVERS_MAX: usize = 3;
/// The largest answer by UDP without an extension; what is longer comes by TCP.
const UDP_MAX: usize = 512;
const PORT: u16 = 53;
const TXT: u16 = 16;
const INTERNET: u16 = 1;
/// Recursion is desired.
const ASK: u16 = 0x0100;
const TRUNCATED: u16 = 0x0200;
const CODE: u16 = 0x000F;
const NO_SUCH_NAME: u16 = 3;

/// The name servers named, or else those of this machine.
///
/// # Errors
/// One named is not an address.
pub fn servers(named: &str) -> Result<Vec<SocketAddr>, String> {
    let parse = |word: &str| {
        let bare = word.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, PORT));
        bare.or_else(|_| word.parse::<SocketAddr>())
    };
    if !named.is_empty() {
        return named
            .split(',')
            .map(|word| parse(word.trim()).map_err(|_| format!("{word:?} is not an address")))
            .collect();
    }
    let text = std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    let found = text.lines().filter_map(|line| line.trim().strip_prefix("nameserver"));
    Ok(found.filter_map(|word| parse(word.trim()).ok()).take(SERVERS_MAX).collect())
}

/// The TXT records at `name`, each in one piece; none where there is no such name.
///
/// # Errors
/// No server answered.
pub async fn texts(servers: &[SocketAddr], name: &str) -> Result<Vec<String>, String> {
    let id = u16::from_be_bytes(Rng::System.bytes());
    let question = question(id, name).ok_or_else(|| format!("{name} is not a name"))?;
    let mut why = "no name server is known here".to_owned();
    for server in servers {
        match tokio::time::timeout(ANSWER, ask(*server, id, &question)).await {
            Ok(Ok(answer)) => match read(&answer) {
                Some(Ok(texts)) => return Ok(texts),
                Some(Err(code)) => why = format!("{server} answered with error {code}"),
                None => why = format!("what {server} answered cannot be read"),
            },
            Ok(Err(error)) => why = format!("{server}: {error}"),
            Err(_) => why = format!("{server} does not answer"),
        }
    }
    Err(why)
}

/// Asks by UDP, and again by TCP where the answer did not fit.
async fn ask(server: SocketAddr, id: u16, question: &[u8]) -> std::io::Result<Vec<u8>> {
    let here = if server.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = UdpSocket::bind(here).await?;
    socket.connect(server).await?;
    socket.send(question).await?;
    let mut buffer = vec![0; UDP_MAX];
    let answer = loop {
        let length = socket.recv(&mut buffer).await?;
        let answer = buffer.get(..length).unwrap_or_default();
        // Somebody else's answer, or one made up: the right one may still come.
        if number(answer, 0) == Some(id) {
            break answer.to_vec();
        }
    };
    if number(&answer, 2).is_none_or(|flags| flags & TRUNCATED == 0) {
        return Ok(answer);
    }
    let mut stream = TcpStream::connect(server).await?;
    stream.write_u16(u16::try_from(question.len()).unwrap_or(0)).await?;
    stream.write_all(question).await?;
    let mut answer = vec![0; usize::from(stream.read_u16().await?)];
    stream.read_exact(&mut answer).await?;
    Ok(answer)
}

fn question(id: u16, name: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for word in [id, ASK, 1, 0, 0, 0] {
        bytes.extend(word.to_be_bytes());
    }
    for label in name.trim_end_matches('.').split('.') {
        let length = u8::try_from(label.len()).ok().filter(|length| (1..64).contains(length))?;
        bytes.push(length);
        bytes.extend(label.as_bytes());
    }
    bytes.push(0);
    bytes.extend(TXT.to_be_bytes());
    bytes.extend(INTERNET.to_be_bytes());
    Some(bytes)
}

/// The texts of an answer, or its error code; `None` where it cannot be read.
fn read(answer: &[u8]) -> Option<Result<Vec<String>, u16>> {
    let code = number(answer, 2)? & CODE;
    if code == NO_SUCH_NAME {
        return Some(Ok(Vec::new()));
    }
    if code != 0 {
        return Some(Err(code));
    }
    let (questions, records) = (number(answer, 4)?, number(answer, 6)?);
    let mut at = 12;
    for _ in 0..questions {
        at = after_name(answer, at)? + 4;
    }
    let mut texts = Vec::new();
    for _ in 0..records {
        at = after_name(answer, at)?;
        let (kind, length) = (number(answer, at)?, usize::from(number(answer, at + 8)?));
        let mut data = answer.get(at + 10..at + 10 + length)?;
        at += 10 + length;
        if kind != TXT {
            continue;
        }
        let mut text = Vec::new();
        while let Some((length, rest)) = data.split_first() {
            let (piece, rest) = rest.split_at_checked(usize::from(*length))?;
            text.extend_from_slice(piece);
            data = rest;
        }
        texts.push(String::from_utf8_lossy(&text).into_owned());
    }
    Some(Ok(texts))
}

/// Where a name ends: at its empty label, or at a pointer to the rest of it.
fn after_name(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match *bytes.get(at)? {
            0 => return Some(at + 1),
            pointer if pointer >= 0xC0 => return Some(at + 2),
            length => at += 1 + usize::from(length),
        }
    }
}

fn number(bytes: &[u8], at: usize) -> Option<u16> {
    let two = bytes.get(at..at + 2)?.first_chunk::<2>()?;
    Some(u16::from_be_bytes(*two))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_of_several_pieces_is_read_and_a_cut_one_is_not() {
        let mut answer = question(7, "shop.example").unwrap();
        answer[2] = 0x81;
        answer[7] = 2;
        // An alias before it, by a pointer; then a text in two pieces.
        answer.extend([0xC0, 12, 0, 5, 0, 1, 0, 0, 0, 9, 0, 2, 0xC0, 12]);
        answer.extend([0xC0, 12, 0, 16, 0, 1, 0, 0, 0, 9, 0, 13]);
        answer.extend([7]);
        answer.extend(b"v=spf1 ");
        answer.extend([4]);
        answer.extend(b"-all");
        assert_eq!(read(&answer), Some(Ok(vec!["v=spf1 -all".to_owned()])));
        for length in 0..answer.len() {
            assert!(!matches!(read(&answer[..length]), Some(Ok(texts)) if !texts.is_empty()));
        }
        answer[3] = 3;
        assert_eq!(read(&answer), Some(Ok(Vec::new())), "no such name");
        answer[3] = 2;
        assert_eq!(read(&answer), Some(Err(2)), "the server failed");
    }

    #[test]
    fn what_is_no_name_is_not_asked() {
        assert!(question(1, "a..b").is_none());
        assert!(question(1, &"a".repeat(64)).is_none());
        assert!(servers("1.2.3.4, [::1]:5353").is_ok_and(|found| found.len() == 2));
        assert!(servers("localhost").is_err());
    }
}
