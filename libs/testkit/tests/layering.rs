//! The rules of layering hold in this workspace.

use std::path::Path;

use testkit::layering::{Violation, check};

#[test]
fn the_workspace_keeps_its_rules() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("this crate lies two folders deep");
    assert!(root.join("libs/kernel/src/money.rs").exists(), "{} is not the workspace", root.display());
    let violations: Vec<_> = check(root).iter().map(Violation::to_string).collect();
    assert!(violations.is_empty(), "\n{}", violations.join("\n"));
}
