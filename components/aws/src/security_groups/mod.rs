//! Security groups of VPCs.
//!
//! A group lets through what its rules say, and answers to that. Its name is EC2's own `GroupName`, unique within its VPC.
//! A rule whose other side is another group or a prefix list has that one's id in place of a range, here and in specs:
//! `sg-…`, `pl-…`.

mod change;
mod rule;

use stockade_provider::abilities::SecurityGroups;
use stockade_provider::host::Host;
use stockade_provider::types::{
    Change, Error, ErrorKind, PageRequest, SecurityGroup, SecurityGroupPage, SecurityGroupSpec, SecurityRule, Subject,
};

use self::rule::Permission;
use crate::Aws;
use crate::client::Client;
use crate::instances::{is_id, one_of};
use crate::networks::{VPC, default_vpc};
use crate::operations::done;
use crate::paging::USUAL;
use crate::query::Query;
use crate::things::{Kind, Thing, Undo, tagged};
use crate::xml::Element;

/// Security groups: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSecurityGroups.html>.
pub(crate) const GROUP: Kind = Kind {
    noun: "security-group",
    prefix: "sg",
    action: "DescribeSecurityGroups",
    set: "securityGroupInfo",
    id: "groupId",
    id_filter: "group-id",
    name_filter: "group-name",
    sizes: Some(USUAL),
};

/// The most characters of a name or description:
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSecurityGroup.html>.
const NAME_CHARACTERS: usize = 255;

/// What is read of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Content {
    vpc: Option<String>,
    description: Option<String>,
    permissions: Vec<Permission>,
}

impl Content {
    fn read(item: Element<'_>) -> Self {
        Self {
            vpc: item.string("vpcId"),
            description: item.string("groupDescription"),
            permissions: rule::permissions(item),
        }
    }
}

/// As the contract has it; `network` is its VPC's name.
fn group(found: Thing<Content>, network: Option<String>) -> SecurityGroup {
    SecurityGroup {
        rules: rule::rules(&found.more.permissions),
        // EC2 wants one; the name stands for none.
        description: found.more.description.filter(|description| *description != found.name),
        id: found.id,
        name: found.name,
        network,
    }
}

impl<H: Host> SecurityGroups<H> for Aws {
    fn list_security_groups(host: &H, page: PageRequest) -> Result<SecurityGroupPage, Error> {
        let client = Client::new(host, "list-security-groups");
        let (found, next) = GROUP.page(&client, &page, &[], Content::read)?;
        let vpcs = match found.is_empty() {
            true => Vec::new(),
            false => VPC.all(&client, &[], |_| ())?,
        };
        let items = found.into_iter().map(|found| {
            let vpc = vpcs.iter().find(|vpc| found.more.vpc.as_ref() == Some(&vpc.id));
            let network = vpc.map(|vpc| vpc.name.clone()).or_else(|| found.more.vpc.clone());
            group(found, network)
        });
        Ok(SecurityGroupPage {
            items: items.collect(),
            next,
        })
    }

    fn get_security_group(host: &H, security_group: String) -> Result<SecurityGroup, Error> {
        let client = Client::new(host, "get-security-group");
        let found = GROUP.get(&client, &security_group, Content::read)?;
        let network = match &found.more.vpc {
            None => None,
            Some(vpc) => {
                let named = VPC.all(&client, &[("vpc-id", &[vpc])], |_| ())?.pop();
                Some(named.map_or_else(|| vpc.clone(), |vpc| vpc.name))
            }
        };
        Ok(group(found, network))
    }

    fn create_security_group(host: &H, spec: SecurityGroupSpec) -> Result<Change, Error> {
        create(&Client::new(host, "create-security-group"), &spec)
    }

    fn update_security_group(host: &H, security_group: String, rules: Vec<SecurityRule>) -> Result<Change, Error> {
        let wanted = rule::wanted(&rules)?;
        let client = Client::new(host, "update-security-group");
        let found = GROUP.get(&client, &security_group, Content::read)?;
        change::apply(&client, (&found.id, &found.name), &found.more.permissions, &wanted)?;
        Ok(done(found.id))
    }

    fn delete_security_group(host: &H, security_group: String) -> Result<Change, Error> {
        let client = Client::new(host, "delete-security-group");
        let found = GROUP.get(&client, &security_group, |_| ())?;
        let query = Query::ec2("DeleteSecurityGroup").with("GroupId", &found.id);
        let doing = format!("deleting security group `{}`", found.name);
        let subject = Subject::new("security-group", &security_group);
        client.change(&query, &doing, Some(subject)).map_err(|error| {
            // A VPC's own group cannot be deleted: `CannotDelete`.
            match found.name == "default" && !matches!(error.kind, ErrorKind::Conflict) {
                true => Error {
                    kind: ErrorKind::Conflict,
                    ..error
                },
                false => error,
            }
        })?;
        Ok(done(found.id))
    }
}

/// The groups of these names or ids in a VPC, by id, for whoever puts something under them.
///
/// # Errors
/// `not-found` and `ambiguous`.
pub(crate) fn ids_of<H: Host>(client: &Client<'_, H>, vpc: &str, names: &[String]) -> Result<Vec<String>, Error> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let all = GROUP.all(client, &[("vpc-id", &[vpc])], |_| ())?;
    let id = |name: &String| {
        let is_it = |group: &&Thing<()>| group.id == *name || group.name == *name;
        let found = one_of("security-group", name, all.iter().filter(is_it).collect(), |group| {
            &group.id
        })?;
        let found = found.ok_or_else(|| Error::not_found("security-group", name))?;
        Ok(found.id.clone())
    };
    names.iter().map(id).collect()
}

/// Refuses a name that EC2 does not take, or would take for an id.
fn check_name(name: &str) -> Result<(), Error> {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "._-:/()#,@[]+=&;{}!$* ".contains(c);
    let is_good = (1..=NAME_CHARACTERS).contains(&name.len())
        && name.chars().all(is_allowed)
        && !name.starts_with("sg-")
        && name.trim() == name;
    if is_good && !is_id(name, "sg") {
        return Ok(());
    }
    let message = format!(
        "`{name}` is no name of a security group: 1 to {NAME_CHARACTERS} letters, digits, spaces and ._-:/()#,@[]+=&;{{}}!$*, not \
         beginning with `sg-`"
    );
    Err(Error::invalid_argument("name", message))
}

fn create<H: Host>(client: &Client<'_, H>, spec: &SecurityGroupSpec) -> Result<Change, Error> {
    check_name(&spec.name)?;
    let wanted = rule::wanted(&spec.rules)?;
    let description = spec.description.as_deref().unwrap_or(&spec.name);
    let vpc = match &spec.network {
        Some(network) => VPC.get(client, network, |_| ())?.id,
        None => default_vpc(client)?.id,
    };
    let there = GROUP.all(
        client,
        &[
            ("vpc-id", &[&vpc]),
            ("group-name", &[&crate::query::pattern(&spec.name)]),
        ],
        |_| (),
    )?;
    if there.iter().any(|group| group.name == spec.name) {
        return Err(Error::already_exists("security-group", &spec.name));
    }
    let doing = format!("creating security group `{}`", spec.name);
    let query = Query::ec2("CreateSecurityGroup")
        .with("GroupName", &spec.name)
        .with("GroupDescription", description)
        .with("VpcId", &vpc);
    let query = tagged(query, "security-group", &spec.name, &[]);
    let subject = Some(Subject::new("security-group", &spec.name));
    let id = client.read_about(&query, &doing, subject, |root| {
        let id = root.string("groupId");
        id.ok_or_else(|| Error::upstream(Some(200), None, format!("while {doing}: the answer has no `groupId`")))
    })?;
    let mut undo = Undo::default();
    undo.note(Query::ec2("DeleteSecurityGroup").with("GroupId", &id));
    let outcome = change::apply(client, (&id, &spec.name), &[rule::everything_out()], &wanted);
    undo.unless_ok(client, outcome)?;
    Ok(done(id))
}
