//! Letters read back by somebody else's parser, and letters meant to break out of their headers.

use mail_parser::{Address, HeaderValue, MessageParser};
use proptest::prelude::*;

use super::*;

fn addr(text: &str) -> EmailAddr {
    EmailAddr::parse(text).unwrap()
}

/// A newsletter with every header.
pub(crate) fn letter() -> Letter {
    Letter {
        from: Mailbox::named("Ada's Shop", addr("ada@mail.shop.example")),
        to: Mailbox::bare(addr("reader@example.test")),
        reply_to: Some(Mailbox::bare(addr("help@shop.example"))),
        subject: "Grüße from the workshop".to_owned(),
        text: "Hello,\n\nthree words: ä = ü.\n.\nFrom here on.\n".to_owned(),
        html: Some("<p>Hello,</p>\n<p>three words: ä = ü.</p>".to_owned()),
        message_id: "m1.0abc.xyz9@mail.shop.example".to_owned(),
        date: UtcMs(1_795_287_356_789),
        list_unsubscribe: Some(ListUnsubscribe {
            url: "https://shop.example/u/AbCdEfGhIjKlMnOpQrStUvWxYz01".to_owned(),
            mailto: Some(addr("unsub+0abcdefghjkmnpqrstvwxyz@bounce.shop.example")),
        }),
        list_id: Some(ListId {
            name: "Ada's letters".to_owned(),
            id: "news.shop.example".to_owned(),
        }),
        feedback_id: Some(FeedbackId {
            campaign: "bc42".to_owned(),
            list: "news".to_owned(),
            account: "shop".to_owned(),
        }),
        automation: Automation::Mailing,
        envelope_from: Some(addr("b+0abc@bounce.shop.example")),
    }
}

/// A receipt: no list headers, no HTML.
fn receipt() -> Letter {
    Letter {
        subject: "Your receipt".to_owned(),
        reply_to: None,
        html: None,
        list_unsubscribe: None,
        list_id: None,
        feedback_id: None,
        automation: Automation::Generated,
        ..letter()
    }
}

fn composed(letter: &Letter) -> String {
    String::from_utf8(compose(letter).unwrap()).unwrap()
}

/// The header names in their order, from the bytes alone.
fn names(message: &str) -> Vec<String> {
    let (head, _) = message.split_once("\r\n\r\n").unwrap();
    let starts = head.split("\r\n").filter(|line| !line.starts_with([' ', '\t']));
    starts.map(|line| line.split_once(':').unwrap().0.to_owned()).collect()
}

const ALL: [&str; 14] = [
    "From",
    "To",
    "Reply-To",
    "Subject",
    "Date",
    "Message-ID",
    "List-Id",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "Feedback-ID",
    "X-Auto-Response-Suppress",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
];

#[test]
fn a_newsletter_is_these_bytes() {
    let want = "From: Ada's Shop <ada@mail.shop.example>
To: reader@example.test
Reply-To: help@shop.example
Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe_from_the_workshop?=
Date: Sat, 21 Nov 2026 18:55:56 +0000
Message-ID: <m1.0abc.xyz9@mail.shop.example>
List-Id: Ada's letters <news.shop.example>
List-Unsubscribe: <https://shop.example/u/AbCdEfGhIjKlMnOpQrStUvWxYz01>,
 <mailto:unsub+0abcdefghjkmnpqrstvwxyz@bounce.shop.example>
List-Unsubscribe-Post: List-Unsubscribe=One-Click
Feedback-ID: bc42:news:shop:tundish
X-Auto-Response-Suppress: OOF, AutoReply
MIME-Version: 1.0
Content-Type: multipart/alternative;
 boundary=\"=_BOUNDARY\"

--=_BOUNDARY
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

Hello,

three words: =C3=A4 =3D =C3=BC.
=2E
=46rom here on.
--=_BOUNDARY
Content-Type: text/html; charset=utf-8
Content-Transfer-Encoding: quoted-printable

<p>Hello,</p>
<p>three words: =C3=A4 =3D =C3=BC.</p>
--=_BOUNDARY--
"
    .replace('\n', "\r\n")
    .replace("=_BOUNDARY", &boundary("m1.0abc.xyz9@mail.shop.example"));
    assert_eq!(composed(&letter()), want);
    let bracketed = format!("<{}>", letter().message_id);
    assert_eq!(composed(&Letter { message_id: bracketed, ..letter() }), want);
}

#[test]
fn a_receipt_says_that_a_machine_wrote_it_and_carries_no_list_headers() {
    let message = composed(&receipt());
    let mut want: Vec<&str> = ALL.into_iter().filter(|name| !name.contains("List")).collect();
    want.retain(|name| !["Reply-To", "Feedback-ID"].contains(name));
    want.insert(5, "Auto-Submitted");
    assert_eq!(names(&message), want);
    assert!(message.contains("\r\nAuto-Submitted: auto-generated\r\n"));
    assert!(message.contains("\r\nContent-Type: text/plain; charset=utf-8\r\n"));
}

#[test]
fn one_click_is_promised_for_https_only() {
    let with_url = |url: &str| {
        let list_unsubscribe = Some(ListUnsubscribe { url: url.to_owned(), mailto: None });
        Letter { list_unsubscribe, ..letter() }
    };
    let demo = composed(&with_url("http://127.0.0.1:8095/u/abc"));
    assert!(demo.contains("\r\nList-Unsubscribe: <http://127.0.0.1:8095/u/abc>\r\n"));
    assert!(!demo.contains("List-Unsubscribe-Post"));
    for bad in ["javascript:x", "https://x.test/a b", "https://x.test/\r\nBcc: y", "https://x/>"] {
        assert_eq!(compose(&with_url(bad)).unwrap_err().code, "unsubscribe_url_invalid");
    }
    assert!(compose(&with_url(&format!("https://x.test/{}", "a".repeat(900)))).is_err());
}

#[test]
fn what_cannot_be_a_header_is_refused() {
    for bad in ["", "nodomain", "a@b\r\nBcc: x@y.test", "a b@c.test", "a@b@c", "<a@b", "a@"] {
        let letter = Letter { message_id: bad.to_owned(), ..letter() };
        assert_eq!(compose(&letter).unwrap_err().code, "message_id_invalid", "{bad:?}");
    }
    for bad in ["", "nodot", "a..b", "a.b>\r\nBcc: x", "a b.c"] {
        let list_id = Some(ListId { name: String::new(), id: bad.to_owned() });
        assert!(compose(&Letter { list_id, ..letter() }).is_err(), "{bad:?}");
    }
}

#[test]
fn a_header_cannot_be_broken_out_of() {
    let attacks = [
        "hi\r\nBcc: evil@example.test",
        "hi\nBcc: evil@example.test\n\nbody",
        "hi\rBcc: evil@example.test",
        "hi\u{2028}Bcc: evil@example.test",
        "hi\u{85}Bcc: evil@example.test",
        "hi\0there",
        "=?utf-8?q?hi=0D=0ABcc:_evil@example.test?=",
        "\r\n\r\n",
        "\u{202e}gnp.exe",
    ];
    for attack in attacks {
        let letter = Letter {
            subject: attack.to_owned(),
            from: Mailbox::named(attack, addr("ada@mail.shop.example")),
            to: Mailbox::named(attack, addr("reader@example.test")),
            list_id: Some(ListId { name: attack.to_owned(), id: "a.b".to_owned() }),
            feedback_id: Some(FeedbackId {
                campaign: attack.to_owned(),
                list: attack.to_owned(),
                account: attack.to_owned(),
            }),
            ..letter()
        };
        let message = composed(&letter);
        let want: Vec<&str> = ALL.into_iter().filter(|n| *n != ALL[13]).collect();
        assert_eq!(names(&message), want, "{attack:?}");
        let read = MessageParser::new().parse(&message).unwrap();
        assert!(read.bcc().is_none());
        let subject = read.subject().unwrap_or_default();
        assert!(!subject.contains(char::is_control) && !subject.contains('\u{202e}'));
        // What looks like an encoded word is shown as it was typed.
        if attack.starts_with("=?") {
            assert_eq!(subject, attack);
        }
    }
}

#[test]
fn long_subjects_and_names_are_cut_and_folded() {
    let letter = Letter {
        subject: "ä".repeat(300),
        from: Mailbox::named("Ö".repeat(100), addr("ada@mail.shop.example")),
        ..letter()
    };
    let message = compose(&letter).unwrap();
    let read = MessageParser::new().parse(&message).unwrap();
    assert_eq!(read.subject().unwrap(), format!("{}…", "ä".repeat(199)));
    let name = read.from().unwrap().first().unwrap().name().unwrap().to_owned();
    assert_eq!(name.chars().count(), NAME_MAX);
    well_formed(&String::from_utf8(message).unwrap());
}

#[test]
fn names_with_specials_are_quoted() {
    for name in ["Ada, Inc.", "a\"b", "a\\b", "(x)", "a@b", "Dr. No", "x <y>", "=?"] {
        let from = Mailbox::named(name, addr("ada@mail.shop.example"));
        let message = compose(&Letter { from, ..letter() }).unwrap();
        let read = MessageParser::new().parse(&message).unwrap();
        let first = read.from().unwrap().first().unwrap().clone();
        assert_eq!(first.name().unwrap(), name);
        assert_eq!(first.address().unwrap(), "ada@mail.shop.example");
    }
}

#[test]
fn an_address_beyond_ascii_stands_in_its_header_as_it_is() {
    let to = Mailbox::bare(addr("用户@例え.jp"));
    let letter = Letter { to, ..letter() };
    let message = composed(&letter);
    assert!(message.contains("\r\nTo: 用户@xn--r8jz45g.jp\r\n"), "only SMTPUTF8 can carry it");
    assert!(letter.envelope(message.as_bytes()).to.needs_smtputf8());
}

#[test]
fn the_envelope_knows_the_size() {
    let bytes = compose(&letter()).unwrap();
    let envelope = letter().envelope(&bytes);
    assert_eq!(envelope.to.as_str(), "reader@example.test");
    assert_eq!(envelope.from.unwrap().as_str(), "b+0abc@bounce.shop.example");
    assert_eq!(envelope.size, u64::try_from(bytes.len()).ok());
}

/// Seven bits, CRLF only, no line too long, no control character.
fn well_formed(message: &str) {
    assert!(message.is_ascii());
    assert!(message.ends_with("\r\n"));
    for line in message.strip_suffix("\r\n").unwrap().split("\r\n") {
        let is_url = line.contains("://") || line.contains("mailto:");
        assert!(line.len() <= LINE_MAX || is_url, "{} octets: {line}", line.len());
        assert!(!line.contains(|c: char| c.is_control() && c != '\t'), "{line:?}");
        assert!(!line.starts_with('.') && !line.starts_with("From "), "{line}");
        assert!(!line.ends_with([' ', '\t']), "{line:?}");
    }
}

/// A body as a reader sees it: one kind of line end, no control characters. Within a multipart
/// the last line end belongs to the boundary, so those at the end do not count.
fn seen(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let shown = |c: &char| !c.is_ascii_control() || matches!(c, '\n' | '\t');
    let text: String = text.chars().filter(shown).collect();
    text.trim_end_matches('\n').to_owned()
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[ -~\r\n\t.=äöü😀]{0,400}",
        "(From |[.]|=|ä| |\t|\r|\n|x|\u{1}|\u{7f}){0,200}",
        "[a-z]{200,400}",
    ]
}

fn any_header() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), "[ -~]{0,250}", "[a-zäöü😀 \r\n\"\\\\=?_]{0,120}"]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 400,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_letter_is_well_formed_and_reads_back(
        subject in any_header(),
        name in any_header(),
        text in any_text(),
        html in prop::option::of(any_text()),
    ) {
        let from = Mailbox::named(name.clone(), addr("ada@mail.shop.example"));
        let letter =
            Letter { subject: subject.clone(), from, text: text.clone(), html: html.clone(), ..letter() };
        let message = composed(&letter);
        well_formed(&message);
        prop_assert_eq!(&message, &composed(&letter), "the same letter, the same bytes");
        let read = MessageParser::new().parse(&message).unwrap();
        prop_assert_eq!(read.subject().unwrap_or_default(), words::clean(&subject, SUBJECT_MAX));
        let HeaderValue::Address(Address::List(from)) = read.header("From").unwrap() else {
            panic!("one sender")
        };
        prop_assert_eq!(from.len(), 1);
        prop_assert_eq!(from[0].name().unwrap_or_default(), words::clean(&name, NAME_MAX));
        prop_assert_eq!(from[0].address().unwrap(), "ada@mail.shop.example");
        let body = |part: Option<std::borrow::Cow<'_, str>>| seen(&part.unwrap_or_default());
        prop_assert_eq!(body(read.body_text(0)), seen(&text));
        if let Some(html) = &html {
            prop_assert_eq!(body(read.body_html(0)), seen(html));
            prop_assert_eq!(read.attachment_count(), 0);
        }
    }
}
