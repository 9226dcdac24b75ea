//! Lists: pages, cursors, order, agreement with single reads.

use stockade::contract::{Ability, PageRequest, Vm};

use super::{Trial, trials};
use crate::outcome::{Outcome, ensure, refused};
use crate::subject::Subject;

pub(super) fn trials() -> Vec<Trial> {
    trials![&[Ability::Vms];
        an_empty_list_is_empty,
        a_list_that_fits_on_one_page_has_no_next,
        pages_hold_everything_once_and_none_is_too_long,
        a_cursor_of_a_name_with_reserved_characters_continues,
        a_cursor_stays_right_when_its_item_is_deleted,
        a_limit_outside_1_to_1000_is_refused,
        a_list_and_a_single_read_agree,
    ]
}

async fn an_empty_list_is_empty(subject: &Subject) -> Outcome {
    let page = subject
        .service
        .list_vms_page(PageRequest {
            cursor: None,
            limit: None,
        })
        .await?;
    ensure!(
        page.items.is_empty() && page.next.is_none(),
        "an empty list is {page:?}"
    );
    Ok(())
}

async fn a_list_that_fits_on_one_page_has_no_next(subject: &Subject) -> Outcome {
    create_all(subject, &["page-a", "page-b"]).await?;
    let page = subject
        .service
        .list_vms_page(PageRequest {
            cursor: None,
            limit: Some(2),
        })
        .await?;
    ensure!(page.items.len() == 2, "{} vms on the page", page.items.len());
    ensure!(page.next.is_none(), "exactly one page has a next: {:?}", page.next);
    Ok(())
}

async fn pages_hold_everything_once_and_none_is_too_long(subject: &Subject) -> Outcome {
    let names = ["page-a", "page-b", "page-c"];
    create_all(subject, &names).await?;
    ensure!(walk(subject, 2).await? == names, "pages of 2");
    ensure!(walk(subject, 1).await? == names, "pages of 1");
    Ok(())
}

async fn a_cursor_of_a_name_with_reserved_characters_continues(subject: &Subject) -> Outcome {
    let mut created = Vec::new();
    for name in ["a", "b c/d?e&f=g%2Fh#i", "b.c_d-e", "c+d", "d"] {
        match subject.create(name).await {
            Ok(_) => created.push(name.to_owned()),
            // Which names a provider takes is another trial's question.
            Err(_) => continue,
        }
    }
    ensure!(created.len() >= 3, "only {created:?} could be created");
    created.sort();
    let mut walked = walk(subject, 1).await?;
    walked.sort();
    ensure!(walked == created, "walked {walked:?}, created {created:?}");
    Ok(())
}

async fn a_cursor_stays_right_when_its_item_is_deleted(subject: &Subject) -> Outcome {
    create_all(subject, &["page-a", "page-b", "page-c"]).await?;
    let first = subject
        .service
        .list_vms_page(PageRequest {
            cursor: None,
            limit: Some(1),
        })
        .await?;
    subject.delete(&first.items[0].name).await?;
    let rest = PageRequest {
        cursor: first.next,
        limit: Some(10),
    };
    let rest: Vec<_> = subject
        .service
        .list_vms_page(rest)
        .await?
        .items
        .into_iter()
        .map(|vm| vm.name)
        .collect();
    let expected: Vec<_> = ["page-a", "page-b", "page-c"]
        .into_iter()
        .filter(|name| *name != first.items[0].name)
        .collect();
    ensure!(rest == expected, "after the first was deleted: {rest:?}");
    Ok(())
}

async fn a_limit_outside_1_to_1000_is_refused(subject: &Subject) -> Outcome {
    for limit in [0, 1001, u32::MAX] {
        let answer = subject
            .service
            .list_vms_page(PageRequest {
                cursor: None,
                limit: Some(limit),
            })
            .await;
        refused(answer, &["invalid-argument"])?;
    }
    Ok(())
}

async fn a_list_and_a_single_read_agree(subject: &Subject) -> Outcome {
    create_all(subject, &["same-a", "same-b"]).await?;
    for listed in subject.service.list_vms().await? {
        let read = subject.service.get_vm(&listed.name).await?;
        ensure!(
            facts(&listed) == facts(&read),
            "listed {:?}, read {:?}",
            facts(&listed),
            facts(&read)
        );
        ensure!(
            read.disks.is_some() && read.nics.is_some() && read.metadata.is_some(),
            "get-vm left out a list: {read:?}"
        );
    }
    Ok(())
}

fn facts(vm: &Vm) -> impl PartialEq + std::fmt::Debug + use<> {
    (
        vm.id.clone(),
        vm.name.clone(),
        vm.status,
        vm.vendor_status.clone(),
        vm.image.clone(),
        vm.created_at.clone(),
    )
}

async fn create_all(subject: &Subject, names: &[&str]) -> Outcome {
    for name in names {
        subject.create(name).await?;
    }
    Ok(())
}

/// The names on all pages, in order.
async fn walk(subject: &Subject, limit: u32) -> Outcome<Vec<String>> {
    let (mut names, mut cursor) = (Vec::new(), None);
    for _ in 0..20 {
        let page = subject
            .service
            .list_vms_page(PageRequest {
                cursor,
                limit: Some(limit),
            })
            .await?;
        ensure!(
            page.items.len() <= limit as usize,
            "{} vms on a page of {limit}",
            page.items.len()
        );
        names.extend(page.items.into_iter().map(|vm| vm.name));
        cursor = page.next;
        if cursor.is_none() {
            return Ok(names);
        }
    }
    Err("the list does not end".into())
}
