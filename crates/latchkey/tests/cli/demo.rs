//! `latchkey demo`, interrupted. `make demo` runs it to its end.

use std::{fs, path::Path};

use rustix::process::Signal;
use tempfile::TempDir;

use crate::support::{Running, latchkey, processes_in, sdk_dir, until};

/// Starts the demo, and waits until all of its processes run.
async fn at_its_height() -> (TempDir, Running) {
    let folder = tempfile::tempdir().unwrap();
    let (sdk, data) = (sdk_dir(), folder.path().join("data"));
    // The folder's full path, which identifies the demo's processes.
    let arguments =
        ["demo", "--sdk-dir", sdk.to_str().unwrap(), "--data", data.to_str().unwrap(), "--out", "out"];
    let demo = Running::start(latchkey(folder.path(), &arguments), &folder.path().join("log"));
    let is_up = |what: &str| processes_in(&data).iter().any(|line| line.contains(what));
    until(|| is_up(" sim ") && is_up(" serve ") && is_up("--type=renderer")).await;
    (folder, demo)
}

fn runs_in(folder: &Path) -> usize {
    fs::read_dir(folder).unwrap().count()
}

#[tokio::test]
async fn a_killed_demo_leaves_no_process() {
    let (folder, demo) = at_its_height().await;
    demo.signal(Signal::KILL);
    assert!(!demo.ended().await.success());
    until(|| processes_in(folder.path()).is_empty()).await;
}

#[tokio::test]
async fn an_interrupted_demo_leaves_neither_process_nor_folder() {
    for signal in [Signal::INT, Signal::TERM] {
        let (folder, demo) = at_its_height().await;
        demo.signal(signal);
        assert_eq!(demo.ended().await.code(), Some(1));
        let said = fs::read_to_string(folder.path().join("log")).unwrap();
        assert_eq!(said.trim_end().lines().last(), Some("latchkey: interrupted: nothing was left behind"));
        until(|| processes_in(folder.path()).is_empty()).await;
        assert_eq!((runs_in(&folder.path().join("data")), runs_in(&folder.path().join("out"))), (0, 0));
    }
}
