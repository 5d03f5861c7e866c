//! Settings in layers, tried out.

use super::*;

fn file(text: &str) -> Layers {
    Layers { file: Some((PathBuf::from("tundish.toml"), text.to_owned())), ..Layers::default() }
}

#[test]
fn the_defaults_hold_every_key_and_no_other() {
    let config = Config::load(Layers::default()).unwrap();
    for key in KEYS {
        assert!(config.settings.contains_key(key.name), "{} has no default", key.name);
    }
    assert_eq!(config.listen().to_string(), "127.0.0.1:8095");
    assert_eq!(config.shutdown(), Duration::from_secs(30));
}

#[test]
fn a_flag_wins_over_a_variable_over_the_file_over_the_default() {
    let mut layers = file("[server]\nlisten = \"127.0.0.1:1\"\nrole = \"web\"\ndata = \"/a\"\n");
    layers.variables = vec![
        ("TUNDISH_SERVER_LISTEN".to_owned(), "127.0.0.1:2".to_owned()),
        ("TUNDISH_SERVER_DATA".to_owned(), "/b".to_owned()),
    ];
    layers.flags = vec![("server.listen", "127.0.0.1:3".to_owned())];
    let config = Config::load(layers).unwrap();
    let origins: BTreeMap<_, _> =
        config.shown().into_iter().map(|(name, value, origin)| (name, (value, origin))).collect();
    assert_eq!(origins["server.listen"], ("127.0.0.1:3".to_owned(), Origin::Flag));
    let variable = Origin::Variable("TUNDISH_SERVER_DATA".to_owned());
    assert_eq!(origins["server.data"], ("/b".to_owned(), variable));
    let line = Origin::File(PathBuf::from("tundish.toml"), 3);
    assert_eq!(origins["server.role"], ("web".to_owned(), line));
    assert_eq!(origins["log.level"].1, Origin::Default);
}

#[test]
fn secrets_are_never_shown() {
    let mut layers = file("[smtp]\npassword = \"hush\"\n");
    layers.variables = vec![(
        "TUNDISH_DATABASE_URL".to_owned(),
        "postgres://shop:hush@db.example/shop".to_owned(),
    )];
    let shown = format!("{:?}", Config::load(layers).unwrap().shown());
    assert!(!shown.contains("hush"), "{shown}");
}

#[test]
fn what_is_not_toml_is_told_with_its_line() {
    let error = Config::load(file("[server]\nlisten = 127.0.0.1\n")).unwrap_err();
    assert!(error.contains("line 2"), "{error}");
}

#[test]
fn a_variable_that_is_no_setting_is_warned_about() {
    let variables = vec![("TUNDISH_SERVER_LISTN".to_owned(), "x".to_owned())];
    let layers = Layers { variables, ..Layers::default() };
    let config = Config::load(layers).unwrap();
    assert!(config.warnings[0].contains("did you mean TUNDISH_SERVER_LISTEN?"));
}
