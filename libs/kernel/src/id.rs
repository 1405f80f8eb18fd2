use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

use crate::excerpt::Excerpt;
use crate::serde_text;

/// The identity of a `T`. Ids of different things are different types, so they cannot be swapped by accident.
///
/// `T` is only a name and is never made. Ids are UUIDv7: those that one process generates sort by the time they were
/// made, which keeps the newest rows of an index together.
///
/// ```
/// pub enum Order {}
/// pub type OrderId = kernel::Id<Order>;
///
/// let id = OrderId::generate();
/// assert_eq!(id.to_string().parse(), Ok(id));
/// ```
pub struct Id<T> {
    uuid: Uuid,
    // `fn() -> T` rather than `T`: an id is `Send` and `Sync` whatever it identifies.
    identifies: PhantomData<fn() -> T>,
}

impl<T> Id<T> {
    /// Makes a new id. Within one process each is greater than the one before.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that makes ids")]
    pub fn generate() -> Self {
        Self::from_uuid(Uuid::now_v7())
    }

    /// Takes over an id that was made before, such as one read from a database. Its version is not checked: ids derived
    /// from other ids are not version 7.
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self { uuid, identifies: PhantomData }
    }

    /// The bare UUID, for columns and keys.
    pub const fn uuid(self) -> Uuid {
        self.uuid
    }
}

// Written by hand because a derive would demand each trait of `T` too, which has no values.

impl<T> Clone for Id<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Id<T> {}

impl<T> PartialEq for Id<T> {
    fn eq(&self, other: &Self) -> bool {
        self.uuid == other.uuid
    }
}

impl<T> Eq for Id<T> {}

impl<T> PartialOrd for Id<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Id<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.uuid.cmp(&other.uuid)
    }
}

impl<T> Hash for Id<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.uuid.hash(state);
    }
}

impl<T> fmt::Debug for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<T> fmt::Display for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.uuid.hyphenated(), f)
    }
}

/// The text is not a UUID in its hyphenated form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not an id: expected a UUID such as 01890a5d-ac96-774b-bcce-b302099a8057")]
pub struct InvalidId(Excerpt);

impl<T> FromStr for Id<T> {
    type Err = InvalidId;

    /// Reads the hyphenated form only. `Uuid` would also take braces, URNs and bare hexadecimal digits, but an id that
    /// is compared as text somewhere must not have several spellings.
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let invalid = || InvalidId(Excerpt::of(text));
        if text.len() != uuid::fmt::Hyphenated::LENGTH {
            return Err(invalid());
        }
        Uuid::try_parse(text).map(Self::from_uuid).map_err(|_| invalid())
    }
}

impl<T> Serialize for Id<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, T> Deserialize<'de> for Id<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde_text::deserialize(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    enum Parcel {}
    type ParcelId = Id<Parcel>;

    const TEXT: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

    #[test]
    fn ids_made_by_one_process_are_version_7_and_sort_in_the_order_of_their_making() {
        let ids: Vec<ParcelId> = (0..10_000).map(|_| ParcelId::generate()).collect();
        assert!(ids.is_sorted_by(|earlier, later| earlier < later && earlier.to_string() < later.to_string()));
        assert!(ids.iter().all(|id| id.uuid().get_version_num() == 7));
    }

    #[test]
    fn other_spellings_of_a_uuid_are_refused() {
        let bare = TEXT.replace('-', "");
        for text in [bare.clone(), format!("{{{TEXT}}}"), format!("urn:uuid:{TEXT}"), format!(" {TEXT}"), String::new()]
        {
            assert!(text.parse::<ParcelId>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_refusal_shows_what_was_given_and_what_is_expected() {
        let refusal = "order-17".parse::<ParcelId>().unwrap_err().to_string();
        assert!(refusal.starts_with(r#""order-17" is not an id: expected a UUID"#), "{refusal}");
        assert!("x".repeat(1_000_000).parse::<ParcelId>().unwrap_err().to_string().len() < 200);
    }

    #[test]
    fn json_holds_the_text() {
        let id: ParcelId = TEXT.parse().unwrap();
        let json = serde_json::to_string(&id).unwrap();
        assert_eq!(json, format!("\"{TEXT}\""));
        assert_eq!(serde_json::from_str::<ParcelId>(&json).unwrap(), id);
        assert!(serde_json::from_str::<ParcelId>("\"nope\"").is_err());
    }

    proptest! {
        #[test]
        fn text_reads_back_as_the_same_id_in_either_case(bits: u128) {
            let id = ParcelId::from_uuid(Uuid::from_u128(bits));
            prop_assert_eq!(id.to_string().parse(), Ok(id));
            prop_assert_eq!(id.to_string().to_uppercase().parse(), Ok(id));
        }

        #[test]
        fn ids_sort_like_their_texts(left: u128, right: u128) {
            let [left, right] = [left, right].map(|bits| ParcelId::from_uuid(Uuid::from_u128(bits)));
            prop_assert_eq!(left.cmp(&right), left.to_string().cmp(&right.to_string()));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text: String) {
            let _ = text.parse::<ParcelId>();
        }
    }
}
