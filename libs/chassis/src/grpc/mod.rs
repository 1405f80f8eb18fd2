//! The gRPC server with its limits, and clients of other services.

mod client;
mod deadline;
mod overload;
mod server;
mod streams;
mod trace;
mod wire;

use std::collections::HashSet;
use std::sync::LazyLock;

pub use client::{Peer, PeerError, channel};
pub use deadline::time_left;
pub use server::Server;

/// What anyone may ask of any server: whether it is healthy, and which RPCs it has. No limit and no rule applies.
pub(crate) fn is_open(path: &str) -> bool {
    path.starts_with("/grpc.health.v1.Health/") || path.starts_with("/grpc.reflection.v1.ServerReflection/")
}

/// Whether the answer of an RPC is a stream, which may go on for as long as its caller listens.
fn is_streaming(path: &str) -> bool {
    static STREAMING: LazyLock<HashSet<String>> = LazyLock::new(|| {
        let services = contracts::event::DESCRIPTORS.services();
        let methods = services.flat_map(|service| service.methods().collect::<Vec<_>>());
        methods
            .filter(prost_reflect::MethodDescriptor::is_server_streaming)
            .map(|method| format!("/{}/{}", method.parent_service().full_name(), method.name()))
            .collect()
    });
    STREAMING.contains(path) || is_open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_rpcs_that_answer_with_a_stream_are_streaming() {
        assert!(is_streaming("/tradewind.checkout.v1.CheckoutService/WatchCheckout"));
        assert!(!is_streaming("/tradewind.checkout.v1.CheckoutService/GetCheckout"));
    }
}
