//! What `deploy/` holds fits a real server.

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
