//! Who calls, and whether they may.
//!
//! A caller shows a bearer token: a JWT signed with EdDSA, verified against the keys of a JWKS. The server holds it against
//! the rule that the RPC's proto option states, before any handler runs; an RPC without a rule is closed to everyone.
//! A handler asks [`caller`] who it is and decides what belongs to them.

mod access;
mod claims;
pub mod dev;
mod keys;
mod service_token;
mod verifier;

use std::sync::Arc;

use contracts::access::Role;
use kernel::{Classified, ErrorKind, Id};
use tonic::metadata::{Ascii, MetadataValue};
use uuid::Uuid;

pub(crate) use access::authorise;
pub use service_token::ServiceToken;
pub use verifier::Verifier;

/// Who calls.
#[derive(Clone, Debug)]
pub enum Caller {
    /// Nobody we know: the RPC is public, and no token was sent.
    Anonymous,
    /// The holder of a valid token.
    Principal(Arc<Principal>),
}

/// Who calls. Without the server in front, as in a unit test, it is nobody.
pub fn caller<T>(request: &tonic::Request<T>) -> Caller {
    request.extensions().get().cloned().unwrap_or(Caller::Anonymous)
}

impl Caller {
    /// The holder of a token.
    ///
    /// # Errors
    /// [`Denied::TokenMissing`] for anonymous callers. The server lets none reach an RPC that is not public.
    pub fn principal(&self) -> Result<&Principal, Denied> {
        match self {
            Self::Principal(principal) => Ok(principal),
            Self::Anonymous => Err(Denied::TokenMissing),
        }
    }

    /// The buyer, if the caller is one.
    pub fn buyer_id<T>(&self) -> Option<Id<T>> {
        self.principal().ok()?.buyer_id()
    }

    /// Whether this is an employee of the marketplace.
    pub fn is_operator(&self) -> bool {
        self.principal().is_ok_and(Principal::is_operator)
    }

    /// Who did something, for histories: `buyer:<id>`, `operator:<id>`, `guest`.
    pub fn actor(&self) -> String {
        self.principal().map_or_else(|_| "guest".to_owned(), Principal::actor)
    }

    /// A request to another service in this caller's name: it carries their token. Use [`tonic::Request::new`] for one in
    /// nobody's name; a token goes nowhere by itself.
    pub fn request<M>(&self, message: M) -> tonic::Request<M> {
        let mut request = tonic::Request::new(message);
        if let Self::Principal(principal) = self {
            request.metadata_mut().insert("authorization", principal.authorization.clone());
        }
        request
    }
}

/// The holder of a valid token.
#[derive(Clone, Debug)]
pub struct Principal {
    /// Whom the token was issued to.
    pub subject: Uuid,
    /// What they are.
    pub roles: Vec<Role>,
    /// What the token may be used for, such as `orders.read`.
    pub scopes: Vec<String>,
    /// The seller that a shop's employee acts for.
    pub seller_id: Option<Uuid>,
    /// The header that it came in; marked sensitive, so that it is never logged.
    authorization: MetadataValue<Ascii>,
}

impl Principal {
    /// Whether the token names that role.
    pub fn has_role(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// The buyer, if this is one.
    pub fn buyer_id<T>(&self) -> Option<Id<T>> {
        self.has_role(Role::Buyer).then(|| Id::from_uuid(self.subject))
    }

    /// The seller that this acts for, if any.
    pub fn seller_id<T>(&self) -> Option<Id<T>> {
        self.seller_id.filter(|_| self.has_role(Role::Seller)).map(Id::from_uuid)
    }

    /// Whether this is the buyer of that id.
    pub fn is_buyer<T>(&self, buyer: Id<T>) -> bool {
        self.buyer_id() == Some(buyer)
    }

    /// Whether this is an employee of that seller.
    pub fn acts_for_seller<T>(&self, seller: Id<T>) -> bool {
        self.seller_id() == Some(seller)
    }

    /// Whether this is an employee of the marketplace, who acts for anyone.
    pub fn is_operator(&self) -> bool {
        self.has_role(Role::Operator)
    }

    /// Whether this is another service of the fleet.
    pub fn is_service(&self) -> bool {
        self.has_role(Role::Service)
    }

    /// Who did something, for histories: the widest role and the subject, such as `operator:<id>`.
    pub fn actor(&self) -> String {
        let widest =
            [Role::Operator, Role::Service, Role::Seller, Role::Buyer].into_iter().find(|&role| self.has_role(role));
        format!("{}:{}", widest.map_or("unknown", Role::as_str), self.subject)
    }
}

/// Why a call was not let through.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// The RPC is not public, and no token was sent.
    #[error("a bearer token is needed")]
    TokenMissing,
    /// The token was good once.
    #[error("the token has expired")]
    TokenExpired,
    /// The token is malformed, forged, not for us, not valid yet, or signed with a key that we do not know.
    #[error("the token is not valid")]
    TokenInvalid,
    /// The token names none of the roles that the RPC is open to.
    #[error("this needs one of the roles {}", .0.join(", "))]
    RoleMissing(Vec<&'static str>),
    /// The token lacks a scope that the RPC asks for.
    #[error("this needs the scope {0}")]
    ScopeMissing(&'static str),
    /// Nothing says who may call this RPC, so nobody may.
    #[error("there is no such RPC that anyone may call")]
    NoRule,
}

impl Classified for Denied {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::TokenMissing | Self::TokenExpired | Self::TokenInvalid => ErrorKind::Unauthenticated,
            Self::RoleMissing(_) | Self::ScopeMissing(_) | Self::NoRule => ErrorKind::PermissionDenied,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::TokenMissing => "TOKEN_MISSING",
            Self::TokenExpired => "TOKEN_EXPIRED",
            Self::TokenInvalid => "TOKEN_INVALID",
            Self::RoleMissing(_) => "ROLE_MISSING",
            Self::ScopeMissing(_) => "SCOPE_MISSING",
            Self::NoRule => "NO_RULE",
        }
    }
}
