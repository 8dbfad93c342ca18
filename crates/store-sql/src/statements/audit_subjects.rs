//! The subjects of audit records, by minute.
//!
//! A subject is stored in the transaction of its records, once a minute: a server caches the last
//! minute that it has stored for each. A subject that is not cached (after a start, when there are
//! too many, because another server stored it, or after a commit without an answer) is stored
//! again, which changes nothing.

use std::{
    collections::{BTreeSet, HashMap},
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
};

use model::{Timestamp, WorkspaceId};
use store::{
    AuditBatch, AuditPage, AuditRecord, AuditSubject, Direction, PageBuilder, StoreError, minute_of,
    slice_of, slices_of,
};

use crate::{
    SqlStore,
    db::Tx,
    query::{MAX_ROWS, Query, query, values},
};

/// Subjects that a server caches, about 100 bytes each. While those of one minute fit, each is written once a minute.
const MAX_REMEMBERED: usize = 131_072;
/// Minutes that are read at a time.
const MINUTES: u32 = 256;

/// A row. Servers write rows in this order, so that they can't deadlock.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Noted {
    subject: AuditSubject,
    workspace: WorkspaceId,
    minute: i64,
}

/// Subjects that are certainly in the database.
#[derive(Debug, Default)]
pub(crate) struct NotedSubjects(Mutex<HashMap<AuditSubject, (WorkspaceId, i64)>>);

impl NotedSubjects {
    /// The subjects of these batches that may not be in the database yet.
    pub(super) fn not_yet(&self, batches: &[AuditBatch]) -> BTreeSet<Noted> {
        let known = self.known();
        let is_new = |noted: &Noted| known.get(&noted.subject) != Some(&(noted.workspace, noted.minute));
        noted_of(batches).filter(is_new).collect()
    }

    /// Records that these are in the database.
    pub(super) fn add(&self, noted: BTreeSet<Noted>) {
        let mut known = self.known();
        if known.len() + noted.len() > MAX_REMEMBERED {
            let newest = noted.iter().map(|noted| noted.minute).max();
            known.retain(|_, (_, minute)| Some(*minute) >= newest);
        }
        if known.len() + noted.len() > MAX_REMEMBERED {
            known.clear();
        }
        known.extend(noted.into_iter().map(|it| (it.subject, (it.workspace, it.minute))));
    }

    fn known(&self) -> MutexGuard<'_, HashMap<AuditSubject, (WorkspaceId, i64)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The rows of these batches; some occur several times.
pub(super) fn noted_of(batches: &[AuditBatch]) -> impl Iterator<Item = Noted> {
    batches.iter().flat_map(|batch| {
        let (workspace, minute) = (batch.workspace, minute_of(batch.slice));
        batch.subjects.iter().map(move |subject| Noted { subject: subject.clone(), workspace, minute })
    })
}

/// Adds an `INSERT` of these rows.
pub(super) fn push_subjects<'n>(query: &mut Query, noted: impl IntoIterator<Item = &'n Noted>) {
    query.push("INSERT INTO audit_subjects (subject, workspace, minute)");
    let rows: Vec<_> = noted.into_iter().collect();
    query.push_rows(&rows, |row, noted| {
        row.push_bind(noted.subject.to_string()).push(", ").push_bind(noted.workspace).push(", ");
        row.push_bind(noted.minute);
    });
    query.push(" ON CONFLICT DO NOTHING");
}

/// Stores subjects.
pub(super) async fn note(tx: &mut Tx, noted: &BTreeSet<Noted>) -> Result<(), StoreError> {
    let rows: Vec<_> = noted.iter().collect();
    for some in rows.chunks(MAX_ROWS) {
        let mut query = query("-- note_subjects\n");
        push_subjects(&mut query, some.iter().copied());
        query.execute(&mut *tx).await?;
    }
    Ok(())
}

impl SqlStore {
    /// A page of records about a subject, read minute by minute in the page's direction.
    pub(super) async fn audit_about(
        &self,
        workspace: Option<WorkspaceId>,
        subject: &AuditSubject,
        page: &AuditPage,
    ) -> Result<Vec<AuditRecord>, StoreError> {
        let (first, last) = page.slices();
        let (mut first, mut last) = (minute_of(first), minute_of(last));
        let mut found = Vec::new();
        let mut missing = page.most;
        loop {
            let minutes = self.audit_minutes(workspace, subject, (first, last), page.direction).await?;
            for minute in &minutes {
                if missing == 0 {
                    return Ok(found);
                }
                let rest = AuditPage { most: missing, ..page.clone() };
                let builder = PageBuilder::within(&rest, slices_of(*minute));
                let records = self.page_of(workspace, builder).await?;
                missing = missing.saturating_sub(u32::try_from(records.len()).unwrap_or(u32::MAX));
                found.extend(records);
            }
            match minutes.last() {
                Some(minute) if minutes.len() == MINUTES as usize => match page.direction {
                    Direction::OldestFirst => first = minute + 1,
                    Direction::NewestFirst => last = minute - 1,
                },
                _ => return Ok(found),
            }
        }
    }

    /// The next minutes in which there may be a record about the subject. Batches of an older
    /// version have no stored subjects, so each of their minutes counts.
    async fn audit_minutes(
        &self,
        workspace: Option<WorkspaceId>,
        subject: &AuditSubject,
        (first, last): (i64, i64),
        direction: Direction,
    ) -> Result<Vec<i64>, StoreError> {
        let mut query = query("-- audit_minutes\nSELECT minute FROM audit_subjects WHERE subject = ");
        query.push_bind(subject.to_string());
        query.push(" AND minute >= ").push_bind(first).push(" AND minute <= ").push_bind(last);
        if let Some(workspace) = workspace {
            query.push(" AND workspace = ").push_bind(workspace);
        }
        query.push("\nUNION SELECT slice / 600 FROM audit_batches WHERE is_indexed = 0");
        query.push(" AND slice >= ").push_bind(*slices_of(first).start());
        query.push(" AND slice <= ").push_bind(*slices_of(last).end());
        if let Some(workspace) = workspace {
            query.push(" AND workspace = ").push_bind(workspace);
        }
        query.push(match direction {
            Direction::OldestFirst => "\nORDER BY minute LIMIT ",
            Direction::NewestFirst => "\nORDER BY minute DESC LIMIT ",
        });
        query.push_bind(MINUTES);
        query.column(&self.readers).await
    }

    /// Deletes subjects of minutes that are over before `end`. Their batches are already deleted.
    pub(super) async fn prune_subjects(&self, end: Timestamp, most: u32) -> Result<u32, StoreError> {
        let deleted = query(
            "-- prune_subjects\n\
             DELETE FROM audit_subjects WHERE (subject, workspace, minute) IN\n\
                 (SELECT subject, workspace, minute FROM audit_subjects WHERE minute < $1\n\
                  ORDER BY minute LIMIT $2 FOR UPDATE SKIP LOCKED)",
        )
        .with(values![minute_of(slice_of(end)), most])
        .execute(&self.writer)
        .await?;
        if deleted > 0 {
            // If a record of that time still comes, its subjects are stored again.
            mem::take(&mut *self.noted.known());
        }
        Ok(u32::try_from(deleted).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use model::{Environment, WorkspaceId};

    use super::*;

    #[test]
    fn the_subjects_of_a_minute_are_cached_while_there_is_room() {
        let known = NotedSubjects::default();
        let workspace = WorkspaceId::generate(&Environment::system());
        let of = |minute: i64, bots: Range<usize>| -> BTreeSet<Noted> {
            let subject = |bot| AuditSubject::PlatformBot(format!("bot-{bot}").parse().unwrap());
            bots.map(|bot| Noted { subject: subject(bot), workspace, minute }).collect()
        };
        let remembered = || known.known().len();
        known.add(of(1, 0..MAX_REMEMBERED));
        assert_eq!(remembered(), MAX_REMEMBERED);
        known.add(of(2, 0..3));
        assert_eq!(remembered(), 3, "those of past minutes are dropped");
        known.add(of(2, 3..MAX_REMEMBERED));
        assert_eq!(remembered(), MAX_REMEMBERED);
        known.add(of(2, MAX_REMEMBERED..MAX_REMEMBERED + 1));
        assert_eq!(remembered(), 1, "too many of one minute");
    }
}
