//! The public contract of Tradewind: the code generated from `proto/`, and what turns it into [`kernel`] values.
//!
//! - [`products`], [`cart`], [`checkout`], [`orders`], [`inventory`], [`payments`], [`shipping`]: messages, clients, servers, by package.
//! - [`event`]: an event's type name, its topic, and its payload as JSON for a person to read.
//! - [`access`]: who may call which RPC, read from the protos when this crate is built.
//! - [`convert`]: money, time and ids, from the wire and back.
//!
//! No rule of the business lives here.

pub mod access;
pub mod convert;
pub mod event;

/// `google.type`, from its documented fields.
pub mod google {
    /// `google.api`: only gateways read it.
    #[allow(missing_docs, clippy::pedantic, reason = "generated")]
    pub mod api {
        include!(concat!(env!("OUT_DIR"), "/google.api.rs"));
    }
    /// Money and addresses.
    #[allow(missing_docs, clippy::pedantic, reason = "generated")]
    pub mod r#type {
        include!(concat!(env!("OUT_DIR"), "/google.r#type.rs"));
    }
}

/// The packages, nested as the generated code expects them.
mod tradewind {
    /// Package `tradewind.products`.
    pub mod products {
        /// Version 1.
        #[allow(missing_docs, clippy::pedantic, reason = "generated; the comments are in proto/")]
        pub mod v1 {
            include!(concat!(env!("OUT_DIR"), "/tradewind.products.v1.rs"));
        }
    }
    /// Package `tradewind.cart`.
    pub mod cart {
        /// Version 1.
        #[allow(missing_docs, clippy::pedantic, reason = "generated; the comments are in proto/")]
        pub mod v1 {
            include!(concat!(env!("OUT_DIR"), "/tradewind.cart.v1.rs"));
        }
    }
    /// Package `tradewind.checkout`.
    pub mod checkout {
        /// Version 1.
        #[allow(missing_docs, clippy::pedantic, reason = "generated; the comments are in proto/")]
        pub mod v1 {
            include!(concat!(env!("OUT_DIR"), "/tradewind.checkout.v1.rs"));
        }
    }
    /// Package `tradewind.orders`.
    pub mod orders {
        /// Version 1.
        #[allow(missing_docs, clippy::pedantic, reason = "generated; the comments are in proto/")]
        pub mod v1 {
            include!(concat!(env!("OUT_DIR"), "/tradewind.orders.v1.rs"));
        }
    }
    /// Package `tradewind.inventory`.
    pub mod inventory {
        /// Version 1.
        #[allow(missing_docs, clippy::pedantic, reason = "generated; the comments are in proto/")]
        pub mod v1 {
            include!(concat!(env!("OUT_DIR"), "/tradewind.inventory.v1.rs"));
        }
    }
    /// Package `tradewind.payments`.
    pub mod payments {
        /// Version 1.
        #[allow(missing_docs, clippy::pedantic, reason = "generated; the comments are in proto/")]
        pub mod v1 {
            include!(concat!(env!("OUT_DIR"), "/tradewind.payments.v1.rs"));
        }
    }
    /// Package `tradewind.shipping`.
    pub mod shipping {
        /// Version 1.
        #[allow(missing_docs, clippy::pedantic, reason = "generated; the comments are in proto/")]
        pub mod v1 {
            include!(concat!(env!("OUT_DIR"), "/tradewind.shipping.v1.rs"));
        }
    }
}

pub use tradewind::{cart, checkout, inventory, orders, payments, products, shipping};
