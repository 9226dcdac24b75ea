//! DNS zones of a connection and the records in them.

use stockade_host::contract::{Ability, DnsRecord, DnsZone};

use super::Service;
use crate::error::Result;

impl Service {
    /// Every zone.
    ///
    /// # Errors
    /// When the provider cannot list them.
    pub async fn list_dns_zones(&self) -> Result<Vec<DnsZone>> {
        let activity = self.begin(Ability::Dns, "list DNS zones")?;
        self.collect(&activity, |page| self.provider().list_dns_zones(activity.call(), page))
            .await
    }

    /// Every record of a zone, one for each name and type.
    ///
    /// # Errors
    /// `not-found` when there is no such zone.
    pub async fn list_dns_records(&self, zone: &str) -> Result<Vec<DnsRecord>> {
        let activity = self.begin(Ability::Dns, format!("list DNS records of zone `{zone}`"))?;
        self.collect(&activity, |page| {
            self.provider().list_dns_records(activity.call(), zone.to_owned(), page)
        })
        .await
    }

    /// Makes this the data of a name and type; without `replace`, only when there is none.
    ///
    /// # Errors
    /// `not-found` when there is no such zone, `already-exists` when there is data and it must not be replaced,
    /// `invalid-argument` for data that does not fit the type.
    pub async fn set_dns_record(&self, zone: &str, record: DnsRecord, replace: bool) -> Result<String> {
        let activity = self.begin(
            Ability::Dns,
            format!("set DNS record `{} {}` of zone `{zone}`", record.name, record.r#type),
        )?;
        let answer = self
            .provider()
            .set_dns_record(activity.call(), zone.to_owned(), record, replace)
            .await;
        self.settle(&activity, answer).await
    }

    /// Deletes all data of a name and type.
    ///
    /// # Errors
    /// `not-found` when there is no such zone or no such data.
    pub async fn delete_dns_record(&self, zone: &str, name: &str, kind: &str) -> Result<String> {
        let activity = self.begin(
            Ability::Dns,
            format!("delete DNS record `{name} {kind}` of zone `{zone}`"),
        )?;
        let answer = self
            .provider()
            .delete_dns_record(activity.call(), zone.to_owned(), name.to_owned(), kind.to_owned())
            .await;
        self.settle(&activity, answer).await
    }
}
