//! Help, completions and manual pages.

use crate::process::run;

#[test]
fn help_begins_with_examples() {
    for command in [
        &["--help"][..],
        &["serve", "-h"],
        &["send", "--help"],
        &["get", "-h"],
        &["ping", "-h"],
        &["ping", "--help"],
        &["bench", "-h"],
        &["bench", "--help"],
        &["frames", "-h"],
        &["replay", "-h"],
        &["completions", "-h"],
        &["man", "-h"],
    ] {
        let finished = run(command, "");
        finished.assert(0, "");
        assert!(finished.text().starts_with("Examples:\n  drywire "), "{finished:?}");
    }
    assert!(run(["--help"], "").text().contains("Exit codes:"));
    assert!(run(["--version"], "").text().starts_with("drywire 0."));
}

#[test]
fn every_shell_has_completions() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let finished = run(["completions", shell], "");
        finished.assert(0, "");
        assert!(finished.text().contains("max-connections-per-address"), "{shell}");
        assert!(finished.text().contains("no-plot"), "{shell}");
        assert!(finished.text().contains("record-secrets"), "{shell}");
    }
}

#[test]
fn every_command_has_a_manual_page() {
    let page = run(["man"], "");
    page.assert(0, "");
    for part in [".TH drywire 1", ".SH EXAMPLES", "drywire\\-send(1)", "SSLKEYLOGFILE"] {
        assert!(page.text().contains(part), "{part}");
    }
    for command in
        ["serve", "send", "get", "ping", "bench", "frames", "replay", "completions", "man"]
    {
        let page = run(["man", command], "");
        page.assert(0, "");
        assert!(page.text().contains(&format!("drywire {command}")), "{page:?}");
        assert!(page.text().contains(&format!("drywire\\-{command}")), "{page:?}");
    }
}
