//! The configuration in effect, for a person to read: every option, its value, and where the value came from.

use std::fmt::Write as _;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches};

/// Describes what `matches` holds for each option of `command`, one line each. An option whose environment values are
/// hidden (`hide_env_values`) is a secret and is masked.
pub fn describe(command: &clap::Command, matches: &ArgMatches) -> String {
    let options: Vec<_> = command.get_arguments().filter(|option| option.get_action().takes_values()).collect();
    let width = options.iter().filter_map(|option| option.get_long()).map(str::len).max().unwrap_or(0);
    let mut text = String::new();
    for option in options {
        let name = option.get_long().unwrap_or_default();
        let (value, source) = value_and_source(option, matches);
        writeln!(text, "{name:width$}  {value}  ({source})").expect("writing to a String does not fail");
    }
    text
}

fn value_and_source(option: &Arg, matches: &ArgMatches) -> (String, String) {
    let id = option.get_id().as_str();
    let Some(values) = matches.get_raw(id) else { return ("-".to_owned(), "not set".to_owned()) };
    let value = values.map(|value| value.to_string_lossy()).collect::<Vec<_>>().join(",");
    let variable = option.get_env().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let source = match matches.value_source(id) {
        Some(ValueSource::CommandLine) => "flag".to_owned(),
        Some(ValueSource::EnvVariable) => variable,
        _ => "default".to_owned(),
    };
    (if option.is_hide_env_values_set() { masked(&value) } else { value }, source)
}

/// A secret, as far as it may be shown: of a URL with credentials everything but these and its parameters, else nothing.
pub(crate) fn masked(secret: &str) -> String {
    let Some((scheme, rest)) = secret.split_once("://") else { return "***".to_owned() };
    let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
    let place = place.split_once('?').map_or(place, |(place, _)| place);
    let credentials = if rest.contains('@') { "***@" } else { "" };
    format!("{scheme}://{credentials}{place}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_url_keeps_the_place_and_loses_the_credentials() {
        assert_eq!(masked("postgres://orders:p@ss@db:5432/tradewind"), "postgres://***@db:5432/tradewind");
        assert_eq!(masked("postgres://db/tradewind?password=hunter2"), "postgres://db/tradewind");
        assert_eq!(masked("hunter2"), "***");
    }
}
