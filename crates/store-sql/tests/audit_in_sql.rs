//! Tests the SQL of `docs/audit.md` on both databases.
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

mod server;

use std::time::Duration;

use model::{
    AuditActor, AuditId, Code, CredentialId, Environment, Outcome, Purpose, Secret, Source, Timestamp,
    TokenContext, TokenKind, TokenLinkId, WorkspaceId,
};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection};
use store::{AuditRecord, Audits};
use store_sql::{
    postgres::{self, Address},
    sqlite,
};

fn records() -> Vec<AuditRecord> {
    let env = Environment::system();
    let at: Timestamp = "2026-11-29T12:00:00.000007Z".parse().unwrap();
    let full = AuditRecord {
        id: AuditId::generate(&env),
        at,
        workspace: WorkspaceId::generate(&env),
        credential: CredentialId::generate(&env),
        kind: TokenKind::Zak,
        who: AuditActor::TokenLink(TokenLinkId::generate(&env)),
        from: Some([192, 0, 2, 1].into()),
        why: Purpose::TokenLink,
        outcome: Outcome::Given(Source::Cached),
        about: TokenContext {
            user: Some("zo\u{eb}@example.test".parse().unwrap()),
            meeting: Some("12345678901".parse().unwrap()),
            bot: Some(r#""bot"\1"#.parse().unwrap()),
        },
    };
    let bare = AuditRecord {
        id: AuditId::generate(&env),
        at: at + Duration::from_secs(90),
        from: None,
        outcome: Outcome::Refused(Code::ZoomRateLimited),
        about: TokenContext::default(),
        ..full.clone()
    };
    let soon = AuditRecord { id: AuditId::generate(&env), at: at + Duration::from_micros(1), ..bare.clone() };
    vec![full, soon, bare]
}

/// A query for every column, whose rows are lines of text. `at` formats a time in the database's dialect.
fn question(at: &str, view: &str, narrowed: &str) -> AssertSqlSafe<String> {
    let columns = "id, workspace, credential, kind, who, who_id, from_address, why, outcome, source, \
                   user_name, CAST(meeting AS TEXT), bot";
    let texts = columns.split(", ").map(|column| format!(" || ' ' || coalesce({column}, '-')"));
    let texts: String = texts.collect();
    AssertSqlSafe(format!("SELECT DISTINCT {at}{texts} AS line FROM {view} WHERE {narrowed} ORDER BY line"))
}

/// The line of a record.
fn line(record: &AuditRecord) -> String {
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".into());
    let AuditRecord { id, at, workspace, credential, kind, who, from, why, outcome, about } = record;
    [
        at.to_string(),
        id.to_string(),
        workspace.to_string(),
        credential.to_string(),
        kind.as_str().into(),
        who.kind().into(),
        who.uuid().to_string(),
        or_none(from.map(|from| from.to_string())),
        why.as_str().into(),
        outcome.as_str().into(),
        or_none(outcome.source().map(|source| source.as_str().into())),
        or_none(about.user.as_ref().map(|user| user.as_str().into())),
        or_none(about.meeting.map(|meeting| meeting.as_i64().to_string())),
        or_none(about.bot.as_ref().map(|bot| bot.as_str().into())),
    ]
    .join(" ")
}

/// The queries of `docs/audit.md`, and how many of the records each returns.
fn questions(at: &str, records: &[AuditRecord]) -> Vec<(AssertSqlSafe<String>, usize)> {
    let about = |subject: &str| question(at, "audit_about", &format!("subject = '{subject}'"));
    let minute = "slice BETWEEN 17959536000 AND 17959536599";
    vec![
        (question(at, "audit_records", "1 = 1"), 3),
        (question(at, "audit_records", minute), 2),
        (about(&records[0].credential.to_string()), 3),
        (about(&records[0].who.uuid().to_string()), 3),
        (about(r#""bot"\1"#), 1),
        (about(&records[0].workspace.to_string()), 0),
        (
            question(
                at,
                "audit_about",
                &format!("subject = '{}' AND at < '2026-11-29T12:01:00.000000Z'", records[0].credential),
            ),
            2,
        ),
    ]
}

#[tokio::test]
async fn sqlite_answers_in_sql() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("latchkey.db");
    let (store, records) = (sqlite::open(&path).await.unwrap(), records());
    store.append_audit(&records).await.unwrap();
    // Then the record is in two rows.
    store.append_audit(&records[..1]).await.unwrap();
    store.close().await;
    let mut db = SqliteConnection::connect(path.to_str().unwrap()).await.unwrap();
    // A batch of an older version is left out without an error.
    let old = "INSERT INTO audit_batches (slice, workspace, id, records, content) VALUES (17959536000, 'w', X'00', 1, X'01FF')";
    sqlx::query(old).execute(&mut db).await.unwrap();
    for (question, answers) in questions("at", &records) {
        let found: Vec<String> = sqlx::query_scalar(question).fetch_all(&mut db).await.unwrap();
        assert_eq!(found, records[..answers].iter().map(line).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn postgresql_answers_in_sql() {
    let url = server::database("template1").await;
    let address = Address::read(&Secret::new(&*url)).unwrap();
    postgres::migrate(&address).await.unwrap();
    let (store, records) = (postgres::open(&address).await.unwrap(), records());
    store.append_audit(&records).await.unwrap();
    // Then the record is in two rows.
    store.append_audit(&records[..1]).await.unwrap();
    let mut db = PgConnection::connect(&url).await.unwrap();
    let old = "INSERT INTO audit_batches (slice, workspace, id, records, content) VALUES (17959536000, 'w', '\\x00', 1, '\\x01FF')";
    sqlx::query(old).execute(&mut db).await.unwrap();
    let at = r#"to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"#;
    for (question, answers) in questions(at, &records) {
        let found: Vec<String> = sqlx::query_scalar(question).fetch_all(&mut db).await.unwrap();
        assert_eq!(found, records[..answers].iter().map(line).collect::<Vec<_>>());
    }
}
