//! Requests of AWS's query protocol: an action and its parameters in a form.
//!
//! Sources: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/Query-Requests.html> for EC2 (lists are `Name.1`);
//! the other query services write `Name.member.1`.

use form_urlencoded::Serializer;

use stockade_provider::types::Request;

/// A service that speaks the query protocol: its endpoint's name and the version of its API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Service {
    /// The endpoint's name in `describe`, which is the service's signing name too.
    pub(crate) endpoint: &'static str,
    /// The version of its API.
    pub(crate) version: &'static str,
}

/// EC2: machines, disks, images, networks.
pub(crate) const EC2: Service = Service {
    endpoint: "ec2",
    version: "2016-11-15",
};

/// One action with its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Query {
    service: Service,
    action: &'static str,
    parameters: Vec<(String, String)>,
    is_repeatable: bool,
}

impl Query {
    /// An action of EC2.
    pub(crate) fn ec2(action: &'static str) -> Self {
        Self::of(EC2, action)
    }

    /// An action of a service.
    pub(crate) fn of(service: Service, action: &'static str) -> Self {
        Self {
            service,
            action,
            parameters: Vec::new(),
            is_repeatable: ["Describe", "Get", "List"]
                .iter()
                .any(|prefix| action.starts_with(prefix)),
        }
    }

    /// Its action.
    pub(crate) fn action(&self) -> &'static str {
        self.action
    }

    /// Whether sending it twice does what sending it once does: it only reads, or carries a client token.
    pub(crate) fn is_repeatable(&self) -> bool {
        self.is_repeatable
    }

    /// Adds a parameter.
    #[must_use]
    pub(crate) fn with(mut self, name: impl Into<String>, value: impl ToString) -> Self {
        self.set(name, value);
        self
    }

    /// Adds a parameter when there is a value.
    #[must_use]
    pub(crate) fn with_some(self, name: &str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// Adds a parameter in place.
    #[allow(
        clippy::needless_pass_by_value,
        reason = "callers give numbers and texts, owned or not"
    )]
    pub(crate) fn set(&mut self, name: impl Into<String>, value: impl ToString) {
        self.parameters.push((name.into(), value.to_string()));
    }

    /// Adds a list as EC2 writes it: `Name.1`, `Name.2`.
    #[must_use]
    pub(crate) fn with_list<S: ToString>(mut self, name: &str, values: impl IntoIterator<Item = S>) -> Self {
        for (index, value) in values.into_iter().enumerate() {
            self.set(format!("{name}.{}", index + 1), value);
        }
        self
    }

    /// Adds a filter: things whose `name` has one of the values. `*` and `?` in a value stand for anything, see
    /// [`pattern`].
    #[must_use]
    pub(crate) fn with_filter<S: ToString>(mut self, name: &str, values: impl IntoIterator<Item = S>) -> Self {
        let filters = self
            .parameters
            .iter()
            .filter(|(have, _)| have.starts_with("Filter.") && have.ends_with(".Name"));
        let prefix = format!("Filter.{}", filters.count() + 1);
        self.set(format!("{prefix}.Name"), name);
        self.with_list(&format!("{prefix}.Value"), values)
    }

    /// Adds a token by which the service recognises a repetition, so that it may be sent again.
    #[must_use]
    pub(crate) fn with_client_token(self, token: &str) -> Self {
        let mut query = self.with("ClientToken", token);
        query.is_repeatable = true;
        query
    }

    /// The request.
    pub(crate) fn request(&self) -> Request {
        let mut form = Serializer::new(String::new());
        form.append_pair("Action", self.action)
            .append_pair("Version", self.service.version)
            .extend_pairs(&self.parameters);
        let mut request = Request::new(self.service.endpoint, "POST", [""])
            .with_header("content-type", "application/x-www-form-urlencoded; charset=utf-8");
        request.body = form.finish().into_bytes();
        request
    }
}

/// A filter's value that matches at least this text. EC2 reads `*` and `?` as anything and `\` as an escape
/// (<https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Filtering.html>), and compatible clouds do not all know
/// the escape, so a backslash becomes `?`: whoever asks compares the answers with the text.
pub(crate) fn pattern(text: &str) -> String {
    text.replace('\\', "?")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_has_the_action_the_version_and_numbered_lists() {
        let query = Query::ec2("DescribeInstances")
            .with_filter("tag:Name", ["a b&c"])
            .with_filter("instance-state-name", ["running", "stopped"])
            .with("MaxResults", 1000);
        let body = String::from_utf8(query.request().body).expect("text");
        assert_eq!(
            body,
            "Action=DescribeInstances&Version=2016-11-15&Filter.1.Name=tag%3AName&Filter.1.Value.1=a+b%26c\
             &Filter.2.Name=instance-state-name&Filter.2.Value.1=running&Filter.2.Value.2=stopped&MaxResults=1000"
        );
        assert!(query.is_repeatable());
    }

    #[test]
    fn a_change_may_be_repeated_only_with_a_token() {
        let query = Query::ec2("RunInstances");
        assert!(!query.is_repeatable());
        assert!(query.with_client_token("t").is_repeatable());
    }

    #[test]
    fn a_pattern_matches_its_own_text() {
        assert_eq!(pattern(r"a\*"), "a?*");
    }
}
