//! What tokens must do.

use proptest::prelude::*;

use super::*;

fn ring() -> KeyRing {
    KeyRing::new(1, [7; KEY_BYTES])
}

#[test]
fn a_token_opens_for_its_purpose_alone() {
    let text = ring().sign(Purpose::Click, 12_345, 3);
    assert_eq!(text.len(), 28);
    let token = ring().open(Purpose::Click, &text).unwrap();
    assert_eq!(token, Token { kid: 1, id: 12_345, what: 3 });
    assert_eq!(ring().open(Purpose::Unsubscribe, &text), Err(TokenError::WrongMac(token)));
}

#[test]
fn l13_an_old_key_still_verifies_and_an_unknown_one_says_so() {
    let old = ring().sign(Purpose::Unsubscribe, 9, 0);
    let rotated = KeyRing::new(2, [8; KEY_BYTES]).with_old(1, [7; KEY_BYTES]);
    assert_eq!(rotated.open(Purpose::Unsubscribe, &old).unwrap().id, 9);
    let lost = KeyRing::new(2, [8; KEY_BYTES]);
    assert_eq!(lost.open(Purpose::Unsubscribe, &old), Err(TokenError::UnknownKey(1)));
    assert_eq!(rotated.sign(Purpose::Click, 1, 0), lost.sign(Purpose::Click, 1, 0));
}

#[test]
fn tokens_with_an_end_expire_and_never_before_it() {
    let now = UtcMs(1_795_000_000_000);
    let until = now.plus_days(1);
    let text = ring().sign_until(Purpose::Preview, 5, until);
    assert!(ring().open_until(Purpose::Preview, &text, until).is_ok());
    let late = until.plus_ms(UNTIL_STEP_MS);
    assert!(matches!(
        ring().open_until(Purpose::Preview, &text, late),
        Err(TokenError::Expired(token)) if token.id == 5
    ));
}

#[test]
fn cut_and_made_up_tokens_are_malformed() {
    let text = ring().sign(Purpose::Click, 1, 1);
    let cut: String = text.chars().take(27).collect();
    for bad in ["", "x", cut.as_str(), "????????????????????????????", "ääääääääääääää"]
    {
        assert_eq!(ring().open(Purpose::Click, bad), Err(TokenError::Malformed), "{bad}");
    }
}

#[test]
fn signed_codes_and_tags_hold_only_whole() {
    let text = ring().sign_code(Purpose::Referral, "ann-7");
    assert_eq!(ring().open_code(Purpose::Referral, &text), Some("ann-7"));
    assert_eq!(ring().open_code(Purpose::Partner, &text), None);
    assert_eq!(ring().open_code(Purpose::Referral, &text.replace("ann", "bob")), None);
    assert_eq!(ring().open_code(Purpose::Referral, "ann-7"), None);
    let tag = ring().tag(Purpose::OrderCookie, &[b"ab", b"c"]);
    assert!(ring().tag_holds(Purpose::OrderCookie, &[b"ab", b"c"], &tag));
    assert!(!ring().tag_holds(Purpose::OrderCookie, &[b"a", b"bc"], &tag));
}

#[test]
fn secrets_are_stored_as_hashes_and_addresses_as_keyed_ones() {
    let secret = [9; KEY_BYTES];
    let text = secret_text(&secret);
    assert_eq!((text.len(), secret_bytes(&text)), (43, Some(secret)));
    assert_eq!(hash_secret(b"abc").len(), 64);
    assert!(hash_secret(b"abc").starts_with("ba7816bf"));
    let hash = |text: &str| address_hmac(&[1; KEY_BYTES], &EmailAddr::parse(text).unwrap());
    assert_eq!(hash("Ann@X.test"), hash("ann@x.test"));
    assert_ne!(hash("ann@x.test"), hash("bob@x.test"));
    assert_eq!(format!("{:?}", ring()), "KeyRing { current: 1, .. }");
}

proptest! {
    #[test]
    fn no_changed_token_opens(id in 0..i64::MAX, what: u16, at in 0_usize..21, flip in 1_u8..) {
        let mut bytes = ring().sign_bytes(Purpose::File, id, what);
        bytes[at] ^= flip;
        let text = BASE64URL_NOPAD.encode(&bytes);
        prop_assert!(ring().open(Purpose::File, &text).is_err());
    }
}
