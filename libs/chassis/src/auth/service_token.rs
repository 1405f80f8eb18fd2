use std::fmt;
use std::str::FromStr;

use tonic::metadata::errors::InvalidMetadataValue;
use tonic::metadata::{Ascii, MetadataValue};

/// Says to services that answer only to other services that this is one: what an option `--service-token` holds.
#[derive(Clone)]
pub struct ServiceToken(MetadataValue<Ascii>);

impl ServiceToken {
    /// A request to another service in this one's own name.
    pub fn request<M>(&self, message: M) -> tonic::Request<M> {
        let mut request = tonic::Request::new(message);
        request.metadata_mut().insert("authorization", self.0.clone());
        request
    }
}

impl FromStr for ServiceToken {
    type Err = InvalidMetadataValue;

    fn from_str(token: &str) -> Result<Self, InvalidMetadataValue> {
        let mut authorization: MetadataValue<Ascii> = format!("Bearer {token}").parse()?;
        authorization.set_sensitive(true);
        Ok(Self(authorization))
    }
}

impl fmt::Debug for ServiceToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServiceToken")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_sent_and_never_shown() {
        let token: ServiceToken = "secret".parse().unwrap();
        let request = token.request(());
        assert_eq!(request.metadata().get("authorization").unwrap().to_str().unwrap(), "Bearer secret");
        assert!(!format!("{token:?} {request:?}").contains("secret"));
        assert!("two\nlines".parse::<ServiceToken>().is_err());
    }
}
