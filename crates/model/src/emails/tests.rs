//! What emails must do.

use super::*;
use crate::test_data;

fn code(text: &str) -> &'static str {
    match EmailAddr::parse(text) {
        Ok(_) => "ok",
        Err(refused) => refused.code,
    }
}

#[test]
fn f06_line_breaks_and_hidden_characters_never_get_in() {
    for text in [
        "a@b.test\r\nBcc: x@y",
        "a@b.test\n",
        "a\0@b.test",
        "a@b.test%0d%0aBcc:x@y.test",
        "a%0D%0A@b.test",
        "a@b.test\u{2028}",
        "a\u{202e}b@c.test",
        "a\u{200b}@b.test",
        "\ta@b.test",
    ] {
        assert_eq!(code(text), "address_control", "{text:?}");
    }
}

#[test]
fn f07_the_documented_validator() {
    let long_local = "a".repeat(65);
    let long = format!("a@{0}.{0}.{0}.{0}.test", "b".repeat(63));
    let rows = [
        (long_local.as_str(), "address_invalid"),
        (&format!("{long_local}@x.test"), "address_too_long"),
        (&format!("{}@x.test", "a".repeat(64)), "ok"),
        (&long, "address_domain"),
        ("\"a b\"@x.test", "ok"),
        ("\"a\\\"b\"@x.test", "ok"),
        ("\"a\"b\"@x.test", "address_invalid"),
        ("a@[127.0.0.1]", "address_ip"),
        ("a@[IPv6:::1]", "address_ip"),
        ("a@127.0.0.1", "address_ip"),
        ("a@localhost", "address_dotless"),
        ("a@b", "address_dotless"),
        ("a@b.test.", "address_invalid"),
        ("a@b@c.test", "address_invalid"),
        ("a@@c.test", "address_invalid"),
        ("@c.test", "address_invalid"),
        ("a@", "address_invalid"),
        ("", "address_missing"),
        ("   ", "address_missing"),
        (".a@b.test", "address_invalid"),
        ("a..b@b.test", "address_invalid"),
        ("a b@c.test", "address_invalid"),
        ("a@-b.test", "address_domain"),
        ("a@b_c.test", "address_domain"),
        ("a@b..test", "address_domain"),
        ("Ann <a@b.test>", "address_invalid"),
    ];
    for (text, wanted) in rows {
        assert_eq!(code(text), wanted, "{text:?}");
    }
    let local = "a".repeat(64);
    let label = "b".repeat(61);
    let whole = |last: usize| format!("{local}@{label}.{label}.{label}.{}", "c".repeat(last));
    assert_eq!(whole(3).len(), 254);
    assert_eq!(code(&whole(3)), "ok");
    assert_eq!(code(&whole(4)), "address_too_long");
}

#[test]
fn f08_domains_become_a_labels_and_twins_become_one() {
    let japanese = EmailAddr::parse("用户@例え.JP").unwrap();
    assert_eq!(japanese.as_str(), "用户@xn--r8jz45g.jp");
    assert!(japanese.needs_smtputf8());
    let composed = EmailAddr::parse("jos\u{e9}@x.test").unwrap();
    let decomposed = EmailAddr::parse("jose\u{301}@x.test").unwrap();
    assert_eq!(composed, decomposed);
    assert_eq!(EmailAddr::parse("Ann@EXAMPLE.Com").unwrap().as_str(), "Ann@example.com");
    assert_eq!(EmailAddr::parse("Ann@EXAMPLE.Com").unwrap().key(), "ann@example.com");
    // A look-alike domain is another domain, and shows as one.
    let lookalike = EmailAddr::parse("a@ex\u{430}mple.com").unwrap();
    assert!(lookalike.domain().starts_with("xn--"));
    assert_eq!(EmailAddr::parse("\"ann\"@x.test").unwrap().key(), "ann@x.test");
    assert_eq!(EmailAddr::parse("\"a b\"@x.test").unwrap().key(), "\"a b\"@x.test");
}

#[test]
fn f09_tags_and_dots_fold_for_rate_limits_alone() {
    let tagged = EmailAddr::parse("A.n.n+shop@googlemail.com").unwrap();
    assert_eq!(tagged.key(), "a.n.n+shop@googlemail.com");
    assert_eq!(tagged.rate_key(), "ann@gmail.com");
    assert_eq!(EmailAddr::parse("a.b+c@x.test").unwrap().rate_key(), "a.b@x.test");
    assert_eq!(EmailAddr::parse("+c@x.test").unwrap().rate_key(), "+c@x.test");
}

#[test]
fn a_masked_address_keeps_its_owner_in_the_know_and_no_one_else() {
    let mask = |text: &str| EmailAddr::parse(text).unwrap().masked();
    assert_eq!(mask("anna@example.com"), "a…@e…e.com");
    assert_eq!(mask("\"a b\"@ab.co.uk"), "a…@a….c….uk");
}

/// The addresses of the isemail test set with their category.
fn isemail(xml: &str) -> Vec<(String, String)> {
    let tag = |block: &str, name: &str| {
        let (_, rest) = block.split_once(&format!("<{name}>"))?;
        let (text, _) = rest.split_once(&format!("</{name}>"))?;
        Some(text.to_owned())
    };
    let mut cases = Vec::new();
    for block in xml.split("<test id=").skip(1) {
        let category = tag(block, "category").unwrap();
        let mut address = tag(block, "address").unwrap_or_default();
        for (entity, plain) in [
            ("&lt;", "<"),
            ("&gt;", ">"),
            ("&quot;", "\""),
            ("&apos;", "'"),
            ("&#x200E;", "\u{200e}"),
        ] {
            address = address.replace(entity, plain);
        }
        address = address.replace("&#xA9;", "\u{a9}");
        // Controls stand in the file as entities of their visible symbols.
        for code in 0..32_u32 {
            let control = char::from_u32(code).unwrap().to_string();
            for entity in [format!("&#x24{code:02X};"), format!("&#x24{code:02x};")] {
                address = address.replace(&entity, &control);
            }
        }
        cases.push((address.replace("&amp;", "&"), category));
    }
    cases
}

#[test]
fn the_isemail_set_agrees_but_where_we_are_stricter_on_purpose() {
    let Some(xml) = test_data::text("email/address/isemail_tests.xml") else { return };
    let cases = isemail(&xml);
    assert!(cases.len() >= 164, "{}", cases.len());
    let mut wrong = Vec::new();
    for (address, category) in &cases {
        if address.trim_matches(' ') != address {
            continue; // A space around what one typed is dropped, not refused.
        }
        let got = code(address);
        let wanted_valid =
            matches!(category.as_str(), "ISEMAIL_VALID_CATEGORY" | "ISEMAIL_DNSWARN");
        let ok = match got {
            "ok" => wanted_valid || category == "ISEMAIL_RFC5321",
            // Refused with the reason, and on purpose, though the grammar has them.
            "address_dotless" | "address_ip" => category != "ISEMAIL_ERR" || !wanted_valid,
            _ => !wanted_valid,
        };
        if !ok {
            wrong.push(format!("{address:?} {category} {got}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn flanker(text: &str) -> Vec<String> {
    text.lines()
        .map(|line| line.split_once(" # ").map_or(line, |(address, _)| address).trim_end())
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_flanker_lists_agree_but_where_we_are_stricter_on_purpose() {
    let Some(valid) = test_data::text("email/flanker/mailbox_valid.txt") else { return };
    let Some(bad) = test_data::text("email/flanker/mailbox_invalid.txt") else { return };
    // Names, comments and underscores belong to mailboxes in headers, not to what one types here.
    let beside = |a: &str| a.contains(['<', '(']) || a.ends_with("under_scope");
    let refused: Vec<String> = flanker(&valid)
        .into_iter()
        .filter(|a| !beside(a))
        .filter(|a| !matches!(code(a), "ok" | "address_dotless" | "address_ip"))
        .collect();
    let taken: Vec<String> = flanker(&bad).into_iter().filter(|a| code(a) == "ok").collect();
    assert!(refused.is_empty() && taken.is_empty(), "refused {refused:#?} taken {taken:#?}");
}
