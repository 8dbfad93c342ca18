//! Parsing of pasted ids and secrets in the configuration.

use std::{fs, path::Path};

use anyhow::Context as _;
use model::{NotOneWord, Secret};
use serde::{Deserialize, Deserializer};

/// Parses a pasted id or secret in the file.
pub(super) fn pasted<'de, D: Deserializer<'de>, T: From<String>>(deserializer: D) -> Result<T, D::Error> {
    let text = String::deserialize(deserializer)?;
    let word = model::pasted(&text).map_err(serde::de::Error::custom)?;
    Ok(T::from(word.to_owned()))
}

pub(super) fn pasted_or_none<'de, D: Deserializer<'de>, T: From<String>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    pasted(deserializer).map(Some)
}

/// Parses a password, which may contain spaces.
pub(super) fn password_or_none<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Secret>, D::Error> {
    let text = String::deserialize(deserializer)?;
    model::pasted_password(&text)
        .map(|password| Some(Secret::new(password)))
        .map_err(serde::de::Error::custom)
}

/// Reads the secret from the file that `key` names.
pub(super) fn secret_in(key: &str, path: &Path) -> anyhow::Result<Secret> {
    read(key, path, model::pasted)
}

/// Reads the password from the file that `key` names.
pub(super) fn password_in(key: &str, path: &Path) -> anyhow::Result<Secret> {
    read(key, path, model::pasted_password)
}

fn read(
    key: &str,
    path: &Path,
    rule: impl FnOnce(&str) -> Result<&str, NotOneWord>,
) -> anyhow::Result<Secret> {
    let file = || format!("{key} {}", path.display());
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", file()))?;
    let word = rule(&text).with_context(|| format!("{} contains no secret", file()))?;
    Ok(Secret::new(word))
}
