//! Builds a page from rows that contain many records each.
//!
//! Rows come in the order of their slices. Rows of one slice may overlap and may repeat a record;
//! rows of different slices don't overlap. So a slice is complete when a row of another one
//! arrives; then its records are sorted and added to the page.

use std::{cmp::Ordering, ops::RangeInclusive};

use model::Timestamp;

use super::{AuditBatch, AuditPage, AuditRecord, BatchId, Direction};
use crate::StoreError;

/// The maximum number of rows of the first query. A row may contain one record or hundreds. Later
/// queries read more rows.
const FIRST_QUERY: u32 = 8;
/// The maximum number of rows of a query.
const MAX_QUERY_LEN: u32 = 512;

/// The next rows that a page needs: in the order of slice and id, forward or backward.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowRange {
    /// No row before this slice.
    pub first: i64,
    /// No row after this slice.
    pub last: i64,
    /// Only rows that follow this one in the direction of reading.
    pub beyond: Option<(i64, BatchId)>,
    /// The direction of reading.
    pub direction: Direction,
    /// The maximum number of rows.
    pub most: u32,
}

/// A page that is being built. Query what [`wants`](Self::wants) returns and pass the rows to
/// `take`, until `wants` returns `None`.
#[derive(Debug)]
pub struct PageBuilder<'p> {
    page: &'p AuditPage,
    next: Option<RowRange>,
    /// Records of complete slices, in order.
    sure: Vec<AuditRecord>,
    /// Records of the slice that is still open.
    open: Vec<AuditRecord>,
}

impl<'p> PageBuilder<'p> {
    /// Starts a page.
    pub fn new(page: &'p AuditPage) -> Self {
        Self::within(page, i64::MIN..=i64::MAX)
    }

    /// Starts a page that contains only records of these slices.
    pub fn within(page: &'p AuditPage, slices: RangeInclusive<i64>) -> Self {
        let (first, last) = page.slices();
        let (first, last) = (first.max(*slices.start()), last.min(*slices.end()));
        let next = RowRange { first, last, beyond: None, direction: page.direction, most: FIRST_QUERY };
        Self { page, next: Some(next).filter(|_| page.most > 0), sure: Vec::new(), open: Vec::new() }
    }

    /// The rows that are still needed; `None` when the page is complete.
    pub fn wants(&self) -> Option<RowRange> {
        self.next
    }

    /// Adds the rows of the last query.
    pub fn take(&mut self, rows: &[AuditBatch]) -> Result<(), StoreError> {
        let Some(mut range) = self.next.take() else { return Ok(()) };
        let mut slice = range.beyond.map(|(slice, _)| slice);
        for row in rows {
            if slice.replace(row.slice).is_some_and(|before| before != row.slice) && self.close() {
                return Ok(());
            }
            self.open.extend(row.unpack()?.into_iter().filter(|record| is_on(self.page, record)));
        }
        let more = u32::try_from(rows.len()).is_ok_and(|rows| rows >= range.most);
        if let Some(last) = rows.last().filter(|_| more) {
            range.beyond = Some((last.slice, last.id));
            range.most = (range.most * 8).min(MAX_QUERY_LEN);
            self.next = Some(range);
        } else {
            self.close();
        }
        Ok(())
    }

    /// The records of the page.
    pub fn into_records(self) -> Vec<AuditRecord> {
        self.sure
    }

    /// Adds a complete slice to the page. `true` when the page is full.
    fn close(&mut self) -> bool {
        let direction = self.page.direction;
        self.open.sort_unstable_by(|one, other| in_order(direction, one, other));
        self.open.dedup_by_key(|record| record.place());
        self.sure.append(&mut self.open);
        let most = usize::try_from(self.page.most).unwrap_or(usize::MAX);
        self.sure.truncate(most);
        self.sure.len() == most
    }
}

fn in_order(direction: Direction, one: &AuditRecord, other: &AuditRecord) -> Ordering {
    match direction {
        Direction::OldestFirst => one.place().cmp(&other.place()),
        Direction::NewestFirst => other.place().cmp(&one.place()),
    }
}

fn is_on(page: &AuditPage, record: &AuditRecord) -> bool {
    let AuditPage { since, until, after, direction, ref filter, .. } = *page;
    let in_span =
        |at: Timestamp| since.is_none_or(|since| at >= since) && until.is_none_or(|until| at < until);
    let beyond = after.is_none_or(|place| match direction {
        Direction::OldestFirst => record.place() > place,
        Direction::NewestFirst => record.place() < place,
    });
    in_span(record.at) && beyond && filter.is_met_by(record)
}
