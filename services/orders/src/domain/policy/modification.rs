//! Modification: until when what was agreed may change.

use kernel::Mutant;

use crate::domain::status::Status;

/// Whether units may be taken away from an order that stands there, or become orders of their own. Once it is CONFIRMED the capture is asked for, and
/// in cash the goods may leave: from then on what is not wanted is cancelled, or goes back as a refund.
pub fn is_modifiable(status: Status) -> bool {
    match status {
        Status::Created => true,
        Status::Confirmed => Mutant::ModifyAfterConfirmation.is_active(),
        Status::Paid
        | Status::Shipped
        | Status::Delivered
        | Status::Refunded
        | Status::Closed
        | Status::Failed(_)
        | Status::Cancelled(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::where_it_is;
    use super::*;

    #[test]
    fn an_order_is_modified_before_it_is_confirmed_and_never_after() {
        let modifiable = where_it_is(|standing, _| is_modifiable(standing.status));
        assert_eq!(modifiable, ["prepaid CREATED", "cash CREATED"]);
    }
}
