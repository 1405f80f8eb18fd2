use super::*;
use crate::servers::workspace_root;

/// A workspace of one test's own that breaks no rule.
struct Tree(PathBuf);

impl Tree {
    fn new(test: &str) -> Self {
        let root = workspace_root().join("target/testkit/layering").join(test);
        let _ = fs::remove_dir_all(&root);
        let tree = Self(root);
        for library in ["kernel", "contracts", "messaging", "chassis", "testkit"] {
            tree.write(&format!("libs/{library}/Cargo.toml"), "");
        }
        tree.write("services/orders/Cargo.toml", "[dependencies]\nchassis.workspace = true\nsqlx.workspace = true");
        tree.write("services/orders/src/domain/order.rs", "pub fn total(a: i64, b: i64) -> i64 { a + b }");
        tree.write("services/payments/Cargo.toml", "");
        tree
    }

    fn write(&self, file: &str, text: &str) -> &Self {
        let path = self.0.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    fn violations(&self) -> Vec<String> {
        check(&self.0).iter().map(Violation::to_string).collect()
    }
}

/// Checks that a file with this text is the one violation of a tree, and that what is found begins like this.
#[track_caller]
fn assert_found(test: &str, file: &str, text: &str, expected: &str) {
    let tree = Tree::new(test);
    let violations = tree.write(file, text).violations();
    assert_eq!(violations.len(), 1, "{text}: {violations:?}");
    assert!(violations[0].starts_with(expected), "{text}: {violations:?}");
}

#[track_caller]
fn assert_clean(test: &str, file: &str, text: &str) {
    let violations = Tree::new(test).write(file, text).violations();
    assert!(violations.is_empty(), "{text}: {violations:?}");
}

const ORDER: &str = "services/orders/src/domain/order.rs";

#[test]
fn a_tree_that_keeps_the_rules_is_clean() {
    assert_eq!(Tree::new("clean").violations(), Vec::<String>::new());
}

#[test]
fn a_pure_module_names_no_crate_that_does_io() {
    for name in IMPURE_CRATES {
        let expected = format!("{ORDER}:2: {name}:");
        assert_found("crate_in_use", ORDER, &format!("\nuse {name}::Thing;"), &expected);
        assert_found("crate_in_path", ORDER, &format!("\nfn f() -> {name}::Thing {{ todo!() }}"), &expected);
        assert_found("crate_renamed", ORDER, &format!("\nuse {name} as innocent;"), &expected);
        assert_found("crate_absolute", ORDER, &format!("\nuse ::{name}::Thing;"), &expected);
    }
    assert_found("crate_in_saga", "services/orders/src/saga/checkout.rs", "use sqlx::Row;", "services/orders/src/saga");
    assert_found("crate_in_kernel", "libs/kernel/src/money.rs", "use sqlx::Row;", "libs/kernel/src/money.rs:1");
    assert_found("crate_in_file", "services/orders/src/domain.rs", "use sqlx::Row;", "services/orders/src/domain.rs:1");
}

#[test]
fn other_modules_may_name_them() {
    assert_clean("elsewhere", "services/orders/src/adapters/postgres.rs", "use sqlx::Row; async fn f() {}");
    assert_clean("own_module", ORDER, "use crate::messaging::Thing; use self::contracts::X;");
    assert_clean("plain_word", ORDER, "fn f(contracts: &[i64]) -> usize { contracts.len() }");
}

#[test]
fn a_pure_module_does_not_wait_and_reads_no_clock() {
    for (word, text) in [
        ("async", "async fn f() {}"),
        ("await", "fn f() { g().await }"),
        ("Instant", "use std::time::Instant;"),
        ("SystemTime", "fn f() { std::time::SystemTime::now(); }"),
    ] {
        assert_found("impure_word", ORDER, &format!("\n\n{text}"), &format!("{ORDER}:3: {word}:"));
    }
}

#[test]
fn there_is_no_floating_point_near_money() {
    for text in ["fn f(a: f64) {}", "fn f(a: f32) {}", "fn f(a: i64) { a as f64; }", "const A: Rate = rate(1.5_f64);"] {
        for file in [ORDER, "services/orders/src/adapters/grpc.rs", "libs/kernel/src/money.rs"] {
            assert_found("float", file, text, &format!("{file}:1:"));
        }
    }
    assert_clean("tuple_fields", ORDER, "fn f(a: ((i64, i64),)) -> i64 { a.0.1 + 0x1e3 + (0..10).sum::<i64>() }");
    assert_clean("float_elsewhere", "deploy/fleet/src/load.rs", "fn f(a: f64) -> f64 { a * 0.5 }");
}

#[test]
fn what_stands_in_comments_and_texts_is_no_name() {
    let text = r##"
        //! Knows nothing of sqlx::Row, nor of f64.
        /* use tokio::spawn; /* async */ await */
        const A: &str = "use sqlx::Row; \" f64";
        const B: &str = r#"tonic::Status " async"#;
        const C: [char; 3] = ['"', '\'', 'f'];
        fn f<'a>(text: &'a str) -> &'a str { text }
    "##;
    assert_clean("texts", ORDER, text);
    let after = format!("{text}\nuse sqlx::Row;");
    assert_found("after_texts", ORDER, &after, &format!("{ORDER}:9: sqlx:"));
}

#[test]
fn only_the_outbox_relay_publishes() {
    for word in PRODUCERS {
        let text = format!("use rdkafka::producer::{word};");
        assert_found("producer", "services/orders/src/adapters/events.rs", &text, "services/orders/src/adapters");
        assert_found("producer", "libs/chassis/src/parked.rs", &text, "libs/chassis/src/parked.rs:1");
        assert_clean("producer", "libs/messaging/src/relay.rs", &text);
        assert_clean("producer", "deploy/fleet/src/fault.rs", &text);
    }
    let manifest = "services/orders/Cargo.toml";
    assert_found(
        "kafka",
        manifest,
        "[dependencies]\nrdkafka.workspace = true",
        "services/orders/Cargo.toml: orders may not",
    );
}

#[test]
fn imports_go_one_way() {
    for (library, dependency) in [
        ("kernel", "contracts"),
        ("contracts", "messaging"),
        ("messaging", "chassis"),
        ("chassis", "testkit"),
        ("chassis", "orders"),
        ("testkit", "orders"),
    ] {
        let manifest = format!("libs/{library}/Cargo.toml");
        let expected = format!("{manifest}: {library} may not depend on {dependency}");
        assert_found("imports", &manifest, &format!("[dependencies]\n{dependency}.workspace = true"), &expected);
        let renamed = format!("[build-dependencies]\ninnocent = {{ package = \"{dependency}\", path = \"..\" }}");
        assert_found("imports_renamed", &manifest, &renamed, &expected);
    }
    assert_clean("tests_of_libraries", "libs/messaging/Cargo.toml", "[dev-dependencies]\ntestkit.workspace = true");
}

#[test]
fn a_service_knows_no_other() {
    let manifest = "services/orders/Cargo.toml";
    for (section, expected) in [
        ("dependencies", "orders may not depend on payments"),
        ("build-dependencies", "orders may not depend on payments"),
        ("dev-dependencies", "the tests of orders may not depend on payments"),
    ] {
        let text = format!("[{section}]\npayments.workspace = true");
        assert_found("services", manifest, &text, &format!("{manifest}: {expected}"));
    }
    assert_found(
        "testkit",
        manifest,
        "[dependencies]\ntestkit.workspace = true",
        "services/orders/Cargo.toml: orders may",
    );
    assert_clean("testkit_in_tests", manifest, "[dev-dependencies]\ntestkit.workspace = true");
}

#[test]
fn a_sixth_library_needs_a_decision() {
    assert_found("sixth", "libs/utils/Cargo.toml", "", "libs/utils: a sixth library");
}

#[test]
fn files_stay_short() {
    assert_clean("short", ORDER, &"\n".repeat(LINES_MAX));
    for file in [ORDER, "proto/tradewind/orders/v1/order.proto", "services/orders/migrations/1001_order.sql"] {
        assert_found("long", file, &"\n".repeat(LINES_MAX + 1), &format!("{file}: 501 lines"));
    }
}
