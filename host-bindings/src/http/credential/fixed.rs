//! Credentials whose value is the same for every request: a bearer token, a user with a password, a header.

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use http::header::{AUTHORIZATION, COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use zeroize::Zeroizing;

use super::{Authenticate, CredentialError, Outgoing, OwnRequests, Spelling};
use crate::http::headers::is_hosts_own;
use crate::http::secret::Secret;

/// `Authorization: Bearer TOKEN`: RFC 6750, section 2.1.
#[derive(Debug)]
pub struct Bearer {
    /// The token.
    pub token: Secret,
}

/// `Authorization: Basic …`: RFC 7617.
#[derive(Debug)]
pub struct Basic {
    /// The user; not secret.
    pub user: String,
    /// The password.
    pub password: Secret,
}

/// A header of the vendor's own.
#[derive(Debug)]
pub struct Header {
    /// The header's name.
    pub name: HeaderName,
    /// The header's whole value.
    pub value: Secret,
}

#[async_trait]
impl Authenticate for Bearer {
    fn headers(&self) -> Vec<HeaderName> {
        vec![AUTHORIZATION]
    }

    fn check(&self) -> Result<(), CredentialError> {
        self.set(&mut HeaderMap::new())
    }

    async fn attach(&self, outgoing: &mut Outgoing<'_>, _host: &dyn OwnRequests) -> Result<(), CredentialError> {
        self.set(outgoing.headers)
    }

    fn secrets(&self) -> Vec<Spelling> {
        spellings(self.token.expose())
    }
}

impl Bearer {
    fn set(&self, headers: &mut HeaderMap) -> Result<(), CredentialError> {
        let text = Zeroizing::new(format!("Bearer {}", not_empty(&self.token)?));
        set_secret_header(headers, AUTHORIZATION, &text)
    }
}

#[async_trait]
impl Authenticate for Basic {
    fn headers(&self) -> Vec<HeaderName> {
        vec![AUTHORIZATION]
    }

    fn check(&self) -> Result<(), CredentialError> {
        self.set(&mut HeaderMap::new())
    }

    async fn attach(&self, outgoing: &mut Outgoing<'_>, _host: &dyn OwnRequests) -> Result<(), CredentialError> {
        self.set(outgoing.headers)
    }

    fn secrets(&self) -> Vec<Spelling> {
        let pair = pair(&self.user, &self.password);
        let mut all = spellings(self.password.expose());
        for engine in [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD] {
            all.push(Zeroizing::new(engine.encode(&*pair).into_bytes()));
        }
        let attached = Zeroizing::new(STANDARD.encode(&*pair));
        for text in [&pair, &attached] {
            all.extend(within_base64(text).map(|spelling| Zeroizing::new(spelling.into_bytes())));
        }
        all
    }
}

impl Basic {
    fn set(&self, headers: &mut HeaderMap) -> Result<(), CredentialError> {
        if self.user.contains(':') {
            return Err(CredentialError::User(self.user.clone()));
        }
        let text = Zeroizing::new(format!("Basic {}", STANDARD.encode(&*pair(&self.user, &self.password))));
        set_secret_header(headers, AUTHORIZATION, &text)
    }
}

#[async_trait]
impl Authenticate for Header {
    fn headers(&self) -> Vec<HeaderName> {
        vec![self.name.clone()]
    }

    fn check(&self) -> Result<(), CredentialError> {
        self.set(&mut HeaderMap::new())
    }

    async fn attach(&self, outgoing: &mut Outgoing<'_>, _host: &dyn OwnRequests) -> Result<(), CredentialError> {
        self.set(outgoing.headers)
    }

    fn secrets(&self) -> Vec<Spelling> {
        spellings(self.value.expose())
    }
}

impl Header {
    fn set(&self, headers: &mut HeaderMap) -> Result<(), CredentialError> {
        set_secret_header(headers, self.name.clone(), not_empty(&self.value)?)
    }
}

/// Sets a header that carries a secret, replacing any of that name.
///
/// # Errors
/// When the header frames or routes requests, or cannot carry the value.
pub(super) fn set_secret_header(headers: &mut HeaderMap, name: HeaderName, text: &str) -> Result<(), CredentialError> {
    if is_hosts_own(&name) && name != AUTHORIZATION && name != COOKIE {
        return Err(CredentialError::Header(name));
    }
    let mut value = HeaderValue::from_str(text).map_err(|_| CredentialError::Value)?;
    value.set_sensitive(true);
    headers.insert(name, value);
    Ok(())
}

/// The ways in which a server may send a text back: plain, percent-encoded, escaped as JSON, in base64 and inside the
/// base64 of something longer.
#[must_use]
pub fn spellings(secret: &str) -> Vec<Spelling> {
    let mut spellings: Vec<String> = vec![
        secret.to_owned(),
        utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string(),
        json_inner(secret),
    ];
    spellings.extend([STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD].map(|engine| engine.encode(secret)));
    spellings.extend(within_base64(secret));
    spellings
        .into_iter()
        .map(|spelling| Zeroizing::new(spelling.into_bytes()))
        .collect()
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
        let header = Header {
            name: HeaderName::from_static("x-auth-token"),
            value: Secret::new("t-1"),
        };
        let basic = Basic {
            user: "Aladdin".into(),
            password: Secret::new("open sesame"),
        };
        let bearer = Bearer {
            token: Secret::new("abc"),
        };
        type Set<'a> = &'a dyn Fn(&mut HeaderMap) -> Result<(), CredentialError>;
        let cases: [(&dyn Authenticate, Set<'_>, &str, &str); 3] = [
            (&bearer, &|headers| bearer.set(headers), "authorization", "Bearer abc"),
            // The example of RFC 7617, section 2.
            (
                &basic,
                &|headers| basic.set(headers),
                "authorization",
                "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
            ),
            (&header, &|headers| header.set(headers), "x-auth-token", "t-1"),
        ];
        for (credential, set, name, value) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(credential.headers()[0].clone(), HeaderValue::from_static("guest's"));
            set(&mut headers).unwrap();
            assert_eq!(headers.get_all(name).iter().collect::<Vec<_>>(), [value]);
            assert!(headers[name].is_sensitive());
            assert!(!format!("{credential:?} {headers:?}").contains(value));
        }
    }

    #[test]
    fn values_that_break_a_header_are_refused() {
        for token in ["", "a\nb", "a\r\nx: y", "a\0"] {
            let credential = Bearer {
                token: Secret::new(token),
            };
            assert_eq!(credential.check(), Err(CredentialError::Value), "{token:?}");
        }
        let credential = Basic {
            user: "a:b".into(),
            password: Secret::new("p"),
        };
        assert_eq!(credential.check(), Err(CredentialError::User("a:b".into())));
        for (name, allowed) in [
            ("transfer-encoding", false),
            ("host", false),
            ("x_forwarded_for", false),
            ("cookie", true),
            ("x-key", true),
        ] {
            let credential = Header {
                name: HeaderName::from_static(name),
                value: Secret::new("v"),
            };
            assert_eq!(credential.check().is_ok(), allowed, "{name}");
        }
    }
}
