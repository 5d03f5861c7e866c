//! T: templates that are wrong, or meant to hurt.

use engine::EngineError;
use engine::templates::{self, Draft};
use model::messages::{Class, State};
use model::times::DAY_MS;
use model::triggers::Trigger;
use testkit::TestApp;

use crate::follow_up::{confirmed, form, messages, sequence, step};

fn draft(source: &str) -> Draft {
    Draft {
        slug: "t".to_owned(),
        name: "T".to_owned(),
        format: "markdown".to_owned(),
        subject: "Hello".to_owned(),
        source: source.to_owned(),
    }
}

fn refusal(source: &str) -> String {
    templates::make(&testkit::site(), &draft(source)).unwrap_err().message
}

#[test]
fn t01_a_misspelt_name_is_refused_with_its_place_even_behind_a_fallback() {
    let said = refusal("Hello\n\nDear {{ contact.first_nmae }},");
    assert!(said.starts_with("line 3, column"), "{said}");
    assert!(said.contains("contact.first_nmae") && said.contains("contact.first_name"), "{said}");
    let said = refusal("{{ contact.first_nmae | default('there') }}");
    assert!(said.contains("line 1"), "{said}");
    let said = refusal("Dear {{ contact.fields.city }},");
    assert!(said.contains("line 1"), "a field not everybody has needs a fallback: {said}");
    templates::make(&testkit::site(), &draft("From {{ contact.fields.city | default('afar') }}"))
        .unwrap();
}

#[test]
fn t02_loops_within_loops_run_out_of_fuel_and_the_error_names_the_loop() {
    let source = "{% for a in range(10000) %}\n{% for b in range(10000) %}\n\
                  {% for c in range(10000) %}x{% endfor %}\n{% endfor %}{% endfor %}";
    let said = refusal(source);
    assert!(said.contains("fuel"), "{said}");
    assert!(said.contains("line 3"), "the innermost loop: {said}");
}

#[test]
fn t03_what_could_double_a_text_is_refused() {
    for source in [
        "{% set x = 'a' %}",
        "{% macro m() %}{% endmacro %}",
        "{% include 'x' %}",
        "{% import 'x' as y %}",
        "{% extends 'x' %}",
        "{% call m() %}{% endcall %}",
        "{% filter upper %}x{% endfilter %}",
        "{% do x %}",
        "{% raw %}x{% endraw %}",
        "{{ contact.email ~ contact.email }}",
    ] {
        let said = refusal(source);
        assert!(said.starts_with("line 1, column 1"), "{source}: {said}");
    }
    templates::make(&testkit::site(), &draft("{{ '~ is fine in a text' }}")).unwrap();
}

#[test]
fn t04_t05_format_and_indent_do_not_exist() {
    for source in ["{{ '%300000000d' | format(1) }}", "{{ 'a' | indent(300000000) }}"] {
        let said = refusal(source);
        assert!(said.contains("is unknown"), "{said}");
    }
}

#[test]
fn t06_replace_and_join_stop_at_64_kb() {
    let big = "x".repeat(300);
    let said =
        refusal(&format!("{{{{ '{big}' | replace('x', '{big}') | replace('x', '{big}') }}}}"));
    assert!(said.contains("64 kB"), "{said}");
    let said = refusal(&format!("{{{{ range(9000) | join('{big}') }}}}"));
    assert!(said.contains("64 kB"), "{said}");
}

#[test]
fn t07_texts_are_not_multiplied() {
    for source in ["{{ 'a' * 300000000 }}", "{% for x in [1] * 100000000 %}{{ x }}{% endfor %}"] {
        refusal(source);
    }
}

#[test]
fn t08_a_template_cannot_call_itself() {
    refusal("{% for x in [[1]] recursive %}{{ loop([[1]]) }}{% endfor %}");
}

#[test]
fn t09_t20_only_the_named_parts_of_a_contact_exist() {
    for source in [
        "{{ contact.__class__ }}",
        "{{ contact.address_hmac }}",
        "{{ env }}",
        "{{ contact | tojson }}",
    ] {
        refusal(source);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t10_t11_what_data_says_is_never_read_as_a_template_and_is_escaped() {
    let app = TestApp::start().await;
    let draft = Draft {
        subject: "For {{ contact.first_name }}".to_owned(),
        ..draft("Hello {{ contact.first_name }}, {{ contact.last_name }}")
    };
    let contact = contact("<b>{{ 7 * 6 }}</b>", "\r\nBcc: all@example.com");
    let mail = templates::preview(&app.engine, &app.site, &draft, Some(&contact)).await.unwrap();
    assert!(mail.plain.contains("<b>{{ 7 * 6 }}</b>"), "{}", mail.plain);
    assert!(mail.html.contains("&lt;b&gt;{{ 7 * 6 }}&lt;"), "{}", mail.html);
    assert_eq!(mail.subject, "For <b>{{ 7 * 6 }}</b>", "nor twice escaped");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t11_a_name_with_line_breaks_makes_no_header_of_its_own() {
    let app = TestApp::start().await;
    form(&app).await;
    let ada = confirmed(&app, "ada@example.com").await;
    // Past every door that would have cleaned it.
    let (site, name) = (app.site.id, "J\u{fc}rgen\r\nBcc: all@example.com\u{7}\u{2028}x");
    app.engine
        .db()
        .write::<_, store::StoreError, _>(move |tx| {
            Box::pin(async move {
                let sql = "update contacts set first_name = $2 where site_id = $1";
                tx.query(sql).bind(site).bind(name).run().await
            })
        })
        .await
        .unwrap();
    let draft = Draft {
        subject: "For {{ contact.first_name }}, a letter".to_owned(),
        ..draft("Hello {{ contact.first_name }}")
    };
    let site = app.site.clone();
    let id = templates::save(&app.engine, site.clone(), None, draft).await.unwrap();
    let to = model::EmailAddr::parse("test@example.com").unwrap();
    templates::send_test(&app.engine, site, id, Some(ada), to).await.unwrap();
    app.run_until_idle().await;
    let mail = app.mail_to("test@example.com");
    assert!(!mail.subject.chars().any(char::is_control), "{:?}", mail.subject);
    assert!(mail.subject.contains("J\u{fc}rgen"), "{:?}", mail.subject);
    let head = mail.source.split("\r\n\r\n").next().unwrap();
    assert!(head.is_ascii(), "{head}");
    assert!(!head.to_lowercase().contains("\nbcc:"), "{head}");
    assert_eq!(head.matches("\nSubject:").count(), 1, "{head}");
    assert!(mail.header("Subject").unwrap().starts_with("=?"), "{head}");
}

fn contact(first: &str, last: &str) -> model::contacts::Contact {
    model::contacts::Contact {
        id: model::ids::ContactId(1),
        email: "ada@example.com".to_owned(),
        email_key: "ada@example.com".to_owned(),
        address_hmac: String::new(),
        status: model::contacts::Status::Confirmed,
        first_name: first.to_owned(),
        last_name: last.to_owned(),
        external_id: None,
        language: None,
        timezone: None,
        fields: std::collections::BTreeMap::new(),
        is_test: false,
        no_sales: false,
        less_often: false,
        paused_until: None,
        created_at: testkit::START,
        updated_at: testkit::START,
        confirmed_at: None,
        unsubscribed_at: None,
        erased_at: None,
    }
}

#[test]
fn t12_l05_links_lead_to_the_web_and_nowhere_else() {
    for target in [
        "javascript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "https://bank.example@evil.example/",
    ] {
        let mut html = draft(&format!("<p><a href=\"{target}\">x</a></p>"));
        html.format = "html".to_owned();
        let said = templates::make(&testkit::site(), &html).unwrap_err();
        assert!(said.message.contains("the link to"), "{target}: {}", said.message);
    }
}

#[test]
fn t14_every_mail_ends_with_the_address_and_a_way_out() {
    let made = templates::make(&testkit::site(), &draft("Hello")).unwrap();
    for part in [&made.html, &made.plain] {
        assert!(part.contains("{{ unsubscribe_url }}") && part.contains("{{ site.address }}"));
    }
    let site = model::sites::Site { postal_address: String::new(), ..testkit::site() };
    let made = templates::make(&site, &draft("Hello")).unwrap();
    assert!(made.warnings.iter().any(|warning| warning.code == "no_postal_address"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t14_without_a_postal_address_marketing_mail_is_held_and_a_receipt_is_not() {
    let app = TestApp::start().await;
    form(&app).await;
    let template = templates::save(&app.engine, app.site.clone(), None, draft("News.")).await;
    let steps = vec![step(1, "1 days", template.unwrap(), Class::Value)];
    sequence(&app, Trigger::Confirmed, steps).await;
    let ada = confirmed(&app, "ada@example.com").await;
    // No door takes a blank address; a row may have one all the same.
    let blank = model::sites::Site { postal_address: " ".to_owned(), ..app.site.clone() };
    engine::sites::put(&app.engine, blank, Vec::new()).await.unwrap();
    app.advance_ms(2 * DAY_MS).await;
    let all = messages(&app, ada).await;
    let letter = all.iter().find(|message| message.class == Class::Value).unwrap();
    assert_eq!(letter.state, State::Held, "{letter:?}");
    assert!(letter.reason.as_deref().unwrap().contains("no postal address"), "{letter:?}");
    let sent = app.mails().len();
    app.sell("guide", "The guide", model::products::Role::Front, testkit::usd(1900)).await;
    app.buy("guide", &[("email", "iris@example.com")]).await;
    app.advance_ms(DAY_MS).await;
    assert_eq!(app.mails().len(), sent + 1, "the receipt leaves");
    // The address is given: what was held leaves.
    let by = model::audits::Actor::Console;
    engine::sites::change(&app.engine, by, app.site.clone()).await.unwrap();
    app.run_until_idle().await;
    assert!(app.mail_to("ada@example.com").text.contains("News."));
    assert!(app.mail_to("ada@example.com").text.contains("1 Test Street"));
}

#[test]
fn t15_a_mail_that_gmail_would_cut_off_is_warned_of() {
    let made = templates::make(&testkit::site(), &draft(&"word ".repeat(25_000))).unwrap();
    assert!(made.warnings.iter().any(|warning| warning.code == "too_large"));
}

#[test]
fn a20_a_template_reaches_nothing_but_its_contact_and_its_site() {
    for source in [
        "{{ env }}",
        "{{ env('PATH') }}",
        "{{ environ }}",
        "{{ config }}",
        "{{ settings.smtp }}",
        "{{ secret }}",
        "{{ engine }}",
        "{{ self }}",
        "{{ debug() }}",
        "{{ lipsum() }}",
        "{{ site.settings }}",
        "{{ site.id }}",
        "{{ contact | pprint }}",
        "{{ contact | tojson }}",
    ] {
        let said = refusal(source);
        assert!(said.starts_with("line 1"), "{source}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t18_a_template_made_to_be_slow_ends_soon_and_holds_nobody_up() {
    let app = TestApp::start().await;
    let inner = "{% for c in range(10000) %}{{ 'x' * 10000 }}{% endfor %}";
    let bombs = [
        "<div>".repeat(20_000),
        "<div><b></div>".repeat(10_000),
        "1. ".repeat(20_000),
        "[".repeat(50_000),
        "`".repeat(50_000),
        "| a ".repeat(20_000) + "\n|" + &"-|".repeat(20_000),
        format!("{{% for a in range(10000) %}}{inner}{{% endfor %}}"),
        "{{ 'x' | replace('', 'xxxxxxxxxxxxxxxx') }}".repeat(2_000),
        "{% if contact.first_name %}".repeat(400) + &"{% endif %}".repeat(400),
        "[x](https://x.example/?a={{ contact.email }}) ".repeat(4_000),
        "> ".repeat(20_000),
        "*a **b ".repeat(10_000),
    ];
    for bomb in bombs {
        let (engine, site) = (app.engine.clone(), app.site.clone());
        let saving = tokio::spawn(async move {
            let draft = Draft { slug: format!("b{}", engine.next_id()), ..draft(&bomb) };
            templates::save(&engine, site, None, draft).await.map(drop)
        });
        // The writer is free meanwhile.
        let other = templates::save(&app.engine, app.site.clone(), None, {
            Draft { slug: format!("o{}", app.engine.next_id()), ..draft("Hello") }
        });
        other.await.unwrap();
        let ended = tokio::time::timeout(std::time::Duration::from_secs(60), saving).await;
        // Refused or saved: either is an answer.
        let _ = ended.expect("an answer in time").unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t16_an_edited_template_leaves_planned_mail_as_it_was() {
    let app = TestApp::start().await;
    let site = app.site.clone();
    let id = templates::save(&app.engine, site.clone(), None, draft("first words")).await.unwrap();
    let to = model::EmailAddr::parse("ada@example.com").unwrap();
    templates::send_test(&app.engine, site.clone(), id, None, to).await.unwrap();
    templates::save(&app.engine, site, Some((id, 1)), draft("second words")).await.unwrap();
    app.run_until_idle().await;
    assert!(app.mail_to("ada@example.com").text.starts_with("first words"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a12_two_authors_do_not_overwrite_each_other() {
    let app = TestApp::start().await;
    let site = app.site.clone();
    let id = templates::save(&app.engine, site.clone(), None, draft("one")).await.unwrap();
    templates::save(&app.engine, site.clone(), Some((id, 1)), draft("two")).await.unwrap();
    let late = templates::save(&app.engine, site, Some((id, 1)), draft("three")).await.unwrap_err();
    assert!(matches!(late, EngineError::Conflict(_)), "{late:?}");
}

#[test]
fn a_markdown_mail_has_two_real_parts_and_numbered_links() {
    let source = "Hello {{ contact.first_name | default(\"there\") }},\n\n## News\n\n\
                  {% if contact.last_name %}\n\nDear {{ contact.last_name }}.\n\n{% endif %}\n\n\
                  * one\n* two\n\n[See it]({{ site.base_url }}/p/book) or \
                  [elsewhere](https://other.example/?q={{ contact.email }})";
    let made = templates::make(&testkit::site(), &draft(source)).unwrap();
    assert_eq!(made.targets, ["/", "/p/book", "https://other.example/?q={{ contact.email }}"]);
    assert!(made.html.contains("{{ contact.first_name | default(\"there\") }}"), "{}", made.html);
    assert!(made.html.contains("href=\"{{ links[1] }}\""));
    assert!(!made.html.contains("<p>{% if"), "a statement is no paragraph");
    assert!(made.plain.contains("- one\n- two"), "{}", made.plain);
    assert!(made.plain.contains("See it ({{ site.base_url }}/p/book)"), "{}", made.plain);
    assert!(made.warnings.iter().any(|warning| warning.code == "hands_over"), "L6");
}
