//! The tables: one file for each thing that is loaded or saved as a whole.

pub mod offer;
pub mod price;
pub mod product;

use std::fmt::Display;
use std::str::FromStr;

use messaging::Error;
use sqlx::postgres::PgRow;
use sqlx::{PgPool, Postgres, Row as _, Transaction};

/// A transaction whose statements all see the same state: a product is never shown with the prices of another moment.
pub async fn snapshot(pool: &PgPool) -> Result<Transaction<'static, Postgres>, Error> {
    Ok(messaging::begin_snapshot(pool).await?)
}

/// Reads a value that is kept as its text.
fn parsed<T: FromStr<Err: Display>>(row: &PgRow, column: &str) -> Result<T, Error> {
    let text: &str = row.try_get(column)?;
    text.parse().map_err(|error| corrupt(column, error))
}

fn corrupt(column: &str, problem: impl Display) -> Error {
    Error::Corrupt(format!("column {column}: {problem}"))
}
