//! Creates events and their deliveries by SQL, as after a busy week.

use model::{EventId, WorkspaceId};

use crate::{
    installation::{Backend, Installation},
    test_bed::Place,
};

/// Events per subject, such as the states of one bot; one of them is due at a time. The number is so small that a hundred
/// deliveries of an endpoint fill a batch.
const EVENTS_OF_A_SUBJECT: u32 = 3;
/// Rows per statement.
const ROWS: u32 = 500;

impl Installation {
    /// Writes this many events for a workspace, and a delivery of each to all of its endpoints.
    pub(super) async fn queue(
        &self,
        place: &Place,
        workspace: WorkspaceId,
        events: u32,
    ) -> anyhow::Result<()> {
        let now = place.env.now().as_microsecond();
        // A long event: a bot's state with its message.
        let body = format!(
            r#"{{"event":"bot.done","data":{{"code":"done","message":"{}"}}}}"#,
            "the call has ended ".repeat(20)
        );
        let numbers: Vec<u32> = (1..=events).collect();
        for numbers in numbers.chunks(ROWS as usize) {
            let rows = numbers.iter().map(|number| {
                let (id, subject) = (EventId::generate(&place.env), (number - 1) / EVENTS_OF_A_SUBJECT);
                format!(
                    "('{id}', '{workspace}', {number}, 'bot.done', 'bot {workspace} {subject}', '{body}', {now})"
                )
            });
            let rows = rows.collect::<Vec<_>>().join(",\n");
            let columns = "id, workspace, sequence, kind, subject, body, happened_at";
            self.run(format!("INSERT INTO events ({columns}) VALUES\n{rows}")).await?;
        }
        self.run(format!(
            "INSERT INTO event_numbers (workspace, last) VALUES ('{workspace}', {events})\n\
             ON CONFLICT (workspace) DO UPDATE SET last = {events};\n\
             INSERT INTO deliveries (endpoint, event, sequence, subject, state, attempts, due_at)\n\
             SELECT e.id, v.id, v.sequence, v.subject, 'pending', 0,\n\
                 CASE WHEN v.sequence % {EVENTS_OF_A_SUBJECT} = 1 THEN {now} END\n\
             FROM webhook_endpoints AS e JOIN events AS v ON v.workspace = e.workspace\n\
             WHERE e.workspace = '{workspace}' ORDER BY v.sequence, e.id;\n\
             UPDATE webhook_endpoints SET due_at = {now} WHERE workspace = '{workspace}'"
        ))
        .await?;
        match &self.backend {
            Backend::Sqlite => self.run("ANALYZE; PRAGMA wal_checkpoint(TRUNCATE)".into()).await,
            // As autovacuum does in normal operation.
            Backend::Postgres(_) => {
                self.run("VACUUM ANALYZE deliveries".into()).await?;
                self.run("VACUUM ANALYZE events".into()).await?;
                self.run("CHECKPOINT".into()).await
            }
        }
    }
}
