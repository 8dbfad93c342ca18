//! The contents of `deploy/`, `Containerfile` and `compose.yaml` match a real server.

use std::collections::{BTreeMap, BTreeSet};

use model::{BotStatus, Code, SubCode};
use serde_json::Value;

use crate::support::{Installation, Running, http};

/// Labels that Prometheus adds to each series, and the label of a histogram's buckets.
const ADDED: [&str; 3] = ["instance", "job", "le"];

/// Label names and their values, by series.
type Series = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

/// The series of a text in the OpenMetrics format.
fn exposed(text: &str) -> Series {
    let mut all = Series::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (series, rest) = line.split_at(line.find(['{', ' ']).unwrap());
        let labels = all.entry(series.to_owned()).or_default();
        let Some(inside) = rest.strip_prefix('{').and_then(|rest| rest.rsplit_once('}')) else { continue };
        for pair in inside.0.split("\",").filter_map(|pair| pair.split_once("=\"")) {
            labels.entry(pair.0.to_owned()).or_default().insert(pair.1.trim_end_matches('"').to_owned());
        }
    }
    all
}

/// Whether a value is in our catalogues: a label gets such a value once there is something to count.
fn of_a_catalogue(label: &str, value: &str) -> bool {
    match label {
        "sub_code" => SubCode::ALL.iter().any(|code| code.as_str() == value),
        "code" | "outcome" => {
            Code::ALL.iter().any(|code| code.as_str() == value)
                || BotStatus::ALL.iter().any(|status| status.as_str() == value)
        }
        _ => false,
    }
}

/// The words of a query: names, and the texts between quotation marks.
fn words(query: &str) -> impl Iterator<Item = (&str, &str)> {
    let is_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let mut rest = query;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches(|letter: char| !is_word(letter));
        let end = rest.find(|letter: char| !is_word(letter)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        rest = after;
        (!word.is_empty()).then_some((word, after))
    })
}

/// Series, labels and values in a query that no server has. The query's labels are added to `labels`.
fn faults(query: &str, known: &Series, labels: &mut BTreeSet<String>) -> Vec<String> {
    let mut faults = Vec::new();
    for (name, after) in words(query).filter(|(word, _)| word.starts_with("latchkey_")) {
        let Some(of_series) = known.get(name) else {
            faults.push(format!("there is no series {name}"));
            continue;
        };
        labels.extend(of_series.keys().cloned());
        let selector = after.strip_prefix('{').and_then(|after| after.split_once('}'));
        for matcher in selector.map(|(inside, _)| inside.split(", ")).into_iter().flatten() {
            let (label, text) = matcher.split_once(['=', '!']).unwrap();
            let Some(values) = of_series.get(label) else {
                faults.push(format!("{name} has no label {label}"));
                continue;
            };
            let text = text.trim_start_matches(['=', '~']).trim_matches('"');
            for value in text.split('|') {
                let is_there = match value.strip_suffix(".*") {
                    Some(begin) => values.iter().any(|known| known.starts_with(begin)),
                    None => values.contains(value) || of_a_catalogue(label, value),
                };
                if !is_there {
                    faults.push(format!("{label} of {name} is never {value}"));
                }
            }
        }
    }
    for grouped in query.split("by (").skip(1) {
        let of = grouped.split(')').next().unwrap().split(", ");
        let unknown = of.filter(|label| !labels.contains(*label) && !ADDED.contains(label));
        faults.extend(unknown.map(|label| format!("no series in {query} has a label {label}")));
    }
    faults
}

/// Labels that a text for people names: `{{ $labels.status }}` in an alert, `{{status}}` in a legend.
fn named(text: &str) -> impl Iterator<Item = &str> {
    let named = text.split("{{").skip(1).filter_map(|rest| rest.split("}}").next());
    named.map(|name| name.trim().trim_start_matches("$labels.")).filter(|name| *name != "$value")
}

/// Errors of a query and of the texts next to it.
fn wrong<'t>(query: &str, texts: impl Iterator<Item = &'t str>, known: &Series) -> Vec<String> {
    let mut labels = BTreeSet::new();
    let mut wrong = faults(query, known, &mut labels);
    for label in texts.flat_map(named).filter(|label| !labels.contains(*label) && !ADDED.contains(label)) {
        wrong.push(format!("{query}: no series has the label {label} that a text names"));
    }
    wrong
}

/// Queries of a dashboard, each with its legend.
fn queries(dashboard: &Value) -> Vec<(String, String)> {
    match dashboard {
        Value::Object(fields) => {
            let own = fields.get("expr").and_then(Value::as_str).map(|query| {
                let legend = fields.get("legendFormat").and_then(Value::as_str).unwrap_or_default();
                (query.to_owned(), legend.to_owned())
            });
            own.into_iter().chain(fields.values().flat_map(queries)).collect()
        }
        Value::Array(items) => items.iter().flat_map(queries).collect(),
        _ => Vec::new(),
    }
}

#[tokio::test]
async fn alerts_and_dashboard_use_existing_series_labels_and_values() {
    let installation = Installation::new();
    let mut server = Running::start(installation.serve(), &installation.path("log"));
    let url = server.ready().await["url"].as_str().unwrap().to_owned();
    let metrics = http().build().unwrap().get(format!("{url}/metrics")).send().await.unwrap();
    let known = exposed(&metrics.text().await.unwrap());

    let mut seen = 0;
    for alert in include_str!("../../../../deploy/alerts.yml").split("- alert: ").skip(1) {
        let name = alert.lines().next().unwrap();
        let query = alert.lines().find_map(|line| line.trim().strip_prefix("expr: ")).unwrap();
        // This alert uses no series of ours.
        if name != "LatchkeyDown" {
            let faults = wrong(query, alert.lines().skip(1), &known);
            assert!(faults.is_empty(), "{name}: {faults:?}");
            seen += 1;
        }
    }
    assert!(seen > 8, "{seen} alerts");
    let dashboard = serde_json::from_str(include_str!("../../../../deploy/grafana-dashboard.json")).unwrap();
    let asked = queries(&dashboard);
    assert!(asked.len() > 12, "{asked:?}");
    for (query, legend) in asked {
        let faults = wrong(&query, [&*legend].into_iter(), &known);
        assert!(faults.is_empty(), "{faults:?}");
    }

    // Misspelt names are found.
    for (query, legend) in [
        ("sum(latchkey_bot_running)", ""),
        ("rate(latchkey_refreshes_total{result=\"ok\"}[5m])", ""),
        ("latchkey_bot_steps_total{code=\"fatal\", sub_code=~\"meeting_full|meeting_fool\"}", ""),
        ("latchkey_credentials{status=~\"need_reauth.*\"}", ""),
        ("sum by (stat) (latchkey_credentials)", ""),
        ("latchkey_credentials", "{{state}}"),
    ] {
        assert_eq!(wrong(query, [legend].into_iter(), &known).len(), 1, "{query} {legend}");
    }
}

/// The names of variables for all keys of the sample, including commented-out ones.
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
