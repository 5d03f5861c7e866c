//! Contacts: taken in, written out, shown, fast-forwarded, forgotten.

use model::EmailAddr;

use super::funnel::example;
use super::operators::shop;
use super::{Desk, opened};

const HEADER: &str = "external_id,email,status,first_name,last_name,language,timezone,tags,topics,\
    consent_source,consent_at,consent_text,created_at";
const FILE: &str = "email,first_name,last_name,tags,status,town\n\
    ada@x.test,Ada,\"Lovelace, Countess\",\"baker, early\",confirmed,London\n\
    bo@x.test,=Bo,,,unsubscribed,\n\
    cy@x.test,Cy,,,pending,\"two\nlines\"\n";

/// A shop with three contacts.
fn with_people() -> Desk {
    let desk = shop();
    let file = desk.write("people.csv", FILE);
    let taken = import(&desk, file.to_str().unwrap());
    assert_eq!((&taken["created"], &taken["rejected"]), (&3.into(), &0.into()), "{taken}");
    desk
}

fn import(desk: &Desk, file: &str) -> serde_json::Value {
    let said = "asked at the market in 2024, on paper";
    desk.run(&["import", "auto", file, "--consent", said, "--json"]).json()
}

/// The lines of a file of contacts without the times of this day, which two shops do not share.
fn lasting(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = text
        .lines()
        .map(|line| {
            let cells = line.split(',').filter(|cell| !cell.starts_with("20"));
            cells.collect::<Vec<_>>().join(",")
        })
        .collect();
    lines.sort();
    lines
}

#[test]
fn contacts_written_out_come_in_again_as_they_were() {
    let desk = with_people();
    let text = desk.run(&["export", "contacts"]).ok();
    assert!(text.starts_with(&format!("{HEADER},field.town\r\n")), "{text}");
    assert!(text.contains("'=Bo"), "a formula leaves as text: {text}");
    let out = desk.write("out.csv", &text);
    // Into the shop they come from: nothing changes.
    let again = import(&desk, out.to_str().unwrap());
    assert_eq!((&again["preset"], &again["rows"]), (&"contacts".into(), &3.into()));
    assert_eq!((&again["created"], &again["updated"]), (&0.into(), &0.into()), "{again}");
    // Into an empty one: the same people, with the words they agreed to.
    let other = shop();
    let out = out.to_str().unwrap();
    let taken = other.run(&["import", "contacts", out, "--json"]).json();
    assert_eq!((&taken["created"], &taken["rejected"]), (&3.into(), &0.into()), "{taken}");
    let there = other.run(&["export", "contacts"]).ok();
    assert_eq!(lasting(&there), lasting(&text));
    assert!(there.contains("asked at the market in 2024"), "{there}");
    other.run(&["verify"]).ok();
    let rows = desk.run(&["export", "contacts", "--format", "ndjson"]).ok();
    let row: serde_json::Value = serde_json::from_str(rows.lines().last().unwrap()).unwrap();
    assert_eq!((&row["email"], &row["status"]), (&"ada@x.test".into(), &"confirmed".into()));
}

#[test]
fn a_rehearsal_of_an_import_takes_nothing_and_rejected_rows_are_written_out() {
    let desk = shop();
    let text = "email,name\nada@x.test,Ada\nno address,Bo\n";
    let file = desk.write("people.csv", text);
    let file = file.to_str().unwrap();
    let dry = desk.run(&["import", "auto", file, "--dry-run", "--json"]).json();
    assert_eq!((&dry["valid"], &dry["invalid"]), (&1.into(), &1.into()));
    assert_eq!(desk.run(&["export", "contacts", "--json"]).ok(), "");
    let said = desk.run(&["import", "auto", file]).refused(1);
    assert!(said.contains("agreed to"), "{said}");
    let args = ["import", "auto", file, "--consent", "at the fair", "--errors", "errors.csv"];
    desk.run(&args).ok();
    let errors = std::fs::read_to_string(desk.path().join("errors.csv")).unwrap();
    assert!(errors.starts_with("line,email,level,message\r\n3,no address,error,"), "{errors}");
    let said = desk.run(&["import", "kitt", file]).refused(2);
    assert!(said.contains("did you mean kit?"), "{said}");
    let said = desk.run(&["import", "mailchimp", file]).refused(1);
    assert!(said.contains("not of mailchimp"), "{said}");
    desk.run(&["import", "auto", "nowhere.csv"]).refused(1);
}

#[test]
fn one_contact_is_shown_handed_out_and_forgotten() {
    let desk = with_people();
    let shown = desk.run(&["contact", "show", " ADA@x.test ", "--json"]).json();
    assert!(shown["id"].as_str().unwrap().starts_with("con_"), "{shown}");
    assert_eq!((&shown["email"], &shown["status"]), (&"ada@x.test".into(), &"confirmed".into()));
    assert_eq!(shown["consents"].as_array().unwrap().len(), 1);
    assert!(shown["messages"].as_array().unwrap().is_empty());
    let said = desk.run(&["contact", "show", "ada@x.test"]).ok();
    assert!(said.contains("ada@x.test"), "{said}");
    let csv = desk.run(&["contact", "export", "ada@x.test", "--format", "csv"]).ok();
    assert!(csv.starts_with("what,name,value"), "{csv}");
    let json = desk.run(&["contact", "export", "ada@x.test"]).json();
    assert_eq!(json["contact"]["email"], "ada@x.test");
    desk.run(&["contact", "export", "ada@x.test", "--format", "xml"]).refused(2);

    let said = desk.run(&["contact", "erase", "ada@x.test"]).refused(1);
    assert!(said.contains("--yes"), "{said}");
    desk.run(&["contact", "erase", "ada@x.test", "--yes"]).ok();
    let said = desk.run(&["contact", "show", "ada@x.test"]).refused(1);
    assert!(said.contains("ada@x.test"), "{said}");
    // A keyed hash remembers: no file brings them back.
    let file = desk.path().join("people.csv");
    let again = import(&desk, file.to_str().unwrap());
    assert_eq!((&again["created"], &again["skipped"]), (&0.into(), &1.into()), "{again}");
    let kept = desk.run(&["export", "suppression"]).ok();
    assert!(kept.contains(",erasure,") && !kept.contains("ada@"), "{kept}");
}

#[test]
fn only_a_test_contact_is_fast_forwarded() {
    let desk = with_people();
    desk.run(&["apply", example(&desk).to_str().unwrap()]).ok();
    let due = || {
        opened(&desk, async |engine, site| {
            let key = EmailAddr::parse("ada@x.test").unwrap().key();
            let now = engine.now();
            let reader = engine.reader();
            let found = reader.read::<_, engine::EngineError, _>(move |session| {
                Box::pin(async move {
                    let ada = store::contacts::find_by_key(session, site.id, &key).await?.unwrap();
                    Ok(store::enrolments::list_of_contact(session, site.id, ada.id).await?)
                })
            });
            let all = found.await.unwrap();
            all.iter().filter(|one| one.due_at.is_some_and(|at| at <= now)).count()
        })
    };
    opened(&desk, async |engine, site| {
        let key = EmailAddr::parse("ada@x.test").unwrap().key();
        let id = site.id;
        let reader = engine.reader();
        let found = reader.read::<_, engine::EngineError, _>(move |session| {
            Box::pin(async move {
                let ada = store::contacts::find_by_key(session, id, &key).await?.unwrap();
                let welcome = store::sequences::find_by_slug(session, id, "welcome").await?;
                Ok((welcome.unwrap().id, ada.id))
            })
        });
        let (welcome, ada) = found.await.unwrap();
        let actor = model::audits::Actor::Console;
        engine::care::enrol(&engine, actor, &site, ada, welcome).await.unwrap();
    });
    assert_eq!(due(), 0);
    let said = desk.run(&["contact", "forward", "ada@x.test"]).refused(1);
    assert!(said.contains("--test"), "{said}");
    assert_eq!(due(), 0);
    let moved = desk.run(&["contact", "forward", "ada@x.test", "--test", "--json"]).json();
    assert_eq!((&moved["email"], &moved["sequences"]), (&"ada@x.test".into(), &1.into()));
    assert_eq!(due(), 1);
    // From then on without being told again.
    desk.run(&["contact", "forward", "ada@x.test"]).ok();
    let none = desk.run(&["contact", "forward", "cy@x.test", "--test"]).ok();
    assert!(none.contains("no sequence"), "{none}");
    desk.run(&["contact", "forward", "nobody@x.test"]).refused(1);
}
