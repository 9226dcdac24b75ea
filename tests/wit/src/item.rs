//! Everything in the contract that has a name, with its documentation.

use wit_parser::{Docs, InterfaceId, Resolve, Type, TypeDefKind};

use crate::Contract;

/// Something with a name.
#[derive(Clone, Debug)]
pub struct Item {
    /// Where it is: `vm-types.vm.memory-mib`.
    pub path: String,
    /// Its own name: `memory-mib`.
    pub name: String,
    /// What is written above it; empty when nothing is.
    pub docs: String,
    /// What it is.
    pub kind: ItemKind,
    /// The types that it mentions directly: a field's type, a function's parameters and result.
    pub types: Vec<(String, Type)>,
}

/// What an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemKind {
    /// An interface or a world.
    Interface,
    /// A record, enum, variant or resource.
    Type,
    /// A field of a record.
    Field,
    /// A case of an enum or variant.
    Case,
    /// A function, also of a resource.
    Function,
}

/// Every item of the contract. What an interface only uses from another is listed there.
pub fn items(contract: &Contract) -> Vec<Item> {
    let (resolve, package) = (&contract.resolve, &contract.resolve.packages[contract.package]);
    let mut items = Vec::new();
    for (name, id) in &package.worlds {
        items.push(item(name, name, &resolve.worlds[*id].docs, ItemKind::Interface, vec![]));
    }
    for (name, id) in &package.interfaces {
        items.push(item(
            name,
            name,
            &resolve.interfaces[*id].docs,
            ItemKind::Interface,
            vec![],
        ));
        add_types(&mut items, resolve, name, *id);
        for (function_name, function) in &resolve.interfaces[*id].functions {
            let mut types: Vec<_> = function
                .params
                .iter()
                .map(|param| (param.name.clone(), param.ty))
                .collect();
            types.extend(function.result.map(|result| ("result".to_owned(), result)));
            let path = format!("{name}.{function_name}");
            // `[method]blob.size`, `[constructor]blob`
            let own = function_name.rsplit(['.', ']']).next().unwrap_or(function_name);
            items.push(item(&path, own, &function.docs, ItemKind::Function, types));
        }
    }
    items
}

fn item(path: &str, name: &str, docs: &Docs, kind: ItemKind, types: Vec<(String, Type)>) -> Item {
    let docs = docs.contents.clone().unwrap_or_default();
    Item {
        path: path.to_owned(),
        name: name.to_owned(),
        docs,
        kind,
        types,
    }
}

fn add_types(items: &mut Vec<Item>, resolve: &Resolve, interface: &str, id: InterfaceId) {
    for (name, type_id) in &resolve.interfaces[id].types {
        let definition = &resolve.types[*type_id];
        let path = format!("{interface}.{name}");
        let member = |member: &str, docs: &Docs, kind, ty: Option<Type>| {
            let types = ty.map(|ty| (member.to_owned(), ty)).into_iter().collect();
            item(&format!("{path}.{member}"), member, docs, kind, types)
        };
        let members: Vec<Item> = match &definition.kind {
            TypeDefKind::Type(_) => continue,
            TypeDefKind::Record(record) => {
                let fields = record.fields.iter();
                fields
                    .map(|field| member(&field.name, &field.docs, ItemKind::Field, Some(field.ty)))
                    .collect()
            }
            TypeDefKind::Enum(cases) => cases
                .cases
                .iter()
                .map(|case| member(&case.name, &case.docs, ItemKind::Case, None))
                .collect(),
            TypeDefKind::Variant(cases) => cases
                .cases
                .iter()
                .map(|case| member(&case.name, &case.docs, ItemKind::Case, case.ty))
                .collect(),
            _ => Vec::new(),
        };
        items.push(item(&path, name, &definition.docs, ItemKind::Type, vec![]));
        items.extend(members);
    }
}

/// Whether a type is an option, or a list, tuple or result of one. Named types speak for themselves.
pub fn is_or_holds_option(resolve: &Resolve, ty: &Type) -> bool {
    let holds = |ty: &Type| is_or_holds_option(resolve, ty);
    let Type::Id(id) = ty else { return false };
    match &resolve.types[*id].kind {
        TypeDefKind::Option(_) => true,
        TypeDefKind::List(inner) => holds(inner),
        TypeDefKind::Tuple(tuple) => tuple.types.iter().any(holds),
        TypeDefKind::Result(result) => result.ok.as_ref().is_some_and(holds),
        _ => false,
    }
}
