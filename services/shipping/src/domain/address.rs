//! Where the parcels go.

use serde::{Deserialize, Serialize};

/// Where the parcels go: the fields of `google.type.PostalAddress`, as the buyer gave them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields say what postal_address.proto says of them")]
pub struct Address {
    pub region_code: String,
    pub language_code: String,
    pub postal_code: String,
    pub sorting_code: String,
    pub administrative_area: String,
    pub locality: String,
    pub sublocality: String,
    pub address_lines: Vec<String>,
    pub recipients: Vec<String>,
    pub organization: String,
}

impl Address {
    /// What a label needs and this does not have, as the name of the field; none if a carrier can work with it.
    pub fn missing(&self) -> Option<&'static str> {
        let is_blank = |lines: &[String]| lines.iter().all(|line| line.trim().is_empty());
        if self.region_code.trim().is_empty() {
            Some("region_code")
        } else if is_blank(&self.address_lines) {
            Some("address_lines")
        } else if is_blank(&self.recipients) {
            Some("recipients")
        } else {
            None
        }
    }
}
