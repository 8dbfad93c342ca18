//! Walks over every sealed cell of a store.

use std::collections::BTreeMap;

use anyhow::Context as _;
use sealing::{CellAddress, HEAD_LEN, Keys, key_id};
use store::{Access, Replacement, SEALED_COLUMNS, SealedCell, SealedCells, SealedColumn, StoreError};

/// Cells that are read, and at most written, in one transaction. It is short, so that servers are not blocked.
const BATCH: u32 = 200;

/// Result of one walk.
#[derive(Debug, Default)]
pub(super) struct Walked {
    /// Cells that were rewrapped.
    pub(super) rewrapped: u64,
    /// Cells that another process wrote at the same time.
    pub(super) contested: u64,
    /// Descriptions of cells that do not open, each with the key that it names.
    pub(super) stuck: Vec<(String, String)>,
    /// Whether the walk stopped early because of `at_most`.
    pub(super) cut: bool,
}

/// Opens a cell of each workspace. A key ring that cannot do so belongs to another store and must not be used.
pub(super) async fn check(
    store: &(impl Access + SealedCells + Sync + ?Sized),
    keys: &Keys,
) -> anyhow::Result<()> {
    let column = &SEALED_COLUMNS[0];
    let rows: Vec<String> =
        store.workspaces().await?.iter().map(|workspace| workspace.id.to_string()).collect();
    for cell in store.sealed_cells(column, &rows).await? {
        keys.open(&place(column, &cell), &cell.sealed).context("this key ring does not open the store")?;
    }
    Ok(())
}

/// The number of cells with a ciphertext.
pub(super) async fn total(store: &(impl SealedCells + Sync + ?Sized)) -> Result<u64, StoreError> {
    let mut total = 0;
    for column in SEALED_COLUMNS {
        total += store.count_sealed(column).await?;
    }
    Ok(total)
}

/// The number of cells that each key seals. A cell that names no key is damaged and counts as `?`.
pub(super) async fn cells_by_key(
    store: &(impl SealedCells + Sync + ?Sized),
    mut progress: impl FnMut(u64),
) -> Result<BTreeMap<String, u64>, StoreError> {
    let mut counted = BTreeMap::new();
    for column in SEALED_COLUMNS {
        let mut after: Option<String> = None;
        loop {
            let heads = store.sealed_heads(column, after.as_deref(), head_len(), BATCH).await?;
            let Some(last) = heads.last() else { break };
            after = Some(last.row.clone());
            progress(heads.len() as u64);
            for head in &heads {
                *counted.entry(key_id(&head.head).unwrap_or("?").to_owned()).or_default() += 1;
            }
        }
    }
    Ok(counted)
}

/// Rewraps the cells that are not sealed with the active key, `at_most` that many. Each cell names the key that seals it, so
/// an interrupted walk can resume without saved progress.
pub(super) async fn rewrap(
    store: &(impl SealedCells + Sync + ?Sized),
    keys: &Keys,
    at_most: Option<u64>,
    mut progress: impl FnMut(u64),
) -> Result<Walked, StoreError> {
    let mut walked = Walked::default();
    for column in SEALED_COLUMNS {
        let mut after: Option<String> = None;
        loop {
            let heads = store.sealed_heads(column, after.as_deref(), head_len(), BATCH).await?;
            let Some(last) = heads.last() else { break };
            after = Some(last.row.clone());
            let (active, count) = (keys.active_key_id(), heads.len() as u64);
            let mut old: Vec<String> = heads
                .into_iter()
                .filter(|head| key_id(&head.head) != Some(&active))
                .map(|head| head.row)
                .collect();
            let left = at_most.map_or(usize::MAX, |most| {
                usize::try_from(most.saturating_sub(walked.rewrapped)).unwrap_or(usize::MAX)
            });
            walked.cut = old.len() > left;
            old.truncate(left);
            if !old.is_empty() {
                batch(store, keys, column, &old, &mut walked).await?;
            }
            progress(count);
            if walked.cut {
                return Ok(walked);
            }
        }
    }
    Ok(walked)
}

async fn batch(
    store: &(impl SealedCells + Sync + ?Sized),
    keys: &Keys,
    column: &SealedColumn,
    rows: &[String],
    walked: &mut Walked,
) -> Result<(), StoreError> {
    let mut replacements = Vec::new();
    for cell in store.sealed_cells(column, rows).await? {
        let place = place(column, &cell);
        match keys.open(&place, &cell.sealed) {
            Ok(secret) => {
                let new = keys.seal(&place, &secret);
                replacements.push(Replacement { row: cell.row, old: cell.sealed, new });
            }
            Err(error) => {
                let key = key_id(&cell.sealed.0).unwrap_or("?").to_owned();
                walked.stuck.push((format!("{place} of {}: {error}", cell.row), key));
            }
        }
    }
    let replaced = store.replace_sealed(column, &replacements).await?;
    walked.rewrapped += replaced;
    walked.contested += replacements.len() as u64 - replaced;
    Ok(())
}

fn place<'a>(column: &SealedColumn, cell: &'a SealedCell) -> CellAddress<'a> {
    CellAddress { workspace: cell.workspace, table: column.table, row: &cell.row, column: column.column }
}

fn head_len() -> u32 {
    u32::try_from(HEAD_LEN).expect("66")
}
