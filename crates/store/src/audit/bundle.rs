//! Encodes batches as bytes, to store them outside a database.
//!
//! The format is a list of [`Row`]s in postcard's encoding. A row's id is left out, because it is
//! derived from the content.

use std::error::Error;

use model::WorkspaceId;
use serde::{Deserialize, Serialize, Serializer};

use super::AuditBatch;
use crate::StoreError;

#[derive(Serialize, Deserialize)]
struct Row<'b> {
    slice: i64,
    workspace: WorkspaceId,
    records: u32,
    #[serde(serialize_with = "at_once")]
    content: &'b [u8],
}

/// Serialises as bytes. The default would be a list of numbers.
fn at_once<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bytes(bytes)
}

/// Encodes these batches.
pub fn bundle(batches: &[AuditBatch]) -> Vec<u8> {
    let rows = batches.iter().map(|batch| {
        let AuditBatch { slice, workspace, records, ref content, .. } = *batch;
        Row { slice, workspace, records, content }
    });
    let rows: Vec<_> = rows.collect();
    postcard::to_allocvec(&rows).expect("a write to a Vec succeeds")
}

/// Decodes batches.
pub fn unbundle(bytes: &[u8]) -> Result<Vec<AuditBatch>, StoreError> {
    let corrupt = |cause: Box<dyn Error + Send + Sync>| StoreError::Corrupt { table: "audit_batches", cause };
    let (rows, rest): (Vec<Row<'_>>, _) =
        postcard::take_from_bytes(bytes).map_err(|error| corrupt(error.into()))?;
    if !rest.is_empty() {
        return Err(corrupt("there is data after the batches".into()));
    }
    let batches = rows.into_iter().map(|Row { slice, workspace, records, content }| {
        AuditBatch::read(slice, workspace, records, content.to_vec())
    });
    batches.collect()
}
