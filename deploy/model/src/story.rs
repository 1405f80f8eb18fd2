//! A run in words: who heard what, what was decided, what became true.

use std::fmt::Write as _;

use crate::action::Action;
use crate::fleet::Fleet;
use crate::saga;
use crate::state::State;

/// Tells a run, step by step, and how it ends.
pub fn tell(fleet: &Fleet, steps: &[(State, Option<Action>)]) -> String {
    let mut story = String::new();
    let mut number = 0;
    for (before, action) in steps {
        let Some(action) = action else { continue };
        let Some(step) = fleet.take(before, *action) else { continue };
        number += 1;
        let answer = step.answer.as_ref().map(|answer| format!(": {answer}")).unwrap_or_default();
        // Writing to a string cannot fail.
        let _ = writeln!(story, "{number:>4}  {}{answer}", action.words(before));
        if !step.told.is_empty() {
            let told: Vec<_> = step.told.iter().map(|told| told.name()).collect();
            let _ = writeln!(story, "      it tells {}", told.join(", "));
        }
        let known = before.lines();
        for line in step.state.lines().iter().filter(|line| !known.contains(line)) {
            let _ = writeln!(story, "        {line}");
        }
    }
    if let Some((last, _)) = steps.last() {
        let how = if last.parked.is_some() {
            "An event is parked, so that an operator has to look. It stands like this:"
        } else if saga::is_at_rest(fleet, last) {
            "Nothing is under way any more and no deadline is left that matters. It stays like this:"
        } else {
            "It stands like this:"
        };
        let _ = writeln!(story, "      {how}");
        for line in last.lines() {
            let _ = writeln!(story, "        {line}");
        }
    }
    story
}
