//! Which crate may depend on which, read off the `Cargo.toml` files.

use std::fs;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::Violation;

/// The five libraries, each with those that it may build on. The order is the direction of imports.
const LIBRARIES: [(&str, &[&str]); 5] = [
    ("kernel", &[]),
    ("contracts", &["kernel"]),
    ("messaging", &["kernel", "contracts"]),
    ("chassis", &["kernel", "contracts", "messaging"]),
    ("testkit", &["kernel", "contracts", "messaging", "chassis"]),
];

/// What a service may build on.
const OF_SERVICES: &[&str] = &["kernel", "contracts", "messaging", "chassis"];

/// Crates that may speak to the broker themselves.
const SPEAK_KAFKA: [&str; 2] = ["messaging", "testkit"];

pub(super) fn check(workspace_root: &Path) -> Vec<Violation> {
    let libraries = folders_in(workspace_root, "libs");
    let services = folders_in(workspace_root, "services");
    let is_ours = |name: &String| {
        LIBRARIES.iter().any(|(library, _)| library == name) || libraries.contains(name) || services.contains(name)
    };
    let mut violations = Vec::new();
    for library in &libraries {
        let path = PathBuf::from("libs").join(library);
        let Some((_, allowed)) = LIBRARIES.iter().find(|(name, _)| name == library) else {
            let what = "a sixth library needs a decision record; there is no common, utils or shared".to_owned();
            violations.push(Violation { path, line: None, what });
            continue;
        };
        let manifest = Manifest::read(workspace_root, path);
        manifest.check(allowed, is_ours, &mut violations);
    }
    for service in &services {
        let manifest = Manifest::read(workspace_root, PathBuf::from("services").join(service));
        manifest.check(OF_SERVICES, is_ours, &mut violations);
    }
    violations
}

struct Manifest {
    path: PathBuf,
    /// The folder's name, which is the crate's.
    name: String,
    table: Table,
}

impl Manifest {
    fn read(workspace_root: &Path, folder: PathBuf) -> Self {
        let path = folder.join("Cargo.toml");
        let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        let text = fs::read_to_string(workspace_root.join(&path)).unwrap_or_default();
        let table = text.parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self { path, name, table }
    }

    fn check(&self, allowed: &[&str], is_ours: impl Fn(&String) -> bool, violations: &mut Vec<Violation>) {
        let mut found = |what| violations.push(Violation { path: self.path.clone(), line: None, what });
        for name in self.dependencies(&["dependencies", "build-dependencies"]) {
            if is_ours(&name) && !allowed.contains(&name.as_str()) {
                found(format!("{} may not depend on {name}", self.name));
            }
            if name == "rdkafka" && !SPEAK_KAFKA.contains(&self.name.as_str()) {
                found(format!("{} may not depend on rdkafka: only the outbox relay publishes", self.name));
            }
        }
        for name in self.dependencies(&["dev-dependencies"]) {
            let is_library = LIBRARIES.iter().any(|(library, _)| *library == name);
            if is_ours(&name) && !is_library {
                found(format!("the tests of {} may not depend on {name}: a service knows no other", self.name));
            }
        }
    }

    /// The crates in these sections, whatever name they are used under.
    fn dependencies(&self, sections: &[&str]) -> Vec<String> {
        let tables = sections.iter().filter_map(|section| self.table.get(*section)?.as_table());
        let name = |(name, value): (&String, &Value)| {
            value.get("package").and_then(Value::as_str).map_or_else(|| name.clone(), str::to_owned)
        };
        tables.flat_map(|table| table.iter().map(name)).collect()
    }
}

fn folders_in(workspace_root: &Path, folder: &str) -> Vec<String> {
    let entries = fs::read_dir(workspace_root.join(folder)).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.path().is_dir());
    let mut names: Vec<_> = folders.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}
