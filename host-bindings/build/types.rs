//! Records, enums and variants of the contract as Rust types.

use std::fmt::Write as _;

use wit_parser::{InterfaceId, Record, Resolve, Type, TypeDef, TypeDefKind};

use crate::names::{docs, field, rust_type, type_name};

const DERIVES: &str = "Clone, Debug, PartialEq, Eq, wasmtime::component::ComponentType, wasmtime::component::Lift, \
                       wasmtime::component::Lower, serde::Serialize, serde::Deserialize, utoipa::ToSchema";

pub(crate) fn write_interface(out: &mut String, resolve: &Resolve, interface: InterfaceId) {
    for (name, id) in &resolve.interfaces[interface].types {
        write_type(out, resolve, name, &resolve.types[*id]).expect("writing to a string");
    }
}

fn write_type(out: &mut String, resolve: &Resolve, name: &str, definition: &TypeDef) -> std::fmt::Result {
    let rust_name = type_name(name);
    match &definition.kind {
        TypeDefKind::Record(record) => {
            out.push_str(&docs(&definition.docs, ""));
            writeln!(
                out,
                "#[derive({DERIVES})]\n#[component(record)]\n#[serde(deny_unknown_fields)]\npub struct {rust_name} {{"
            )?;
            for item in &record.fields {
                out.push_str(&docs(&item.docs, "    "));
                writeln!(out, "    #[component(name = \"{}\")]", item.name)?;
                if is_input(name) && may_be_left_out(resolve, &item.ty) {
                    writeln!(out, "    #[serde(default)]")?;
                }
                writeln!(out, "    pub {}: {},", field(&item.name), rust_type(resolve, &item.ty))?;
            }
            writeln!(out, "}}\n")?;
            match page_item(resolve, record) {
                Some(item) => write_page(out, &rust_name, &item),
                None => Ok(()),
            }
        }
        TypeDefKind::Enum(cases) => {
            out.push_str(&docs(&definition.docs, ""));
            writeln!(
                out,
                "#[derive(Copy, {DERIVES})]\n#[component(enum)]\n#[repr(u8)]\n#[serde(rename_all = \"kebab-case\")]\npub enum {rust_name} {{"
            )?;
            for case in &cases.cases {
                out.push_str(&docs(&case.docs, "    "));
                writeln!(
                    out,
                    "    #[component(name = \"{0}\")]\n    {1},",
                    case.name,
                    type_name(&case.name)
                )?;
            }
            writeln!(out, "}}\n")
        }
        TypeDefKind::Variant(cases) => {
            out.push_str(&docs(&definition.docs, ""));
            writeln!(
                out,
                "#[derive({DERIVES})]\n#[component(variant)]\n#[serde(rename_all = \"kebab-case\")]\npub enum {rust_name} {{"
            )?;
            for case in &cases.cases {
                out.push_str(&docs(&case.docs, "    "));
                let payload = case
                    .ty
                    .as_ref()
                    .map_or(String::new(), |ty| format!("({})", rust_type(resolve, ty)));
                writeln!(
                    out,
                    "    #[component(name = \"{}\")]\n    {}{payload},",
                    case.name,
                    type_name(&case.name)
                )?;
            }
            writeln!(out, "}}\n")
        }
        // `use` of a type that another interface defines.
        TypeDefKind::Type(_) => Ok(()),
        other => panic!("type `{name}`: {} is not supported in the contract", other.as_str()),
    }
}

/// Records that callers write: what they leave out has an obvious meaning.
fn is_input(name: &str) -> bool {
    name.ends_with("-spec") || name.ends_with("-options") || name.ends_with("-update")
}

fn may_be_left_out(resolve: &Resolve, ty: &Type) -> bool {
    match ty {
        Type::Bool => true,
        Type::Id(id) => matches!(resolve.types[*id].kind, TypeDefKind::List(_) | TypeDefKind::Option(_)),
        _ => false,
    }
}

/// The type of a page's items, when the record is a part of a list: `items` and `next`.
fn page_item(resolve: &Resolve, record: &Record) -> Option<String> {
    let [items, next] = record.fields.as_slice() else {
        return None;
    };
    let Type::Id(id) = items.ty else { return None };
    match &resolve.types[id].kind {
        TypeDefKind::List(item) if items.name == "items" && next.name == "next" => Some(rust_type(resolve, item)),
        _ => None,
    }
}

fn write_page(out: &mut String, rust_name: &str, item: &str) -> std::fmt::Result {
    writeln!(
        out,
        "impl super::Page for {rust_name} {{\n    type Item = {item};\n\n    fn into_parts(self) -> (Vec<{item}>, Option<String>) {{\n        \
         (self.items, self.next)\n    }}\n}}\n"
    )
}
