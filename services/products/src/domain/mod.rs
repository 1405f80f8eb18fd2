//! What products decides. Pure: no IO, no clock, no wire types.
//!
//! - [`product`]: a product and the states that it goes through
//! - [`variant`], [`option`], [`price`], [`description`]: what it is made of
//! - [`new_product`]: the rules that the parts of a new product keep between them
//! - [`authority`], [`listing`]: for whom a caller may act, and what they get to see
//! - [`event`], [`error`]: what goes out, what is refused

pub mod authority;
pub mod description;
pub mod error;
pub mod event;
pub mod ids;
pub mod listing;
pub mod new_product;
pub mod option;
pub mod price;
pub mod product;
pub mod variant;

pub use authority::Authority;
pub use description::Description;
pub use error::Refusal;
pub use event::Event;
pub use ids::{ProductId, SellerId};
pub use listing::Listing;
pub use new_product::{NewProduct, NewVariant};
pub use option::{OptionName, OptionValue, ProductOption};
pub use price::{Price, UnitPrice};
pub use product::{Product, Status, Title};
pub use variant::{Variant, Weight};
