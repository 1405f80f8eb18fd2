//! Who acts.

use anyhow::Context as _;
use clap::Args;
use nix::unistd::{User, getuid};

/// The person who carries out a command that is recorded.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Operator {
    /// Who acts; it is recorded [default: the user of the operating system]
    #[arg(long = "operator", env = "TRADEWIND_OPERATOR", value_name = "NAME", value_parser = name)]
    name: Option<String>,
}

impl Operator {
    /// The operator's name.
    ///
    /// # Errors
    /// None was given, and the user of the operating system has none that will do.
    pub fn name(self) -> anyhow::Result<String> {
        if let Some(name) = self.name {
            return Ok(name);
        }
        let user = User::from_uid(getuid()).ok().flatten().and_then(|user| name(&user.name).ok());
        user.context("the operating system does not know your name; say it with --operator")
    }
}

/// Who looks a record up needs a name on one line.
fn name(text: &str) -> Result<String, &'static str> {
    let name = text.trim();
    let is_a_name = (1..=100).contains(&name.chars().count()) && !name.contains(char::is_control);
    if is_a_name { Ok(name.to_owned()) } else { Err("a name has 1 to 100 characters, and no line break among them") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_line_that_says_something() {
        assert_eq!(name(" Ada Lovelace "), Ok("Ada Lovelace".to_owned()));
        for text in ["", "  ", "ada\nskipped by eve", "\u{1b}[2J", &"x".repeat(101)] {
            assert!(name(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn who_gives_no_name_goes_by_that_of_the_operating_system() {
        let name = Operator { name: None }.name().unwrap();
        assert_eq!(Some(name), User::from_uid(getuid()).unwrap().map(|user| user.name));
    }
}
