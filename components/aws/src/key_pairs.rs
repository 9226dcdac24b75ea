//! SSH keys: EC2 gives an instance the public key of a key pair that it knows by name.
//!
//! The pair is needed for the request that creates an instance only: the instance keeps the key when the pair is deleted
//! (<https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/delete-key-pair.html>). So it is lent, and nothing stays behind.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use stockade_provider::host::Host;
use stockade_provider::types::{Error, ErrorKind, Level, Tag};

use crate::client::Client;
use crate::digest::digest;
use crate::metadata;
use crate::query::Query;

/// Imports a key; answers the pair's name, the same for the same VM and key, so that a repetition is one.
pub(crate) fn lend<H: Host>(client: &Client<'_, H>, vm: &str, key: &str) -> Result<String, Error> {
    let name = format!("stockade-{}", digest(&format!("{vm}\n{key}")));
    let query = Query::ec2("ImportKeyPair")
        .with("KeyName", &name)
        .with("PublicKeyMaterial", STANDARD.encode(key));
    let mark = Tag {
        key: "stockade:vm".to_owned(),
        value: vm.to_owned(),
    };
    let query = metadata::with_tag_specification(query, 1, "key-pair", &[mark]);
    match client.change(&query, &format!("importing the ssh key of vm `{vm}`"), None) {
        // Its name is that of its content.
        Err(error) if matches!(error.kind, ErrorKind::AlreadyExists(_)) => Ok(name),
        answer => answer.map(|()| name),
    }
}

/// Deletes a pair that was lent.
pub(crate) fn take_back<H: Host>(client: &Client<'_, H>, name: &str) {
    let query = Query::ec2("DeleteKeyPair").with("KeyName", name);
    if let Err(error) = client.change(&query, &format!("deleting key pair `{name}`"), None) {
        client.host().log(Level::Warn, &format!("{}: delete it", error.message));
    }
}
