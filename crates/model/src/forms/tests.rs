//! What forms must do.

use super::*;

fn field(key: &str, kind: FieldKind) -> Field {
    Field {
        key: key.to_owned(),
        kind,
        label: key.to_owned(),
        help: String::new(),
        required: false,
        default: String::new(),
        options: Vec::new(),
        limit: None,
        writes: None,
        purpose: None,
        topic: None,
        wording: None,
    }
}

fn spec() -> FormSpec {
    let consent =
        |key: &str| Field { purpose: Some(key.to_owned()), ..field(key, FieldKind::Consent) };
    let options = vec!["Rye".to_owned(), "Wheat".to_owned()];
    FormSpec {
        fields: vec![
            field("email", FieldKind::Email),
            Field { limit: Some(60), ..field("first_name", FieldKind::Text) },
            Field { options, ..field("flour", FieldKind::Checkboxes) },
            field("notes", FieldKind::Textarea),
            consent("news"),
            consent("partners"),
        ],
        ..FormSpec::default()
    }
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn refusals(posted: &[(&str, &str)]) -> Vec<(String, &'static str)> {
    read(&spec(), &pairs(posted))
        .unwrap_err()
        .into_iter()
        .map(|refused| (refused.field.unwrap_or_default().into_owned(), refused.code))
        .collect()
}

#[test]
fn f12_only_the_forms_own_fields_are_read_and_the_rest_counted() {
    let posted = pairs(&[
        ("email", "ann@x.test"),
        ("is_admin", "1"),
        ("list", "private"),
        ("_token", "t"),
        ("utm_source", "nl"),
    ]);
    let submission = read(&spec(), &posted).unwrap();
    assert_eq!((submission.dropped, submission.values.len()), (2, 0));
    assert_eq!(submission.email.as_str(), "ann@x.test");
}

#[test]
fn f13_floods_long_values_and_duplicates_are_refused_by_name() {
    let long = "x".repeat(1_000_000);
    assert_eq!(
        refusals(&[("email", "ann@x.test"), ("first_name", &long)]),
        [("first_name".to_owned(), "field_too_long")]
    );
    assert_eq!(
        refusals(&[("email", "ann@x.test"), ("email", "bob@x.test")]),
        [("email".to_owned(), "field_repeated")]
    );
    let flood: Vec<(String, String)> = (0..500).map(|n| (format!("f{n}"), String::new())).collect();
    assert_eq!(read(&spec(), &flood).unwrap_err()[0].code, "form_too_many_fields");
    // Lengths are in characters: sixty of four bytes each fit into sixty.
    let wide = "🍞".repeat(60);
    let submission =
        read(&spec(), &pairs(&[("email", "a@x.test"), ("first_name", &wide)])).unwrap();
    assert_eq!(submission.value("first_name"), Some(wide.as_str()));
}

#[test]
fn f14_what_looks_like_code_is_kept_as_typed_without_its_controls() {
    for (typed, kept) in [
        ("<script>", "<script>"),
        ("{{7*7}}", "{{7*7}}"),
        ("=HYPERLINK()", "=HYPERLINK()"),
        ("Ann\u{202e}\0 Lee\r\nBcc: x", "Ann Lee Bcc: x"),
    ] {
        let posted = pairs(&[("email", "a@x.test"), ("first_name", typed)]);
        assert_eq!(read(&spec(), &posted).unwrap().value("first_name"), Some(kept));
    }
}

#[test]
fn f18_a_consent_that_is_absent_is_not_given_and_the_others_stand() {
    let submission = read(&spec(), &pairs(&[("email", "a@x.test"), ("news", "on")])).unwrap();
    assert_eq!(submission.consents.into_iter().collect::<Vec<_>>(), ["news"]);
    let off = read(&spec(), &pairs(&[("email", "a@x.test"), ("news", "0")])).unwrap();
    assert!(off.consents.is_empty());
}

#[test]
fn every_field_that_must_be_mended_is_named_at_once() {
    let posted = [
        ("email", "a@b\r\nBcc: x@y"),
        ("flour", "Rye"),
        ("flour", "Spelt"),
        ("notes", "card 4242 4242 4242 4242"),
    ];
    assert_eq!(
        refusals(&posted),
        [
            ("email".to_owned(), "address_control"),
            ("flour".to_owned(), "option_unknown"),
            ("notes".to_owned(), "card_number"),
        ]
    );
    assert_eq!(refusals(&[]), [("email".to_owned(), "address_missing")]);
    let both = pairs(&[("email", "a@x.test"), ("flour", "Rye"), ("flour", "Wheat")]);
    assert_eq!(read(&spec(), &both).unwrap().values["flour"], ["Rye", "Wheat"]);
}

#[test]
fn each_kind_takes_what_it_is_for() {
    for (kind, good, bad) in [
        (FieldKind::Number, "12.5", "1e9"),
        (FieldKind::Number, "-3", "twelve"),
        (FieldKind::Date, "2026-02-28", "2026-02-30"),
        (FieldKind::Phone, "+49 (30) 123-456", "call me"),
        (FieldKind::Url, "https://x.test/a", "javascript:alert(1)"),
    ] {
        let field = field("f", kind);
        assert!(check_value(&field, good).is_ok(), "{kind} {good}");
        assert!(check_value(&field, bad).is_err(), "{kind} {bad}");
    }
}

#[test]
fn a_form_that_cannot_be_right_is_not_stored() {
    assert!(spec().check().is_ok());
    let code = |change: fn(&mut FormSpec)| {
        let mut spec = spec();
        change(&mut spec);
        let refused = spec.check().unwrap_err();
        (refused.code, refused.field.unwrap_or_default().into_owned())
    };
    let owned = |text: &str| text.to_owned();
    assert_eq!(code(|s| s.fields.clear()), ("form_email", owned("")));
    assert_eq!(
        code(|s| s.fields[1].key = "email".to_owned()),
        ("field_twice", owned("fields[1].key"))
    );
    assert_eq!(
        code(|s| s.fields[4].default = "on".to_owned()),
        ("consent_ticked", owned("fields[4]"))
    );
    assert_eq!(code(|s| s.fields[4].label = " ".into()), ("field_label", owned("fields[4]")));
    assert_eq!(code(|s| s.fields[2].options.clear()), ("field_options", owned("fields[2]")));
    assert_eq!(code(|s| s.fields[1].key = "_x".to_owned()), ("field_key", owned("fields[1]")));
    assert_eq!(suggest_key("First name").as_deref(), Some("first_name"));
    let json = serde_json::to_string(&spec()).unwrap();
    assert_eq!(serde_json::from_str::<FormSpec>(&json).unwrap(), spec());
}
