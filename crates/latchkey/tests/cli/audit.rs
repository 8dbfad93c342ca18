//! `latchkey audit export`: every record, in order, as JSON lines.

use std::{slice, time::Duration};

use model::{
    AuditActor, AuditId, CredentialId, Environment, Outcome, Purpose, Source, Timestamp, TokenContext,
    TokenKind, TokenLinkId, WorkspaceId,
};
use serde_json::Value;
use store::{AuditRecord, Audits as _};
use tokio::process::Command;

use crate::support::{Installation, latchkey, refusal, within};

const FIRST: &str = "2026-01-31T12:00:00Z";

/// An installation whose audit has `count` records, alternating between two workspaces, a second apart.
async fn with_records(count: u64) -> (Installation, Vec<AuditRecord>) {
    let (installation, env) = (Installation::new(), Environment::system());
    installation.starts().await;
    let workspaces = [WorkspaceId::generate(&env), WorkspaceId::generate(&env)];
    let first: Timestamp = FIRST.parse().unwrap();
    let record = |number: u64| AuditRecord {
        id: AuditId::generate(&env),
        at: first + Duration::from_secs(number),
        workspace: workspaces[usize::from(number % 2 == 1)],
        credential: CredentialId::generate(&env),
        kind: TokenKind::Zak,
        who: AuditActor::TokenLink(TokenLinkId::generate(&env)),
        from: Some([192, 0, 2, 1].into()),
        why: Purpose::TokenLink,
        outcome: Outcome::Given(Source::Cached),
        about: TokenContext::default(),
    };
    let records: Vec<_> = (0..count).map(record).collect();
    let store = store_sql::sqlite::open(&installation.path("data/latchkey.db")).await.unwrap();
    store.append_audit(&records).await.unwrap();
    store.close().await;
    (installation, records)
}

async fn exported(installation: &Installation, arguments: &[&str]) -> Vec<AuditRecord> {
    let mut command = latchkey(installation.folder.path(), &[&["audit", "export"], arguments].concat());
    let output = within(command.env("LATCHKEY_LOG", "warn").output()).await.unwrap();
    let (stdout, stderr) = (String::from_utf8(output.stdout), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success(), "{stderr}");
    assert_eq!(stderr, "", "without a terminal no progress is drawn");
    stdout.unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn every_record_is_exported_once_in_order() {
    // The records fill more than two pages.
    let (installation, records) = with_records(2500).await;
    assert_eq!(exported(&installation, &[]).await, records);

    let (since, until) = ("--since=2026-01-31T12:00:10Z", "--until=2026-01-31T12:00:20Z");
    assert_eq!(exported(&installation, &[since, until]).await, records[10..20]);
    let of_one = exported(&installation, &[&format!("--workspace={}", records[1].workspace), until]).await;
    let expected: Vec<_> = records[..20].iter().filter(|it| it.workspace == records[1].workspace).collect();
    assert_eq!(of_one.iter().collect::<Vec<_>>(), expected);
    assert_eq!(exported(&installation, &["--since=2026-02-01"]).await, []);

    let one = &records[1234];
    let (account, link) =
        (format!("--credential={}", one.credential), format!("--token-link={}", one.who.uuid()));
    for about in [&[&*account][..], &[&link], &[&account, &link]] {
        assert_eq!(exported(&installation, about).await, slice::from_ref(one), "{about:?}");
    }
    assert_eq!(exported(&installation, &[&account, "--bot=bot_1"]).await, []);
}

#[tokio::test]
async fn records_that_a_killed_server_left_on_disk_are_exported() {
    let (installation, mut records) = with_records(2).await;
    let last = AuditRecord { id: AuditId::generate(&Environment::system()), ..records[1].clone() };
    let left = installation.path("data/audit/1.jsonl");
    std::fs::write(&left, serde_json::to_string(&last).unwrap() + "\n").unwrap();
    records.push(last);
    records.sort_by_key(AuditRecord::place);
    assert_eq!(exported(&installation, &[]).await, records);
    assert!(!left.exists(), "the record was moved into the database");
}

#[tokio::test]
async fn a_line_has_the_documented_fields() {
    let (installation, _) = with_records(1).await;
    let mut command = latchkey(installation.folder.path(), &["audit", "export"]);
    let line: Value = serde_json::from_slice(&within(command.output()).await.unwrap().stdout).unwrap();
    let page = include_str!("../../../../docs/audit.md");
    let table =
        page.lines().skip_while(|line| !line.starts_with("| `id`")).take_while(|line| line.starts_with('|'));
    let rows = table.filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let mut documented: Vec<_> = rows.collect();
    documented.sort_unstable();
    let fields: Vec<_> = line.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(fields, documented);
}

#[tokio::test]
async fn a_closed_pipe_is_not_an_error() {
    let (installation, _) = with_records(2500).await;
    let line = format!("set -o pipefail; {} audit export | head -n 1", env!("CARGO_BIN_EXE_latchkey"));
    let mut shell = Command::new("bash");
    shell.args(["-c", &line]).current_dir(installation.folder.path()).env("LATCHKEY_LOG", "warn");
    let output = within(shell.output()).await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8(output.stdout).unwrap().lines().count(), 1);
}

#[tokio::test]
async fn a_failed_export_reports_why() {
    let installation = Installation::new();
    let line = refusal(latchkey(installation.folder.path(), &["audit", "export"])).await;
    assert!(line.contains("latchkey.db") && line.contains("data_dir"), "{line}");
    assert!(!installation.path("data").exists(), "nothing is created");

    let mut command = latchkey(installation.folder.path(), &["audit", "export", "--since=yesterday"]);
    let output = within(command.output()).await.unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && said.contains("2026-01-31"), "{said}");
}
