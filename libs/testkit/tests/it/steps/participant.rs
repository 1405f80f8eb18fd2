//! The trains as a participant: how they are loaded and saved, and how that can be broken.

use std::collections::BTreeSet;
use std::sync::Mutex;

use chassis::Service;
use kernel::{Decision, Timestamp};
use messaging::{Caused, Envelope, Error, Head, Heads, Outgoing, Participant, Undecodable, UnitOfWork};
use prost::{Message, Name};
use sqlx::{PgConnection, Row};
use uuid::Uuid;

use super::domain::{Booking, Event, Fact, Flaw, NothingTaken, Seat, What, World, decide};

pub(crate) static SERVICE: Service = Service {
    name: "trains",
    migrations: sqlx::migrate!("tests/migrations"),
    append_only_tables: &[],
    topics: &["tradewind.trains.v1"],
    consumers: &[],
};

macro_rules! events {
    ($($name:ident)*) => {$(
        #[derive(Clone, PartialEq, Message)]
        struct $name {}

        impl Name for $name {
            const NAME: &'static str = stringify!($name);
            const PACKAGE: &'static str = "tradewind.trains.v1";
        }
    )*};
}

events!(SeatTaken SeatSold SeatFreed);

#[derive(Debug)]
pub(crate) struct Trains {
    pub(crate) flaw: Flaw,
    /// Orders whose rows were saved by this process, committed or not.
    pub(crate) saved: Mutex<BTreeSet<Uuid>>,
}

impl Participant for Trains {
    type Fact = Fact;
    type World = World;
    type Event = Event;
    type Refusal = NothingTaken;

    fn decode(&self, _: &Envelope) -> Result<Option<Fact>, Undecodable> {
        Ok(None)
    }

    async fn load(&self, tx: &mut PgConnection, facts: &[Caused<Fact>]) -> Result<(World, Heads), Error> {
        let mut world = World::default();
        let mut heads = Heads::default();
        let fact = &facts[0].fact;
        if self.flaw == Flaw::CommitsInLoad {
            sqlx::query("UPDATE train SET free = free - 1 WHERE id = $1").bind(fact.train_id).execute(&mut *tx).await?;
            sqlx::raw_sql("COMMIT; BEGIN").execute(&mut *tx).await?;
        }
        let train = sqlx::query("SELECT * FROM train WHERE id = $1 FOR UPDATE").bind(fact.train_id);
        world.free.insert(fact.train_id, train.fetch_one(&mut *tx).await?.try_get("free")?);
        let booking = sqlx::query("SELECT * FROM booking WHERE order_id = $1").bind(fact.order_id);
        if let Some(row) = booking.fetch_optional(tx).await? {
            heads.insert(fact.order_id, Head::from_row(&row)?);
            let seat = match Seat::from_name(row.try_get("seat")?) {
                Seat::Taken if self.flaw == Flaw::ReadsTakenAsSold => Seat::Sold,
                Seat::Freed if self.flaw == Flaw::ForgetsThatItWasFreed && fact.what == What::Booked => Seat::NotYet,
                seat => seat,
            };
            world.bookings.insert(fact.order_id, Booking { seat, luggage: row.try_get("luggage")? });
        }
        Ok((world, heads))
    }

    fn decide(&self, world: &mut World, fact: &Fact, _: Timestamp) -> Decision<Event, NothingTaken> {
        if self.flaw == Flaw::RemembersWhatWasRolledBack && self.saved.lock().unwrap().contains(&fact.order_id) {
            return Decision::AlreadyApplied;
        }
        decide(world, fact, self.flaw)
    }

    fn encode(&self, event: &Event) -> Outgoing {
        match event {
            Event::Taken(id) => Outgoing::new("seat", *id, &SeatTaken {}),
            Event::Sold(id) => Outgoing::new("seat", *id, &SeatSold {}),
            Event::Freed(id) => Outgoing::new("seat", *id, &SeatFreed {}),
        }
    }

    async fn save(&self, unit: &mut UnitOfWork, mut world: World, heads: &Heads) -> Result<(), Error> {
        let (now, tx) = (unit.now(), unit.tx());
        let mut changed = world.changed.clone();
        if self.flaw != Flaw::ChangesOneRowTwice {
            changed.dedup();
        }
        if self.flaw == Flaw::SavesWhatDidNotChange {
            changed = world.bookings.keys().copied().collect();
        }
        if changed.is_empty() || self.flaw == Flaw::SavesNothing {
            return Ok(());
        }
        self.saved.lock().unwrap().extend(&changed);
        self.save_trains(tx, &world).await?;
        if self.flaw == Flaw::CommitsInSave {
            sqlx::raw_sql("COMMIT; BEGIN").execute(&mut *tx).await?;
        }
        let is_taken = world.bookings.values().any(|booking| booking.seat == Seat::Taken);
        if self.flaw == Flaw::SwallowsAFailure && is_taken {
            sqlx::raw_sql("SAVEPOINT here").execute(&mut *tx).await?;
            if save_bookings(tx, &world, &changed, heads, now).await.is_err() {
                sqlx::raw_sql("ROLLBACK TO here").execute(&mut *tx).await?;
            }
            return Ok(());
        }
        if self.flaw == Flaw::ForgetsTheLuggage {
            world.bookings.values_mut().for_each(|booking| booking.luggage = false);
        }
        save_bookings(tx, &world, &changed, heads, now).await
    }
}

impl Trains {
    async fn save_trains(&self, tx: &mut PgConnection, world: &World) -> Result<(), Error> {
        let is_freed = world.bookings.values().any(|booking| booking.seat == Seat::Freed);
        if self.flaw == Flaw::FreesNoSeatOnRows && is_freed {
            return Ok(());
        }
        for (id, free) in &world.free {
            let update = sqlx::query("UPDATE train SET free = $2 WHERE id = $1 AND free <> $2");
            update.bind(id).bind(free).execute(&mut *tx).await?;
        }
        Ok(())
    }
}

async fn save_bookings(
    tx: &mut PgConnection,
    world: &World,
    changed: &[Uuid],
    heads: &Heads,
    now: Timestamp,
) -> Result<(), Error> {
    let head = |id: &Uuid| heads.get(*id).unwrap_or(Head::begin(*id));
    sqlx::query(
        "INSERT INTO booking (order_id, seat, luggage, version, head_hash, correlation_id, saved_at)
         SELECT *, $1 FROM unnest($2::uuid[], $3::text[], $4::boolean[], $5::bigint[], $6::bytea[], $7::uuid[])
         ON CONFLICT (order_id) DO UPDATE
         SET seat = excluded.seat, luggage = excluded.luggage, version = excluded.version, head_hash = excluded.head_hash,
             saved_at = excluded.saved_at",
    )
    .bind(time::OffsetDateTime::from(now))
    .bind(changed)
    .bind(changed.iter().map(|id| world.bookings[id].seat.as_str()).collect::<Vec<_>>())
    .bind(changed.iter().map(|id| world.bookings[id].luggage).collect::<Vec<_>>())
    .bind(changed.iter().map(|id| head(id).version).collect::<Vec<_>>())
    .bind(changed.iter().map(|id| head(id).hash.to_vec()).collect::<Vec<_>>())
    .bind(changed.iter().map(|id| head(id).correlation_id).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}
