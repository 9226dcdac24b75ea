//! Users of kubeconfig files: whose server, which secret, and which programs.

use std::os::unix::fs::PermissionsExt as _;

use super::super::tests::request;
use super::*;
use crate::connections::config::CredentialConfig;

const SERVER: &str = "https://cluster.example:6443";

/// A kubeconfig file whose user is this, and what comes of it.
fn made(user: &str, exec_allow: &[&str]) -> Result<Made> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config");
    let authority = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, "authority");
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: lab\npreferences: {{}}\n\
         clusters: [{{name: c, cluster: {{server: '{SERVER}/', certificate-authority-data: {authority}}}}}]\n\
         contexts: [{{name: lab, context: {{cluster: c, user: u, namespace: n}}}}]\nusers: [{{name: u, user: {user}}}]\n"
    );
    std::fs::write(&path, text).unwrap();
    std::fs::write(directory.path().join("token"), "canary-file\n").unwrap();
    for file in [&path, &directory.path().join("token")] {
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    let config = KubernetesConfig::Kubeconfig {
        path: path.display().to_string(),
        context: None,
        exec_allow: exec_allow.iter().map(ToString::to_string).collect(),
    };
    let recipe = Recipe {
        home: Home::below(Path::new("/nonexistent")),
        endpoint: "api".into(),
        request: request(vec![CredentialKind::Kubernetes]),
        config: CredentialConfig::Kubernetes(config.clone()),
        options: Default::default(),
        open_options: Default::default(),
        origins: Default::default(),
    };
    make(&recipe, &config)
}

fn complete(made: &Made, origin: &str, is_granted: bool) -> Result<TlsProfile> {
    let mut tls = TlsProfile::default();
    made.cluster
        .as_ref()
        .unwrap()
        .complete("api", &origin.parse().unwrap(), &mut tls, is_granted)?;
    Ok(tls)
}

#[test]
fn a_user_is_for_its_own_cluster_and_completes_what_was_not_granted() {
    let made = made("{token: canary-token}", &[]).unwrap();
    assert!(made.credential.is_some());
    let tls = complete(&made, SERVER, false).unwrap();
    assert_eq!(tls.trust, Trust::Authority("authority".into()));
    assert_eq!(complete(&made, SERVER, true).unwrap().trust, Trust::WebRoots);
    for other in [
        "https://evil.example:6443",
        "http://cluster.example:6443",
        "https://cluster.example",
    ] {
        let error = complete(&made, other, false).unwrap_err().to_string();
        assert!(error.contains("not for"), "{error}");
    }
}

#[test]
fn certificates_belong_to_tls_and_come_with_their_key() {
    let encode = |text: &str| base64::Engine::encode(&base64::engine::general_purpose::STANDARD, text);
    let (certificate, key) = (encode("certificate"), encode("canary-key"));
    let user = format!("{{client-certificate-data: {certificate}, client-key-data: {key}}}");
    let with_key = made(&user, &[]).unwrap();
    assert!(with_key.credential.is_none());
    let identity = complete(&with_key, SERVER, false).unwrap().identity.unwrap();
    assert_eq!(
        (identity.certificates.as_str(), identity.key.expose()),
        ("certificate", "canary-key")
    );
    assert!(made(&format!("{{client-certificate-data: {certificate}}}"), &[]).is_err());
    assert!(made("{}", &[]).is_err());
}

#[test]
fn a_plugin_is_run_only_if_the_connection_names_it() {
    let credential = r#"{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": "canary-plugin"}}"#;
    let user = |command: &str, version: &str| {
        format!(
            "{{exec: {{apiVersion: client.authentication.k8s.io/{version}, command: {command}, args: ['{credential}']}}}}"
        )
    };
    assert!(
        made(&user("/bin/echo", "v1"), &["/bin/echo"])
            .unwrap()
            .credential
            .is_some()
    );
    for (command, version, allowed) in [
        ("/bin/echo", "v1", vec![]),
        ("/bin/echo", "v1", vec!["/bin/cat"]),
        ("echo", "v1", vec!["/bin/echo"]),
        ("echo", "v1", vec!["echo"]),
        ("/bin/echo", "v1alpha1", vec!["/bin/echo"]),
        // The plugin answers another version than it was asked for.
        ("/bin/echo", "v1beta1", vec!["/bin/echo"]),
        ("/bin/false", "v1", vec!["/bin/false"]),
    ] {
        let error = made(&user(command, version), &allowed)
            .err()
            .map(|error| error.to_string());
        assert!(
            error.is_some_and(|error| !error.contains("canary")),
            "{command} {version} {allowed:?}"
        );
    }
}

#[test]
fn a_plugins_token_lasts_as_long_as_it_says() {
    let status = |expires: &str| {
        let text = format!(
            r#"{{"apiVersion": "v", "kind": "ExecCredential", "status": {{"token": "t", "expirationTimestamp": "{expires}"}}}}"#
        );
        ExecStatus::read(&text, "v").unwrap()
    };
    assert_eq!(status("2001-01-01T00:00:00Z").lifetime(), Some(Duration::ZERO));
    assert!(status("2101-01-01T00:00:00Z").lifetime().unwrap() > Duration::from_secs(1 << 30));
    assert_eq!(status("soon").lifetime(), None);
}
