//! Completions and man pages know every command.

use std::fs;

use crate::support::latchkey;

#[tokio::test]
async fn a_completion_script_knows_every_command() {
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
    // What a program may want to read can be had as JSON.
    for page in fs::read_dir(folder.path().join("man/man1")).unwrap() {
        let page = page.unwrap();
        let (name, text) =
            (page.file_name().into_string().unwrap(), fs::read_to_string(page.path()).unwrap());
        let is_json_anyway = ["serve", "sim", "openapi", "audit-export", "probe", "webhook-listen"];
        let is_for_people = ["demo", "sub-codes", "error-codes", "completions", "man"];
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
async fn pages_of_codes_are_those_that_the_binary_prints() {
    let folder = tempfile::tempdir().unwrap();
    for (command, page) in [
        ("sub-codes", include_str!("../../../../docs/sub-codes.md")),
        ("error-codes", include_str!("../../../../docs/error-codes.md")),
    ] {
        let output = latchkey(folder.path(), &[command]).output().await.unwrap();
        let is_same = String::from_utf8(output.stdout).unwrap() == page;
        assert!(is_same, "docs/{command}.md is old: latchkey {command} >docs/{command}.md");
    }
}
