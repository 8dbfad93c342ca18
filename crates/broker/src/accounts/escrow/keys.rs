//! Which keys the grants in escrow are sealed with.

use std::{collections::BTreeMap, fs, io};

use super::{Deposit, Escrow, blocking};

impl Escrow {
    /// The keys that seal what lies here, each with how many grants: a key that is among them cannot be taken off the
    /// ring. Whole files that a crash kept from getting their name count too.
    pub async fn key_ids(&self) -> io::Result<BTreeMap<String, usize>> {
        let folder = self.folder.clone();
        blocking(move || {
            let mut keys = BTreeMap::new();
            for entry in fs::read_dir(folder)? {
                let deposit = match fs::read(entry?.path()) {
                    Ok(text) => Deposit::read(&text),
                    // Settled meanwhile.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                    Err(error) => return Err(error),
                };
                let Some(Deposit { grant, .. }) = deposit else { continue };
                let sealed = [grant.access_token, grant.refresh_token].into_iter().flatten();
                let mut ids: Vec<String> =
                    sealed.filter_map(|sealed| sealing::key_id(&sealed.0).map(str::to_owned)).collect();
                ids.dedup();
                for id in ids {
                    *keys.entry(id).or_default() += 1;
                }
            }
            Ok(keys)
        })
        .await
    }
}
