//! What the crate builds with.

use std::process::Command;

#[test]
fn no_other_runtime_is_in_the_tree() {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let arguments = ["tree", "--offline", "-e", "normal", "--prefix", "none", "-p", "drywire-smol"];
    let output = Command::new(cargo)
        .args(arguments)
        .args(["--format", "{p}", "--all-features"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tree = String::from_utf8(output.stdout).unwrap();
    let names: Vec<_> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(names.contains(&"async-io"), "{tree}");
    for name in ["tokio", "async-std", "mio", "smol", "futures-util"] {
        assert!(!names.contains(&name), "{tree}");
    }
}
