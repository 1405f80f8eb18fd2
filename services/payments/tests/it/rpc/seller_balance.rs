//! GetSellerBalance: what the marketplace owes a seller.

use contracts::google::r#type::Money as WireMoney;
use kernel::Money;

use super::*;

impl Rpc {
    async fn balances(&self, bearer: &Bearer, seller_id: &str) -> Result<Vec<WireMoney>, Status> {
        let request = bearer.request(wire::GetSellerBalanceRequest { seller_id: seller_id.to_owned() });
        Ok(self.client.clone().get_seller_balance(request).await?.into_inner().balances)
    }
}

fn balance(amount: Money) -> Vec<WireMoney> {
    vec![money_to_wire(amount)]
}

#[tokio::test]
async fn a_seller_is_owed_what_was_delivered_less_the_commission_and_what_went_back() {
    let rpc = Rpc::open().await;
    let first = rpc.captured().await;
    let (seller, seller_id) = (rpc.tokens.seller(first.seller_id.uuid()), first.seller_id.to_string());
    assert_eq!(rpc.balances(&seller, &seller_id).await.unwrap(), []);
    rpc.till.publish_and_wait(&[&first.delivered()]).await;
    assert_eq!(rpc.balances(&seller, &seller_id).await.unwrap(), balance(euros(3_990)));
    let payment = rpc.get_payment(&rpc.tokens.operator(), &first.id.to_string()).await.unwrap();
    assert_eq!(payment.seller_id, seller_id);

    // Another order of theirs, paid at the door.
    let second = Order::for_cash().sold_by(first.seller_id);
    rpc.till.publish(&[&second.created(), &second.reserved(&rpc.till)]).await;
    rpc.till.told(&second, &["PaymentAuthorized"]).await;
    rpc.till.publish_and_wait(&[&second.collected(euros(2_000)), &second.delivered()]).await;
    assert_eq!(rpc.balances(&seller, &seller_id).await.unwrap(), balance(euros(3_990 + 1_900)));

    rpc.till.publish(&[&first.refund_approved(1, euros(4_200))]).await;
    rpc.till.told(&first, &["PaymentAuthorized", "PaymentCaptured", "PaymentRefunded"]).await;
    for bearer in [seller, rpc.tokens.operator(), rpc.tokens.service()] {
        assert_eq!(rpc.balances(&bearer, &seller_id).await.unwrap(), balance(euros(1_900)));
    }
    rpc.till.assert_books_balance().await;
}

#[tokio::test]
async fn a_balance_is_nobody_elses_business() {
    let rpc = Rpc::open().await;
    let (seller_id, other) = (Id::<Order>::generate().to_string(), Id::<Order>::generate().uuid());
    let not_yours = refused(Code::PermissionDenied, "NOT_YOURS", &["seller_id"]);
    assert_eq!(refusal(rpc.balances(&rpc.tokens.seller(other), &seller_id).await), not_yours);
    let role_missing = refused(Code::PermissionDenied, "ROLE_MISSING", &[]);
    assert_eq!(refusal(rpc.balances(&rpc.tokens.buyer(other), &seller_id).await), role_missing);
    let invalid = refused(Code::InvalidArgument, "INVALID_REQUEST", &["seller_id"]);
    assert_eq!(refusal(rpc.balances(&rpc.tokens.operator(), "7").await), invalid);
}
