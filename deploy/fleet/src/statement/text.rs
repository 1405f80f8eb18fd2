//! The statement, as text.

use std::collections::BTreeMap;
use std::fmt;

use kernel::{Currency, Money};

use super::ledger::{Ledger, Posting, Transaction};
use crate::story::text::date;

/// The account whose balance runs along.
const ESCROW: &str = "escrow";
/// What the seller may have paid out.
const SELLER: &str = "seller_balance";
/// What the marketplace keeps.
const COMMISSION: &str = "commission";
/// What a buyer of ours has with us.
const CREDIT: &str = "buyer_credit";
/// What others took from the buyer for us, and give back, goes over accounts whose names end like this.
const CLEARING: &str = "_clearing";

impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(currency) = self.currency else {
            return writeln!(f, "Statement of order {}\n\nNothing was posted: no money has moved.", self.order_id);
        };
        writeln!(f, "Statement of order {}, in {currency}\n", self.order_id)?;
        let statement = Statement { ledger: self, currency };
        statement.entries(f)?;
        statement.accounts(f)?;
        statement.outcome(f)?;
        statement.proof(f)
    }
}

struct Statement<'a> {
    ledger: &'a Ledger,
    currency: Currency,
}

/// Debits and credits, both above zero or zero.
#[derive(Default)]
struct Sums {
    debit: i64,
    credit: i64,
}

impl Sums {
    fn of<'a>(postings: impl Iterator<Item = &'a Posting>) -> Self {
        let mut sums = Self::default();
        for posting in postings {
            sums.add(posting);
        }
        sums
    }

    fn add(&mut self, posting: &Posting) {
        self.debit += posting.minor.max(0);
        self.credit -= posting.minor.min(0);
    }
}

impl Statement<'_> {
    fn entries(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rows =
            vec![["date", "transaction", "entry", "account", "debit", "credit", "held in escrow"].map(str::to_owned)];
        let mut held = 0;
        for transaction in &self.ledger.transactions {
            let Transaction { transaction_id, at, kind, postings } = transaction;
            for (n, posting) in postings.iter().enumerate() {
                let of_first = |text: String| if n == 0 { text } else { String::new() };
                let escrow = if posting.account == ESCROW {
                    held -= posting.minor;
                    self.amount(held)
                } else {
                    String::new()
                };
                let account = spoken(&posting.account);
                let [debit, credit] = self.columns(&Sums::of(std::iter::once(posting)));
                let [date, id] = [date(*at), transaction_id.to_string()].map(of_first);
                rows.push([date, id, of_first(spoken(kind)), account, debit, credit, escrow]);
            }
        }
        let all = Sums::of(self.ledger.postings());
        let [debit, credit] = self.columns(&all);
        let [blank, nothing, none] = [const { String::new() }; 3];
        table(f, &rows, &[blank, nothing, none, "total".to_owned(), debit, credit, self.amount(held)], 4)
    }

    fn accounts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut by_account: BTreeMap<&str, Sums> = BTreeMap::new();
        for posting in self.ledger.postings() {
            by_account.entry(&posting.account).or_default().add(posting);
        }
        let mut rows = vec![["account", "debit", "credit", "balance"].map(str::to_owned)];
        for (account, sums) in &by_account {
            let [debit, credit] = self.columns(sums);
            rows.push([spoken(account), debit, credit, self.balance(sums)]);
        }
        let all = Sums::of(self.ledger.postings());
        let [debit, credit] = self.columns(&all);
        writeln!(f)?;
        table(f, &rows, &["total".to_owned(), debit, credit, self.balance(&all)], 1)
    }

    /// What it comes to. Every account is told of once, so the first line is the sum of the others.
    fn outcome(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of =
            |belongs: fn(&str) -> bool| Sums::of(self.ledger.postings().filter(|posting| belongs(&posting.account)));
        let taken = of(|account| account.ends_with(CLEARING));
        let credit = of(|account| account == CREDIT);
        let owed = |sums: Sums| sums.credit - sums.debit;
        let mut lines =
            vec![("the buyer paid".to_owned(), taken.debit), ("the buyer got back".to_owned(), taken.credit)];
        if credit.credit != 0 {
            lines.push(("the buyer got as credit".to_owned(), owed(credit)));
        }
        lines.push(("the seller earned".to_owned(), owed(of(|account| account == SELLER))));
        lines.push(("commission".to_owned(), owed(of(|account| account == COMMISSION))));
        lines.push(("held in escrow".to_owned(), owed(of(|account| account == ESCROW))));
        let is_told =
            |account: &str| account.ends_with(CLEARING) || [CREDIT, SELLER, COMMISSION, ESCROW].contains(&account);
        let mut others: BTreeMap<&str, Sums> = BTreeMap::new();
        for posting in self.ledger.postings().filter(|posting| !is_told(&posting.account)) {
            others.entry(&posting.account).or_default().add(posting);
        }
        lines.extend(others.into_iter().map(|(account, sums)| (spoken(account), owed(sums))));

        let lines: Vec<_> = lines.into_iter().map(|(what, minor)| (what, self.amount(minor))).collect();
        let width = |of: fn(&(String, String)) -> usize| lines.iter().map(of).max().unwrap_or_default();
        let (what, amount) = (width(|line| line.0.len()), width(|line| line.1.len()));
        writeln!(f)?;
        lines.iter().try_for_each(|line| writeln!(f, "{:<what$}  {:>amount$} {}", line.0, line.1, self.currency))
    }

    fn proof(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.ledger.transactions.len();
        let unbalanced: Vec<_> =
            self.ledger.transactions.iter().filter(|transaction| !transaction.balances()).collect();
        if unbalanced.is_empty() {
            let each =
                if count == 1 { "1 transaction sums".to_owned() } else { format!("{count} transactions each sum") };
            return writeln!(f, "\nDebits and credits are the same: {each} to zero.");
        }
        writeln!(f, "\nTHIS STATEMENT DOES NOT BALANCE.")?;
        for transaction in unbalanced {
            let Sums { debit, credit } = Sums::of(transaction.postings.iter());
            let (id, off) = (transaction.transaction_id, self.amount(debit - credit));
            writeln!(f, "Transaction {id} is off by {off} {}.", self.currency)?;
        }
        Ok(())
    }

    /// An amount without its currency; all have the same number of decimals.
    fn amount(&self, minor: i64) -> String {
        let text = Money::from_minor(minor, self.currency).to_string();
        text.trim_end_matches(|c: char| !c.is_ascii_digit()).to_owned()
    }

    fn columns(&self, sums: &Sums) -> [String; 2] {
        [sums.debit, sums.credit].map(|minor| if minor == 0 { String::new() } else { self.amount(minor) })
    }

    /// `12.00 Cr`: on which side more stands.
    fn balance(&self, sums: &Sums) -> String {
        let balance = sums.debit - sums.credit;
        match balance {
            0 => format!("{}   ", self.amount(0)),
            1.. => format!("{} Dr", self.amount(balance)),
            _ => format!("{} Cr", self.amount(-balance)),
        }
    }
}

/// Rows below their heads, with a line above the last. From the column of that number on they hold amounts.
fn table<const N: usize>(
    f: &mut fmt::Formatter<'_>,
    rows: &[[String; N]],
    last: &[String; N],
    amounts_from: usize,
) -> fmt::Result {
    let width = |column: usize| rows.iter().chain([last]).map(|row| row[column].len()).max().unwrap_or_default();
    let widths: [usize; N] = std::array::from_fn(width);
    let line = |row: &[String; N]| {
        let cell = |(column, (text, width)): (usize, (&String, usize))| {
            if column < amounts_from { format!("{text:<width$}") } else { format!("{text:>width$}") }
        };
        let cells: Vec<_> = row.iter().zip(widths).enumerate().map(cell).collect();
        cells.join("  ").trim_end().to_owned()
    };
    for row in rows {
        writeln!(f, "{}", line(row))?;
    }
    writeln!(f, "{}", "-".repeat(widths.iter().sum::<usize>() + 2 * (N - 1)))?;
    writeln!(f, "{}", line(last))
}

/// `provider clearing` of `provider_clearing`.
fn spoken(name: &str) -> String {
    name.replace('_', " ")
}
