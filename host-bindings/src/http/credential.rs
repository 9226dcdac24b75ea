//! Credentials that the host attaches to requests.
//!
//! A credential belongs to one endpoint's grant and so to one origin: it is attached after the request was allowed and
//! cannot reach another host, because requests carry no URL and redirects are not followed. The guest never holds it; what
//! a server echoes is blotted out by `scrub`. Header values are marked sensitive, which keeps them out of `Debug` output,
//! but the HTTP library's own copies are not wiped from memory.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use http::header::{AUTHORIZATION, COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use zeroize::Zeroizing;

use super::headers::is_hosts_own;
use super::secret::Secret;

/// Why a credential cannot be attached.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    /// The value would break the header that carries it.
    #[error(
        "the credential's value is empty or has a line break or another control character; check how it was stored"
    )]
    Value,
    /// RFC 7617, section 2: the first colon ends the user.
    #[error("the user `{0}` has a colon, which basic authentication cannot carry")]
    User(String),
    /// A header that frames or routes requests: its name comes from the provider, which must not gain control of those.
    #[error("no credential can be attached in the header `{0}`: it frames or routes requests")]
    Header(HeaderName),
}

/// How the host authenticates to one endpoint.
#[derive(Debug, Clone)]
pub enum Credential {
    /// `Authorization: Bearer TOKEN`: RFC 6750, section 2.1.
    Bearer(Secret),
    /// `Authorization: Basic …`: RFC 7617.
    Basic {
        /// The user; not secret.
        user: String,
        /// The password.
        password: Secret,
    },
    /// A header of the vendor's own.
    Header {
        /// The header's name.
        name: HeaderName,
        /// The header's whole value.
        value: Secret,
    },
}

impl Credential {
    /// The header that carries it, which no guest may set.
    #[must_use]
    pub fn header_name(&self) -> HeaderName {
        match self {
            Self::Bearer(_) | Self::Basic { .. } => AUTHORIZATION,
            Self::Header { name, .. } => name.clone(),
        }
    }

    /// Sets the header, replacing any of that name.
    ///
    /// # Errors
    /// When no header can carry the value. `HttpClient::new` tries this once, so that it fails before any request.
    pub fn attach(&self, headers: &mut HeaderMap) -> Result<(), CredentialError> {
        let name = self.header_name();
        if is_hosts_own(&name) && name != AUTHORIZATION && name != COOKIE {
            return Err(CredentialError::Header(name));
        }
        let text = match self {
            Self::Bearer(token) => Zeroizing::new(format!("Bearer {}", not_empty(token)?)),
            Self::Basic { user, .. } if user.contains(':') => {
                return Err(CredentialError::User(user.clone()));
            }
            Self::Basic { user, password } => {
                Zeroizing::new(format!("Basic {}", STANDARD.encode(&*pair(user, password))))
            }
            Self::Header { value, .. } => Zeroizing::new(not_empty(value)?.to_owned()),
        };
        let mut value = HeaderValue::from_str(&text).map_err(|_| CredentialError::Value)?;
        value.set_sensitive(true);
        headers.insert(name, value);
        Ok(())
    }

    /// Every spelling in which a server may send the secret back: plain, percent-encoded, escaped as JSON, and for basic
    /// authentication the encoded pair.
    pub(super) fn spellings(&self) -> Vec<Zeroizing<Vec<u8>>> {
        let (secret, pair) = match self {
            Self::Bearer(token) => (token.expose(), None),
            Self::Header { value, .. } => (value.expose(), None),
            Self::Basic { user, password } => (password.expose(), Some(pair(user, password))),
        };
        let mut spellings: Vec<String> = vec![
            secret.to_owned(),
            utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string(),
            json_inner(secret),
        ];
        for engine in [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD] {
            spellings.push(engine.encode(secret));
            spellings.extend(pair.iter().map(|pair| engine.encode(&**pair)));
        }
        let attached = pair.as_ref().map(|pair| Zeroizing::new(STANDARD.encode(&**pair)));
        let texts = [
            Some(secret),
            pair.as_ref().map(|pair| pair.as_str()),
            attached.as_ref().map(|text| text.as_str()),
        ];
        spellings.extend(texts.into_iter().flatten().flat_map(within_base64));
        spellings
            .into_iter()
            .map(|spelling| Zeroizing::new(spelling.into_bytes()))
            .collect()
    }
}

/// How a text looks inside the base64 (RFC 4648, section 4 and 5) of something longer: it depends on how many bytes stand before
/// it, modulo three. Characters that also hold bits of its neighbours are left out.
fn within_base64(text: &str) -> impl Iterator<Item = String> {
    let places = (0..3).flat_map(|before| [(before, STANDARD_NO_PAD), (before, URL_SAFE_NO_PAD)]);
    places.map(move |(before, engine)| {
        let shifted = Zeroizing::new([&[0; 3][..before], text.as_bytes()].concat());
        let whole = Zeroizing::new(engine.encode(&*shifted));
        let (first, end) = ((before * 4).div_ceil(3), shifted.len() * 4 / 3);
        whole[first..end.max(first)].to_owned()
    })
}

/// A text as it stands between the quotes of a JSON string.
fn json_inner(text: &str) -> String {
    let mut quoted = serde_json::Value::from(text).to_string();
    quoted.pop();
    quoted.split_off(1)
}

fn not_empty(secret: &Secret) -> Result<&str, CredentialError> {
    if secret.expose().is_empty() {
        Err(CredentialError::Value)
    } else {
        Ok(secret.expose())
    }
}

fn pair(user: &str, password: &Secret) -> Zeroizing<String> {
    Zeroizing::new(format!("{user}:{}", password.expose()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_sets_its_header_and_marks_it_sensitive() {
        let header = Credential::Header {
            name: HeaderName::from_static("x-auth-token"),
            value: Secret::new("t-1"),
        };
        let basic = Credential::Basic {
            user: "Aladdin".into(),
            password: Secret::new("open sesame"),
        };
        for (credential, name, value) in [
            (Credential::Bearer(Secret::new("abc")), "authorization", "Bearer abc"),
            // The example of RFC 7617, section 2.
            (basic, "authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
            (header, "x-auth-token", "t-1"),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(credential.header_name(), HeaderValue::from_static("guest's"));
            credential.attach(&mut headers).unwrap();
            assert_eq!(headers.get_all(name).iter().collect::<Vec<_>>(), [value]);
            assert!(headers[name].is_sensitive());
            assert!(!format!("{credential:?} {headers:?}").contains(value));
        }
    }

    #[test]
    fn values_that_break_a_header_are_refused() {
        for token in ["", "a\nb", "a\r\nx: y", "a\0"] {
            let credential = Credential::Bearer(Secret::new(token));
            assert_eq!(
                credential.attach(&mut HeaderMap::new()),
                Err(CredentialError::Value),
                "{token:?}"
            );
        }
        let credential = Credential::Basic {
            user: "a:b".into(),
            password: Secret::new("p"),
        };
        assert_eq!(
            credential.attach(&mut HeaderMap::new()),
            Err(CredentialError::User("a:b".into()))
        );
        for (name, allowed) in [
            ("transfer-encoding", false),
            ("host", false),
            ("x_forwarded_for", false),
            ("cookie", true),
            ("x-key", true),
        ] {
            let credential = Credential::Header {
                name: HeaderName::from_static(name),
                value: Secret::new("v"),
            };
            assert_eq!(credential.attach(&mut HeaderMap::new()).is_ok(), allowed, "{name}");
        }
    }
}
