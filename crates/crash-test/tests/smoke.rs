//! Some of the kill points; `make crash-test` runs all of them.

use std::process::Command;

#[test]
fn a_server_that_is_killed_before_its_commit_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = Command::new(env!("CARGO_BIN_EXE_crash-test"));
    run.args(["--only", "SQLite: killed before_commit", "--data"]).arg(folder.path().join("data"));
    let output = run.output().unwrap();
    let (said, told) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(
        said, "kill points 3, recovered 3, response lost 0 (all reported), silent losses 0\n",
        "{told}"
    );
    assert!(output.status.success(), "{told}");
}
