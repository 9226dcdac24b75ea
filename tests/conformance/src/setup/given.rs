//! What a setup must name beside its images, because a trial cannot know it.

/// What may be taken for granted beside images. The default is what a setup has that says nothing.
#[derive(Clone, Debug)]
pub(crate) struct Given {
    /// A DNS zone that the trials may change; none skips the trials that need one.
    pub(crate) dns_zone: Option<&'static str>,
    /// The range of a network that subnets are made in; none where networks have no range of their own.
    pub(crate) network_range: Option<&'static str>,
    /// The range of a subnet in it, and one that overlaps with that.
    pub(crate) subnet_ranges: [&'static str; 2],
    /// A user of the image's guest whose agent answers; none when the image has no agent.
    pub(crate) agent_user: Option<&'static str>,
    /// Whether sizes are those of flavors: a VM then has at least what was asked for.
    pub(crate) sizes_are_flavors: bool,
    /// Whether disks are copies of their image, which can be deleted under them.
    pub(crate) images_are_copied: bool,
    /// The network that interfaces are on when none is named.
    pub(crate) default_network: String,
    /// The pool of disks for which none is named.
    pub(crate) default_pool: &'static str,
    /// Whether a rule of a security group may name another group, by its id, where a range would be.
    pub(crate) rules_name_groups: bool,
    /// The connection's option, and its choice, by which stopped VMs give up their place on their host; none where they
    /// always or never do.
    pub(crate) leaving_stop: Option<(&'static str, &'static str)>,
    /// The connection's option by which the first disk of a VM is one of the disks; none where it always or never is.
    pub(crate) booting_from_disks: Option<&'static str>,
    /// The size of an object that is uploaded, in bytes. More than one piece of any transfer.
    pub(crate) object_bytes: usize,
}

impl Default for Given {
    fn default() -> Self {
        Self {
            dns_zone: None,
            network_range: Some("10.232.0.0/16"),
            subnet_ranges: ["10.232.1.0/24", "10.232.1.128/25"],
            agent_user: None,
            sizes_are_flavors: false,
            images_are_copied: false,
            default_network: "default".to_owned(),
            default_pool: "default",
            rules_name_groups: false,
            leaving_stop: None,
            booting_from_disks: None,
            object_bytes: 5 << 20,
        }
    }
}
