use std::{fs, os::unix::fs::FileExt as _, time::Duration};

use model::{
    AuditActor, AuditId, BotId, CredentialId, ManualClock, Outcome, Purpose, SeededEntropy, Source,
    Timestamp, TokenContext, TokenKind, WorkspaceId,
};
use store::{AuditPage, AuditRecord, Audits as _};
use store_sql::{SqlStore, sqlite};
use tempfile::TempDir;

use super::*;
use crate::recover_journal;

const EVERYTHING: AuditPage = AuditPage::oldest_first(10_000);

/// A folder and a store that processes share.
struct Fixture {
    folder: TempDir,
    store: SqlStore,
    env: Environment,
    clock: Arc<ManualClock>,
}

impl Fixture {
    async fn new() -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_second(1_800_000_000)));
        let env = Environment { clock: clock.clone(), entropy: Arc::new(SeededEntropy::new(7)) };
        let folder = tempfile::tempdir().unwrap();
        let store = sqlite::open(&folder.path().join("latchkey.db")).await.unwrap();
        Self { folder, store, env, clock }
    }

    fn audit(&self) -> PathBuf {
        self.folder.path().join("audit")
    }

    fn journal(&self) -> Journal {
        Journal::open(&self.audit(), self.env.clone()).unwrap()
    }

    fn record(&self) -> AuditRecord {
        self.clock.advance(Duration::from_micros(1));
        AuditRecord {
            id: AuditId::generate(&self.env),
            at: self.env.now(),
            workspace: WorkspaceId::generate(&self.env),
            credential: CredentialId::generate(&self.env),
            kind: TokenKind::Zak,
            who: AuditActor::Bot(BotId::generate(&self.env)),
            from: None,
            why: Purpose::BotJoin,
            outcome: Outcome::Given(Source::Cached),
            about: TokenContext::default(),
        }
    }

    /// Writes a record to a journal.
    async fn write(&self, journal: &Journal) -> AuditRecord {
        let record = self.record();
        journal.append(AuditBatch::pack([&record])).await.unwrap();
        record
    }

    /// Recovers the journal as the next start does. Returns the number of records.
    async fn start(&self) -> usize {
        recover_journal(&self.audit(), &self.store, &self.env).await.unwrap()
    }

    async fn stored(&self) -> Vec<AuditRecord> {
        self.store.audit_of_all(&EVERYTHING).await.unwrap()
    }

    /// The files in the folder, by their extension.
    fn files(&self, extension: &str) -> Vec<PathBuf> {
        let files = fs::read_dir(self.audit()).unwrap().map(|entry| entry.unwrap().path());
        files.filter(|path| path.extension().unwrap() == extension).collect()
    }
}

#[tokio::test]
async fn the_journal_of_a_dead_process_is_recovered_once() {
    let fixture = Fixture::new().await;
    assert_eq!(fixture.start().await, 0, "there is no folder yet");
    let journal = fixture.journal();
    let given = [fixture.write(&journal).await, fixture.write(&journal).await, fixture.write(&journal).await];
    // The store had the first batch when the process died.
    fixture.store.append_audit_batches(&journal.oldest(1).0).await.unwrap();
    drop(journal);
    assert_eq!(fixture.start().await, 3);
    assert_eq!(fixture.stored().await, given);
    assert!(fixture.files("journal").is_empty());
    assert_eq!(fixture.start().await, 0);
}

#[tokio::test]
async fn the_journal_of_a_running_process_is_not_recovered() {
    let fixture = Fixture::new().await;
    let (one, other) = (fixture.journal(), fixture.journal());
    let (first, second) = (fixture.write(&one).await, fixture.write(&other).await);
    assert_eq!(fixture.start().await, 0);
    drop(other);
    assert_eq!(fixture.start().await, 1);
    assert_eq!(fixture.stored().await, std::slice::from_ref(&second));
    let third = fixture.write(&one).await;
    drop(one);
    assert_eq!(fixture.start().await, 2);
    assert_eq!(fixture.stored().await, [first, second, third]);
}

#[tokio::test]
async fn full_files_are_deleted_once_the_store_has_them() {
    let fixture = Fixture::new().await;
    fs::create_dir(fixture.audit()).unwrap();
    // Three entries fill a file, and three files fill the folder.
    let mut files = JournalFiles::new(&fixture.audit(), fixture.env.clone()).with_bounds(3000, 9000);
    let content = vec![0; 1000];
    let mut write = |needed| files.append(&content, needed);
    // The store has nothing, then what is in the first two files, then everything.
    let numbers: Vec<_> = (0..9).map(|_| write(1).unwrap()).collect();
    assert_eq!(numbers, [1, 1, 1, 2, 2, 2, 3, 3, 3]);
    assert_eq!(write(1).unwrap_err().kind(), io::ErrorKind::StorageFull);
    assert_eq!(fixture.files("journal").len(), 3);
    let numbers: Vec<_> = (0..4).map(|_| write(3).unwrap()).collect();
    assert_eq!(numbers, [4, 4, 4, 5]);
    assert_eq!(fixture.files("journal").len(), 3);
    let numbers: Vec<_> = (0..6).map(|_| write(u64::MAX).unwrap()).collect();
    assert_eq!(numbers, [5, 5, 6, 6, 6, 7]);
    assert_eq!(fixture.files("journal").len(), 1);
    files.clear().unwrap();
    assert!(fixture.files("journal").is_empty());
}

#[tokio::test]
async fn a_damaged_file_is_set_aside_and_the_rest_of_it_is_not_lost() {
    let fixture = Fixture::new().await;
    let journal = fixture.journal();
    let given = [fixture.write(&journal).await, fixture.write(&journal).await, fixture.write(&journal).await];
    drop(journal);
    let path = fixture.files("journal").remove(0);
    let file = fs::File::options().write(true).open(&path).unwrap();
    file.write_all_at(b"!", 40).unwrap();
    assert_eq!(fixture.start().await, 2);
    assert_eq!(fixture.stored().await, given[1..]);
    assert_eq!((fixture.files("journal").len(), fixture.files("damaged").len()), (0, 1));
    assert_eq!(fixture.start().await, 0, "it is reported once");

    fs::write(fixture.audit().join("empty.journal"), "").unwrap();
    fs::write(fixture.audit().join("no.segment"), "").unwrap();
    assert_eq!(fixture.start().await, 0);
    assert_eq!((fixture.files("journal").len(), fixture.files("damaged").len()), (0, 2));
}

#[tokio::test]
async fn a_partial_last_write_is_ignored() {
    let fixture = Fixture::new().await;
    let journal = fixture.journal();
    let first = fixture.write(&journal).await;
    let path = fixture.files("journal").remove(0);
    fixture.write(&journal).await;
    drop(journal);
    let file = fs::File::options().write(true).open(&path).unwrap();
    // After the entries there are zeros, up to the size of the file.
    let last = fs::read(&path).unwrap().iter().rposition(|byte| *byte != 0).unwrap();
    file.write_all_at(&[0], last as u64).unwrap();
    assert_eq!(fixture.start().await, 1);
    assert_eq!(fixture.stored().await, [first]);
    assert!(fixture.files("damaged").is_empty());
}

#[tokio::test]
async fn files_of_older_versions_are_recovered() {
    let fixture = Fixture::new().await;
    fs::create_dir(fixture.audit()).unwrap();
    let given = [fixture.record(), fixture.record()];
    let lines: Vec<_> = given.iter().map(|record| serde_json::to_string(record).unwrap() + "\n").collect();
    fs::write(fixture.audit().join("00000000000000000001-0.jsonl"), lines.concat()).unwrap();
    fs::write(fixture.audit().join("00000000000000000000-0.jsonl"), "no record").unwrap();
    assert_eq!(fixture.start().await, 2);
    assert_eq!(fixture.stored().await, given);
    assert_eq!(fixture.files("jsonl").len(), 1, "an unreadable file stays for a person to inspect");
}

#[tokio::test]
async fn an_unfinished_segment_is_deleted_unless_it_is_locked() {
    let fixture = Fixture::new().await;
    fs::create_dir(fixture.audit()).unwrap();
    let path = fixture.audit().join("1.unfinished");
    let file = fs::File::create(&path).unwrap();
    file.lock().unwrap();
    fixture.start().await;
    assert!(path.exists());
    drop(file);
    fixture.start().await;
    assert!(!path.exists());
}

#[tokio::test]
async fn records_that_the_store_refuses_stay() {
    let fixture = Fixture::new().await;
    let journal = fixture.journal();
    fixture.write(&journal).await;
    drop(journal);
    let Fixture { store, .. } = &fixture;
    store.close().await;
    recover_journal(&fixture.audit(), store, &fixture.env).await.unwrap_err();
    assert_eq!(fixture.files("journal").len(), 1);
}
