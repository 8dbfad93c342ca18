//! What sealing promises: nothing opens anywhere but where it was sealed.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::{os::unix::fs::PermissionsExt, sync::Arc};

use model::{Environment, ManualClock, Sealed, Secret, SeededEntropy, Timestamp, WorkspaceId};
use proptest::prelude::*;
use sealing::{KeyFileError, KeyRing, OpenError, Place};

fn env(seed: u64) -> Environment {
    Environment {
        clock: Arc::new(ManualClock::new(Timestamp::from_second(1_800_000_000))),
        entropy: Arc::new(SeededEntropy::new(seed)),
    }
}

fn ring(seed: u64) -> KeyRing {
    let dir = tempfile::tempdir().unwrap();
    KeyRing::create(&dir.path().join("keys.json"), &env(seed)).unwrap()
}

#[test]
fn opens_only_at_its_own_place() {
    let (env, ring) = (env(1), ring(2));
    let workspace = WorkspaceId::generate(&env);
    let place = Place { workspace, table: "credentials", row: "r1", column: "refresh_token" };
    let sealed = ring.seal(&place, &Secret::new("planted"), &*env.entropy);
    assert_eq!(ring.open(&place, &sealed).unwrap().expose(), "planted");

    for elsewhere in [
        Place { workspace: WorkspaceId::generate(&env), ..place },
        Place { table: "apps", ..place },
        Place { row: "r2", ..place },
        Place { column: "access_token", ..place },
        // The same letters, cut elsewhere.
        Place { table: "credentialsr", row: "1", ..place },
    ] {
        assert!(matches!(ring.open(&elsewhere, &sealed), Err(OpenError::Refused(_))));
    }
}

#[test]
fn every_flipped_bit_and_every_cut_is_refused() {
    let (env, ring) = (env(1), ring(2));
    let place = Place { workspace: WorkspaceId::generate(&env), table: "t", row: "r", column: "c" };
    let sealed = ring.seal(&place, &Secret::new("planted"), &*env.entropy);
    for bit in 0..sealed.0.len() * 8 {
        let mut bytes = sealed.0.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert!(ring.open(&place, &Sealed(bytes)).is_err(), "bit {bit}");
    }
    for length in 0..sealed.0.len() {
        assert!(ring.open(&place, &Sealed(sealed.0[..length].to_vec())).is_err(), "{length} bytes");
    }
}

#[test]
fn another_ring_names_the_key_it_lacks() {
    let (env, ours, theirs) = (env(1), ring(2), ring(3));
    let place = Place { workspace: WorkspaceId::generate(&env), table: "t", row: "r", column: "c" };
    let sealed = theirs.seal(&place, &Secret::new("planted"), &*env.entropy);
    assert_eq!(
        ours.open(&place, &sealed).unwrap_err(),
        OpenError::KeyMissing(theirs.active_key_id().to_owned())
    );
}

#[test]
fn the_key_file_is_private_and_never_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("keys.json");
    assert!(matches!(KeyRing::read(&path), Err(KeyFileError::Missing(_))));
    let made = KeyRing::create(&path, &env(1)).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(KeyRing::read(&path).unwrap().active_key_id(), made.active_key_id());
    assert!(matches!(KeyRing::create(&path, &env(2)), Err(KeyFileError::Io { .. })));

    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    let complaint = KeyRing::read(&path).unwrap_err().to_string();
    assert!(complaint.contains("chmod 600"), "{complaint}");

    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::write(&path, "{}").unwrap();
    assert!(matches!(KeyRing::read(&path), Err(KeyFileError::Malformed(_))));
}

proptest! {
    #[test]
    fn any_text_comes_back(text in ".*", seed in any::<u64>()) {
        let (env, ring) = (env(seed), ring(2));
        let place = Place { workspace: WorkspaceId::generate(&env), table: "t", row: "r", column: "c" };
        let sealed = ring.seal(&place, &Secret::new(text.clone()), &*env.entropy);
        let opened = ring.open(&place, &sealed).unwrap();
        prop_assert_eq!(opened.expose(), text);
    }

    #[test]
    fn noise_never_opens(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let (env, ring) = (env(1), ring(2));
        let place = Place { workspace: WorkspaceId::generate(&env), table: "t", row: "r", column: "c" };
        prop_assert!(ring.open(&place, &Sealed(bytes)).is_err());
    }
}
