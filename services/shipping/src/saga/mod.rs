//! What shipping does in each saga. Pure: the same functions run in the service and in the tests.

pub mod fulfilment;
