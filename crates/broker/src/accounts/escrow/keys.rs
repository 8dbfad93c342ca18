//! The keys that seal the grants in escrow.

use std::{collections::BTreeMap, fs, io};

use super::{Deposit, Escrow, blocking};

impl Escrow {
    /// The ids of keys that are in use here, with the number of grants of each. Such a key must stay on the ring.
    /// Complete files that a crash left without their final name count too.
    pub async fn key_ids(&self) -> io::Result<BTreeMap<String, usize>> {
        let folder = self.folder.clone();
        blocking(move || {
            let mut keys = BTreeMap::new();
            for entry in fs::read_dir(folder)? {
                let deposit = match fs::read(entry?.path()) {
                    Ok(text) => Deposit::read(&text),
                    // The file was deleted in the meantime.
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
