use chassis::Settings;
use clap::Parser;

use crate::{Database, Kafka, tokens};

/// A service's settings for a test's database and topics. It believes the tokens of [`crate::Tokens`] and serves on a free
/// port; everything else has its default.
pub fn settings(database: &Database, kafka: &Kafka) -> Settings {
    let config = kafka.config();
    let jwks = tokens::jwks_file();
    parse(&[
        "--database-url",
        database.url(),
        "--kafka-brokers",
        &config.brokers,
        "--kafka-prefix",
        &config.prefix,
        "--jwks",
        jwks.to_str().expect("the workspace has a plain path"),
        "--grpc-listen",
        "127.0.0.1:0",
    ])
}

pub(crate) fn parse(options: &[&str]) -> Settings {
    #[derive(Parser)]
    struct CommandLine {
        #[command(flatten)]
        settings: Settings,
    }
    CommandLine::parse_from(["test"].iter().chain(options)).settings
}
