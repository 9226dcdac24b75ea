//! The kinds whose value is the same for every request.

use std::sync::Arc;

use stockade_host::contract::CredentialKind;
use stockade_host::http::{Basic, Bearer, Credential, Header};

use super::Recipe;
use super::source::Sources;
use crate::connections::config::SecretSource;
use crate::error::Result;

pub(super) fn bearer(recipe: &Recipe, sources: &Sources<'_>, token: &SecretSource) -> Result<Credential> {
    recipe.accepted("bearer", |kind| matches!(kind, CredentialKind::Bearer).then_some(()))?;
    let token = sources.read(token)?;
    Ok(Arc::new(Bearer { token }))
}

pub(super) fn basic(recipe: &Recipe, sources: &Sources<'_>, user: &str, password: &SecretSource) -> Result<Credential> {
    recipe.accepted("basic", |kind| matches!(kind, CredentialKind::Basic).then_some(()))?;
    Ok(Arc::new(Basic {
        user: user.to_owned(),
        password: sources.read(password)?,
    }))
}

pub(super) fn header(recipe: &Recipe, sources: &Sources<'_>, value: &SecretSource) -> Result<Credential> {
    let name = recipe.accepted("header", |kind| match kind {
        CredentialKind::Header(name) => Some(name),
        _ => None,
    })?;
    let wrong = |_| recipe.invalid(format_args!("wants `{name}`, which is not a header name"));
    Ok(Arc::new(Header {
        name: name.parse().map_err(wrong)?,
        value: sources.read(value)?,
    }))
}
