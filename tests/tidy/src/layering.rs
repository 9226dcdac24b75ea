//! Who may depend on whom.
//!
//! Read from what `cargo metadata` says, so a dependency that is only feature-gated or only for one target counts too.
//! A provider that cannot name wasmtime, and a runtime that cannot name an HTTP client, need no review to be kept apart.

use serde_json::Value;

/// Outside crates that only some members may name, each with the members that may and the reason.
const KEPT_APART: [(&[&str], &[&str], &str); 3] = [
    (
        &["wasmtime", "wasmtime-wasi"],
        &["host-bindings"],
        "only the host runs components; everything else sees providers through it",
    ),
    (
        &[
            "hyper",
            "hyper-util",
            "reqwest",
            "ureq",
            "isahc",
            "curl",
            "tokio-rustls",
        ],
        &["host-bindings"],
        "only the host opens connections for a provider, where grants are checked",
    ),
    (
        &["virt", "virt-sys"],
        &["host-bindings"],
        "libvirt is one native provider in the host, behind the feature `libvirt`",
    ),
];

/// One dependency: who, on whom, and whether only tests use it.
struct Edge {
    from: String,
    to: String,
    to_member: bool,
    development: bool,
}

/// Dependencies that the layering forbids, from the JSON of `cargo metadata --no-deps`.
#[must_use]
pub fn violations(metadata: &Value) -> Vec<String> {
    edges(metadata).iter().filter_map(refusal).collect()
}

fn refusal(edge: &Edge) -> Option<String> {
    let Edge { from, to, .. } = edge;
    if from.starts_with("tests/") {
        return None;
    }
    if edge.to_member {
        let allowed = may_use_member(from, to) || (edge.development && to.starts_with("tests/"));
        return (!allowed).then(|| {
            format!(
                "{from} depends on {to}: allowed are runtime -> host-bindings and components/* -> components/sdk; \
                 move what is shared to the side that may be named, or make it a test dependency"
            )
        });
    }
    KEPT_APART.iter().find_map(|(crates, members, reason)| {
        let refused = crates.contains(&to.as_str()) && !members.contains(&from.as_str()) && !edge.development;
        refused.then(|| format!("{from} depends on `{to}`: {reason}; remove it from {from}/Cargo.toml"))
    })
}

fn may_use_member(from: &str, to: &str) -> bool {
    match from {
        "runtime" => to == "host-bindings",
        "host-bindings" | "components/sdk" | "components/componentize" => false,
        _ => from.starts_with("components/") && to == "components/sdk",
    }
}

fn edges(metadata: &Value) -> Vec<Edge> {
    let root = metadata["workspace_root"].as_str().unwrap_or_default();
    let relative = |path: &Value| {
        let path = path.as_str().unwrap_or_default().trim_end_matches("/Cargo.toml");
        path.strip_prefix(root)
            .unwrap_or(path)
            .trim_start_matches('/')
            .to_owned()
    };
    let mut edges = Vec::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let to_member = dependency["path"].is_string();
            edges.push(Edge {
                from: relative(&package["manifest_path"]),
                to: if to_member {
                    relative(&dependency["path"])
                } else {
                    dependency["name"].as_str().unwrap_or_default().to_owned()
                },
                to_member,
                development: dependency["kind"] == "dev",
            });
        }
    }
    edges
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(from: &str, dependency: &Value, allowed: bool) {
        let metadata = json!({
            "workspace_root": "/w",
            "packages": [{"manifest_path": format!("/w/{from}/Cargo.toml"), "dependencies": [dependency]}],
        });
        let found = violations(&metadata);
        assert_eq!(found.is_empty(), allowed, "{from} {dependency}: {found:?}");
    }

    #[test]
    fn allows_the_named_edges_and_no_others() {
        let member = |path: &str| json!({"name": "x", "path": format!("/w/{path}"), "kind": null});
        let outside = |name: &str| json!({"name": name, "kind": null});
        check("runtime", &member("host-bindings"), true);
        check("runtime", &member("components/sdk"), false);
        check("host-bindings", &member("runtime"), false);
        check("components/web", &member("components/sdk"), true);
        check("components/web", &member("components/fake"), false);
        check("components/web", &member("host-bindings"), false);
        check("components/sdk", &member("host-bindings"), false);
        check("tests/cli", &member("runtime"), true);
        check("runtime", &member("tests/support"), false);
        check(
            "runtime",
            &json!({"name": "x", "path": "/w/tests/support", "kind": "dev"}),
            true,
        );
        check("host-bindings", &outside("wasmtime"), true);
        check("components/sdk", &outside("wasmtime"), false);
        check("runtime", &outside("wasmtime"), false);
        check("runtime", &outside("reqwest"), false);
        check("components/web", &outside("hyper"), false);
        check("runtime", &outside("virt"), false);
        check("runtime", &outside("axum"), true);
    }
}
