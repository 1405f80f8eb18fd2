//! Who may call which RPC, as `tradewind.options.v1.access` states it in the protos.

/// A role that a token carries in its `roles` claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// A shopper; acts on what they own.
    Buyer,
    /// A shop's employee; acts for the seller that the token names.
    Seller,
    /// An employee of the marketplace.
    Operator,
    /// Another service of the fleet.
    Service,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 4] = [Self::Buyer, Self::Seller, Self::Operator, Self::Service];

    /// The role's name in a token.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Buyer => "buyer",
            Self::Seller => "seller",
            Self::Operator => "operator",
            Self::Service => "service",
        }
    }

    /// The role of that name, if there is one.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }
}

/// What a caller of one RPC must show.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// The RPC's path, such as `/tradewind.orders.v1.OrdersService/GetOrder`.
    pub path: &'static str,
    /// Anyone may call; a token that is sent must still be valid.
    pub public: bool,
    /// The caller has at least one of these.
    pub roles: &'static [Role],
    /// The caller has every one of these.
    pub scopes: &'static [&'static str],
}

include!(concat!(env!("OUT_DIR"), "/access.rs"));

/// The rule of the RPC at `path`. An RPC without one may be called by nobody.
pub fn rule(path: &str) -> Option<&'static Rule> {
    RULES.binary_search_by(|rule| rule.path.cmp(path)).ok().map(|index| &RULES[index])
}

/// Every scope that some RPC asks of `role`: what a token for that role needs to do all that the role may.
pub fn scopes_of(role: Role) -> Vec<&'static str> {
    let mut scopes: Vec<_> =
        RULES.iter().filter(|rule| rule.roles.contains(&role)).flat_map(|rule| rule.scopes).copied().collect();
    scopes.sort_unstable();
    scopes.dedup();
    scopes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rpc_of_the_fleet_has_a_rule_that_can_be_found() {
        for rule in RULES {
            assert_eq!(self::rule(rule.path).map(|found| found.path), Some(rule.path));
            assert!(rule.public || (!rule.roles.is_empty() && !rule.scopes.is_empty()), "{} lets nobody in", rule.path);
        }
        assert!(rule("/tradewind.orders.v1.OrdersService/CancelOrder").is_some());
    }

    #[test]
    fn an_unknown_path_has_no_rule() {
        assert!(rule("/tradewind.orders.v1.OrdersService/Nothing").is_none());
    }

    #[test]
    fn a_buyer_may_not_write_stock() {
        assert!(!scopes_of(Role::Buyer).contains(&"inventory.write"));
        assert!(scopes_of(Role::Buyer).contains(&"checkout.write"));
    }
}
