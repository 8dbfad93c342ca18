//! Settings from the environment: `LATCHKEY_<KEY>`, and `LATCHKEY_<SECTION>__<KEY>` with two underscores. They override the
//! file.
//!
//! `docs/latchkey.sample.toml` lists the keys and their types. A test compares it with the configuration.

use anyhow::{anyhow, bail};
use toml::{Table, Value};

const PREFIX: &str = "LATCHKEY_";
const SAMPLE: &str = include_str!("../../../../docs/latchkey.sample.toml");
/// Variables with other meanings, which would otherwise look like misspelt keys.
const OTHERS: [&str; 8] = ["url", "api_key", "api_key_file", "config", "log", "keys", "keys_file", "app"];

/// Applies the variables to a configuration. An unknown name with two underscores is refused. Other unknown names may belong
/// to another program (an orchestrator sets `LATCHKEY_SERVICE_HOST`) and are refused only if they resemble a key.
pub(super) fn overlay(
    file: &mut Table,
    variables: impl Iterator<Item = (String, String)>,
) -> anyhow::Result<()> {
    let keys = keys();
    for (name, text) in variables {
        let Some(path) = name.strip_prefix(PREFIX).map(str::to_lowercase) else { continue };
        match keys.iter().find(|(key, _)| *key == path) {
            Some((_, sample)) => {
                let value =
                    read(&text, sample).map_err(|wanted| anyhow!("{name}: {text:?} is not {wanted}"))?;
                put(file, &path, value)
                    .map_err(|section| anyhow!("{name}: {section} is not a section in the file"))?;
            }
            None if OTHERS.contains(&&*path) => {}
            None => {
                let known: Vec<&str> = keys.iter().map(|(key, _)| &**key).collect();
                let meant =
                    model::nearest(&path, &known).map(|key| format!("{PREFIX}{}", key.to_uppercase()));
                match meant {
                    Some(meant) => bail!("{name} is not a setting; did you mean {meant}?"),
                    None if path.contains("__") => {
                        bail!("{name} is not a setting: see docs/latchkey.sample.toml")
                    }
                    None => {}
                }
            }
        }
    }
    Ok(())
}

/// Every key of the sample, as `section__key`, with its sample value.
fn keys() -> Vec<(String, Value)> {
    let sample: Table = whole_sample().parse().expect("the sample is valid: a test checks it");
    let mut keys = Vec::new();
    gather("", sample, &mut keys);
    keys
}

fn gather(section: &str, table: Table, keys: &mut Vec<(String, Value)>) {
    for (key, value) in table {
        let path = if section.is_empty() { key } else { format!("{section}__{key}") };
        match value {
            Value::Table(table) => gather(&path, table, keys),
            value => keys.push((path, value)),
        }
    }
}

/// The sample with its commented-out keys enabled.
fn whole_sample() -> String {
    let is_key = |line: &str| {
        let name = line.split_once(" = ").map_or(line, |(name, _)| name);
        line.starts_with('[')
            || (line.contains(" = ") && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'))
    };
    let lines =
        SAMPLE.lines().map(|line| line.strip_prefix("# ").filter(|line| is_key(line)).unwrap_or(line));
    lines.collect::<Vec<_>>().join("\n")
}

/// The value of a variable in the type of its key; the error names the expected type.
fn read(text: &str, sample: &Value) -> Result<Value, &'static str> {
    let text = text.trim();
    match sample {
        // Some numbers may be this word instead. For other keys the configuration refuses it.
        Value::Integer(_) if text == "measured" => Ok(Value::String(text.to_owned())),
        Value::Integer(_) => text.parse().map(Value::Integer).map_err(|_| "a whole number"),
        Value::Boolean(_) => text.parse().map(Value::Boolean).map_err(|_| "true or false"),
        Value::Array(_) => {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            Ok(Value::Array(items.map(|item| Value::String(item.to_owned())).collect()))
        }
        _ => Ok(Value::String(text.to_owned())),
    }
}

/// Sets a value and creates missing sections. An error names a value where a section is expected.
fn put(file: &mut Table, path: &str, value: Value) -> Result<(), String> {
    let (sections, key) = path.rsplit_once("__").unwrap_or(("", path));
    let mut table = file;
    for section in sections.split("__").filter(|section| !section.is_empty()) {
        let entry = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
        table = entry.as_table_mut().ok_or_else(|| section.to_owned())?;
    }
    table.insert(key.to_owned(), value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::config::Config;

    /// The fields that serde knows in a section, taken from its error about an unknown one.
    fn fields(section: &str) -> BTreeSet<String> {
        let text = if section.is_empty() {
            "planted = 1".to_owned()
        } else {
            format!("[{}]\nplanted = 1", section.replace("__", "."))
        };
        let error = toml::from_str::<Config>(&text).unwrap_err();
        let message = error.message().to_owned();
        assert!(message.starts_with("unknown field `planted`"), "{message}");
        message.split('`').skip(3).step_by(2).map(str::to_owned).collect()
    }

    #[test]
    fn every_key_is_in_the_sample_and_can_be_set_in_the_environment() {
        let keys: BTreeSet<String> = keys().into_iter().map(|(key, _)| key).collect();
        assert!(keys.len() > 50, "{keys:?}");
        let (mut sections, mut walked) = (vec![String::new()], BTreeSet::new());
        while let Some(section) = sections.pop() {
            for field in fields(&section) {
                let path = if section.is_empty() { field } else { format!("{section}__{field}") };
                let is_section = keys.iter().any(|key| key.starts_with(&format!("{path}__")));
                if is_section {
                    sections.push(path);
                } else {
                    walked.insert(path);
                }
            }
        }
        assert_eq!(
            walked, keys,
            "docs/latchkey.sample.toml shows every key, those without a default as comments"
        );
    }

    #[test]
    fn every_key_of_the_sample_is_read_from_its_variable() {
        for (key, value) in keys() {
            let text = match &value {
                Value::String(text) => text.clone(),
                Value::Array(items) => {
                    items.iter().map(|item| item.as_str().unwrap()).collect::<Vec<_>>().join(",")
                }
                other => other.to_string(),
            };
            let mut file = Table::new();
            let name = format!("LATCHKEY_{}", key.to_uppercase());
            overlay(&mut file, [(name.clone(), text)].into_iter()).unwrap();
            let mut found = Vec::new();
            gather("", file, &mut found);
            assert_eq!(found, [(key, value)], "{name}");
        }
    }

    #[test]
    fn a_measurable_number_accepts_measured() {
        let variable = ("LATCHKEY_BOTS__WARM_PAGES".to_owned(), "measured".to_owned());
        let mut file = Table::new();
        overlay(&mut file, [variable].into_iter()).unwrap();
        assert!(file.try_into::<Config>().is_ok());
    }

    #[test]
    fn every_secret_can_be_in_a_file() {
        // The key ring can be in LATCHKEY_KEYS_FILE and key_file.
        const SECRETS: [&str; 5] = [
            "database_url",
            "keys__transit__token",
            "mail__password",
            "metrics__token",
            "screenshots__s3__secret_access_key",
        ];
        let keys: Vec<_> = keys().into_iter().map(|(key, _)| key).collect();
        for secret in SECRETS {
            assert!(
                keys.iter().any(|key| key == secret) && keys.contains(&format!("{secret}_file")),
                "{secret}"
            );
        }
        // A new secret must be added above.
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let sections = std::fs::read_dir(folder.join("config")).unwrap().map(|file| file.unwrap().path());
        let texts =
            sections.chain([folder.join("config.rs")]).map(|file| std::fs::read_to_string(file).unwrap());
        let is_secret = |line: &&str| line.ends_with(": Option<Secret>,");
        assert_eq!(texts.map(|text| text.lines().filter(is_secret).count()).sum::<usize>(), SECRETS.len());
    }

    #[test]
    fn an_unknown_variable_gets_a_suggestion() {
        let refused = |name: &str, text: &str| {
            overlay(&mut Table::new(), [(name.to_owned(), text.to_owned())].into_iter())
                .unwrap_err()
                .to_string()
        };
        assert_eq!(
            refused("LATCHKEY_BOTS__CAPACITI", "2"),
            "LATCHKEY_BOTS__CAPACITI is not a setting; did you mean LATCHKEY_BOTS__CAPACITY?"
        );
        assert!(refused("LATCHKEY_DATADIR", "x").contains("LATCHKEY_DATA_DIR"));
        assert!(refused("LATCHKEY_MOON__FULL", "x").contains("latchkey.sample.toml"));
        assert_eq!(
            refused("LATCHKEY_BOTS__LEASE_SECONDS", "many"),
            "LATCHKEY_BOTS__LEASE_SECONDS: \"many\" is not a whole number"
        );
        let others = [
            "LATCHKEY_SERVICE_HOST",
            "LATCHKEY_PORT",
            "LATCHKEY_PORT_8080_TCP",
            "LATCHKEY_URL",
            "LATCHKEY_KEYS",
            "LATCHKEY_KILL_AT",
            "LATCHKEY_API_KEY",
            "LATCHKEY_SERVICE_PORT_HTTP",
            "HOME",
        ];
        let others = others.map(|name| (name.to_owned(), "x".to_owned()));
        let mut file = Table::new();
        overlay(&mut file, others.into_iter()).unwrap();
        assert!(file.is_empty());
    }
}
