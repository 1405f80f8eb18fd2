use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chassis::jobs;
use kernel::{Classified, ErrorKind};
use messaging::EventStore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::support::{eventually, store};

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
    let job = move || {
        counter.fetch_add(1, Ordering::SeqCst);
        async { Err(Stuck) }
    };
    let ended = tokio::spawn(jobs::every(PERIOD, "tidy", store.pool().clone(), stop.clone(), job));
    Replica { runs, stop, ended }
}

impl Replica {
    async fn works(&self) {
        let before = self.runs.load(Ordering::SeqCst);
        eventually("the job runs", async || (self.runs.load(Ordering::SeqCst) >= before + 3).then_some(())).await;
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
