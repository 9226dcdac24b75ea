//! The details of many VMs with as few questions as libvirt allows, however they are asked.
//!
//! libvirt answers one question for each VM and kind of notes. VMs of one kind tend to come together, so a list asks first
//! for what the VMs before had: one question for each VM, also where kcli or nobody wrote any.

use std::io;

use super::list::Details;
use super::metadata::{self, KCLI_NAMESPACE, Metadata, NAMESPACE};

/// VMs that are asked about before it is judged what to ask first about the next ones.
const AT_ONCE: usize = 64;

/// Addresses that networks handed out, with their MAC addresses.
pub(super) type Leased = Vec<(String, String)>;

/// A way to ask libvirt about several VMs. What libvirt does not say of one of them is left out.
pub(super) trait Ask {
    /// A VM, as the way names it.
    type Vm;

    /// The metadata of each VM in a namespace.
    ///
    /// # Errors
    /// When nothing can be asked this way.
    fn metadata(&mut self, vms: &[&Self::Vm], namespace: &str) -> io::Result<Vec<Option<String>>>;

    /// The leased addresses of each VM.
    ///
    /// # Errors
    /// As [`Self::metadata`].
    fn leased(&mut self, vms: &[&Self::Vm]) -> io::Result<Vec<Leased>>;
}

/// The details of VMs, in their order; beside each stands whether it is active. Tags that kcli changed on a VM of ours since
/// are as we noted them: to see the change would take the second question.
///
/// # Errors
/// As the way to ask.
pub(super) fn details<A: Ask>(ask: &mut A, vms: &[(A::Vm, bool)]) -> io::Result<Vec<Details>> {
    let mut first = First::Ours;
    let mut details = Vec::with_capacity(vms.len());
    for some in vms.chunks(AT_ONCE) {
        let metadata = metadata_of(ask, some, first)?;
        if let Some(last) = metadata.last() {
            first = First::after(last);
        }
        details.extend(with_leased(ask, some, metadata)?);
    }
    Ok(details)
}

/// Whose notes are asked for first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum First {
    /// Ours, which tell everything.
    Ours,
    /// kcli's, which we write too, with a mark: where there are none, there are none of ours.
    Kclis,
}

impl First {
    /// After a VM with this metadata.
    const fn after(metadata: &Metadata) -> Self {
        if metadata.ours { Self::Ours } else { Self::Kclis }
    }

    /// The namespaces in the order in which they are asked for.
    const fn namespaces(self) -> (&'static str, &'static str) {
        match self {
            Self::Ours => (NAMESPACE, KCLI_NAMESPACE),
            Self::Kclis => (KCLI_NAMESPACE, NAMESPACE),
        }
    }

    /// Whether the second question is needed after this answer.
    fn needs_more(self, answer: Option<&str>) -> bool {
        match self {
            Self::Ours => answer.is_none(),
            Self::Kclis => answer.is_some_and(metadata::is_marked),
        }
    }
}

fn metadata_of<A: Ask>(ask: &mut A, vms: &[(A::Vm, bool)], first: First) -> io::Result<Vec<Metadata>> {
    let (one, other) = first.namespaces();
    let handles: Vec<&A::Vm> = vms.iter().map(|(vm, _)| vm).collect();
    let mut answers = ask.metadata(&handles, one)?;
    let more: Vec<usize> = (0..vms.len())
        .filter(|&index| first.needs_more(answers[index].as_deref()))
        .collect();
    let handles: Vec<&A::Vm> = more.iter().map(|&index| handles[index]).collect();
    for (index, answer) in more.into_iter().zip(ask.metadata(&handles, other)?) {
        if answer.is_some() {
            answers[index] = answer;
        }
    }
    let read = |answer: Option<String>| answer.map(|xml| Metadata::from_xml(&xml)).unwrap_or_default();
    Ok(answers.into_iter().map(read).collect())
}

/// Of VMs that others made we do not know the MAC addresses: libvirt looks for each that runs.
fn with_leased<A: Ask>(ask: &mut A, vms: &[(A::Vm, bool)], metadata: Vec<Metadata>) -> io::Result<Vec<Details>> {
    let to_details = |metadata| Details {
        metadata,
        leased: Leased::new(),
    };
    let mut details: Vec<Details> = metadata.into_iter().map(to_details).collect();
    let asked: Vec<usize> = (0..vms.len())
        .filter(|&index| vms[index].1 && !details[index].metadata.ours)
        .collect();
    let handles: Vec<&A::Vm> = asked.iter().map(|&index| &vms[index].0).collect();
    for (index, leased) in asked.into_iter().zip(ask.leased(&handles)?) {
        details[index].leased = leased;
    }
    Ok(details)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// VMs by their notes, ours and kcli's; counts the questions.
    #[derive(Default)]
    struct Asked(usize);

    #[derive(Clone, Copy)]
    struct Notes {
        ours: Option<&'static str>,
        kclis: Option<&'static str>,
    }

    impl Ask for Asked {
        type Vm = Notes;

        fn metadata(&mut self, vms: &[&Notes], namespace: &str) -> io::Result<Vec<Option<String>>> {
            self.0 += vms.len();
            let notes = |vm: &&Notes| if namespace == NAMESPACE { vm.ours } else { vm.kclis };
            Ok(vms.iter().map(|vm| notes(vm).map(str::to_owned)).collect())
        }

        fn leased(&mut self, vms: &[&Notes]) -> io::Result<Vec<Leased>> {
            Ok(vms
                .iter()
                .map(|_| vec![("mac".to_owned(), "address".to_owned())])
                .collect())
        }
    }

    const OURS: Notes = Notes {
        ours: Some("<s:vm xmlns:s='urn:stockade:vm:1'><s:image>ours</s:image></s:vm>"),
        kclis: Some(
            "<kvirt:info xmlns:kvirt='kvirt'><kvirt:image>ours</kvirt:image><kvirt:stockade>1</kvirt:stockade></kvirt:info>",
        ),
    };
    const KCLIS: Notes = Notes {
        ours: None,
        kclis: Some("<kvirt:info xmlns:kvirt='kvirt'><kvirt:image>kclis</kvirt:image></kvirt:info>"),
    };
    const NOBODYS: Notes = Notes {
        ours: None,
        kclis: None,
    };

    #[test]
    fn vms_of_one_kind_cost_one_question_each_but_for_the_first_ones() {
        for (kind, image, questions) in [
            (OURS, Some("ours"), 500),
            (KCLIS, Some("kclis"), 500 + AT_ONCE),
            (NOBODYS, None, 500 + AT_ONCE),
        ] {
            let mut asked = Asked::default();
            let details = details(&mut asked, &vec![(kind, true); 500]).unwrap();
            assert_eq!((details.len(), asked.0), (500, questions), "{image:?}");
            for details in details {
                assert_eq!(details.metadata.image.as_deref(), image);
                assert_eq!(details.leased.is_empty(), details.metadata.ours);
            }
        }
    }

    #[test]
    fn kinds_may_be_mixed_and_only_running_vms_have_leases() {
        let kinds = [OURS, KCLIS, NOBODYS];
        let vms: Vec<_> = (0..300).map(|number| (kinds[number % 3], number % 2 == 0)).collect();
        let details = details(&mut Asked::default(), &vms).unwrap();
        for (number, details) in details.iter().enumerate() {
            let image = [Some("ours"), Some("kclis"), None][number % 3];
            assert_eq!(details.metadata.image.as_deref(), image, "{number}");
            assert_eq!(
                details.leased.is_empty(),
                number % 3 == 0 || number % 2 == 1,
                "{number}"
            );
        }
    }
}
