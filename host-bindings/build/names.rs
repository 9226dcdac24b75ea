//! Names and types as Rust writes them.

use heck::{ToSnakeCase, ToUpperCamelCase};
use wit_parser::{Docs, Handle, Resolve, Type, TypeDefKind};

/// `memory-mib` → `memory_mib`; keywords become raw identifiers.
pub(crate) fn field(name: &str) -> String {
    match name {
        "type" => "r#type".to_owned(),
        other => other.to_snake_case(),
    }
}

/// `vm-spec` → `VmSpec`.
pub(crate) fn type_name(name: &str) -> String {
    name.to_upper_camel_case()
}

/// Doc comment lines, indented.
pub(crate) fn docs(docs: &Docs, indent: &str) -> String {
    docs.contents
        .as_deref()
        .unwrap_or_default()
        .trim_end()
        .lines()
        .map(|line| format!("{indent}/// {line}").trim_end().to_owned() + "\n")
        .collect()
}

/// The Rust type of a WIT type. A lent blob is a [`Blob`] of the host.
pub(crate) fn rust_type(resolve: &Resolve, ty: &Type) -> String {
    match ty {
        Type::Bool => "bool".into(),
        Type::U8 => "u8".into(),
        Type::U16 => "u16".into(),
        Type::U32 => "u32".into(),
        Type::S32 => "i32".into(),
        Type::String => "String".into(),
        Type::Id(id) => {
            let definition = &resolve.types[*id];
            match &definition.kind {
                TypeDefKind::Option(inner) => format!("Option<{}>", rust_type(resolve, inner)),
                TypeDefKind::List(inner) => format!("Vec<{}>", rust_type(resolve, inner)),
                TypeDefKind::Result(result) => {
                    let side = |ty: &Option<Type>| ty.as_ref().map_or("()".to_owned(), |ty| rust_type(resolve, ty));
                    format!("Result<{}, {}>", side(&result.ok), side(&result.err))
                }
                TypeDefKind::Tuple(tuple) => {
                    let parts: Vec<_> = tuple.types.iter().map(|part| rust_type(resolve, part)).collect();
                    format!("({})", parts.join(", "))
                }
                TypeDefKind::Handle(Handle::Borrow(_)) => "Blob".into(),
                TypeDefKind::Type(Type::Id(aliased)) => rust_type(resolve, &Type::Id(*aliased)),
                _ => type_name(definition.name.as_deref().expect("a named type")),
            }
        }
        other => panic!("the contract must not use {other:?}: languages disagree about it"),
    }
}

/// Whether a parameter is a lent blob.
pub(crate) fn is_blob(resolve: &Resolve, ty: &Type) -> bool {
    matches!(ty, Type::Id(id) if matches!(resolve.types[*id].kind, TypeDefKind::Handle(Handle::Borrow(_))))
}
