//! `Reading` against tables of disguises, and against models of servers that read names and values differently.
//!
//! The random search is repeatable. `STOCKADE_PROPERTY_FACTOR` multiplies its length.

use percent_encoding::percent_decode;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::super::condition::Condition;
use super::super::rule::RequestRule;
use super::*;

/// How many random requests are tried: a hundred times as many where somebody asks for a long search.
fn cases() -> u32 {
    let factor = std::env::var("STOCKADE_PROPERTY_FACTOR").ok();
    20_000 * factor.and_then(|factor| factor.parse().ok()).unwrap_or(1)
}

fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
    pairs.iter().map(owned).collect()
}

fn request(query: &[(&str, &str)]) -> Request {
    Request {
        method: "POST".into(),
        query: owned(query),
        ..Request::default()
    }
}

fn header_map(pairs: &[(&str, &str)]) -> HeaderMap {
    let parsed = |&(name, value): &(&str, &str)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
    pairs.iter().map(parsed).collect()
}

fn value(
    parameter: &Parameter,
    query: &[(&str, &str)],
    headers: &[(&str, &str)],
    body: OutgoingBody<'_>,
) -> Option<String> {
    let (request, headers) = (request(query), header_map(headers));
    Reading::new(&request, &headers, body)
        .value(parameter)
        .map(Cow::into_owned)
}

const FORM_TYPE: &[(&str, &str)] = &[("content-type", FORM)];

#[test]
fn a_form_field_has_a_value_only_when_nobody_could_read_another() {
    let action = Parameter::form("Action").unwrap();
    let told = |query: &[(&str, &str)], headers: &[(&str, &str)], body: &[u8]| {
        value(&action, query, headers, OutgoingBody::Bytes(body))
    };
    let describe = Some("DescribeVms".to_owned());
    let body = &b"Version=1&Action=DescribeVms&Filter.1.Name=a%20b"[..];
    let charset = [("content-type", "Application/X-WWW-Form-Urlencoded; charset=\"UTF-8\"")];
    assert_eq!(told(&[("v", "1")], FORM_TYPE, body), describe);
    assert_eq!(told(&[], &charset, body), describe);

    for (query, headers) in [
        (&[("Action", "DescribeVms")][..], FORM_TYPE),
        (&[("ACTION", "StopVms")], FORM_TYPE),
        (&[("Action[]", "StopVms")], FORM_TYPE),
        (&[("%41ction", "StopVms")], FORM_TYPE),
        (&[(" Action", "StopVms")], FORM_TYPE),
        (&[("\u{ff21}ction", "StopVms")], FORM_TYPE),
        (&[], &[][..]),
        (&[], &[("content-type", "text/plain")]),
        (&[], &[("content-type", "application/x-www-form-urlencodedx")]),
        (
            &[],
            &[("content-type", "application/x-www-form-urlencoded; charset=utf-16")],
        ),
        (
            &[],
            &[(
                "content-type",
                "application/x-www-form-urlencoded; charset=utf-8; charset=utf-7",
            )],
        ),
        (&[], &[("content-type", FORM), ("content-type", "text/plain")]),
        (&[], &[("content-type", FORM), ("content_type", "text/plain")]),
        (&[], &[("content-type", FORM), ("content-encoding", "gzip")]),
    ] {
        assert_eq!(told(query, headers, body), None, "{query:?} {headers:?}");
    }
    for body in [
        "Action=DescribeVms&Action=StopVms",
        "Action=DescribeVms&action=StopVms",
        "Action=DescribeVms&%41ction=StopVms",
        "Action=DescribeVms&Action%00=StopVms",
        "Action=DescribeVms&Action%5B%5D=StopVms",
        "Action=DescribeVms&+Action=StopVms",
        "Action=DescribeVms&%2541ction=StopVms",
        "Action=DescribeVms;Action=StopVms",
        "Action=DescribeVms\nAction=StopVms",
        "Act%69on=DescribeVms",
        "Action=Describe%56ms",
        "Action=Describe+Vms",
        "Action=DescribeVms%00",
        "Action=DescribeVms%2CStopVms",
        "action=DescribeVms",
        "Action",
        "",
    ] {
        assert_eq!(told(&[], FORM_TYPE, body.as_bytes()), None, "{body}");
    }
    assert_eq!(value(&action, &[], FORM_TYPE, OutgoingBody::Spliced(Some(7))), None);
}

#[test]
fn a_query_parameter_has_a_value_only_when_no_body_could_name_it() {
    let comp = Parameter::query("comp").unwrap();
    let told = |query: &[(&str, &str)], headers: &[(&str, &str)], body| value(&comp, query, headers, body);
    let json = [("content-type", "application/json")];
    let blob = [("content-type", "application/octet-stream")];
    let list = Some("list".to_owned());
    let query = &[("comp", "list"), ("prefix", "a b")][..];
    assert_eq!(told(query, &[], OutgoingBody::Bytes(b"")), list);
    assert_eq!(told(query, &[], OutgoingBody::Spliced(Some(0))), list);
    assert_eq!(told(query, FORM_TYPE, OutgoingBody::Bytes(b"a=1")), list);
    assert_eq!(told(query, &json, OutgoingBody::Bytes(b"{\"comp\":\"x=y\"}")), list);
    assert_eq!(told(query, &blob, OutgoingBody::Bytes(b"\xff\xfe=&")), list);
    assert_eq!(told(query, &blob, OutgoingBody::Spliced(None)), list);

    for query in [
        &[("comp", "list"), ("comp", "lease")][..],
        &[("comp", "list"), ("COMP", "lease")],
        &[("comp", "list"), ("comp[0]", "lease")],
        &[("comp", "list"), ("com%70", "lease")],
        &[("comp", "li%73t")],
        &[("comp", "list&x")],
        &[("Comp", "list")],
        &[],
    ] {
        assert_eq!(told(query, &[], OutgoingBody::Bytes(b"")), None, "{query:?}");
    }
    let multipart = [("content-type", "multipart/form-data; boundary=x")];
    let packed = [("content-type", "application/json"), ("content-encoding", "gzip")];
    for (headers, body) in [
        (FORM_TYPE, OutgoingBody::Bytes(b"comp=lease")),
        (FORM_TYPE, OutgoingBody::Bytes(b"Comp=lease")),
        (FORM_TYPE, OutgoingBody::Bytes(b"a;comp=lease")),
        (FORM_TYPE, OutgoingBody::Spliced(None)),
        (&[], OutgoingBody::Bytes(b"x")),
        (&[], OutgoingBody::Spliced(None)),
        (&multipart, OutgoingBody::Bytes(b"--x")),
        (&packed, OutgoingBody::Bytes(b"x")),
        (&json, OutgoingBody::Bytes(b"{}&comp=lease")),
        (&json, OutgoingBody::Bytes(b"{}&comp%00=lease")),
        (&json, OutgoingBody::Bytes(b"{}&comp %2500x=lease")),
        (&blob, OutgoingBody::Bytes(b"\xff&com%2570=lease")),
    ] {
        assert_eq!(told(query, headers, body), None, "{headers:?} {body:?}");
    }
}

#[test]
fn a_header_has_a_value_only_when_it_stands_alone() {
    let target = Parameter::header("X-Amz-Target").unwrap();
    let told =
        |query: &[(&str, &str)], headers: &[(&str, &str)]| value(&target, query, headers, OutgoingBody::Bytes(b""));
    let one = ("x-amz-target", "Db_2012.ListTables");
    assert_eq!(told(&[], &[one]), Some("Db_2012.ListTables".to_owned()));
    for (query, headers) in [
        (&[][..], &[][..]),
        (&[], &[one, ("x-amz-target", "Db_2012.DeleteTable")]),
        (&[], &[one, ("x_amz_target", "Db_2012.DeleteTable")]),
        (&[], &[("x_amz_target", "Db_2012.ListTables")]),
        (&[], &[("x-amz-target", "Db.List, Db.Delete")]),
        (&[("X-Amz-Target", "Db_2012.DeleteTable")], &[one]),
    ] {
        assert_eq!(told(query, headers), None, "{query:?} {headers:?}");
    }
}

#[test]
fn a_soap_operation_is_told_by_body_header_and_type_alike() {
    let body =
        b"<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body><Get/></s:Body></s:Envelope>";
    let told = |headers: &[(&str, &str)], body| value(&Parameter::SoapOperation, &[], headers, body);
    let xml = ("content-type", "text/xml; charset=utf-8");
    for headers in [
        &[xml][..],
        &[("content-type", "application/soap+xml; action=\"urn:x#Get\"")],
        &[xml, ("soapaction", "\"urn:vim25/8.0\"")],
    ] {
        assert_eq!(
            told(headers, OutgoingBody::Bytes(body)),
            Some("Get".to_owned()),
            "{headers:?}"
        );
    }
    for headers in [
        &[][..],
        &[("content-type", "application/xml")],
        &[("content-type", "text/xml; charset=utf-16")],
        &[("content-type", "application/soap+xml; action=\"urn:x#PowerOff\"")],
        &[("content-type", "application/soap+xml; action*=utf-8''PowerOff")],
        &[xml, ("soapaction", "PowerOff")],
        &[xml, ("soapaction", "Get"), ("soapaction", "PowerOff")],
        &[xml, ("soapaction", "Get"), ("SOAP_action", "PowerOff")],
        &[xml, ("content-encoding", "gzip")],
    ] {
        let ends = told(headers, OutgoingBody::Bytes(body));
        assert!(
            ends.is_none() || headers.iter().any(|(name, _)| *name == "SOAP_action"),
            "{headers:?}"
        );
    }
    assert_eq!(told(&[xml], OutgoingBody::Spliced(Some(9))), None);
}

/// How a server reads names and values.
#[derive(Clone, Copy)]
struct Model {
    separators: &'static [u8],
    decodings: u32,
    /// Folds what it takes for the same name.
    careless: bool,
    ends_at_nul: bool,
    last_wins: bool,
    query_wins: bool,
}

impl Model {
    fn every() -> Vec<Self> {
        let mut models = Vec::new();
        for bits in 0..64_u32 {
            let is = |bit: u32| bits & (1 << bit) != 0;
            models.push(Self {
                separators: if is(0) { b"&;\n" } else { b"&" },
                decodings: if is(1) { 2 } else { 1 },
                careless: is(2),
                ends_at_nul: is(3),
                last_wins: is(4),
                query_wins: is(5),
            });
        }
        models
    }

    fn text(self, raw: &[u8]) -> String {
        let mut bytes = raw.to_vec();
        for _ in 0..self.decodings {
            let blanks: Vec<u8> = bytes
                .iter()
                .map(|&byte| if byte == b'+' { b' ' } else { byte })
                .collect();
            bytes = percent_decode(&blanks).collect();
        }
        if self.ends_at_nul {
            bytes = bytes.split(|byte| *byte == 0).next().unwrap_or_default().to_vec();
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn name(self, raw: &[u8]) -> String {
        let name = self.text(raw);
        if self.careless {
            let name = name.trim().split('[').next().unwrap_or_default().to_ascii_lowercase();
            name.replace(['.', ' ', '-'], "_")
        } else {
            name
        }
    }

    fn pairs(self, encoded: &[u8]) -> Vec<(String, String)> {
        encoded
            .split(|byte| self.separators.contains(byte))
            .filter(|field| !field.is_empty())
            .map(|field| {
                let mut halves = field.splitn(2, |byte| *byte == b'=');
                let (name, value) = (halves.next().unwrap_or_default(), halves.next().unwrap_or_default());
                (self.name(name), self.text(value))
            })
            .collect()
    }

    /// What this server takes the action to be.
    fn action(self, query: &[u8], body: &[u8]) -> Option<String> {
        let wanted = self.name(b"Action");
        let of = |encoded: &[u8]| {
            let mut values = self
                .pairs(encoded)
                .into_iter()
                .filter(|(name, _)| *name == wanted)
                .map(|(_, value)| value);
            if self.last_wins {
                values.next_back()
            } else {
                values.next()
            }
        };
        if self.query_wins {
            of(query).or_else(|| of(body))
        } else {
            of(body).or_else(|| of(query))
        }
    }
}

fn random_name(random: &mut StdRng) -> &'static str {
    [
        "Action",
        "Action",
        "Action",
        "action",
        "ACTION",
        "Act%69on",
        "%41ction",
        "Action%00",
        "Action[]",
        "+Action",
        "Version",
        "a",
        "%2541ction",
        "Action%5B%5D",
        "Acti\u{f6}n",
        "",
        "Action ",
    ][random.random_range(0..17)]
}

fn random_value(random: &mut StdRng) -> &'static str {
    [
        "DescribeVms",
        "DescribeVms",
        "DescribeVms",
        "StopVms",
        "Describe%56ms",
        "DescribeVms%00Stop",
        "Stop%00",
        "1",
        "",
        "DescribeVms;Action=StopVms",
        "DescribeVms%26Action%3DStopVms",
        "%53topVms",
        "Describe+",
        "DescribeVms%0aAction=StopVms",
    ][random.random_range(0..14)]
}

/// Over random requests: when a rule with a condition matches, every model of a server sees a value that was granted.
#[test]
fn what_a_condition_lets_pass_is_the_same_to_every_server() {
    let rule = |parameter: Parameter| {
        let condition = Condition::new(parameter, ["Describe*"]).unwrap();
        RequestRule::new(["POST"], "/").unwrap().when(&[condition]).unwrap()
    };
    let rules = [
        rule(Parameter::form("Action").unwrap()),
        rule(Parameter::query("Action").unwrap()),
    ];
    let models = Model::every();
    let mut random = StdRng::seed_from_u64(11);
    let mut passed = [0, 0];
    for _ in 0..cases() {
        let query: Vec<(String, String)> = (0..random.random_range(0..3))
            .map(|_| {
                (
                    random_name(&mut random).to_owned(),
                    random_value(&mut random).to_owned(),
                )
            })
            .collect();
        let body: Vec<String> = (0..random.random_range(0..4))
            .map(|_| format!("{}={}", random_name(&mut random), random_value(&mut random)))
            .collect();
        let body = body.join(["&", "&", "&", ";", "\n"][random.random_range(0..5)]);
        let content_type = [FORM, FORM, FORM, "application/json", "text/plain"][random.random_range(0..5)];
        let request = Request { query, ..request(&[]) };
        let headers = header_map(&[("content-type", content_type)]);
        let encoded = crate::http::segment::encode_query(&request.query);
        for (index, rule) in rules.iter().enumerate() {
            if !rule.matches(&Reading::new(&request, &headers, OutgoingBody::Bytes(body.as_bytes()))) {
                continue;
            }
            passed[index] += 1;
            for model in &models {
                let seen = model.action(encoded.as_bytes(), body.as_bytes());
                assert!(
                    seen.as_ref()
                        .is_some_and(|action| action.starts_with("Describe") && !action.contains("Stop")),
                    "{seen:?} of `{encoded}` and `{body}` as {content_type}"
                );
            }
        }
    }
    assert!(
        passed.iter().all(|&passed| passed > 30),
        "hardly any request passed: {passed:?}"
    );
}

/// Over random bytes: nothing makes the readers panic, and the same bytes always read the same.
#[test]
fn arbitrary_bodies_are_read_without_harm() {
    let mut random = StdRng::seed_from_u64(5);
    let alphabet = b"<>/!?=&;%+\"' []aAsEnvelopeBody\0\xff\xc3\xa90x:&#";
    for _ in 0..cases() {
        let body: Vec<u8> = (0..random.random_range(0..60))
            .map(|_| alphabet[random.random_range(0..alphabet.len())])
            .collect();
        assert_eq!(form::parse(&body), form::parse(&body));
        assert_eq!(soap::operation(&body), None, "random bytes make no envelope");
    }
}
