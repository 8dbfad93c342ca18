//! `latchkey keys list`: the keys, and how many secrets each still seals.

use std::{collections::BTreeSet, path::Path};

use model::Timestamp;
use sealing::KeyRing;
use serde_json::json;

use super::{installation::Installation, sealed_cells};
use crate::{
    output::{Output, text},
    progress::bar,
};

pub(super) async fn run(config: Option<&Path>, output: Output) -> anyhow::Result<()> {
    let installation = Installation::open(config).await?;
    let store = &*installation.store;
    let bar = bar("counting", sealed_cells::total(store).await?);
    let cells = sealed_cells::cells_by_key(store, |cells| bar.inc(cells)).await?;
    bar.finish_and_clear();
    let escrow = installation.escrow().await?;

    let (ring, now) = (installation.keys.ring(), installation.env.now());
    let mut keys: BTreeSet<&str> = ring.key_ids().collect();
    keys.extend(cells.keys().chain(escrow.keys()).map(String::as_str));
    let keys: Vec<_> = keys
        .into_iter()
        .map(|key| {
            json!({ "key": key, "cells": cells.get(key).copied().unwrap_or_default(),
                    "in_escrow": escrow.get(key).copied().unwrap_or_default(), "state": state(&ring, key, now) })
        })
        .collect();
    output.list(["key", "cells", "in escrow", ""], &keys, |key| {
        ["key", "cells", "in_escrow", "state"].map(|field| text(key, field))
    });
    installation.close().await;
    Ok(())
}

fn state(ring: &KeyRing, key: &str, now: Timestamp) -> String {
    if ring.active_key_id(now) == key {
        return "seals".into();
    }
    match ring.next_key(now) {
        Some((next, from)) if next == key => format!("seals from {from} on"),
        _ if ring.key_ids().any(|id| id == key) => "opens".into(),
        _ => "is not on the ring".into(),
    }
}
