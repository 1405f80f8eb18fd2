//! `fleet up`: the fleet until Ctrl-C, with what a person needs to shop in it. `fleet token`: tokens for it.

use anyhow::{Result, bail};
use contracts::access::Role;
use kernel::Id;
use uuid::Uuid;

use crate::catalogue::Catalogue;
use crate::fleet::{Fleet, say_endpoints};
use crate::interrupt::Interrupts;
use crate::keys::Keys;
use crate::progress;
use crate::servers::ExternalServers;
use crate::shopper;
use crate::topology::{Deadlines, Shape, replica};
use crate::workdir::{fleet_folder, stop_owner};

/// The run folder.
pub const NAME: &str = "up";

/// Names nobody in particular; for ids of people.
enum Person {}

/// Runs the fleet, with so many processes of each service and the demo's catalogue, until it is interrupted.
pub async fn up(external: &ExternalServers, replicas: u16) -> Result<()> {
    let mut interrupts = Interrupts::listen()?;
    let mut fleet = tokio::select! {
        fleet = Fleet::start(NAME, external, Shape::replicated(Deadlines::PRODUCTION, replicas)) => fleet?,
        signal = interrupts.next() => bail!("stopped by {signal} while starting"),
    };
    let catalogue = Catalogue::read()?;
    shopper::load(&fleet, &catalogue).await?;
    progress::say(
        "catalogue",
        format_args!("{} products of {} sellers", catalogue.products(), catalogue.sellers.len()),
    );
    say_endpoints(&fleet);
    print_example(&fleet);
    let ended = tokio::select! {
        signal = interrupts.next() => {
            progress::say("fleet", format_args!("{signal}: draining"));
            Ok(())
        }
        death = fleet.died() => Err(death.into()),
    };
    fleet.stop().await?;
    ended
}

/// Stops the fleet that `up` runs somewhere else.
pub async fn down() -> Result<()> {
    let stopped = stop_owner(NAME).await?;
    progress::say("fleet", if stopped { "stopped" } else { "none was up" });
    Ok(())
}

/// A token for the fleet that is up.
pub fn token(role: Role, subject: Option<Uuid>, seller_id: Option<Uuid>) -> Result<String> {
    let keys = Keys::of_running(&fleet_folder().join(NAME).join("run"))?;
    let seller_id = match role {
        Role::Seller => Some(seller_id.unwrap_or(first_seller()?)),
        Role::Buyer | Role::Operator | Role::Service => None,
    };
    Ok(keys.token(role, subject.unwrap_or_else(|| Id::<Person>::generate().uuid()), seller_id))
}

fn first_seller() -> Result<Uuid> {
    Ok(Catalogue::read()?.sellers[0].seller_id)
}

fn print_example(fleet: &Fleet) {
    println!("\nThe fleet is up; Ctrl-C drains it. To shop in it from another terminal:\n");
    for name in ["products", "cart", "checkout", "orders", "shipping"] {
        println!("export {}={}", name.to_uppercase(), fleet.endpoint(&replica(name, 0)).trim_start_matches("http://"));
    }
    println!(
        "AUTH=\"authorization: Bearer $(target/debug/fleet token buyer)\"\n\
         grpcurl -plaintext $PRODUCTS list\n\
         grpcurl -plaintext -d '{{\"page_size\": 3}}' $PRODUCTS tradewind.products.v1.ProductsService/ListProducts\n\
         grpcurl -plaintext -H \"$AUTH\" -d '{{\"request_id\": \"cart-1\", \"currency_code\": \"USD\"}}' \\\n    \
         $CART tradewind.cart.v1.CartService/CreateCart\n\n\
         The README goes on from there. Tokens for others: fleet token seller|operator|service\n"
    );
    let buyer = fleet.keys().token(Role::Buyer, Id::<Person>::generate().uuid(), None);
    println!("A buyer's token, good for 12 hours: {buyer}\n");
}
