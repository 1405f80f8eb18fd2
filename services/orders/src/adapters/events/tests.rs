use contracts::event::all_types;

use super::*;

#[test]
fn every_event_that_is_subscribed_to_is_in_the_contract() {
    let known = all_types();
    for subscription in SUBSCRIPTIONS {
        assert!(known.iter().any(|event_type| event_type == subscription.event), "{}", subscription.event);
    }
}
