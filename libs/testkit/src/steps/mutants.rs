//! Shows that the harness catches what it is for. A mutant breaks a whole process, so each has one of its own.

use std::env;
use std::process::Command;

use kernel::Mutant;

/// Tells a test's process how to break itself.
const VARIABLE: &str = "TESTKIT_MUTANT";

/// Runs one test of this test binary once more, in a process that is broken in that way, and answers all that it printed.
/// Panics if the test passes there.
pub fn output_of_broken(mutant: Mutant, test: &str) -> String {
    let this_binary = env::current_exe().expect("a test has a program");
    let mut process = Command::new(this_binary);
    let process = process.args([test, "--exact", "--nocapture"]).env(VARIABLE, mutant.name());
    let output = process.output().expect("a test can start a process");
    let printed = [output.stdout, output.stderr].concat();
    let printed = String::from_utf8_lossy(&printed).into_owned();
    assert!(!output.status.success(), "{} is not caught by {test}:\n{printed}", mutant.name());
    printed
}

/// Breaks this process, if it was started by [`output_of_broken`].
pub(super) fn activate() {
    if let Ok(name) = env::var(VARIABLE) {
        Mutant::activate(Some(Mutant::from_name(&name).unwrap_or_else(|| panic!("{name} is no mutant"))));
    }
}
