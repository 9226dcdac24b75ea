//! `create vm`.

use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

use clap::Args;
use stockade::contract::{ErrorKind, Vm, VmDiskSpec, VmNicSpec, VmSpec};
use stockade::{Error, Service};
use tokio::time::Instant;

use super::{disk, nic};
use crate::cli::arguments::{Metadata, ProviderOptions, memory_mib};
use crate::cli::context::Context;
use crate::cli::failure::Outcome;
use crate::cli::output::Located;
use crate::cli::terminal;

/// The pause between two looks for a new VM's address.
const ADDRESS_PAUSE: Duration = Duration::from_millis(500);

/// A VM to create.
#[derive(Debug, Args)]
pub(crate) struct Create {
    /// The new VM's name
    name: String,
    /// The image for its first disk
    #[arg(short, long)]
    image: Option<String>,
    /// The vendor's size for it, instead of `--cpus` and `--memory`
    #[arg(short, long)]
    flavor: Option<String>,
    /// Virtual CPUs
    #[arg(long)]
    cpus: Option<u32>,
    /// Memory: MiB, or with a unit: `2048`, `512m`, `2g`
    #[arg(short, long, value_name = "SIZE", value_parser = memory_mib)]
    memory: Option<u32>,
    /// A disk of this size in GiB, or an existing one: `SIZE[,pool=…][,bus=…][,format=…][,image=…]`, `existing=DISK`.
    /// The first is made from the image
    #[arg(short, long = "disk", value_name = "DISK", value_parser = disk::parse)]
    disks: Vec<VmDiskSpec>,
    /// A network interface on this network
    #[arg(short, long = "network", value_name = "NETWORK")]
    networks: Vec<String>,
    /// A network interface: `NETWORK[,mac=…][,address=…/…][,gateway=…][,dns=…][,subnet=…][,model=…][,public=true|false]`
    #[arg(long = "nic", value_name = "NIC", value_parser = nic::parse, conflicts_with = "networks")]
    nics: Vec<VmNicSpec>,
    /// The pool for disks that name none
    #[arg(long)]
    pool: Option<String>,
    /// Where to run it: host, node or zone
    #[arg(long)]
    location: Option<String>,
    #[command(flatten)]
    guest: Guest,
    /// A security group for its interfaces
    #[arg(long = "security-group", value_name = "GROUP")]
    security_groups: Vec<String>,
    /// Do not start it
    #[arg(long)]
    no_start: bool,
    /// Start it with its host
    #[arg(long)]
    autostart: bool,
    /// Free text
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    #[command(flatten)]
    metadata: Metadata,
    /// The same key on a repeated command means the same VM
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    #[command(flatten)]
    options: ProviderOptions,
    /// Wait at most this long until it has an address
    #[arg(long, value_name = "SECONDS", conflicts_with = "no_start")]
    wait_ip: Option<u32>,
}

/// What the guest is told when it starts for the first time.
#[derive(Debug, Args)]
struct Guest {
    /// A file with cloud-init user-data; `-` for standard input
    #[arg(long, value_name = "FILE")]
    user_data: Option<String>,
    /// An SSH public key for the image's default user, or a file of them
    #[arg(long = "ssh-key", value_name = "KEY|FILE")]
    ssh_keys: Vec<String>,
    /// The guest's host name; the VM's name otherwise
    #[arg(long)]
    hostname: Option<String>,
}

/// Creates a VM.
pub(crate) async fn create(context: &Context, arguments: Create) -> Outcome {
    let inputs = arguments.options.inputs()?;
    let wait = arguments.wait_ip;
    let spec = arguments.spec()?;
    let service = context.service().await?;
    let name = spec.name.clone();
    let id = service.create_vm(spec, &inputs).await?;
    let mut vm = service.get_vm(&id).await?;
    let mut waited = Ok(());
    if let Some(seconds) = wait {
        waited = wait_for_address(&service, &name, &mut vm, Duration::from_secs(seconds.into())).await;
    }
    context
        .output
        .print_named(&[Located::on(service.connection(), vm)], false)?;
    Ok(waited?)
}

impl Create {
    fn spec(self) -> Outcome<VmSpec> {
        let nics = match self.networks.as_slice() {
            [] => self.nics,
            networks => networks.iter().map(|network| nic::on_network(network)).collect(),
        };
        let keys: Result<Vec<_>, Error> = self.guest.ssh_keys.iter().map(|key| read_ssh_keys(key)).collect();
        Ok(VmSpec {
            name: self.name,
            image: self.image,
            flavor: self.flavor,
            cpus: self.cpus,
            memory_mib: self.memory,
            disks: self.disks,
            nics,
            pool: self.pool,
            location: self.location,
            user_data: self.guest.user_data.as_deref().map(read_user_data).transpose()?,
            ssh_keys: keys?.concat(),
            hostname: self.guest.hostname,
            security_groups: self.security_groups,
            start: !self.no_start,
            autostart: self.autostart,
            description: self.description,
            metadata: self.metadata.tags()?,
            idempotency_key: self.idempotency_key,
            options: Vec::new(),
        })
    }
}

fn read_user_data(file: &str) -> Result<String, Error> {
    if file == "-" {
        let mut text = String::new();
        let read = std::io::stdin().lock().read_to_string(&mut text);
        return match read {
            Ok(_) => Ok(text),
            Err(error) => Err(Error::io("reading user-data from standard input", &error)),
        };
    }
    std::fs::read_to_string(file).map_err(|error| Error::io(format_args!("reading user-data from `{file}`"), &error))
}

/// The public keys in an argument: the key itself, or a file with one on each line.
pub(crate) fn read_ssh_keys(argument: &str) -> Result<Vec<String>, Error> {
    if is_public_key(argument) {
        return Ok(vec![argument.trim().to_owned()]);
    }
    let path = Path::new(argument);
    let text = std::fs::read_to_string(path)
        .map_err(|error| Error::io(format_args!("reading SSH public keys from `{argument}`"), &error))?;
    let lines = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    let keys: Vec<_> = lines.map(str::to_owned).collect();
    match keys.iter().find(|key| !is_public_key(key)) {
        None if !keys.is_empty() => Ok(keys),
        _ => Err(
            Error::invalid("ssh-keys", format!("`{argument}` does not hold SSH public keys only"))
                .hint("give the file that ends in `.pub`, never the private key"),
        ),
    }
}

/// Whether a text begins as an OpenSSH public key does (sshd(8), "AUTHORIZED_KEYS FILE FORMAT"); options before the key
/// are not for new VMs.
fn is_public_key(text: &str) -> bool {
    let mut words = text.split_whitespace();
    let r#type = words.next().unwrap_or_default();
    let is_type = ["ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-"]
        .iter()
        .any(|start| r#type.starts_with(start));
    is_type && words.next().is_some()
}

/// Reads a VM until it has an address.
async fn wait_for_address(service: &Service, name: &str, vm: &mut Vm, time: Duration) -> Result<(), Error> {
    let start = Instant::now();
    while vm.ips.is_empty() {
        if start.elapsed() >= time {
            let message = format!("vm `{name}` was created, but has no address after {} s", time.as_secs());
            return Err(Error::new(ErrorKind::TimedOut, message)
                .on(service.connection())
                .hint(format!("look again later: `stockade info vm {name}`")));
        }
        terminal::progress(&format!("{name}: waiting for an address"));
        tokio::time::sleep(ADDRESS_PAUSE).await;
        *vm = service.get_vm(&vm.id).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_keys_are_taken_and_private_keys_are_never_sent() {
        let directory = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = directory.path().join(name);
            std::fs::write(&path, text).unwrap();
            path.display().to_string()
        };
        assert_eq!(read_ssh_keys("ssh-ed25519 AAAA me").unwrap(), ["ssh-ed25519 AAAA me"]);
        let public = file("keys.pub", "# mine\nssh-ed25519 AAAA me\n\necdsa-sha2-nistp256 BBBB\n");
        assert_eq!(read_ssh_keys(&public).unwrap().len(), 2);
        for text in [
            "-----BEGIN OPENSSH PRIVATE KEY-----\nsecret\n",
            "",
            "ssh-ed25519 AAAA\nsecret",
        ] {
            let error = read_ssh_keys(&file("key", text)).unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
        assert!(read_ssh_keys("no-such-file").is_err());
    }
}
