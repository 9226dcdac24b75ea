//! The bodies that create things: a spec of the contract, whose provider-specific `options` are a plain object.
//!
//! The contract's specs carry options with their types. A caller writes `"options": {"zone": "b"}` instead, and the service
//! types them by the provider's schema. The schemas in the OpenAPI document are made from the contract's in the same way.

use std::borrow::Cow;
use std::collections::BTreeMap;

use axum::extract::{FromRequest, Request};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use stockade_host::contract::{DiskSpec, ImageSpec, LoadBalancerSpec, NetworkSpec, PoolSpec, SubnetSpec, VmSpec};
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{Object, Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::extract::{json_value, read};
use super::problem::Problem;
use super::router::Api;
use crate::connections::OptionInput;

/// A spec that a body can hold.
pub(super) trait Spec: DeserializeOwned + ToSchema {
    /// What a field means when the body does not have it, where that differs from the contract.
    fn defaults() -> Option<(&'static str, Value)> {
        None
    }
}

impl Spec for VmSpec {
    /// Who creates a VM by hand wants it to run.
    fn defaults() -> Option<(&'static str, Value)> {
        Some(("start", json!(true)))
    }
}
impl Spec for DiskSpec {}
impl Spec for ImageSpec {}
impl Spec for NetworkSpec {}
impl Spec for PoolSpec {}
impl Spec for SubnetSpec {}
impl Spec for LoadBalancerSpec {}

/// A spec and its provider-specific options.
#[derive(Debug)]
pub(super) struct Create<T> {
    /// The spec; its own `options` are empty.
    pub(super) spec: T,
    /// The provider-specific options.
    pub(super) options: BTreeMap<String, OptionInput>,
}

/// The body that creates a VM.
pub(super) type VmBody = Create<VmSpec>;
/// The body that creates a disk.
pub(super) type DiskBody = Create<DiskSpec>;
/// The body that creates a network.
pub(super) type NetworkBody = Create<NetworkSpec>;
/// The body that creates a pool.
pub(super) type PoolBody = Create<PoolSpec>;
/// The body that creates a subnet.
pub(super) type SubnetBody = Create<SubnetSpec>;
/// The body that creates a load balancer.
pub(super) type LoadBalancerBody = Create<LoadBalancerSpec>;

impl<T: Spec> Create<T> {
    /// Reads the fields of a body.
    pub(super) fn from_fields(mut fields: Map<String, Value>) -> Result<Self, Problem> {
        let options = match fields.remove("options") {
            None | Some(Value::Null) => BTreeMap::new(),
            Some(Value::Object(options)) => read_options(options)?,
            Some(_) => {
                return Err(Problem::invalid(
                    "options",
                    "options: must be an object, `{\"NAME\": VALUE}`",
                ));
            }
        };
        if fields.get("name").is_none_or(|name| name.is_null() || name == "") {
            return Err(Problem::invalid("name", "body: missing field `name`"));
        }
        if let Some((field, value)) = T::defaults() {
            fields.entry(field).or_insert(value);
        }
        let spec = read(Value::Object(fields))?;
        Ok(Self { spec, options })
    }
}

impl<T: Spec> FromRequest<Api> for Create<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, api: &Api) -> Result<Self, Problem> {
        Self::from_fields(object(json_value(request, api).await?)?)
    }
}

/// The fields of a body that must be an object.
pub(super) fn object(body: Value) -> Result<Map<String, Value>, Problem> {
    match body {
        Value::Object(fields) => Ok(fields),
        _ => Err(Problem::invalid("body", "the body must be a JSON object")),
    }
}

fn read_options(options: Map<String, Value>) -> Result<BTreeMap<String, OptionInput>, Problem> {
    let read = |(name, value): (String, Value)| match serde_json::from_value(value) {
        Ok(input) => Ok((name, input)),
        Err(_) => Err(Problem::invalid(
            &name,
            format!("options.{name}: must be a text, a 32-bit whole number, `true`, `false` or a list of texts"),
        )),
    };
    options.into_iter().map(read).collect()
}

impl<T: Spec> PartialSchema for Create<T> {
    fn schema() -> RefOr<Schema> {
        let mut schema = T::schema();
        if let RefOr::T(Schema::Object(object)) = &mut schema {
            object.properties.insert("options".to_owned(), options_schema().into());
            if !object.required.iter().any(|field| field == "name") {
                object.required.push("name".to_owned());
            }
            if let Some((field, value)) = T::defaults()
                && let Some(RefOr::T(Schema::Object(field))) = object.properties.get_mut(field)
            {
                field.default = Some(value);
            }
        }
        schema
    }
}

/// `options` as a caller writes them.
fn options_schema() -> Object {
    ObjectBuilder::new()
        .schema_type(SchemaType::new(Type::Object))
        .description(Some(
            "Provider-specific options by name; `GET /v1/providers/{provider}` says which there are.",
        ))
        .additional_properties(Some(AdditionalProperties::RefOr(RefOr::Ref(Ref::from_schema_name(
            OptionInput::name(),
        )))))
        .build()
}

impl<T: Spec> ToSchema for Create<T> {
    fn name() -> Cow<'static, str> {
        T::name()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        T::schemas(schemas);
        // The contract's own form of options does not occur in bodies.
        schemas.retain(|(name, _)| name != "OptionEntry");
        schemas.push((OptionInput::name().into_owned(), OptionInput::schema()));
        OptionInput::schemas(schemas);
    }
}
