//! Faults that a process commits on purpose, because a proof must notice them or withstand them. Only a build with the feature
//! `kernel/mutants` can be told to; any other refuses the options, and does not show them.

use std::str::FromStr;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{ArgMatches, Args};
use kernel::{CrashPoint, Mutant};

const HEADING: &str = "Faults, in this build only";

/// What the process does wrong. The last of the common settings: the heading that it leaves behind is that of a service's own.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Service")]
pub struct FaultSettings {
    /// Breaks the process on purpose: a proof that does not notice is none
    #[arg(long, env = "TRADEWIND_MUTANT", value_name = "NAME", value_parser = mutant_parser(), hide = !Mutant::ARE_BUILT_IN, help_heading = HEADING)]
    pub mutant: Option<Mutant>,

    /// Lets the process die when it passes a crash point for the COUNTth time. NAME is after-commit-before-offset,
    /// after-produce-before-delete or after-answer-before-commit
    #[arg(long, env = "TRADEWIND_CRASH_AT", value_name = "NAME:COUNT", hide = !Mutant::ARE_BUILT_IN, help_heading = HEADING)]
    pub crash_at: Option<CrashAt>,
}

/// Where and when a process dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CrashAt {
    point: CrashPoint,
    /// From 1.
    pass: u32,
}

const NOT_BUILT_IN: &str = "this build commits no faults on purpose; build with --features kernel/mutants";

impl FromStr for CrashAt {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if !Mutant::ARE_BUILT_IN {
            return Err(NOT_BUILT_IN.to_owned());
        }
        let (name, pass) = text.split_once(':').ok_or("use NAME:COUNT")?;
        let point = CrashPoint::from_name(name).ok_or_else(|| {
            format!("{name} is no crash point; there are {}", CrashPoint::ALL.map(CrashPoint::name).join(", "))
        })?;
        let pass = pass.parse().ok().filter(|pass| *pass > 0).ok_or("COUNT is a number from 1 on")?;
        Ok(Self { point, pass })
    }
}

fn mutant_parser() -> impl TypedValueParser<Value = Mutant> {
    PossibleValuesParser::new(Mutant::ALL.map(Mutant::name))
        .try_map(|name| Mutant::from_name(&name).filter(|_| Mutant::ARE_BUILT_IN).ok_or(NOT_BUILT_IN))
}

/// Puts into effect what the command line of a process says about faults.
pub(crate) fn begin(matches: &ArgMatches) {
    if let Ok(Some(mutant)) = matches.try_get_one::<Mutant>("mutant") {
        eprintln!("this process is broken on purpose: {}", mutant.name());
        Mutant::activate(Some(*mutant));
    }
    if let Ok(Some(CrashAt { point, pass })) = matches.try_get_one("crash_at") {
        eprintln!("this process dies on purpose at pass {pass} of {}", point.name());
        point.arm(*pass);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crash_point_is_given_with_the_pass_to_die_at() {
        if !Mutant::ARE_BUILT_IN {
            assert_eq!("after-commit-before-offset:3".parse::<CrashAt>(), Err(NOT_BUILT_IN.to_owned()));
            return;
        }
        let crash_at = CrashAt { point: CrashPoint::AfterCommitBeforeOffset, pass: 3 };
        assert_eq!("after-commit-before-offset:3".parse(), Ok(crash_at));
        for text in ["after-commit-before-offset", "after-commit-before-offset:0", "after-lunch:1", ""] {
            assert!(text.parse::<CrashAt>().is_err(), "{text}");
        }
    }
}
