//! A new master key takes over, and what the earlier one made still opens.

use std::os::unix::fs::PermissionsExt;

use engine::master_keys::{KeyState, key_state};
use engine::{Clock, Engine, EngineError, Parts, Rng, Sending};
use model::EmailAddr;
use model::tokens::{Purpose, TokenError};
use store::Db;
use tempfile::TempDir;
use testkit::START;

use crate::cli::Desk;

const ONE: [u8; 32] = [1; 32];
const TWO: [u8; 32] = [2; 32];
const THREE: [u8; 32] = [3; 32];

async fn start(
    db: &Db,
    dir: &TempDir,
    master_key: [u8; 32],
    previous: &[[u8; 32]],
) -> Result<Engine, EngineError> {
    let views = format!("sqlite:{}", dir.path().join("views.db").display());
    let parts = Parts {
        db: db.clone(),
        views: Db::connect(&views, store::Options::views()).await.unwrap(),
        clock: Clock::fake(START),
        rng: Rng::seeded(1),
        master_key,
        previous_keys: previous.to_vec(),
        data_dir: dir.path().to_owned(),
        node_name: "test".to_owned(),
        sending: Sending::default(),
    };
    Engine::start(parts).await
}

testkit::both!(links_and_hashes_outlive_the_key_they_were_made_under, outlive);

async fn outlive(db: Db) {
    let dir = tempfile::tempdir().unwrap();
    let state = async |current: [u8; 32], previous: &[[u8; 32]]| {
        key_state(&db.reader(), Some(&current), previous).await.unwrap()
    };
    assert_eq!(state(ONE, &[]).await, KeyState::Fresh);
    let first = start(&db, &dir, ONE, &[]).await.unwrap();
    engine::installation::keep_key_check(&first).await.unwrap();
    let ada = EmailAddr::parse("ada@example.org").unwrap();
    let hash = engine::contacts::hmac_of(&first, &ada);
    let old_link = first.keys().sign(Purpose::Unsubscribe, 7, 0);

    assert_eq!(state(TWO, &[]).await, KeyState::Wrong);
    assert!(start(&db, &dir, TWO, &[]).await.is_err(), "nothing takes over by mistake");
    assert!(start(&db, &dir, TWO, &[THREE]).await.is_err());
    assert_eq!(state(TWO, &[ONE]).await, KeyState::New);
    let second = start(&db, &dir, TWO, &[ONE]).await.unwrap();
    assert_eq!(state(TWO, &[ONE]).await, KeyState::Right);
    assert_eq!(second.keys().open(Purpose::Unsubscribe, &old_link).unwrap().id, 7);
    let new_link = second.keys().sign(Purpose::Unsubscribe, 8, 0);
    assert_eq!(second.keys().open(Purpose::Unsubscribe, &new_link).unwrap().kid, 2);
    assert!(first.keys().open(Purpose::Unsubscribe, &new_link).is_err());
    assert_eq!(engine::contacts::hmac_of(&second, &ada), hash, "who left stays gone");
    engine::installation::keep_key_check(&second).await.unwrap();

    // The first may be put away: its links are over then, hashes of addresses are not.
    let third = start(&db, &dir, THREE, &[TWO]).await.unwrap();
    assert_eq!(third.keys().kid(), 3);
    assert_eq!(third.keys().open(Purpose::Unsubscribe, &new_link).unwrap().id, 8);
    let gone = third.keys().open(Purpose::Unsubscribe, &old_link).unwrap_err();
    assert_eq!(gone, TokenError::UnknownKey(1));
    assert_eq!(engine::contacts::hmac_of(&third, &ada), hash);

    // Without the newest, an earlier one is not enough.
    assert_eq!(state(TWO, &[ONE]).await, KeyState::Wrong);
    assert_eq!(state(TWO, &[THREE]).await, KeyState::Right);
    let back = start(&db, &dir, TWO, &[THREE]).await.unwrap();
    assert_eq!(back.keys().kid(), 2);
    assert_eq!(engine::contacts::hmac_of(&back, &ada), hash);
}

#[test]
fn g10_a_new_master_key_takes_over_where_the_earlier_one_is_named() {
    let desk = Desk::new();
    desk.serve().stop();
    let key = desk.data().join("secret.key");
    std::fs::rename(&key, desk.path().join("earlier.keys")).unwrap();
    std::fs::write(&key, "ab".repeat(32)).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    let said = desk.run(&["serve"]).refused(1);
    assert!(said.contains("secret.previous_keys"), "{said}");
    desk.write("tundish.toml", "[secret]\nprevious_keys_file = \"earlier.keys\"\n");
    let said = desk.run(&["operator", "list"]).refused(1);
    assert!(said.contains("start the server once"), "{said}");
    desk.serve().stop();
    desk.run(&["operator", "list"]).ok();
    std::fs::remove_file(desk.path().join("tundish.toml")).unwrap();
    desk.serve().stop();
    let settings = desk.write("tundish.toml", "[secret]\nprevious_keys = \"ab\"\n");
    std::fs::set_permissions(&settings, std::fs::Permissions::from_mode(0o600)).unwrap();
    assert!(desk.run(&["serve"]).refused(1).contains("64 hexadecimal digits"));
}
