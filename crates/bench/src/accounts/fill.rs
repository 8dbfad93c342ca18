//! Creates account rows by SQL: a million consents would take a day.

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, SqliteConnection, raw_sql};

use crate::installation::{Backend, Installation};

/// Size of a sealed token, typical for Zoom, in bytes.
const SEALED: u32 = 700;

impl Installation {
    /// Connects `accounts` users whose refreshes are due in a year.
    pub(crate) async fn fill(&self, accounts: u32) -> anyhow::Result<()> {
        let (workspace, app) = (self.workspace, self.app);
        let columns = "id, workspace, app, zoom_user_id, zoom_account_id, display_name, status, generation,\n\
                       access_token, access_expires_at, refresh_token, scopes, created_at, granted_at,\n\
                       status_since, refresh_at, used_at, epoch";
        let year = "31536000000000";
        match &self.backend {
            Backend::Sqlite => {
                let rows = format!(
                    "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {accounts})\n\
                     INSERT INTO credentials ({columns})\n\
                     SELECT lower(substr(h, 1, 8) || '-' || substr(h, 9, 4) || '-7' || substr(h, 14, 3) || '-8'\n\
                             || substr(h, 18, 3) || '-' || substr(h, 21, 12)),\n\
                         '{workspace}', '{app}', 'user-' || n, 'account', 'Ada', 'healthy', 1,\n\
                         randomblob({SEALED}), unixepoch() * 1000000, randomblob({SEALED}), '[]',\n\
                         unixepoch() * 1000000, unixepoch() * 1000000, unixepoch() * 1000000,\n\
                         unixepoch() * 1000000 + {year} + n, unixepoch() * 1000000, 1\n\
                     FROM (SELECT n, hex(randomblob(16)) AS h FROM n);\n\
                     ANALYZE; PRAGMA wal_checkpoint(TRUNCATE);"
                );
                self.run(rows).await
            }
            Backend::Postgres(_) => {
                // Every row has different bytes, which do not compress. They are made from one hash per row, which is fast.
                let rows = format!(
                    "INSERT INTO credentials ({columns})\n\
                     SELECT gen_random_uuid()::text, '{workspace}', '{app}', 'user-' || n, 'account', 'Ada', 'healthy',\n\
                         1, bytes, now, bytes, '[]', now, now, now, now + {year} + n, now, 1\n\
                     FROM (SELECT n, (extract(epoch FROM now()) * 1000000)::bigint AS now,\n\
                               decode(repeat(md5(n::text), {SEALED} / 16), 'hex') AS bytes\n\
                           FROM generate_series(1, {accounts}) AS n) AS many"
                );
                self.run(rows).await?;
                self.run("VACUUM ANALYZE credentials".into()).await
            }
        }
    }

    /// Makes `due` accounts due, spread evenly over all of them.
    pub(crate) async fn make_due(&self, accounts: u32, due: u32) -> anyhow::Result<()> {
        let every = accounts / due;
        let names = format!("SELECT 'user-' || n FROM ({}) AS n", self.series(due, every));
        self.run(format!(
            "UPDATE credentials SET refresh_at = 1 WHERE app = '{}' AND zoom_user_id IN ({names})",
            self.app
        ))
        .await?;
        match &self.backend {
            Backend::Sqlite => Ok(()),
            // As autovacuum does in normal operation.
            Backend::Postgres(_) => self.run("VACUUM ANALYZE credentials".into()).await,
        }
    }

    fn series(&self, count: u32, every: u32) -> String {
        match &self.backend {
            Backend::Sqlite => format!(
                "WITH RECURSIVE s (n) AS (SELECT {every} UNION ALL SELECT n + {every} FROM s LIMIT {count})\n\
                 SELECT n FROM s"
            ),
            Backend::Postgres(_) => {
                format!("SELECT generate_series({every}, {count} * {every}, {every}) AS n")
            }
        }
    }

    pub(crate) async fn run(&self, sql: String) -> anyhow::Result<()> {
        let sql = raw_sql(AssertSqlSafe(sql));
        match &self.backend {
            Backend::Sqlite => {
                let path = format!("sqlite://{}", self.folder.join("latchkey.db").display());
                let mut db = SqliteConnection::connect(&path).await?;
                db.execute(sql).await?;
                db.close().await?;
            }
            Backend::Postgres(address) => {
                let mut db = PgConnection::connect(address).await?;
                db.execute(sql).await?;
                db.close().await?;
            }
        }
        Ok(())
    }
}
