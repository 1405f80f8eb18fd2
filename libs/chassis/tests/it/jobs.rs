use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chassis::jobs;
use kernel::{Classified, ErrorKind};
use messaging::EventStore;
use testkit::eventually;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::support::{settings, store};

const PERIOD: Duration = Duration::from_millis(20);

#[derive(Debug, thiserror::Error)]
#[error("the shelf is stuck")]
struct Stuck;

impl Classified for Stuck {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Internal
    }

    fn reason(&self) -> &'static str {
        "STUCK"
    }
}

struct Replica {
    runs: Arc<AtomicUsize>,
    stop: CancellationToken,
    ended: JoinHandle<Result<(), Infallible>>,
}

/// A replica whose job fails every time.
fn replica(store: &EventStore) -> Replica {
    let (runs, stop) = (Arc::new(AtomicUsize::new(0)), CancellationToken::new());
    let counter = Arc::clone(&runs);
    let job = async move || {
        counter.fetch_add(1, Ordering::SeqCst);
        Err(Stuck)
    };
    let ended = tokio::spawn(jobs::every(PERIOD, "tidy", store.pool().clone(), stop.clone(), job));
    Replica { runs, stop, ended }
}

impl Replica {
    async fn works(&self) {
        let before = self.runs.load(Ordering::SeqCst);
        eventually("the job runs", async || self.runs.load(Ordering::SeqCst) >= before + 3).await;
    }
}

#[tokio::test]
async fn a_job_runs_on_one_replica_and_outlives_its_failures() {
    let store = store().await;
    let first = replica(&store);
    first.works().await;
    let second = replica(&store);
    first.works().await;
    assert_eq!(second.runs.load(Ordering::SeqCst), 0);

    first.stop.cancel();
    first.ended.await.unwrap().unwrap();
    second.works().await;
}

#[tokio::test]
async fn a_run_for_an_operator_and_one_that_is_due_are_never_at_once() {
    let store = store().await;
    let busy = Arc::new(AtomicUsize::new(0));
    let run = |busy: Arc<AtomicUsize>| async move {
        assert_eq!(busy.fetch_add(1, Ordering::SeqCst), 0, "another run is under way");
        tokio::time::sleep(PERIOD).await;
        busy.fetch_sub(1, Ordering::SeqCst);
        Ok::<_, messaging::Error>(())
    };
    let (stop, runs) = (CancellationToken::new(), Arc::new(AtomicUsize::new(0)));
    let (counter, shared) = (Arc::clone(&runs), Arc::clone(&busy));
    let due = async move || {
        counter.fetch_add(1, Ordering::SeqCst);
        run(Arc::clone(&shared)).await
    };
    let ended = tokio::spawn(jobs::every(PERIOD, "tidy", store.pool().clone(), stop.clone(), due));
    eventually("the job runs", async || runs.load(Ordering::SeqCst) >= 1).await;
    for _ in 0..5 {
        jobs::now("tidy", store.pool(), run(Arc::clone(&busy))).await.unwrap();
    }
    let before = runs.load(Ordering::SeqCst);
    eventually("the job runs again", async || runs.load(Ordering::SeqCst) > before).await;
    stop.cancel();
    ended.await.unwrap().unwrap();
}

#[tokio::test]
async fn housekeeping_forgets_the_answers_whose_retention_is_over() {
    let store = store().await;
    let insert =
        "INSERT INTO idempotency_key VALUES ('guest', 'Visit', 'r-1', sha256(''), '', now() - interval '1 hour')";
    sqlx::query(insert).execute(store.pool()).await.unwrap();
    let stop = CancellationToken::new();
    let settings = settings(&["--idempotency-retention=59m"]);
    let ended = tokio::spawn(jobs::housekeeping(store.clone(), &settings, stop.clone()));
    eventually("the answer is forgotten", async || {
        let kept: i64 =
            sqlx::query_scalar("SELECT count(*) FROM idempotency_key").fetch_one(store.pool()).await.unwrap();
        kept == 0
    })
    .await;
    stop.cancel();
    ended.await.unwrap().unwrap();
}
