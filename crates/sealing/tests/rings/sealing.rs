//! A secret can be opened only in the cell for which it was sealed.

use model::{Sealed, Secret, WorkspaceId};
use proptest::prelude::*;
use sealing::{CellAddress, HEAD_LEN, OpenError, key_id};

use crate::support::{Fixture, block_on, ring};

fn place(workspace: WorkspaceId) -> CellAddress<'static> {
    CellAddress { workspace, table: "credentials", row: "r1", column: "refresh_token" }
}

#[tokio::test]
async fn a_secret_opens_only_in_its_own_cell() {
    let fixture = Fixture::new(1);
    let (ring, workspace) = (ring(2).await, WorkspaceId::generate(&fixture.env));
    let place = place(workspace);
    let sealed = fixture.seal(&ring, &place, "planted");
    assert_eq!(ring.open(&place, &sealed).unwrap().expose(), "planted");

    for elsewhere in [
        CellAddress { workspace: WorkspaceId::generate(&fixture.env), ..place },
        CellAddress { table: "apps", ..place },
        CellAddress { row: "r2", ..place },
        CellAddress { column: "access_token", ..place },
        // The same letters, divided differently into table and row.
        CellAddress { table: "credentialsr", row: "1", ..place },
    ] {
        assert!(matches!(ring.open(&elsewhere, &sealed), Err(OpenError::Refused(_))));
    }
}

#[tokio::test]
async fn every_flipped_bit_and_every_truncation_is_refused() {
    let fixture = Fixture::new(1);
    let (ring, place) = (ring(2).await, place(WorkspaceId::generate(&fixture.env)));
    let sealed = fixture.seal(&ring, &place, "planted");
    for bit in 0..sealed.0.len() * 8 {
        let mut bytes = sealed.0.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert!(ring.open(&place, &Sealed(bytes)).is_err(), "bit {bit}");
    }
    for length in 0..sealed.0.len() {
        assert!(ring.open(&place, &Sealed(sealed.0[..length].to_vec())).is_err(), "{length} bytes");
    }
}

#[tokio::test]
async fn another_ring_names_the_key_it_lacks() {
    let fixture = Fixture::new(1);
    let (ours, theirs, place) = (ring(2).await, ring(3).await, place(WorkspaceId::generate(&fixture.env)));
    let sealed = fixture.seal(&theirs, &place, "planted");
    let theirs = theirs.active_key_id(fixture.env.now()).to_owned();
    assert_eq!(key_id(&sealed.0[..HEAD_LEN]), Some(&*theirs), "readable without any key");
    assert_eq!(ours.open(&place, &sealed).unwrap_err(), OpenError::KeyMissing(theirs));
}

proptest! {
    #[test]
    fn any_text_comes_back(text in ".*", seed in any::<u64>()) {
        let fixture = Fixture::new(seed);
        let ring = block_on(ring(2));
        let place = place(WorkspaceId::generate(&fixture.env));
        let sealed = fixture.seal(&ring, &place, &text);
        let opened = ring.open(&place, &sealed).unwrap();
        prop_assert_eq!(opened.expose(), &text);
        let again = ring.seal(&place, &Secret::new(text), fixture.env.now(), &*fixture.env.entropy);
        prop_assert_ne!(sealed.0, again.0, "each ciphertext of the same text is different");
    }

    #[test]
    fn noise_never_opens(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let (fixture, ring) = (Fixture::new(1), block_on(ring(2)));
        prop_assert!(ring.open(&place(WorkspaceId::generate(&fixture.env)), &Sealed(bytes)).is_err());
    }
}
