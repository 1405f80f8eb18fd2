//! What an event is called and where it travels.
//!
//! An event is a message of a package's `events.proto`. Its type is the message's full name, its topic is the package:
//! `tradewind.orders.v1.OrderPaid` travels on topic `tradewind.orders.v1`.

use std::sync::LazyLock;

use prost_reflect::{DescriptorPool, DynamicMessage};

/// The encoded `FileDescriptorSet` of the whole contract, comments included: for gRPC reflection and for decoding by name.
pub const DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

/// Descriptors of the whole contract.
pub static DESCRIPTORS: LazyLock<DescriptorPool> = LazyLock::new(|| {
    DescriptorPool::decode(DESCRIPTOR_SET).expect("the descriptor set was encoded by this crate's build")
});

/// The type of an event, such as `tradewind.orders.v1.OrderPaid`.
pub fn type_of<E: prost::Name>() -> String {
    E::full_name()
}

/// The topic that events of this type travel on: their package.
pub fn topic_of<E: prost::Name>() -> &'static str {
    E::PACKAGE
}

/// The types of every event that the contract knows, sorted.
pub fn all_types() -> Vec<String> {
    let mut types: Vec<_> = DESCRIPTORS
        .all_messages()
        .filter(|message| message.parent_file().name().ends_with("/events.proto"))
        .map(|message| message.full_name().to_owned())
        .collect();
    types.sort();
    types
}

/// The payload of an event as JSON, for a person to read.
pub fn to_json(event_type: &str, payload: &[u8]) -> Result<serde_json::Value, Unreadable> {
    let descriptor = DESCRIPTORS.get_message_by_name(event_type).ok_or(Unreadable::UnknownType)?;
    let message =
        DynamicMessage::decode(descriptor, payload).map_err(|error| Unreadable::Malformed(error.to_string()))?;
    serde_json::to_value(message).map_err(|error| Unreadable::Malformed(error.to_string()))
}

/// Why a payload cannot be shown as JSON.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// No message of the contract has this name: the event comes from another fleet, or from a newer release.
    #[error("the contract knows no such type")]
    UnknownType,
    /// The bytes are not of the type.
    #[error("the bytes are not of its type: {0}")]
    Malformed(String),
}
