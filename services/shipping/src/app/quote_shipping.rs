//! A checkout asks what sending costs.

use std::time::Duration;

use messaging::EventStore;

use super::Error;
use crate::adapters::postgres;
use crate::domain::ids::QuoteId;
use crate::domain::rates::Owner;
use crate::domain::rates::offers::{Goods, Place, Quote};

/// Goods of several sellers that are to go to one place.
#[derive(Clone, Debug)]
pub struct QuoteShipping {
    /// Where they are to go.
    pub place: Place,
    /// What each seller is to send.
    pub goods: Vec<Goods>,
}

/// One quote for each seller, in the order asked, honoured for that long. Nothing is kept: whoever asked keeps the answer.
pub async fn quote_shipping(
    store: &EventStore,
    command: QuoteShipping,
    validity: Duration,
) -> Result<Vec<Quote>, Error> {
    let QuoteShipping { place, goods } = command;
    let sellers: Vec<Owner> = goods.iter().map(|each| Owner::Seller(each.seller_id)).collect();
    let profiles = postgres::rates::profiles(store.pool(), &sellers).await?;
    let expires_at = store.now() + validity;
    let quote = |goods| Quote::make(QuoteId::generate(), &profiles, &place, goods, expires_at);
    let quotes: Vec<Quote> = goods.iter().map(quote).collect();
    for quote in &quotes {
        tracing::debug!(quote_id = %quote.id, seller_id = %quote.seller_id, offers = quote.offers.len(), "quoted");
    }
    Ok(quotes)
}
