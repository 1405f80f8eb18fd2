use messaging::{Error, Head, Heads};
use sqlx::{PgConnection, Row};
use uuid::Uuid;

use super::domain::Meters;

/// Loads the meters of these taps, which are locked by now, and locks their rows.
pub(crate) async fn load(tx: &mut PgConnection, taps: impl Iterator<Item = Uuid>) -> Result<(Meters, Heads), Error> {
    let taps: Vec<Uuid> = taps.collect();
    let rows = sqlx::query(
        "SELECT id, total, version, head_hash, correlation_id FROM meter WHERE id = ANY($1) ORDER BY id FOR UPDATE",
    )
    .bind(&taps)
    .fetch_all(tx)
    .await?;
    let mut meters = Meters::default();
    let mut heads = Heads::default();
    for row in &rows {
        let id = row.try_get("id")?;
        meters.totals.insert(id, row.try_get("total")?);
        heads.insert(id, Head::from_row(row)?);
    }
    Ok((meters, heads))
}

/// Saves the meters with their heads, and what was counted.
pub(crate) async fn save(tx: &mut PgConnection, meters: &Meters, heads: &Heads) -> Result<(), Error> {
    let (ids, totals): (Vec<Uuid>, Vec<i64>) = meters.totals.iter().map(|(id, total)| (*id, *total)).unzip();
    let heads: Vec<Head> = ids.iter().map(|id| heads.get(*id).expect("a meter that counted has a head")).collect();
    sqlx::query(
        "INSERT INTO meter (id, total, version, head_hash, correlation_id)
         SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bytea[], $5::uuid[])
         ON CONFLICT (id) DO UPDATE
         SET total = EXCLUDED.total, version = EXCLUDED.version, head_hash = EXCLUDED.head_hash",
    )
    .bind(ids)
    .bind(totals)
    .bind(heads.iter().map(|head| head.version).collect::<Vec<_>>())
    .bind(heads.iter().map(|head| head.hash.to_vec()).collect::<Vec<_>>())
    .bind(heads.iter().map(|head| head.correlation_id).collect::<Vec<_>>())
    .execute(&mut *tx)
    .await?;
    let (taps, amounts): (Vec<Uuid>, Vec<i64>) = meters.readings.iter().copied().unzip();
    sqlx::query("INSERT INTO reading (meter, amount) SELECT * FROM unnest($1::uuid[], $2::bigint[])")
        .bind(taps)
        .bind(amounts)
        .execute(tx)
        .await?;
    Ok(())
}
