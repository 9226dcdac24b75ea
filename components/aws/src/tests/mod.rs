//! The provider against answers as AWS documents them: what it sends, and what it makes of the answers.

mod bad_input;
mod buckets;
mod create;
mod dns;
mod images;
mod launch;
mod networks;
mod rules;
mod things;
mod vms;

use stockade_provider::fake_host::FakeHost;
use stockade_provider::types::*;

/// A host whose answers are used in the order in which they are given.
fn host(answers: &[&str]) -> FakeHost {
    let host = FakeHost::new().with_option("region", "eu-west-3");
    for answer in answers {
        host.answer(Ok(Response::new(200).with_body(*answer)));
    }
    host
}

/// The bodies of the requests so far, without what all have.
fn sent(host: &FakeHost) -> Vec<String> {
    let body = |request: Request| {
        let body = String::from_utf8(request.body).expect("text");
        let body = body.replace("&Version=2016-11-15", "").replace("Action=", "");
        // A token of the provider's own says nothing else, and is different each time.
        match body.split_once("&ClientToken=stockade-") {
            Some((before, after)) => format!("{before}{}", after.trim_start_matches(|c: char| c.is_ascii_hexdigit())),
            None => body,
        }
    };
    host.requests().into_iter().map(body).collect()
}

fn first_page() -> PageRequest {
    PageRequest {
        cursor: None,
        limit: None,
    }
}

/// An answer of an action with this content.
fn answer(action: &str, content: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{action}Response xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">\
         <requestId>8f7724cf-496f-496e-8fe3-example</requestId>{content}</{action}Response>"
    )
}

/// An answer of `DescribeInstances`: reservations of instances.
fn described(reservations: &[&[String]]) -> String {
    let items: String = reservations
        .iter()
        .map(|instances| {
            format!(
                "<item><reservationId>r-1</reservationId><ownerId>123456789012</ownerId><instancesSet>{}</instancesSet></item>",
                instances.concat()
            )
        })
        .collect();
    answer(
        "DescribeInstances",
        &format!("<reservationSet>{items}</reservationSet>"),
    )
}

/// An instance as EC2's documentation shows one.
fn instance(id: &str, name: &str, state: &str) -> String {
    format!(
        "<item><instanceId>{id}</instanceId><imageId>ami-0abcdef1234567890</imageId>\
         <instanceState><code>16</code><name>{state}</name></instanceState><privateDnsName>ip-10-0-0-12.ec2.internal</privateDnsName>\
         <reason/><amiLaunchIndex>0</amiLaunchIndex><instanceType>t3.micro</instanceType><launchTime>2026-03-01T10:00:00.000Z</launchTime>\
         <placement><availabilityZone>eu-west-3a</availabilityZone><groupName/><tenancy>default</tenancy></placement>\
         <subnetId>subnet-1</subnetId><vpcId>vpc-1</vpcId><privateIpAddress>10.0.0.12</privateIpAddress><ipAddress>203.0.113.7</ipAddress>\
         <architecture>x86_64</architecture><rootDeviceType>ebs</rootDeviceType><rootDeviceName>/dev/xvda</rootDeviceName>\
         <blockDeviceMapping><item><deviceName>/dev/sdf</deviceName><ebs><volumeId>vol-2</volumeId><status>attached</status>\
         <attachTime>2026-02-02T10:00:00.000Z</attachTime><deleteOnTermination>false</deleteOnTermination></ebs></item>\
         <item><deviceName>/dev/xvda</deviceName><ebs><volumeId>vol-1</volumeId><status>attached</status>\
         <attachTime>2026-01-01T10:00:00.000Z</attachTime><deleteOnTermination>true</deleteOnTermination></ebs></item></blockDeviceMapping>\
         <virtualizationType>hvm</virtualizationType><clientToken>t-1</clientToken>\
         <tagSet><item><key>plan</key><value>blue</value></item><item><key>Name</key><value>{name}</value></item>\
         <item><key>Description</key><value>what it is for</value></item></tagSet>\
         <networkInterfaceSet><item><networkInterfaceId>eni-1</networkInterfaceId><subnetId>subnet-1</subnetId><vpcId>vpc-1</vpcId>\
         <macAddress>02:DD:2c:5e:01:69</macAddress><privateIpAddress>10.0.0.12</privateIpAddress>\
         <attachment><attachmentId>eni-attach-1</attachmentId><deviceIndex>0</deviceIndex><status>attached</status><attachTime>2026-01-01T10:00:00.000Z</attachTime>\
         <deleteOnTermination>true</deleteOnTermination></attachment><association><publicIp>203.0.113.7</publicIp></association>\
         <privateIpAddressesSet><item><privateIpAddress>10.0.0.12</privateIpAddress><primary>true</primary></item></privateIpAddressesSet>\
         <ipv6AddressesSet><item><ipv6Address>2001:db8::12</ipv6Address></item></ipv6AddressesSet></item></networkInterfaceSet>\
         <cpuOptions><coreCount>1</coreCount><threadsPerCore>2</threadsPerCore></cpuOptions></item>"
    )
}

fn error(status: u16, code: &str, message: &str) -> Response {
    Response::new(status).with_body(format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message>\
         </Error></Errors><RequestID>ea966190-f9aa-478e-9ede-example</RequestID></Response>"
    ))
}
