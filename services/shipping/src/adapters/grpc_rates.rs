//! The RPCs about what sending costs: from the wire to a command or a question, and back.

use std::time::Duration;

use chassis::idempotency::Key;
use chassis::{Caller, Fields, caller, status};
use contracts::convert::optional_id_from_wire;
use contracts::shipping::v1 as wire;
use contracts::shipping::v1::shipping_rates_service_server::ShippingRatesService;
use messaging::EventStore;
use tonic::{Request, Response, Status};

use super::wire_rates::{goods_from_wire, place_from_wire, profile_from_wire, profile_to_wire, quote_to_wire};
use crate::app::Error;
use crate::app::get_shipping_profile::get_shipping_profile;
use crate::app::quote_shipping::{QuoteShipping, quote_shipping};
use crate::app::set_shipping_profile::{SetShippingProfile, set_shipping_profile};
use crate::domain::ids::SellerId;
use crate::domain::rates::Owner;
use crate::domain::rates::error::RatesError;

/// Serves [`ShippingRatesService`].
#[derive(Clone, Debug)]
pub struct RatesApi {
    store: EventStore,
    quote_validity: Duration,
}

impl RatesApi {
    /// The RPCs over a store. A quote is honoured for that long.
    pub fn new(store: EventStore, quote_validity: Duration) -> Self {
        Self { store, quote_validity }
    }
}

#[tonic::async_trait]
impl ShippingRatesService for RatesApi {
    async fn set_shipping_profile(
        &self,
        request: Request<wire::SetShippingProfileRequest>,
    ) -> Result<Response<wire::SetShippingProfileResponse>, Status> {
        let caller = caller(&request);
        let request = request.into_inner();
        let mut fields = Fields::new();
        let key = fields.take(Key::new(&caller, &request.request_id, &request));
        let profile = profile_from_wire(&mut fields, request.profile);
        let (Some(key), Some((named, zones))) = (key, profile) else { return Err(status(fields.refuse())) };
        let owner = whose(&caller, named).ok_or_else(|| status(RatesError::NotYourProfile))?;
        let command = SetShippingProfile { owner, zones };
        let answer = key.run(&self.store, async |unit| {
            let profile = set_shipping_profile(unit, command).await?;
            Ok::<_, Error>(wire::SetShippingProfileResponse { profile: Some(profile_to_wire(&profile)) })
        });
        Ok(Response::new(answer.await.map_err(status)?))
    }

    async fn get_shipping_profile(
        &self,
        request: Request<wire::GetShippingProfileRequest>,
    ) -> Result<Response<wire::GetShippingProfileResponse>, Status> {
        let caller = caller(&request);
        let mut fields = Fields::new();
        let named = fields.take(optional_id_from_wire("seller_id", &request.get_ref().seller_id));
        let Some(named) = named else { return Err(status(fields.refuse())) };
        let owner = whose(&caller, named).ok_or_else(|| status(RatesError::ProfileNotFound))?;
        let profile = get_shipping_profile(self.store.pool(), owner).await.map_err(status)?;
        Ok(Response::new(wire::GetShippingProfileResponse { profile: Some(profile_to_wire(&profile)) }))
    }

    async fn quote_shipping(
        &self,
        request: Request<wire::QuoteShippingRequest>,
    ) -> Result<Response<wire::QuoteShippingResponse>, Status> {
        let request = request.into_inner();
        let mut fields = Fields::new();
        let place = place_from_wire(&mut fields, request.ship_to);
        let goods = goods_from_wire(&mut fields, &request.consignments);
        let (Some(place), Some(goods)) = (place, goods) else { return Err(status(fields.refuse())) };
        let command = QuoteShipping { place, goods };
        let quotes = quote_shipping(&self.store, command, self.quote_validity).await.map_err(status)?;
        Ok(Response::new(wire::QuoteShippingResponse { quotes: quotes.iter().map(quote_to_wire).collect() }))
    }
}

/// Whose profile a caller means, if they may: operators and services that of any seller, and of the marketplace when they name none;
/// a seller's employee need not name their seller.
fn whose(caller: &Caller, named: Option<SellerId>) -> Option<Owner> {
    let principal = caller.principal().ok()?;
    if principal.is_operator() || principal.is_service() {
        return Some(named.map_or(Owner::Marketplace, Owner::Seller));
    }
    let own = principal.seller_id()?;
    named.is_none_or(|named| named == own).then_some(Owner::Seller(own))
}
