//! What orders do in each saga. Pure: the same functions run in the service, in the tests and in the model checker.

pub mod checkout;
