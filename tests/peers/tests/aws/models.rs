//! AWS's own service models, as botocore ships them, against what the component reads of answers: what no server in these
//! tests says, or says otherwise than AWS, is still read by its right name. Requests are checked on their way to moto.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use libtest_mimic::Trial;
use serde_json::Value;
use stockade_test_support::artifacts::workspace_root;
use stockade_test_support::aws;

/// What is read of which answer.
const READS: &str = "tests/fixtures/aws/reads.json";
/// How the component names an element that it reads.
const READERS: [&str; 7] = ["string", "text", "number", "boolean", "child", "children", "set"];
/// What is read of errors, whose shapes no model has, and the entries of a list in the query protocol.
const OF_NO_MODEL: [&str; 2] = ["Region", "member"];

pub(crate) fn trials() -> Vec<Trial> {
    [
        (
            "every_element_that_is_read_is_in_aws_own_models",
            every_element_that_is_read_is_in_aws_own_models as fn(),
        ),
        (
            "every_element_that_the_code_names_is_listed",
            every_element_that_the_code_names_is_listed,
        ),
        (
            "every_element_is_read_as_what_the_models_say_that_it_is",
            every_element_is_read_as_what_the_models_say_that_it_is,
        ),
        (
            "everything_that_the_models_know_is_read",
            crate::full_answers::everything_that_the_models_know_is_read,
        ),
        (
            "what_peers_excuse_is_listed_with_what_is_in_its_place",
            what_peers_excuse_is_listed_with_what_is_in_its_place,
        ),
        (
            "what_no_model_knows_of_an_answer_is_a_complaint",
            what_no_model_knows_of_an_answer_is_a_complaint,
        ),
        (
            "repetitions_and_imports_are_as_the_models_have_them",
            repetitions_and_imports_are_as_the_models_have_them,
        ),
    ]
    .into_iter()
    .map(|(name, claim)| {
        Trial::test(format!("models::{name}"), move || {
            claim();
            Ok(())
        })
    })
    .collect()
}

fn every_element_that_is_read_is_in_aws_own_models() {
    let complaints = aws::models(&workspace_root().join(READS)).unwrap();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    // The same question with a word that no model has: a check that takes everything has checked nothing.
    let mut reads = reads();
    reads["reads"]["ec2"]["DescribeInstances"]["reservationSet"]["instancesSet"]["instanceColour"] =
        Value::Object([].into_iter().collect());
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), reads.to_string()).unwrap();
    let complaints = aws::models(file.path()).unwrap();
    assert!(
        matches!(complaints.as_slice(), [one] if one.contains("instanceColour")),
        "{complaints:?}"
    );
}

fn every_element_that_the_code_names_is_listed() {
    let mut listed = BTreeSet::new();
    collect(&reads()["reads"], &mut listed);
    let named = named();
    let missing: Vec<_> = named
        .iter()
        .filter(|(_, name)| !listed.contains(name) && !OF_NO_MODEL.contains(&&**name))
        .collect();
    assert!(
        named.len() > 100,
        "only {} elements are read: is the code written otherwise now?",
        named.len()
    );
    assert!(missing.is_empty(), "not in {READS}: {missing:?}");
}

fn every_element_is_read_as_what_the_models_say_that_it_is() {
    let ask = |named: &[(&str, String)]| {
        let mut asked = reads();
        for (reader, name) in named {
            let readers = &mut asked["readers"][reader];
            let mut names = readers.as_array().cloned().unwrap_or_default();
            names.push(Value::from(name.as_str()));
            *readers = Value::from(names);
        }
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), asked.to_string()).unwrap();
        aws::models(file.path()).unwrap()
    };
    let complaints = ask(&named());
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    let wrong = ["instanceId", "vpcSet"].map(|name| ("number", name.to_owned()));
    assert_eq!(
        ask(&wrong),
        [
            "`instanceId` is read as a number, and is a string",
            "`vpcSet` is read as a number, and is a list"
        ]
    );
}

fn repetitions_and_imports_are_as_the_models_have_them() {
    let wrong = serde_json::json!({
        "reads": {},
        "tokens": {"CreateVolume": 41, "RebootInstances": 41, "CopyImage": 1000},
        "objects": {"ImportImage": "DiskContainers.Content"},
    });
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), wrong.to_string()).unwrap();
    let complaints = aws::models(file.path()).unwrap().join("\n");
    for expected in [
        "RebootInstances knows no repetition",
        "CopyImage takes 128 characters",
        "ImportImage has no DiskContainers.Content",
    ] {
        assert!(complaints.contains(expected), "{complaints}");
    }
    assert!(!complaints.contains("CreateVolume"), "{complaints}");
}

fn what_peers_excuse_is_listed_with_what_is_in_its_place() {
    let claims = crate::PEERS.iter().flat_map(|peer| {
        let excused = peer.excused.iter();
        excused.map(|(claim, _)| (peer.name, *claim))
    });
    let heading = "Claims with boto3 as observer that peers excuse";
    let complaints = aws::excuses::complaints(heading, &claims.collect::<Vec<_>>()).unwrap();
    assert!(complaints.is_empty(), "{}", complaints.join("; "));
}

/// A check that takes every answer has checked nothing.
fn what_no_model_knows_of_an_answer_is_a_complaint() {
    let ec2 =
        |content: &str| format!("<DescribeVolumesResponse><requestId>r</requestId>{content}</DescribeVolumesResponse>");
    let volume = |inner: &str| ec2(&format!("<volumeSet><item>{inner}</item></volumeSet>"));
    for (service, operation, answer, complaint) in [
        (
            "ec2",
            "DescribeVolumes",
            volume("<volumeId>v</volumeId><size>1</size>"),
            None,
        ),
        (
            "ec2",
            "DescribeVolumes",
            volume("<colour>red</colour>"),
            Some("DescribeVolumes.volumeSet.colour is not in the model"),
        ),
        (
            "ec2",
            "DescribeVolumes",
            volume("<size>large</size>"),
            Some("DescribeVolumes.volumeSet.size is no integer"),
        ),
        (
            "ec2",
            "DescribeVolumes",
            volume("<encrypted>no</encrypted>"),
            Some("DescribeVolumes.volumeSet.encrypted is no boolean"),
        ),
        (
            "ec2",
            "DescribeVolumes",
            volume("<createTime>soon</createTime>"),
            Some("DescribeVolumes.volumeSet.createTime is no time"),
        ),
        (
            "ec2",
            "DescribeVolumes",
            volume("<status>fine</status>"),
            Some("DescribeVolumes.volumeSet.status is none of the model's words: fine"),
        ),
        (
            "ec2",
            "DescribeVolumes",
            "<Other/>".to_owned(),
            Some("DescribeVolumes: the root is `Other`"),
        ),
        (
            "elbv2",
            "DescribeTags",
            "<DescribeTagsResponse/>".to_owned(),
            Some("DescribeTags: there is no `DescribeTagsResult`"),
        ),
        (
            "route53",
            "GetChange",
            "<GetChangeResponse><ChangeInfo><Id>c</Id><Status>INSYNC</Status></ChangeInfo></GetChangeResponse>"
                .to_owned(),
            Some("GetChange.ChangeInfo lacks `SubmittedAt`"),
        ),
        (
            "s3",
            "ListObjectsV2",
            "<ListBucketResult><Contents><Key>k</Key><Size>x</Size></Contents></ListBucketResult>".to_owned(),
            Some("ListObjectsV2.Contents.Size is no long"),
        ),
    ] {
        let found = aws::judge_answer(service, operation, &answer).unwrap();
        let found: Vec<_> = found
            .iter()
            .map(String::as_str)
            .filter(|line| !line.contains("botocore cannot"))
            .collect();
        assert_eq!(found, complaint.into_iter().collect::<Vec<_>>(), "{answer}");
    }
}

fn reads() -> Value {
    let text = std::fs::read_to_string(workspace_root().join(READS)).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// The names of all elements.
fn collect(reads: &Value, names: &mut BTreeSet<String>) {
    for (name, inner) in reads.as_object().into_iter().flatten() {
        names.insert(name.clone());
        collect(inner, names);
    }
}

/// The component's sources, without its tests.
fn sources(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if !path.ends_with("tests") {
                found.extend(sources(&path));
            }
        } else {
            found.push(path);
        }
    }
    found
}

/// The names in calls like `.string("vpcId")` with the name of the call, but for those of a connection's or a spec's options.
fn named() -> Vec<(&'static str, String)> {
    let mut names = Vec::new();
    for file in sources(&workspace_root().join("components/aws/src")) {
        let text = std::fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for reader in READERS {
            let call = format!(".{reader}(\"");
            for (at, _) in code.match_indices(&call) {
                let (before, after) = code.split_at(at);
                let name = after[call.len()..].split('"').next().unwrap_or_default();
                // A request's parameters have a dot.
                if !before.ends_with("options") && !name.contains('.') {
                    names.push((reader, name.to_owned()));
                }
            }
        }
    }
    names
}
