//! The list of abilities, the `Provider` trait, its implementation for components, and the types of their exports.

use std::fmt::Write as _;

use wit_parser::{Function, InterfaceId, Resolve, Type, TypeDefKind};

use crate::names::{docs, field, is_blob, rust_type, type_name};

pub(crate) fn write(out: &mut String, resolve: &Resolve, abilities: &[InterfaceId]) {
    write_enum(out, resolve, abilities).expect("writing to a string");
    write_trait(out, resolve, abilities).expect("writing to a string");
    write_component(out, resolve, abilities).expect("writing to a string");
    write_exports(out, resolve, abilities).expect("writing to a string");
}

fn name_of(resolve: &Resolve, id: InterfaceId) -> &str {
    resolve.interfaces[id].name.as_deref().expect("abilities have names")
}

/// The full export name: `stockade:provider/vms@0.1.0`.
fn export_name(resolve: &Resolve, id: InterfaceId) -> String {
    resolve.id_of(id).expect("abilities belong to a package")
}

fn write_enum(out: &mut String, resolve: &Resolve, abilities: &[InterfaceId]) -> std::fmt::Result {
    writeln!(
        out,
        "/// A family of functions that a provider exports.\n#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, \
         serde::Deserialize, utoipa::ToSchema)]\n#[serde(rename_all = \"kebab-case\")]\npub enum Ability {{"
    )?;
    for id in abilities {
        out.push_str(&docs(&resolve.interfaces[*id].docs, "    "));
        writeln!(out, "    {},", type_name(name_of(resolve, *id)))?;
    }
    writeln!(
        out,
        "}}\n\nimpl Ability {{\n    /// Every ability, in the contract's order.\n    pub const ALL: &'static [Self] = &["
    )?;
    for id in abilities {
        writeln!(out, "        Self::{},", type_name(name_of(resolve, *id)))?;
    }
    writeln!(
        out,
        "    ];\n\n    /// Its name in the contract, `vm-pause`.\n    pub const fn name(self) -> &'static str {{\n        match self {{"
    )?;
    for id in abilities {
        let name = name_of(resolve, *id);
        writeln!(out, "            Self::{} => \"{name}\",", type_name(name))?;
    }
    writeln!(
        out,
        "        }}\n    }}\n\n    /// The name under which a component exports it.\n    pub const fn export_name(self) -> &'static str {{\n        match self {{"
    )?;
    for id in abilities {
        writeln!(
            out,
            "            Self::{} => \"{}\",",
            type_name(name_of(resolve, *id)),
            export_name(resolve, *id)
        )?;
    }
    writeln!(
        out,
        "        }}\n    }}\n\n    /// Its functions.\n    pub const fn functions(self) -> &'static [&'static str] {{\n        match self {{"
    )?;
    for id in abilities {
        let functions: Vec<_> = resolve.interfaces[*id]
            .functions
            .keys()
            .map(|name| format!("\"{name}\""))
            .collect();
        writeln!(
            out,
            "            Self::{} => &[{}],",
            type_name(name_of(resolve, *id)),
            functions.join(", ")
        )?;
    }
    writeln!(out, "        }}\n    }}\n}}\n")
}

fn write_trait(out: &mut String, resolve: &Resolve, abilities: &[InterfaceId]) -> std::fmt::Result {
    writeln!(
        out,
        "/// A provider, seen from the host: one method for each function of the contract.\n///\n\
         /// A function that a provider does not have answers [`ErrorKind::Unsupported`].\n\
         #[async_trait::async_trait]\npub trait Provider: Send + Sync {{\n    \
         /// The abilities that it has. Known before any of its code runs.\n    fn abilities(&self) -> &[Ability];\n"
    )?;
    for id in abilities {
        for function in resolve.interfaces[*id].functions.values() {
            out.push_str(&docs(&function.docs, "    "));
            writeln!(out, "    {} {{", signature(resolve, function))?;
            let unused: String = function
                .params
                .iter()
                .map(|param| format!(", {}", field(&param.name)))
                .collect();
            writeln!(
                out,
                "        let _ = (self, call{unused});\n        Err(Error::unsupported(\"{}\"))\n    }}\n",
                function.name
            )?;
        }
    }
    writeln!(out, "}}\n")
}

fn write_component(out: &mut String, resolve: &Resolve, abilities: &[InterfaceId]) -> std::fmt::Result {
    writeln!(
        out,
        "#[async_trait::async_trait]\nimpl Provider for crate::component::ComponentProvider {{\n    \
         fn abilities(&self) -> &[Ability] {{\n        self.component().abilities()\n    }}\n"
    )?;
    for (_, function) in functions(resolve, abilities) {
        let host = if has_blob(resolve, function) { "host" } else { "_host" };
        writeln!(
            out,
            "    {} {{\n        let answer = self.invoke::<{}>(call, move |{host}| ({})).await;",
            signature(resolve, function),
            export_type(function),
            arguments(resolve, function, |name| format!("host.lend({name})"))
        )?;
        let end = if is_result(resolve, function) {
            "answer.and_then(|(answer,)| answer.map_err(|error| self.readable(error)))"
        } else {
            "answer.map(|(answer,)| answer)"
        };
        writeln!(out, "        {end}\n    }}\n")?;
    }
    writeln!(out, "}}\n")
}

/// Each function's types, and the way from a function's name to its types.
fn write_exports(out: &mut String, resolve: &Resolve, abilities: &[InterfaceId]) -> std::fmt::Result {
    for (ability, function) in functions(resolve, abilities) {
        let result = function.result.as_ref();
        let result = result.map_or("()".to_owned(), |ty| rust_type(resolve, ty));
        let types = |blob: &str| -> String {
            let ty = |ty| {
                if is_blob(resolve, ty) {
                    blob.to_owned()
                } else {
                    rust_type(resolve, ty)
                }
            };
            function.params.iter().map(|param| ty(&param.ty) + ", ").collect()
        };
        let handles = if has_blob(resolve, function) {
            "handles"
        } else {
            "_handles"
        };
        writeln!(
            out,
            "pub(crate) struct {name};\n\nimpl crate::component::Export for {name} {{\n    \
             const FUNCTION: Function = Function {{ ability: Ability::{ability}, name: \"{function_name}\" }};\n    \
             type Sent = ({sent});\n    type Arguments = ({taken});\n    type Answer = ({result},);\n\n    \
             fn arguments(({names}): Self::Sent, {handles}: &mut crate::component::Handles<'_>) \
             -> wasmtime::Result<Self::Arguments> {{\n        Ok(({arguments}))\n    }}\n}}\n",
            name = export_type(function),
            function_name = function.name,
            sent = types("crate::blobs::BlobId"),
            taken = types("wasmtime::component::Resource<crate::blobs::BlobId>"),
            names = arguments(resolve, function, str::to_owned),
            arguments = arguments(resolve, function, |name| format!("handles.lend({name})?")),
        )?;
    }
    writeln!(
        out,
        "/// Calls a guest's function with arguments from another process.\n\
         pub(crate) fn serve<'a>(guest: crate::component::Guest<'a>, function: Function, arguments: &'a [u8])\n    \
         -> Option<futures_util::future::BoxFuture<'a, Result<Vec<u8>, crate::component::Failure>>> {{\n    \
         Some(match (function.ability, function.name) {{"
    )?;
    for (ability, function) in functions(resolve, abilities) {
        writeln!(
            out,
            "        (Ability::{ability}, \"{}\") => guest.serve::<{}>(arguments),",
            function.name,
            export_type(function)
        )?;
    }
    writeln!(out, "        _ => return None,\n    }})\n}}\n")
}

/// Every function with its ability's type.
fn functions<'a>(resolve: &'a Resolve, abilities: &'a [InterfaceId]) -> impl Iterator<Item = (String, &'a Function)> {
    abilities.iter().flat_map(|id| {
        let ability = type_name(name_of(resolve, *id));
        let functions = resolve.interfaces[*id].functions.values();
        functions.map(move |function| (ability.clone(), function))
    })
}

/// `ListVmsExport`: no type of the contract has such a name.
fn export_type(function: &Function) -> String {
    format!("{}Export", type_name(&function.name))
}

fn has_blob(resolve: &Resolve, function: &Function) -> bool {
    function.params.iter().any(|param| is_blob(resolve, &param.ty))
}

/// The parameters' names as a tuple's content, blobs in another way.
fn arguments(resolve: &Resolve, function: &Function, blob: impl Fn(&str) -> String) -> String {
    let name = |ty, name: String| if is_blob(resolve, ty) { blob(&name) } else { name };
    let params = function.params.iter();
    params.map(|param| name(&param.ty, field(&param.name)) + ", ").collect()
}

fn is_result(resolve: &Resolve, function: &Function) -> bool {
    matches!(&function.result, Some(Type::Id(id)) if matches!(resolve.types[*id].kind, TypeDefKind::Result(_)))
}

fn signature(resolve: &Resolve, function: &Function) -> String {
    let params: String = function
        .params
        .iter()
        .map(|param| format!(", {}: {}", field(&param.name), rust_type(resolve, &param.ty)))
        .collect();
    let result = match &function.result {
        Some(ty) if is_result(resolve, function) => rust_type(resolve, ty),
        Some(ty) => format!("Result<{}, Error>", rust_type(resolve, ty)),
        None => "Result<(), Error>".to_owned(),
    };
    format!(
        "async fn {}(&self, call: &Call{params}) -> {result}",
        field(&function.name)
    )
}
