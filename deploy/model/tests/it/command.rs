//! The command line.

use std::process::{Command, Output};

fn model(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_model")).args(args).output().expect("the model can be run")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_scenario_that_holds_is_told_with_its_size_and_ends_well() {
    let output = model(&["--scenario", "repartitioned"]);
    let told = text(&output.stdout);
    assert!(output.status.success(), "{told}");
    for expected in ["at most: 1 x cancellation", " of them different", " steps deep", "PAID", "holds"] {
        assert!(told.contains(expected), "{expected} is not in\n{told}");
    }
}

#[test]
fn a_mutant_is_told_with_the_steps_that_show_it() {
    let output = model(&["--mutant", "capture-before-commit"]);
    let told = text(&output.stdout);
    assert!(output.status.success(), "{told}");
    for expected in ["found: it breaks", "orders hears CheckoutSubmitted: applied", "payment of A: capturing"] {
        assert!(told.contains(expected), "{expected} is not in\n{told}");
    }
}

#[test]
fn a_name_that_is_unknown_is_answered_with_those_that_are_known() {
    for (option, known) in [("--scenario", "last-unit"), ("--mutant", "refund-twice")] {
        let output = model(&[option, "nonsense"]);
        assert!(!output.status.success());
        assert!(text(&output.stderr).contains(known), "{}", text(&output.stderr));
    }
}
