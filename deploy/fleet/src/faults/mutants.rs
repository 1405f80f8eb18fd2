//! A fleet that is broken on purpose, and the scene that shows it. A proof that does not notice is none.

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use futures::future::BoxFuture;
use kernel::Mutant;

use super::scenes::{self, DEADLINES, Stage, modification, returns, waiting};
use crate::catalogue::Catalogue;
use crate::fleet::Fleet;
use crate::invariants::{self, Acknowledged, Report};
use crate::progress::{self, Step};
use crate::servers::{ExternalServers, Servers};
use crate::shopper;
use crate::topology::Shape;
use crate::witness;
use crate::workdir::Workdir;

/// How long the last effects of a scene may take to settle.
const SETTLE_MAX: Duration = Duration::from_secs(12);

type Play = for<'a> fn(&'a mut Stage) -> BoxFuture<'a, Result<()>>;

/// What brings a mutant to light.
pub struct Scene {
    /// The mutant.
    pub mutant: Mutant,
    /// What happens, in words.
    pub title: &'static str,
    /// The claim about the books that is broken then.
    claim: &'static str,
    play: Play,
}

/// Every mutant with its scene.
pub static SCENES: [Scene; 21] = [
    Scene {
        mutant: Mutant::NoTombstone,
        title: "orders are cancelled before inventory and payments hear that they exist",
        claim: "failed, cancelled and refunded orders hold neither stock nor money",
        play: |stage| Box::pin(scenes::cancelled_unheard(stage)),
    },
    Scene {
        mutant: Mutant::ReserveAfterExpiry,
        title: "the provider says yes after the reservation expired",
        claim: "failed, cancelled and refunded orders hold neither stock nor money",
        play: |stage| Box::pin(scenes::authorized_too_late(stage)),
    },
    Scene {
        mutant: Mutant::CaptureBeforeCommit,
        title: "inventory stands still while payments are authorized",
        claim: "no event waits in an outbox or is parked",
        play: |stage| Box::pin(scenes::authorized_before_stock_is_committed(stage)),
    },
    Scene {
        mutant: Mutant::VoidIgnoredWhileAuthorizing,
        title: "buyers cancel while the provider is thinking",
        claim: "failed, cancelled and refunded orders hold neither stock nor money",
        play: |stage| Box::pin(scenes::cancelled_while_authorizing(stage)),
    },
    Scene {
        mutant: Mutant::InboxSkipped,
        title: "everything is delivered again",
        claim: "a witness that would count twice saw every event once, in its aggregate's order",
        play: |stage| Box::pin(scenes::everything_again(stage)),
    },
    Scene {
        mutant: Mutant::OutboxOutOfOrder,
        title: "reservations expire, two events of one aggregate in one commit",
        claim: "a witness that would count twice saw every event once, in its aggregate's order",
        play: |stage| Box::pin(scenes::expired(stage)),
    },
    Scene {
        mutant: Mutant::RefundTwice,
        title: "buyers cancel while their money is taken, and the answers about giving it back are lost",
        claim: "no payment waits for somebody to settle it by hand",
        play: |stage| Box::pin(scenes::refunded_unanswered(stage)),
    },
    Scene {
        mutant: Mutant::CancelWithoutStopping,
        title: "buyers who pay at the door cancel while their parcels are being packed",
        claim: "every order whose goods may leave has its shipments, and no other has one that is not cancelled",
        play: |stage| Box::pin(scenes::stopped_at_the_depot(stage)),
    },
    Scene {
        mutant: Mutant::DispatchAfterStopping,
        title: "warehouses hand over parcels that were stopped",
        claim: "nothing has left for an order that was stopped",
        play: |stage| Box::pin(scenes::stopped_at_the_depot(stage)),
    },
    Scene {
        mutant: Mutant::RefundWithoutStopping,
        title: "buyers want their money back, and orders has not heard yet that their parcels have left",
        claim: "an order says of its parcels what shipping says",
        play: |stage| Box::pin(scenes::money_back(stage)),
    },
    Scene {
        mutant: Mutant::RefundWithoutCounting,
        title: "goodwill is given twice, each time more than half of what was paid",
        claim: "the refunds of an order are together at most what was captured, however far each is",
        play: |stage| Box::pin(returns::goodwill_twice(stage)),
    },
    Scene {
        mutant: Mutant::ReleaseOnPartialRefund,
        title: "the first parcel of two is lost and paid back before the second leaves",
        claim: "paid orders hold committed stock, or it has left, and captured money",
        play: |stage| Box::pin(returns::first_parcel_lost(stage)),
    },
    Scene {
        mutant: Mutant::DeliverAfterFailing,
        title: "parcels that were lost and paid back turn up",
        claim: "what was given up for parcels that failed is for what they held, each once, and for no others",
        play: |stage| Box::pin(returns::lost_and_found(stage)),
    },
    Scene {
        mutant: Mutant::ReleasePartsWithoutSums,
        title: "buyers want two of three units not to leave, one after the other",
        claim: "what was stopped of an order in parts is on sale again, and paid back",
        play: |stage| Box::pin(returns::stopped_in_two_parts(stage)),
    },
    Scene {
        mutant: Mutant::WaitAfterEnd,
        title: "buyers who wait for stock cancel",
        claim: "orders that wait for stock are counted in its line, and no others; they are neither held nor over",
        play: |stage| Box::pin(waiting::cancelled_in_line(stage)),
    },
    Scene {
        mutant: Mutant::CaptureWhatWasAuthorized,
        title: "buyers take one of two things away while the provider is thinking",
        claim: "the provider charged nobody twice, and holds nothing for an order that ended",
        play: |stage| Box::pin(modification::less_than_was_held(stage)),
    },
    Scene {
        mutant: Mutant::ConfirmWithOlderTerms,
        title: "buyers take one of two things away, and orders has not heard yet that both are theirs",
        claim: "what is committed to an order is what is agreed",
        play: |stage| Box::pin(modification::less_than_was_committed(stage)),
    },
    Scene {
        mutant: Mutant::ModifyAfterConfirmation,
        title: "buyers who pay at the door take one of two things away when it is too late",
        claim: "what is committed to an order is what is agreed",
        play: |stage| Box::pin(modification::after_confirmation(stage)),
    },
    Scene {
        mutant: Mutant::RefundExchanged,
        title: "goods come back in exchange, and are sent anew",
        claim: "what is set aside for an exchange is spent for the order that it was set aside for, or went back, and pays for no other",
        play: |stage| Box::pin(returns::exchanged(stage)),
    },
    Scene {
        mutant: Mutant::KeepExchanged,
        title: "goods come back in exchange, and the orders that send them anew are cancelled",
        claim: "what is set aside for an exchange is spent for the order that it was set aside for, or went back, and pays for no other",
        play: |stage| Box::pin(returns::exchanged_and_cancelled(stage)),
    },
    Scene {
        mutant: Mutant::RestockWithoutSums,
        title: "what is sent back comes in two receipts",
        claim: "what is on hand is what was stocked, less what parcels took, plus what came back sound",
        play: |stage| Box::pin(returns::back_in_two_receipts(stage)),
    },
];

/// Shows that one mutant is noticed.
pub async fn one(external: &ExternalServers, mutant: Mutant) -> Result<()> {
    with_servers(external, async |servers| notice(servers, scene_of(mutant)).await).await
}

/// Plays every scene with a fleet that is whole, and then shows that every mutant is noticed.
pub async fn all(external: &ExternalServers) -> Result<()> {
    with_servers(external, async |servers| {
        whole(servers, &SCENES.each_ref()).await?;
        for scene in &SCENES {
            notice(servers, scene).await?;
        }
        Ok(())
    })
    .await
}

/// The scene of a mutant.
pub fn scene_of(mutant: Mutant) -> &'static Scene {
    SCENES.iter().find(|scene| scene.mutant == mutant).expect("every mutant has its scene")
}

/// A pair of servers for all fleets, if there is none yet.
async fn with_servers(
    external: &ExternalServers,
    work: impl AsyncFnOnce(&ExternalServers) -> Result<()>,
) -> Result<()> {
    ensure!(Mutant::ARE_BUILT_IN, "this build has no mutants; build with `--features kernel/mutants`");
    if !external.is_empty() {
        return work(external).await;
    }
    let workdir = Workdir::claim("mutants-servers")?;
    let servers = Servers::start(&workdir, external).await?;
    let shared = ExternalServers {
        database_url: Some(servers.database_url().to_owned()),
        kafka_brokers: Some(servers.kafka_brokers().to_owned()),
    };
    let worked = work(&shared).await;
    servers.stop().await?;
    worked
}

/// Plays scenes with a fleet that is whole: it must come through, or nothing is shown by what a mutant does.
pub async fn whole(external: &ExternalServers, scenes: &[&Scene]) -> Result<()> {
    let mut stage = open(external, "scenes", None).await?;
    for scene in scenes {
        let step = Step::of("whole");
        (scene.play)(&mut stage).await?;
        let report = look(&stage).await?;
        if report.is_broken() {
            stage.fleet.stop().await?;
            bail!("a fleet that is whole breaks when {}:\n{report}", scene.title);
        }
        step.reached(format_args!("{}: the books balance", scene.title));
    }
    stage.fleet.stop().await
}

/// Plays the scene of a mutant with a fleet that is broken so. Succeeds if the claim that it is to break is found broken.
pub async fn notice(external: &ExternalServers, scene: &Scene) -> Result<()> {
    let name = scene.mutant.name();
    let step = Step::of("mutant");
    let mut stage = open(external, name, Some(scene.mutant)).await?;
    // What it waits for may well never come in a fleet that is broken; the books tell.
    if let Err(error) = (scene.play)(&mut stage).await {
        progress::say("mutant", format_args!("the scene does not end: {error:#}"));
    }
    let report = look(&stage).await?;
    stage.fleet.stop().await?;
    let Some(finding) = report.breach_of(scene.claim) else {
        bail!("{name} was not noticed when {}:\n{report}", scene.title);
    };
    step.reached(format_args!("{name} is noticed when {}: {finding}", scene.title));
    Ok(())
}

async fn open(external: &ExternalServers, name: &str, mutant: Option<Mutant>) -> Result<Stage> {
    let mut shape = Shape::single(DEADLINES).with(witness::service());
    if let Some(mutant) = mutant {
        shape = shape.env("TRADEWIND_MUTANT", mutant.name());
    }
    let fleet = Fleet::start(&format!("mutant-{name}"), external, shape).await?;
    shopper::load(&fleet, &Catalogue::read()?).await?;
    Ok(Stage { fleet, acknowledged: Acknowledged::default() })
}

async fn look(stage: &Stage) -> Result<Report> {
    invariants::check_when_settled(&stage.fleet, &stage.acknowledged, SETTLE_MAX).await
}
