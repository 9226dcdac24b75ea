//! Azure Storage's shared access signature: a query string that whoever has it adds to requests.
//!
//! <https://learn.microsoft.com/rest/api/storageservices/delegate-access-with-shared-access-signature>. It is a bearer
//! secret made outside; the host attaches it as it is and signs nothing, so it signs no URLs either: that would give the
//! credential itself away.

use async_trait::async_trait;
use percent_encoding::percent_decode_str;
use zeroize::Zeroizing;

use super::query::{push_parameter, spellings_in_query};
use super::{Authenticate, CredentialError, Outgoing, OwnRequests, Spelling};
use crate::http::secret::Secret;

/// Every parameter that a signature of whatever kind may have. None of them is the guest's: one that it added could
/// replace the host's where a server takes the first or the last of two.
pub(super) const PARAMETERS: [&str; 30] = [
    "rscc", "rscd", "rsce", "rscl", "rsct", "saoid", "scid", "sdd", "se", "ses", "si", "sig", "sip", "ske", "skoid",
    "sks", "skt", "sktid", "skv", "sp", "spr", "sr", "srh", "srq", "srt", "ss", "sst", "st", "suoid", "sv",
];

/// A shared access signature.
#[derive(Debug)]
pub struct AzureSas {
    /// The query string, with or without its question mark: `sv=…&sig=…`.
    pub query: Secret,
}

/// An unencoded parameter.
type Parameter = (Zeroizing<String>, Zeroizing<String>);

impl AzureSas {
    /// Its parameters.
    fn parameters(&self) -> Result<Vec<Parameter>, CredentialError> {
        let form =
            CredentialError::Form("a query string of unencoded or encoded `name=value` pairs with `sv` and `sig`");
        let text = self.query.expose().trim_start_matches('?');
        let decode = |part: &str| {
            percent_decode_str(part)
                .decode_utf8()
                .map(|part| Zeroizing::new(part.into_owned()))
        };
        let parameter = |pair: &str| {
            let (name, value) = pair.split_once('=')?;
            Some((decode(name).ok()?, decode(value).ok()?))
        };
        let all: Option<Vec<Parameter>> = text.split('&').map(parameter).collect();
        let all = all.ok_or_else(|| form.clone())?;
        let has = |wanted: &str| all.iter().any(|(name, value)| **name == *wanted && !value.is_empty());
        let is_known = |(name, _): &Parameter| PARAMETERS.contains(&name.as_str());
        match has("sv") && has("sig") && all.iter().all(is_known) {
            true => Ok(all),
            false => Err(form),
        }
    }
}

#[async_trait]
impl Authenticate for AzureSas {
    fn query_parameters(&self) -> Vec<String> {
        PARAMETERS.map(str::to_owned).into()
    }

    fn check(&self) -> Result<(), CredentialError> {
        self.parameters().map(drop)
    }

    async fn attach(&self, outgoing: &mut Outgoing<'_>, _host: &dyn OwnRequests) -> Result<(), CredentialError> {
        for (name, value) in self.parameters()? {
            push_parameter(outgoing.query, &name, &value);
        }
        Ok(())
    }

    /// Without its signature the rest is of no use.
    fn secrets(&self) -> Vec<Spelling> {
        let signature = self
            .parameters()
            .ok()
            .and_then(|all| all.into_iter().find(|(name, _)| **name == *"sig"));
        signature.map_or_else(Vec::new, |(_, value)| spellings_in_query(&value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::scrub::Scrubber;

    fn sas(query: &str) -> AzureSas {
        AzureSas {
            query: Secret::new(query),
        }
    }

    #[test]
    fn a_signature_is_recognised_and_blotted_out_of_echoes() {
        let sas = sas("?sv=2022-11-02&ss=b&srt=co&sp=rl&se=2030-01-01T00:00:00Z&sig=ab%2Fcd%2Befgh%3D");
        assert_eq!(sas.check(), Ok(()));
        let scrubber = Scrubber::new(sas.secrets());
        for echo in ["ab/cd+efgh=", "ab%2Fcd%2Befgh%3D", "ab%2fcd%2befgh%3d"] {
            let clean = scrubber.scrub(format!("sv=2022-11-02&sig={echo}&x").as_bytes());
            assert_eq!(clean, b"sv=2022-11-02&sig=[redacted]&x", "{echo}");
        }
        assert!(!format!("{sas:?}").contains("2022"));
    }

    #[test]
    fn what_is_no_signature_is_refused_and_not_repeated() {
        for text in [
            "",
            "canary",
            "sv=2022-11-02",
            "sig=canary",
            "sv=1&sig=",
            "sv=1&sig=canary&comp=list",
            "sv=1&sig=%ff",
        ] {
            let error = sas(text).check().unwrap_err();
            assert!(!error.to_string().contains("canary"), "{text}: {error}");
        }
    }
}
