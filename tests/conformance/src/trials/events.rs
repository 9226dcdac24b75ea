//! What changed without the host's doing.

use std::time::{Duration, Instant};

use stockade::contract::{Ability, EventKind};

use super::{Trial, trials};
use crate::outcome::{Outcome, ensure, refused};
use crate::subject::Subject;

pub(super) fn trials() -> Vec<Trial> {
    trials![&[Ability::Events];
        what_happens_after_a_cursor_is_told_once,
        a_foreign_cursor_is_refused,
    ]
}

/// How long a vendor may take to tell of a change.
const PATIENCE: Duration = Duration::from_secs(60);

async fn what_happens_after_a_cursor_is_told_once(subject: &Subject) -> Outcome {
    let start = subject.service.poll_events(None).await?;
    ensure!(!start.next.is_empty(), "there is no cursor to go on from");
    let id = subject.create("announced").await?;
    let (mut cursor, mut events) = (start.next, Vec::new());
    let began = Instant::now();
    let is_created = |event: &stockade::contract::Event| {
        event.kind == EventKind::Created
            && event.subject.noun == "vm"
            && (event.subject.name == "announced" || event.subject.name == id)
    };
    while !events.iter().any(is_created) {
        ensure!(began.elapsed() < PATIENCE, "nothing told of the new vm: {events:?}");
        let batch = subject.service.poll_events(Some(&cursor)).await?;
        ensure!(!batch.gap, "events were lost right after the start");
        if batch.items.is_empty() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        events.extend(batch.items);
        cursor = batch.next;
    }
    let again = subject.service.poll_events(Some(&cursor)).await?;
    ensure!(
        !again.items.iter().any(is_created),
        "it is told again: {:?}",
        again.items
    );
    Ok(())
}

async fn a_foreign_cursor_is_refused(subject: &Subject) -> Outcome {
    let answer = subject.service.poll_events(Some("not-a-cursor-of-anybody")).await;
    refused(answer, &["invalid-argument"]).map(drop)
}
