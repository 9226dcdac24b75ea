//! The list of abilities, the `Provider` trait, and its implementations for components and for guarded providers.

use std::fmt::Write as _;

use wit_parser::{Function, InterfaceId, Resolve, Type, TypeDefKind};

use crate::names::{docs, field, is_blob, rust_type, type_name};

pub(crate) fn write(out: &mut String, resolve: &Resolve, abilities: &[InterfaceId]) {
    write_enum(out, resolve, abilities).expect("writing to a string");
    write_trait(out, resolve, abilities).expect("writing to a string");
    write_component(out, resolve, abilities).expect("writing to a string");
    write_guarded(out, resolve, abilities).expect("writing to a string");
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
    for id in abilities {
        let ability = type_name(name_of(resolve, *id));
        for function in resolve.interfaces[*id].functions.values() {
            writeln!(out, "    {} {{", signature(resolve, function))?;
            let result = function
                .result
                .as_ref()
                .map_or("()".to_owned(), |ty| rust_type(resolve, ty));
            let arguments: String = function
                .params
                .iter()
                .map(|param| argument(resolve, &param.name, &param.ty))
                .collect();
            let blobs = if function.params.iter().any(|param| is_blob(resolve, &param.ty)) {
                "blobs"
            } else {
                "_blobs"
            };
            writeln!(
                out,
                "        let function = crate::component::Function {{ ability: Ability::{ability}, name: \"{}\" }};\n        \
                 let answer = self.invoke(call, function, move |{blobs}| Ok(({arguments}))).await;",
                function.name
            )?;
            if is_result(resolve, function) {
                writeln!(
                    out,
                    "        answer.and_then(|(answer,): ({result},)| answer.map_err(|error| self.readable(error)))\n    }}\n"
                )?;
            } else {
                writeln!(out, "        answer.map(|(answer,): ({result},)| answer)\n    }}\n")?;
            }
        }
    }
    writeln!(out, "}}\n")
}

fn write_guarded(out: &mut String, resolve: &Resolve, abilities: &[InterfaceId]) -> std::fmt::Result {
    writeln!(
        out,
        "#[async_trait::async_trait]\nimpl Provider for crate::guard::Guarded {{\n    \
         fn abilities(&self) -> &[Ability] {{\n        self.provider().abilities()\n    }}\n"
    )?;
    for id in abilities {
        for function in resolve.interfaces[*id].functions.values() {
            let arguments: String = function
                .params
                .iter()
                .map(|param| format!(", {}", field(&param.name)))
                .collect();
            writeln!(
                out,
                "    {} {{\n        self.check(call, \"{}\")?;\n        self.provider().{}(call{arguments}).await\n    }}\n",
                signature(resolve, function),
                function.name,
                field(&function.name)
            )?;
        }
    }
    writeln!(out, "}}\n")
}

fn argument(resolve: &Resolve, name: &str, ty: &Type) -> String {
    if is_blob(resolve, ty) {
        format!("blobs.lend({})?, ", field(name))
    } else {
        format!("{}, ", field(name))
    }
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
