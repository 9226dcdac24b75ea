//! Logins, counted by Keystone itself: one for a connection and a token's lifetime.

use stockade_test_support::http_server::Answer;

use crate::lab::{Lab, VM, recorded};
use crate::{Claim, claims};

pub(crate) fn claims() -> Vec<Claim> {
    claims![
        one_login_serves_all_calls_of_a_connection_also_those_at_once,
        a_token_that_ends_in_the_middle_of_a_change_is_renewed_once_and_the_change_is_made_once,
        another_connection_logs_in_for_itself,
    ]
}

fn one_login_serves_all_calls_of_a_connection_also_those_at_once(lab: &Lab) {
    let before = lab.identity().logins();
    let service = &lab.service;
    lab.wait(async {
        let (one, two, three) = tokio::join!(service.list_vms(), service.list_vms(), service.list_vms());
        assert_eq!([one, two, three].map(|list| list.unwrap().len()), [2, 2, 2]);
    });
    for _ in 0..3 {
        assert_eq!(lab.done(service.list_vms()).len(), 2);
    }
    lab.done(service.check());
    assert_eq!(lab.identity().logins() - before, 1, "{}", lab.identity().log());
}

fn a_token_that_ends_in_the_middle_of_a_change_is_renewed_once_and_the_change_is_made_once(lab: &Lab) {
    lab.done(lab.service.list_vms());
    let (before, old) = (lab.identity().logins(), lab.token());
    // Keystone forgets it, so that a service which asks would refuse it; this one is told to.
    lab.identity().revoke(&old);
    let action = format!("/v2.1/servers/{VM}/action");
    let server = format!("/v2.1/servers/{VM}");
    lab.services.once("GET", &server, recorded("server_stopped"));
    lab.services.once("POST", &action, Answer::bytes(401, "{}"));
    lab.done(lab.service.start_vm(VM));
    assert_eq!(lab.identity().logins() - before, 1, "{}", lab.identity().log());
    let actions: Vec<_> = lab
        .services
        .requests()
        .into_iter()
        .filter(|request| request.path == action)
        .collect();
    let tokens: Vec<_> = actions.iter().map(|request| request.header("x-auth-token")).collect();
    assert_eq!(tokens.len(), 2, "refused once, made once");
    assert!(tokens[0] == old && tokens[1] != old, "the second has a new token");
    // The catalogue is read with the new one too: Keystone takes it.
    lab.done(lab.service.check());
}

fn another_connection_logs_in_for_itself(lab: &Lab) {
    lab.done(lab.service.list_vms());
    let before = lab.identity().logins();
    let other = lab.sibling("other", |_| {});
    lab.done(other.list_vms());
    assert_eq!(lab.identity().logins() - before, 1, "{}", lab.identity().log());
}
