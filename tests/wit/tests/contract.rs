//! The contract is documented on every item and names things alike.

use std::collections::HashMap;

use stockade_test_wit::{Item, ItemKind, contract, is_or_holds_option, items, wit_directory};
use wit_parser::Type;

/// The least share of lines that explain, in percent of the lines that are not empty.
const DOC_LINES_PERCENT: usize = 45;

/// What functions of abilities begin with. A new verb is a decision: is it none of these?
const VERBS: &[&str] = &[
    "add", "attach", "cancel", "check", "clone", "create", "delete", "describe", "detach", "download", "eject",
    "export", "freeze", "get", "import", "insert", "list", "migrate", "open", "pause", "poll", "presign", "read",
    "remove", "reset", "resize", "restart", "resume", "revert", "run", "set", "start", "stop", "suspend", "take",
    "thaw", "update", "upgrade", "upload",
];

/// Words for what has a unit, and the units that names end with.
const MEASURES: &[&str] = &[
    "size",
    "memory",
    "capacity",
    "available",
    "timeout",
    "ttl",
    "valid",
    "delay",
    "duration",
];
const UNITS: &[&str] = &["gib", "mib", "kib", "bytes", "seconds", "ms", "percent"];

fn offenders(rule: &str, items: impl Iterator<Item = String>) {
    let found: Vec<_> = items.collect();
    assert!(found.is_empty(), "{rule}:\n  {}", found.join("\n  "));
}

#[test]
fn every_item_is_documented() {
    let contract = contract();
    let all = items(&contract);
    assert!(
        all.len() > 400,
        "only {} items were found: the contract is larger",
        all.len()
    );
    let silent = all.into_iter().filter(|item| item.docs.trim().is_empty());
    offenders(
        "these have no documentation; write what it is, its unit, what none means",
        silent.map(|item| item.path),
    );
}

#[test]
fn nearly_half_of_all_lines_explain() {
    let (mut lines, mut explaining) = (0, 0);
    for entry in std::fs::read_dir(wit_directory()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "wit") {
            let text = std::fs::read_to_string(&path).unwrap();
            let filled = text.lines().map(str::trim).filter(|line| !line.is_empty());
            lines += filled.clone().count();
            explaining += filled.filter(|line| line.starts_with("///")).count();
        }
    }
    assert!(
        explaining * 100 >= lines * DOC_LINES_PERCENT,
        "{explaining} of {lines} lines explain; at least {DOC_LINES_PERCENT} % should: say who can fix each error"
    );
}

#[test]
fn documentation_of_an_option_says_what_none_means() {
    let contract = contract();
    let silent = items(&contract).into_iter().filter(|item| {
        let optional = item
            .types
            .iter()
            .any(|(_, ty)| is_or_holds_option(&contract.resolve, ty));
        optional && !item.docs.to_lowercase().contains("none")
    });
    offenders(
        "these are or take an option, but do not say what none means",
        silent.map(|item| item.path),
    );
}

#[test]
fn functions_of_abilities_are_a_verb_and_a_noun() {
    let contract = contract();
    let functions = contract.functions();
    let odd = functions.iter().filter(|function| {
        let name = function.split_once('.').map_or("", |(_, name)| name);
        let (verb, noun) = name.split_once('-').unwrap_or((name, ""));
        // `describe` is about the provider itself.
        !VERBS.contains(&verb) || (noun.is_empty() && name != "describe")
    });
    offenders("these are not VERB-NOUN with a verb of the list", odd.cloned());
}

#[test]
fn a_function_name_means_one_ability() {
    let contract = contract();
    let mut homes: HashMap<String, Vec<String>> = HashMap::new();
    for function in contract.functions() {
        let (ability, name) = function.split_once('.').unwrap();
        homes.entry(name.to_owned()).or_default().push(ability.to_owned());
    }
    let shared = homes.into_iter().filter(|(_, homes)| homes.len() > 1);
    offenders(
        "these are in several abilities",
        shared.map(|(name, homes)| format!("{name}: {}", homes.join(", "))),
    );
}

fn is_number(ty: &Type) -> bool {
    matches!(ty, Type::U8 | Type::U16 | Type::U32 | Type::S8 | Type::S16 | Type::S32)
}

#[test]
fn no_type_is_one_that_languages_disagree_about() {
    let contract = contract();
    let wide = |ty: &Type| matches!(ty, Type::U64 | Type::S64 | Type::F32 | Type::F64 | Type::Char);
    let mut found: Vec<String> = Vec::new();
    for (_, definition) in &contract.resolve.types {
        for ty in mentioned(&definition.kind) {
            if wide(&ty) {
                found.push(format!(
                    "{ty:?} in type `{}`",
                    definition.name.as_deref().unwrap_or("(unnamed)")
                ));
            }
        }
    }
    let direct = items(&contract)
        .into_iter()
        .filter(|item| item.types.iter().any(|(_, ty)| wide(ty)));
    offenders(
        "64-bit integers, floats and characters",
        found.into_iter().chain(direct.map(|item| item.path)),
    );
}

/// The types that a type is made of, one level down.
fn mentioned(kind: &wit_parser::TypeDefKind) -> Vec<Type> {
    use wit_parser::TypeDefKind as Kind;
    match kind {
        Kind::Record(record) => record.fields.iter().map(|field| field.ty).collect(),
        Kind::Variant(variant) => variant.cases.iter().filter_map(|case| case.ty).collect(),
        Kind::Tuple(tuple) => tuple.types.clone(),
        Kind::Option(inner) | Kind::List(inner) => vec![*inner],
        Kind::Result(result) => result.ok.into_iter().chain(result.err).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn measured_numbers_carry_their_unit() {
    let contract = contract();
    let resolve = &contract.resolve;
    let number_inside = |ty: &Type| match ty {
        Type::Id(id) => mentioned(&resolve.types[*id].kind).iter().any(is_number),
        plain => is_number(plain),
    };
    let names = |item: &Item| -> Vec<String> {
        let measured = item.types.iter().filter(|(name, ty)| {
            let words: Vec<_> = name.split('-').collect();
            number_inside(ty)
                && words.iter().any(|word| MEASURES.contains(word))
                && !words.last().is_some_and(|word| UNITS.contains(word))
        });
        measured.map(|(name, _)| format!("{}: `{name}`", item.path)).collect()
    };
    // A record of two parts, each of which says its unit, is a size too.
    let all = items(&contract)
        .into_iter()
        .filter(|item| item.kind != ItemKind::Interface);
    offenders(
        "these are numbers without a unit in their names",
        all.flat_map(|item| names(&item)),
    );
}
