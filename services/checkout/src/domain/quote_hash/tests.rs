use serde_json::Value;

use super::*;
use crate::domain::quote::tests::some_quote;

/// The same text with its `index`th character replaced by a neighbour.
fn nudged(text: &str, index: usize) -> String {
    let neighbour = |c| match c {
        '9' | 'z' | 'Z' => char::from(c as u8 - 1),
        _ if c.is_ascii_alphanumeric() => char::from(c as u8 + 1),
        _ => 'x',
    };
    text.chars().enumerate().map(|(at, c)| if at == index { neighbour(c) } else { c }).collect()
}

/// Other values for a leaf; not all of them are valid.
fn others(leaf: &Value) -> Vec<Value> {
    match leaf {
        Value::Null => vec!["x".into()],
        Value::Number(number) => vec![(number.as_i64().unwrap() + 1).into()],
        Value::String(text) => {
            let nudged = (0..text.len()).map(|index| nudged(text, index));
            nudged.chain(["USD".to_owned()]).map(Value::from).collect()
        }
        _ => panic!("{leaf} is no leaf"),
    }
}

/// JSON pointers to every leaf.
fn leaves(value: &Value, pointer: &str) -> Vec<String> {
    match value {
        Value::Object(fields) => {
            fields.iter().flat_map(|(name, field)| leaves(field, &format!("{pointer}/{name}"))).collect()
        }
        Value::Array(entries) => {
            entries.iter().enumerate().flat_map(|(at, entry)| leaves(entry, &format!("{pointer}/{at}"))).collect()
        }
        _ => vec![pointer.to_owned()],
    }
}

#[test]
fn the_hash_changes_with_every_field_that_is_accepted() {
    let quote = some_quote();
    let stored = serde_json::to_value(&quote).unwrap();
    let accepted = leaves(&stored, "").into_iter().filter(|pointer| !pointer.starts_with("/drifts/"));
    for pointer in accepted {
        let mut tried = 0;
        for other in others(stored.pointer(&pointer).unwrap()) {
            let mut altered = stored.clone();
            *altered.pointer_mut(&pointer).unwrap() = other;
            let Ok(altered) = serde_json::from_value::<Quote>(altered) else { continue };
            if altered != quote {
                assert_ne!(altered.hash(), quote.hash(), "{pointer} is not covered");
                tried += 1;
            }
        }
        assert!(tried > 0, "{pointer} was not altered");
    }
}

#[test]
fn a_line_that_moves_to_another_seller_changes_the_hash() {
    let quote = some_quote();
    let mut altered = quote.clone();
    let moved = altered.sellers[1].lines.remove(0);
    altered.sellers[0].lines.push(moved);
    assert_ne!(altered.hash(), quote.hash());
}

#[test]
fn text_that_moves_from_one_field_to_the_next_changes_the_hash() {
    let quote = some_quote();
    let mut altered = quote.clone();
    std::mem::swap(&mut altered.ship_to.locality, &mut altered.ship_to.sublocality);
    assert_ne!(altered.hash(), quote.hash());
}

#[test]
fn drifts_are_no_part_of_what_is_accepted() {
    let quote = some_quote();
    assert!(!quote.drifts.is_empty());
    assert_eq!(Quote { drifts: Vec::new(), ..quote.clone() }.hash(), quote.hash());
}

#[test]
fn the_hash_of_an_offer_never_changes() {
    // Quotes outlive a release: another form of the hash would make every open one look altered.
    let hash = some_quote().hash().to_string();
    assert_eq!(hash, "ddaeedb85921f66560c31207b6e5c8c5202fdd4368f69fe0aa73f6dedb5eb4ee");
}

#[test]
fn a_hash_reads_back_as_itself_in_lower_case_only() {
    let hash = some_quote().hash();
    let text = hash.to_string();
    assert_eq!(text.parse(), Ok(hash));
    for wrong in [text.to_uppercase(), text[1..].to_owned(), format!("{text}0"), "x".repeat(64), String::new()] {
        assert_eq!(wrong.parse::<QuoteHash>(), Err(InvalidQuoteHash), "{wrong}");
    }
}
