use chassis::group_commit::{Answers, Handler};
use chassis::idempotency::{CommandError, Key, KeyError};
use chassis::{Caller, group_commit};
use contracts::orders::v1::{CancelOrderRequest, CancelOrderResponse, Order};
use futures::future::join_all;
use kernel::{Classified, ErrorKind};
use messaging::{EventStore, UnitOfWork};
use tokio_util::sync::CancellationToken;

use crate::support::store;

/// Notes who comes by, and answers each with the number of the transaction. Turns Eve away, and stumbles over Mallory.
#[derive(Debug)]
struct Doorman;

impl Handler for Doorman {
    type Command = &'static str;
    type Answer = CancelOrderResponse;
    type Error = &'static str;

    async fn handle(
        &self,
        unit: &mut UnitOfWork,
        visitors: &[&&'static str],
    ) -> Result<Answers<CancelOrderResponse, &'static str>, messaging::Error> {
        let welcome: Vec<&str> = visitors.iter().map(|visitor| **visitor).filter(|visitor| *visitor != "eve").collect();
        let transaction: String = sqlx::query_scalar(
            "WITH noted AS (INSERT INTO visit (visitor) SELECT nullif(v, 'mallory') FROM unnest($1::text[]) AS t (v))
             SELECT pg_current_xact_id()::text",
        )
        .bind(&welcome)
        .fetch_one(unit.tx())
        .await?;
        let answer = |visitor: &&&str| match **visitor {
            "eve" => Err("not you"),
            _ => Ok(CancelOrderResponse { order: Some(Order { order_id: transaction.clone(), ..Order::default() }) }),
        };
        Ok(visitors.iter().map(answer).collect())
    }
}

fn key(request_id: &str, visitor: &str) -> Key {
    let request =
        CancelOrderRequest { request_id: request_id.to_owned(), note: visitor.to_owned(), ..Default::default() };
    Key::new(&Caller::Anonymous, request_id, &request).unwrap()
}

type Answer = Result<CancelOrderResponse, CommandError<&'static str>>;

/// Lets visitors come by while the door is held, so that all but the first wait together.
async fn come_together(store: &EventStore, visitors: &[(&str, &'static str)]) -> Vec<Answer> {
    let (door, committer) = group_commit(store.clone(), Doorman);
    let visits = visitors.iter().map(|(request_id, visitor)| door.run(key(request_id, visitor), visitor));
    // The committer begins when all have been handed in.
    let begin = async {
        tokio::task::yield_now().await;
        tokio::spawn(committer.run(CancellationToken::new()));
    };
    futures::join!(join_all(visits), begin).0
}

fn transaction(answer: &Answer) -> &str {
    &answer.as_ref().unwrap().order.as_ref().unwrap().order_id
}

async fn noted(store: &EventStore) -> Vec<String> {
    sqlx::query_scalar("SELECT visitor FROM visit ORDER BY id").fetch_all(store.pool()).await.unwrap()
}

#[tokio::test]
async fn commands_that_wait_at_once_share_a_transaction_and_each_has_its_own_answer() {
    let store = store().await;
    let answers = come_together(&store, &[("1", "ada"), ("2", "eve"), ("3", "grace")]).await;
    assert_eq!(transaction(&answers[0]), transaction(&answers[2]));
    assert!(matches!(answers[1], Err(CommandError::Command("not you"))));
    assert_eq!(noted(&store).await, ["ada", "grace"]);
}

#[tokio::test]
async fn a_command_that_comes_twice_takes_effect_once_and_both_get_its_answer() {
    let store = store().await;
    let answers = come_together(&store, &[("1", "ada"), ("1", "ada"), ("2", "grace")]).await;
    assert_eq!(transaction(&answers[0]), transaction(&answers[1]));
    let later = come_together(&store, &[("1", "ada")]).await;
    assert_eq!(transaction(&answers[0]), transaction(&later[0]));
    assert_eq!(noted(&store).await, ["ada", "grace"]);
}

#[tokio::test]
async fn another_command_under_a_key_that_was_used_is_refused_and_the_others_are_not() {
    let store = store().await;
    let answers = come_together(&store, &[("1", "ada"), ("1", "grace"), ("2", "grace")]).await;
    assert!(answers[0].is_ok() && answers[2].is_ok());
    assert!(matches!(answers[1], Err(CommandError::Key(KeyError::Reused))));
    assert_eq!(noted(&store).await, ["ada", "grace"]);
}

#[tokio::test]
async fn one_that_makes_the_transaction_fail_fails_alone() {
    let store = store().await;
    let answers = come_together(&store, &[("1", "ada"), ("2", "mallory"), ("3", "grace")]).await;
    assert!(answers[0].is_ok() && answers[2].is_ok());
    let Err(CommandError::Key(failed)) = &answers[1] else { panic!("{:?}", answers[1]) };
    assert_eq!(failed.kind(), ErrorKind::Internal);
    assert_eq!(noted(&store).await, ["ada", "grace"]);
}

#[tokio::test]
async fn what_was_refused_may_be_tried_again_under_its_key() {
    let store = store().await;
    assert!(come_together(&store, &[("1", "eve")]).await[0].is_err());
    assert!(come_together(&store, &[("1", "ada")]).await[0].is_ok());
}

#[tokio::test]
async fn what_waits_when_the_process_is_told_to_stop_is_answered_and_what_comes_later_is_not_taken() {
    let store = store().await;
    let (door, committer) = group_commit(store.clone(), Doorman);
    let stop = CancellationToken::new();
    stop.cancel();
    let visit = door.run(key("1", "ada"), "ada");
    let begin = async {
        tokio::task::yield_now().await;
        committer.run(stop).await
    };
    let (answer, _) = futures::join!(visit, begin);
    assert!(answer.is_ok());
    let late = door.run(key("2", "grace"), "grace").await;
    assert!(matches!(late, Err(CommandError::Key(KeyError::Stopping))));
}
