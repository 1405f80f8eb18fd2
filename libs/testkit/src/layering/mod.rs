//! Who may name what: the rules of `docs/ARCHITECTURE.md` that a compiler does not know, read off the sources.

mod manifests;
mod source;

#[cfg(test)]
mod tests;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use source::Source;

/// Lines of a source file, at most.
const LINES_MAX: usize = 500;

/// Folders of the workspace with sources of ours.
const FOLDERS: [&str; 4] = ["deploy", "libs", "proto", "services"];

/// Crates of which a pure module may name nothing.
const IMPURE_CRATES: [&str; 9] =
    ["chassis", "contracts", "messaging", "prost", "rdkafka", "reqwest", "sqlx", "tokio", "tonic"];

/// Words that a pure module may not use.
const IMPURE_WORDS: [(&str, &str); 4] = [
    ("async", "a pure module does not wait"),
    ("await", "a pure module does not wait"),
    ("Instant", "a pure module is told the time"),
    ("SystemTime", "a pure module is told the time"),
];

const FLOATS: [&str; 2] = ["f32", "f64"];

/// Words that publish past the outbox.
const PRODUCERS: [&str; 5] = ["BaseProducer", "BaseRecord", "FutureProducer", "FutureRecord", "ThreadedProducer"];

/// A rule that is broken.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    /// The file or folder, from the workspace's root.
    pub path: PathBuf,
    /// The line, from 1; none if it is about the whole file.
    pub line: Option<usize>,
    /// What is there, and why it may not be.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}", self.what)
    }
}

/// Every violation in a workspace, sorted.
pub fn check(workspace_root: &Path) -> Vec<Violation> {
    let mut violations = manifests::check(workspace_root);
    for folder in FOLDERS {
        for path in files_below(&workspace_root.join(folder)) {
            let file = path.strip_prefix(workspace_root).expect("a file below the root");
            let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            check_length(file, &text, &mut violations);
            if file.extension().is_some_and(|extension| extension == "rs") {
                check_source(file, &Source::new(&text), &mut violations);
            }
        }
    }
    violations.sort();
    violations
}

fn check_length(file: &Path, text: &str, violations: &mut Vec<Violation>) {
    let lines = text.lines().count();
    if lines > LINES_MAX {
        let what = format!("{lines} lines, more than {LINES_MAX}: split it");
        violations.push(Violation { path: file.to_owned(), line: None, what });
    }
}

fn check_source(file: &Path, source: &Source, violations: &mut Vec<Violation>) {
    let mut found = |line: usize, what: String| {
        violations.push(Violation { path: file.to_owned(), line: Some(line), what });
    };
    if is_pure(file) {
        for (line, name) in source.crates_named(&IMPURE_CRATES) {
            found(line, format!("{name}: a pure module does no IO and knows no wire type"));
        }
        for (word, why) in IMPURE_WORDS {
            source.lines_with(word).for_each(|line| found(line, format!("{word}: {why}")));
        }
    }
    if is_near_money(file) {
        for word in FLOATS {
            source.lines_with(word).for_each(|line| found(line, format!("{word}: no floating point near money")));
        }
    }
    if !may_produce(file) {
        for word in PRODUCERS {
            let what = format!("{word}: nothing is published past the outbox");
            source.lines_with(word).for_each(|line| found(line, what.clone()));
        }
    }
}

/// The parts of a path, as text.
fn parts(file: &Path) -> Vec<&str> {
    file.iter().filter_map(|part| part.to_str()).collect()
}

fn is_pure(file: &Path) -> bool {
    match parts(file)[..] {
        ["libs", "kernel", "src", ..] => true,
        ["services", _, "src", module, ..] => matches!(module, "domain" | "domain.rs" | "saga" | "saga.rs"),
        _ => false,
    }
}

fn is_near_money(file: &Path) -> bool {
    matches!(
        parts(file)[..],
        ["libs", "kernel" | "contracts", "src", ..]
            | ["services", _, "src", ..]
            | ["deploy", "sandbox-provider", "src", ..]
    )
}

fn may_produce(file: &Path) -> bool {
    matches!(parts(file)[..], ["libs", "messaging" | "testkit", ..] | ["deploy", "fleet", ..])
}

/// Sources of ours below a folder: Rust, proto and SQL.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let extension = path.extension().and_then(|extension| extension.to_str());
            if path.is_dir() {
                folders.push(path);
            } else if matches!(extension, Some("proto" | "rs" | "sql")) {
                files.push(path);
            }
        }
    }
    files
}
