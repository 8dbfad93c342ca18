//! A key ring that is rotated while servers use it.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    time::Duration,
};

use model::{Secret, WorkspaceId};
use sealing::{CellAddress, KeyFileError, KeysError, OpenError, Provider, RingSource, key_id};

use crate::support::{Fixture, block_on};

const GRACE: Duration = Duration::from_secs(60);

fn place(fixture: &Fixture) -> CellAddress<'static> {
    CellAddress { workspace: WorkspaceId::generate(&fixture.env), table: "t", row: "r", column: "c" }
}

#[tokio::test]
async fn the_key_file_is_private_and_never_overwritten() {
    let fixture = Fixture::new(1);
    let (provider, path) = (fixture.provider(), fixture.path("keys.json"));
    let missing = provider.clone().open(&fixture.env).await.unwrap_err();
    assert!(matches!(missing, KeysError::File(KeyFileError::Missing(_))));
    let made = provider.clone().create(&fixture.env).await.unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fixture.server().await.active_key_id(), made.active_key_id());
    let again = provider.clone().create(&fixture.env).await.unwrap_err();
    assert!(matches!(again, KeysError::File(KeyFileError::Io { .. })));

    fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
    let complaint = provider.clone().open(&fixture.env).await.unwrap_err().to_string();
    assert!(complaint.contains("chmod 600"), "{complaint}");
    let mounted = Provider::new(RingSource::Mounted(path.clone())).open(&fixture.env).await.unwrap();
    assert_eq!(mounted.active_key_id(), made.active_key_id(), "the orchestrator sets its permissions");

    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    for nonsense in ["{}", "", "{\"active\": \"k-1\", \"keys\": {\"k-1\": \"c2hvcnQ=\"}}"] {
        fs::write(&path, nonsense).unwrap();
        let complaint = provider.clone().open(&fixture.env).await.unwrap_err();
        assert!(matches!(complaint, KeysError::File(KeyFileError::Malformed(_))), "{complaint}");
    }
}

#[tokio::test]
async fn a_new_key_seals_once_every_server_had_time_to_load_it() {
    let fixture = Fixture::new(1);
    let old = fixture.provider().create(&fixture.env).await.unwrap().active_key_id();
    let (one, other, place) = (fixture.server().await, fixture.server().await, place(&fixture));
    let rotated = fixture.provider().rotate(fixture.env.now() + GRACE, None, &fixture.env).await.unwrap();
    assert_eq!(rotated.before, old);

    let early = one.seal(&place, &Secret::new("early"));
    assert_eq!(key_id(&early.0), Some(&*old));
    fixture.pass(60);
    // The first server checks the file before it seals.
    let late = one.seal(&place, &Secret::new("late"));
    assert_eq!(key_id(&late.0), Some(&*rotated.key));
    // The other server has not checked the file yet. It does so when it finds an unknown key.
    assert_eq!(other.open(&place, &late).unwrap().expose(), "late");
    assert_eq!(other.open(&place, &early).unwrap().expose(), "early");
}

#[tokio::test]
async fn a_second_rotation_waits_for_the_first() {
    let fixture = Fixture::new(1);
    fixture.provider().create(&fixture.env).await.unwrap();
    let rotate = async || fixture.provider().rotate(fixture.env.now() + GRACE, None, &fixture.env).await;
    let first = rotate().await.unwrap();
    assert!(matches!(rotate().await.unwrap_err(), KeysError::Pending { key, .. } if key == first.key));
    fixture.pass(60);
    assert_eq!(rotate().await.unwrap().before, first.key);
    assert_eq!(fixture.server().await.ring().key_ids().count(), 3);
}

#[tokio::test]
async fn a_retired_key_opens_only_what_was_read_before() {
    let fixture = Fixture::new(1);
    let old = fixture.provider().create(&fixture.env).await.unwrap().active_key_id();
    let (server, place) = (fixture.server().await, place(&fixture));
    let sealed = server.seal(&place, &Secret::new("planted"));
    let rotated = fixture.provider().rotate(fixture.env.now(), None, &fixture.env).await.unwrap();
    for needed in [&rotated.key, "k-of-nobody"] {
        let retired = fixture.provider().retire(&[needed.to_owned()], None, &fixture.env);
        if needed == rotated.key {
            assert!(matches!(retired, Err(KeysError::InUse(_))));
        } else {
            assert!(retired.unwrap().is_empty());
        }
    }
    let retired = fixture.provider().retire(std::slice::from_ref(&old), None, &fixture.env).unwrap();
    assert_eq!(retired, *std::slice::from_ref(&old));

    let fresh = fixture.server().await;
    assert_eq!(fresh.open(&place, &sealed).unwrap_err(), OpenError::KeyRetired(old.clone()));
    // A running server can use its old ring for what it has read before, for a limited time.
    fixture.pass(2);
    server.seal(&place, &Secret::new("anything"));
    assert_eq!(server.open(&place, &sealed).unwrap().expose(), "planted");
    fixture.pass(600);
    assert_eq!(server.open(&place, &sealed).unwrap_err(), OpenError::KeyRetired(old));
}

#[tokio::test]
async fn a_running_server_ignores_foreign_and_truncated_rings() {
    let fixture = Fixture::new(1);
    let ours = fixture.provider().create(&fixture.env).await.unwrap().active_key_id();
    let (server, place) = (fixture.server().await, place(&fixture));
    let stranger = Fixture::new(2);
    stranger.provider().create(&stranger.env).await.unwrap();
    let own = fs::read(fixture.path("keys.json")).unwrap();
    for wrong in [fs::read(stranger.path("keys.json")).unwrap(), own[..own.len() / 2].to_vec(), Vec::new()] {
        fs::write(fixture.path("keys.json"), wrong).unwrap();
        fixture.pass(5);
        assert_eq!(key_id(&server.seal(&place, &Secret::new("x")).0), Some(&*ours));
    }
    fs::remove_file(fixture.path("keys.json")).unwrap();
    fixture.pass(5);
    let sealed = server.seal(&place, &Secret::new("x"));
    assert_eq!(server.open(&place, &sealed).unwrap().expose(), "x");
}

#[tokio::test]
async fn a_crash_in_the_middle_of_a_rotation_leaves_a_complete_file() {
    let fixture = Fixture::new(1);
    let old = fixture.provider().create(&fixture.env).await.unwrap().active_key_id();
    // What a crash leaves before the rename.
    fs::write(fixture.path("keys.new"), "{\"active\": \"k-").unwrap();
    assert_eq!(fixture.server().await.active_key_id(), old);
    let rotated = fixture.provider().rotate(fixture.env.now(), None, &fixture.env).await.unwrap();
    assert_eq!(fixture.server().await.active_key_id(), rotated.key);
    let left: Vec<_> =
        fs::read_dir(fixture.folder()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["keys.json"]);
}

#[tokio::test]
async fn a_symbolic_link_to_the_key_file_stays_a_link() {
    let fixture = Fixture::new(1);
    Provider::file(fixture.path("real.json")).create(&fixture.env).await.unwrap();
    std::os::unix::fs::symlink("real.json", fixture.path("keys.json")).unwrap();
    let rotated = fixture.provider().rotate(fixture.env.now(), None, &fixture.env).await.unwrap();
    assert!(fs::symlink_metadata(fixture.path("keys.json")).unwrap().is_symlink());
    let real = Provider::file(fixture.path("real.json")).open(&fixture.env).await.unwrap();
    assert_eq!(real.active_key_id(), rotated.key);
}

#[tokio::test]
async fn one_of_two_concurrent_changes_of_the_file_is_refused() {
    let fixture = Fixture::new(1);
    fixture.provider().create(&fixture.env).await.unwrap();
    let held = fs::File::open(fixture.folder()).unwrap();
    held.lock().unwrap();
    let complaint = fixture.provider().rotate(fixture.env.now(), None, &fixture.env).await.unwrap_err();
    assert!(matches!(complaint, KeysError::File(KeyFileError::Busy(_))), "{complaint}");
}

#[test]
fn a_changed_ring_of_the_environment_is_written_to_a_new_file() {
    let fixture = Fixture::new(1);
    let old = block_on(fixture.provider().create(&fixture.env)).unwrap().active_key_id();
    let text = fs::read_to_string(fixture.path("keys.json")).unwrap();
    let provider = Provider::new(RingSource::Variable(Secret::new(text)));
    assert!(!format!("{provider:?}").contains("keys"), "it is not printed");
    let now = fixture.env.now();
    let refused = block_on(provider.rotate(now, None, &fixture.env)).unwrap_err();
    assert!(refused.to_string().contains("--to"), "{refused}");
    let new = fixture.path("new.json");
    let rotated = block_on(provider.rotate(now, Some(&new), &fixture.env)).unwrap();
    assert_eq!(block_on(provider.open(&fixture.env)).unwrap().active_key_id(), old);
    let next = block_on(Provider::file(new).open(&fixture.env)).unwrap();
    assert_eq!(next.active_key_id(), rotated.key);

    let nonsense = Provider::new(RingSource::Variable(Secret::new("planted")));
    let complaint = block_on(nonsense.open(&fixture.env)).unwrap_err().to_string();
    assert!(complaint.contains("LATCHKEY_KEYS") && !complaint.contains("planted"), "{complaint}");
}
