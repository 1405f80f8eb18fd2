//! Many finished orders. They are carried through the fleet like all others; only their quotes are copies.

use anyhow::{Context, Result};
use checkout::adapters::postgres::quote;
use kernel::Id;
use sqlx::{Connection, PgConnection};

use crate::fleet::Fleet;
use crate::load::crowd::Prepared;

/// Quotes that are written in one transaction.
const BATCH: usize = 1_000;

/// So many quotes, each the copy of a template under an id of its own, with the hash that follows from it.
pub async fn copy_quotes(fleet: &Fleet, templates: &[Prepared], count: usize) -> Result<Vec<Prepared>> {
    let options = fleet.database().connect_options().as_ref().clone().options([("search_path", "checkout")]);
    let mut connection = PgConnection::connect_with(&options).await?;
    let ids: Result<Vec<_>, _> = templates.iter().map(|template| template.quote_id().parse()).collect();
    let ids = ids.context("a quote's id")?;
    let found = quote::find(&mut connection, &ids).await?;
    let offer = |id| found.get(id).map(|(offer, _)| offer).with_context(|| format!("quote {id} is not there"));
    let offers = ids.iter().map(offer).collect::<Result<Vec<_>>>()?;
    let mut copies = Vec::with_capacity(count);
    while copies.len() < count {
        let mut transaction = connection.begin().await?;
        for _ in 0..BATCH.min(count - copies.len()) {
            let which = copies.len() % templates.len();
            let copy = checkout::domain::quote::Quote { id: Id::generate(), ..offers[which].clone() };
            quote::insert(&mut transaction, &copy).await?;
            copies.push(templates[which].with_quote(copy.id.to_string(), copy.hash().to_string()));
        }
        transaction.commit().await?;
    }
    connection.close().await?;
    Ok(copies)
}
