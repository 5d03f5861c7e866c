//! Keys of the API, what it can do, the figures made anew, and how the installation is.

use serde_json::Value;

use super::Desk;
use super::operators::shop;

#[test]
fn a_key_is_shown_once_listed_by_its_hint_and_revoked() {
    let desk = shop();
    let scope = ["--scope", "contacts:read", "--scope", "orders:read", "--json"];
    let args: Vec<&str> = ["key", "create", "the till"].into_iter().chain(scope).collect();
    let made = desk.run(&args).json();
    let key = made["key"].as_str().unwrap();
    assert!(key.starts_with("tun_"), "{made}");
    let listed = desk.run(&["key", "list", "--json"]).json();
    assert_eq!((&listed[0]["name"], &listed[0]["id"]), (&"the till".into(), &made["id"]));
    assert_eq!(listed[0]["scopes"], serde_json::json!(["contacts:read", "orders:read"]));
    assert!(!listed.to_string().contains(key), "{listed}");
    desk.run(&["key", "revoke", made["id"].as_str().unwrap()]).ok();
    let listed = desk.run(&["key", "list", "--json"]).json();
    assert!(listed[0]["revoked_at"].is_string(), "{listed}");
    assert!(desk.run(&["key", "list"]).ok().contains("revoked"));
    let said = desk.run(&["key", "create", "x", "--scope", "everything"]).refused(1);
    assert!(said.contains("contacts:read"), "{said}");
    desk.run(&["key", "create", "x"]).refused_usage();
    desk.run(&["key", "revoke", "key_nothing"]).refused(1);
}

#[test]
fn the_description_of_the_api_is_the_one_the_server_hands_out() {
    let desk = shop();
    let printed = desk.run(&["openapi", "--json"]).json();
    assert!(printed["openapi"].as_str().unwrap().starts_with("3."), "{printed}");
    assert!(printed["paths"].as_object().unwrap().len() > 4);
    let pretty: Value = serde_json::from_str(&desk.run(&["openapi"]).ok()).unwrap();
    assert_eq!(pretty, printed);
    let server = desk.serve();
    let answer = server.get("/api/v1/openapi.json");
    let body = answer.split("\r\n\r\n").nth(1).unwrap();
    let body = &body[body.find('{').unwrap()..=body.rfind('}').unwrap()];
    let served: Value = serde_json::from_str(body).unwrap();
    assert_eq!(served, printed);
    // No folder is needed for it.
    Desk::new().run(&["openapi"]).ok();
}

#[test]
fn figures_are_made_anew_beside_a_running_server() {
    let desk = shop();
    let _server = desk.serve();
    let done = desk.run(&["rebuild", "rollups", "--json"]).json();
    assert_eq!(done[0]["orders_mended"], 0);
    assert!(done[0]["days_counted"].is_u64());
    let said = desk.run(&["rebuild", "rollups", "--site", "nowhere"]).refused(1);
    assert!(said.contains("no site called nowhere"), "{said}");
    assert_eq!(desk.run(&["rebuild", "everything"]).code, 2);
}

#[test]
fn the_doctor_looks_at_each_thing_and_says_what_mends_it() {
    let desk = Desk::new();
    let ran = desk.run(&["doctor", "--json"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    let checks: Value = serde_json::from_str(&ran.stdout).unwrap();
    let of = |checks: &Value, name: &str| {
        let all = checks.as_array().unwrap();
        all.iter().find(|check| check["check"] == name).unwrap().clone()
    };
    assert_eq!(of(&checks, "data")["health"], "fail");
    assert!(of(&checks, "data")["mend"].as_str().unwrap().contains("tundish init"));
    assert_eq!(of(&checks, "database")["health"], "fail");

    let desk = shop();
    desk.write("tundish.toml", "[server]\nlisten = \"127.0.0.1:0\"\n");
    let checks = desk.run(&["doctor", "--json"]).json();
    for name in ["clock", "data", "database", "master key", "promises"] {
        assert_eq!(of(&checks, name)["health"], "ok", "{checks}");
    }
    assert_eq!(of(&checks, "mail")["health"], "warn");
    let said = desk.run(&["doctor"]).ok();
    assert!(said.lines().all(|line| ["ok", "warn"].iter().any(|w| line.starts_with(w))), "{said}");
}

/// A mail server that nobody reaches.
fn relay(relay_signs: bool) -> engine::sending::Smtp {
    engine::sending::Smtp {
        host: "relay.invalid".to_owned(),
        port: 587,
        tls: model::sending::SmtpTls::parse("starttls").unwrap(),
        username: String::new(),
        password: None,
        connections: 1,
        per_second: 0,
        relay_signs,
    }
}

#[test]
fn the_doctor_looks_at_the_mail_server_that_is_set_in_the_admin() {
    let desk = shop();
    desk.write("tundish.toml", "[server]\nlisten = \"127.0.0.1:0\"\n");
    super::opened(&desk, async |engine, site| {
        engine::sending::set_smtp(&engine, &site, relay(false)).await.unwrap();
    });
    let ran = desk.run(&["doctor", "--json"]);
    let checks: Value = serde_json::from_str(&ran.stdout).unwrap();
    let of = |name: &str| {
        let all = checks.as_array().unwrap();
        all.iter().find(|check| check["check"] == name).unwrap().clone()
    };
    assert!(of("mail")["found"].as_str().unwrap().contains("relay.invalid"), "{checks}");
    assert!(of("signature")["found"].as_str().unwrap().contains("held, unsigned"), "{checks}");
    // A key that stands elsewhere is not looked for in the folder.
    let key = desk.data().join("secret.key");
    std::fs::rename(&key, desk.path().join("the.key")).unwrap();
    let named = desk.path().join("the.key").display().to_string();
    let ran = desk.run_with(&["doctor", "--json"], &[("TUNDISH_SECRET_KEY_FILE", &named)]);
    assert!(!ran.stdout.contains("data/secret.key"), "{}", ran.stdout);
}

#[test]
fn the_doctor_says_that_mail_is_held_only_where_it_is() {
    let desk = shop();
    desk.write("tundish.toml", "[server]\nlisten = \"127.0.0.1:0\"\n");
    let signature = |variables: &[(&str, &str)]| {
        let ran = desk.run_with(&["doctor", "--json"], variables);
        let checks: Value = serde_json::from_str(&ran.stdout).unwrap();
        let all = checks.as_array().unwrap();
        let found = all.iter().find(|check| check["check"] == "signature");
        found.map_or_else(String::new, |check| format!("{} {}", check["health"], check["found"]))
    };
    let elsewhere = [("TUNDISH_SMTP_HOST", "relay.invalid")];
    assert!(signature(&elsewhere).contains("are held"));
    let here = signature(&[("TUNDISH_SMTP_HOST", "127.0.0.1"), ("TUNDISH_SMTP_PORT", "9")]);
    assert!(here.contains("may sign") && !here.contains("held"), "{here}");
    super::opened(&desk, async |engine, site| {
        let words = engine::sending::UNSIGNED_WORDS;
        engine::sending::allow_unsigned(&engine, &site, "Ada", words).await.unwrap();
    });
    let allowed = signature(&elsewhere);
    assert!(allowed.contains("as Ada allowed") && !allowed.contains("held"), "{allowed}");
}

#[test]
fn every_command_says_what_it_is_for() {
    let desk = Desk::new();
    let help = desk.run(&["--help"]).ok();
    for word in ["queue", "rebuild", "openapi", "import", "doctor", "backup"] {
        assert!(help.contains(&format!("\n  {word} ")), "{word}: {help}");
    }
    for args in [["queue", "--help"], ["contact", "--help"], ["rebuild", "--help"]] {
        let help = desk.run(&args).ok();
        assert!(help.contains("Usage: tundish"), "{help}");
    }
}

/// A name server that knows these TXT records; its address.
fn name_server(records: &'static [(&'static str, &'static str)]) -> String {
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        let mut asked = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut asked) {
            let mut answer = asked[..length].to_vec();
            answer[2] = 0x81;
            let mut name = Vec::new();
            let mut at = 12;
            while asked[at] != 0 {
                let end = at + 1 + usize::from(asked[at]);
                name.push(String::from_utf8_lossy(&asked[at + 1..end]).into_owned());
                at = end;
            }
            match records.iter().find(|(known, _)| *known == name.join(".")) {
                None => answer[3] = 3,
                Some((_, text)) => {
                    answer[7] = 1;
                    let length = u8::try_from(text.len()).unwrap();
                    answer.extend([0xC0, 12, 0, 16, 0, 1, 0, 0, 0, 9, 0, length + 1, length]);
                    answer.extend(text.as_bytes());
                }
            }
            socket.send_to(&answer, from).unwrap();
        }
    });
    address
}

#[test]
fn the_doctor_asks_the_name_servers_and_says_when_none_answers() {
    let desk = super::operators::shop();
    super::opened(&desk, async |engine, site| {
        let site = model::sites::Site { sender_address: "hi@news.shop.org".to_owned(), ..site };
        engine::sites::put(&engine, site, Vec::new()).await.unwrap();
    });
    let seen = |variables: &[(&str, &str)]| {
        let ran = desk.run_with(&["doctor", "--json"], variables);
        let all: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
        let of = |name: &str| {
            let found = all.as_array().unwrap().iter().find(|check| check["check"] == name);
            found
                .map_or_else(String::new, |check| format!("{} {}", check["health"], check["found"]))
        };
        [of("spf"), of("dkim"), of("dmarc"), of("dns")]
    };
    let server = name_server(&[
        ("news.shop.org", "v=spf1 include:relay.example -all"),
        ("_dmarc.shop.org", "v=DMARC1; p=none"),
    ]);
    let [spf, dkim, dmarc, dns] = seen(&[("TUNDISH_DNS_SERVERS", &server)]);
    assert!(spf.contains("ok") && spf.contains("-all"), "{spf}");
    assert!(dkim.contains("warn") && dkim.contains("has no key"), "{dkim}");
    assert!(dmarc.contains("ok") && dmarc.contains("p=none"), "{dmarc}");
    assert_eq!(dns, "");
    // Where the mail server signs, no key of ours is missed.
    super::opened(&desk, async |engine, site| {
        engine::sending::set_smtp(&engine, &site, relay(true)).await.unwrap();
    });
    let [spf, dkim, ..] = seen(&[("TUNDISH_DNS_SERVERS", &server)]);
    assert!(spf.contains("ok") && dkim.is_empty(), "{dkim}");
    // Nobody listens there any more: said once, and plainly.
    let nobody = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let [spf, _, _, dns] = seen(&[("TUNDISH_DNS_SERVERS", &nobody.to_string())]);
    assert_eq!(spf, "");
    assert!(dns.contains("warn") && dns.contains("were not looked at"), "{dns}");
}
