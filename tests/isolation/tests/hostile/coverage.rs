//! No attempt without a trial: checked while the suite is compiled, so that a guest that nobody tests is a build failure.

use crate::SUITES;
use crate::lab::Trial;

const _: () = {
    check("attempt", stockade_hostile::ATTEMPTS);
    check("upload", stockade_hostile::UPLOADS);
    check("list", stockade_hostile::LISTS);
    check("describe", stockade_hostile::DESCRIPTIONS);
};

/// Fails to compile, with the attempt's name, when one of these has no trial.
const fn check(kind: &str, names: &[&str]) {
    let mut name = 0;
    while name < names.len() {
        if !is_tried(kind, names[name]) {
            panic!("{}", names[name]);
        }
        name += 1;
    }
}

const fn is_tried(kind: &str, name: &str) -> bool {
    let mut suite = 0;
    while suite < SUITES.len() {
        let trials: &[Trial] = SUITES[suite];
        let mut trial = 0;
        while trial < trials.len() {
            let mut attempt = 0;
            while attempt < trials[trial].attempts.len() {
                if names(trials[trial].attempts[attempt], kind, name) {
                    return true;
                }
                attempt += 1;
            }
            trial += 1;
        }
        suite += 1;
    }
    false
}

/// Whether a text is `KIND NAME`.
const fn names(text: &str, kind: &str, name: &str) -> bool {
    let (text, kind, name) = (text.as_bytes(), kind.as_bytes(), name.as_bytes());
    if text.len() != kind.len() + 1 + name.len() || text[kind.len()] != b' ' {
        return false;
    }
    let mut place = 0;
    while place < text.len() {
        let expected = if place < kind.len() {
            kind[place]
        } else if place == kind.len() {
            b' '
        } else {
            name[place - kind.len() - 1]
        };
        if text[place] != expected {
            return false;
        }
        place += 1;
    }
    true
}
