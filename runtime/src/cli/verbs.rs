//! The tree of commands: verbs, and the nouns that each takes.

use clap::{CommandFactory as _, Parser, Subcommand};
use stockade::contract::{
    Bucket, Disk, DnsZone, Flavor, HostInfo, Image, LoadBalancer, Network, Pool, SecurityGroup, Subnet, Vm,
};

use crate::cli::completions::{self, Completions};
use crate::cli::context::{CommonOptions, Context};
use crate::cli::failure::Outcome;
use crate::cli::noun::{self, Names};
use crate::cli::serve::{self, Serve};
use crate::cli::{
    audit, block_on, bucket, bucket_file, connection, disk, dns, dry_run, events, grants, guest, image, load_balancer,
    network, nic, pool, provider, security_group, snapshot, subnet, vm,
};

/// What everybody must know who puts the command into a script.
const FOOTER: &str = "\
Exit codes:
  0  done
  1  refused or failed
  2  the arguments are wrong
  3  a defect of this program
  4  a dry run stopped what may change something

Environment:
  STOCKADE_CONNECTION  the connections to use when `--connection` is not given
  STOCKADE_HOME        the directory for configuration, data and cache
  STOCKADE_LOG         what `serve` logs: `warn`, `info`, `debug`";

/// Run cloud and hypervisor providers that you did not write, without trusting them
#[derive(Debug, Parser)]
#[command(name = "stockade", version, after_help = FOOTER, max_term_width = 120)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    common: CommonOptions,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Install, list, inspect and remove providers
    #[command(subcommand, visible_alias = "providers")]
    Provider(provider::Action),
    /// Create something
    #[command(subcommand, visible_aliases = ["add", "run"])]
    Create(Create),
    /// List what there is
    #[command(subcommand, visible_alias = "get")]
    List(List),
    /// Show everything about something
    #[command(subcommand, visible_alias = "show")]
    Info(Info),
    /// Start a vm
    #[command(subcommand)]
    Start(Start),
    /// Stop a vm
    #[command(subcommand)]
    Stop(Stop),
    /// Restart a vm
    #[command(subcommand)]
    Restart(Stop),
    /// Stop a vm's execution and keep its memory
    #[command(subcommand)]
    Pause(OfVms),
    /// Let a paused or suspended vm continue
    #[command(subcommand)]
    Resume(OfVms),
    /// Press a vm's reset button; the guest is not asked
    #[command(subcommand)]
    Reset(OfVms),
    /// Save a vm's memory to disk and stop it
    #[command(subcommand)]
    Suspend(OfVms),
    /// Change something
    #[command(subcommand)]
    Update(Update),
    /// Attach a disk
    #[command(subcommand)]
    Attach(Attach),
    /// Detach a disk
    #[command(subcommand)]
    Detach(Detach),
    /// Copy a vm
    #[command(subcommand)]
    Clone(Clone),
    /// Make an image or a file of a vm
    #[command(subcommand)]
    Export(Export),
    /// Move a vm to another host
    #[command(subcommand)]
    Migrate(Migrate),
    /// Reach a vm's screen or serial line
    #[command(subcommand)]
    Console(Console),
    /// Ask the agent inside a vm
    #[command(subcommand)]
    Guest(guest::Action),
    /// Show what changes, as it happens
    Events(events::Events),
    /// Fetch something into a file
    #[command(subcommand)]
    Download(Download),
    /// Make a URL by which anybody can read something for a while
    #[command(subcommand)]
    Presign(Presign),
    /// Go back to a snapshot
    #[command(subcommand)]
    Revert(Revert),
    /// Delete something
    #[command(subcommand, visible_alias = "remove")]
    Delete(Delete),
    /// See what providers did outside and what they were denied
    #[command(subcommand)]
    Audit(audit::Action),
    /// See, test and narrow what providers may do
    #[command(subcommand, visible_alias = "grant")]
    Grants(grants::Action),
    /// Serve the HTTP API
    Serve(Serve),
    /// Print completions for a shell
    Completions(Completions),
}

#[derive(Debug, Subcommand)]
enum Create {
    /// A configured use of a provider
    #[command(visible_aliases = ["client"])]
    Connection(connection::Create),
    /// A virtual machine
    Vm(Box<vm::Create>),
    /// An image, from a file or a URL
    Image(image::Create),
    /// A pool for disks and images
    Pool(pool::Create),
    /// A network
    Network(network::Create),
    /// A disk
    #[command(visible_alias = "vm-disk")]
    Disk(disk::Create),
    /// A snapshot of a vm
    #[command(visible_alias = "vm-snapshot")]
    Snapshot(snapshot::Create),
    /// A network interface of a vm
    #[command(visible_alias = "vm-nic")]
    Nic(nic::Create),
    /// A subnet
    Subnet(subnet::Create),
    /// A security group
    #[command(visible_aliases = ["sg", "firewall"])]
    SecurityGroup(security_group::Create),
    /// A load balancer
    #[command(visible_aliases = ["loadbalancer", "lb"])]
    LoadBalancer(load_balancer::Create),
    /// Buckets
    Bucket(bucket::Create),
    /// An object in a bucket, from a file
    #[command(visible_alias = "bucket-object")]
    BucketFile(bucket_file::Create),
    /// A name in a DNS zone
    Dns(dns::Create),
}

#[derive(Debug, Subcommand)]
enum List {
    /// Configured uses of providers
    #[command(visible_aliases = ["connections", "client", "clients"])]
    Connection,
    /// Virtual machines
    #[command(visible_alias = "vms")]
    Vm,
    /// Images
    #[command(visible_alias = "images")]
    Image,
    /// Pools for disks and images
    #[command(visible_alias = "pools")]
    Pool,
    /// Networks
    #[command(visible_alias = "networks")]
    Network,
    /// Disks
    #[command(visible_aliases = ["disks", "vm-disk"])]
    Disk,
    /// Snapshots of a vm
    #[command(visible_aliases = ["snapshots", "vm-snapshot"])]
    Snapshot(snapshot::OfVm),
    /// Subnets
    #[command(visible_alias = "subnets")]
    Subnet(subnet::List),
    /// Security groups
    #[command(visible_aliases = ["security-groups", "sg", "firewall"])]
    SecurityGroup,
    /// Load balancers
    #[command(visible_aliases = ["load-balancers", "loadbalancer", "lb"])]
    LoadBalancer,
    /// Buckets
    #[command(visible_alias = "buckets")]
    Bucket,
    /// Objects in a bucket
    #[command(visible_aliases = ["bucket-files", "bucket-object"])]
    BucketFile(bucket_file::List),
    /// DNS zones
    #[command(visible_alias = "dns-zones")]
    DnsZone,
    /// Names in a DNS zone
    Dns(dns::List),
    /// Sizes that the vendor offers
    #[command(visible_alias = "flavors")]
    Flavor,
    /// What vms run on
    #[command(visible_alias = "hosts")]
    Host,
}

#[derive(Debug, Subcommand)]
enum Info {
    /// A connection: its options, what was asked for, what was granted
    #[command(visible_alias = "client")]
    Connection(connection::Info),
    /// A virtual machine
    Vm(Names),
    /// An image
    Image(Names),
    /// A pool
    Pool(Names),
    /// A network
    Network(Names),
    /// A disk
    #[command(visible_alias = "vm-disk")]
    Disk(Names),
    /// A subnet
    Subnet(Names),
    /// A security group
    #[command(visible_aliases = ["sg", "firewall"])]
    SecurityGroup(Names),
    /// A load balancer
    #[command(visible_aliases = ["loadbalancer", "lb"])]
    LoadBalancer(Names),
    /// A flavor
    Flavor(Names),
    /// A host
    Host(Names),
}

#[derive(Debug, Subcommand)]
enum OfVms {
    /// Virtual machines
    Vm(Names),
}

#[derive(Debug, Subcommand)]
enum Update {
    /// Virtual machines: their size, what is noted on them, what is in their drive
    Vm(Box<vm::Update>),
    /// A disk's size
    #[command(visible_alias = "vm-disk")]
    Disk(disk::Update),
    /// The network of a network interface
    #[command(visible_alias = "vm-nic")]
    Nic(nic::Update),
    /// A network
    Network(network::Update),
    /// A subnet
    Subnet(subnet::Update),
    /// A security group's rules
    #[command(visible_aliases = ["sg", "firewall"])]
    SecurityGroup(security_group::Update),
    /// The vms behind a load balancer
    #[command(visible_aliases = ["loadbalancer", "lb"])]
    LoadBalancer(load_balancer::Update),
}

#[derive(Debug, Subcommand)]
enum Attach {
    /// A disk to a vm
    #[command(visible_alias = "vm-disk")]
    Disk(disk::Attach),
}

#[derive(Debug, Subcommand)]
enum Detach {
    /// A disk from a vm; it is kept
    #[command(visible_alias = "vm-disk")]
    Disk(disk::Detach),
}

#[derive(Debug, Subcommand)]
enum Clone {
    /// A virtual machine
    Vm(vm::Clone),
}

#[derive(Debug, Subcommand)]
enum Export {
    /// A virtual machine
    Vm(vm::Export),
}

#[derive(Debug, Subcommand)]
enum Migrate {
    /// Virtual machines
    Vm(vm::Migrate),
}

#[derive(Debug, Subcommand)]
enum Console {
    /// A virtual machine
    Vm(vm::Console),
}

#[derive(Debug, Subcommand)]
enum Download {
    /// An object in a bucket
    #[command(visible_alias = "bucket-object")]
    BucketFile(bucket_file::Download),
}

#[derive(Debug, Subcommand)]
enum Presign {
    /// An object in a bucket
    #[command(visible_alias = "bucket-object")]
    BucketFile(bucket_file::Presign),
}

#[derive(Debug, Subcommand)]
enum Start {
    /// Virtual machines; a running one stays as it is
    Vm(Names),
}

#[derive(Debug, Subcommand)]
enum Stop {
    /// Virtual machines
    Vm(vm::Stop),
}

#[derive(Debug, Subcommand)]
enum Revert {
    /// A snapshot of a vm; what happened since is lost
    #[command(visible_alias = "vm-snapshot")]
    Snapshot(snapshot::Revert),
}

#[derive(Debug, Subcommand)]
enum Delete {
    /// Connections; nothing changes at the vendor
    #[command(visible_alias = "client")]
    Connection(noun::Deletion),
    /// Virtual machines and the disks that were created for them
    Vm(vm::Delete),
    /// Images
    Image(noun::Deletion),
    /// Pools
    Pool(pool::Delete),
    /// Networks
    Network(noun::Deletion),
    /// Disks
    #[command(visible_alias = "vm-disk")]
    Disk(noun::Deletion),
    /// Snapshots of a vm
    #[command(visible_alias = "vm-snapshot")]
    Snapshot(snapshot::Delete),
    /// Network interfaces of a vm
    #[command(visible_alias = "vm-nic")]
    Nic(nic::Delete),
    /// Subnets
    Subnet(noun::Deletion),
    /// Security groups
    #[command(visible_aliases = ["sg", "firewall"])]
    SecurityGroup(noun::Deletion),
    /// Load balancers
    #[command(visible_aliases = ["loadbalancer", "lb"])]
    LoadBalancer(noun::Deletion),
    /// Buckets
    Bucket(bucket::Delete),
    /// Objects in a bucket
    #[command(visible_alias = "bucket-object")]
    BucketFile(bucket_file::Delete),
    /// Names in a DNS zone
    Dns(dns::Delete),
}

impl Verb {
    /// Whether it does something on a connection that already exists.
    fn uses_connection(&self) -> bool {
        !matches!(
            self,
            Self::Provider(_)
                | Self::Grants(_)
                | Self::Serve(_)
                | Self::Completions(_)
                | Self::Create(Create::Connection(_))
                | Self::List(List::Connection)
                | Self::Info(Info::Connection(_))
                | Self::Delete(Delete::Connection(_))
        )
    }
}

/// Does what was typed.
pub(crate) fn run(arguments: Arguments) -> Outcome {
    let Arguments { verb, common } = arguments;
    if !verb.uses_connection() {
        common.without_connection()?;
    }
    if !verb.uses_connection() || matches!(verb, Verb::Audit(_)) {
        common.without_recording()?;
    }
    match verb {
        Verb::Serve(arguments) => serve::run(arguments, common.read_only),
        Verb::Completions(arguments) => completions::run(&arguments, Arguments::command()),
        verb => {
            let context = Context::new(common)?;
            let outcome = block_on(dispatch(&context, verb));
            dry_run::end(&context, outcome)
        }
    }
}

async fn dispatch(context: &Context, verb: Verb) -> Outcome {
    match verb {
        Verb::Provider(action) => provider::run(context, action).await,
        Verb::Create(noun) => create(context, noun).await,
        Verb::List(noun) => list(context, noun).await,
        Verb::Info(noun) => info(context, noun).await,
        Verb::Start(Start::Vm(names)) => vm::start(context, &names).await,
        Verb::Stop(Stop::Vm(arguments)) => vm::stop(context, &arguments).await,
        Verb::Restart(Stop::Vm(arguments)) => vm::restart(context, &arguments).await,
        Verb::Pause(OfVms::Vm(names)) => vm::pause(context, &names).await,
        Verb::Resume(OfVms::Vm(names)) => vm::resume(context, &names).await,
        Verb::Reset(OfVms::Vm(names)) => vm::reset(context, &names).await,
        Verb::Suspend(OfVms::Vm(names)) => vm::suspend(context, &names).await,
        Verb::Update(noun) => update(context, noun).await,
        Verb::Attach(Attach::Disk(arguments)) => disk::attach(context, &arguments).await,
        Verb::Detach(Detach::Disk(arguments)) => disk::detach(context, &arguments).await,
        Verb::Clone(Clone::Vm(arguments)) => vm::clone(context, arguments).await,
        Verb::Export(Export::Vm(arguments)) => vm::export(context, arguments).await,
        Verb::Migrate(Migrate::Vm(arguments)) => vm::migrate(context, &arguments).await,
        Verb::Console(Console::Vm(arguments)) => vm::console(context, &arguments).await,
        Verb::Guest(action) => guest::run(context, action).await,
        Verb::Events(arguments) => events::run(context, &arguments).await,
        Verb::Download(Download::BucketFile(arguments)) => bucket_file::download(context, &arguments).await,
        Verb::Presign(Presign::BucketFile(arguments)) => bucket_file::presign(context, &arguments).await,
        Verb::Revert(Revert::Snapshot(arguments)) => snapshot::revert(context, &arguments).await,
        Verb::Delete(noun) => delete(context, noun).await,
        Verb::Audit(action) => audit::run(context, action),
        Verb::Grants(action) => grants::run(context, action),
        // They need no runtime; see `run`.
        Verb::Serve(_) | Verb::Completions(_) => Ok(()),
    }
}

async fn create(context: &Context, noun: Create) -> Outcome {
    match noun {
        Create::Connection(arguments) => connection::create(context, arguments).await,
        Create::Vm(arguments) => vm::create(context, *arguments).await,
        Create::Image(arguments) => image::create(context, arguments).await,
        Create::Pool(arguments) => pool::create(context, arguments).await,
        Create::Network(arguments) => network::create(context, arguments).await,
        Create::Disk(arguments) => disk::create(context, arguments).await,
        Create::Snapshot(arguments) => snapshot::create(context, arguments).await,
        Create::Nic(arguments) => nic::create(context, arguments).await,
        Create::Subnet(arguments) => subnet::create(context, arguments).await,
        Create::SecurityGroup(arguments) => security_group::create(context, arguments).await,
        Create::LoadBalancer(arguments) => load_balancer::create(context, arguments).await,
        Create::Bucket(arguments) => bucket::create(context, &arguments).await,
        Create::BucketFile(arguments) => bucket_file::create(context, &arguments).await,
        Create::Dns(arguments) => dns::create(context, &arguments).await,
    }
}

async fn list(context: &Context, noun: List) -> Outcome {
    match noun {
        List::Connection => connection::list(context),
        List::Vm => noun::list::<Vm>(context).await,
        List::Image => noun::list::<Image>(context).await,
        List::Pool => noun::list::<Pool>(context).await,
        List::Network => noun::list::<Network>(context).await,
        List::Disk => noun::list::<Disk>(context).await,
        List::Snapshot(of) => snapshot::list(context, &of).await,
        List::Subnet(arguments) => subnet::list(context, &arguments).await,
        List::SecurityGroup => noun::list::<SecurityGroup>(context).await,
        List::LoadBalancer => noun::list::<LoadBalancer>(context).await,
        List::Bucket => noun::list::<Bucket>(context).await,
        List::BucketFile(arguments) => bucket_file::list(context, &arguments).await,
        List::DnsZone => noun::list::<DnsZone>(context).await,
        List::Dns(arguments) => dns::list(context, &arguments).await,
        List::Flavor => noun::list::<Flavor>(context).await,
        List::Host => noun::list::<HostInfo>(context).await,
    }
}

async fn info(context: &Context, noun: Info) -> Outcome {
    match noun {
        Info::Connection(arguments) => connection::info(context, &arguments).await,
        Info::Vm(names) => noun::info::<Vm>(context, &names).await,
        Info::Image(names) => noun::info::<Image>(context, &names).await,
        Info::Pool(names) => noun::info::<Pool>(context, &names).await,
        Info::Network(names) => noun::info::<Network>(context, &names).await,
        Info::Disk(names) => noun::info::<Disk>(context, &names).await,
        Info::Subnet(names) => noun::info::<Subnet>(context, &names).await,
        Info::SecurityGroup(names) => noun::info::<SecurityGroup>(context, &names).await,
        Info::LoadBalancer(names) => noun::info::<LoadBalancer>(context, &names).await,
        Info::Flavor(names) => noun::info::<Flavor>(context, &names).await,
        Info::Host(names) => noun::info::<HostInfo>(context, &names).await,
    }
}

async fn delete(context: &Context, noun: Delete) -> Outcome {
    match noun {
        Delete::Connection(arguments) => connection::delete(context, &arguments).await,
        Delete::Vm(arguments) => vm::delete(context, &arguments).await,
        Delete::Image(arguments) => image::delete(context, &arguments).await,
        Delete::Pool(arguments) => pool::delete(context, &arguments).await,
        Delete::Network(arguments) => network::delete(context, &arguments).await,
        Delete::Disk(arguments) => disk::delete(context, &arguments).await,
        Delete::Snapshot(arguments) => snapshot::delete(context, &arguments).await,
        Delete::Nic(arguments) => nic::delete(context, &arguments).await,
        Delete::Subnet(arguments) => subnet::delete(context, &arguments).await,
        Delete::SecurityGroup(arguments) => security_group::delete(context, &arguments).await,
        Delete::LoadBalancer(arguments) => load_balancer::delete(context, &arguments).await,
        Delete::Bucket(arguments) => bucket::delete(context, &arguments).await,
        Delete::BucketFile(arguments) => bucket_file::delete(context, &arguments).await,
        Delete::Dns(arguments) => dns::delete(context, &arguments).await,
    }
}

async fn update(context: &Context, noun: Update) -> Outcome {
    match noun {
        Update::Vm(arguments) => vm::update(context, &arguments).await,
        Update::Disk(arguments) => disk::update(context, &arguments).await,
        Update::Nic(arguments) => nic::update(context, &arguments).await,
        Update::Network(arguments) => network::update(context, &arguments).await,
        Update::Subnet(arguments) => subnet::update(context, &arguments).await,
        Update::SecurityGroup(arguments) => security_group::update(context, &arguments).await,
        Update::LoadBalancer(arguments) => load_balancer::update(context, &arguments).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_of_commands_is_sound() {
        Arguments::command().debug_assert();
    }
}
