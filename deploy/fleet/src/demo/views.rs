//! The scene in which a seller looks at its business.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use contracts::access::Role;
use contracts::orders::v1::orders_service_client::OrdersServiceClient;
use contracts::orders::v1::{
    GetSellerDashboardRequest, ListOrdersRequest, OrderCount, OrderSort, OrderSummary, SellerDashboard,
};
use kernel::Id;
use tonic::transport::Channel;
use uuid::Uuid;

use super::scenes::spoken;
use super::{Stage, tell};
use crate::fleet::Fleet;
use crate::shopper::with_token;

/// How long the views may be behind.
const BEHIND_MAX: Duration = Duration::from_millis(500);
/// How long it may take until they come to rest.
const SETTLED_MAX: Duration = Duration::from_secs(10);

/// Names an employee of a seller; only for the id.
enum Employee {}

/// A seller, who asks orders.
struct Office {
    orders: OrdersServiceClient<Channel>,
    seller_id: Uuid,
    token: String,
}

impl Office {
    fn of(fleet: &Fleet, seller_id: Uuid) -> Result<Self> {
        let token = fleet.keys().token(Role::Seller, Id::<Employee>::generate().uuid(), Some(seller_id));
        Ok(Self { orders: OrdersServiceClient::new(fleet.channel("orders")?), seller_id, token })
    }

    /// The dashboard, once it says the same for longer than the views are ever behind.
    async fn settled_dashboard(&self) -> Result<SellerDashboard> {
        let deadline = Instant::now() + SETTLED_MAX;
        let mut before = self.dashboard().await?;
        loop {
            tokio::time::sleep(BEHIND_MAX).await;
            let dashboard = self.dashboard().await?;
            if dashboard == before {
                return Ok(dashboard);
            }
            ensure!(Instant::now() < deadline, "the dashboard does not come to rest");
            before = dashboard;
        }
    }

    async fn dashboard(&self) -> Result<SellerDashboard> {
        let message = GetSellerDashboardRequest { seller_id: self.seller_id.to_string(), ..Default::default() };
        let answer = self.orders.clone().get_seller_dashboard(with_token(&self.token, message)).await?;
        answer.into_inner().dashboard.context("a dashboard")
    }

    async fn to_send(&self) -> Result<Vec<OrderSummary>> {
        let message = ListOrdersRequest {
            seller_id: self.seller_id.to_string(),
            awaits_dispatch: true,
            sort: OrderSort::CreateTimeAscending.into(),
            page_size: 100,
            ..ListOrdersRequest::default()
        };
        Ok(self.orders.clone().list_orders(with_token(&self.token, message)).await?.into_inner().orders)
    }
}

/// A seller reads its dashboard and what it is to send; then the views are made anew, and it reads the same.
pub(super) async fn a_seller_looks_at_its_business(stage: &mut Stage) -> Result<()> {
    stage.scene("A seller looks at its business");
    let seller = stage.catalogue.sellers.first().context("a seller")?;
    let office = Office::of(&stage.fleet, seller.seller_id)?;
    let dashboard = office.settled_dashboard().await?;
    ensure!(
        dashboard.awaiting_dispatch == office.to_send().await?.len() as i64,
        "the list is not what the dashboard counts"
    );
    let count = |count: &OrderCount| {
        format!("{} {}", count.count, count.status().as_str_name().trim_start_matches("ORDER_STATUS_"))
    };
    let counts: Vec<_> = dashboard.orders.iter().map(count).collect();
    tell(format_args!("{}: {}.", seller.name, counts.join(", ")));
    let sold = dashboard
        .days
        .iter()
        .map(|day| format!("{} sold, {} given back", spoken(day.sold.as_ref()), spoken(day.refunded.as_ref())));
    tell(format_args!(
        "Today {}. {} orders wait to be sent; {} refunds are open.",
        sold.collect::<Vec<_>>().join("; "),
        dashboard.awaiting_dispatch,
        dashboard.open_refunds
    ));
    tell(format_args!("orders rebuild: {}", stage.fleet.operate("orders", &["rebuild"]).await?.trim()));
    ensure!(office.dashboard().await? == dashboard, "the views made anew show another dashboard");
    Ok(())
}
