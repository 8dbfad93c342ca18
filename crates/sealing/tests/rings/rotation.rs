//! A ring that is rotated while servers use it.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    time::Duration,
};

use model::{Secret, WorkspaceId};
use sealing::{KeyFileError, KeysError, OpenError, Place, Provider, RingSource, key_id};

use crate::support::{Bench, block_on};

const GRACE: Duration = Duration::from_secs(60);

fn place(bench: &Bench) -> Place<'static> {
    Place { workspace: WorkspaceId::generate(&bench.env), table: "t", row: "r", column: "c" }
}

#[tokio::test]
async fn the_key_file_is_private_and_never_overwritten() {
    let bench = Bench::new(1);
    let (provider, path) = (bench.provider(), bench.path("keys.json"));
    let missing = provider.clone().open(&bench.env).await.unwrap_err();
    assert!(matches!(missing, KeysError::File(KeyFileError::Missing(_))));
    let made = provider.clone().create(&bench.env).await.unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(bench.server().await.active_key_id(), made.active_key_id());
    let again = provider.clone().create(&bench.env).await.unwrap_err();
    assert!(matches!(again, KeysError::File(KeyFileError::Io { .. })));

    fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
    let complaint = provider.clone().open(&bench.env).await.unwrap_err().to_string();
    assert!(complaint.contains("chmod 600"), "{complaint}");
    let mounted = Provider::new(RingSource::Mounted(path.clone())).open(&bench.env).await.unwrap();
    assert_eq!(mounted.active_key_id(), made.active_key_id(), "its orchestrator knows who may read it");

    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    for nonsense in ["{}", "", "{\"active\": \"k-1\", \"keys\": {\"k-1\": \"c2hvcnQ=\"}}"] {
        fs::write(&path, nonsense).unwrap();
        let complaint = provider.clone().open(&bench.env).await.unwrap_err();
        assert!(matches!(complaint, KeysError::File(KeyFileError::Malformed(_))), "{complaint}");
    }
}

#[tokio::test]
async fn a_new_key_seals_once_every_server_had_time_to_learn_it() {
    let bench = Bench::new(1);
    let old = bench.provider().create(&bench.env).await.unwrap().active_key_id();
    let (one, other, place) = (bench.server().await, bench.server().await, place(&bench));
    let rotated = bench.provider().rotate(bench.env.now() + GRACE, None, &bench.env).await.unwrap();
    assert_eq!(rotated.before, old);

    let early = one.seal(&place, &Secret::new("early"));
    assert_eq!(key_id(&early.0), Some(&*old));
    bench.pass(60);
    // Nobody has told the first server: it looks before it seals.
    let late = one.seal(&place, &Secret::new("late"));
    assert_eq!(key_id(&late.0), Some(&*rotated.key));
    // The other has not looked since: it meets an unknown key, and looks then.
    assert_eq!(other.open(&place, &late).unwrap().expose(), "late");
    assert_eq!(other.open(&place, &early).unwrap().expose(), "early");
}

#[tokio::test]
async fn a_second_rotation_waits_for_the_first() {
    let bench = Bench::new(1);
    bench.provider().create(&bench.env).await.unwrap();
    let rotate = async || bench.provider().rotate(bench.env.now() + GRACE, None, &bench.env).await;
    let first = rotate().await.unwrap();
    assert!(matches!(rotate().await.unwrap_err(), KeysError::Pending { key, .. } if key == first.key));
    bench.pass(60);
    assert_eq!(rotate().await.unwrap().before, first.key);
    assert_eq!(bench.server().await.ring().key_ids().count(), 3);
}

#[tokio::test]
async fn a_retired_key_opens_nothing_but_what_is_on_its_way() {
    let bench = Bench::new(1);
    let old = bench.provider().create(&bench.env).await.unwrap().active_key_id();
    let (server, place) = (bench.server().await, place(&bench));
    let sealed = server.seal(&place, &Secret::new("planted"));
    let rotated = bench.provider().rotate(bench.env.now(), None, &bench.env).await.unwrap();
    for needed in [&rotated.key, "k-of-nobody"] {
        let retired = bench.provider().retire(&[needed.to_owned()], None, &bench.env);
        if needed == rotated.key {
            assert!(matches!(retired, Err(KeysError::InUse(_))));
        } else {
            assert!(retired.unwrap().is_empty());
        }
    }
    let retired = bench.provider().retire(std::slice::from_ref(&old), None, &bench.env).unwrap();
    assert_eq!(retired, *std::slice::from_ref(&old));

    let fresh = bench.server().await;
    assert_eq!(fresh.open(&place, &sealed).unwrap_err(), OpenError::KeyRetired(old.clone()));
    // One that was running keeps its old view for what it had read before, and not for ever.
    bench.pass(2);
    server.seal(&place, &Secret::new("anything"));
    assert_eq!(server.open(&place, &sealed).unwrap().expose(), "planted");
    bench.pass(600);
    assert_eq!(server.open(&place, &sealed).unwrap_err(), OpenError::KeyRetired(old));
}

#[tokio::test]
async fn a_running_server_takes_no_foreign_and_no_half_a_ring() {
    let bench = Bench::new(1);
    let ours = bench.provider().create(&bench.env).await.unwrap().active_key_id();
    let (server, place) = (bench.server().await, place(&bench));
    let stranger = Bench::new(2);
    stranger.provider().create(&stranger.env).await.unwrap();
    let own = fs::read(bench.path("keys.json")).unwrap();
    for wrong in [fs::read(stranger.path("keys.json")).unwrap(), own[..own.len() / 2].to_vec(), Vec::new()] {
        fs::write(bench.path("keys.json"), wrong).unwrap();
        bench.pass(5);
        assert_eq!(key_id(&server.seal(&place, &Secret::new("x")).0), Some(&*ours));
    }
    fs::remove_file(bench.path("keys.json")).unwrap();
    bench.pass(5);
    let sealed = server.seal(&place, &Secret::new("x"));
    assert_eq!(server.open(&place, &sealed).unwrap().expose(), "x");
}

#[tokio::test]
async fn a_crash_in_the_middle_of_a_rotation_leaves_a_whole_file() {
    let bench = Bench::new(1);
    let old = bench.provider().create(&bench.env).await.unwrap().active_key_id();
    // What a crash leaves before the rename.
    fs::write(bench.path("keys.new"), "{\"active\": \"k-").unwrap();
    assert_eq!(bench.server().await.active_key_id(), old);
    let rotated = bench.provider().rotate(bench.env.now(), None, &bench.env).await.unwrap();
    assert_eq!(bench.server().await.active_key_id(), rotated.key);
    let left: Vec<_> =
        fs::read_dir(bench.folder()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["keys.json"]);
}

#[tokio::test]
async fn a_link_to_the_key_file_stays_one() {
    let bench = Bench::new(1);
    Provider::file(bench.path("real.json")).create(&bench.env).await.unwrap();
    std::os::unix::fs::symlink("real.json", bench.path("keys.json")).unwrap();
    let rotated = bench.provider().rotate(bench.env.now(), None, &bench.env).await.unwrap();
    assert!(fs::symlink_metadata(bench.path("keys.json")).unwrap().is_symlink());
    let real = Provider::file(bench.path("real.json")).open(&bench.env).await.unwrap();
    assert_eq!(real.active_key_id(), rotated.key);
}

#[tokio::test]
async fn of_two_who_change_the_file_at_once_one_is_told_to_wait() {
    let bench = Bench::new(1);
    bench.provider().create(&bench.env).await.unwrap();
    let held = fs::File::open(bench.folder()).unwrap();
    held.lock().unwrap();
    let complaint = bench.provider().rotate(bench.env.now(), None, &bench.env).await.unwrap_err();
    assert!(matches!(complaint, KeysError::File(KeyFileError::Busy(_))), "{complaint}");
}

#[test]
fn a_ring_in_the_environment_goes_to_a_new_file() {
    let bench = Bench::new(1);
    let old = block_on(bench.provider().create(&bench.env)).unwrap().active_key_id();
    let text = fs::read_to_string(bench.path("keys.json")).unwrap();
    let provider = Provider::new(RingSource::Variable(Secret::new(text)));
    assert!(!format!("{provider:?}").contains("keys"), "it does not print");
    let now = bench.env.now();
    let refused = block_on(provider.rotate(now, None, &bench.env)).unwrap_err();
    assert!(refused.to_string().contains("--to"), "{refused}");
    let new = bench.path("new.json");
    let rotated = block_on(provider.rotate(now, Some(&new), &bench.env)).unwrap();
    assert_eq!(block_on(provider.open(&bench.env)).unwrap().active_key_id(), old);
    let next = block_on(Provider::file(new).open(&bench.env)).unwrap();
    assert_eq!(next.active_key_id(), rotated.key);

    let nonsense = Provider::new(RingSource::Variable(Secret::new("planted")));
    let complaint = block_on(nonsense.open(&bench.env)).unwrap_err().to_string();
    assert!(complaint.contains("LATCHKEY_KEYS") && !complaint.contains("planted"), "{complaint}");
}
