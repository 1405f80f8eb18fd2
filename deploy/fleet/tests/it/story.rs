//! An operator looks at an order of a running fleet: its story, and the statement of its money.

use std::path::PathBuf;
use std::process::{Command, Output};

use contracts::checkout::v1::OrderOutcome;
use fleet::catalogue::Catalogue;
use fleet::databases::Databases;
use fleet::depot::Depot;
use fleet::fleet::Fleet;
use fleet::shopper::{self, Shopper, request_id};
use fleet::story::Journey;
use fleet::topology::{Deadlines, Shape};
use fleet::workdir::fleet_folder;
use serde_json::Value;
use sqlx::AssertSqlSafe;

use crate::marketplace::{ONE_FLEET, test_servers};

const NOBODY: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

#[tokio::test(flavor = "multi_thread")]
async fn the_story_and_the_statement_of_an_order_are_read_from_a_running_fleet() {
    let _turn = ONE_FLEET.lock().await;
    let name = "story";
    let fleet = Fleet::start(name, &test_servers(), Shape::single(Deadlines::PRODUCTION)).await.unwrap();
    let operator = Operator::of(name);
    shopper::load(&fleet, &Catalogue::read().unwrap()).await.unwrap();
    let ada = Shopper::new(&fleet, "Ada").unwrap();
    let submitted = ada.buy(&[("KETTLE-RED", 1), ("LAMP-BLACK", 2)], "tok_approved").await.unwrap();
    let checkout_id = &submitted.checkout.checkout_id;
    let checkout = ada.outcome(checkout_id).await.unwrap();
    let [one, other] = [0, 1].map(|n: usize| checkout.orders[n].order_id.as_str());
    let depot = Depot::new(&fleet).unwrap();
    let shipment = depot.shipments(one).await.unwrap().remove(0);
    depot.dispatch(&shipment.shipment_id, &[], &request_id()).await.unwrap();
    until_told(name, one, "StockRemoved").await;

    let story = operator.told(&["story", one]);
    for text in [
        format!("Order {one}: SHIPPED, "),
        format!("Checkout {checkout_id}, submitted "),
        format!("Order {other} of the same checkout: PAID, "),
        "  put into the cart: KETTLE-RED, now 1 of it\n".to_owned(),
        "  submitted: 2 orders, ".to_owned(),
        "  orders     #4 ".to_owned(),
        "  payments   #6 ".to_owned(),
        "off the stock: ".to_owned(),
        format!("in shipment {}\n", shipment.shipment_id),
        "Awaited now:\n  the carrier  to deliver parcel ".to_owned(),
    ] {
        assert!(story.contains(&text), "{text}\n{story}");
    }
    assert!(!story.contains("  event ") && !story.contains("cannot be read"), "{story}");

    let stories: Vec<Value> = operator
        .told(&["story", checkout_id, "--json"])
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(stories.iter().map(|story| story["order_id"].as_str().unwrap()).collect::<Vec<_>>(), [one, other]);
    let created = |fact: &&Value| fact["event_type"] == "tradewind.orders.v1.OrderCreated";
    for story in &stories {
        let facts = story["facts"].as_array().unwrap();
        let created: Vec<_> = facts.iter().filter(created).collect();
        assert_eq!(created.len(), 1, "{story}");
        assert_eq!(created[0]["payload"]["checkoutId"], *checkout_id);
        let cause = created[0]["because"]["fact"].as_u64().unwrap() as usize;
        assert_eq!(facts[cause - 1]["event_type"], "tradewind.checkout.v1.CheckoutSubmitted");
    }

    let total = checkout.orders[0].total.clone().unwrap();
    let paid = contracts::convert::money_from_wire("total", Some(&total)).unwrap();
    let statement = operator.told(&["statement", one]);
    for text in [format!("the buyer paid      {paid}\n"), "Debits and credits are the same: ".to_owned()] {
        assert!(statement.contains(&text), "{text}\n{statement}");
    }

    for (command, refusal) in
        [("story", "no order and no checkout of this fleet has the id"), ("statement", "knows no order")]
    {
        assert!(operator.refused(&[command, NOBODY]).contains(refusal));
        assert!(operator.refused(&[command, "order-1"]).contains("is named by a UUID"));
        assert!(Operator::of("nothing").refused(&[command, one]).contains("start a fleet with `make up`"));
    }

    // Something of it is stuck: inventory cannot take the next order.
    execute(&fleet, "REVOKE INSERT ON inventory.reservation FROM inventory").await;
    let stuck = ada.buy(&[("KETTLE-RED", 1)], "tok_approved").await.unwrap();
    let stuck_id = &stuck.checkout.orders[0].order_id;
    let story = until(async || {
        let story = operator.told(&["story", stuck_id]);
        story.contains("\nParked:\n").then_some(story)
    })
    .await;
    for text in ["  inventory  to reserve the stock\n", " OrderCreated, since ", "fleet operate inventory parked show "]
    {
        assert!(story.contains(text), "{text}\n{story}");
    }
    assert!(operator.told(&["statement", stuck_id]).contains("Nothing was posted"));
    execute(&fleet, "GRANT INSERT ON inventory.reservation TO inventory").await;
    fleet.operate("inventory", &["parked", "retry", "--all"]).await.unwrap();
    assert_eq!(ada.outcome(&stuck.checkout.checkout_id).await.unwrap().orders[0].outcome(), OrderOutcome::Paid);
    assert!(operator.told(&["story", stuck_id]).contains("    retried by "));
    fleet.stop().await.unwrap();
}

/// Somebody at another terminal, to whom a fleet of that name is the one that is up.
struct Operator {
    folder: PathBuf,
}

impl Operator {
    fn of(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("tradewind-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir(&folder).unwrap();
        std::os::unix::fs::symlink(fleet_folder().join(name), folder.join("up")).unwrap();
        Self { folder }
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fleet"));
        command.args(arguments).env("TRADEWIND_FLEET_FOLDER", &self.folder).output().unwrap()
    }

    fn told(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn refused(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(!output.status.success(), "{arguments:?}");
        String::from_utf8(output.stderr).unwrap()
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

async fn until_told(fleet: &str, order_id: &str, event: &str) {
    let databases = Databases::of_running(fleet).unwrap();
    let order_id = order_id.parse().unwrap();
    until(async || {
        let story = Journey::read(&databases, order_id).await.unwrap().story(order_id);
        story.in_a_line().contains(event).then_some(())
    })
    .await;
}

async fn until<T>(probe: impl AsyncFn() -> Option<T>) -> T {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(40);
    loop {
        if let Some(found) = probe().await {
            return found;
        }
        assert!(std::time::Instant::now() < deadline, "not within 40 s");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}

async fn execute(fleet: &Fleet, statement: &str) {
    sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(fleet.database()).await.unwrap();
}
