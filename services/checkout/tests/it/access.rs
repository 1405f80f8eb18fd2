//! Who may see and do what.

use contracts::access::Role;
use contracts::checkout::v1::{GetCheckoutRequest, WatchCheckoutRequest};
use testkit::{Bearer, Tokens};
use tonic::{Code, Request};

use crate::desk::{Desk, Refused, new_uuid, refusal, submission};

async fn get(desk: &Desk, bearer: &Bearer, checkout_id: &str) -> Result<String, Refused> {
    let request = bearer.request(GetCheckoutRequest { checkout_id: checkout_id.to_owned() });
    let answer = desk.client.clone().get_checkout(request).await;
    Ok(answer.map_err(|status| crate::desk::refused(&status))?.into_inner().checkout.unwrap().checkout_id)
}

async fn watch(desk: &Desk, bearer: &Bearer, checkout_id: &str) -> Result<(), Refused> {
    let request = bearer.request(WatchCheckoutRequest { checkout_id: checkout_id.to_owned() });
    desk.client.clone().watch_checkout(request).await.map(drop).map_err(|status| crate::desk::refused(&status))
}

#[tokio::test]
async fn a_checkout_is_seen_by_its_buyer_and_by_operators_alone() {
    let desk = Desk::open_with_a_cart().await;
    let checkout_id = desk.check_out().await.checkout_id;
    for may in [&desk.buyer, &desk.operator] {
        assert_eq!(get(&desk, may, &checkout_id).await.unwrap(), checkout_id);
        assert!(watch(&desk, may, &checkout_id).await.is_ok());
    }
    let not_found = (Code::NotFound, "CHECKOUT_NOT_FOUND");
    assert_eq!(get(&desk, &desk.other_buyer, &checkout_id).await.unwrap_err().code_and_reason(), not_found);
    assert_eq!(watch(&desk, &desk.other_buyer, &checkout_id).await.unwrap_err().code_and_reason(), not_found);
}

#[tokio::test]
async fn an_unknown_checkout_is_not_found_and_a_malformed_id_is_named() {
    let desk = Desk::open().await;
    let unknown = new_uuid().to_string();
    let not_found = (Code::NotFound, "CHECKOUT_NOT_FOUND");
    assert_eq!(get(&desk, &desk.buyer, &unknown).await.unwrap_err().code_and_reason(), not_found);
    assert_eq!(watch(&desk, &desk.buyer, &unknown).await.unwrap_err().code_and_reason(), not_found);
    for refused in [get(&desk, &desk.buyer, "17").await.unwrap_err(), watch(&desk, &desk.buyer, "").await.unwrap_err()]
    {
        assert_eq!(refused.code_and_reason(), (Code::InvalidArgument, "INVALID_REQUEST"));
        assert_eq!(refused.fields, ["checkout_id"]);
    }
}

#[tokio::test]
async fn only_buyers_make_quotes_and_submit_them() {
    let desk = Desk::open_with_a_cart().await;
    let request = submission(&desk.quote().await);
    for bearer in [desk.tokens.seller(new_uuid()), desk.operator.clone(), desk.tokens.service()] {
        let quoted = desk.client.clone().create_quote(bearer.request(desk.quote_request())).await;
        assert_eq!(refusal(quoted).code_and_reason(), (Code::PermissionDenied, "ROLE_MISSING"));
        let submitted = desk.client.clone().submit_checkout(bearer.request(request.clone())).await;
        assert_eq!(refusal(submitted).code_and_reason(), (Code::PermissionDenied, "ROLE_MISSING"));
    }
}

#[tokio::test]
async fn a_missing_expired_or_forged_token_lets_nobody_in() {
    let desk = Desk::open_with_a_cart().await;
    let request = submission(&desk.quote().await);
    let answer = desk.client.clone().submit_checkout(Request::new(request.clone())).await;
    assert_eq!(refusal(answer).code_and_reason(), (Code::Unauthenticated, "TOKEN_MISSING"));
    let expired = desk.tokens.expired(Role::Buyer, desk.buyer_id);
    let answer = desk.client.clone().submit_checkout(expired.request(request.clone())).await;
    assert_eq!(refusal(answer).code_and_reason(), (Code::Unauthenticated, "TOKEN_EXPIRED"));
    let forged = Tokens::forger().buyer(desk.buyer_id);
    let answer = desk.client.clone().submit_checkout(forged.request(request)).await;
    assert_eq!(refusal(answer).code_and_reason(), (Code::Unauthenticated, "TOKEN_INVALID"));
    assert_eq!(desk.count("checkout").await, 0);
}
