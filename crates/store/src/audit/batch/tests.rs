use std::{sync::Arc, time::Duration};

use model::{Code, Environment, ManualClock, Purpose, SeededEntropy, Source, TokenLinkId};

use super::*;
use crate::{bundle, unbundle};

fn environment() -> Environment {
    let clock = Arc::new(ManualClock::new(Timestamp::from_microsecond(1_800_000_000_123_456)));
    Environment { clock, entropy: Arc::new(SeededEntropy::new(7)) }
}

fn record(env: &Environment, workspace: WorkspaceId) -> AuditRecord {
    AuditRecord {
        id: AuditId::generate(env),
        at: env.now(),
        workspace,
        credential: CredentialId::generate(env),
        kind: TokenKind::Zak,
        who: AuditActor::TokenLink(TokenLinkId::generate(env)),
        from: Some([192, 0, 2, 1].into()),
        why: Purpose::TokenLink,
        outcome: Outcome::Given(Source::Cached),
        about: TokenContext::default(),
    }
}

/// A row with two records: one with every field set, one with almost none.
fn batch() -> (Vec<AuditRecord>, AuditBatch) {
    let env = environment();
    let workspace = WorkspaceId::generate(&env);
    let full = AuditRecord {
        from: Some("2001:db8::1".parse().unwrap()),
        about: TokenContext {
            user: Some("zoë@example.test".parse().unwrap()),
            meeting: Some("12345678901".parse().unwrap()),
            bot: Some("bot_TESTVECTOR000001".parse().unwrap()),
        },
        ..record(&env, workspace)
    };
    let bare =
        AuditRecord { from: None, outcome: Outcome::Refused(Code::Deadline), ..record(&env, workspace) };
    let records = vec![full, bare];
    let mut rows = AuditBatch::pack(&records);
    assert_eq!(rows.len(), 1);
    (records, rows.remove(0))
}

#[test]
fn packed_records_are_unpacked_unchanged() {
    let (records, row) = batch();
    assert_eq!(row.unpack().unwrap(), records);
    assert!(row.content.len() < 700, "{} bytes", row.content.len());
    let content: serde_json::Value = serde_json::from_slice(&row.content).unwrap();
    assert_eq!(content[0]["bot"], "bot_TESTVECTOR000001", "SQL can expand it");
}

#[test]
fn a_row_has_one_workspace_one_slice_and_a_maximum_size() {
    let env = environment();
    let (here, there) = (WorkspaceId::generate(&env), WorkspaceId::generate(&env));
    let mut records: Vec<_> = (0..600).map(|_| record(&env, here)).collect();
    records.push(record(&env, there));
    records.push(AuditRecord { at: env.now() + Duration::from_millis(100), ..record(&env, here) });
    let mut sizes: Vec<_> = AuditBatch::pack(&records).iter().map(|row| row.records).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [1, 1, 88, 512]);
    assert!(AuditBatch::pack(&[]).is_empty());
}

#[test]
fn the_same_records_are_the_same_row() {
    let (records, row) = batch();
    assert_eq!(AuditBatch::pack(&records)[0], row);
    assert_ne!(AuditBatch::pack(&records[..1])[0].id, row.id);
}

#[test]
fn bundled_rows_are_unbundled_unchanged() {
    let (_, row) = batch();
    let other = AuditBatch::pack(&[record(&environment(), WorkspaceId::generate(&environment()))]).remove(0);
    let rows = vec![row, other];
    let bytes = bundle(&rows);
    assert_eq!(unbundle(&bytes).unwrap(), rows);
    assert!(unbundle(&bytes[..bytes.len() - 1]).is_err());
    assert!(unbundle(&[&*bytes, &[0]].concat()).is_err());
}

/// As version 0.1.0 packed it.
fn in_postcard(row: &AuditBatch) -> AuditBatch {
    let packed: Vec<Packed<'_>> = serde_json::from_slice(&row.content).unwrap();
    let fields = packed.into_iter().map(|it| {
        let Packed { at, id, credential, kind, who, who_id, from, why, outcome, source, .. } = it;
        ((at, id, credential, kind, who, who_id, from), (why, outcome, source, it.user, it.meeting, it.bot))
    });
    let content = postcard::to_allocvec(&(POSTCARD, fields.collect::<Vec<_>>())).unwrap();
    AuditBatch { id: id_of(&content), content, subjects: Vec::new(), ..row.clone() }
}

#[test]
fn a_row_of_an_older_version_is_read_and_converted_to_the_current_format() {
    let (records, row) = batch();
    let old = in_postcard(&row);
    assert_eq!(old.unpack().unwrap(), records);
    let modern = old.clone().modern().unwrap();
    assert_eq!(modern, AuditBatch { id: old.id, ..row });
    // A row in the older version's journal too.
    assert_eq!(unbundle(&bundle(&[old])).unwrap(), [modern]);
}

#[test]
fn a_row_names_the_subjects_of_its_records() {
    let (records, row) = batch();
    let named = |subject: &str| row.subjects.iter().any(|it| it.to_string() == subject);
    assert!(named("bot_TESTVECTOR000001"));
    for record in &records {
        assert!(named(&record.credential.to_string()) && named(&record.who.uuid().to_string()));
    }
    assert_eq!(row.subjects.len(), 5, "each once");
}

#[test]
fn lines_of_json_are_read_too() {
    let (records, row) = batch();
    let lines: Vec<_> = records.iter().map(|record| serde_json::to_string(record).unwrap()).collect();
    let row = AuditBatch { content: lines.join("\n").into_bytes(), ..row };
    assert_eq!(row.unpack().unwrap(), records);
}

#[test]
fn damaged_rows_are_refused() {
    let (_, row) = batch();
    let refused = |row: AuditBatch| matches!(row.unpack(), Err(StoreError::Corrupt { .. }));
    for row in [row.clone(), in_postcard(&row)] {
        for length in 0..row.content.len() {
            let content = row.content[..length].to_vec();
            assert!(refused(AuditBatch { content, ..row.clone() }), "{length}");
        }
    }
    let longer = [&row.content[..], b"\0"].concat();
    assert!(refused(AuditBatch { content: longer, ..row.clone() }), "more than the records");
    let unknown = [&[2], &row.content[1..]].concat();
    assert!(refused(AuditBatch { content: unknown, ..row.clone() }), "a later format");
    assert!(refused(AuditBatch { records: 3, ..row.clone() }), "a record is missing");
    assert!(refused(AuditBatch { content: b"{}".to_vec(), ..row.clone() }));
    let env = environment();
    let [_, elsewhere] = [(); 2].map(|()| WorkspaceId::generate(&env));
    let mut line = AuditBatch { records: 1, ..row.clone() };
    line.content = serde_json::to_vec(&AuditRecord { workspace: elsewhere, ..batch().0.remove(0) }).unwrap();
    assert!(refused(line), "another tenant's record");
}
