//! What cart decides. Pure: no IO, no clock, no wire types.
//!
//! - [`cart`]: a cart and what may become of it
//! - [`mod@line`]: one SKU in it, with the price that its buyer saw
//! - [`offer`]: what products says of a SKU
//! - [`owner`]: whose cart it is, and who may open it
//! - [`guest_token`]: the secret that opens a guest's cart
//! - [`event`], [`error`]: what goes out, what is refused

pub mod cart;
pub mod error;
pub mod event;
pub mod guest_token;
pub mod ids;
pub mod line;
pub mod offer;
pub mod owner;

pub use cart::Cart;
pub use error::Refusal;
pub use event::Event;
pub use guest_token::{GuestToken, GuestTokenHash, GuestTokenSecret};
pub use ids::{BuyerId, CartId, ProductId, SellerId};
pub use line::{Item, Line, LineQuantity, SeenPrice};
pub use offer::Offer;
pub use owner::{Owner, Visitor};
