//! Golden fixtures: the bytes of every event as some release wrote them, and what they mean.
//!
//! A fixture is written once, with `UPDATE_FIXTURES=1`, and never changed: whatever an event grows into, the bytes that are in
//! journals and on topics must keep their meaning.
#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use contracts::event::{DESCRIPTORS, all_types};
use prost_reflect::prost::Message;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value};

/// Writes the fixtures that are missing, if it is asked to.
static WRITTEN: LazyLock<()> = LazyLock::new(|| {
    if std::env::var_os("UPDATE_FIXTURES").is_some() {
        all_types().iter().filter(|event_type| !fixture(event_type, "bin").exists()).for_each(|new| write(new));
    }
});

fn fixture(event_type: &str, extension: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(format!("{event_type}.{extension}"))
}

fn descriptor(event_type: &str) -> MessageDescriptor {
    DESCRIPTORS.get_message_by_name(event_type).expect("the type was listed by the same descriptors")
}

#[test]
fn every_event_reads_the_bytes_that_earlier_code_wrote() {
    LazyLock::force(&WRITTEN);
    for event_type in all_types() {
        let bytes = fs::read(fixture(&event_type, "bin"))
            .unwrap_or_else(|_| panic!("{event_type} has no fixture; write it with UPDATE_FIXTURES=1 and read it"));
        let meaning = fs::read_to_string(fixture(&event_type, "json")).unwrap();
        let meaning: serde_json::Value = serde_json::from_str(&meaning).unwrap();
        assert_eq!(
            contracts::event::to_json(&event_type, &bytes),
            Ok(meaning),
            "{event_type} means something else now"
        );
    }
}

#[test]
fn no_fixture_is_left_of_an_event_that_is_gone() {
    let types = all_types();
    for entry in fs::read_dir(fixture("x", "bin").parent().unwrap()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let event_type = name.rsplit_once('.').unwrap().0;
        assert!(types.iter().any(|known| known == event_type), "{event_type} was released: it cannot go");
    }
}

#[test]
fn fields_that_the_reader_does_not_know_are_skipped() {
    LazyLock::force(&WRITTEN);
    for event_type in all_types() {
        let mut bytes = fs::read(fixture(&event_type, "bin")).unwrap();
        // Field 1000, length-delimited, as a later release might add it.
        bytes.extend([0xc2, 0x3e, 0x03, b'n', b'e', b'w']);
        let read = DynamicMessage::decode(descriptor(&event_type), bytes.as_slice()).unwrap();
        assert_eq!(read.unknown_fields().count(), 1, "{event_type}");
    }
}

/// An example in which every field is set.
fn write(event_type: &str) {
    let example = example(&descriptor(event_type), 0);
    fs::write(fixture(event_type, "bin"), example.encode_to_vec()).unwrap();
    fs::write(fixture(event_type, "json"), serde_json::to_string_pretty(&example).unwrap() + "\n").unwrap();
}

fn example(descriptor: &MessageDescriptor, seed: i64) -> DynamicMessage {
    let mut message = DynamicMessage::new(descriptor.clone());
    if descriptor.full_name() == "google.protobuf.Timestamp" {
        message.set_field_by_name("seconds", Value::I64(1_772_355_600 + seed));
        message.set_field_by_name("nanos", Value::I32(123_456_000));
        return message;
    }
    for field in descriptor.fields() {
        // Of alternatives the first is enough: each has a number of its own on the wire.
        if field.containing_oneof().is_some_and(|oneof| oneof.fields().next() != Some(field.clone())) {
            continue;
        }
        let seed = seed * 10 + i64::from(field.number());
        let value = example_value(&field, seed);
        message.set_field(&field, if field.is_list() { Value::List(vec![value]) } else { value });
    }
    message
}

fn example_value(field: &FieldDescriptor, seed: i64) -> Value {
    match field.kind() {
        Kind::Message(message) => Value::Message(example(&message, seed)),
        Kind::Enum(_) => Value::EnumNumber(1),
        Kind::String if field.name() == "currency_code" => Value::String("USD".to_owned()),
        Kind::String if field.name().ends_with("_id") => Value::String(format!("01890a5d-ac96-774b-bcce-{seed:012}")),
        Kind::String => Value::String(format!("{} {seed}", field.name())),
        Kind::Bytes => Value::Bytes(vec![1, 2, 3].into()),
        Kind::Bool => Value::Bool(true),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(seed as i32),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(seed),
        Kind::Uint32 | Kind::Fixed32 => Value::U32(seed as u32),
        Kind::Uint64 | Kind::Fixed64 => Value::U64(seed as u64),
        Kind::Float | Kind::Double => unreachable!("no event holds a floating-point number"),
    }
}
