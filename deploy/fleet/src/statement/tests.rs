use kernel::{Currency, Timestamp};
use uuid::Uuid;

use super::{Ledger, Posting, Transaction};

/// A transaction so many minutes after nine.
fn posted(minutes: i64, kind: &str, postings: &[(&str, i64)]) -> Transaction {
    let posting = |(account, minor): &(&str, i64)| Posting { account: (*account).to_owned(), minor: *minor };
    Transaction {
        transaction_id: Uuid::from_u128(0x0189_0a5d_ac96_774b_bcce_b302_099a_0000 + minutes as u128),
        at: Timestamp::from_unix_micros(1_772_355_600_000_000 + minutes * 60_000_000),
        kind: kind.to_owned(),
        postings: postings.iter().map(posting).collect(),
    }
}

fn ledger(currency: Currency, transactions: Vec<Transaction>) -> Ledger {
    let order_id = Uuid::from_u128(0x0189_0a5d_ac96_774b_bcce_b302_099a_8057);
    let currency = (!transactions.is_empty()).then_some(currency);
    Ledger { order_id, currency, transactions }
}

#[test]
fn a_statement_has_entries_totals_and_what_it_comes_to() {
    let ledger = ledger(
        Currency::USD,
        vec![
            posted(1, "capture", &[("provider_clearing", 123_456), ("escrow", -123_456)]),
            posted(2, "refund", &[("escrow", 10_000), ("provider_clearing", -10_000)]),
            posted(3, "release", &[("escrow", 113_456), ("seller_balance", -102_111), ("commission", -11_345)]),
            posted(4, "refund", &[("seller_balance", 901), ("commission", 99), ("provider_clearing", -1_000)]),
        ],
    );
    assert!(ledger.balances());
    assert_eq!(
        ledger.to_string(),
        "\
Statement of order 01890a5d-ac96-774b-bcce-b302099a8057, in USD

date                     transaction                           entry    account              debit   credit  held in escrow
2026-03-01 09:01:00 UTC  01890a5d-ac96-774b-bcce-b302099a0001  capture  provider clearing  1234.56
                                                                        escrow                      1234.56         1234.56
2026-03-01 09:02:00 UTC  01890a5d-ac96-774b-bcce-b302099a0002  refund   escrow              100.00                  1134.56
                                                                        provider clearing            100.00
2026-03-01 09:03:00 UTC  01890a5d-ac96-774b-bcce-b302099a0003  release  escrow             1134.56                     0.00
                                                                        seller balance              1021.11
                                                                        commission                   113.45
2026-03-01 09:04:00 UTC  01890a5d-ac96-774b-bcce-b302099a0004  refund   seller balance        9.01
                                                                        commission            0.99
                                                                        provider clearing             10.00
---------------------------------------------------------------------------------------------------------------------------
                                                                        total              2479.12  2479.12            0.00

account              debit   credit     balance
commission            0.99   113.45   112.46 Cr
escrow             1234.56  1234.56     0.00
provider clearing  1234.56   110.00  1124.56 Dr
seller balance        9.01  1021.11  1012.10 Cr
-----------------------------------------------
total              2479.12  2479.12     0.00

the buyer paid      1234.56 USD
the buyer got back   110.00 USD
the seller earned   1012.10 USD
commission           112.46 USD
held in escrow         0.00 USD

Debits and credits are the same: 4 transactions each sum to zero.
"
    );
}

#[test]
fn cash_goes_back_as_credit_and_an_account_that_is_new_is_told_of_by_its_name() {
    let ledger = ledger(
        Currency::JPY,
        vec![
            posted(1, "capture", &[("carrier_clearing", 1_200), ("escrow", -1_200)]),
            posted(2, "refund", &[("escrow", 200), ("buyer_credit", -200)]),
            posted(3, "levy", &[("escrow", 50), ("tax_office", -50)]),
        ],
    );
    assert_eq!(
        ledger.to_string(),
        "\
Statement of order 01890a5d-ac96-774b-bcce-b302099a8057, in JPY

date                     transaction                           entry    account           debit  credit  held in escrow
2026-03-01 09:01:00 UTC  01890a5d-ac96-774b-bcce-b302099a0001  capture  carrier clearing   1200
                                                                        escrow                     1200            1200
2026-03-01 09:02:00 UTC  01890a5d-ac96-774b-bcce-b302099a0002  refund   escrow              200                    1000
                                                                        buyer credit                200
2026-03-01 09:03:00 UTC  01890a5d-ac96-774b-bcce-b302099a0003  levy     escrow               50                     950
                                                                        tax office                   50
-----------------------------------------------------------------------------------------------------------------------
                                                                        total              1450    1450             950

account           debit  credit  balance
buyer credit                200   200 Cr
carrier clearing   1200          1200 Dr
escrow              250    1200   950 Cr
tax office                   50    50 Cr
----------------------------------------
total              1450    1450     0

the buyer paid           1200 JPY
the buyer got back          0 JPY
the buyer got as credit   200 JPY
the seller earned           0 JPY
commission                  0 JPY
held in escrow            950 JPY
tax office                 50 JPY

Debits and credits are the same: 3 transactions each sum to zero.
"
    );
}

#[test]
fn a_transaction_that_does_not_balance_is_named() {
    let ledger = ledger(Currency::USD, vec![posted(1, "capture", &[("provider_clearing", 1_000), ("escrow", -999)])]);
    assert!(!ledger.balances());
    let text = ledger.to_string();
    let end = "
THIS STATEMENT DOES NOT BALANCE.
Transaction 01890a5d-ac96-774b-bcce-b302099a0001 is off by 0.01 USD.
";
    assert!(text.ends_with(end), "{text}");
    assert!(text.contains("total"), "{text}");
}

#[test]
fn where_no_money_has_moved_nothing_is_posted() {
    assert_eq!(
        ledger(Currency::USD, Vec::new()).to_string(),
        "Statement of order 01890a5d-ac96-774b-bcce-b302099a8057\n\nNothing was posted: no money has moved.\n"
    );
}
