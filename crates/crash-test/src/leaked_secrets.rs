//! Searches for secrets in places where there must be none.

use std::{fmt, fs, path::Path};

use anyhow::ensure;

/// What was searched, and what was found.
#[derive(Debug, Default)]
pub(crate) struct Searched {
    secrets: usize,
    texts: usize,
    bytes: usize,
    /// Places of the hits, without the secrets.
    hits: Vec<String>,
}

impl Searched {
    pub(crate) fn add(&mut self, other: Self) {
        self.secrets += other.secrets;
        self.texts += other.texts;
        self.bytes += other.bytes;
        self.hits.extend(other.hits);
    }

    pub(crate) fn is_clean(&self) -> bool {
        self.hits.is_empty()
    }

    /// Counts the secrets, and checks that each of them would have been found.
    pub(crate) fn sharpen(&mut self, secrets: &[String]) -> anyhow::Result<()> {
        self.secrets += secrets.len();
        let planted = secrets.join("\n");
        ensure!(
            text(secrets, "", planted.as_bytes()).hits.len() == secrets.len(),
            "the search misses a secret"
        );
        Ok(())
    }
}

impl fmt::Display for Searched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { secrets, texts, bytes, hits } = self;
        write!(
            f,
            "{secrets} secrets, searched for in {texts} logs, dumps and files ({} kB): {} hits",
            bytes / 1000,
            hits.len()
        )?;
        hits.iter().try_for_each(|hit| write!(f, "\n  {hit}"))
    }
}

/// Searches the files of a folder, if it exists.
pub(crate) fn files(secrets: &[String], folder: &Path) -> anyhow::Result<Searched> {
    let mut searched = Searched::default();
    let Ok(entries) = fs::read_dir(folder) else { return Ok(searched) };
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            let path = entry.path();
            searched.add(text(secrets, &path.display().to_string(), &fs::read(&path)?));
        }
    }
    Ok(searched)
}

/// Searches one text.
pub(crate) fn text(secrets: &[String], place: &str, bytes: &[u8]) -> Searched {
    let text = String::from_utf8_lossy(bytes);
    let hits = secrets.iter().filter(|secret| text.contains(secret.as_str())).map(|_| place.to_owned());
    Searched { secrets: 0, texts: 1, bytes: bytes.len(), hits: hits.collect() }
}
