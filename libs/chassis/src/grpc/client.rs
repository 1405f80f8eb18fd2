use std::task::{Context, Poll};
use std::time::Duration;

use anyhow::Context as _;
use kernel::{Classified, ErrorKind};
use tonic::body::Body;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use tower::Service;

use super::{deadline, trace};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(20);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(5);

/// The way to another service. Every call carries the time that is left for the request being served, and its trace. It
/// carries no token unless the request was made with [`Caller::request`](crate::Caller::request).
///
/// ```no_run
/// use std::time::Duration;
///
/// use contracts::cart::v1::cart_service_client::CartServiceClient;
///
/// # fn connect() -> anyhow::Result<()> {
/// let cart = CartServiceClient::new(chassis::grpc::Peer::new("http://cart:50051", Duration::from_secs(2))?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Peer {
    channel: Channel,
    timeout_max: Duration,
}

impl Peer {
    /// The way to the service at `urls` (see [`channel`]). No call gets more time than `timeout_max`.
    ///
    /// # Errors
    /// One of `urls` is no URL.
    pub fn new(urls: &str, timeout_max: Duration) -> anyhow::Result<Self> {
        Ok(Self { channel: channel(urls)?, timeout_max })
    }
}

/// A channel to a service. `urls` is that of each of its replicas, separated by commas; calls are spread over them. Connects at
/// the first call, and again when a connection is lost. A call that meets a replica that is away fails.
///
/// # Errors
/// One of `urls` is no URL.
pub fn channel(urls: &str) -> anyhow::Result<Channel> {
    let endpoints = urls.split(',').map(endpoint).collect::<anyhow::Result<Vec<_>>>()?;
    Ok(match endpoints.as_slice() {
        [only] => only.connect_lazy(),
        _ => Channel::balance_list(endpoints.into_iter()),
    })
}

fn endpoint(url: &str) -> anyhow::Result<Endpoint> {
    Ok(Endpoint::from_shared(url.trim().to_owned())
        .with_context(|| format!("{url} is no URL of a service"))?
        .connect_timeout(CONNECT_TIMEOUT)
        .http2_keep_alive_interval(KEEPALIVE_INTERVAL)
        .keep_alive_timeout(KEEPALIVE_TIMEOUT)
        .tcp_nodelay(true))
}

impl Service<http::Request<Body>> for Peer {
    type Response = http::Response<Body>;
    type Error = tonic::transport::Error;
    type Future = <Channel as Service<http::Request<Body>>>::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.channel.poll_ready(context)
    }

    fn call(&mut self, mut request: http::Request<Body>) -> Self::Future {
        deadline::pass_on(request.headers_mut(), self.timeout_max);
        trace::inject(request.headers_mut());
        self.channel.call(request)
    }
}

/// Another service did not answer, or not what the caller of this one can be told. An answer that is expected, such as
/// `NOT_FOUND`, is looked at before: [`PeerError::code`], [`PeerError::peer_reason`].
#[derive(Debug, thiserror::Error)]
#[error("{peer}: {:?}: {}", status.code(), status.message())]
pub struct PeerError {
    peer: &'static str,
    status: Box<Status>,
}

impl PeerError {
    /// What `peer` answered.
    pub fn new(peer: &'static str, status: Status) -> Self {
        Self { peer, status: Box::new(status) }
    }

    /// The code of the answer.
    pub fn code(&self) -> Code {
        self.status.code()
    }

    /// The reason that the peer stated, such as `SKU_UNKNOWN`.
    pub fn peer_reason(&self) -> Option<String> {
        self.status.get_details_error_info().map(|info| info.reason)
    }
}

impl Classified for PeerError {
    fn kind(&self) -> ErrorKind {
        match self.status.code() {
            // A client's own timer ends a call as cancelled.
            Code::DeadlineExceeded | Code::Cancelled => ErrorKind::DeadlineExceeded,
            // It is not there or has no room, or has a fault that it may not have next time.
            Code::Unavailable
            | Code::ResourceExhausted
            | Code::Aborted
            | Code::Unknown
            | Code::Internal
            | Code::DataLoss => ErrorKind::Unavailable,
            // We asked something that we should not have, or did not expect this answer.
            Code::Ok
            | Code::InvalidArgument
            | Code::NotFound
            | Code::AlreadyExists
            | Code::PermissionDenied
            | Code::FailedPrecondition
            | Code::OutOfRange
            | Code::Unimplemented
            | Code::Unauthenticated => ErrorKind::Internal,
        }
    }

    fn reason(&self) -> &'static str {
        "PEER_UNAVAILABLE"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_peer_says_does_not_reach_our_caller() {
        for code in [Code::Unavailable, Code::Internal, Code::InvalidArgument, Code::Cancelled] {
            let told = crate::status(PeerError::new("cart", Status::new(code, "connect to 10.0.0.7 refused")));
            assert!(!format!("{told:?}").contains("10.0.0.7"), "{told:?}");
        }
    }

    #[test]
    fn a_peer_that_is_down_makes_us_unavailable_and_a_wrong_question_is_our_fault() {
        let kind = |code| PeerError::new("cart", Status::new(code, "")).kind();
        assert_eq!(kind(Code::Unavailable), ErrorKind::Unavailable);
        assert_eq!(kind(Code::Cancelled), ErrorKind::DeadlineExceeded);
        assert_eq!(kind(Code::InvalidArgument), ErrorKind::Internal);
    }
}
