//! Sizes and tokens of pages.
//!
//! A page token holds the place to go on from, and which question it belongs to. It is opaque to callers and not secret:
//! whoever makes one up reads no more than the listing lets them anyway.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use contracts::convert::InvalidField;
use kernel::{Classified, ErrorKind, FieldViolation};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// How many entries a page may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageSizes {
    /// When the caller asks for none in particular.
    pub default: u32,
    /// At most.
    pub max: u32,
}

impl PageSizes {
    /// The size of the page that a request's `page_size` asks for; 0 asks for the default.
    ///
    /// # Errors
    /// Negative, or more than the maximum.
    pub fn size(self, page_size: i32) -> Result<u32, InvalidField> {
        match u32::try_from(page_size) {
            Ok(0) => Ok(self.default),
            Ok(size) if size <= self.max => Ok(size),
            _ => Err(InvalidField::new(
                "page_size",
                format!("must be from 1 to {}, or 0 for {}", self.max, self.default),
            )),
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Token<C> {
    /// Fingerprint of the question.
    q: String,
    /// Where to go on.
    c: C,
}

/// Cuts what was found, of which one entry more than `size` was asked for, to a page; with the token of the next one, which is empty if
/// nothing follows. `cursor` tells where the page behind an entry begins.
pub fn page<T, C: Serialize>(
    mut found: Vec<T>,
    size: u32,
    question: &impl Serialize,
    cursor: impl FnOnce(&T) -> C,
) -> (Vec<T>, String) {
    let size = size as usize;
    let has_more = found.len() > size;
    found.truncate(size);
    let token = found.last().filter(|_| has_more).map(|last| next_page_token(&cursor(last), question));
    (found, token.unwrap_or_default())
}

/// The token of the page that goes on at `cursor`. `question` is everything else that decides what is listed, and in
/// which order: the filters, whose entries they are.
pub fn next_page_token(cursor: &impl Serialize, question: &impl Serialize) -> String {
    let token = Token { q: fingerprint(question), c: cursor };
    BASE64_URL_SAFE_NO_PAD.encode(json(&token))
}

/// Where the page of that token begins; `None` for the first page, whose token is empty.
///
/// # Errors
/// The token is not one of ours, or was given out for another question.
pub fn cursor<C: DeserializeOwned>(page_token: &str, question: &impl Serialize) -> Result<Option<C>, InvalidPageToken> {
    if page_token.is_empty() {
        return Ok(None);
    }
    let json = BASE64_URL_SAFE_NO_PAD.decode(page_token).map_err(|_| InvalidPageToken)?;
    let token: Token<C> = serde_json::from_slice(&json).map_err(|_| InvalidPageToken)?;
    if token.q == fingerprint(question) { Ok(Some(token.c)) } else { Err(InvalidPageToken) }
}

fn fingerprint(question: &impl Serialize) -> String {
    let digest = Sha256::digest(json(question));
    BASE64_URL_SAFE_NO_PAD.encode(&digest[..9])
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("cursors and questions are plain values with text as keys")
}

/// A page token is not one of ours, or belongs to another question.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the page token is not one that this question was answered with")]
pub struct InvalidPageToken;

impl Classified for InvalidPageToken {
    fn kind(&self) -> ErrorKind {
        ErrorKind::InvalidArgument
    }

    fn reason(&self) -> &'static str {
        "PAGE_TOKEN_INVALID"
    }

    fn field_violations(&self) -> Vec<FieldViolation> {
        vec![FieldViolation::new("page_token", self)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZES: PageSizes = PageSizes { default: 20, max: 100 };

    #[test]
    fn a_page_has_the_size_that_was_asked_for_within_its_limits() {
        assert_eq!([0, 1, 100].map(|size| SIZES.size(size).unwrap()), [20, 1, 100]);
        for size in [-1, 101, i32::MIN, i32::MAX] {
            assert_eq!(SIZES.size(size).unwrap_err().field, "page_size");
        }
    }

    #[test]
    fn a_token_leads_back_to_its_cursor() {
        let token = next_page_token(&(7, "MUG-1"), &("buyer", "PAID"));
        assert_eq!(cursor(&token, &("buyer", "PAID")), Ok(Some((7, "MUG-1".to_owned()))));
        assert_eq!(cursor::<i64>("", &"buyer"), Ok(None));
    }

    #[test]
    fn a_page_has_a_token_if_an_entry_is_found_behind_it() {
        let cut = |found: Vec<i32>| page(found, 2, &"buyer", |last| *last);
        assert_eq!(cut(vec![]), (vec![], String::new()));
        assert_eq!(cut(vec![9, 8]), (vec![9, 8], String::new()));
        let (entries, token) = cut(vec![9, 8, 7]);
        assert_eq!((entries, cursor(&token, &"buyer")), (vec![9, 8], Ok(Some(8))));
    }

    #[test]
    fn a_token_of_another_question_is_refused() {
        let token = next_page_token(&7, &("buyer", "PAID"));
        assert_eq!(cursor::<i64>(&token, &("buyer", "SHIPPED")), Err(InvalidPageToken));
    }

    #[test]
    fn what_is_no_token_is_refused() {
        let token = next_page_token(&7, &"buyer");
        for text in ["7", "e30", "!!!", &token[1..], &format!("{token}=")] {
            assert_eq!(cursor::<i64>(text, &"buyer"), Err(InvalidPageToken), "{text}");
        }
        assert_eq!(cursor::<String>(&token, &"buyer"), Err(InvalidPageToken));
    }
}
