//! What `deploy/`, `Containerfile` and `compose.yaml` hold fits a real server.

use std::collections::BTreeSet;

use crate::support::{Installation, Running, http};

/// The metrics that a text names, without the suffixes of their series.
fn metrics_in(text: &str) -> BTreeSet<&str> {
    let words = text.split(|character: char| !character.is_ascii_alphanumeric() && character != '_');
    let names = words.filter(|word| word.starts_with("latchkey_"));
    let family = |name| {
        ["_total", "_bucket", "_sum", "_count"]
            .into_iter()
            .find_map(|suffix| str::strip_suffix(name, suffix))
            .unwrap_or(name)
    };
    names.map(family).collect()
}

#[tokio::test]
async fn alerts_and_dashboard_name_metrics_that_a_server_has() {
    let installation = Installation::new();
    let mut server = Running::start(installation.serve(), &installation.path("log"));
    let url = server.ready().await["url"].as_str().unwrap().to_owned();
    let metrics = http().build().unwrap().get(format!("{url}/metrics")).send().await.unwrap();
    let metrics = metrics.text().await.unwrap();
    let families: BTreeSet<_> = metrics
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '))
        .map(|(name, _)| name)
        .collect();

    for (file, text) in [
        ("alerts.yml", include_str!("../../../../deploy/alerts.yml")),
        ("grafana-dashboard.json", include_str!("../../../../deploy/grafana-dashboard.json")),
    ] {
        let named = metrics_in(text);
        assert!(named.len() > 8, "{file}: {named:?}");
        let unknown: Vec<_> = named.difference(&families).collect();
        assert!(unknown.is_empty(), "{file}: {unknown:?}");
    }
}

/// The keys of the sample, those that it shows as comments among them, as variables are named.
fn variables() -> BTreeSet<String> {
    let (mut section, mut names) = (String::new(), BTreeSet::new());
    for line in include_str!("../../../../docs/latchkey.sample.toml").lines() {
        let line = line.strip_prefix("# ").unwrap_or(line);
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            section = format!("{}__", name.replace('.', "__"));
        } else if let Some((key, _)) = line.split_once(" = ") {
            names.insert(format!("LATCHKEY_{section}{key}").to_uppercase());
        }
    }
    names
}

#[test]
fn variables_of_the_unit_and_of_containers_are_settings() {
    let known = variables();
    let mut seen = 0;
    for (file, text) in [
        ("latchkey.service", include_str!("../../../../deploy/latchkey.service")),
        ("Containerfile", include_str!("../../../../Containerfile")),
        ("compose.yaml", include_str!("../../../../compose.yaml")),
    ] {
        let words = text.split(|char: char| !char.is_ascii_alphanumeric() && char != '_');
        for name in words.filter(|word| word.starts_with("LATCHKEY_")) {
            seen += 1;
            assert!(known.contains(name) || name == "LATCHKEY_KEYS_FILE", "{file}: {name}");
        }
    }
    assert!(seen > 8, "{seen}");
}
