//! The setups: a provider, what is behind it, what may be taken for granted there.
//!
//! A setup is data; nothing in `trials` asks which one it runs on.

mod aws;
mod aws_ministack;
mod aws_moto;
mod evidence;
mod fake;
mod faults;
mod gaps;
mod given;
mod libvirt;
mod openstack;
mod stage;
mod web;

use stockade::connections::ConnectionConfig;
use stockade::{InstalledProvider, Runtime};

use crate::outcome::Outcome;
use crate::subject::Subject;

pub(crate) use aws::check_excuses as check_aws_excuses;
pub(crate) use aws_ministack::aws_ministack;
pub(crate) use aws_moto::aws_moto;
pub(crate) use evidence::Evidence;
pub(crate) use fake::fake;
pub(crate) use faults::{Faults, aws_faults, openstack_faults, start_server, web_faults};
pub(crate) use gaps::Gaps;
pub(crate) use given::Given;
pub(crate) use libvirt::libvirt;
pub(crate) use openstack::openstack;
pub(crate) use stage::{Inside, Stage};
pub(crate) use web::web;

/// The setups that run in this process, by name.
pub(crate) const IN_PROCESS: &[&str] = &[
    fake::NAME,
    faults::NAME,
    faults::OPENSTACK,
    faults::AWS_NAME,
    aws_moto::NAME,
    aws_ministack::NAME,
];
/// The setups that run inside a private libvirt's namespaces, by name.
pub(crate) const INSIDE: &[&str] = &[libvirt::NAME, web::NAME];

/// The setups in this process whose trials share a world.
pub(crate) const ALONE: &[&str] = &[openstack::NAME];

/// What setups excuse, by their names; those that are not here excuse nothing.
pub(crate) const EXCUSES: &[(&str, Gaps)] = &[
    (aws_moto::NAME, aws_moto::GAPS),
    (aws_ministack::NAME, aws_ministack::GAPS),
    (openstack::NAME, openstack::GAPS),
    (web::NAME, web::GAPS),
];

/// A provider with something behind it.
pub(crate) struct Setup {
    /// Its name in the suite's arguments and in the names of trials.
    pub(crate) name: &'static str,
    /// Where its connections live.
    pub(crate) runtime: Runtime,
    /// The provider.
    pub(crate) provider: InstalledProvider,
    /// What its connections are made from.
    pub(crate) config: ConnectionConfig,
    /// An image that is there, at most 1 GiB large.
    pub(crate) image: &'static str,
    /// An image that is there and larger than 1 GiB.
    pub(crate) large_image: &'static str,
    /// What else may be taken for granted.
    pub(crate) given: Given,
    /// Gives each connection a world of its own, where the setup has one for all.
    pub(crate) part: Option<Part>,
    /// The provider's own documentation.
    pub(crate) document: String,
    /// A second opinion about what is there; none for a simulated cloud, which every connection has for itself.
    pub(crate) evidence: Option<Evidence>,
    /// What the things behind the provider cannot do, though the provider could.
    pub(crate) gaps: Gaps,
}

/// Changes what a connection is made from so that it has a world of its own, and says what is given there. It may block:
/// trials run on threads of their own.
pub(crate) type Part = Box<dyn Fn(&mut ConnectionConfig, &mut Given) -> Outcome + Send + Sync>;

impl Setup {
    /// A connection for one trial.
    pub(crate) async fn subject(&self, connection: &str) -> Outcome<Subject> {
        let (mut config, mut given) = (self.config.clone(), self.given.clone());
        if let Some(part) = &self.part {
            part(&mut config, &mut given)?;
        }
        let service = self.runtime.create_connection(connection, &config).await?;
        Ok(Subject {
            runtime: self.runtime.clone(),
            service,
            config,
            image: self.image.to_owned(),
            large_image: self.large_image.to_owned(),
            given,
            document: self.document.clone(),
            evidence: self.evidence.clone(),
            gaps: self.gaps,
        })
    }
}
