use std::time::Duration;

use chassis::Settings;
use clap::{FromArgMatches as _, Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(name = "shop")]
struct Args {
    #[command(flatten)]
    settings: Settings,
    /// How long a shelf is kept for a visitor
    #[arg(long, env = "TRADEWIND_SHELF_TTL", default_value = "15m", value_parser = humantime::parse_duration)]
    shelf_ttl: Duration,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serves until told to stop
    Serve,
    #[command(flatten)]
    Operate(chassis::Operation),
    /// Shows and resolves events that could not take effect
    #[command(subcommand)]
    Parked(chassis::ParkedOperation),
}

fn parse(line: &str) -> Args {
    let matches = chassis::cli::command::<Args>().try_get_matches_from(line.split(' ')).unwrap();
    Args::from_arg_matches(&matches).unwrap()
}

#[test]
fn the_command_line_holds_together() {
    chassis::cli::command::<Args>().debug_assert();
}

#[test]
fn help_names_every_option_with_its_variable_and_default() {
    let mut command = chassis::cli::command::<Args>();
    let help = command.render_long_help().to_string();
    for option in command.get_arguments().filter(|option| option.get_action().takes_values()) {
        let name = option.get_long().unwrap();
        assert!(help.contains(&format!("--{name}")), "{name}");
        let variable = option.get_env().unwrap_or_else(|| panic!("--{name} has no variable")).to_str().unwrap();
        assert!(variable.starts_with("TRADEWIND_") && help.contains(variable), "{name}");
        assert!(option.get_help().is_some(), "{name}");
    }
    for text in ["serve", "migrate", "topics", "parked", "config", "[default: 15m]", "[default: 127.0.0.1:50051]"] {
        assert!(help.contains(text), "{text}\n{help}");
    }
}

#[test]
fn faults_are_offered_by_a_build_that_commits_them_and_refused_by_any_other() {
    let mut command = chassis::cli::command::<Args>();
    let is_offered = command.render_long_help().to_string().contains("no-tombstone");
    assert_eq!(is_offered, kernel::Mutant::ARE_BUILT_IN);
    for option in ["--mutant=no-tombstone", "--crash-at=after-commit-before-offset:2"] {
        let parsed = chassis::cli::command::<Args>().try_get_matches_from(["shop", option, "serve"]);
        assert_eq!(parsed.is_ok(), kernel::Mutant::ARE_BUILT_IN, "{option}");
    }
    for option in ["--mutant=nonsense", "--crash-at=after-commit-before-offset", "--crash-at=after-lunch:1"] {
        assert!(chassis::cli::command::<Args>().try_get_matches_from(["shop", option, "serve"]).is_err(), "{option}");
    }
}

#[test]
fn options_may_stand_before_and_after_the_subcommand() {
    let before = parse("shop --shelf-ttl 2h --replica shop-0 serve");
    let after = parse("shop serve --shelf-ttl 2h --replica shop-0");
    for args in [before, after] {
        assert!(matches!(args.command, Command::Serve));
        assert_eq!(args.shelf_ttl, Duration::from_hours(2));
        assert_eq!(args.settings.replica.as_deref(), Some("shop-0"));
    }
}

#[test]
fn operations_are_subcommands_of_every_service() {
    assert!(matches!(parse("shop migrate").command, Command::Operate(chassis::Operation::Migrate)));
    let skip = parse("shop parked skip 7 --operator ada --reason obsolete").command;
    assert!(matches!(skip, Command::Parked(chassis::ParkedOperation::Skip { id: 7, .. })));
}

#[test]
fn a_retry_says_what_and_a_skip_says_why() {
    let taken = |line: &str| chassis::cli::command::<Args>().try_get_matches_from(line.split(' ')).is_ok();
    for line in [
        "shop parked list",
        "shop parked list --state all --type OrderCreated --since 2h --until 2026-03-01T09:30:00Z --limit 5 --after 7",
        "shop parked retry 7 8",
        "shop parked retry --aggregate 01890a5d-ac96-774b-bcce-b302099a8057 --kind failed --json",
        "shop parked retry --all --reason refused --topic tradewind.orders.v1 --operator ada",
        "shop outbox release 7 8",
        "shop outbox release --all",
    ] {
        assert!(taken(line), "{line}");
    }
    for line in [
        "shop parked list --kind broken",
        "shop parked list --state lost",
        "shop parked list --limit 0",
        "shop parked list --since yesterday",
        "shop parked list --aggregate 7",
        "shop parked show",
        "shop parked retry",
        "shop parked retry --kind failed",
        "shop parked retry 7 --kind failed",
        "shop parked retry 7 --all",
        "shop parked retry 7 --operator ",
        "shop parked skip 7",
        "shop parked skip 7 --reason ",
        "shop outbox release",
        "shop outbox release 7 --all",
    ] {
        assert!(!taken(line), "{line}");
    }
}

#[test]
fn values_that_make_no_sense_are_refused() {
    for option in [
        "--request-timeout-max=soon",
        "--requests-in-flight-max=0",
        "--request-bytes-max=5000000",
        "--database-schema=Robert'); DROP TABLE",
        "--database-url=nonsense",
        "--log-format=xml",
    ] {
        assert!(chassis::cli::command::<Args>().try_get_matches_from(["shop", option, "serve"]).is_err(), "{option}");
    }
}

#[test]
fn the_configuration_in_effect_is_told_with_its_sources_and_without_secrets() {
    let command = chassis::cli::command::<Args>();
    let line = ["shop", "config", "--database-url", "postgres://shop:hunter2@db/tradewind", "--clock-offset-secs=-5"];
    let text = chassis::config::describe(&command, &command.clone().try_get_matches_from(line).unwrap());
    let row = |name: &str| {
        let row = text.lines().find(|row| row.split_whitespace().next() == Some(name));
        row.unwrap_or_else(|| panic!("{name}\n{text}")).split_whitespace().skip(1).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(row("database-url"), "postgres://***@db/tradewind (flag)");
    assert_eq!(row("clock-offset-secs"), "-5 (flag)");
    assert_eq!(row("shelf-ttl"), "15m (default)");
    assert_eq!(row("otlp-endpoint"), "- (not set)");
    assert!(!text.contains("hunter2"));
}
