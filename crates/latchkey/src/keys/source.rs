//! The source of the key ring, from the configuration and the environment.

use std::{env, path::PathBuf};

use anyhow::bail;
use model::Secret;
use sealing::{Provider, RingSource, Token, Transit, TransitConfig};

use crate::config::{Config, TransitSection};

/// Variable with the key ring itself.
const RING: &str = "LATCHKEY_KEYS";
/// Variable with the path of a key ring file.
const RING_FILE: &str = "LATCHKEY_KEYS_FILE";

/// The source of the key ring, and the key service that wraps its keys, if any.
pub(crate) fn provider(config: &Config) -> anyhow::Result<Provider> {
    let (ring, file) = (env::var_os(RING), env::var_os(RING_FILE).map(PathBuf::from));
    let source = match (ring, file, &config.key_file) {
        (None, None, path) => {
            RingSource::File(path.clone().unwrap_or_else(|| config.data_dir.join("keys.json")))
        }
        (None, Some(path), None) => RingSource::Mounted(path),
        (Some(ring), None, None) => match ring.into_string() {
            Ok(ring) => RingSource::Variable(Secret::new(ring)),
            Err(_) => bail!("{RING} is not valid text: set it to a key ring"),
        },
        _ => bail!("more than one of {RING}, {RING_FILE} and key_file is set: keep only one"),
    };
    Ok(Provider::new(source).with_transit(transit(config)?))
}

/// The key service, if one is configured.
pub(super) fn transit(config: &Config) -> anyhow::Result<Option<Transit>> {
    let Some(section) = &config.keys.transit else { return Ok(None) };
    let TransitSection { address, mount, key, namespace, token, token_file, ca_file } = section;
    let token = match (token, token_file) {
        (Some(token), None) => Token::Given(token.clone()),
        (None, Some(path)) => Token::File(path.clone()),
        _ => bail!("keys.transit: set exactly one of token and token_file"),
    };
    let config = TransitConfig {
        address: address.clone(),
        mount: mount.clone(),
        key: key.clone(),
        namespace: namespace.clone(),
        token,
        ca_file: ca_file.clone(),
    };
    Ok(Some(Transit::new(config)?))
}
