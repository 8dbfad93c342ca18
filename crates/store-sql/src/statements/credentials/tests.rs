use std::collections::BTreeSet;

use super::{NEW_GRANT, TOMBSTONE, query};
use crate::sqlite;

/// Columns that stay when an account is connected again, because they identify it.
const STAY_AT_CONNECT: [&str; 5] = ["id", "workspace", "app", "zoom_user_id", "created_at"];
/// Columns that a tombstone keeps.
const STAY_AT_DISCONNECT: [&str; 13] = [
    "consented_at",
    "id",
    "workspace",
    "app",
    "kind",
    "zoom_user_id",
    "zoom_account_id",
    "display_name",
    "email",
    "used_at",
    "api_url",
    "created_at",
    "granted_at",
];

/// The columns that `SET` lists.
fn assigned(set: &str) -> BTreeSet<String> {
    let parts = set.split([',', '\n']).map(str::trim);
    parts.filter_map(|part| part.split_once(" = ")).map(|(column, _)| column.to_owned()).collect()
}

/// A new column must be in one list for each: if a value of an old grant stays, the compiler does not notice it.
#[tokio::test]
async fn every_column_is_written_or_stays_on_purpose() {
    let folder = tempfile::tempdir().unwrap();
    let store = sqlite::open(&folder.path().join("latchkey.db")).await.unwrap();
    let names = query("-- columns\nSELECT name FROM pragma_table_info('credentials')");
    let all: BTreeSet<String> = names.column(&store.readers).await.unwrap().into_iter().collect();
    for (set, stay) in [(NEW_GRANT, &STAY_AT_CONNECT[..]), (TOMBSTONE, &STAY_AT_DISCONNECT)] {
        let (written, stay) = (assigned(set), stay.iter().map(|&column| column.to_owned()).collect());
        assert!(written.is_disjoint(&stay), "{set}");
        assert_eq!(&written | &stay, all, "{set}");
    }
}
