//! What a component makes of a vendor that fails: the right kind of error, soon, and no change sent twice.

use std::time::Duration;

use stockade::contract::{ErrorKind, VmStatus};
use stockade_test_support::http_server::{Answer, Fault};

use super::FaultTrial;
use crate::outcome::{Outcome, ensure, refused};
use crate::setup::{Faults, start_server};

macro_rules! fault_trials {
    ($($name:ident),+ $(,)?) => {
        vec![$(FaultTrial { name: stringify!($name), run: |faults, trial| Box::pin($name(faults, trial)) }),+]
    };
}

pub(super) fn trials() -> Vec<FaultTrial> {
    fault_trials![
        a_healthy_server_is_listed,
        a_429_with_retry_after_is_waited_for_and_read_again,
        a_429_with_a_long_retry_after_is_rate_limited_with_the_delay,
        a_5xx_and_then_success_is_success_for_a_read,
        a_5xx_that_stays_is_an_error_soon,
        a_change_is_sent_once_whatever_the_answer,
        a_401_is_unauthenticated,
        a_403_is_denied,
        a_malformed_body_is_upstream,
        a_truncated_body_is_no_success,
        an_html_error_is_told_without_its_markup,
        html_with_status_200_is_upstream,
        a_slow_server_is_timed_out,
        an_endless_body_is_cut_off,
        a_dropped_connection_is_unavailable,
        nobody_listening_is_unavailable,
        a_redirect_is_not_followed,
        an_unknown_status_word_is_kept,
        one_failing_connection_does_not_disturb_another,
    ]
}

async fn a_healthy_server_is_listed(faults: &Faults, trial: &str) -> Outcome {
    let subject = faults.subject(trial, |_| ()).await?;
    let vms = subject.service.list_vms().await?;
    ensure!(vms.len() == faults.vm_count, "{} vms", vms.len());
    subject.service.start_vm(faults.vm).await?;
    Ok(())
}

async fn a_429_with_retry_after_is_waited_for_and_read_again(faults: &Faults, trial: &str) -> Outcome {
    let subject = faults.subject(trial, |_| ()).await?;
    subject.server.once(
        faults.list_method,
        faults.list_path,
        Answer::bytes(429, "").header("retry-after", "1"),
    );
    ensure!(
        subject.service.list_vms().await?.len() == faults.vm_count,
        "not all vms"
    );
    let lists = subject.server.requests();
    let lists = lists
        .iter()
        .filter(|request| request.answers_to(faults.list_path))
        .count();
    ensure!(lists == 2, "the list was asked for {lists} times");
    Ok(())
}

async fn a_429_with_a_long_retry_after_is_rate_limited_with_the_delay(faults: &Faults, trial: &str) -> Outcome {
    let subject = faults.subject(trial, |_| ()).await?;
    subject.server.always(
        faults.list_method,
        faults.list_path,
        Answer::bytes(429, "").header("retry-after", "3600"),
    );
    let error = refused(subject.service.list_vms().await, &["rate-limited"])?;
    ensure!(
        *error.kind() == ErrorKind::RateLimited(Some(3_600_000)),
        "{:?}",
        error.kind()
    );
    Ok(())
}

async fn a_5xx_and_then_success_is_success_for_a_read(faults: &Faults, trial: &str) -> Outcome {
    for status in [500, 502, 503] {
        let subject = faults.subject(&format!("{trial}-{status}"), |_| ()).await?;
        subject.server.once(
            faults.list_method,
            faults.list_path,
            Answer::html(status, "<h1>busy</h1>"),
        );
        let answer = subject.service.list_vms().await;
        // Whether a plain 500 is worth repeating is the vendor's matter; 502 and 503 are.
        if status != 500 || answer.is_ok() {
            ensure!(answer?.len() == faults.vm_count, "not all vms after {status}");
        }
    }
    Ok(())
}

async fn a_5xx_that_stays_is_an_error_soon(faults: &Faults, trial: &str) -> Outcome {
    let subject = faults.subject(trial, |_| ()).await?;
    subject.server.always(
        faults.list_method,
        faults.list_path,
        Answer::bytes(503, "down for maintenance"),
    );
    refused(subject.service.list_vms().await, &["unavailable", "upstream"])?;
    let tries = subject.server.requests().len();
    ensure!((1..=10).contains(&tries), "{tries} requests");
    Ok(())
}

async fn a_change_is_sent_once_whatever_the_answer(faults: &Faults, trial: &str) -> Outcome {
    let answers = [
        Answer::bytes(429, "").header("retry-after", "1"),
        Answer::bytes(503, ""),
        Answer::bytes(500, ""),
        Answer::bytes(200, "{}").fault(Fault::Disconnect),
        Answer::bytes(200, "{\"result\": \"success\"}").fault(Fault::Truncate(4)),
    ];
    for (index, answer) in answers.into_iter().enumerate() {
        let subject = faults.subject(&format!("{trial}-{index}"), |_| ()).await?;
        subject.server.always("POST", faults.start_path, answer);
        let kinds = ["rate-limited", "unavailable", "upstream", "timed-out"];
        refused(subject.service.start_vm(faults.vm).await, &kinds)?;
        let sent = subject
            .server
            .requests()
            .iter()
            .filter(|request| request.answers_to(faults.start_path))
            .count();
        ensure!(sent == 1, "answer {index}: the change was sent {sent} times");
    }
    Ok(())
}

/// The error of a list that is always answered so.
async fn list_error(faults: &Faults, trial: &str, answer: Answer, kinds: &[&str]) -> Outcome<stockade::Error> {
    let subject = faults.subject(trial, |_| ()).await?;
    subject.server.always(faults.list_method, faults.list_path, answer);
    refused(subject.service.list_vms().await, kinds)
}

async fn a_401_is_unauthenticated(faults: &Faults, trial: &str) -> Outcome {
    list_error(faults, trial, Answer::bytes(401, "who are you"), &["unauthenticated"])
        .await
        .map(drop)
}

async fn a_403_is_denied(faults: &Faults, trial: &str) -> Outcome {
    list_error(faults, trial, Answer::bytes(403, "not you"), &["denied"])
        .await
        .map(drop)
}

async fn a_malformed_body_is_upstream(faults: &Faults, trial: &str) -> Outcome {
    let bodies: [&[u8]; 6] = [b"", b"{\"vms\": [", b"[]", b"null", b"{\"vms\": 7}", b"\xff\xfe\x00"];
    for (index, body) in bodies.into_iter().enumerate() {
        let answer = Answer::bytes(200, body).header("content-type", "application/json");
        list_error(faults, &format!("{trial}-{index}"), answer, &["upstream"])
            .await
            .map_err(|failed| format!("body {index} {}", failed.message().unwrap_or_default()))?;
    }
    Ok(())
}

async fn a_truncated_body_is_no_success(faults: &Faults, trial: &str) -> Outcome {
    let answer = Answer::bytes(200, "{\"vms\": []}").fault(Fault::Truncate(6));
    list_error(faults, trial, answer, &["unavailable", "upstream"])
        .await
        .map(drop)
}

async fn an_html_error_is_told_without_its_markup(faults: &Faults, trial: &str) -> Outcome {
    let page = "<!DOCTYPE html><html><head><title>Error</title></head><body><h1>Internal &amp; odd</h1></body></html>";
    let error = list_error(faults, trial, Answer::html(500, page), &["upstream", "unavailable"]).await?;
    ensure!(!error.to_string().contains('<'), "{error}");
    Ok(())
}

async fn html_with_status_200_is_upstream(faults: &Faults, trial: &str) -> Outcome {
    list_error(
        faults,
        trial,
        Answer::html(200, "<html><body>Please log in</body></html>"),
        &["upstream"],
    )
    .await
    .map(drop)
}

async fn a_slow_server_is_timed_out(faults: &Faults, trial: &str) -> Outcome {
    let subject = faults.subject(trial, |config| config.timeout_seconds = Some(1)).await?;
    let slow = Answer::bytes(200, "{\"vms\": []}").after(Duration::from_secs(600));
    subject.server.always(faults.list_method, faults.list_path, slow);
    refused(subject.service.list_vms().await, &["timed-out"]).map(drop)
}

async fn an_endless_body_is_cut_off(faults: &Faults, trial: &str) -> Outcome {
    let answer = Answer::bytes(200, vec![b' '; 1 << 16]).fault(Fault::Endless);
    list_error(faults, trial, answer, &["upstream", "quota-exceeded", "unavailable"])
        .await
        .map(drop)
}

async fn a_dropped_connection_is_unavailable(faults: &Faults, trial: &str) -> Outcome {
    let answer = Answer::bytes(200, "").fault(Fault::Disconnect);
    list_error(faults, trial, answer, &["unavailable", "upstream"])
        .await
        .map(drop)
}

async fn nobody_listening_is_unavailable(faults: &Faults, trial: &str) -> Outcome {
    let subject = faults.subject(trial, |_| ()).await?;
    let address = subject.server.address();
    drop(subject.server);
    // The server ends in its own time.
    while std::net::TcpStream::connect(address).is_ok() {
        tokio::task::yield_now().await;
    }
    refused(subject.service.list_vms().await, &["unavailable"]).map(drop)
}

async fn a_redirect_is_not_followed(faults: &Faults, trial: &str) -> Outcome {
    let elsewhere = start_server().await?;
    let location = format!("{}/stolen", elsewhere.url());
    list_error(
        faults,
        trial,
        Answer::bytes(302, "").header("location", &location),
        &["upstream"],
    )
    .await?;
    ensure!(
        elsewhere.requests().is_empty(),
        "it went there: {:?}",
        elsewhere.requests()
    );
    Ok(())
}

async fn an_unknown_status_word_is_kept(faults: &Faults, trial: &str) -> Outcome {
    let subject = faults.subject(trial, |_| ()).await?;
    subject.server.always(
        faults.list_method,
        faults.list_path,
        (faults.list_with_status)("hibernating-oddly"),
    );
    let vms = subject.service.list_vms().await?;
    ensure!(vms.len() == 1, "{vms:?}");
    ensure!(
        (vms[0].status, &*vms[0].vendor_status) == (VmStatus::Unknown, "hibernating-oddly"),
        "{vms:?}"
    );
    Ok(())
}

async fn one_failing_connection_does_not_disturb_another(faults: &Faults, trial: &str) -> Outcome {
    let (ill, well) = (format!("{trial}-ill"), format!("{trial}-well"));
    let broken = faults.subject(&ill, |_| ()).await?;
    let _healthy = faults.subject(&well, |_| ()).await?;
    broken
        .server
        .always(faults.list_method, faults.list_path, Answer::bytes(500, ""));
    let answers = faults
        .runtime()
        .on_each(&[ill, well], async |service| service.list_vms().await)
        .await;
    let counts: Vec<_> = answers
        .iter()
        .map(|(_, answer)| answer.as_ref().map(Vec::len).ok())
        .collect();
    ensure!(counts == [None, Some(faults.vm_count)], "{answers:?}");
    Ok(())
}
