use std::path::PathBuf;
use std::time::Duration;

use chassis::auth::dev::{SigningKey, Token};
use contracts::access::Role;
use messaging::Clock;
use uuid::Uuid;

use crate::servers::workspace_root;

/// Tokens of tests are good for that long.
const TTL: Duration = Duration::from_hours(1);

/// Issues tokens that a server with [`crate::settings()`] believes.
pub struct Tokens(SigningKey);

impl Tokens {
    /// The issuer that servers under test believe.
    pub fn new() -> Self {
        // The same in every process, because they share the file with its public half.
        Self(SigningKey::from_seed("test", [7; 32]))
    }

    /// An issuer that nobody believes, under the same name.
    pub fn forger() -> Self {
        Self(SigningKey::from_seed("test", [8; 32]))
    }

    /// A token for a buyer.
    pub fn buyer(&self, buyer_id: Uuid) -> Bearer {
        self.sign(&new_token(Role::Buyer, buyer_id))
    }

    /// A token for somebody who works for a seller.
    pub fn seller(&self, seller_id: Uuid) -> Bearer {
        self.sign(&new_token(Role::Seller, kernel::Id::<Employee>::generate().uuid()).for_seller(seller_id))
    }

    /// A token for an operator.
    pub fn operator(&self) -> Bearer {
        self.sign(&new_token(Role::Operator, kernel::Id::<Employee>::generate().uuid()))
    }

    /// A token for another service.
    pub fn service(&self) -> Bearer {
        self.sign(&new_token(Role::Service, kernel::Id::<Employee>::generate().uuid()))
    }

    /// A token that expired an hour ago.
    pub fn expired(&self, role: Role, subject: Uuid) -> Bearer {
        let token = new_token(role, subject);
        self.sign(&Token { issued_at: token.issued_at - 2 * TTL, expires_at: token.expires_at - 2 * TTL, ..token })
    }

    /// Any other token.
    pub fn sign(&self, token: &Token) -> Bearer {
        Bearer(self.0.sign(token))
    }
}

impl Default for Tokens {
    fn default() -> Self {
        Self::new()
    }
}

/// Names whoever works for a seller or the marketplace; only for their id.
enum Employee {}

fn new_token(role: Role, subject: Uuid) -> Token {
    Token::new(role, subject, Clock::system().now(), TTL)
}

/// A token, as its holder uses it.
#[derive(Debug, Clone)]
pub struct Bearer(String);

impl Bearer {
    /// The token itself.
    pub fn token(&self) -> &str {
        &self.0
    }

    /// A request in the holder's name.
    pub fn request<M>(&self, message: M) -> tonic::Request<M> {
        let mut request = tonic::Request::new(message);
        let value = format!("Bearer {}", self.0).parse().expect("a token is plain ASCII");
        request.metadata_mut().insert("authorization", value);
        request
    }
}

/// The file with the public half of the key of [`Tokens::new`].
pub(crate) fn jwks_file() -> PathBuf {
    let folder = workspace_root().join("target/testkit");
    let file = folder.join("jwks.json");
    if !file.exists() {
        std::fs::create_dir_all(&folder).expect("the target folder can be written");
        // Renamed when it is whole: another test may be reading it.
        let unfinished = folder.join(format!("jwks.{}", rand::random::<u64>()));
        std::fs::write(&unfinished, Tokens::new().0.jwks()).expect("the target folder can be written");
        std::fs::rename(&unfinished, &file).expect("a file can be renamed in its folder");
    }
    file
}
