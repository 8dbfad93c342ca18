//! Removes old keys from the ring once nothing is sealed with them.

use std::collections::BTreeSet;

use anyhow::bail;
use serde_json::json;

use super::{installation::Installation, rewrap::Arguments};
use crate::output::Output;

/// Removes every key that seals nothing from the ring. Call it when the active key seals every cell that opens. `stuck` are
/// the cells that do not open, with their keys.
pub(super) async fn old_keys(
    installation: &Installation,
    arguments: &Arguments,
    stuck: &[(String, String)],
    output: Output,
) -> anyhow::Result<()> {
    let (ring, now) = (installation.keys.ring(), installation.env.now());
    let escrow = installation.escrow().await?;
    let needed: BTreeSet<&str> =
        stuck.iter().map(|(_, key)| &**key).chain(escrow.keys().map(String::as_str)).collect();
    let active = ring.active_key_id(now);
    let next = ring.next_key(now).map(|(key, _)| key);
    let old: Vec<&str> = ring.key_ids().filter(|key| *key != active && Some(*key) != next).collect();
    let idle: Vec<String> =
        old.iter().filter(|key| !needed.contains(**key)).map(|key| (*key).to_owned()).collect();

    let provider = installation.keys.provider();
    match (idle.as_slice(), &arguments.to) {
        ([], _) => {}
        (_, None) if arguments.keep_old => {
            output.say(&json!({ "kept": idle }), &format!("kept on the ring: {}", idle.join(", ")));
        }
        (_, None) if !provider.is_changeable() => {
            let names = idle.join(", ");
            let words = format!("{names} can be removed from LATCHKEY_KEYS: run this again with --to <file>");
            output.say(&json!({ "may_come_off": idle }), &words);
        }
        (_, to) => {
            let retired = provider.retire(&idle, to.as_deref(), &installation.env)?;
            let words = format!("removed from the ring: {}", retired.join(", "));
            output.say(&json!({ "taken_off": retired }), &words);
        }
    }
    if let Some((key, grants)) = escrow.iter().find(|(key, _)| old.contains(&key.as_str())) {
        bail!(
            "{grants} grants in the escrow are sealed with {key}: start the server, which stores them, then run this again"
        );
    }
    if let [(first, _), ..] = stuck {
        bail!("{} cells do not open and were not changed, the first is {first}", stuck.len());
    }
    Ok(())
}
