//! How soon pages are there when there is a lot: 100,000 bots and 10,000 accounts. It prints figures and asserts no time;
//! `docs/benchmarks.md` has them. Run it alone:
//!
//! ```sh
//! cargo nextest run -p console@0.1.0 --run-ignored only --no-capture -E 'test(figures::)'
//! ```

use std::time::Duration;

use bots::BotRequest;
use model::{BotId, CredentialId, Environment};
use serde_json::json;
use sqlx::{Connection as _, SqliteConnection};

use crate::{
    PLAN,
    desk::Desk,
    test_app::{Plan, TestApp},
};

const BOTS: usize = 100_000;
const ACCOUNTS: usize = 10_000;
/// Of them.
const SCHEDULED: usize = 500;
const RUNNING: usize = 50;
const DEAD_ACCOUNTS: usize = 20;
/// Over so many days the bots came.
const DAYS: u64 = 30;
const TIMES: usize = 7;

/// Copies of one account, under other names.
async fn accounts(db: &mut SqliteConnection, app: &TestApp) -> Vec<CredentialId> {
    sqlx::query("CREATE TEMP TABLE one_account AS SELECT * FROM credentials LIMIT 1")
        .execute(&mut *db)
        .await
        .unwrap();
    let mut ids = Vec::new();
    for number in 0..ACCOUNTS {
        let id = CredentialId::generate(&app.env);
        let status = if number < DEAD_ACCOUNTS { "needs_reauth:revoked" } else { "healthy" };
        let change = "UPDATE one_account SET id = ?, zoom_user_id = ?, display_name = ?, status = ?, created_at = created_at + 1";
        let change = sqlx::query(change).bind(id.to_string()).bind(format!("user-{number}"));
        change.bind(format!("Account {number}")).bind(status).execute(&mut *db).await.unwrap();
        sqlx::query("INSERT INTO credentials SELECT * FROM one_account").execute(&mut *db).await.unwrap();
        ids.push(id);
    }
    ids
}

/// Copies of one bot, each sealed for its own row, with their steps.
async fn bots(db: &mut SqliteConnection, app: &TestApp, bot: BotId, accounts: &[CredentialId]) {
    let workspace = app.workspace().await;
    let vault = &app.broker.vault;
    let sealed = app.store.bot(workspace, bot).await.unwrap().unwrap().request;
    let request = BotRequest::open(vault, workspace, bot, &sealed).unwrap();
    sqlx::query("CREATE TEMP TABLE one_bot AS SELECT * FROM bots LIMIT 1").execute(&mut *db).await.unwrap();
    let now = app.env.now();
    for number in 0..BOTS {
        let id = BotId::generate(&app.env);
        let age = Duration::from_secs(DAYS * 24 * 3600) / u32::try_from(BOTS).unwrap()
            * u32::try_from(number).unwrap();
        let created = (now - age).as_microsecond();
        let (status, sub_code) = match number {
            0..SCHEDULED => ("ready", None),
            _ if number < SCHEDULED + RUNNING => ("in_call_not_recording", None),
            _ if number % 9 == 0 => ("fatal", Some("meeting_requires_sign_in")),
            _ => ("done", None),
        };
        let change = "UPDATE one_bot SET id = ?, request = ?, status = ?, account = ?, created_at = ?, join_at = NULL, lease_expires_at = 9e15";
        sqlx::query(change)
            .bind(id.to_string())
            .bind(request.seal(vault, workspace, id).0)
            .bind(status)
            .bind(accounts[number % accounts.len()].to_string())
            .bind(created)
            .execute(&mut *db)
            .await
            .unwrap();
        sqlx::query("INSERT INTO bots SELECT * FROM one_bot").execute(&mut *db).await.unwrap();
        let codes: &[&str] = match status {
            "ready" => &["ready"],
            "fatal" => &["ready", "joining_call", "fatal"],
            "done" => &["ready", "joining_call", "in_call_not_recording", "call_ended", "done"],
            _ => &["ready", "joining_call", "in_call_not_recording"],
        };
        for (step, code) in codes.iter().enumerate() {
            let insert =
                "INSERT INTO bot_steps (bot, step, code, sub_code, created_at) VALUES (?, ?, ?, ?, ?)";
            let at = created + i64::try_from(step).unwrap() * 900_000;
            let insert =
                sqlx::query(insert).bind(id.to_string()).bind(i64::try_from(step).unwrap()).bind(*code);
            let sub_code = sub_code.filter(|_| *code == "fatal");
            insert.bind(sub_code).bind(at).execute(&mut *db).await.unwrap();
        }
    }
}

#[tokio::test]
#[ignore = "it seeds for minutes, and prints figures"]
async fn pages_with_a_hundred_thousand_bots_and_ten_thousand_accounts() {
    let app = TestApp::build(&Plan { manual: false, ..PLAN }).await;
    let account = app.connect(app.zoom.host()).await;
    let far = app.env.now() + Duration::from_secs(90 * 24 * 3600);
    let bot = json!({ "meeting_url": "https://zoom.us/j/81234567890?pwd=abc", "bot_name": "Notes", "join_at": far, "zoom": { "credential": account } });
    let bot = app.bot(bot).await;
    let mut db = SqliteConnection::connect(&app.database()).await.unwrap();
    let mut tx = db.begin().await.unwrap();
    let ids = accounts(&mut tx, &app).await;
    bots(&mut tx, &app, bot.parse().unwrap(), &ids).await;
    tx.commit().await.unwrap();
    sqlx::query("ANALYZE").execute(&mut db).await.unwrap();
    let key = app.api_key.clone();
    let desk = Desk::with_key(app, &key).await;
    let (one, wall) = (ids[ACCOUNTS / 2], Environment::system());
    println!("{BOTS} bots, {ACCOUNTS} accounts; median and longest of {TIMES}, in ms");
    for path in [
        "/",
        "/accounts",
        "/accounts?status=unhealthy",
        "/accounts?search=account%2050",
        &*format!("/accounts/{one}"),
        "/bots",
        "/bots?page=900",
        "/bots?status=done",
        "/bots?status=ready",
        "/bots?status=running",
        "/bots?sub_code=meeting_requires_sign_in",
        &*format!("/bots?account={one}"),
        &*format!("/bots?status=ready&account={one}"),
        &*format!("/bots/{bot}"),
        "/bots/new",
        "/token-links/new?for=recall",
        "/audit",
        "/settings",
        "/setup",
        "/find?q=account%209999",
    ] {
        let mut took = Vec::new();
        for _ in 0..TIMES {
            let begun = wall.now();
            let answer = desk.get(path).await;
            assert!(answer.status == 200 || answer.status == 303, "{path}: {}", answer.text);
            took.push(wall.now().since(begun).as_secs_f64() * 1000.0);
        }
        took.sort_by(f64::total_cmp);
        println!("{:7.1} {:7.1}  {path}", took[TIMES / 2], took[TIMES - 1]);
    }
}
