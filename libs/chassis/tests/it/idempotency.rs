use chassis::Caller;
use chassis::idempotency::{CommandError, Key, KeyError, forget};
use contracts::orders::v1::{CancelOrderRequest, CancelOrderResponse, Order};
use futures::future::join_all;
use kernel::{Classified, ErrorKind};
use messaging::{EventStore, UnitOfWork};
use std::time::Duration;

use crate::support::store;

fn command(note: &str) -> CancelOrderRequest {
    CancelOrderRequest { request_id: "r-1".to_owned(), order_id: "o-1".to_owned(), note: note.to_owned() }
}

fn key(note: &str) -> Key {
    Key::new(&Caller::Anonymous, "r-1", &command(note)).unwrap()
}

/// Notes a visit and answers its number.
async fn visit(unit: &mut UnitOfWork) -> Result<CancelOrderResponse, messaging::Error> {
    let number: i64 =
        sqlx::query_scalar("INSERT INTO visit (visitor) VALUES ('ada') RETURNING id").fetch_one(unit.tx()).await?;
    let order = Order { order_id: number.to_string(), ..Order::default() };
    Ok(CancelOrderResponse { order: Some(order) })
}

async fn visits(store: &EventStore) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM visit").fetch_one(store.pool()).await.unwrap()
}

#[tokio::test]
async fn a_repeated_command_gets_the_first_answer_and_does_nothing() {
    let store = store().await;
    assert_eq!(key("").lookup::<CancelOrderResponse>(&store).await.unwrap(), None);
    let first = key("").run(&store, visit).await.unwrap();
    let second = key("").run(&store, async |_| -> Result<_, messaging::Error> { panic!("ran twice") }).await.unwrap();
    assert_eq!(first, second);
    assert_eq!(key("").lookup(&store).await.unwrap(), Some(first));
    assert_eq!(visits(&store).await, 1);
}

#[tokio::test]
async fn the_same_request_id_with_another_body_is_refused() {
    let store = store().await;
    key("").run(&store, visit).await.unwrap();
    let refusal = key("changed my mind").run(&store, visit).await.unwrap_err();
    assert_eq!((refusal.kind(), refusal.reason()), (ErrorKind::InvalidArgument, "REQUEST_ID_REUSED"));
    assert_eq!(refusal.field_violations()[0].field, "request_id");
    let refusal = key("changed my mind").lookup::<CancelOrderResponse>(&store).await.unwrap_err();
    assert!(matches!(refusal, KeyError::Reused));
    assert_eq!(visits(&store).await, 1);
}

#[tokio::test]
async fn of_many_at_once_one_works_and_all_get_its_answer() {
    let store = store().await;
    let attempts = (0..8).map(|_| {
        let (store, visitor) = (store.clone(), "ada".to_owned());
        tokio::spawn(async move {
            key("")
                .run(&store, async |unit| {
                    assert_eq!(visitor, "ada");
                    visit(unit).await
                })
                .await
                .unwrap()
        })
    });
    let answers: Vec<_> = join_all(attempts).await.into_iter().map(Result::unwrap).collect();
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_eq!(visits(&store).await, 1);
}

#[tokio::test]
async fn what_was_refused_leaves_no_trace_and_may_be_tried_again() {
    let store = store().await;
    let refuse = async |unit: &mut UnitOfWork| -> Result<CancelOrderResponse, messaging::Error> {
        visit(unit).await?;
        Err(messaging::Error::Internal("not today".to_owned()))
    };
    assert!(matches!(key("").run(&store, refuse).await, Err(CommandError::Command(messaging::Error::Internal(_)))));
    assert_eq!(visits(&store).await, 0);
    key("").run(&store, visit).await.unwrap();
    assert_eq!(visits(&store).await, 1);
}

#[tokio::test]
async fn keys_are_forgotten_by_age() {
    let store = store().await;
    key("").run(&store, visit).await.unwrap();
    forget(&store, Duration::from_mins(1)).await.unwrap();
    assert!(key("").lookup::<CancelOrderResponse>(&store).await.unwrap().is_some());
    forget(&store, Duration::ZERO).await.unwrap();
    assert!(key("").lookup::<CancelOrderResponse>(&store).await.unwrap().is_none());
}

#[test]
fn a_request_id_is_short_and_visible() {
    for request_id in ["", " ", "a b", "é", "a\n", &"x".repeat(65)] {
        let refusal = Key::new(&Caller::Anonymous, request_id, &command("")).unwrap_err();
        assert_eq!(refusal.field, "request_id", "{request_id:?}");
    }
    assert!(Key::new(&Caller::Anonymous, &"x".repeat(64), &command("")).is_ok());
}
