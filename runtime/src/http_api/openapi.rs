//! The OpenAPI document: generated from the handlers, completed with what holds for all of them.
//!
//! The checked-in copy is `runtime/openapi/v1.json`; a test in `tests/http-api` fails when it differs from what the handlers
//! say, and says how to write it again.

use std::sync::LazyLock;

use http::StatusCode;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi as Document, PathItem, Ref, RefOr, ResponseBuilder};
use utoipa::{OpenApi, ToSchema as _};

use super::problem::{Problem, ProblemKind};
use super::router::routes;

/// What holds for the whole API.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Stockade",
        version = "v1",
        description = "Virtual machines and what belongs to them, on every configured connection. Every failure is a \
                       problem (RFC 9457) whose `kind` a program can act on.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    security(("token" = [])),
    components(schemas(Problem)),
    tags(
        (name = "server", description = "The server itself."),
        (name = "providers", description = "What is installed."),
        (name = "connections", description = "What is configured."),
        (name = "vms", description = "Virtual machines."),
        (name = "snapshots", description = "Saved states of VMs."),
        (name = "images", description = "What VMs are created from."),
        (name = "disks", description = "Disks."),
        (name = "pools", description = "Places where disks and images are kept."),
        (name = "networks", description = "Networks."),
        (name = "subnets", description = "Parts of networks."),
        (name = "security-groups", description = "Sets of rules that VMs are put under."),
        (name = "load-balancers", description = "What spreads requests over VMs."),
        (name = "dns", description = "Names."),
        (name = "buckets", description = "Buckets and the objects in them."),
        (name = "consoles", description = "Screens and serial lines of VMs."),
        (name = "guests", description = "Agents inside VMs."),
        (name = "flavors", description = "Sizes that vendors offer."),
        (name = "hosts", description = "What VMs run on."),
        (name = "events", description = "What changed."),
    ),
)]
struct Api;

/// What the routers start from.
pub(super) fn document() -> Document {
    Api::openapi()
}

/// The document as JSON.
pub fn openapi_json() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| {
        let mut document = routes().into_openapi();
        complete(&mut document);
        // The document is made of texts, lists and objects with text keys.
        let mut text = document.to_pretty_json().unwrap_or_default();
        text.push('\n');
        text
    });
    &TEXT
}

/// Adds the security scheme, and to every operation the problems that it can answer.
fn complete(document: &mut Document) {
    let components = document.components.get_or_insert_default();
    let mut scheme = Http::new(HttpAuthScheme::Bearer);
    scheme.description = Some("The token in the file that the server was started with.".to_owned());
    components
        .security_schemes
        .insert("token".to_owned(), SecurityScheme::Http(scheme).into());
    for (path, item) in &mut document.paths.paths {
        if path.starts_with("/v1/") {
            operations(item).for_each(add_problems);
        }
        operations(item).for_each(describe_responses);
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem {
        get,
        put,
        post,
        delete,
        patch,
        ..
    } = item;
    [get, put, post, delete, patch].into_iter().flatten()
}

/// Adds a response for each status of the problem table.
fn add_problems(operation: &mut Operation) {
    let mut kinds = std::collections::BTreeMap::<u16, Vec<&str>>::new();
    for kind in ProblemKind::ALL {
        let (name, status, _) = kind.row();
        kinds.entry(status.as_u16()).or_default().push(name);
    }
    for (status, kinds) in kinds {
        let schema = RefOr::Ref(Ref::from_schema_name(Problem::name()));
        let content = ContentBuilder::new().schema(Some(schema)).build();
        let response = ResponseBuilder::new()
            .description(format!("`{}`", kinds.join("`, `")))
            .content("application/problem+json", content);
        operation
            .responses
            .responses
            .insert(status.to_string(), response.build().into());
    }
}

/// OpenAPI wants a description of every response.
fn describe_responses(operation: &mut Operation) {
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response {
            let code = status.parse::<StatusCode>().ok();
            if let (true, Some(reason)) = (
                response.description.is_empty(),
                code.and_then(|code| code.canonical_reason()),
            ) {
                response.description = reason.to_lowercase();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn parsed() -> Value {
        serde_json::from_str(openapi_json()).unwrap()
    }

    #[test]
    fn every_operation_is_documented_and_every_reference_leads_somewhere() {
        let document = parsed();
        let mut ids = std::collections::HashSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let place = format!("{method} {path}");
                assert!(!operation["summary"].as_str().unwrap().is_empty(), "{place}");
                assert!(
                    ids.insert(operation["operationId"].as_str().unwrap().to_owned()),
                    "{place}"
                );
                assert_eq!(operation["tags"].as_array().unwrap().len(), 1, "{place}");
                let is_open = operation.get("security").is_some();
                assert_eq!(is_open, !path.starts_with("/v1/"), "{place}");
                for status in ["400", "401", "404", "409", "422", "429", "500", "502", "503", "504"] {
                    let problem = &operation["responses"][status]["content"]["application/problem+json"];
                    assert_eq!(problem.is_object(), !is_open, "{place} {status}");
                }
                for parameter in path
                    .split('/')
                    .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
                {
                    let parameters = operation["parameters"].as_array().unwrap();
                    assert!(
                        parameters
                            .iter()
                            .any(|known| known["name"] == parameter && known["in"] == "path"),
                        "{place}"
                    );
                }
            }
        }
        assert_eq!(document["components"]["securitySchemes"]["token"]["scheme"], "bearer");
        let mut references = Vec::new();
        collect_references(&document, &mut references);
        assert!(!references.is_empty());
        for reference in references {
            assert!(document.pointer(&reference[1..]).is_some(), "{reference}");
        }
    }

    fn collect_references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                found.extend(fields.get("$ref").and_then(Value::as_str).map(str::to_owned));
                fields.values().for_each(|value| collect_references(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| collect_references(value, found)),
            _ => {}
        }
    }

    #[test]
    fn a_vm_spec_takes_plain_options_and_starts_by_default() {
        let document = parsed();
        let spec = &document["components"]["schemas"]["VmSpec"];
        assert_eq!(spec["properties"]["options"]["type"], "object");
        assert_eq!(spec["properties"]["start"]["default"], true);
        assert_eq!(
            document["components"]["schemas"]["DiskSpec"]["required"],
            serde_json::json!(["size_gib", "name"])
        );
        assert_eq!(document["components"]["schemas"].get("OptionEntry"), None);
    }
}
