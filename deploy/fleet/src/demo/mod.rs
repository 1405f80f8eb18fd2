//! `fleet demo`: one morning of a marketplace, told as it happens, and proved at its end from the databases.

mod backorder;
mod carrier;
mod deliveries;
mod modification;
mod returns;
mod scenes;
mod timeline;
mod views;

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::catalogue::Catalogue;
use crate::fleet::Fleet;
use crate::interrupt::Interrupts;
use crate::invariants::{self, Acknowledged};
use crate::servers::ExternalServers;
use crate::shopper;
use crate::topology::{Deadlines, Shape};

/// The run folder.
const NAME: &str = "demo";
/// How long the last effects may take to settle once every order has its outcome.
const SETTLE_MAX: Duration = Duration::from_secs(30);

/// What the scenes share.
pub(super) struct Stage {
    /// The fleet.
    pub(super) fleet: Fleet,
    /// The catalogue that is on sale.
    pub(super) catalogue: Catalogue,
    /// What the fleet acknowledged, to be found again at the end.
    pub(super) acknowledged: Acknowledged,
    scenes: usize,
}

impl Stage {
    /// Announces the next scene.
    pub(super) fn scene(&mut self, title: &str) {
        self.scenes += 1;
        println!("\n{}. {title}", self.scenes);
    }
}

/// Tells a line of the scene.
pub(super) fn tell(line: impl std::fmt::Display) {
    println!("   {line}");
}

/// Starts the fleet, plays every scene, checks the invariants, stops the fleet. Fails if a scene does not end as told, or an
/// invariant is broken.
pub async fn demo(external: &ExternalServers) -> Result<()> {
    let started = Instant::now();
    let mut interrupts = Interrupts::listen()?;
    let fleet = tokio::select! {
        fleet = Fleet::start(NAME, external, Shape::single(Deadlines::DEMO)) => fleet?,
        signal = interrupts.next() => bail!("stopped by {signal} while starting"),
    };
    let mut stage = Stage { fleet, catalogue: Catalogue::read()?, acknowledged: Acknowledged::default(), scenes: 0 };
    let told = tokio::select! {
        told = play(&mut stage) => told,
        signal = interrupts.next() => Err(anyhow::anyhow!("stopped by {signal}")),
    };
    // A process that died by itself explains a scene that failed.
    let told = stage.fleet.check_alive().and(told);
    stage.fleet.stop().await?;
    told?;
    println!("\nA morning in {:.0} s.", started.elapsed().as_secs_f64());
    Ok(())
}

async fn play(stage: &mut Stage) -> Result<()> {
    shopper::load(&stage.fleet, &stage.catalogue).await?;
    println!(
        "\nThe market opens: {} sellers, {} products, prices in US dollars, tax by the buyer's country.",
        stage.catalogue.sellers.len(),
        stage.catalogue.products()
    );
    // Slow by nature, so it begins first and is told last.
    let late = scenes::begin_late_authorization(stage).await?;
    scenes::cart_over_two_sellers(stage).await?;
    scenes::declined_card(stage).await?;
    scenes::last_two_units(stage).await?;
    backorder::waits_for_stock(stage).await?;
    modification::split_and_modified(stage).await?;
    scenes::buyer_cancels(stage).await?;
    scenes::lost_answer(stage).await?;
    scenes::payments_killed(stage).await?;
    scenes::submitted_twice(stage).await?;
    scenes::tampered_quote(stage).await?;
    deliveries::two_parcels(stage).await?;
    deliveries::paid_at_the_door(stage).await?;
    deliveries::parcels_to_be_stopped(stage).await?;
    deliveries::money_back(stage).await?;
    deliveries::a_part_taken_back(stage).await?;
    deliveries::one_parcel_lost(stage).await?;
    deliveries::refused_at_the_door(stage).await?;
    carrier::the_carrier_tells(stage).await?;
    let sent_back = returns::one_of_two_damaged(stage).await?;
    returns::sent_back_by_label(stage).await?;
    returns::exchanged(stage).await?;
    returns::goodwill_refused_by_the_provider(stage).await?;
    scenes::end_late_authorization(stage, late).await?;
    returns::closed(stage, &sent_back).await?;
    views::a_seller_looks_at_its_business(stage).await?;

    println!("\nThe books, read from the databases:");
    let report = invariants::check_when_settled(&stage.fleet, &stage.acknowledged, SETTLE_MAX).await?;
    println!("{report}");
    if report.is_broken() {
        bail!("an invariant is broken");
    }
    Ok(())
}
