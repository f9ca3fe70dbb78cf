//! What the crates build with.

use std::collections::BTreeSet;
use std::process::Command;

/// The packages that `package` with these options depends on, itself included.
fn tree(package: &str, options: &[&str]) -> BTreeSet<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["tree", "--offline", "--locked", "-e", "normal", "--prefix", "none"])
        .args(["--format", "{p}", "-p", package])
        .args(options)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tree = String::from_utf8(output.stdout).unwrap();
    tree.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

const PROVIDERS: [&str; 4] = ["aws-lc-rs", "aws-lc-sys", "ring", "openssl-sys"];

#[test]
fn the_bare_core_needs_three_crates_at_most() {
    let tree = tree("drywire", &["--no-default-features"]);
    assert!(tree.contains("drywire") && tree.contains("memchr"), "{tree:?}");
    assert!(tree.len() <= 4, "{tree:?}");
}

#[test]
fn the_core_names_no_provider_of_cryptography() {
    let tree = tree("drywire", &["--all-features"]);
    assert!(tree.contains("rustls"), "{tree:?}");
    assert!(PROVIDERS.iter().all(|provider| !tree.contains(*provider)), "{tree:?}");
}

#[test]
fn without_their_features_the_adapters_name_no_provider_either() {
    for package in ["drywire-std", "drywire-smol"] {
        let tree = tree(package, &["--no-default-features"]);
        assert!(tree.contains("rustls"), "{tree:?}");
        assert!(PROVIDERS.iter().all(|provider| !tree.contains(*provider)), "{tree:?}");
    }
}

#[test]
fn no_adapter_has_another_runtime_in_its_tree() {
    for package in ["drywire-std", "drywire-smol"] {
        let tree = tree(package, &["--all-features"]);
        assert!(tree.contains("drywire"), "{tree:?}");
        assert_eq!(tree.contains("mio"), package == "drywire-std", "{tree:?}");
        for name in ["tokio", "async-std"] {
            assert!(!tree.contains(name), "{package}: {tree:?}");
        }
    }
    assert!(!tree("drywire-std", &["--all-features"]).contains("async-io"));
    assert!(!tree("drywire-std", &["--no-default-features"]).contains("mio"));
}
