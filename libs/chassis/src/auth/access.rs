use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use contracts::access::{self, Role, Rule};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use tonic::metadata::{Ascii, MetadataValue};

use super::{Caller, Denied, Principal, Verifier};
use crate::grpc::is_open;
use crate::status;

/// Lets a request through to its handler if the RPC's rule does, and tells the handler who calls.
pub(crate) async fn authorise(State(verifier): State<Verifier>, mut request: Request, next: Next) -> Response {
    match admit(&verifier, request.uri().path(), request.headers()).await {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(denied) => status(denied).into_http(),
    }
}

async fn admit(verifier: &Verifier, path: &str, headers: &HeaderMap) -> Result<Caller, Denied> {
    if is_open(path) {
        return Ok(Caller::Anonymous);
    }
    let rule = access::rule(path).ok_or(Denied::NoRule)?;
    let caller = match headers.get(AUTHORIZATION) {
        None => Caller::Anonymous,
        Some(header) => {
            let header = MetadataValue::<Ascii>::try_from(header.as_bytes()).map_err(|_| Denied::TokenInvalid)?;
            Caller::Principal(verifier.verify(&header).await?)
        }
    };
    if !rule.public {
        check(rule, caller.principal()?)?;
    }
    Ok(caller)
}

fn check(rule: &'static Rule, principal: &Principal) -> Result<(), Denied> {
    if !rule.roles.iter().any(|&role| principal.has_role(role)) {
        return Err(Denied::RoleMissing(rule.roles.iter().copied().map(Role::as_str).collect()));
    }
    match rule.scopes.iter().find(|scope| !principal.scopes.iter().any(|held| held == *scope)) {
        Some(missing) => Err(Denied::ScopeMissing(missing)),
        None => Ok(()),
    }
}
