//! The journey of goods that go back under a label.

use shipping::domain::fact::{BoughtLabel, Fact};
use shipping::domain::goods_return::ReturnCondition::Resalable;
use shipping::domain::return_label::ReturnParcelStatus;
use testkit::steps::{Journey, Step};

use super::{CARRIER, FIRST_ARRIVES, Goods, SENT_BACK};

const BUYER: &str = "the buyer";

const LABELLED: &str = "ReturnLabelBought";
const MOVED: &str = "ReturnParcelMoved";

const LABEL_BOUGHT: &str = "a label is bought";

impl Goods {
    /// A label is bought for what goes back to the cups' warehouse, or to that of the pot.
    fn label(&self, name: &'static str, place: usize, number: &str) -> Step<Fact> {
        let bought = BoughtLabel {
            order_id: self.order.id,
            return_id: self.of_refund(),
            warehouse_id: self.order.allocations[place].0,
            carrier: "DHL".parse().unwrap(),
            // Of this order alone.
            tracking_number: format!("{number} {}", self.order.id).parse().unwrap(),
        };
        Step::new(BUYER, name, Fact::ReturnLabelBought(bought))
    }

    fn label_bought(&self) -> Step<Fact> {
        self.label(LABEL_BOUGHT, 0, "1").tells(&[LABELLED]).needs(&[SENT_BACK])
    }

    fn seen(&self, name: &'static str, status: ReturnParcelStatus) -> Step<Fact> {
        let (order_id, return_id, warehouse_id) = (self.order.id, self.of_refund(), self.order.allocations[0].0);
        Step::new(CARRIER, name, Fact::ReturnParcelSeen { order_id, return_id, warehouse_id, status })
    }

    #[rustfmt::skip]
    pub(super) fn journey_back_by_label(&self) -> Journey<Fact> {
        Journey::new("goods that the buyer sends back by a label")
            .not_undone_by([self.label(LABEL_BOUGHT, 0, "1").is_refused()])
            .then(self.paid()
                .not_undone_by([self.label(LABEL_BOUGHT, 0, "1").is_refused()]))
            .then(self.for_good(self.first_leaves()))
            .then(self.first_arrives()
                .not_undone_by([self.label(LABEL_BOUGHT, 0, "1").is_refused()]))
            .then(self.sent_back(1, &[("CUP", 2)]).needs(&[FIRST_ARRIVES])
                .not_undone_by([
                    self.label("a label is bought to another warehouse", 1, "2").is_refused(),
                    self.seen("the carrier has what has no label", ReturnParcelStatus::OnItsWay).is_refused(),
                ]))
            .then(self.label_bought()
                .not_undone_by([self.label("another label is bought", 0, "2").is_refused()]))
            .then(self.seen("the carrier has it", ReturnParcelStatus::OnItsWay).tells(&[MOVED]).needs(&[LABEL_BOUGHT])
                .not_undone_by([self.label("another label is bought", 0, "2").is_refused()]))
            .then(self.seen("the carrier handed it over", ReturnParcelStatus::Arrived).tells(&[MOVED]).needs(&[LABEL_BOUGHT])
                .not_undone_by([
                    self.seen("the carrier cannot find it", ReturnParcelStatus::Lost).is_known(),
                    self.too_much_comes_back(self.of_refund()),
                ]))
            .then(self.comes_back("both cups come back", 0, self.of_refund(), &[(Resalable, &[("CUP", 2)])]).needs(&[LABEL_BOUGHT])
                .not_undone_by([self.label("another label is bought", 0, "2").is_refused()]))
    }
}
