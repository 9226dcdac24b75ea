//! A thousand VMs in moto: listed through the component `aws`, and by a native client that sends the same requests with the
//! same signatures and reads of the same documents what a table of VMs shows.

use std::time::Instant;

use form_urlencoded::Serializer;
use roxmltree::{Document, Node};
use serde_json::json;
use stockade_host::http::{HttpClient, Request, RequestBody};
use stockade_test_support::aws::AwsPeer;

use super::{client, connect, send};
use crate::Result;
use crate::statistics::{Times, print_figure, print_ratio};

const VMS: usize = 1000;
/// How many there are at first, so that a request for each would be seen.
const FEW: usize = 10;
const RUNS: usize = 7;
/// An image that moto has.
const IMAGE: &str = "ami-03cf127a";
/// What the component asks for in a page.
const PAGE: &str = "1000";

/// What a table of VMs shows.
struct Row {
    id: String,
    name: Option<String>,
    state: String,
    address: Option<String>,
}

/// Measures and prints.
pub(crate) fn run() -> Result<()> {
    let moto = AwsPeer::moto()?;
    let port = moto.peer().port();
    let home = tempfile::tempdir()?;
    let threads = crate::threads(2)?;
    threads.block_on(async {
        let service = connect(home.path(), port, None).await?;
        let client = client("ec2", port)?;
        create(&moto, FEW)?;
        let mut requests = Vec::new();
        for count in [FEW, VMS] {
            if count > FEW {
                create(&moto, count - FEW)?;
            }
            let before = posts(&moto);
            let listed = service.list_vms().await?.len();
            requests.push(posts(&moto) - before);
            if listed != count {
                return Err(format!("the component lists {listed} VMs of {count}").into());
            }
        }
        let (mut ours, mut native) = (Vec::new(), Vec::new());
        // In turns, so that both have the same neighbours; the first of each warms up.
        for run in 0..=RUNS {
            let started = Instant::now();
            service.list_vms().await?;
            let ours_took = started.elapsed();
            let started = Instant::now();
            let rows = list(&client).await?;
            let native_took = started.elapsed();
            let is_read = |row: &Row| !row.id.is_empty() && !row.state.is_empty() && row.address.is_some();
            if rows.len() != VMS || !rows.iter().all(is_read) || rows.iter().all(|row| row.name.is_none()) {
                return Err(format!("the native client reads {} VMs", rows.len()).into());
            }
            if run > 0 {
                ours.push(ours_took);
                native.push(native_took);
            }
        }
        print_ratio(
            &format!("aws list: {VMS} VMs at moto, a fresh instance for each call"),
            "at most 1.1",
            &Times::new(ours),
            ("native client", &Times::new(native)),
        );
        let counts = format!("{} for {FEW} VMs, {} for {VMS}", requests[0], requests[1]);
        print_figure(
            "aws list: requests of one list (goal: one for each 1000)",
            "stockade",
            &counts,
        );
        Ok(())
    })
}

/// Has boto3 create VMs, each with a name.
fn create(moto: &AwsPeer, count: usize) -> Result<()> {
    let tags = json!([{ "ResourceType": "instance", "Tags": [{ "Key": "Name", "Value": "bench" }] }]);
    let launch = json!({ "ImageId": IMAGE, "MinCount": count, "MaxCount": count, "TagSpecifications": tags });
    moto.call("ec2", "run_instances", &launch)?;
    Ok(())
}

/// How many requests with a body moto has answered: it writes a line for each.
fn posts(moto: &AwsPeer) -> usize {
    moto.peer().log().matches("\"POST / HTTP").count()
}

/// All pages.
async fn list(client: &HttpClient) -> Result<Vec<Row>> {
    let (mut rows, mut token) = (Vec::new(), None::<String>);
    loop {
        let mut form = Serializer::new(String::new());
        form.append_pair("Action", "DescribeInstances")
            .append_pair("Version", "2016-11-15")
            .append_pair("Filter.1.Name", "instance-state-name");
        for (index, state) in ["pending", "running", "shutting-down", "stopping", "stopped"]
            .iter()
            .enumerate()
        {
            form.append_pair(&format!("Filter.1.Value.{}", index + 1), state);
        }
        form.append_pair("MaxResults", PAGE);
        if let Some(token) = &token {
            form.append_pair("NextToken", token);
        }
        let kind = "application/x-www-form-urlencoded; charset=utf-8";
        let request = Request {
            endpoint: "ec2".to_owned(),
            method: "POST".to_owned(),
            path: vec![String::new()],
            headers: vec![("content-type".to_owned(), kind.to_owned())],
            ..Request::default()
        };
        let response = send(client, &request, RequestBody::Bytes(form.finish().into())).await?;
        let text = std::str::from_utf8(&response.body)?;
        let document = Document::parse(text)?;
        let root = document.root_element();
        let instances = all(root, "instancesSet").flat_map(|set| set.children().filter(Node::is_element));
        rows.extend(instances.map(row));
        token = child(root, "nextToken")
            .and_then(|token| token.text())
            .map(str::to_owned);
        if token.is_none() {
            return Ok(rows);
        }
    }
}

fn row(instance: Node<'_, '_>) -> Row {
    let text = |node: Node<'_, '_>, name: &str| child(node, name)?.text().map(str::to_owned);
    let tags = child(instance, "tagSet").into_iter().flat_map(|tags| tags.children());
    Row {
        id: text(instance, "instanceId").unwrap_or_default(),
        name: tags
            .filter(|tag| text(*tag, "key").as_deref() == Some("Name"))
            .find_map(|tag| text(tag, "value")),
        state: child(instance, "instanceState")
            .and_then(|state| text(state, "name"))
            .unwrap_or_default(),
        address: text(instance, "privateIpAddress"),
    }
}

fn child<'a, 'i>(node: Node<'a, 'i>, name: &str) -> Option<Node<'a, 'i>> {
    node.children().find(|child| child.tag_name().name() == name)
}

fn all<'a, 'i: 'a>(node: Node<'a, 'i>, name: &'a str) -> impl Iterator<Item = Node<'a, 'i>> {
    node.descendants().filter(move |found| found.tag_name().name() == name)
}
