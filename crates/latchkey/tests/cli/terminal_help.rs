//! Completions and man pages contain every command.

use std::{fs, path::Path};

use crate::support::latchkey;

/// Texts of the files below a folder that people read, or that contain messages for them. Files of tests are skipped.
fn texts(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if !path.ends_with("tests") {
                found.extend(texts(&path));
            }
        } else if path.extension().is_some_and(|end| end == "md" || end == "rs" || end == "html") {
            found.push(fs::read_to_string(&path).unwrap());
        }
    }
    found
}

/// The commands that a text contains as code.
fn commands_in(text: &str) -> Vec<String> {
    let marked = [("`", '`'), ("<code>", '<')];
    let of = |(begin, end): (&str, char)| -> Vec<String> {
        let begin = format!("{begin}latchkey ");
        text.split(&begin)
            .skip(1)
            .filter_map(|piece| Some(piece.split_once(end)?.0.replace(['\n', '\\'], " ")))
            .collect()
    };
    marked.into_iter().flat_map(of).collect()
}

#[tokio::test]
async fn a_completion_script_contains_every_command() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let output = latchkey(folder.path(), &["completions", shell]).output().await.unwrap();
        let script = String::from_utf8(output.stdout).unwrap();
        for command in ["serve", "token-link", "completions"] {
            assert!(script.contains(command), "{shell}: {command}");
        }
    }
    let refused = latchkey(folder.path(), &["completions", "dos"]).output().await.unwrap();
    let line = String::from_utf8(refused.stderr).unwrap();
    assert!(line.contains("possible values") && line.contains("bash"), "{line}");
}

#[tokio::test]
async fn each_command_has_a_man_page() {
    let folder = tempfile::tempdir().unwrap();
    let output = latchkey(folder.path(), &["man", "--out", "man/man1"]).output().await.unwrap();
    assert!(output.status.success());
    for page in ["latchkey.1", "latchkey-serve.1", "latchkey-token-link-create.1"] {
        let text = fs::read_to_string(folder.path().join("man/man1").join(page)).unwrap();
        assert!(text.contains(".SH OPTIONS"), "{page}");
    }
    // Every command with output for programs must have `--json`.
    for page in fs::read_dir(folder.path().join("man/man1")).unwrap() {
        let page = page.unwrap();
        let (name, text) =
            (page.file_name().into_string().unwrap(), fs::read_to_string(page.path()).unwrap());
        let is_json_anyway = ["serve", "sim", "openapi", "audit-export", "probe", "webhook-listen"];
        let is_for_people = ["demo", "sub-codes", "error-codes", "settings", "completions", "man"];
        let other = [&is_json_anyway[..], &is_for_people].concat();
        let needs_none = other.iter().any(|command| name == format!("latchkey-{command}.1"));
        let is_group = text.contains(".SH SUBCOMMANDS");
        assert!(is_group || needs_none || text.contains(r"\-\-json"), "{name} has no --json");
    }
    fs::write(folder.path().join("file"), "").unwrap();
    let refused = latchkey(folder.path(), &["man", "--out", "file"]).output().await.unwrap();
    let line = String::from_utf8(refused.stderr).unwrap();
    assert!(line.contains("cannot write man pages to file"), "{line}");
}

#[tokio::test]
async fn pages_of_codes_match_the_binary() {
    let folder = tempfile::tempdir().unwrap();
    for (command, page) in [
        ("sub-codes", include_str!("../../../../docs/sub-codes.md")),
        ("error-codes", include_str!("../../../../docs/error-codes.md")),
        ("settings", include_str!("../../../../docs/settings.md")),
    ] {
        let output = latchkey(folder.path(), &[command]).output().await.unwrap();
        let is_same = String::from_utf8(output.stdout).unwrap() == page;
        assert!(is_same, "docs/{command}.md is outdated: latchkey {command} >docs/{command}.md");
    }
}

/// Checks commands in documents, error messages, help and pages.
#[tokio::test]
async fn every_mentioned_command_exists() {
    let folder = tempfile::tempdir().unwrap();
    let output = latchkey(folder.path(), &["man", "--out", "man"]).output().await.unwrap();
    assert!(output.status.success());
    let manual = |command: &[&str]| {
        let page = folder.path().join(format!("man/latchkey-{}.1", command.join("-")));
        fs::read_to_string(page).ok().map(|text| text.replace("\\-", "-"))
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let told = ["docs", "crates"].into_iter().flat_map(|folder| texts(&root.join(folder)));
    let told = told.chain([fs::read_to_string(root.join("README.md")).unwrap()]);
    let told: std::collections::BTreeSet<String> = told.flat_map(|text| commands_in(&text)).collect();
    assert!(told.len() > 50, "{told:?}");
    for command in told {
        let words: Vec<&str> = command.split_whitespace().collect();
        let Some(count) = (1..=words.len()).rev().find(|count| manual(&words[..*count]).is_some()) else {
            assert_eq!(command, "--version", "there is no such command");
            continue;
        };
        let page = manual(&words[..count]).unwrap();
        for (place, word) in words[count..].iter().enumerate() {
            // A subcommand, a possible value, or an option; later words may be values.
            let is_name =
                word.starts_with("--") || place == 0 && word.chars().all(|char| char.is_ascii_lowercase());
            assert!(!is_name || page.contains(word), "`latchkey {command}`: {word} is unknown");
        }
    }
}
